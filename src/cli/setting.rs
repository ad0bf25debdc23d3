//! The settings as data, read from the flags: what `config` prints and the settings file has in it.
use super::{Cli, Options};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, CommandFactory};
use std::collections::BTreeMap;

/// Where a setting was said, beside the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Environment,
    Flag,
}

/// One setting, as `--help` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    pub name: String,
    pub variable: String,
    /// What stands for its value: `NAME`.
    pub placeholder: String,
    pub help: String,
    /// The value it has when nobody says one; or words about what is done then.
    pub default: String,
}

impl Setting {
    /// Its values: one, or those of a list. Words have spaces between them, and no default value has one.
    pub fn default_values(&self) -> Option<Vec<&str>> {
        let values: Vec<&str> = self.default.split(", ").collect();
        values.iter().all(|value| !value.contains(' ')).then_some(values)
    }
}

/// All of them, in the order of `--help`.
pub fn settings() -> Vec<Setting> {
    let command = Options::augment_args(clap::Command::new("settings"));
    command.get_arguments().filter(|argument| argument.get_env().is_some()).map(setting).collect()
}

fn setting(argument: &clap::Arg) -> Setting {
    let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let (help, default) = text.rsplit_once(" [default: ").unwrap_or((&text, "not set ]"));
    Setting {
        name: argument.get_long().unwrap_or_default().to_owned(),
        variable: argument.get_env().unwrap_or_default().to_string_lossy().into_owned(),
        placeholder: argument.get_value_names().and_then(<[_]>::first).map(ToString::to_string).unwrap_or_default(),
        help: help.to_owned(),
        default: default.trim_end_matches(']').to_owned(),
    }
}

/// Which settings were typed, and which stand in the environment.
pub(super) fn said(matches: &ArgMatches) -> BTreeMap<String, Said> {
    let command = Cli::command();
    let arguments = command.get_arguments().filter(|argument| argument.get_env().is_some());
    let said = arguments.filter_map(|argument| {
        let said = match matches.value_source(argument.get_id().as_str())? {
            ValueSource::EnvVariable => Said::Environment,
            ValueSource::CommandLine => Said::Flag,
            _ => return None,
        };
        Some((argument.get_long()?.to_owned(), said))
    });
    said.collect()
}
