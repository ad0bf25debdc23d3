//! The NetworkPolicies of the Jobs' Pods, which hold credentials, and with backups of the Pods that runs are in.
use crate::settings::Settings;
use std::net::IpAddr;

/// One for the Jobs' Pods; with a bucket a second one, for the Pods of the CronJobs.
pub fn networkpolicy(settings: &Settings) -> String {
    let namespace = &settings.sandbox.namespace;
    let (port, to) = (settings.pg_port, place(settings.pg_host.as_deref()));
    let with = [("namespace", namespace.as_str()), ("port", &port.to_string()), ("to", &to)];
    let jobs = super::filled(include_str!("networkpolicy.yaml"), &with);
    match settings.backups.secret {
        None => jobs,
        Some(_) => jobs + &runs(namespace, settings.backups.endpoint.as_deref()),
    }
}

/// The tool itself speaks to the bucket, so it is the Pod of the CronJob, and none of the Jobs' Pods, that must reach it.
fn runs(namespace: &str, endpoint: Option<&str>) -> String {
    let (port, to) = bucket(endpoint);
    let with = [("namespace", namespace), ("port", &port.to_string()), ("to", &to)];
    super::filled(include_str!("networkpolicy-runs.yaml"), &with)
}

/// Port and place of the store, as far as its URL tells.
fn bucket(endpoint: Option<&str>) -> (u16, String) {
    let plain = endpoint.is_some_and(|endpoint| endpoint.starts_with("http://"));
    let authority = endpoint.and_then(|endpoint| endpoint.split("://").nth(1)?.split('/').next());
    let (host, port) = match authority.map(|authority| authority.rsplit_once(':')) {
        // The last colon of an IPv6 address without a port is within brackets.
        Some(Some((host, port))) if port.parse::<u16>().is_ok() => (Some(host), port.parse().ok()),
        _ => (authority, None),
    };
    let host = host.map(|host| host.trim_matches(['[', ']']));
    (port.unwrap_or(if plain { 80 } else { 443 }), place(host))
}

/// As narrow as the host's name tells.
fn place(host: Option<&str>) -> String {
    let Some(host) = host else {
        return "    # To any address, as the host stands in a Secret; name it by `to`, if you know it.\n".to_owned();
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
        assert!(place(Some("10.0.0.7")).contains("cidr: 10.0.0.7/32"));
        assert!(place(Some("fd00::7")).contains("cidr: fd00::7/128"));
        assert!(place(Some("pg.databases.svc.cluster.local")).contains("metadata.name: databases"));
        assert!(place(Some("pg.example.org")).starts_with("    # To any"));
        assert!(place(None).starts_with("    # To any"));
    }

    #[test]
    fn the_way_to_the_bucket_is_as_its_url_tells() {
        let of = |url| bucket(Some(url));
        assert_eq!(bucket(None).0, 443);
        assert_eq!((of("https://s3.example.org").0, of("http://s3.example.org/x").0), (443, 80));
        let (port, to) = of("https://minio.storage.svc:9000");
        assert!(port == 9000 && to.contains("metadata.name: storage"), "{to}");
        assert!(
            of("http://10.0.0.9:9000").1.contains("10.0.0.9/32") && of("https://[fd00::9]").1.contains("fd00::9/128")
        );
    }
}
