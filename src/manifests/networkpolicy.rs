//! The NetworkPolicy of the Jobs' Pods, which hold credentials.
use crate::settings::Settings;
use std::net::IpAddr;

pub fn networkpolicy(settings: &Settings) -> String {
    let namespace = &settings.sandbox.namespace;
    let (port, to) = (settings.pg_port, database(settings.pg_host.as_deref()));
    let with = [("namespace", namespace.as_str()), ("port", &port.to_string()), ("to", &to)];
    super::filled(include_str!("networkpolicy.yaml"), &with)
}

/// As narrow as the host's name tells.
fn database(host: Option<&str>) -> String {
    let Some(host) = host else {
        return "    # To any address, as the host stands in the Secrets; name it by `to`, if you know it.\n"
            .to_owned();
    };
    if let Ok(address) = host.parse::<IpAddr>() {
        let bits = if address.is_ipv4() { 32 } else { 128 };
        return format!("    to:\n    - ipBlock: {{cidr: {address}/{bits}}}\n");
    }
    // A Service's name: SERVICE.NAMESPACE.svc, with the cluster's domain or without.
    let parts: Vec<&str> = host.split('.').collect();
    match parts.as_slice() {
        [_, namespace, "svc", ..] => format!(
            "    # {host}. Kubernetes before 1.21 does not put this label on namespaces.\n    to:\n    - namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}\n"
        ),
        _ => "    # To any address, as a name that is resolved outside cannot be written here; name it by `to`, if you know it.\n".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_database_is_as_narrow_as_its_name_tells() {
        assert!(database(Some("10.0.0.7")).contains("cidr: 10.0.0.7/32"));
        assert!(database(Some("fd00::7")).contains("cidr: fd00::7/128"));
        assert!(database(Some("pg.databases.svc.cluster.local")).contains("metadata.name: databases"));
        assert!(database(Some("pg.example.org")).starts_with("    # To any"));
        assert!(database(None).starts_with("    # To any"));
    }
}
