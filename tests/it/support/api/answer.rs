//! Answers: a JSON document or a stream, with the warnings that go along.

use std::io;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Empty, Full, StreamBody};
use hyper::Response;
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::Value;

use super::super::store::Status;

pub(super) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// What a handler has to say.
pub(super) enum Answer {
    Json {
        code: u16,
        body: Value,
        warnings: Vec<String>,
    },
    /// What is answered below the path of a group that only definitions serve, for a kind without one: no Status.
    NoSuchPage,
    Stream {
        content_type: &'static str,
        stream: BoxStream<'static, io::Result<Bytes>>,
    },
    /// A head without a body: 101 to an upgrade.
    Head(Response<()>),
}

impl Answer {
    pub(super) fn ok(body: Value) -> Self {
        Self::json(200, body)
    }

    pub(super) fn json(code: u16, body: Value) -> Self {
        Self::Json { code, body, warnings: Vec::new() }
    }

    pub(super) fn refusal(status: &Status) -> Self {
        Self::json(status.code, status.to_json())
    }

    pub(super) fn warn(mut self, more: Vec<String>) -> Self {
        if let Self::Json { warnings, .. } = &mut self {
            warnings.extend(more);
        }
        self
    }

    pub(super) fn into_response(self) -> Response<Body> {
        match self {
            Self::Json { code, body, warnings } => json_response(code, &body, &warnings),
            Self::NoSuchPage => {
                let text = Full::new(Bytes::from("404 page not found\n")).map_err(|never| match never {});
                response(404, "text/plain; charset=utf-8", text.boxed_unsync())
            }
            Self::Stream { content_type, stream } => {
                let frames = stream.map(|chunk| chunk.map(Frame::data));
                response(200, content_type, StreamBody::new(frames).boxed_unsync())
            }
            Self::Head(head) => head.map(|()| Empty::new().map_err(|never| match never {}).boxed_unsync()),
        }
    }
}

fn json_response(code: u16, body: &Value, warnings: &[String]) -> Response<Body> {
    let mut text = body.to_string();
    text.push('\n');
    let full = Full::new(Bytes::from(text)).map_err(|never| match never {}).boxed_unsync();
    let mut response = response(code, "application/json", full);
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(hyper::header::WARNING, value);
        }
    }
    response
}

fn response(code: u16, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(code).unwrap_or(hyper::StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
