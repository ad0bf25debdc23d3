//! What stands of the golden volume, and of the sandbox's database as a checkpoint needs it.
use super::{Golden, keep, keep_named};
use crate::cluster::Cluster;
use crate::cluster::claim::Claim;
use crate::settings::Settings;

/// What there is.
pub struct GoldenFound {
    /// The sandbox's database server.
    pub host: String,
    pub claim: Option<Claim>,
    /// Whether the claim is made where there is none.
    pub makes: bool,
    pub notes: Vec<String>,
}

/// Reads only. `None` where the plan has nothing to do there, or something is wrong.
pub(super) async fn check(
    settings: &Settings,
    cluster: &Cluster,
    golden: Option<Golden>,
    wrong: &mut Vec<String>,
) -> Option<GoldenFound> {
    let golden = golden.filter(|golden| *golden != Golden::Cool)?;
    let sandbox = &settings.sandbox;
    let (secret, claim) = tokio::join!(
        cluster.credentials(&sandbox.namespace, &sandbox.secret),
        cluster.claim(&sandbox.namespace, &settings.golden_claim)
    );
    let secret = keep_named(wrong, secret, "sandbox-secret");
    let claim = keep(wrong, claim)?;
    let host = secret.and_then(|secret| super::check_secret(settings, sandbox, &secret, wrong));
    if settings.pg_host.is_some() && settings.prod.database == sandbox.database {
        wrong.push(format!("production and the sandbox are the same database {}", sandbox.database));
    }
    let mut notes = Vec::new();
    match &claim {
        Some(claim) => {
            keep(wrong, claim.check());
            notes.extend(smaller(settings, claim, golden));
        }
        None if golden == Golden::Use => wrong.push(format!(
            "there is no PersistentVolumeClaim {}/{}, and so no checkpoint: take one with `{} checkpoint`",
            sandbox.namespace,
            settings.golden_claim,
            crate::cli::program()
        )),
        None => {}
    }
    Some(GoldenFound { host: host?, claim, makes: golden == Golden::Make, notes })
}

fn smaller(settings: &Settings, claim: &Claim, golden: Golden) -> Option<String> {
    let differs = golden == Golden::Make && claim.size != settings.golden_size;
    differs.then(|| {
        format!(
            "PersistentVolumeClaim {}/{} has {}, not --golden-size {}: it is used as it is, and never resized",
            claim.namespace, claim.name, claim.size, settings.golden_size
        )
    })
}
