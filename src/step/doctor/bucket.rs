//! The bucket of the backups, only looked at: its Secret, the store's answer, its clock, and what was left in it.
use super::{Finding, State};
use crate::cluster::Cluster;
use crate::settings::Settings;
use crate::step::backup::shelf::{LIFECYCLE_RULE, Shelf};
use crate::storage::{FAR_APART, told_apart};
use jiff::Timestamp;

/// With the Secret of the database that is dumped.
pub(super) async fn check(settings: &Settings, cluster: &Cluster) -> Vec<Finding> {
    let mut all = super::secrets::of(settings, cluster, &settings.prod).await;
    if settings.backups.secret.is_none() {
        let says = "backups need a bucket: name the Secret with its key by --s3-secret";
        all.push(Finding::new("bucket", State::Failed, says).fix(make_secret(settings)));
        return all;
    }
    match Shelf::glimpse(settings, cluster).await {
        Ok(shelf) => all.extend(look(settings, &shelf).await),
        Err(error) => all.push(Finding::failed("bucket", &error).fix(make_secret(settings))),
    }
    all
}

async fn look(settings: &Settings, shelf: &Shelf) -> Vec<Finding> {
    let place = shelf.place();
    let mut all = Vec::new();
    match shelf.sets(settings.backups.policy, Timestamp::now()).await {
        Ok(sets) => {
            let newest = sets.first().map_or(String::new(), |set| format!(", the newest {}", set.manifest.id));
            all.push(Finding::ok("bucket", format!("{place} may be listed: {} sets{newest}", sets.len())));
            let unseen =
                "that it may be written and deleted from cannot be seen without doing it; the first backup does";
            all.push(Finding::ok("bucket", unseen));
        }
        Err(error) => {
            let fix = format!(
                "the store must answer at the endpoint of {} (--s3-endpoint), and its key must be allowed to list the bucket (s3:ListBucket), to \
                 read, write and delete in it, and to list and abort multipart uploads",
                secret(settings)
            );
            all.push(Finding::failed("bucket", &error).fix(fix));
        }
    }
    all.extend(shelf.storage.apart().map(clock));
    if all.iter().all(|finding| finding.state == State::Ok) {
        all.push(uploads(settings, shelf).await);
    }
    all
}

fn clock(apart: i64) -> Finding {
    let says = told_apart(apart);
    match apart.abs() < FAR_APART {
        true => Finding::ok("clock", says),
        false => Finding::new("clock", State::Failed, format!("{says}, and a store refuses 900 s"))
            .fix("set the clock right, by NTP: on this machine, or where the store runs"),
    }
}

/// What runs that were killed have left.
async fn uploads(settings: &Settings, shelf: &Shelf) -> Finding {
    match shelf.falls(settings.backups.policy, Timestamp::now()).await {
        Ok(falls) => match (falls.unlisted, falls.uploads.len()) {
            (Some(why), _) => Finding::warning("uploads", why).fix(LIFECYCLE_RULE),
            (None, 0) => Finding::ok("uploads", "no parts of unfinished uploads are left"),
            (None, left) => {
                Finding::warning("uploads", format!("the parts of {left} unfinished uploads lie in the bucket"))
                    .fix("`sandbox-lifecycle backup prune`, or the next backup")
            }
        },
        Err(error) => Finding::warning("uploads", format!("not looked at: {error:#}")),
    }
}

fn secret(settings: &Settings) -> String {
    let backups = &settings.backups;
    let namespace = backups.secret_namespace.as_ref().unwrap_or(&settings.sandbox.namespace);
    format!("Secret {namespace}/{}", backups.secret.as_deref().unwrap_or("NAME"))
}

/// No key is typed where a shell's history keeps it.
fn make_secret(settings: &Settings) -> String {
    let backups = &settings.backups;
    let namespace = backups.secret_namespace.as_ref().unwrap_or(&settings.sandbox.namespace);
    let name = backups.secret.as_deref().unwrap_or("bucket-key");
    format!(
        "kubectl -n {namespace} create secret generic {name} --from-file=access_key --from-file=secret_key --from-literal=bucket=NAME \
         --from-literal=endpoint=https://…, and --s3-secret {name}"
    )
}
