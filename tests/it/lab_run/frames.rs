//! exec, frame by frame: what a client that is not kube-rs has to live with.

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::lab::{Lab, NS, app};
use crate::support::container::image::APP;
use crate::support::exec::faults::{Break, ExecFault};

type Socket = WebSocketStream<TcpStream>;

async fn dial(lab: &Lab, protocols: &str, script: &str) -> Result<Socket, Error> {
    let host = lab.server.url().replace("http://", "");
    let script = script.replace('%', "%25").replace(' ', "%20").replace(';', "%3B");
    let script = script.replace('>', "%3E").replace('&', "%26").replace('|', "%7C");
    let url = format!(
        "ws://{host}/api/v1/namespaces/{NS}/pods/app/exec?stdin=true&stdout=true&stderr=true\
         &command=sh&command=-c&command={script}"
    );
    let mut request = url.into_client_request()?;
    let offered = protocols.parse().expect("a header");
    request.headers_mut().insert("sec-websocket-protocol", offered);
    let stream = TcpStream::connect(host).await?;
    let (socket, _) = tokio_tungstenite::client_async(request, stream).await?;
    Ok(socket)
}

/// All frames to the end: the data by channel, and whether there was a Close.
async fn drain(socket: &mut Socket) -> (Vec<(u8, Vec<u8>)>, bool) {
    let mut frames = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Binary(data) => frames.push((data[0], data[1..].to_vec())),
            Message::Close(_) => return (frames, true),
            _ => {}
        }
    }
    (frames, false)
}

fn bytes_of(frames: &[(u8, Vec<u8>)], channel: u8) -> Vec<u8> {
    let mine = frames.iter().filter(|(of, _)| *of == channel);
    mine.flat_map(|(_, data)| data.clone()).collect()
}

async fn ready() -> Lab {
    let lab = Lab::new().await;
    lab.run(app("app", APP)).await;
    lab.until_ready("app").await;
    lab
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_frame_is_empty_and_the_status_comes_before_the_close() {
    let lab = ready().await;
    for protocols in ["v5.channel.k8s.io, v4.channel.k8s.io", "v4.channel.k8s.io"] {
        let mut socket = dial(&lab, protocols, "echo out; exit 3").await.expect("exec");
        let (frames, closed) = drain(&mut socket).await;
        assert_eq!(frames[0], (1, Vec::new()));
        assert_eq!(bytes_of(&frames, 1), b"out\n");
        assert!(closed);
        let (channel, status) = frames.last().expect("a status");
        let status: Value = serde_json::from_slice(status).expect("JSON");
        assert_eq!((*channel, &status["reason"]), (3, &"NonZeroExitCode".into()));
        let cause = &status["details"]["causes"][0];
        assert_eq!((&cause["reason"], &cause["message"]), (&"ExitCode".into(), &"3".into()));
    }
    let refused = dial(&lab, "v9.channel.k8s.io", "true").await;
    let Err(Error::Http(answer)) = refused else { panic!("accepted") };
    assert_eq!(answer.status(), 403);
    assert!(answer.body().as_deref().unwrap_or_default().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_v5_can_close_stdin_and_a_socket_that_is_gone_closes_it_too() {
    let lab = ready().await;
    let mut v5 = dial(&lab, "v5.channel.k8s.io", "cat; echo ended").await.expect("exec");
    v5.send(Message::Binary(vec![0, b'x'].into())).await.expect("sent");
    v5.send(Message::Binary(vec![255, 0].into())).await.expect("sent");
    let (frames, closed) = drain(&mut v5).await;
    assert_eq!((bytes_of(&frames, 1), closed), (b"xended\n".to_vec(), true));
    let mut v4 = dial(&lab, "v4.channel.k8s.io", "cat; echo ended > /tmp/ended").await.expect("exec");
    v4.send(Message::Binary(vec![255, 0].into())).await.expect("sent");
    v4.send(Message::Binary(vec![0, b'x'].into())).await.expect("sent");
    let mut echoed = Vec::new();
    while let Some(Ok(Message::Binary(data))) = v4.next().await {
        echoed.extend_from_slice(&data[1..]);
        if !echoed.is_empty() {
            break;
        }
    }
    assert_eq!(echoed, b"x");
    drop(v4);
    let wait = "until [ -e /tmp/ended ]; do sleep 0.01; done; cat /tmp/ended";
    assert_eq!(lab.exec("app", &["sh", "-c", wait]).await.0, "ended\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_stops_who_writes() {
    let lab = ready().await;
    let size = 48 << 20;
    let script = format!("head -c {size} /dev/zero; echo > /tmp/written; cat > /dev/null");
    let mut socket = dial(&lab, "v5.channel.k8s.io", &script).await.expect("exec");
    // Nothing tells that a writer is blocked; half a second is plenty for 48 MB.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let look = "[ -e /tmp/written ]";
    assert_eq!(lab.exec("app", &["sh", "-c", look]).await.2, Some(1));
    let mut got = 0;
    while got < size {
        let Some(Ok(Message::Binary(data))) = socket.next().await else { panic!("{got} bytes") };
        assert!(data.len() <= 32 * 1024 + 1);
        got += data.len() - 1;
    }
    drop(socket);
    let mut deaf = dial(&lab, "v5.channel.k8s.io", "sleep 60").await.expect("exec");
    let mut frame = vec![0; 32 * 1024];
    frame[0] = 0;
    let sending = async {
        for _ in 0..size / frame.len() {
            deaf.send(Message::Binary(frame.clone().into())).await.expect("sent");
        }
    };
    let sent = tokio::time::timeout(Duration::from_millis(700), sending).await;
    assert!(sent.is_err(), "48 MB went to a process that reads none");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_connection_says_nothing_and_stays() {
    let lab = ready().await;
    lab.node.exec_faults().arm(ExecFault::once(NS, Break::StallAfterSending(40_000)));
    let mut socket = dial(&lab, "v5.channel.k8s.io", "head -c 100000 /dev/zero").await.expect("exec");
    let silent = tokio::time::timeout(Duration::from_millis(300), drain(&mut socket)).await;
    assert!(silent.is_err());
    let mut next = dial(&lab, "v5.channel.k8s.io", "echo fine").await.expect("exec");
    assert_eq!(bytes_of(&drain(&mut next).await.0, 1), b"fine\n");
}
