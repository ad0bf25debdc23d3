//! The Job's containers: each with the credentials of one database, and no other's.
use super::super::Context;
use crate::cluster::job::{Container, Env};
use crate::jobs;
use crate::settings::Settings;

/// What the dump's script calls it.
pub(in crate::step) const PRODUCTION: &str = "production";

pub(super) fn dump_container<'a>(cx: &Context<'a>, host: &str, secret: &'a str) -> Container<'a> {
    let env = environment((cx.settings, cx.run), host, &cx.settings.prod.database, secret);
    dumping(cx, PRODUCTION, env)
}

/// The container that dumps what this environment leads to, and calls it `reads`.
pub(in crate::step) fn dumping<'a>(cx: &Context<'_>, reads: &str, mut env: Vec<Env<'a>>) -> Container<'a> {
    // What is read as the sandbox must not be that.
    let production = if reads == PRODUCTION { String::new() } else { cx.record.production_as_text() };
    env.extend(reading(cx.settings, reads));
    env.push(Env::Plain("PRODUCTION", production));
    env.extend(["ROOM_SH", "STAMP"].map(|name| Env::Plain(name, String::new())));
    env.extend(jobs::DUMP.files.iter().map(|(name, text)| Env::Plain(name, (*text).to_owned())));
    Container { name: jobs::DUMP.name, script: jobs::DUMP.text, env }
}

/// What a container that only reads a database knows of it.
pub(in crate::step) fn reading(settings: &Settings, reads: &str) -> Vec<Env<'static>> {
    let mut env = vec![Env::Plain("READS", reads.to_owned())];
    if settings.require_read_only_role {
        env.push(Env::Plain("REQUIRE_READ_ONLY", "1".to_owned()));
    }
    env
}

/// What the sandbox is brought to.
pub(in crate::step) struct Set<'a> {
    /// What `restore` knows it as.
    pub(in crate::step) source: &'a str,
    pub(in crate::step) database: &'a str,
    /// Of the dump and of its manifest; empty where they came to be in the Job itself.
    pub(in crate::step) sha256: String,
}

impl<'a> Set<'a> {
    pub(super) fn of_production(cx: &Context<'a>) -> Self {
        Self { source: "production", database: &cx.settings.prod.database, sha256: String::new() }
    }
}

pub(in crate::step) fn restore_container<'a>(cx: &Context<'a>, host: &str, set: &Set<'_>) -> Container<'a> {
    let settings = cx.settings;
    let mut env = environment((settings, cx.run), host, &settings.sandbox.database, &settings.sandbox.secret);
    env.extend(jobs::RESTORE.files.iter().map(|(name, text)| Env::Plain(name, (*text).to_owned())));
    env.extend([
        Env::Plain("SANDBOX_ROLE", settings.sandbox_role.clone()),
        Env::Plain("SOURCE_DATABASE", set.database.to_owned()),
        Env::Plain("LOCK_TIMEOUT", "30s".to_owned()),
        Env::Plain("SESSION_GRACE_SECONDS", "10".to_owned()),
        Env::Plain("SOURCE", set.source.to_owned()),
        Env::Plain("FULL", if cx.full { "1" } else { "" }.to_owned()),
        Env::Plain("ONLINE", String::new()),
        Env::Plain("WORDS", String::new()),
        Env::Plain("SET_SHA256", set.sha256.clone()),
        Env::Plain("STAMP", String::new()),
        Env::Plain("PRODUCTION", cx.record.production_as_text()),
    ]);
    Container { name: jobs::RESTORE.name, script: jobs::RESTORE.text, env }
}

/// What each of a run's scripts needs, with the credentials of this Secret.
pub(in crate::step) fn environment<'a>(
    (settings, run): (&Settings, &str),
    host: &str,
    database: &str,
    secret: &'a str,
) -> Vec<Env<'a>> {
    vec![
        Env::Plain("HOME", "/work".to_owned()),
        Env::Plain("TMPDIR", "/work".to_owned()),
        Env::Plain("SET_DIR", "/work".to_owned()),
        Env::Plain("CREDENTIALS_DIR", String::new()),
        Env::Plain("PGHOST", host.to_owned()),
        Env::Plain("PGPORT", settings.pg_port.to_string()),
        Env::Plain("PGDATABASE", database.to_owned()),
        Env::Secret { name: "PGUSER", secret, key: "username" },
        Env::Secret { name: "PGPASSWORD", secret, key: "password" },
        Env::Plain("PGCONNECT_TIMEOUT", "10".to_owned()),
        Env::Plain("PGAPPNAME", format!("sandbox-lifecycle/{run}")),
        Env::Plain("TABLE_PREFIX", settings.table_prefix.clone()),
        Env::Plain("MIN_TABLES", settings.min_tables.to_string()),
        Env::Plain("SKIP_FUNCTIONS", settings.skip_functions.join("\n")),
    ]
}
