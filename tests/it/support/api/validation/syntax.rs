//! The syntax of names, labels and keys, and the sentences that say what is wrong with one.

pub(super) const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', \
     and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
pub(super) const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', \
     and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
pub(super) const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', \
     and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
     '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
pub(super) const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', \
     and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
pub(super) const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' \
     (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

fn framed(text: &str, longest: usize, middle: impl Fn(u8) -> bool, end: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    bytes.len() <= longest && end(*first) && end(*last) && bytes.iter().all(|byte| middle(*byte))
}

fn lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// A DNS label.
pub(super) fn is_label(text: &str) -> bool {
    framed(text, 63, |byte| lower(byte) || byte == b'-', lower)
}

pub(super) fn is_subdomain(text: &str) -> bool {
    let part = |part: &str| framed(part, 253, |byte| lower(byte) || byte == b'-', lower);
    text.len() <= 253 && text.split('.').all(part)
}

fn is_word(text: &str) -> bool {
    let middle = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    framed(text, 63, middle, |byte| byte.is_ascii_alphanumeric())
}

pub(super) fn is_label_value(text: &str) -> bool {
    text.is_empty() || is_word(text)
}

/// A key of a label or annotation: `prefix/name`, the prefix being optional.
pub(super) fn is_qualified(text: &str) -> bool {
    match text.split_once('/') {
        Some((prefix, name)) => is_subdomain(prefix) && is_word(name),
        None => is_word(text),
    }
}

/// A key of a Secret or ConfigMap.
pub(super) fn is_config_key(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fine) && text != "." && text != ".."
}

/// A quantity: `500m`, `1Gi`, `2`; `None` when it is none.
pub(super) fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: &[(&str, f64)] = &[
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
    ];
    let found = SUFFIXES.iter().find(|(suffix, _)| text.ends_with(suffix));
    let (suffix, factor) = found.copied().unwrap_or(("", 1.0));
    let number = text.strip_suffix(suffix)?;
    let plain = number.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    number.parse::<f64>().ok().filter(|_| plain).map(|number| number * factor)
}
