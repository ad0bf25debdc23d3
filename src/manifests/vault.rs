//! A login for the dump that may only read: made, renewed and revoked by Vault's database secrets engine.
use super::quoted;
use crate::settings::Settings;

/// By a superuser of production's server, once. The group holds the rights, so that the logins own and are granted nothing by
/// themselves: what is granted to a role would keep it from being dropped. `pg_read_all_data` came with PostgreSQL 14.
pub const ONCE: &str = r#"CREATE ROLE "<group>" NOLOGIN;
GRANT pg_read_all_data TO "<group>";
GRANT CONNECT ON DATABASE "<database>" TO "<group>";"#;

/// Vault puts name, password and expiration in.
pub const CREATION: [&str; 2] = [
    r#"CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS CONNECTION LIMIT 8 IN ROLE "<group>""#,
    r#"ALTER ROLE "{{name}}" SET default_transaction_read_only = on"#,
];

/// Without it, `VALID UNTIL` would end a login whose lease was renewed.
pub const RENEW: [&str; 1] = [r#"ALTER ROLE "{{name}}" VALID UNTIL '{{expiration}}'"#];

/// A login that is dropped keeps its open sessions, so these end first.
pub const REVOCATION: [&str; 2] = [
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'",
    r#"DROP ROLE IF EXISTS "{{name}}""#,
];

/// A statement with the names of these settings.
pub fn filled(statement: &str, settings: &Settings, role: &str) -> String {
    let identifier = |name: &str| name.replace('"', "\"\"");
    statement.replace("<group>", &identifier(&group(role))).replace("<database>", &identifier(&settings.prod.database))
}

/// Underscores need no quoting in psql.
fn group(role: &str) -> String {
    role.replace('-', "_")
}

/// `role` names the Vault role and the group in the server.
pub fn vault(settings: &Settings, mount: &str, connection: &str, role: &str, auth: &str) -> String {
    let namespace = &settings.prod.namespace;
    let fill = |statement: &str| filled(statement, settings, role);
    let once: String = ONCE.lines().map(|line| format!("#   {}\n", fill(line))).collect();
    let list = |name: &str, statements: &[&str]| {
        let statements: Vec<String> =
            statements.iter().map(|statement| format!("#     {}", quoted(&fill(statement)))).collect();
        format!("#   \"{name}\": [\n{}\n#   ]", statements.join(",\n"))
    };
    let statements = [
        list("creation_statements", &CREATION),
        list("renew_statements", &RENEW),
        list("revocation_statements", &REVOCATION),
    ]
    .join(",\n");
    let with = [
        ("namespace", namespace.as_str()),
        ("role", role),
        ("auth", auth),
        ("mount", mount),
        ("once", &once),
        ("connection", &quoted(connection)),
        ("mount_quoted", &quoted(mount)),
        ("statements", &statements),
    ];
    super::filled(include_str!("vault.yaml"), &with)
}
