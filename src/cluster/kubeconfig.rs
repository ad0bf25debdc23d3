//! Why there is no cluster to talk to, in one sentence: the library says it in several, one within the other.
use super::failure::innermost;
use anyhow::{Error, anyhow};
use kube::config::Kubeconfig;
use std::ffi::OsString;
use std::path::PathBuf;

/// Where KUBECONFIG names several files: those that are there, as kubectl takes them. `None`: the library finds it by itself.
pub(super) fn merged() -> Option<Kubeconfig> {
    let paths = paths();
    let there: Vec<PathBuf> = paths.iter().filter(|path| path.exists()).cloned().collect();
    if there.is_empty() || there.len() == paths.len() {
        return None;
    }
    let read = |merged: Kubeconfig, path: &PathBuf| merged.merge(Kubeconfig::read_from(path)?);
    there.iter().try_fold(Kubeconfig::default(), read).ok()
}

/// What there is, is not what was asked for.
pub(super) fn unfit(context: Option<&str>, error: &(dyn std::error::Error + 'static)) -> Error {
    match context {
        Some(name) => no_context(name, error),
        None => unusable(error),
    }
}

/// No kubeconfig that can be used, and no service account of a Pod.
fn unusable(error: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(directory) = paths().into_iter().find(|path| path.is_dir()) {
        return anyhow!(
            "no cluster to talk to: the kubeconfig {0} is a directory; set KUBECONFIG to the file, as in {0}/config",
            directory.display()
        );
    }
    let why = match (merged(), Kubeconfig::read()) {
        (None, Err(error)) => cause(&error),
        _ => cause(error),
    };
    anyhow!(
        "no cluster to talk to: cannot use the kubeconfig {}: {why}; set KUBECONFIG, or run in a Pod with a service account",
        place().display()
    )
}

/// The kubeconfig has no such context, or cannot be read at all.
fn no_context(name: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let Some(kubeconfig) = merged().or_else(|| Kubeconfig::read().ok()) else {
        return anyhow!("{}; --context {name:?} is one of a kubeconfig", unusable(error));
    };
    let known: Vec<String> = kubeconfig.contexts.into_iter().map(|context| context.name).collect();
    match known.iter().any(|known| known == name) {
        true => anyhow!("cannot use context {name:?} of the kubeconfig: {}", cause(error)),
        false if known.is_empty() => anyhow!("the kubeconfig has no context {name:?}, and no other one"),
        false => anyhow!("the kubeconfig has no context {name:?}; it has {}", known.join(", ")),
    }
}

/// As kubectl looks for it.
fn place() -> OsString {
    let named = std::env::var_os("KUBECONFIG").filter(|path| !path.is_empty());
    named.unwrap_or_else(|| {
        let home = std::env::var_os("HOME").unwrap_or_default();
        PathBuf::from(home).join(".kube/config").into()
    })
}

/// There may be several, which are merged.
fn paths() -> Vec<PathBuf> {
    std::env::split_paths(&place()).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// A parser draws a picture below its first line.
fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    plain(innermost(error).lines().next().unwrap_or_default())
}

/// In the words of who wrote the file.
fn plain(why: &str) -> String {
    let after = |words: &str| why.strip_prefix(words);
    if why == "failed to determine current context" {
        "it has no current-context (--context names one of its contexts)".to_owned()
    } else if let Some(context) = after("failed to load current context: ") {
        format!("its current-context {context:?} is none of its contexts (--context names one)")
    } else if let Some(cluster) = after("failed to load the cluster of context: ") {
        format!("the context's cluster {cluster:?} is none of its clusters")
    } else if let Some(user) = after("failed to find named user: ") {
        format!("the context's user {user:?} is none of its users")
    } else {
        why.to_owned()
    }
}
