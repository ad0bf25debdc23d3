//! The verdict on a case: the promises that hold after each.

use super::arena::{Arena, End, Files, KEPT, files};
use super::documents;
use super::piece::Piece;
use super::trouble::is_transient;
use crate::support::leaks::leaks_since;
use crate::support::postgres::PRODUCTION;
use crate::support::sandbox::{PROD, Ran, SANDBOX};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// The cluster's own controllers need a moment when the run has ended.
const SETTLE_LIMIT: Duration = Duration::from_secs(20);

impl Arena {
    /// The promises that hold after every case. Then the sandbox is made old for the next one.
    /// A `recover` that is `repaired` has no content to promise.
    pub(super) async fn judge(&mut self, ran: &Ran, repaired: bool) -> Result<End, String> {
        let wrong = |what: &str| format!("{what}\nexit code {}, stderr:\n{}{}", ran.code, ran.stderr, ran.stdout);
        // One that has expired is renewed, or neither the verdict nor the next case would get anywhere.
        self.lab.api.set(|settings| settings.token = None);
        self.settled().await.map_err(|what| wrong(&what))?;
        let after = self.lab.world();
        if after.production != self.before.production {
            return Err(wrong("production was changed"));
        }
        self.only_reads_production().map_err(|what| wrong(&what))?;
        if let Some(leak) = leaks_since(&self.lab, ran, &mut self.processes).first() {
            return Err(wrong(&format!("a password is told: {leak}")));
        }
        let end = match &after.sandbox {
            same if *same == self.before.sandbox => End::AsBefore,
            new if *new == self.goal.0 && !self.piece.leaves_the_sandbox() => End::Refreshed,
            _ => return Err(wrong("the sandbox is neither the old nor the new one")),
        };
        if !matches!(ran.code, 0 | 1 | 130 | 143) {
            return Err(wrong("an exit code that is not for this"));
        }
        self.told_true(ran, ran.code == 0 && !repaired, end).await.map_err(|what| wrong(&what))?;
        self.age().await;
        Ok(end)
    }

    /// What is `done` is there, and what was not to be touched is as it was.
    async fn told_true(&self, ran: &Ran, done: bool, end: End) -> Result<(), String> {
        // What came to no request of the run must not come to one of those that look at what it left.
        self.lab.api.faults.clear();
        let documents = files(&self.lab.documents(SANDBOX));
        self.documents_are_whole(&documents)?;
        if self.piece.leaves_documents() && documents != self.documents {
            return Err("the documents were changed".to_owned());
        }
        if let Some(vault) = &self.vault {
            vault.judge(ran, done, self.piece != Piece::Backup)?;
        }
        match self.piece {
            Piece::Backup => Ok(()),
            Piece::Doctor if done && !ran.stdout.contains("the sandbox is erp-sandbox at") => {
                Err("said that all is well, without a look into the databases".to_owned())
            }
            Piece::Diff if done && !ran.stdout.contains("llx_const: 0 added, 8 changed") => {
                Err("said that all is compared, without what differs".to_owned())
            }
            Piece::Doctor | Piece::Diff => Ok(()),
            Piece::RefreshOfDocuments if !done => documents::are_mended(self).await,
            piece if piece.is_checkpoint() => self.checkpoint_is_whole(ran, done).await,
            _ if done && end == End::AsBefore => Err("said to be done, with the old content".to_owned()),
            piece if done && !piece.leaves_documents() && documents != self.goal.1 => {
                Err("said to be done, with the old documents".to_owned())
            }
            _ => Ok(()),
        }
    }

    /// Each is the old one or the new one, whole.
    fn documents_are_whole(&self, now: &Files) -> Result<(), String> {
        let odd = documents::odd(now, &self.documents, &self.goal.1);
        if odd.is_empty() {
            Ok(())
        } else {
            Err(format!("documents that are neither the old nor the new ones: {odd:?}"))
        }
    }

    /// One that was taken is what the sandbox is; where none was taken, the one before it is whole.
    async fn checkpoint_is_whole(&self, ran: &Ran, done: bool) -> Result<(), String> {
        self.replace_nodes().await;
        let diff = self.run(&["diff"]).await?;
        let same = diff.stdout.contains("nothing has changed") || diff.stderr.contains("nothing has changed");
        match diff.code == 0 && (same || !done) {
            true => Ok(()),
            false => {
                Err(format!("the checkpoint is not the sandbox (exit code {}): {diff:?}\n{}", ran.code, ran.stderr))
            }
        }
    }

    /// Everything in the cluster is as it was before, once its controllers have done their part.
    async fn settled(&self) -> Result<(), String> {
        let state = || {
            let world = |resource: &str| names(&self.lab.store.list(resource, Some(SANDBOX)));
            let pods = self.lab.store.list("pods", Some(SANDBOX));
            let pods = names(&pods.into_iter().filter(|pod| !is_left_rightly(pod)).collect::<Vec<_>>());
            let deployment = self.lab.store.get("deployments", SANDBOX, SANDBOX).unwrap_or_default();
            let objects: BTreeMap<String, Vec<String>> = ["secrets", "jobs", "leases"]
                .into_iter()
                .map(|resource| (resource.to_owned(), world(resource)))
                .collect();
            (deployment, self.lab.sync_policy(), objects, pods)
        };
        let as_before = || {
            let (deployment, sync_policy, objects, pods) = state();
            deployment["spec"]["replicas"] == self.before.replicas
                && deployment["status"]["readyReplicas"] == self.before.replicas
                && sync_policy == self.before.sync_policy
                && objects == self.before.objects
                && pods.iter().all(|pod| !is_transient(pod))
                && self.is_kept_as_before()
        };
        let settled = self.lab.until("everything is as it was", as_before);
        tokio::time::timeout(SETTLE_LIMIT, settled).await.map_err(|_| {
            let (deployment, sync_policy, objects, pods) = state();
            let (replicas, ready) = (&deployment["spec"]["replicas"], &deployment["status"]["readyReplicas"]);
            format!("not as before: {replicas} replicas, {ready} ready, {sync_policy}, {objects:?}, Pods {pods:?}")
        })
    }

    /// The Deployment of the Pod that is kept: `checkpoint cool` alone takes it away.
    fn is_kept_as_before(&self) -> bool {
        let warm = self.piece.overture().is_some_and(|overture| overture.contains(&"--warm"));
        let kept = self.lab.store.get("deployments", SANDBOX, KEPT);
        kept.is_some_and(|kept| kept["spec"]["replicas"] == 1) == warm
    }

    /// Neither the log of the database nor the record of the cluster's API knows of a write to production.
    fn only_reads_production(&mut self) -> Result<(), String> {
        let log = self.lab.postgres.statements_from(&mut self.judged);
        let writes = super::writes::in_log(&log, PRODUCTION.database);
        if let Some(write) = writes.first() {
            return Err(format!("a write to production: {write}"));
        }
        let seen = self.lab.api.record.all();
        let write = seen.iter().find(|seen| {
            let production = seen.target().is_some_and(|target| target.namespace == PROD);
            production && seen.is_write() && !seen.path.ends_with("/exec")
        });
        write.map_or(Ok(()), |seen| Err(format!("a write to production: {}", seen.line())))
    }
}

/// Nobody can delete the object of a Pod whose node does not answer; of one in which nothing is known to run, the tool says
/// nothing, and no more is promised.
fn is_left_rightly(pod: &Value) -> bool {
    let runs = |list: &str| {
        pod["status"][list].as_array().into_iter().flatten().any(|one| one["state"]["running"].is_object())
    };
    let runs = ["initContainerStatuses", "containerStatuses"].into_iter().any(runs);
    pod["metadata"]["deletionTimestamp"].is_string() && pod["status"]["reason"] == "NodeLost" && !runs
}

fn names(objects: &[Value]) -> Vec<String> {
    objects.iter().filter_map(|object| object["metadata"]["name"].as_str().map(str::to_owned)).collect()
}
