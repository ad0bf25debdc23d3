//! The data directory that every server starts from: made once for each fixture and kept between runs.
use super::programs::{as_postgres, bin, hand_over, run};
use super::{PRODUCTION, PostgresServer, SANDBOX};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const ROLES: &str = include_str!("roles.sql");
const PROVISIONED: &str = include_str!("provisioned.sql");
const SCHEMA: &str = include_str!("../../fixture/schema.sql");
const ENTITIES: &str = include_str!("../../fixture/entities");
/// Those that the rest of the fixture names.
const FEW_ENTITIES: &str = "facture societe ticket";
const ROWS: &str = include_str!("../../fixture/rows.sql");
const SANDBOX_ROWS: &str = include_str!("../../fixture/sandbox.sql");
const SANDBOX_DUMP: &str = include_str!("../../fixture/sandbox_of_dump.sql");
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
fsync = off
full_page_writes = off
synchronous_commit = off
autovacuum = off
shared_buffers = 64MB
max_wal_size = 256MB
max_prepared_transactions = 5
log_statement = all
log_line_prefix = '%m [%p] %u@%d %a '
";
/// The superuser is the tests themselves; everybody else shows a password.
const HOST_BASED: &str =
    "host all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\nlocal all all reject\n";

/// What production holds.
#[derive(Clone, Debug)]
pub(crate) enum Production {
    /// The project's own schema of 295 tables.
    Fixture,
    /// The same with 15 tables: a refresh of it takes a second.
    Small,
    /// A `pg_dump -Fc` file.
    Dump(PathBuf),
}

/// The template's data directory; made now if it is not there.
pub(super) fn data_directory(production: &Production) -> PathBuf {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(kept).expect("the target directory");
    let template = kept.join(format!("postgres-{:016x}", key(production)));
    // One process makes it, the others wait here.
    let lock = std::fs::File::create(template.with_extension("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    if !template.exists() {
        make(production, &template);
    }
    template
}

/// Another text, another server version, another dump: another template.
fn key(production: &Production) -> u64 {
    let mut hasher = DefaultHasher::new();
    (ROLES, PROVISIONED, SCHEMA, ENTITIES, ROWS, SANDBOX_ROWS, SANDBOX_DUMP, SETTINGS, HOST_BASED).hash(&mut hasher);
    (include_str!("template.rs"), matches!(production, Production::Small)).hash(&mut hasher);
    bin("initdb").hash(&mut hasher);
    if let Production::Dump(file) = production {
        let about = std::fs::metadata(file).expect("the dump");
        (file, about.len(), about.modified().expect("its time")).hash(&mut hasher);
    }
    hasher.finish()
}

fn make(production: &Production, template: &Path) {
    // Made where the server's user may go, whatever the target directory's parents allow.
    let directory = tempfile::Builder::new().prefix("sandbox-lifecycle-pg-").tempdir().expect("a temporary directory");
    hand_over(directory.path());
    let data = directory.path().join("data");
    let options =
        ["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync", "--wal-segsize=16", "-D"];
    run(as_postgres(bin("initdb")).args(options).arg(&data));
    std::fs::write(data.join("pg_hba.conf"), HOST_BASED).expect("pg_hba.conf");
    let mut settings =
        std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")).expect("postgresql.conf");
    settings.write_all(SETTINGS.as_bytes()).expect("postgresql.conf");
    hand_over(directory.path());

    let mut server = PostgresServer { directory, port: 0, disk_bytes: None, supervisor: None };
    server.launch(&[]);
    fill(&server, production);
    // A template is a clean shutdown, not a crash to recover from.
    run(as_postgres(bin("pg_ctl")).args(["-m", "fast", "-w", "-s", "stop", "-D"]).arg(&data).current_dir("/"));
    let partial = template.with_extension("partial");
    run(Command::new("rm").arg("-rf").arg(&partial));
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(&data).arg(&partial));
    std::fs::rename(&partial, template).expect("the template's place");
}

fn fill(server: &PostgresServer, production: &Production) {
    let passwords = [("prod_password", PRODUCTION.password), ("sandbox_password", SANDBOX.password)];
    script(server, "postgres", &passwords, ROLES);
    script(server, PRODUCTION.database, &[("role", "erp_role")], PROVISIONED);
    script(server, SANDBOX.database, &[("role", "erp_sandbox_role")], PROVISIONED);
    match production {
        Production::Fixture => fixtures(server, &ENTITIES.split_whitespace().collect::<Vec<_>>().join(" ")),
        Production::Small => fixtures(server, FEW_ENTITIES),
        Production::Dump(file) => {
            load(server, file, PRODUCTION.database, "erp_role");
            load(server, file, SANDBOX.database, "erp_sandbox_role");
            script(server, SANDBOX.database, &[], &format!("SET ROLE erp_sandbox_role;\n{SANDBOX_DUMP}"));
        }
    }
}

fn fixtures(server: &PostgresServer, entities: &str) {
    let values = [("entities", entities), ("scale", "20"), ("since", "2024-03-01"), ("who", "production")];
    fixture(server, PRODUCTION.database, "erp_role", &values);
    let values = [("entities", entities), ("scale", "4"), ("since", "2023-01-01"), ("who", "sandbox")];
    fixture(server, SANDBOX.database, "erp_sandbox_role", &values);
    script(server, SANDBOX.database, &[], &format!("SET ROLE erp_sandbox_role;\n{SANDBOX_ROWS}"));
}

fn fixture(server: &PostgresServer, database: &str, role: &str, values: &[(&str, &str)]) {
    script(server, database, values, &format!("SET ROLE {role};\n{SCHEMA}"));
    script(server, database, values, &format!("SET ROLE {role};\n{ROWS}"));
}

/// Loads a dump as this role's, but for what the provisioner has laid there already.
fn load(server: &PostgresServer, file: &Path, database: &str, role: &str) {
    let list = Command::new(bin("pg_restore")).arg("--list").arg(file).output().expect("pg_restore runs");
    let provisioned = [" SCHEMA - public ", " COMMENT - SCHEMA public ", " user_lookup("];
    let kept = |line: &&str| !provisioned.iter().any(|entry| line.contains(entry));
    let list: String =
        String::from_utf8_lossy(&list.stdout).lines().filter(kept).map(|line| format!("{line}\n")).collect();
    let toc = server.directory.path().join("toc");
    std::fs::write(&toc, list).expect("the list");
    let port = server.port.to_string();
    run(Command::new(bin("pg_restore"))
        .args([
            "-h",
            "127.0.0.1",
            "-U",
            "postgres",
            "-p",
            &port,
            "-d",
            database,
            "--no-owner",
            "--no-acl",
            "--exit-on-error",
            "-1",
        ])
        .args(["--role", role])
        .arg("-L")
        .args([&toc, file]));
    server.sql(database, "ANALYZE");
}

fn script(server: &PostgresServer, database: &str, values: &[(&str, &str)], text: &str) {
    let mut psql = server.psql(database);
    values.iter().for_each(|(name, value)| {
        psql.arg("-v").arg(format!("{name}={value}"));
    });
    let mut psql = psql.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("psql runs");
    write_and_close(&mut psql, text);
    let output = psql.wait_with_output().expect("psql ends");
    super::answer(&output).unwrap_or_else(|error| panic!("the fixture of {database}: {error}"));
}

pub(super) fn write_and_close(child: &mut Child, text: &str) {
    // A psql that stops at an error reads no further: its status tells, not this pipe.
    let _ = child.stdin.take().expect("piped").write_all(text.as_bytes());
}
