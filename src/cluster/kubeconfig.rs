//! Why there is no cluster to talk to, in one sentence: the library says it in several, one within the other.
use anyhow::{Error, anyhow};
use kube::config::Kubeconfig;
use std::ffi::OsString;
use std::path::PathBuf;

/// No kubeconfig that can be used, and no service account of a Pod.
pub(super) fn unusable(error: &(dyn std::error::Error + 'static)) -> Error {
    if let Some(directory) = paths().into_iter().find(|path| path.is_dir()) {
        return anyhow!(
            "no cluster to talk to: the kubeconfig {0} is a directory; set KUBECONFIG to the file, as in {0}/config",
            directory.display()
        );
    }
    let why = match Kubeconfig::read() {
        Err(error) => innermost(&error),
        Ok(_) => innermost(error),
    };
    anyhow!(
        "no cluster to talk to: cannot use the kubeconfig {}: {why}; set KUBECONFIG, or run in a Pod with a service account",
        place().display()
    )
}

/// The kubeconfig has no such context, or cannot be read at all.
pub(super) fn no_context(name: &str, error: &(dyn std::error::Error + 'static)) -> Error {
    let Ok(kubeconfig) = Kubeconfig::read() else {
        return anyhow!("no context {name:?}: {}", unusable(error));
    };
    let known: Vec<String> = kubeconfig.contexts.into_iter().map(|context| context.name).collect();
    match known.iter().any(|known| known == name) {
        true => anyhow!("cannot use context {name:?} of the kubeconfig: {}", innermost(error)),
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
    std::env::split_paths(&place()).collect()
}

/// The last cause names the trouble; a parser draws a picture below its first line.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string().lines().next().unwrap_or_default().to_owned()
}
