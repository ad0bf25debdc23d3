//! One request and its answer, with the faults that a test has put in between.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response};
use serde_json::Value;

use super::super::store::Status;
use super::answer::{Answer, Body};
use super::faults::{Fault, Gate};
use super::record::Seen;
use super::target::Query;
use super::wire::Hold;
use super::{Shared, route};

/// The API server's own limit on a request.
const LARGEST_BODY: usize = 3 * 1024 * 1024;

/// A request as the handlers want it.
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Query,
    pub(super) content_type: String,
    pub(super) user_agent: String,
    pub(super) token: Option<String>,
    pub(super) headers: hyper::HeaderMap,
    pub(super) body: Bytes,
    pub(super) upgrade: Option<OnUpgrade>,
}

impl Asked {
    /// Whom managedFields names: the field manager, else the user agent's first word.
    pub(super) fn writer(&self) -> String {
        let agent = self.user_agent.split(['/', ' ']).next().unwrap_or_default();
        self.query.get("fieldManager").unwrap_or(agent).to_owned()
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.query.get("dryRun") == Some("All")
    }

    /// A body of JSON; one without a media type is taken for it.
    pub(super) fn json(&self) -> Result<Value, Status> {
        if !self.content_type.is_empty() && !["json", "yaml"].iter().any(|known| self.content_type.ends_with(known)) {
            let message =
                "the body of the request was in an unknown format - accepted media types include: application/json";
            return Err(Status::new(415, "UnsupportedMediaType", message));
        }
        serde_json::from_slice(&self.body)
            .map_err(|why| Status::bad_request(format!("the object provided is unrecognized: {why}")))
    }
}

/// Answers one request, or breaks its connection.
pub(super) async fn hold(request: Request<Incoming>, shared: &Shared, hold: &Arc<Hold>) -> io::Result<Response<Body>> {
    let asked = read(request).await;
    let asked = match asked {
        Ok(asked) => asked,
        Err(refused) => return Ok(Answer::refusal(&refused).into_response()),
    };
    let seen = shared.record.add(note(&asked));
    let fault = shared.faults.decide(&seen);
    if let Some(Fault::Later(gate)) = fault {
        tokio::spawn(later(asked, shared.clone(), gate, seen));
        return std::future::pending().await;
    }
    let response = match before(fault.as_ref(), hold).await? {
        Some(answer) => answer,
        None => route::answer(asked, shared).await.into_response(),
    };
    after(fault.as_ref(), hold).await?;
    shared.record.answered(seen.number, response.status().as_u16());
    Ok(match fault {
        Some(Fault::End(end)) => response.map(|body| end.of(body)),
        _ => response,
    })
}

/// A task of its own: it goes on when the connection is gone.
async fn later(asked: Asked, shared: Shared, gate: Gate, seen: Seen) {
    gate.pass().await;
    let code = route::answer(asked, &shared).await.into_response().status().as_u16();
    shared.record.answered(seen.number, code);
    gate.answered(seen.line(), code);
}

async fn read(mut request: Request<Incoming>) -> Result<Asked, Status> {
    let upgrade = request.headers().contains_key(hyper::header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    let header = |name| {
        let value = head.headers.get(&name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let body = whole(body).await?;
    let content_type = header(CONTENT_TYPE);
    Ok(Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: Query::parse(head.uri.query().unwrap_or_default()),
        content_type: content_type.split(';').next().unwrap_or_default().trim().to_owned(),
        user_agent: header(USER_AGENT),
        token: header(AUTHORIZATION).strip_prefix("Bearer ").map(str::to_owned),
        headers: head.headers,
        body,
        upgrade,
    })
}

async fn whole(body: Incoming) -> Result<Bytes, Status> {
    let message = "Request entity too large: limit is 3145728";
    let too_large = |_| Status::new(413, "RequestEntityTooLarge", message);
    let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(too_large)?;
    Ok(body.to_bytes())
}

pub(super) fn note(asked: &Asked) -> Seen {
    let text = || String::from_utf8_lossy(&asked.body).into_owned().into();
    Seen {
        number: 0,
        method: asked.method.clone(),
        path: asked.path.clone(),
        query: asked.query.to_string(),
        body: serde_json::from_slice(&asked.body).unwrap_or_else(|_| text()),
        content_type: asked.content_type.clone(),
        user_agent: asked.user_agent.clone(),
        at: Instant::now(),
        code: None,
    }
}

/// What happens before the request is carried out; an answer means that it is not.
async fn before(fault: Option<&Fault>, hold: &Hold) -> io::Result<Option<Response<Body>>> {
    match fault {
        Some(Fault::Answer(status)) => return Ok(Some(Answer::refusal(status).into_response())),
        Some(Fault::RetryAfter { code, seconds }) => {
            let Fault::Answer(mut status) = Fault::code(*code) else {
                return Ok(None);
            };
            status.details = serde_json::json!({"retryAfterSeconds": seconds});
            let mut response = Answer::refusal(&status).into_response();
            response.headers_mut().insert(RETRY_AFTER, (*seconds).into());
            return Ok(Some(response));
        }
        Some(Fault::ResetBefore) => return Err(reset(hold)),
        Some(Fault::Hang(gate)) => gate.pass().await,
        Some(Fault::Delay(span)) => tokio::time::sleep(*span).await,
        Some(Fault::CutAfterSent(bytes)) => hold.cut_after_sent(*bytes),
        Some(Fault::CutAfterReceived(bytes)) => hold.cut_after_received(*bytes),
        Some(Fault::ResetAfter | Fault::HangAfter(_) | Fault::Later(_) | Fault::Stall | Fault::End(_)) | None => {}
    }
    Ok(None)
}

/// What happens when it has been carried out, and the answer not yet sent.
async fn after(fault: Option<&Fault>, hold: &Hold) -> io::Result<()> {
    match fault {
        Some(Fault::ResetAfter) => return Err(reset(hold)),
        Some(Fault::HangAfter(gate)) => gate.pass().await,
        Some(Fault::Stall) => hold.stall(),
        _ => {}
    }
    Ok(())
}

fn reset(hold: &Hold) -> io::Error {
    hold.reset();
    io::ErrorKind::ConnectionReset.into()
}
