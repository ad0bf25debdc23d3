//! Who may: a bearer token (401), and a list of what is allowed (403), in the server's words.

use serde_json::{Value, json};

use super::super::store::Status;
use super::answer::Answer;
use super::conversation::Asked;
use super::target::Target;
use super::{Seen, Settings};

/// One thing that is allowed, as a rule of a Role in a namespace; `*` is everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    pub(crate) verb: String,
    /// With the subresource: `pods/exec`.
    pub(crate) resource: String,
    pub(crate) namespace: String,
    /// As `resourceNames` with one name: what has another name, or none as a list and a creation, is not covered.
    pub(crate) name: Option<String>,
}

impl Right {
    pub(crate) fn new(verb: &str, resource: &str, namespace: &str) -> Self {
        let [verb, resource, namespace] = [verb, resource, namespace].map(str::to_owned);
        Self { verb, resource, namespace, name: None }
    }

    fn covers(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let is = |allowed: &str, asked: &str| allowed == "*" || allowed == asked;
        let named = self.name.as_ref().is_none_or(|only| only == name);
        named && is(&self.verb, verb) && is(&self.resource, resource) && is(&self.namespace, namespace)
    }
}

impl Settings {
    fn allows(&self, verb: &str, resource: &str, namespace: &str, name: &str) -> bool {
        let Some(rights) = &self.rights else {
            return true;
        };
        rights.iter().any(|right| right.covers(verb, resource, namespace, name))
    }
}

pub(super) fn authenticate(asked: &Asked, settings: &Settings) -> Result<(), Status> {
    let known = settings.token.is_none() || settings.token == asked.token;
    if known { Ok(()) } else { Err(Status::new(401, "Unauthorized", "Unauthorized")) }
}

/// Discovery is everybody's; a resource needs its right, and an exec over WebSocket, which is a
/// GET, needs `create` as well.
pub(super) fn authorize(seen: &Seen, target: &Target, settings: &Settings) -> Result<(), Status> {
    let namespace = scope(target);
    let exec = target.subresource.as_deref() == Some("exec");
    let verbs = [Some(seen.verb()), exec.then_some("create")];
    // A list or a watch of one object by its name is one of that name, for `resourceNames` too.
    let query = seen.query();
    let selected = query.get("fieldSelector").and_then(|selector| selector.strip_prefix("metadata.name="));
    let name = target.name.as_deref().or(selected).unwrap_or_default();
    for verb in verbs.into_iter().flatten() {
        if !settings.allows(verb, &target.resource(), &namespace, name) {
            return Err(forbidden(verb, target, &namespace, &settings.user));
        }
    }
    Ok(())
}

/// A Namespace lies in itself.
fn scope(target: &Target) -> String {
    let own = target.kind.resource == "namespaces";
    if own { target.name().to_owned() } else { target.namespace.clone() }
}

fn forbidden(verb: &str, target: &Target, namespace: &str, user: &str) -> Status {
    let (group, resource) = (target.kind.group, target.kind.resource);
    let what = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    let named = target.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
    let place = match namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace \"{namespace}\""),
    };
    let full = target.resource();
    let message = format!(
        "{what}{named} is forbidden: User \"{user}\" cannot {verb} resource \"{full}\" in API group \"{group}\" {place}"
    );
    let mut status = Status::new(403, "Forbidden", message);
    status.details = json!({"name": target.name(), "group": group, "kind": resource});
    status
}

/// `POST selfsubjectaccessreviews`: would it be allowed?
pub(super) fn review(asked: &Asked, settings: &Settings) -> Result<Answer, Status> {
    let mut review = asked.json()?;
    let wish = review["spec"]["resourceAttributes"].clone();
    let text = |field: &str| wish[field].as_str().unwrap_or_default().to_owned();
    let resource = match text("subresource").as_str() {
        "" => text("resource"),
        subresource => format!("{}/{subresource}", text("resource")),
    };
    let allowed = settings.allows(&text("verb"), &resource, &text("namespace"), &text("name"));
    review["status"] = json!({"allowed": allowed});
    if allowed {
        review["status"]["reason"] = Value::from("RBAC: allowed by the lab's list of rights");
    }
    Ok(Answer::json(201, review))
}
