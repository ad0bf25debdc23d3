//! A real PostgreSQL server of a test's own: a copy of a template data directory, on a free port of 127.0.0.1.
//!
//! The lab's roles and databases are those of the mission: production `erp` of `erp_role`, the sandbox `erp-sandbox` of
//! `erp_sandbox_role`, a login member of each, and a provisioner who owns `user_lookup` in both.
mod disk;
mod programs;
mod template;

use super::skipped::skipped;
use programs::{answer, as_postgres, aside, bin, hand_over, run};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
pub(crate) use template::Production;

/// Production's database, login and its password.
pub(crate) const PRODUCTION: Access = Access { database: "erp", user: "v-prod-1", password: r#"prod-s3cret '"$HOME\"# };
/// The sandbox's.
pub(crate) const SANDBOX: Access =
    Access { database: "erp-sandbox", user: "v-sandbox-1", password: "sandbox-s3cret é" };

/// A database and who may use it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Access {
    pub(crate) database: &'static str,
    pub(crate) user: &'static str,
    pub(crate) password: &'static str,
}

/// What each table and sequence holds: `llx_x` → "r rows,hash" or "S last_value,is_called".
pub(crate) type Checksum = BTreeMap<String, String>;

/// A running server; gone with its files when dropped, and also when the test process is killed.
pub(crate) struct PostgresServer {
    directory: TempDir,
    port: u16,
    /// The size of the disk that `disk` mounts.
    disk_bytes: Option<u64>,
    supervisor: Option<Child>,
}

impl PostgresServer {
    /// A server with the project's own fixture.
    pub(crate) fn start() -> Self {
        Self::with(&Production::Fixture, &[])
    }

    /// A server with this production, and further settings (`max_connections=20`).
    pub(crate) fn with(production: &Production, settings: &[&str]) -> Self {
        aside(|| Self::made(production, settings))
    }

    fn made(production: &Production, settings: &[&str]) -> Self {
        let directory =
            tempfile::Builder::new().prefix("sandbox-lifecycle-pg-").tempdir().expect("a temporary directory");
        let data = directory.path().join("data");
        run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(template::data_directory(production)).arg(&data));
        hand_over(directory.path());
        let mut server = Self { directory, port: 0, disk_bytes: None, supervisor: None };
        server.launch(settings);
        server
    }

    /// The real Dolibarr dump, where it is there.
    pub(crate) fn real_dump() -> Option<Production> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/dolibarr-erp.dump");
        file.exists().then_some(Production::Dump(file))
    }

    /// The same, for a test that is about nothing else.
    pub(crate) fn real_dump_or_skipped() -> Option<Production> {
        let dump = Self::real_dump();
        if dump.is_none() {
            skipped("the real dump ../shared/data/dolibarr-erp.dump is not there");
        }
        dump
    }

    /// Whether servers here are of another version than pg_dump.
    pub(crate) fn is_newer_than_its_clients() -> bool {
        bin("initdb").parent() != bin("pg_dump").parent()
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Stops it (at once, as a crash does) and starts it again on the same port, with these settings more.
    pub(crate) fn restart(&mut self, settings: &[&str]) {
        self.stop();
        aside(|| self.launch(settings));
    }

    /// Stops it; `restart` brings it back.
    pub(crate) fn stop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            aside(|| supervisor.wait()).expect("the supervisor ends");
        }
    }

    /// Every statement that any client has sent, with who sent it.
    pub(crate) fn statements(&self) -> String {
        self.statements_from(&mut 0)
    }

    /// Those from this byte of the log on, which is moved to its end.
    pub(crate) fn statements_from(&self, place: &mut u64) -> String {
        let mut log = std::fs::File::open(self.directory.path().join("log")).expect("the server's log");
        log.seek(SeekFrom::Start(*place)).expect("the log's place");
        let mut text = Vec::new();
        *place += log.read_to_end(&mut text).expect("the server's log") as u64;
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Runs SQL as the superuser and gives what it prints, unaligned.
    pub(crate) fn sql(&self, database: &str, text: &str) -> String {
        self.try_sql(database, text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    /// The same where an error is an answer.
    pub(crate) fn try_sql(&self, database: &str, text: &str) -> Result<String, String> {
        let output = aside(|| self.psql(database).args(["-c", text]).output());
        answer(&output.expect("psql runs"))
    }

    /// Waits, in the server, until some session is so.
    pub(crate) fn until_session(&self, condition: &str) {
        let until = format!(
            "DO $wait$ BEGIN LOOP PERFORM pg_stat_clear_snapshot(); EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE {condition});
            PERFORM pg_sleep(0.01); END LOOP; END $wait$"
        );
        self.sql("postgres", &until);
    }

    /// A psql of the superuser: no start-up file, unaligned, stopping at an error.
    pub(crate) fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new("psql");
        psql.args([
            "-XqAtw",
            "-v",
            "ON_ERROR_STOP=1",
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &self.port.to_string(),
            "-d",
            database,
        ]);
        psql.env("PGCLIENTENCODING", "UTF8").env("PGAPPNAME", "lab").stdin(Stdio::null());
        psql
    }

    /// A psql of one of the two logins.
    pub(crate) fn psql_as(&self, access: &Access) -> Command {
        let mut psql = self.psql(access.database);
        psql.args(["-U", access.user]).env("PGPASSWORD", access.password);
        psql
    }

    /// What the database holds, table by table and sequence by sequence.
    pub(crate) fn checksum(&self, database: &str) -> Checksum {
        sums(&self.sql_file(database, include_str!("postgres/checksum.sql")))
    }

    /// Roles with their passwords and all databases, as SQL.
    pub(crate) fn dump_all(&self) -> String {
        let mut dump = Command::new(bin("pg_dumpall"));
        let output = dump
            .args(["-h", "127.0.0.1", "-U", "postgres", "-w", "-p", &self.port.to_string()])
            .args(["--clean", "--if-exists"])
            .output();
        answer(&output.expect("pg_dumpall runs")).unwrap_or_else(|error| panic!("pg_dumpall: {error}"))
    }

    /// Runs a text with psql's own commands in it.
    pub(crate) fn sql_file(&self, database: &str, text: &str) -> String {
        let mut psql = self
            .psql(database)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql runs");
        template::write_and_close(&mut psql, text);
        answer(&aside(|| psql.wait_with_output()).expect("psql ends")).unwrap_or_else(|error| panic!("{error}"))
    }

    fn launch(&mut self, settings: &[&str]) {
        let mut trouble = String::new();
        // Between finding a free port and taking it somebody else may: try another then.
        for _ in 0..5 {
            if self.port == 0 {
                let probe = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
                self.port = probe.local_addr().expect("its address").port();
            }
            match supervise(self.directory.path(), self.port, self.disk_bytes, settings) {
                Ok(supervisor) => return self.supervisor = Some(supervisor),
                Err(error) => trouble = error,
            }
            self.port = 0;
        }
        panic!("PostgreSQL does not start: {trouble}");
    }
}

/// What `postgres/checksum.sql` has printed.
pub(crate) fn sums(lines: &str) -> Checksum {
    let lines = lines.lines().filter_map(|line| line.split_once('\t'));
    lines.map(|(name, sum)| (name.into(), sum.replace('\t', " "))).collect()
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Starts the server of `directory/data` under a shell that stops it as soon as its standard input ends: when it is told to,
/// and when the test process is gone for whatever reason.
fn supervise(directory: &Path, port: u16, disk: Option<u64>, settings: &[&str]) -> Result<Child, String> {
    const SCRIPT: &str = r#"
        control=$1 data=$2 log=$3 options=$4
        "$control" -D "$data" -l "$log" -o "$options" -w -s start </dev/null || exit 1
        echo ready
        read -r _ || :
        "$control" -D "$data" -m immediate -w -s stop
    "#;
    let mut options = format!("-p {port} -k {}", directory.display());
    settings.iter().for_each(|setting| options.push_str(&format!(" -c {setting}")));
    let shell = as_postgres("sh");
    let mut shell = match disk {
        None => shell,
        Some(bytes) => with_disk(&directory.join("disk"), bytes, &shell),
    };
    shell
        .args(["-c", SCRIPT, "sh"])
        .arg(bin("pg_ctl"))
        .arg(directory.join("data"))
        .arg(directory.join("log"))
        .arg(options);
    let mut child = shell
        .current_dir(directory)
        .process_group(0) // ^C is for the tests, which then close the pipe
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a shell runs");
    let mut said = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut said).expect("its output");
    if said == "ready\n" {
        return Ok(child);
    }
    child.wait().expect("the shell ends");
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("its messages");
    Err(said + &std::fs::read_to_string(directory.join("log")).unwrap_or_default())
}

/// The command with a file system of this size at this place.
fn with_disk(place: &Path, bytes: u64, inner: &Command) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--dev-bind", "/", "/", "--size", &bytes.to_string(), "--perms", "0777", "--tmpfs"]).arg(place);
    command.arg(inner.get_program()).args(inner.get_args());
    command
}
