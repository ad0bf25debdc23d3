//! The variables of the environment beside the flags that they stand for.
use super::Cli;
use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, CommandFactory};

/// A variable that is set to nothing says nothing: in CI that is what becomes of one that nobody has set.
pub(super) fn unless_empty(argument: Arg) -> Arg {
    let empty = argument.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    if empty { argument.env(Resettable::Reset) } else { argument }
}

/// The error, with the variable in it where its value is what is wrong and no flag was typed.
pub(super) fn blamed(mut error: clap::Error) -> clap::Error {
    let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg) else { return error };
    let flag = argument.split([' ', '=', '[']).next().unwrap_or_default().to_owned();
    let typed = |word: String| word.strip_prefix(&flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='));
    if !std::env::args_os().any(|word| typed(word.to_string_lossy().into_owned()))
        && let Some(variable) = variable(&flag)
    {
        error.insert(ContextKind::InvalidArg, ContextValue::String(variable));
    }
    error
}

/// That of a flag, if it is set.
fn variable(flag: &str) -> Option<String> {
    let command = Cli::command();
    let argument = command.get_arguments().find(|argument| argument.get_long() == flag.strip_prefix("--"))?;
    let name = argument.get_env().filter(|name| std::env::var_os(name).is_some())?;
    Some(name.to_string_lossy().into_owned())
}
