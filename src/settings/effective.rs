//! The settings as they are in force, each with where it came from; and the settings file with all of them in it.
use super::{FILE, parse, read};
use crate::cli::{Options, Said, Setting, program, settings};
use anyhow::Result;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};

/// Every setting, in the order of `--help`. Nothing secret is among them.
#[derive(Debug, PartialEq, Serialize)]
pub struct Effective {
    /// The settings file that was read, if there is one.
    pub file: Option<PathBuf>,
    pub settings: Vec<InForce>,
}

/// One setting as it is in force.
#[derive(Debug, PartialEq, Serialize)]
pub struct InForce {
    pub name: String,
    /// `None`: nobody said one, and the default is no value but what `default` says.
    pub value: Option<Value>,
    pub from: Source,
    pub default: String,
    #[serde(skip)]
    variable: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Default,
    File,
    Environment,
    Flag,
}

/// `said` tells which of `options` were typed and which stand in the environment.
///
/// # Errors
/// [`super::Usage`]: the file cannot be read, or is wrong.
pub fn effective(options: &Options, said: &BTreeMap<String, Said>, config: Option<&Path>) -> Result<Effective> {
    let file = config.or_else(|| Some(Path::new(FILE)).filter(|file| file.exists()));
    let written = values(&file.map_or(Ok(Options::default()), read)?)?;
    let spoken = values(options)?;
    let in_force = |setting: Setting| -> Result<InForce> {
        let name = &setting.name;
        let (from, value) = match said.get(name) {
            Some(Said::Flag) => (Source::Flag, spoken.get(name).cloned()),
            Some(Said::Environment) => (Source::Environment, spoken.get(name).cloned()),
            None => match written.get(name) {
                Some(value) => (Source::File, Some(value.clone())),
                None => (Source::Default, default(&setting)?),
            },
        };
        Ok(InForce { name: setting.name, value, from, default: setting.default, variable: setting.variable })
    };
    let settings = settings().into_iter().map(in_force).collect::<Result<_>>()?;
    Ok(Effective { file: file.map(Path::to_owned), settings })
}

/// What these options say, by name.
fn values(options: &Options) -> Result<BTreeMap<String, Value>> {
    let all: BTreeMap<String, Value> = serde_json::from_value(serde_json::to_value(options)?)?;
    Ok(all.into_iter().filter(|(_, value)| !value.is_null()).collect())
}

/// The setting with its default, as a line of the file: a number, a text or a list. `None` where there is no value.
fn line(setting: &Setting) -> Option<String> {
    let (name, default) = (&setting.name, setting.default_value()?);
    let forms = [format!("{name} = {default}"), format!("{name} = \"{default}\""), format!("{name} = [\"{default}\"]")];
    forms.into_iter().find(|line| parse(line).is_ok())
}

fn default(setting: &Setting) -> Result<Option<Value>> {
    match line(setting) {
        Some(line) => Ok(values(&parse(&line)?)?.remove(&setting.name)),
        None => Ok(None),
    }
}

/// The settings file with every setting in it, commented out.
pub fn sample() -> String {
    let mut text = format!(
        "# Settings of sandbox-lifecycle: what is commented out is the default.\n\
         # Environment and flags win over this file. What is in force, and why, says: {} config\n",
        program()
    );
    for setting in settings() {
        let Setting { name, placeholder, help, default, .. } = &setting;
        text += &match line(&setting) {
            Some(line) => format!("\n# {help}\n#{line}\n"),
            None => format!("\n# {help}: {default}\n# {name} = {placeholder}\n"),
        };
    }
    text
}

impl Display for InForce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(Value::String(text)) => f.write_str(text),
            Some(Value::Array(items)) => {
                let word = |item: &Value| item.as_str().map_or(item.to_string(), str::to_owned);
                f.write_str(&items.iter().map(word).collect::<Vec<_>>().join(", "))
            }
            Some(value) => write!(f, "{value}"),
            None => write!(f, "({})", self.default),
        }
    }
}

impl Display for Effective {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
        let value = self.settings.iter().map(|setting| setting.to_string().len()).max().unwrap_or(0).min(56);
        for setting in &self.settings {
            let from = match (setting.from, &self.file) {
                (Source::File, Some(file)) => file.display().to_string(),
                (Source::Environment, _) => setting.variable.clone(),
                (Source::Flag, _) => format!("--{}", setting.name),
                _ => "default".to_owned(),
            };
            writeln!(f, "{:<name$}  {:<value$}  {from}", setting.name, setting.to_string())?;
        }
        match &self.file {
            Some(file) => write!(f, "settings file: {}", file.display()),
            None => write!(f, "settings file: none ({FILE} is not here)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// With the `#` in front of each setting taken away.
    fn uncommented() -> String {
        let sample = sample();
        let bare = |line| str::strip_prefix(line, '#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line);
        sample.lines().map(bare).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_sample_uncommented_says_what_is_in_force_anyway() {
        let options = parse(&uncommented()).expect("a good file");
        assert_eq!(Settings::resolve(options), Settings::resolve(Options::default()));
        assert!(values(&parse(&sample()).expect("a good file")).expect("values").is_empty(), "all is commented out");
    }

    #[test]
    fn the_sample_names_every_setting_with_its_default() {
        let said = values(&parse(&uncommented()).expect("a good file")).expect("values");
        for setting in settings() {
            assert_eq!(said.contains_key(&setting.name), setting.default_value().is_some(), "{setting:?}");
            assert!(sample().contains(&format!("{} = ", setting.name)), "{setting:?}");
        }
    }
}
