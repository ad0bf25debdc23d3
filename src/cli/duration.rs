//! Durations, as they are typed: `500ms`, `30s`, `2m`, `36h`, `7d`, `2w`.
use jiff::{Span, SpanRelativeTo};
use std::time::Duration;

/// How long to wait; a number without a unit is in seconds.
pub(super) fn time(text: &str) -> Result<Duration, String> {
    let seconds = is_bare(text).then(|| format!("{text}s"));
    parsed(seconds.as_deref().unwrap_or(text)).ok_or_else(|| format!("{text:?} is no time such as 30s, 2m or 500ms"))
}

/// How old something is; nobody knows which unit was meant where there is none.
pub(super) fn age(text: &str) -> Result<Duration, String> {
    let parsed = parsed(text).filter(|_| !is_bare(text));
    parsed.ok_or_else(|| format!("{text:?} is no age: a number and its unit, as in 30m, 36h, 7d or 2w"))
}

fn is_bare(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Days have 24 hours. Months and years, which differ in length, are no durations; nor is what is negative.
fn parsed(text: &str) -> Option<Duration> {
    let span: Span = text.parse().ok()?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_their_unit() {
        let read = |text| time(text).ok();
        assert_eq!(read("30"), Some(Duration::from_secs(30)));
        assert_eq!(read("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(read("2m"), Some(Duration::from_secs(120)));
        assert_eq!(read("1h"), Some(Duration::from_secs(3600)));
        assert_eq!(read("0s"), Some(Duration::ZERO));
        for bad in ["", "s", "-1s", "1y", "1.2.5s", "99999999999999999999"] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn ages_have_a_number_and_a_unit() {
        assert_eq!(age("7d"), Ok(Duration::from_secs(7 * 86400)));
        assert_eq!(age("2w"), Ok(Duration::from_secs(14 * 86400)));
        assert_eq!(age("90m"), Ok(Duration::from_secs(5400)));
        for wrong in ["", "7", "d", "-1d", "7y", "1mo", "7\u{e9}"] {
            assert!(age(wrong).is_err(), "{wrong}");
        }
    }
}
