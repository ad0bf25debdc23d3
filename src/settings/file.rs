//! The settings file.
use super::Usage;
use crate::cli::{Options, nearest, program};
use anyhow::{Context, Result, anyhow};
use std::path::Path;
use toml::Value;

pub(super) fn read(path: &Path) -> Result<Options> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow!(Usage(format!("cannot read the settings file {}: {error}", path.display()))))?;
    parse(&text).with_context(|| format!("settings file {}", path.display()))
}

/// The settings file's text as options.
///
/// # Errors
/// [`Usage`]: no TOML, a name nobody knows (with the nearest known one), or a value of the wrong type.
pub(super) fn parse(text: &str) -> Result<Options> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| Usage(error.to_string()))?;
    let known = Options::names();
    let wrong: Vec<String> = table
        .iter()
        .filter_map(|(key, value)| if known.contains(key) { mistyped(key, value) } else { Some(unknown(key, &known)) })
        .collect();
    match wrong.is_empty() {
        true => Ok(table.try_into().map_err(|error: toml::de::Error| Usage(error.to_string()))?),
        false => Err(Usage::all(&wrong).into()),
    }
}

fn unknown(key: &str, known: &[String]) -> String {
    match nearest(&key.replace('_', "-"), known) {
        Some(meant) => format!("unknown setting {key:?}; did you mean {meant:?}?"),
        None => format!("unknown setting {key:?}; `{} config` lists them all", program()),
    }
}

/// The parser would say it in the words of the language that this is written in.
fn mistyped(key: &str, value: &Value) -> Option<String> {
    let alone = toml::Table::from_iter([(key.to_owned(), value.clone())]);
    alone.try_into::<Options>().err()?;
    let is = match value {
        Value::String(text) => format!("the text {text:?}"),
        Value::Integer(number) => format!("the number {number}"),
        Value::Float(number) => format!("the number {number}"),
        Value::Boolean(truth) => truth.to_string(),
        Value::Datetime(_) => "a date".to_owned(),
        Value::Array(_) => "this list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
    };
    Some(format!("{key} wants {}, not {is}", Options::wants(key).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        let error = parse("sandbox_namespase = 'x'").expect_err("a typo");
        assert_eq!(error.to_string(), r#"unknown setting "sandbox_namespase"; did you mean "sandbox-namespace"?"#);
        assert!(error.downcast_ref::<Usage>().is_some(), "it is a usage error");
        let far = parse("foo = 1").expect_err("unknown").to_string();
        assert!(!far.contains("did you mean"), "{far}");
    }

    #[test]
    fn a_value_of_the_wrong_type_is_said_in_plain_words() {
        for (line, says) in [
            ("prod-namespace = 1", "prod-namespace wants text in quotes, not the number 1"),
            ("pg-port = 'x'", "pg-port wants a whole number from 1 to 65535, not the text \"x\""),
            ("pg-port = 0", "pg-port wants a whole number from 1 to 65535, not the number 0"),
            ("pg-port = 99999", "pg-port wants a whole number from 1 to 65535, not the number 99999"),
            ("keep-days = -1", "keep-days wants a whole number from 0 to 4294967295, not the number -1"),
            ("s3-checksum = 'yes'", "s3-checksum wants true or false, not the text \"yes\""),
            ("argocd-pause = 'x'", "argocd-pause wants \"automated\" or \"skip-reconcile\", not the text \"x\""),
            ("documents-tree = 'a'", "documents-tree wants a list of texts, as in [\"a\", \"b\"], not the text \"a\""),
            ("documents-tree = [1]", "documents-tree wants a list of texts, as in [\"a\", \"b\"], not this list"),
        ] {
            let error = parse(line).expect_err("a wrong type");
            assert_eq!(error.to_string(), says);
            assert!(error.downcast_ref::<Usage>().is_some(), "it is a usage error");
        }
        let both = parse("prod-namespace = 1\npg-prot = 5432").expect_err("two mistakes").to_string();
        assert_eq!(both.lines().filter(|line| line.starts_with("  - ")).count(), 2, "{both}");
    }
}
