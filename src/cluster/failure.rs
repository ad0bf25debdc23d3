//! What the API server's refusals mean to an operator.
use anyhow::{Error, anyhow};

/// Why a call failed, kept as a type where code branches on it.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    NotFound,
    /// The object exists already, or was changed by somebody else meanwhile.
    Conflict,
    /// Strict validation met a field that the server's schema does not have (400, or 422 for a patch).
    UnknownField,
    /// 401, 400 or 422: trying again would not help.
    Final,
    /// Status 403. Rights are asked for before a run begins, so later it may be an API server that has just started: its authorizer learns of
    /// the Roles after it has begun to answer (some seconds, seen on 1.20).
    Forbidden,
    /// The server is busy, or cannot be reached.
    Passing,
}

/// A failed call in one sentence, with its kind beside it.
#[derive(Debug)]
pub struct CallFailed {
    pub refusal: Refusal,
    sentence: String,
}

impl CallFailed {
    pub fn new(refusal: Refusal, sentence: String) -> Self {
        Self { refusal, sentence }
    }
}

impl std::fmt::Display for CallFailed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl std::error::Error for CallFailed {}

/// The refusal below an error, if a call to the API server is what failed.
pub fn refusal(error: &Error) -> Option<&Refusal> {
    error.downcast_ref::<CallFailed>().map(|failed| &failed.refusal)
}

/// `what` reads after "cannot": "patch Deployment erp-sandbox/erp-sandbox".
pub(super) fn explain(what: &str, error: kube::Error) -> Error {
    let (refusal, why) = match &error {
        kube::Error::Api(status) => match status.code {
            401 => (Refusal::Final, "the API server does not accept the credentials (an expired token?)".to_owned()),
            403 => (Refusal::Forbidden, forbidden(&status.message)),
            404 if status.reason == "NotFound" => (Refusal::NotFound, "not found".to_owned()),
            // "404 page not found": a server that is starting does not know the resource yet, another one never will.
            404 => (Refusal::Passing, "the API server knows no such kind of object".to_owned()),
            409 => (Refusal::Conflict, status.message.clone()),
            400 | 422 if status.message.contains("unknown field") => (Refusal::UnknownField, status.message.clone()),
            400 | 422 => (Refusal::Final, status.message.clone()),
            code => (Refusal::Passing, format!("the API server answered {code}: {}", status.message)),
        },
        error => (Refusal::Passing, format!("the API server cannot be reached: {}", innermost(error))),
    };
    anyhow!(CallFailed::new(refusal, format!("cannot {what}: {why}")))
}

/// The last cause names the trouble ("Connection refused"); those above it only say where it passed.
pub(super) fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

/// The server's words, and the rule that a Role would need.
fn forbidden(message: &str) -> String {
    let between = |before: &str, after: &str| {
        let start = message.find(before)? + before.len();
        let length = message[start..].find(after)?;
        Some(&message[start..start + length])
    };
    let needed = || {
        let verb = between("cannot ", " resource")?;
        let resource = between("resource \"", "\"")?;
        let group = between("API group \"", "\"")?;
        let namespace = between("in the namespace \"", "\"")
            .map_or("a ClusterRole".to_owned(), |ns| format!("a Role in namespace {ns}"));
        Some(format!("forbidden; {namespace} needs the rule {}", rule(group, resource, None, verb)))
    };
    needed().unwrap_or_else(|| format!("forbidden: {message}"))
}

/// A rule as it stands in a Role.
pub(super) fn rule(group: &str, resource: &str, name: Option<&str>, verb: &str) -> String {
    let names = name.map_or(String::new(), |name| format!("resourceNames: [\"{name}\"], "));
    format!("{{apiGroups: [\"{group}\"], resources: [\"{resource}\"], {names}verbs: [\"{verb}\"]}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forbidden_verb_names_the_rule_that_grants_it() {
        let message = r#"deployments.apps "erp-sandbox" is forbidden: User "system:serviceaccount:ci:runner" cannot patch resource "deployments/scale" in API group "apps" in the namespace "erp-sandbox""#;
        assert_eq!(
            forbidden(message),
            r#"forbidden; a Role in namespace erp-sandbox needs the rule {apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"]}"#
        );
        assert_eq!(forbidden("no"), "forbidden: no");
    }
}
