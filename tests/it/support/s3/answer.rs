//! What the server answers to a request that is signed well.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::Full;
use hyper::{Method, Response};

use super::{BUCKET, Bucket, multipart};

pub(super) type Answer = Response<Full<Bytes>>;

pub(super) fn error(code: u16, name: &str, message: &str) -> Answer {
    let text = format!("<Error><Code>{name}</Code><Message>{message}</Message></Error>");
    respond(code, text.into_bytes())
}

pub(super) fn respond(code: u16, body: Vec<u8>) -> Answer {
    Response::builder().status(code).body(Full::from(body)).expect("an answer")
}

pub(super) fn answer(bucket: &mut Bucket, head: &Parts, body: &Bytes) -> Answer {
    let path = head.uri.path().trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    if name != BUCKET || bucket.is_gone {
        return error(404, "NoSuchBucket", "there is no such bucket");
    }
    let query: BTreeMap<String, String> = head.uri.query().unwrap_or_default().split('&').map(pair).collect();
    let upload = query.get("uploadId");
    if head.headers.contains_key("x-amz-trailer") || head.headers.contains_key("x-amz-decoded-content-length") {
        return error(400, "InvalidArgument", "no trailers here");
    }
    if head.method != Method::GET && head.method != Method::HEAD {
        bucket.headers.extend(head.headers.keys().map(|name| name.as_str().to_owned()));
    }
    let checked = head.headers.keys().any(|name| name == "content-md5" || name.as_str().starts_with("x-amz-checksum"));
    if head.method == Method::PUT && bucket.demands_checksum && !checked {
        return error(400, "InvalidRequest", "Content-MD5 or x-amz-checksum- is required with object lock");
    }
    match (head.method.clone(), upload) {
        (Method::GET, None) if key.is_empty() && query.contains_key("uploads") => {
            let marker = |name: &str| query.get(name).map(String::as_str);
            multipart::list(bucket, &query["prefix"], marker("key-marker").zip(marker("upload-id-marker")))
        }
        (Method::GET, None) if key.is_empty() => list(bucket, query.get("prefix").map_or("", String::as_str)),
        (Method::GET | Method::HEAD, None) => get(bucket, head, key),
        (Method::PUT, None) => put(bucket, head, key, body),
        (Method::DELETE, None) => {
            bucket.objects.remove(key);
            respond(204, Vec::new())
        }
        (Method::POST, None) => multipart::begin(bucket, key),
        (Method::PUT, Some(id)) => multipart::part(bucket, id, &query["partNumber"], body),
        (Method::POST, Some(id)) => multipart::complete(bucket, id, body),
        (Method::DELETE, Some(id)) => multipart::abort(bucket, id),
        _ => error(405, "MethodNotAllowed", "not here"),
    }
}

/// The answer with the time on the server's clock.
pub(super) fn dated(mut answer: Answer, ahead: i64) -> Answer {
    let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(ahead);
    let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    answer.headers_mut().insert("date", text.parse().expect("a header"));
    answer
}

/// When an object, or an upload by its id, came to be.
pub(super) fn moment(bucket: &Bucket, name: &str) -> jiff::Timestamp {
    let told = bucket.modified.get(name);
    told.map_or_else(jiff::Timestamp::now, |&second| jiff::Timestamp::from_second(second).expect("a time"))
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    // As a form writes it.
    let value = reqwest::Url::parse(&format!("http://x/?v={value}")).expect("a value");
    (name.to_owned(), value.query_pairs().next().map(|(_, value)| value.into_owned()).unwrap_or_default())
}

fn list(bucket: &Bucket, prefix: &str) -> Answer {
    let mut text = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, content) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let modified = moment(bucket, key);
        let size = content.len();
        text += &format!(
            "<Contents><Key>{key}</Key><LastModified>{modified:.3}</LastModified><ETag>\"e\"</ETag><Size>{size}</Size></Contents>"
        );
    }
    respond(200, (text + "</ListBucketResult>").into_bytes())
}

fn get(bucket: &Bucket, head: &Parts, key: &str) -> Answer {
    let Some(content) = bucket.objects.get(key) else {
        return match head.method {
            Method::HEAD => respond(404, Vec::new()),
            _ => error(404, "NoSuchKey", "there is no such key"),
        };
    };
    let answer = Response::builder()
        .status(200)
        .header("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT")
        .header("etag", "\"e\"")
        .header("content-length", content.len());
    let body = if head.method == Method::HEAD { Vec::new() } else { content.clone() };
    answer.body(Full::from(body)).expect("an answer")
}

fn put(bucket: &mut Bucket, head: &Parts, key: &str, body: &Bytes) -> Answer {
    if head.headers.contains_key("if-none-match") {
        if bucket.knows_no_conditions {
            return error(
                501,
                "NotImplemented",
                "A header you provided implies functionality that is not implemented.",
            );
        }
        if bucket.objects.contains_key(key) {
            return error(412, "PreconditionFailed", "it is there");
        }
    }
    bucket.objects.insert(key.to_owned(), body.to_vec());
    tagged(200, "e", Vec::new())
}

pub(super) fn tagged(code: u16, tag: &str, body: Vec<u8>) -> Answer {
    let answer = Response::builder().status(code).header("etag", format!("\"{tag}\""));
    answer.body(Full::from(body)).expect("an answer")
}
