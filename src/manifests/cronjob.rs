//! The CronJobs that refresh the sandbox, or back production up, from within the cluster.
use super::{filled, quoted};
use crate::cli::Nightly;
use crate::settings::{Effective, Settings, Source, Usage};
use anyhow::{Context, Result};
use serde_json::Value;

/// What of the settings is only for a terminal: a kubeconfig's context, a file.
const NOT_IN_A_POD: [&str; 2] = ["context", "age-identity"];

/// What differs from one command to the other.
struct Texts {
    does: &'static str,
    name: &'static str,
    schedule: &'static str,
    missed: &'static str,
    failed: &'static str,
    command: &'static str,
    deadline: &'static str,
}

const REFRESH: Texts = Texts {
    does: "Refreshes the sandbox, database and documents. Its ServiceAccount and rights: sandbox-lifecycle manifests rbac",
    name: "sandbox-refresh",
    schedule: "17 2 * * *",
    missed: "A cluster that was down for the whole night refreshes in the next one.",
    failed: "A run that failed has put everything back; another one would fail for the same reason.",
    command: "refresh",
    deadline: "10800",
};

const BACKUP: Texts = Texts {
    does: "Backs production up, database and documents, then removes the sets that no retention rule keeps. Its ServiceAccount and rights: sandbox-lifecycle \
           manifests rbac backup, with the same --s3-secret",
    name: "sandbox-lifecycle-backup",
    schedule: "17 0 * * *",
    missed: "A cluster that was down for the whole night backs up in the next one; `status --max-backup-age` tells.",
    failed: "A backup that failed leaves no half set; what ended it would end another one at once, and what passes was outlasted.",
    command: "backup",
    deadline: "21600",
};

/// # Errors
/// [`Usage`]: no image is named, or for a backup no Secret of the bucket.
pub fn cronjob(
    settings: &Settings,
    effective: &Effective,
    command: Nightly,
    (image, schedule): (Option<&str>, Option<&str>),
) -> Result<String> {
    let no_image = || Usage::new("give --image: the image with sandbox-lifecycle on its PATH".to_owned());
    let image = image.or(settings.watchdog.as_deref()).ok_or_else(no_image).context("a CronJob needs an image")?;
    let texts = match command {
        Nightly::Refresh => REFRESH,
        Nightly::Backup if settings.backups.secret.is_some() => BACKUP,
        Nightly::Backup => {
            let usage = Usage::new("give --s3-secret: the Secret with the bucket's key".to_owned());
            return Err(anyhow::Error::from(usage).context("a backup needs a bucket"));
        }
    };
    let (namespace, account) = (&settings.sandbox.namespace, &settings.watchdog_service_account);
    let schedule = quoted(schedule.unwrap_or(texts.schedule));
    let (image, environment) = (quoted(image), environment(effective));
    let with = [
        ("namespace", namespace.as_str()),
        ("account", account),
        ("image", &image),
        ("schedule", &schedule),
        ("environment", &environment),
        ("does", texts.does),
        ("name", texts.name),
        ("missed", texts.missed),
        ("failed", texts.failed),
        ("command", texts.command),
        ("deadline", texts.deadline),
    ];
    Ok(filled(include_str!("cronjob.yaml"), &with))
}

/// Every setting that is not the default, wherever it was said.
fn environment(effective: &Effective) -> String {
    let said = effective.settings.iter().filter(|setting| setting.from != Source::Default);
    let in_a_pod = said.filter(|setting| !NOT_IN_A_POD.contains(&setting.name.as_str()));
    let line = |setting: &crate::settings::InForce| {
        let variable = format!("SANDBOX_LIFECYCLE_{}", setting.name.replace('-', "_").to_uppercase());
        let value = setting.value.as_ref().map(text).unwrap_or_default();
        format!("            - {{name: {variable}, value: {}}}\n", quoted(&value))
    };
    in_a_pod.map(line).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}
