//! Names that nobody knows, and what was probably meant.
use super::Cli;
use clap::CommandFactory;

/// What all variables of this program begin with.
const PREFIX: &str = "SANDBOX_LIFECYCLE_";
/// Names the shell while it asks for completions, and is set by nobody else.
pub const COMPLETE: &str = "SANDBOX_LIFECYCLE_COMPLETE";

/// A sentence for each variable of the environment that is meant for this program, and that it does not know. Its value may be a secret
/// that was given the wrong name, and is not told.
pub fn unknown_variables() -> Vec<String> {
    let set = std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
    let mut unknown: Vec<String> = set.filter_map(|name| unknown_variable(&name, &variables())).collect();
    unknown.sort();
    unknown
}

fn unknown_variable(name: &str, known: &[String]) -> Option<String> {
    let upper = name.to_uppercase();
    let ours = upper.starts_with(PREFIX) && name != COMPLETE && !known.iter().any(|known| known == name);
    ours.then(|| {
        let meant = nearest(&upper, known).map_or(String::new(), |known| format!("; did you mean {known}?"));
        format!("the variable {} is unknown and was ignored{meant}", name.escape_debug())
    })
}

/// Those of all commands, as their flags name them.
fn variables() -> Vec<String> {
    fn of(command: &clap::Command, all: &mut Vec<String>) {
        let named = command.get_arguments().filter_map(clap::Arg::get_env);
        all.extend(named.map(|name| name.to_string_lossy().into_owned()));
        command.get_subcommands().for_each(|sub| of(sub, all));
    }
    let mut all = Vec::new();
    of(&Cli::command(), &mut all);
    all
}

/// Below it two names have letters in common, and no more.
const ALIKE: f64 = 0.8;

/// The one that looks most like it, if one does. What all of them begin with would make each look like each.
pub fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let rest = |name: &'a str| name.strip_prefix(PREFIX).unwrap_or(name);
    let wanted = name.strip_prefix(PREFIX).unwrap_or(name);
    let likeness = |known: &'a String| (strsim::jaro_winkler(wanted, rest(known)), known);
    let (alike, nearest) = known.iter().map(likeness).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (alike >= ALIKE).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_was_mistyped_is_told_with_the_one_that_was_meant() {
        let known = variables();
        assert!(known.len() > 40 && known.iter().all(|name| name.starts_with(PREFIX)), "{known:?}");
        for name in known.iter().map(String::as_str).chain([COMPLETE, "SANDBOX_LIFECYCLE", "PATH", "sandbox_lifecycle"])
        {
            assert_eq!(unknown_variable(name, &known), None);
        }
        for (typed, meant) in [
            ("SANDBOX_LIFECYCLE_SANDBOX_NAMESPCE", "SANDBOX_LIFECYCLE_SANDBOX_NAMESPACE"),
            ("SANDBOX_LIFECYCLE_PGHOST", "SANDBOX_LIFECYCLE_PG_HOST"),
            ("sandbox_lifecycle_output", "SANDBOX_LIFECYCLE_OUTPUT"),
        ] {
            let said = unknown_variable(typed, &known).expect("it is unknown");
            assert!(
                said.contains(&format!(" {typed} ")) && said.ends_with(&format!("did you mean {meant}?")),
                "{said}"
            );
        }
        let far = unknown_variable("SANDBOX_LIFECYCLE_FOO", &known).expect("it is unknown");
        assert!(far.ends_with("was ignored"), "{far}");
    }
}
