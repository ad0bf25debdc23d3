//! `tar | tar` through exec with the least that can lie between: a message from the one socket goes into the other.
use crate::support::sandbox::{PROD, SANDBOX, Sandbox};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Bytes, Message};

pub(super) type Socket = WebSocketStream<TcpStream>;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;
/// Messages between the two ends: as much as the pipe between two `kubectl exec` holds, and more.
const QUEUE: usize = 16;

/// Copies production's `mycompany` into the sandbox.
pub(super) async fn copy(lab: &Sandbox) {
    let reading = ["tar", "-cf", "-", "-C", "/var/www/documents", "mycompany"];
    let writing = ["tar", "-xf", "-", "-C", "/var/www/documents"];
    let pod =
        |namespace| lab.store.list("pods", Some(namespace))[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    let (_asking, from) = dial(lab, (PROD, &pod(PROD)), &reading, false).await.split();
    let (into, watching) = dial(lab, (SANDBOX, &pod(SANDBOX)), &writing, true).await.split();
    let (send, queue) = mpsc::channel(QUEUE);
    let ended = tokio::join!(
        tokio::spawn(read(from, Some(send))),
        tokio::spawn(write(into, queue)),
        tokio::spawn(read(watching, None)),
    );
    ended.0.expect("the source's tar");
    ended.1.expect("the target's input");
    ended.2.expect("the target's tar");
}

/// Runs the command in that Pod.
pub(super) async fn dial(lab: &Sandbox, (namespace, pod): (&str, &str), argv: &[&str], stdin: bool) -> Socket {
    let host = lab.api.url().replace("http://", "");
    let encoded = |word: &str| word.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let words: String = argv.iter().map(|word| format!("&command={}", encoded(word))).collect();
    let path = format!("/api/v1/namespaces/{namespace}/pods/{pod}/exec");
    let url = format!("ws://{host}{path}?stdin={stdin}&stdout=true&stderr=true{words}");
    let mut request = url.into_client_request().expect("a request");
    let protocol = "v5.channel.k8s.io".parse().expect("a header");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let stream = TcpStream::connect(host).await.expect("the lab's API");
    stream.set_nodelay(true).expect("a socket");
    tokio_tungstenite::client_async(request, stream).await.expect("exec").0
}

/// Until the command's status, which must be success.
async fn read(mut from: SplitStream<Socket>, pass_on: Option<mpsc::Sender<Bytes>>) {
    while let Some(message) = from.next().await {
        let Message::Binary(data) = message.expect("a message") else { continue };
        match (data.first(), &pass_on) {
            (Some(&STDOUT), Some(queue)) if data.len() > 1 => queue.send(data).await.expect("the other end takes it"),
            (Some(&STATUS), _) => {
                let status: serde_json::Value = serde_json::from_slice(&data[1..]).expect("a status");
                return assert_eq!(status["status"], "Success", "{status}");
            }
            _ => {}
        }
    }
    panic!("the connection ended without a status");
}

async fn write(mut into: SplitSink<Socket, Message>, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(data) = queue.recv().await {
        let mut message = data.to_vec();
        message[0] = STDIN;
        into.send(Message::Binary(message.into())).await.expect("the target takes it");
    }
    into.send(Message::Binary(vec![CLOSE, STDIN].into())).await.expect("the target takes it");
}
