//! What the server answers to a request that is signed well.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::request::Parts;
use http_body_util::Full;
use hyper::{Method, Response};

use super::{BUCKET, Bucket};

type Answer = Response<Full<Bytes>>;

pub(super) fn error(code: u16, name: &str, message: &str) -> Answer {
    let text = format!("<Error><Code>{name}</Code><Message>{message}</Message></Error>");
    respond(code, text.into_bytes())
}

fn respond(code: u16, body: Vec<u8>) -> Answer {
    Response::builder().status(code).body(Full::from(body)).expect("an answer")
}

pub(super) fn answer(bucket: &mut Bucket, head: &Parts, body: &Bytes) -> Answer {
    let path = head.uri.path().trim_start_matches('/');
    let (name, key) = path.split_once('/').unwrap_or((path, ""));
    if name != BUCKET {
        return error(404, "NoSuchBucket", "there is no such bucket");
    }
    let query: BTreeMap<String, String> = head.uri.query().unwrap_or_default().split('&').map(pair).collect();
    let upload = query.get("uploadId");
    if head.headers.contains_key("x-amz-trailer") || head.headers.contains_key("x-amz-decoded-content-length") {
        return error(400, "InvalidArgument", "no trailers here");
    }
    let checked = head.headers.keys().any(|name| name == "content-md5" || name.as_str().starts_with("x-amz-checksum"));
    if head.method == Method::PUT && bucket.demands_checksum && !checked {
        return error(400, "InvalidRequest", "Content-MD5 or x-amz-checksum- is required with object lock");
    }
    match (head.method.clone(), upload) {
        (Method::GET, None) if key.is_empty() => list(bucket, query.get("prefix").map_or("", String::as_str)),
        (Method::GET | Method::HEAD, None) => get(bucket, head, key),
        (Method::PUT, None) => put(bucket, head, key, body),
        (Method::DELETE, None) => {
            bucket.objects.remove(key);
            respond(204, Vec::new())
        }
        (Method::POST, None) => begin(bucket, key),
        (Method::PUT, Some(id)) => part(bucket, id, &query["partNumber"], body),
        (Method::POST, Some(id)) => complete(bucket, id),
        (Method::DELETE, Some(id)) => match bucket.uploads.remove(id) {
            Some(_) => respond(204, Vec::new()),
            None => error(404, "NoSuchUpload", "there is no such upload"),
        },
        _ => error(405, "MethodNotAllowed", "not here"),
    }
}

fn pair(text: &str) -> (String, String) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (name.to_owned(), value.replace("%2F", "/"))
}

fn list(bucket: &Bucket, prefix: &str) -> Answer {
    let mut text = "<ListBucketResult><IsTruncated>false</IsTruncated>".to_owned();
    for (key, content) in bucket.objects.iter().filter(|(key, _)| key.starts_with(prefix)) {
        let modified = bucket
            .modified
            .get(key)
            .map_or_else(jiff::Timestamp::now, |&second| jiff::Timestamp::from_second(second).expect("a time"));
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
    if head.headers.contains_key("if-none-match") && bucket.objects.contains_key(key) {
        return error(412, "PreconditionFailed", "it is there");
    }
    bucket.objects.insert(key.to_owned(), body.to_vec());
    tagged(200, Vec::new())
}

fn tagged(code: u16, body: Vec<u8>) -> Answer {
    Response::builder().status(code).header("etag", "\"e\"").body(Full::from(body)).expect("an answer")
}

fn begin(bucket: &mut Bucket, key: &str) -> Answer {
    bucket.next_upload += 1;
    let id = format!("upload{}", bucket.next_upload);
    bucket.uploads.insert(id.clone(), (key.to_owned(), BTreeMap::new()));
    let text = format!(
        "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    );
    respond(200, text.into_bytes())
}

fn part(bucket: &mut Bucket, id: &str, number: &str, body: &Bytes) -> Answer {
    let Some((_, parts)) = bucket.uploads.get_mut(id) else {
        return error(404, "NoSuchUpload", "there is no such upload");
    };
    parts.insert(number.parse().expect("a number"), body.to_vec());
    tagged(200, Vec::new())
}

fn complete(bucket: &mut Bucket, id: &str) -> Answer {
    let Some((key, parts)) = bucket.uploads.remove(id) else {
        return error(404, "NoSuchUpload", "there is no such upload");
    };
    bucket.objects.insert(key.clone(), parts.into_values().collect::<Vec<_>>().concat());
    let text = format!(
        "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
    );
    respond(200, text.into_bytes())
}
