//! The name that the program goes by: its own, or kubectl's for it.
use std::path::Path;
use std::sync::LazyLock;

const OWN: &str = "sandbox-lifecycle";

/// kubectl runs `kubectl-sandbox` for `kubectl sandbox`.
static PROGRAM: LazyLock<&str> = LazyLock::new(|| {
    let called = std::env::args_os().next().unwrap_or_default();
    match Path::new(&called).file_name() {
        Some(name) if name == "kubectl-sandbox" || name == "kubectl-sandbox.exe" => "kubectl sandbox",
        _ => OWN,
    }
});

/// As the operator types it.
pub fn program() -> &'static str {
    *PROGRAM
}

/// A text with the commands in it as the operator types them.
pub fn named(text: &str) -> String {
    text.replace(&format!("{OWN} "), &format!("{} ", program()))
}
