//! The server's side of `pods/exec` over a WebSocket or SPDY: what a kubelet does behind the API.

use std::future::ready;
use std::io;

use futures::{SinkExt as _, StreamExt as _};
use hyper::header::{CONNECTION, HeaderMap, UPGRADE};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub(crate) mod faults;
mod session;
mod spdy;

use super::api::runtime::ExecRequest;
use super::container::Container;
use super::container::enter::Streams;
use super::kubelet::Kubelet;
use super::store::Status;
use session::Session;

/// Answers the request; the command itself runs after the connection has become a WebSocket.
pub(crate) fn serve(kubelet: &Kubelet, asked: ExecRequest) -> Result<Response<()>, Status> {
    if !(asked.stdin || asked.stdout || asked.stderr) {
        let why = "you must specify at least one of stdin, stdout, stderr";
        return Err(Status::bad_request(why));
    }
    let container = target(kubelet, &asked)?;
    let header = |name: &str| asked.headers.get(name).and_then(|value| value.to_str().ok());
    if header(UPGRADE.as_str()) == Some(spdy::PROTOCOL) {
        return serve_spdy(kubelet, container, asked);
    }
    let Some(key) = header("sec-websocket-key") else {
        let why = "unable to upgrade: missing upgrade headers in request";
        return Err(Status::bad_request(why));
    };
    let Some(protocol) = negotiate(&asked.headers, &kubelet.config().exec_protocols) else {
        // As real servers do it: no word on why.
        return Ok(answer(StatusCode::FORBIDDEN, &[]));
    };
    let response = switching(key, protocol);
    let fault = kubelet.exec_faults().take(&asked);
    let session = session(container, &asked, protocol.starts_with("v5"));
    tokio::spawn(async move {
        // The client is gone before it had its answer: there is nobody to serve.
        let Ok(connection) = asked.upgrade.await else {
            return;
        };
        let wire = faults::Wire::new(TokioIo::new(connection), fault);
        let (sink, frames) = WebSocketStream::from_raw_socket(wire, Role::Server, None).await.split();
        let frames = frames.take_while(|frame| ready(frame.is_ok())).filter_map(|frame| ready(frame.ok()));
        session.run(Box::pin(sink.sink_map_err(io::Error::other)), frames.boxed()).await;
    });
    Ok(response)
}

fn serve_spdy(kubelet: &Kubelet, container: Container, asked: ExecRequest) -> Result<Response<()>, Status> {
    const VERSION: &str = "v4.channel.k8s.io";
    const VERSIONS: &str = "x-stream-protocol-version";
    if !kubelet.config().exec_spdy {
        return Err(Status::bad_request("unable to upgrade: missing upgrade headers in request"));
    }
    let offers = asked.headers.get_all(VERSIONS).iter();
    if !offers.filter_map(|value| value.to_str().ok()).any(|offer| offer == VERSION) {
        return Ok(answer(StatusCode::FORBIDDEN, &[]));
    }
    let fault = kubelet.exec_faults().take(&asked);
    let session = session(container, &asked, true);
    let wanted = session.streams;
    let streams = 1 + [wanted.stdin, wanted.stdout, wanted.stderr].into_iter().filter(|wanted| *wanted).count();
    tokio::spawn(async move {
        let Ok(connection) = asked.upgrade.await else {
            return;
        };
        let wire = faults::Wire::new(TokioIo::new(connection), fault);
        // A client that opens other streams than those it asked for is left alone, as one that goes away.
        if let Ok((sink, frames)) = spdy::accept(wire, streams).await {
            session.run(sink, frames).await;
        }
    });
    let upgrade = [(UPGRADE.as_str(), spdy::PROTOCOL), (CONNECTION.as_str(), "Upgrade"), (VERSIONS, VERSION)];
    Ok(answer(StatusCode::SWITCHING_PROTOCOLS, &upgrade))
}

fn session(container: Container, asked: &ExecRequest, half_close: bool) -> Session {
    Session {
        container,
        half_close,
        streams: Streams { stdin: asked.stdin, stdout: asked.stdout, stderr: asked.stderr && !asked.tty },
        argv: argv(asked.command.clone(), asked.tty),
    }
}

fn switching(key: &str, protocol: &str) -> Response<()> {
    let accept = derive_accept_key(key.as_bytes());
    answer(
        StatusCode::SWITCHING_PROTOCOLS,
        &[
            (UPGRADE.as_str(), "websocket"),
            (CONNECTION.as_str(), "Upgrade"),
            ("sec-websocket-accept", &accept),
            ("sec-websocket-protocol", protocol),
        ],
    )
}

/// There are no terminals here: with `tty`, both outputs come on one channel, as they would there.
fn argv(command: Vec<String>, tty: bool) -> Vec<String> {
    if !tty {
        return command;
    }
    let merge = ["/bin/sh", "-c", r#"exec "$@" 2>&1"#, "sh"];
    let merge = merge.map(str::to_owned);
    merge.into_iter().chain(command).collect()
}

fn target(kubelet: &Kubelet, asked: &ExecRequest) -> Result<Container, Status> {
    let (ns, pod, name) = (&asked.namespace, &asked.pod, &asked.container);
    let failed = |why: String| Status::new(500, "InternalError", why);
    let container = kubelet.container(ns, pod, name);
    let Some(container) = container else {
        let why = format!("unable to upgrade connection: container not found (\"{name}\")");
        return Err(failed(why));
    };
    if container.exit().is_some() {
        return Err(failed(format!(
            "error executing command in container: container \"{name}\" is in CONTAINER_EXITED state"
        )));
    }
    Ok(container)
}

/// The first of the client's protocols that the server knows.
fn negotiate(headers: &HeaderMap, known: &[&'static str]) -> Option<&'static str> {
    let offers = headers.get_all("sec-websocket-protocol").iter();
    let offers = offers.filter_map(|value| value.to_str().ok());
    let mut offers = offers.flat_map(|list| list.split(',').map(str::trim));
    offers.find_map(|offer| known.iter().find(|known| **known == offer).copied())
}

fn answer(code: StatusCode, headers: &[(&str, &str)]) -> Response<()> {
    let mut response = Response::builder().status(code);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(()).expect("these headers are well-formed")
}
