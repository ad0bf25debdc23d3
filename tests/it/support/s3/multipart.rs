//! Uploads in parts: what is begun, listed, completed and taken back.

use bytes::Bytes;

use super::answer::{Answer, error, moment, respond, tagged};
use super::{BUCKET, Bucket};

/// Each part but the last has at least so much.
const SMALLEST: usize = 5 << 20;
/// Uploads in one answer to a list: few, so that there are pages.
const PAGE: usize = 2;

pub(super) fn begin(bucket: &mut Bucket, key: &str) -> Answer {
    bucket.next_upload += 1;
    // What a store may put into an id.
    let id = format!("2~upload+{}/=", bucket.next_upload);
    bucket.uploads.insert(id.clone(), (key.to_owned(), Default::default()));
    let text = format!(
        "<InitiateMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
    );
    respond(200, text.into_bytes())
}

pub(super) fn part(bucket: &mut Bucket, id: &str, number: &str, body: &Bytes) -> Answer {
    let Some((_, parts)) = bucket.uploads.get_mut(id) else { return unknown() };
    let number = number.parse().expect("a number");
    parts.insert(number, body.to_vec());
    tagged(200, &format!("part{number}"), Vec::new())
}

pub(super) fn complete(bucket: &mut Bucket, id: &str, body: &Bytes) -> Answer {
    let Some((key, parts)) = bucket.uploads.get(id).cloned() else { return unknown() };
    let text = String::from_utf8_lossy(body);
    let told = text.matches("<Part>").count();
    let all = (1..).zip(&parts).all(|(number, (is, _))| number == *is && text.contains(&format!("part{number}")));
    if told != parts.len() || !all {
        return error(400, "InvalidPart", "these are not the parts there are");
    }
    if parts.values().rev().skip(1).any(|part| part.len() < SMALLEST) {
        return error(400, "EntityTooSmall", "a part is too small");
    }
    bucket.uploads.remove(id);
    bucket.objects.insert(key.clone(), parts.into_values().collect::<Vec<_>>().concat());
    let text = format!(
        "<CompleteMultipartUploadResult><Bucket>{BUCKET}</Bucket><Key>{key}</Key><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
    );
    respond(200, text.into_bytes())
}

pub(super) fn abort(bucket: &mut Bucket, id: &str) -> Answer {
    bucket.uploads.remove(id).map_or_else(unknown, |_| respond(204, Vec::new()))
}

/// Ordered by key and id; `after` is where the page before ended.
pub(super) fn list(bucket: &Bucket, prefix: &str, after: Option<(&str, &str)>) -> Answer {
    if bucket.lists_no_uploads {
        return error(501, "NotImplemented", "uploads are not listed here");
    }
    let mut found: Vec<(&str, &str)> =
        bucket.uploads.iter().map(|(id, (key, _))| (key.as_str(), id.as_str())).collect();
    found.sort_unstable();
    found.retain(|upload| upload.0.starts_with(prefix) && after.is_none_or(|after| *upload > after));
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    let mut text = format!("<ListMultipartUploadsResult><IsTruncated>{more}</IsTruncated>");
    if let (true, Some((key, id))) = (more, found.last()) {
        text += &format!("<NextKeyMarker>{key}</NextKeyMarker><NextUploadIdMarker>{id}</NextUploadIdMarker>");
    }
    for (key, id) in found {
        let begun = moment(bucket, id);
        text += &format!("<Upload><Key>{key}</Key><UploadId>{id}</UploadId><Initiated>{begun:.3}</Initiated></Upload>");
    }
    respond(200, (text + "</ListMultipartUploadsResult>").into_bytes())
}

fn unknown() -> Answer {
    error(404, "NoSuchUpload", "there is no such upload")
}
