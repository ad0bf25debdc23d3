//! The PostgreSQL server as a Pod, holding what the lab's own server holds.

use super::kubectl::{Kubectl, feed};
use crate::support::postgres::{Checksum, PRODUCTION, PostgresServer, Production, SANDBOX, sums};
use serde_json::{Value, json};

pub(crate) const NAMESPACE: &str = "sandbox-lifecycle-e2e";
const POD: &str = "postgres";

/// The server, and what was put into it last.
pub(crate) struct Server {
    kubectl: Kubectl,
    holds: Option<(String, [Checksum; 2])>,
}

/// The Pod and its Service; no volume, as nothing of it is kept.
pub(crate) fn objects(image: &str) -> [Value; 2] {
    // Losing the Pod is losing the data anyway.
    let settings = ["fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_prepared_transactions=5"];
    let arguments: Vec<&str> =
        ["postgres"].into_iter().chain(settings.iter().flat_map(|setting| ["-c", setting])).collect();
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"namespace": NAMESPACE, "name": POD, "labels": {"app": POD}},
        "spec": {
            "terminationGracePeriodSeconds": 1,
            "containers": [{
                "name": POD, "image": image, "imagePullPolicy": "IfNotPresent", "args": arguments,
                "env": [{"name": "POSTGRES_PASSWORD", "value": "superuser of a test"}],
                // Over TCP: the server that the image starts for its own set-up listens on the socket only.
                "readinessProbe": {"exec": {"command": ["pg_isready", "-h", "127.0.0.1"]}, "periodSeconds": 1},
            }],
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"namespace": NAMESPACE, "name": POD},
        "spec": {"selector": {"app": POD}, "ports": [{"port": 5432}]},
    });
    [pod, service]
}

impl Server {
    pub(crate) fn new(kubectl: Kubectl) -> Self {
        Self { kubectl, holds: None }
    }

    pub(crate) fn await_ready(&self) {
        self.kubectl.run(&["-n", NAMESPACE, "wait", "--for=condition=Ready", "pod", POD, "--timeout=180s"]);
    }

    /// Where Pods reach it: by address, as not every cluster has a DNS.
    pub(crate) fn address(&self) -> String {
        let service = self.kubectl.get(NAMESPACE, &["service", POD]);
        service["spec"]["clusterIP"].as_str().expect("a Service has an address").to_owned()
    }

    /// Makes both databases what the lab has for this production, unless they are.
    pub(crate) fn hold(&mut self, production: &Production) {
        let wanted = format!("{production:?}");
        if self.holds.as_ref().is_some_and(|(held, sums)| *held == wanted && self.checksums() == *sums) {
            return;
        }
        let original = PostgresServer::with(production, &[]);
        let dump = original.dump_all();
        // The superuser is there in any server, and cannot drop itself.
        let superuser = ["DROP ROLE IF EXISTS postgres;", "CREATE ROLE postgres;"];
        let lines = dump.lines().filter(|line| !superuser.contains(line));
        let dump = lines.collect::<Vec<_>>().join("\n");
        self.kubectl.feed(&["-n", NAMESPACE, "exec", "-i", POD, "--", "sh", "-c", "cat >/tmp/seed.sql"], &dump);
        self.sql("postgres", "\\i /tmp/seed.sql");
        self.holds = Some((wanted, self.checksums()));
    }

    /// Runs SQL as the superuser in the server's own Pod, as the lab's. The text is short: kubectl waits for ever when a
    /// command that is sent much ends before it has read it.
    pub(crate) fn sql(&self, database: &str, text: &str) -> String {
        let psql = ["psql", "-XqAtw", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database];
        let command = self.kubectl.command(&[&["-n", NAMESPACE, "exec", "-i", POD, "--"][..], &psql].concat());
        feed(command, text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// What production's database and the sandbox's hold, table by table and sequence by sequence.
    pub(crate) fn checksums(&self) -> [Checksum; 2] {
        const CHECKSUM: &str = include_str!("../support/postgres/checksum.sql");
        const BETWEEN: &str = "--- the sandbox";
        let text = format!("{CHECKSUM}\n\\echo '{BETWEEN}'\n\\connect \"{}\"\n{CHECKSUM}", SANDBOX.database);
        let both = self.sql(PRODUCTION.database, &text);
        let (production, sandbox) = both.split_once(BETWEEN).expect("what lies between them");
        [sums(production), sums(sandbox)]
    }
}
