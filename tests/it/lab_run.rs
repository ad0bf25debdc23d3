//! Smoke tests of the lab: containers, kubelet, log and exec, through kube-rs's own client.

mod abrupt;
mod exec;
mod frames;
mod lab;

use futures::{AsyncBufReadExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, AttachParams, DeleteParams, LogParams, PostParams};
use serde_json::{Value, json};

use crate::support::container::image::{APP, APP_BARE, APP_BUSYBOX, POSTGRES};
use crate::support::container::process;
use crate::support::kubelet::Unschedulable;
use lab::{Lab, NS, app, pod};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_its_own_view_and_nothing_of_the_host() {
    let lab = Lab::new().await;
    let script = "env | sort; id -u; id -g; id -G; touch /work/mine && stat -c '%g %A' /work /work/mine
        for path in /root /srv /home /var/lib/postgresql; do ls \"$path\" >/dev/null 2>&1 && echo visible $path; done
        touch /tmp/x /x /usr/x 2>/dev/null && echo writable; grep CapBnd /proc/self/status; psql --version; hostname
        ps -e | wc -l; exit 7";
    let mut pod = pod("viewer", POSTGRES, script);
    pod["spec"]["securityContext"] = json!({"runAsNonRoot": true, "runAsUser": 999, "runAsGroup": 999, "fsGroup": 999});
    pod["spec"]["volumes"] = json!([{"name": "work", "emptyDir": {}}]);
    let container = &mut pod["spec"]["containers"][0];
    container["securityContext"] = json!({
        "readOnlyRootFilesystem": true, "allowPrivilegeEscalation": false,
        "capabilities": {"drop": ["ALL"]},
    });
    container["volumeMounts"] = json!([{"name": "work", "mountPath": "/work"}]);
    container["env"] = json!([
        {"name": "A", "value": "one"}, {"name": "B", "value": "$(A) and $$(A)"},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]);
    container["terminationMessagePolicy"] = "FallbackToLogsOnError".into();
    lab.run(pod).await;
    lab.until_phase("viewer", "Failed").await;
    let log = lab.log("viewer", "main").await;
    let lines: Vec<&str> = log.lines().collect();
    assert_eq!(lines[..2], ["A=one", "B=one and $(A)"], "{log}");
    let path = "PATH=/usr/lib/postgresql/15/bin:";
    assert!(lines[2].starts_with(path) && lines[3] == "POD=viewer", "{log}");
    let rest = &lines[5..];
    assert_eq!(lines[4], "PWD=/", "{log}");
    assert_eq!(rest[..3], ["999", "999", "999"], "{log}");
    assert_eq!(rest[3..5], ["999 drwxrwsrwx", "999 -rw-r--r--"], "{log}");
    assert_eq!(rest[5], "CapBnd:\t0000000000000000", "{log}");
    assert!(rest[6].starts_with("psql (PostgreSQL) 15") && rest[7] == "viewer", "{log}");
    let pod = lab.store.get("pods", NS, "viewer").expect("it is kept");
    let end = &pod["status"]["containerStatuses"][0]["state"]["terminated"];
    assert_eq!((&end["exitCode"], &end["reason"]), (&json!(7), &json!("Error")));
    assert_eq!(end["message"], *log);
}

#[tokio::test(flavor = "multi_thread")]
async fn init_containers_come_first_secrets_are_waited_for_and_a_fifo_is_written_by_exec() {
    let lab = Lab::new().await;
    let mut pod = pod(
        "job",
        POSTGRES,
        "cat /work/dump; mkfifo /work/go; echo waiting >&2; read word </work/go; echo \"got $word\"",
    );
    let secret = json!({"name": "PGPASSWORD", "valueFrom": {"secretKeyRef": {"name": "source", "key": "password"}}});
    let mounts = json!([{"name": "work", "mountPath": "/work"}]);
    pod["spec"]["volumes"] = json!([{"name": "work", "emptyDir": {}}]);
    pod["spec"]["initContainers"] = json!([{
        "name": "dump", "image": POSTGRES, "env": [secret], "volumeMounts": mounts,
        "command": ["/bin/sh", "-c", "echo \"dumped with $PGPASSWORD\" >/work/dump"],
    }]);
    pod["spec"]["containers"][0]["volumeMounts"] = mounts;
    lab.run(pod).await;
    let reason = |pod: &Value| pod["status"]["initContainerStatuses"][0]["state"]["waiting"]["reason"].clone();
    lab.until("job", "stuck", |pod| reason(pod) == "CreateContainerConfigError").await;
    let refused = lab.pods.logs("job", &LogParams::default()).await;
    let refused = refused.expect_err("no log yet").to_string();
    let why = "container \"main\" in pod \"job\" is waiting to start: PodInitializing";
    assert!(refused.contains(why), "{refused}");
    let secrets: Api<Secret> = Api::namespaced(lab.client.clone(), NS);
    let secret = json!({"metadata": {"name": "source"}, "stringData": {"password": "s3cret"}});
    let secret = serde_json::from_value(secret).expect("a Secret");
    let posted = secrets.create(&PostParams::default(), &secret).await;
    posted.expect("the Secret");
    lab.until_ready("job").await;
    let follow = LogParams { follow: true, timestamps: true, ..LogParams::default() };
    let log = lab.pods.log_stream("job", &follow).await.expect("a log");
    let mut lines = log.lines();
    for expected in ["dumped with s3cret", "waiting"] {
        let line = lines.try_next().await.expect("a line").expect("one more");
        let (at, text) = line.split_once(' ').expect("a time");
        assert_eq!(text, expected);
        assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
    }
    let word = "printf '%s\\n' \"$1\" >/work/go";
    let (_, _, code) = lab.exec("job", &["sh", "-c", word, "sh", "restore"]).await;
    // The container ends when it has the word, and takes the writer with it if that is still there.
    assert!(matches!(code, Some(0 | 137)), "{code:?}");
    let last = lines.try_next().await.expect("a line").expect("one more");
    assert!(last.ends_with(" got restore"), "{last}");
    assert_eq!(lines.try_next().await.expect("an end"), None);
    lab.until_phase("job", "Succeeded").await;
    let started = lab.node.started();
    let argv = started.iter().flat_map(|process| &process.argv);
    assert!(argv.clone().all(|word| !word.contains("s3cret")));
    let dump = started.iter().find(|process| process.place.ends_with("/dump"));
    let env = &dump.expect("it ran").env;
    assert!(env.contains(&("PGPASSWORD".to_owned(), "s3cret".to_owned())));
}

#[tokio::test(flavor = "multi_thread")]
async fn images_can_lack_programs_or_have_others() {
    let lab = Lab::new().await;
    let images = lab.node.config().images;
    let failing = "echo 'pg_dump: error: no' >&2; exit 1";
    images.with("docker.io/library/postgres:15-badump", POSTGRES, &[("pg_dump", failing)]);
    lab.run(pod("bad", "postgres:15-badump", "pg_dump; echo $?; pg_restore --version")).await;
    let script = "find / -maxdepth 0 -printf x; find / -maxdepth 0; tar --version";
    lab.run(pod("busy", APP_BUSYBOX, script)).await;
    lab.run(pod("bare", APP_BARE, "command -v find || echo none; command -v tar; tar; ls /usr >/dev/null && echo ls"))
        .await;
    lab.run(pod("unknown", "docker.io/library/postgres:99", "")).await;
    for name in ["bad", "busy", "bare"] {
        lab.until_phase(name, "Succeeded").await;
    }
    let log = lab.log("bad", "main").await;
    assert!(log.starts_with("pg_dump: error: no\n1\npg_restore (PostgreSQL) 15"), "{log}");
    let log = lab.log("busy", "main").await;
    assert!(log.starts_with("find: unrecognized: -printf\n"), "{log}");
    assert!(log.contains("\n/\ntar (busybox) 1."), "{log}");
    let log = lab.log("bare", "main").await;
    assert!(log.starts_with("none\n") && log.contains("tar: not found") && log.ends_with("ls\n"), "{log}");
    let reason =
        |pod: &Value, wanted: &str| pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == wanted;
    lab.until("unknown", "backing off", |pod| reason(pod, "ImagePullBackOff")).await;
    let refused = lab.pods.logs("unknown", &LogParams::default()).await;
    let refused = refused.expect_err("no log").to_string();
    assert!(refused.contains("is waiting to start: trying and failing to pull image"), "{refused}");
    let events = lab.store.list("events", Some(NS));
    let said = |reason: &str| events.iter().any(|event| event["reason"] == reason);
    assert!(said("Pulling") && said("Failed") && said("BackOff") && said("Scheduled"));
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_end_as_pods_do() {
    let lab = Lab::new().await;
    lab.node.set(|config| config.unschedulable.push(Unschedulable::of("heavy")));
    for name in ["polite", "heavy", "evicted", "greedy"] {
        lab.run(app(name, APP)).await;
    }
    lab.run(pod("deaf", APP, "trap '' TERM; while :; do sleep 1; done")).await;
    let unscheduled = |pod: &Value| pod["status"]["conditions"][0]["reason"] == "Unschedulable";
    lab.until("heavy", "unschedulable", unscheduled).await;
    lab.node.set(|config| config.unschedulable.clear());
    for name in ["polite", "heavy", "evicted", "greedy", "deaf"] {
        lab.until_ready(name).await;
    }
    lab.node.oom_kill(NS, "greedy", "main");
    let end = |pod: &Value| pod["status"]["containerStatuses"][0]["state"]["terminated"].clone();
    let oom = |pod: &Value| end(pod)["reason"] == "OOMKilled" && end(pod)["exitCode"] == 137;
    lab.until("greedy", "killed", oom).await;
    lab.node.evict(NS, "evicted");
    lab.until("evicted", "evicted", |pod| pod["status"]["reason"] == "Evicted" && !end(pod).is_null()).await;
    // One heeds TERM, the other is killed when its grace is over.
    for (name, code) in [("polite", 0), ("deaf", 137)] {
        let container = lab.node.container(NS, name, "main").expect("it runs");
        let deleted = lab.pods.delete(name, &DeleteParams::default()).await;
        deleted.expect("deleted");
        lab.until(name, "gone", Value::is_null).await;
        let exit = container.exit().expect("it ended before its object was gone");
        assert_eq!(exit.code, code, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn app_containers_start_again_when_the_policy_is_always() {
    let lab = Lab::new().await;
    let mut again = pod("again", APP, "echo run; exit 1");
    again["spec"]["restartPolicy"] = "Always".into();
    lab.run(again).await;
    let status = |pod: &Value| pod["status"]["containerStatuses"][0].clone();
    lab.until("again", "backing off", |pod| {
        status(pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
            && status(pod)["lastState"]["terminated"]["exitCode"] == 1
    })
    .await;
    lab.until("again", "restarted", |pod| status(pod)["restartCount"].as_u64() >= Some(2)).await;
    let previous = LogParams { previous: true, ..LogParams::default() };
    assert_eq!(lab.pods.logs("again", &previous).await.expect("a log"), "run\n");
}

#[test]
fn everything_is_dead_when_a_test_panics() {
    let marker = "86399.25";
    let place = std::panic::catch_unwind(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let lab = Lab::new().await;
            let mut pod = pod("left", POSTGRES, &format!("trap '' TERM; sleep {marker} & wait"));
            pod["spec"]["securityContext"] = json!({"runAsUser": 999});
            lab.run(pod).await;
            lab.until_ready("left").await;
            let params = AttachParams::default();
            let left = lab.pods.exec("left", ["sleep", marker], &params).await;
            let _left = left.expect("exec");
            assert!(!sleepers(marker).is_empty());
            panic!("as a test does");
        });
    });
    assert!(place.is_err());
    assert_eq!(sleepers(marker), Vec::<u32>::new());
}

fn sleepers(marker: &str) -> Vec<u32> {
    let pids = std::fs::read_dir("/proc").expect("proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(format!("sleep\0{marker}").as_bytes()) && process::is_alive(*pid)
    })
    .collect()
}
