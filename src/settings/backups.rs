//! The settings of backups: the bucket, who may read it, and how long sets are kept.
use super::{Settings, empty, is_object_name};
use crate::backup::seal::recipient;
use crate::cli::Options;
use crate::retention::Policy;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// No secret is among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backups {
    /// The Secret with the bucket's key; without one there are no backups.
    pub secret: Option<String>,
    /// `None`: the sandbox's.
    pub secret_namespace: Option<String>,
    /// These go before what the Secret says.
    pub bucket: Option<String>,
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// Without slashes at its ends.
    pub prefix: String,
    pub checksum: bool,
    /// Seconds without a byte moving, after which a request is given up.
    pub patience: u32,
    pub exclude: Vec<String>,
    pub recipients: Vec<String>,
    pub identity: Option<PathBuf>,
    pub policy: Policy,
}

impl Backups {
    pub(super) fn of(o: &Options) -> Self {
        let exclude = || ["*/temp", "admin/backup", "*.log"].map(str::to_owned).to_vec();
        let prefix = o.s3_prefix.as_deref().unwrap_or("sandbox-lifecycle");
        Self {
            secret: o.s3_secret.clone(),
            secret_namespace: o.s3_secret_namespace.clone(),
            bucket: o.s3_bucket.clone(),
            endpoint: o.s3_endpoint.clone(),
            region: o.s3_region.clone(),
            prefix: prefix.trim_matches('/').to_owned(),
            checksum: o.s3_checksum.unwrap_or(false),
            patience: o.s3_patience.map_or(180, NonZeroU32::get),
            exclude: o.backup_exclude.clone().unwrap_or_else(exclude),
            recipients: o.age_recipient.clone().unwrap_or_default(),
            identity: o.age_identity.clone().map(PathBuf::from),
            policy: Policy {
                days: o.keep_days.unwrap_or(30),
                months: o.keep_months.unwrap_or(12),
                years: o.keep_years.unwrap_or(10),
            },
        }
    }
}

impl Settings {
    /// What cannot be of a bucket, or of its keys.
    pub(super) fn wrong_backups(&self) -> Vec<String> {
        let backups = &self.backups;
        let names = [("s3-secret", &backups.secret), ("s3-secret-namespace", &backups.secret_namespace)];
        let wrong = names.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
        let wrong = wrong
            .filter(|(_, value)| !is_object_name(value))
            .map(|(name, value)| format!("{name} {value:?} is no name of a Kubernetes object (a-z, 0-9, '-' and '.')"));
        let mut wrong: Vec<String> = wrong.collect();
        let plain = |text: &str| {
            text.split('/').all(|part| !matches!(part, "" | "." | ".."))
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte))
        };
        if !plain(&backups.prefix) {
            wrong.push(format!("s3-prefix {:?} is no path of letters, digits, '-', '_' and '.'", backups.prefix));
        }
        let url = |url: &str| url.starts_with("https://") || url.starts_with("http://");
        if let Some(endpoint) = backups.endpoint.as_ref().filter(|endpoint| !url(endpoint)) {
            wrong.push(format!("s3-endpoint {endpoint:?} does not begin with https:// or http://"));
        }
        if backups.identity.as_ref().is_some_and(|file| file.as_os_str().is_empty()) {
            wrong.push(empty("age-identity"));
        }
        if backups.exclude.iter().any(|pattern| pattern.is_empty() || pattern.chars().any(char::is_control)) {
            wrong.push("backup-exclude has an empty pattern, or one with control characters".to_owned());
        }
        wrong.extend(backups.recipients.iter().filter_map(|text| Some(recipient(text).err()?.to_string())));
        wrong
    }
}
