//! What a store's refusal means to the operator. Stores answer with XML that has a code and a message, and some with much beside it.
use super::wire::STANDS_STILL;
use object_store::client::{HttpError, HttpErrorKind};
use std::error::Error;

/// Seconds between two clocks. A store refuses what was signed more than 15 minutes ago; it is said of any refusal when it comes near that.
pub const FAR_APART: i64 = 300;

/// Why it failed and what to do: the store's own words without the XML around them. `apart` is how far its clock is ahead.
pub(super) fn meaning(said: &str, apart: Option<i64>) -> String {
    // Around it stands which request that was, with the id of an upload.
    if let Some((_, why)) = said.split_once(STANDS_STILL) {
        return format!("{STANDS_STILL}{why}");
    }
    let code = between(said, "<Code>", "</Code>");
    let told = match (code, between(said, "<Message>", "</Message>")) {
        (Some(code), Some(message)) if !message.is_empty() => format!("{code}: {message}"),
        (Some(code), _) => code.to_owned(),
        (None, _) => bare(said.split_once('<').map_or(said, |(words, _)| words).trim_end_matches([' ', ':'])),
    };
    let refused = ["403 Forbidden", "401 Unauthorized"].iter().any(|word| said.contains(word));
    match advice(code.unwrap_or_default(), refused, apart) {
        Some(advice) => format!("{advice} ({told})"),
        None => told,
    }
}

/// An answer in the words of the store alone: the library puts the request and its attempts before them.
fn bare(said: &str) -> String {
    match said.split_once("Server returned non-2xx status code: ") {
        Some((_, answer)) => format!("the store answered {answer}"),
        None => said.to_owned(),
    }
}

/// A connection that did not come about, or did not last.
pub(super) struct Broken {
    reached: bool,
    /// Its last cause names the trouble: a port that is closed, a name that is not known, a certificate.
    why: String,
}

/// What broke off, if the store has not answered at all.
pub(super) fn broken(error: &(dyn Error + 'static)) -> Option<Broken> {
    let (mut cause, mut reached) = (error, None);
    loop {
        reached = cause.downcast_ref::<HttpError>().map(|http| http.kind() != HttpErrorKind::Connect).or(reached);
        match cause.source() {
            Some(below) => cause = below,
            None => return Some(Broken { reached: reached?, why: cause.to_string() }),
        }
    }
}

impl Broken {
    pub(super) fn told(&self, endpoint: &str) -> String {
        let Self { reached, why } = self;
        match reached {
            true => format!("the connection to the store at {endpoint} broke off: {why}"),
            false if why.contains("certificate") => format!(
                "the store at {endpoint} cannot be trusted: {why}; the key ca of the bucket's Secret names who is, as PEM certificates"
            ),
            false => format!(
                "the store at {endpoint} cannot be reached: {why}; its address is --s3-endpoint, or the key endpoint of the bucket's Secret"
            ),
        }
    }
}

fn advice(code: &str, refused: bool, apart: Option<i64>) -> Option<String> {
    let skew = apart.filter(|apart| apart.abs() > FAR_APART);
    Some(match code {
        "RequestTimeTooSkewed" | "RequestExpired" | "ExpiredToken" => clock(apart.unwrap_or_default()),
        "SignatureDoesNotMatch" => "the secret_key of the bucket's Secret is not that of its access_key".to_owned(),
        "InvalidAccessKeyId" => "the store does not know the access_key of the bucket's Secret".to_owned(),
        "AccessDenied" | "AllAccessDisabled" => "the key of the bucket's Secret may not do this".to_owned(),
        "NoSuchBucket" => "there is no such bucket".to_owned(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException" => {
            "the bucket is in another region, which --s3-region names".to_owned()
        }
        "SlowDown" | "ServiceUnavailable" => "the store is too busy, and was asked again in vain".to_owned(),
        "" if refused => match skew {
            Some(apart) => clock(apart),
            None => "the store refuses the key of the bucket's Secret".to_owned(),
        },
        _ => return None,
    })
}

fn clock(apart: i64) -> String {
    match apart {
        0 => "this machine's clock is wrong".to_owned(),
        apart => format!("{}: set it right, by NTP", told_apart(apart)),
    }
}

/// How far this machine's clock is from a store's that is so many seconds ahead of it.
pub fn told_apart(apart: i64) -> String {
    let way = if apart < 0 { "ahead of" } else { "behind" };
    format!("this machine's clock is {} s {way} the store's", apart.unsigned_abs())
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_without_what_lies_around_it() {
        let skewed = "Error … 403 Forbidden: <Error><Code>RequestTimeTooSkewed</Code><Message>too large</Message>\
                      <ServerTime>2026</ServerTime></Error>";
        let told = meaning(skewed, Some(-7200));
        assert_eq!(
            told,
            "this machine's clock is 7200 s ahead of the store's: set it right, by NTP (RequestTimeTooSkewed: too large)"
        );
        let odd = meaning("status 500: <html><body>no", None);
        assert_eq!(odd, "status 500");
        let busy = "Generic S3 error: Error performing GET http://s3/b in 2.3s, after 8 retries, max_retries: 8, retry_timeout: 120s  - \
                    Server returned non-2xx status code: 500 Internal Server Error: ";
        assert_eq!(meaning(busy, None), "the store answered 500 Internal Server Error");
        let bare = meaning("Client error with status 403 Forbidden", None);
        assert!(bare.starts_with("the store refuses the key"), "{bare}");
        let late = meaning("Client error with status 403 Forbidden", Some(4000));
        assert!(late.starts_with("this machine's clock is 4000 s behind"), "{late}");
        assert_eq!(meaning("<Error><Code>Odd</Code></Error>", None), "Odd");
    }
}
