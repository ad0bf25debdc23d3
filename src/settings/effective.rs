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

/// The setting with these values, as a line of the file: a number, a text or a list.
fn line(setting: &Setting, values: &[&str]) -> Option<String> {
    let name = &setting.name;
    let list = values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>().join(", ");
    let forms = [format!("{name} = {}", values.join(", ")), format!("{name} = {list}"), format!("{name} = [{list}]")];
    forms.into_iter().find(|line| parse(line).is_ok())
}

fn default(setting: &Setting) -> Result<Option<Value>> {
    match setting.default_values().and_then(|values| line(setting, &values)) {
        Some(line) => Ok(values(&parse(&line)?)?.remove(&setting.name)),
        None => Ok(None),
    }
}

/// The settings file with every setting in it, commented out: its default, or where that is no value its placeholder.
pub fn sample() -> String {
    let mut text = format!(
        "# Settings of sandbox-lifecycle. What is commented out is the default; a word in capitals stands for a value.\n\
         # Environment and flags win over this file. What is in force, and why, says: {} config\n",
        program()
    );
    for setting in settings() {
        let Setting { placeholder, help, default, .. } = &setting;
        let example = || line(&setting, &[placeholder]).unwrap_or_default();
        text += &match setting.default_values().and_then(|values| line(&setting, &values)) {
            Some(line) => format!("\n# {help}\n#{line}\n"),
            None => format!("\n# {help} (not set: {default})\n#{}\n", example()),
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

/// No value is padded to more.
const WIDEST: usize = 56;

impl Effective {
    /// Of the longest name, as all are padded to it.
    pub fn name_width(&self) -> usize {
        self.settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0)
    }

    /// A line each: name, value, and where it came from; a terminal's `columns` leave less room for the values.
    pub fn table(&self, columns: Option<usize>) -> String {
        let name = self.name_width();
        let room = columns.map_or(WIDEST, |columns| columns.saturating_sub(name + "  ".len() + "  default".len()));
        let longest = self.settings.iter().map(|setting| setting.to_string().len()).max().unwrap_or(0);
        let value = longest.min(WIDEST).min(room);
        let mut table = String::new();
        for setting in &self.settings {
            let from = match (setting.from, &self.file) {
                (Source::File, Some(file)) => file.display().to_string(),
                (Source::Environment, _) => setting.variable.clone(),
                (Source::Flag, _) => format!("--{}", setting.name),
                _ => "default".to_owned(),
            };
            table += &format!("{:<name$}  {:<value$}  {from}\n", setting.name, setting.to_string());
        }
        table
            + &match &self.file {
                Some(file) => format!("settings file: {}", file.display()),
                None => format!("settings file: none ({FILE} is not here)"),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    /// The settings of the sample, each without the `#` in front of it.
    fn uncommented() -> BTreeMap<String, Options> {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let bare = lines(&sample()).into_iter().filter_map(|line| {
            let bare = line.strip_prefix('#').filter(|rest| !rest.starts_with(' '))?.to_owned();
            let name = bare.split_once(" = ").expect("a setting").0.to_owned();
            Some((name, parse(&bare).unwrap_or_else(|error| panic!("{bare}: {error:#}"))))
        });
        bare.collect()
    }

    #[test]
    fn each_line_of_the_sample_is_the_default_or_an_example() {
        let mut said = uncommented();
        assert!(values(&parse(&sample()).expect("a good file")).expect("values").is_empty(), "all is commented out");
        for setting in settings() {
            let options = said.remove(&setting.name).unwrap_or_else(|| panic!("it is not there: {setting:?}"));
            let value = values(&options).expect("values").remove(&setting.name).expect("its value");
            match setting.default_values() {
                Some(_) => assert_eq!(Settings::resolve(options), Settings::resolve(Options::default()), "{setting:?}"),
                None => assert!(value.to_string().contains(&format!("\"{}\"", setting.placeholder)), "{setting:?}"),
            }
        }
        assert!(said.is_empty(), "{said:?}");
    }
}
