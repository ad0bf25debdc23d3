//! Where production and the sandbox are.

/// One of the two worlds: production or the sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub namespace: String,
    pub deployment: String,
    pub database: String,
    pub secret: String,
}

/// Namespace, Deployment, database and Secret, as said or else by default.
pub(super) fn environment(said: [Option<String>; 4], default: [&str; 4]) -> Environment {
    let mut each = said.into_iter().zip(default).map(|(said, default)| said.unwrap_or_else(|| default.to_owned()));
    let mut next = || each.next().unwrap_or_default();
    Environment { namespace: next(), deployment: next(), database: next(), secret: next() }
}
