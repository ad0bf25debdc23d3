//! A command's output through exec into an object, with the least that can lie between: parts of 16 MiB, one sent while the next is filled.
use super::backup::Vault;
use super::relay::dial;
use crate::support::s3::{BUCKET, signed};
use futures::StreamExt;
use std::time::Instant;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;

const PART: usize = 16 << 20;
const STDOUT: u8 = 1;
const STATUS: u8 = 3;
const KEY: &str = "by-hand";
/// A tar pads to as much.
const SMALLEST_TAR: usize = 10_240;

/// Seconds that it took.
pub(super) async fn copy(vault: &Vault, (namespace, pod): (&str, &str), argv: &[String]) -> f64 {
    let started = Instant::now();
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    let mut from = dial(&vault.lab, (namespace, pod), &argv, false).await;
    let store = Store::begin(vault).await;
    let (mut filling, mut sending, mut number) = (Vec::with_capacity(PART), JoinSet::new(), 0);
    let mut ended = String::new();
    while let Some(message) = from.next().await {
        let Message::Binary(data) = message.expect("a message") else { continue };
        match data.first() {
            Some(&STDOUT) => filling.extend_from_slice(&data[1..]),
            Some(&STATUS) => {
                ended = String::from_utf8_lossy(&data[1..]).into_owned();
                break;
            }
            _ => {}
        }
        if filling.len() >= PART {
            number += 1;
            sending.join_next().await.transpose().expect("it is sent");
            let part = std::mem::replace(&mut filling, Vec::with_capacity(PART));
            sending.spawn(store.clone().part(number, part));
        }
    }
    assert!(ended.contains("Success"), "{argv:?} ended with {ended}");
    number += 1;
    sending.spawn(store.clone().part(number, filling));
    while sending.join_next().await.transpose().expect("it is sent").is_some() {}
    store.complete(number).await;
    let seconds = started.elapsed().as_secs_f64();
    let size = vault.s3.bucket().objects.remove(KEY).expect("the object").len();
    assert!(size >= SMALLEST_TAR, "only {size} bytes arrived");
    seconds
}

/// One upload.
#[derive(Clone)]
struct Store {
    client: reqwest::Client,
    endpoint: String,
    /// `uploadId=…`, as it stands in a query.
    id: String,
}

impl Store {
    async fn begin(vault: &Vault) -> Self {
        // Plain HTTP needs none, but the client asks for one. It may have been there before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut store = Self { client: reqwest::Client::new(), endpoint: vault.s3.endpoint(), id: String::new() };
        let begun = store.ask("POST", "uploads=", Vec::new()).await;
        let id = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an id");
        let url = reqwest::Url::parse_with_params("http://x/", [("uploadId", id)]).expect("a URL");
        url.query().expect("a query").clone_into(&mut store.id);
        store
    }

    async fn part(self, number: u32, content: Vec<u8>) {
        self.ask("PUT", &format!("partNumber={number}&{}", self.id), content).await;
    }

    async fn complete(&self, parts: u32) {
        let parts: String = (1..=parts)
            .map(|part| format!("<Part><PartNumber>{part}</PartNumber><ETag>part{part}</ETag></Part>"))
            .collect();
        self.ask("POST", &self.id, parts.into_bytes()).await;
    }

    async fn ask(&self, method: &str, query: &str, content: Vec<u8>) -> String {
        let path = format!("/{BUCKET}/{KEY}");
        let mut request =
            self.client.request(method.parse().expect("a method"), format!("{}{path}?{query}", self.endpoint));
        for (name, value) in signed(method, &path, query, &self.endpoint) {
            request = request.header(name, value);
        }
        let answer = request.body(content).send().await.expect("an answer");
        let (status, text) = (answer.status(), answer.text().await.expect("its text"));
        assert!(status.is_success(), "{status}: {text}");
        text
    }
}
