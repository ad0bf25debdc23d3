//! `log` and `exec`: what the API server checks itself, before it asks the node.

use serde_json::Value;

use super::super::store::Status;
use super::Shared;
use super::answer::Answer;
use super::conversation::Asked;
use super::runtime::{ExecRequest, LogRequest};
use super::target::Target;
use super::{read, route};

pub(super) async fn answer(asked: Asked, target: &Target, shared: &Shared) -> Result<Answer, Status> {
    let pod = read::current(target, shared)?;
    let container = container(&pod, asked.query.get("container"))?;
    if !pod["spec"]["nodeName"].is_string() {
        let message = format!("pod {} does not have a host assigned", target.name());
        return Err(Status::bad_request(message));
    }
    match (target.subresource.as_deref(), asked.method.as_str()) {
        (Some("log"), "GET") => log(&asked, target, container, shared).await,
        (Some("exec"), "GET" | "POST") => exec(asked, target, container, shared).await,
        _ => Err(route::not_allowed()),
    }
}

async fn log(asked: &Asked, target: &Target, container: String, shared: &Shared) -> Result<Answer, Status> {
    let query = &asked.query;
    let request = LogRequest {
        namespace: target.namespace.clone(),
        pod: target.name().to_owned(),
        container,
        follow: query.is_set("follow"),
        previous: query.is_set("previous"),
        timestamps: query.is_set("timestamps"),
        tail_lines: query.number("tailLines"),
        limit_bytes: query.number("limitBytes"),
        since_seconds: query.number("sinceSeconds"),
    };
    let stream = (shared.runtime.log)(request).await?;
    Ok(Answer::Stream { content_type: "text/plain", stream })
}

async fn exec(asked: Asked, target: &Target, container: String, shared: &Shared) -> Result<Answer, Status> {
    let query = &asked.query;
    let command: Vec<String> = query.all("command").map(str::to_owned).collect();
    if command.is_empty() {
        return Err(Status::bad_request("you must specify at least 1 command for the container"));
    }
    let streams = ["stdin", "stdout", "stderr"].map(|name| query.is_set(name));
    if streams == [false; 3] {
        return Err(Status::bad_request("you must specify at least one of stdin, stdout, stderr"));
    }
    let tty = query.is_set("tty");
    let Some(upgrade) = asked.upgrade else {
        return Err(Status::bad_request("unable to upgrade: missing upgrade headers in request"));
    };
    let request = ExecRequest {
        namespace: target.namespace.clone(),
        pod: target.name().to_owned(),
        container,
        command,
        stdin: streams[0],
        stdout: streams[1],
        stderr: streams[2],
        tty,
        headers: asked.headers,
        upgrade,
    };
    (shared.runtime.exec)(request).await.map(Answer::Head)
}

/// The one that was asked for, or the Pod's only one.
fn container(pod: &Value, asked: Option<&str>) -> Result<String, Status> {
    let names = |list: &str| -> Vec<String> {
        let all = pod["spec"][list].as_array().into_iter().flatten();
        all.filter_map(|one| one["name"].as_str()).map(str::to_owned).collect()
    };
    let (own, init) = (names("containers"), names("initContainers"));
    let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
    match (asked, own.as_slice()) {
        (Some(name), _) if own.iter().chain(&init).any(|one| one == name) => Ok(name.to_owned()),
        (Some(name), _) => Err(Status::bad_request(format!("container {name} is not valid for pod {pod_name}"))),
        (None, [only]) => Ok(only.clone()),
        (None, _) => {
            let or_init = match init.as_slice() {
                [] => String::new(),
                init => format!(" or one of the init containers: [{}]", init.join(" ")),
            };
            let choice = own.join(" ");
            Err(Status::bad_request(format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{choice}]{or_init}"
            )))
        }
    }
}
