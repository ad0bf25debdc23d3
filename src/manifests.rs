//! What `manifests` prints: YAML for `kubectl apply -f -`, complete and commented, with the names of the settings.
//!
//! The texts lie beside this file, as the comments are half of them. Names were checked for their form with the settings; what may hold anything
//! is quoted as JSON, which YAML takes as it is.
mod cronjob;
mod networkpolicy;
pub mod vault;

pub use cronjob::cronjob;
pub use networkpolicy::networkpolicy;
pub use vault::vault;

use crate::settings::Settings;
use serde_json::Value;

/// The volume of the checkpoints.
pub fn golden(settings: &Settings) -> String {
    let class = settings.storage_class.as_deref().map_or_else(
        || "  # The cluster's default StorageClass.\n".to_owned(),
        |class| format!("  storageClassName: {}\n", quoted(class)),
    );
    let size = quoted(&settings.golden_size);
    let with = [
        ("claim", settings.golden_claim.as_str()),
        ("namespace", &settings.sandbox.namespace),
        ("class", &class),
        ("size", &size),
    ];
    filled(include_str!("manifests/golden.yaml"), &with)
}

/// The text with each `<name>` replaced; what is put in is not looked at again.
fn filled(text: &str, with: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(2 * text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        filled.push_str(before);
        let known = with.iter().find_map(|(name, value)| {
            let after = after.strip_prefix(name)?.strip_prefix('>')?;
            Some((value, after))
        });
        rest = match known {
            Some((value, after)) => {
                filled.push_str(value);
                after
            }
            None => {
                filled.push('<');
                after
            }
        };
    }
    filled + rest
}

/// As a YAML scalar that can hold anything.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_not_looked_at_again() {
        assert_eq!(filled("<a> <b> < <c>", &[("a", "<b>"), ("b", "2")]), "<b> 2 < <c>");
    }

    #[test]
    fn anything_is_quoted_so_that_it_stays_a_text() {
        assert_eq!(quoted("a: \"b\"\n"), r#""a: \"b\"\n""#);
    }
}
