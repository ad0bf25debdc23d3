//! Signature Version 4, checked as a server does: over the request as it came.

use http::request::Parts;
use sha2::{Digest, Sha256};

use super::{ACCESS_KEY, SECRET_KEY};

/// A request may be signed so many seconds before or after the server's time.
const WINDOW: i64 = 900;

/// Why the request is refused, if it is: the code, and the message.
pub(super) fn check(head: &Parts, body: &[u8], ahead: i64) -> Result<(), (&'static str, &'static str)> {
    let date = head.headers.get("x-amz-date").and_then(|date| date.to_str().ok()).unwrap_or_default();
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", date).map_err(|_| ("AccessDenied", "no date"))?;
    let signed = date.to_zoned(jiff::tz::TimeZone::UTC).expect("a time").timestamp().as_second();
    if (jiff::Timestamp::now().as_second() + ahead - signed).abs() > WINDOW {
        let why = "The difference between the request time and the current time is too large.";
        return Err(("RequestTimeTooSkewed", why));
    }
    signature(head, body)
        .map_err(|why| (if why == UNKNOWN { "InvalidAccessKeyId" } else { "SignatureDoesNotMatch" }, why))
}

const UNKNOWN: &str = "an unknown key";

fn signature(head: &Parts, body: &[u8]) -> Result<(), &'static str> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization").ok_or("not signed")?;
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("signed by another algorithm")?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let credential = field("Credential").ok_or("no credential")?;
    let (key, scope) = credential.split_once('/').ok_or("no scope")?;
    if key != ACCESS_KEY {
        return Err(UNKNOWN);
    }
    let signed = field("SignedHeaders").ok_or("no signed headers")?;
    let digest = header("x-amz-content-sha256").ok_or("no digest of the content")?;
    if digest != "UNSIGNED-PAYLOAD" && digest != hex(&Sha256::digest(body)) {
        return Err("the content is not what was signed");
    }
    let query = canonical(head.uri.query().unwrap_or_default());
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", header(name).unwrap_or_default().trim())).collect();
    let request = format!("{}\n{}\n{}\n{headers}\n{signed}\n{digest}", head.method, head.uri.path(), query);
    let date = header("x-amz-date").ok_or("no date")?;
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(request)));
    match field("Signature") == Some(&hex(&hmac(&signing_key(scope), text.as_bytes()))) {
        true => Ok(()),
        false => Err("the signature is another"),
    }
}

/// The headers that sign a request without its content, as the least that any client does.
pub(crate) fn signed(method: &str, path: &str, query: &str, endpoint: &str) -> [(&'static str, String); 3] {
    let now = jiff::Timestamp::now();
    let (date, time) = (now.strftime("%Y%m%d").to_string(), now.strftime("%Y%m%dT%H%M%SZ").to_string());
    let (scope, digest) = (format!("{date}/us-east-1/s3/aws4_request"), "UNSIGNED-PAYLOAD");
    let host = endpoint.split("//").nth(1).unwrap_or_default();
    let names = "host;x-amz-content-sha256;x-amz-date";
    let headers = format!("host:{host}\nx-amz-content-sha256:{digest}\nx-amz-date:{time}\n");
    let query = canonical(query);
    let request = format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{digest}");
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(request)));
    let signature = hex(&hmac(&signing_key(&scope), text.as_bytes()));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{scope}, SignedHeaders={names}, Signature={signature}");
    [("authorization", authorization), ("x-amz-content-sha256", digest.to_owned()), ("x-amz-date", time)]
}

/// The query as it is signed: sorted, and each part encoded anew, however it came over the wire.
fn canonical(query: &str) -> String {
    let encoded = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        text.bytes()
            .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
            .collect()
    };
    let url = reqwest::Url::parse(&format!("http://x/?{query}")).expect("a query");
    let mut pairs: Vec<String> =
        url.query_pairs().map(|(name, value)| format!("{}={}", encoded(&name), encoded(&value))).collect();
    pairs.sort_unstable();
    pairs.join("&")
}

fn signing_key(scope: &str) -> Vec<u8> {
    scope.split('/').fold(format!("AWS4{SECRET_KEY}").into_bytes(), |key, part| hmac(&key, part.as_bytes()))
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    match key.len() > block.len() {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let with = |pad: u8| block.map(|byte| byte ^ pad).to_vec();
    let inner = Sha256::digest([with(0x36), text.to_vec()].concat());
    Sha256::digest([with(0x5c), inner.to_vec()].concat()).to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
