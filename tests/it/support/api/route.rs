//! From a request to its handler: authentication, authorization, then resource and verb.

use super::super::store::Status;
use super::answer::Answer;
use super::conversation::Asked;
use super::target::Target;
use super::{Shared, access, delete, discovery, pods, read, scale, watch, write};

pub(super) async fn answer(asked: Asked, shared: &Shared) -> Answer {
    routed(asked, shared).await.unwrap_or_else(|refused| Answer::refusal(&refused))
}

async fn routed(asked: Asked, shared: &Shared) -> Result<Answer, Status> {
    let settings = shared.settings();
    access::authenticate(&asked, &settings)?;
    let reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    if asked.path == reviews && asked.method == "POST" {
        return access::review(&asked, &settings);
    }
    if let Some(document) = discovery::document(&asked.path, &settings) {
        return Ok(Answer::ok(document));
    }
    let Some(target) = Target::parse(&asked.path) else {
        let message = "the server could not find the requested resource";
        return Err(Status::new(404, "NotFound", message));
    };
    access::authorize(&super::conversation::note(&asked), &target, &settings)?;
    if target.kind.group == "keda.sh" && !settings.keda {
        return Ok(Answer::NoSuchPage);
    }
    match target.subresource.as_deref() {
        Some("log" | "exec") => pods::answer(asked, &target, shared).await,
        Some("scale") => scale::answer(&asked, &target, shared),
        _ => resource(&asked, &target, shared),
    }
}

fn resource(asked: &Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    match (asked.method.as_str(), &target.name) {
        ("GET", _) if asked.query.is_set("watch") => watch::answer(asked, target, shared),
        ("GET", Some(_)) => read::get(target, shared),
        ("GET", None) => read::list(asked, target, shared),
        ("POST", None) => write::create(asked, target, shared),
        ("PUT", Some(_)) => write::update(asked, target, shared),
        ("PATCH", Some(_)) => write::patch(asked, target, shared),
        ("DELETE", Some(_)) => delete::one(asked, target, shared),
        ("DELETE", None) => delete::collection(asked, target, shared),
        _ => Err(not_allowed()),
    }
}

pub(super) fn not_allowed() -> Status {
    let message = "the server does not allow this method on the requested resource";
    Status::new(405, "MethodNotAllowed", message)
}
