//! The CronJob that refreshes the sandbox from within the cluster.
use super::{filled, quoted};
use crate::settings::{Effective, Settings, Source, Usage};
use anyhow::{Context, Result};
use serde_json::Value;

/// What of the settings is only for a terminal.
const NOT_IN_A_POD: [&str; 1] = ["context"];

/// # Errors
/// [`Usage`]: no image is named.
pub fn cronjob(settings: &Settings, effective: &Effective, image: Option<&str>, schedule: &str) -> Result<String> {
    let no_image = || Usage::new("give --image: the image with sandbox-lifecycle on its PATH".to_owned());
    let image = image.or(settings.watchdog.as_deref()).ok_or_else(no_image).context("a CronJob needs an image")?;
    let (namespace, account) = (&settings.sandbox.namespace, &settings.watchdog_service_account);
    let (image, schedule, environment) = (quoted(image), quoted(schedule), environment(effective));
    let with = [
        ("namespace", namespace.as_str()),
        ("account", account),
        ("image", &image),
        ("schedule", &schedule),
        ("environment", &environment),
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
