//! The server's side of `pods/exec` over a WebSocket: what a kubelet does behind the API.

use hyper::header::{CONNECTION, HeaderMap, UPGRADE};
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

pub(crate) mod faults;
mod session;

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
    let Some(key) = header("sec-websocket-key") else {
        let why = "unable to upgrade: missing upgrade headers in request";
        return Err(Status::bad_request(why));
    };
    let Some(protocol) = negotiate(&asked.headers, &kubelet.config().exec_protocols) else {
        // As real servers do it: no word on why.
        return Ok(answer(StatusCode::FORBIDDEN, &[]));
    };
    let accept = derive_accept_key(key.as_bytes());
    let response = answer(
        StatusCode::SWITCHING_PROTOCOLS,
        &[
            (UPGRADE.as_str(), "websocket"),
            (CONNECTION.as_str(), "Upgrade"),
            ("sec-websocket-accept", &accept),
            ("sec-websocket-protocol", protocol),
        ],
    );
    let fault = kubelet.exec_faults().take(&asked);
    let session = Session {
        container,
        half_close: protocol.starts_with("v5"),
        streams: Streams { stdin: asked.stdin, stdout: asked.stdout, stderr: asked.stderr && !asked.tty },
        argv: argv(asked.command, asked.tty),
    };
    tokio::spawn(async move {
        // The client is gone before it had its answer: there is nobody to serve.
        let Ok(connection) = asked.upgrade.await else {
            return;
        };
        let wire = faults::Wire::new(TokioIo::new(connection), fault);
        let socket = WebSocketStream::from_raw_socket(wire, Role::Server, None).await;
        session.run(socket).await;
    });
    Ok(response)
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
