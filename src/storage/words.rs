//! What a store's refusal means to the operator. Stores answer with XML that has a code and a message, and some with much beside it.
use super::wire::STANDS_STILL;

/// A store refuses what was signed more than 15 minutes ago; it is said of any refusal when it comes near that.
const FAR_APART: i64 = 300;

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
        (None, _) => said.split_once('<').map_or(said, |(words, _)| words).trim_end_matches([' ', ':']).to_owned(),
    };
    let refused = ["403 Forbidden", "401 Unauthorized"].iter().any(|word| said.contains(word));
    match advice(code.unwrap_or_default(), refused, apart) {
        Some(advice) => format!("{advice} ({told})"),
        None => told,
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

fn clock(ahead: i64) -> String {
    let way = if ahead < 0 { "ahead of" } else { "behind" };
    match ahead.unsigned_abs() {
        0 => "this machine's clock is wrong".to_owned(),
        apart => format!("this machine's clock is {apart} s {way} the store's: set it right, by NTP"),
    }
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
        let bare = meaning("Client error with status 403 Forbidden", None);
        assert!(bare.starts_with("the store refuses the key"), "{bare}");
        let late = meaning("Client error with status 403 Forbidden", Some(4000));
        assert!(late.starts_with("this machine's clock is 4000 s behind"), "{late}");
        assert_eq!(meaning("<Error><Code>Odd</Code></Error>", None), "Odd");
    }
}
