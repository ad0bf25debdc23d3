//! Signature Version 4, checked as a server does: over the request as it came.

use http::request::Parts;
use sha2::{Digest, Sha256};

use super::{ACCESS_KEY, SECRET_KEY};

/// Why the request is refused, if it is.
pub(super) fn check(head: &Parts, body: &[u8]) -> Result<(), &'static str> {
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = header("authorization").ok_or("not signed")?;
    let fields = authorization.strip_prefix("AWS4-HMAC-SHA256 ").ok_or("signed by another algorithm")?;
    let field = |name: &str| fields.split(',').find_map(|field| field.trim().strip_prefix(name)?.strip_prefix('='));
    let credential = field("Credential").ok_or("no credential")?;
    let (key, scope) = credential.split_once('/').ok_or("no scope")?;
    if key != ACCESS_KEY {
        return Err("an unknown key");
    }
    let signed = field("SignedHeaders").ok_or("no signed headers")?;
    let digest = header("x-amz-content-sha256").ok_or("no digest of the content")?;
    if digest != "UNSIGNED-PAYLOAD" && digest != hex(&Sha256::digest(body)) {
        return Err("the content is not what was signed");
    }
    let mut query: Vec<&str> =
        head.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let query: Vec<String> =
        query.into_iter().map(|pair| if pair.contains('=') { pair.to_owned() } else { format!("{pair}=") }).collect();
    let headers: String =
        signed.split(';').map(|name| format!("{name}:{}\n", header(name).unwrap_or_default().trim())).collect();
    let canonical = format!("{}\n{}\n{}\n{headers}\n{signed}\n{digest}", head.method, head.uri.path(), query.join("&"));
    let date = header("x-amz-date").ok_or("no date")?;
    let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{}", hex(&Sha256::digest(canonical)));
    let secret = format!("AWS4{SECRET_KEY}").into_bytes();
    let key = scope.split('/').fold(secret, |key, part| hmac(&key, part.as_bytes()));
    match field("Signature") == Some(&hex(&hmac(&key, text.as_bytes()))) {
        true => Ok(()),
        false => Err("the signature is another"),
    }
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
