//! The two ways to keep Argo CD's hands off the sandbox, and back from each exactly.
use super::{Application, Cluster, SKIP_RECONCILE};
use crate::cli::Pause;
use crate::cluster::failure::{Refusal, refusal};
use crate::cluster::tied::{anew, tied};
use anyhow::{Result, ensure};
use kube::api::Patch;
use serde_json::{Value, json};

impl Cluster {
    /// Turns automated sync off as a whole, and proves it by reading back: with self-heal off alone, a new
    /// commit still syncs, and puts the replicas back.
    ///
    /// `enabled: false` is the field for it since Argo CD 3.1. A parent that declares `automated` in Git sees no
    /// difference in it, so this way is tried first. Where the CRD does not know the field, the API server refuses
    /// it (strict field validation) or drops it in silence (Kubernetes before 1.25), and `automated` is removed.
    ///
    /// A CRD may also be newer than the controller, which then reads past `enabled`, and no read-back can show
    /// it. So self-heal goes off in the same patch: such a controller does not act on the scale-down. A new commit
    /// just then would still make it sync, which the watch during the restore notices before anything is committed.
    ///
    /// Nothing is done unless the Application is at this version; see [`tied`](crate::cluster::tied).
    ///
    /// # Errors
    /// The Application has changed since; the patch is refused, or somebody (an ApplicationSet, a parent) put automated sync
    /// back at once.
    pub async fn pause_automated(&self, namespace: &str, name: &str, version: &str) -> Result<()> {
        let off = json!({"spec": {"syncPolicy": {"automated": {"enabled": false, "selfHeal": false}}}});
        match self.patch_at(namespace, name, off, version).await {
            Err(error) if refusal(&error) == Some(&Refusal::UnknownField) => {}
            patched => patched?,
        }
        anew(async || match self.application(namespace, name).await? {
            now if now.syncs_by_itself() => self.patch_at(namespace, name, removed(), &now.version).await,
            _ => Ok(()),
        })
        .await?;
        let now = self.application(namespace, name).await?;
        ensure!(!now.syncs_by_itself(), "{}", now.reverted(namespace, name, Pause::Automated));
        Ok(())
    }

    /// Puts `automated` back exactly as it was, whatever it has become. Where nothing has become of it, the pause may be on its
    /// way yet: it is taken away first, and the one on its way comes too late.
    ///
    /// # Errors
    /// The Application is gone, or the patch is refused.
    pub async fn restore_automated(&self, namespace: &str, name: &str, automated: &Value) -> Result<()> {
        let mut written = false;
        anew(async || {
            let mut now = self.application(namespace, name).await?;
            if now.automated.as_ref() == Some(automated) && !written {
                self.patch_at(namespace, name, removed(), &now.version).await?;
                now = self.application(namespace, name).await?;
            }
            written = true;
            if now.automated.as_ref() == Some(automated) {
                return Ok(());
            }
            let there = now.automated.iter().filter_map(Value::as_object).flat_map(|fields| fields.keys());
            let patch = resumed(automated, there.map(String::as_str));
            self.patch_at(namespace, name, patch, &now.version).await
        })
        .await?;
        let now = self.application(namespace, name).await?;
        ensure!(
            now.automated.as_ref() == Some(automated),
            "Application {namespace}/{name} has {} as automated, not {automated}{}",
            now.automated.unwrap_or_default(),
            now.changed.map_or(String::new(), |change| format!(" ({change})"))
        );
        Ok(())
    }

    /// Freezes the Application by [`SKIP_RECONCILE`], if it still is at this version, and proves it by reading back.
    ///
    /// # Errors
    /// The Application has changed since; the patch is refused, or somebody took the annotation away at once.
    pub async fn freeze(&self, namespace: &str, name: &str, version: &str) -> Result<()> {
        self.patch_at(namespace, name, skip_reconcile(Some("true")), version).await?;
        let now = self.application(namespace, name).await?;
        ensure!(now.is_frozen(), "{}", now.reverted(namespace, name, Pause::SkipReconcile));
        Ok(())
    }

    /// Puts the annotation back as it was: its old value, or none. As [`Cluster::restore_automated`], it writes in any case.
    ///
    /// # Errors
    /// The Application is gone, or the patch is refused.
    pub async fn restore_skip_reconcile(&self, namespace: &str, name: &str, value: Option<&str>) -> Result<()> {
        let mut written = false;
        anew(async || {
            let mut now = self.application(namespace, name).await?;
            if now.skip_reconcile.as_deref() == value && !written {
                self.patch_at(namespace, name, skip_reconcile(Some("true")), &now.version).await?;
                now = self.application(namespace, name).await?;
            }
            written = true;
            match now.skip_reconcile.as_deref() == value {
                true => Ok(()),
                false => self.patch_at(namespace, name, skip_reconcile(value), &now.version).await,
            }
        })
        .await?;
        let now = self.application(namespace, name).await?.skip_reconcile;
        ensure!(
            now.as_deref() == value,
            "Application {namespace}/{name} has {now:?} as {SKIP_RECONCILE}, not {value:?}"
        );
        Ok(())
    }

    async fn patch_at(&self, namespace: &str, name: &str, patch: Value, version: &str) -> Result<()> {
        self.patch_application(namespace, name, &Patch::Merge(tied(patch, version))).await
    }
}

impl Application {
    fn reverted(&self, namespace: &str, name: &str, pause: Pause) -> String {
        let by = self.changed.as_ref().map_or(String::new(), |change| format!(", by {change}"));
        format!("Application {namespace}/{name} is active again right after it was paused{by}{}", self.blame(pause))
    }

    /// The owner, with the fix; nothing when there is none.
    pub(in crate::cluster) fn blame(&self, pause: Pause) -> String {
        let owner = self.owner.as_ref();
        owner.map_or(String::new(), |owner| format!("; {owner} manages it: to allow the pause, {}", owner.fix(pause)))
    }
}

fn removed() -> Value {
    json!({"spec": {"syncPolicy": {"automated": null}}})
}

fn skip_reconcile(value: Option<&str>) -> Value {
    json!({"metadata": {"annotations": {SKIP_RECONCILE: value}}})
}

/// The merge patch that makes `automated` exactly this, where `there` are the fields it may have now.
///
/// A JSON Patch could replace it in one go, but needs `syncPolicy` to exist, and Argo CD removes one that has
/// become empty (`NormalizeApplicationSpec`).
pub fn resumed<'a>(automated: &Value, there: impl IntoIterator<Item = &'a str>) -> Value {
    let mut fields = automated.clone();
    for field in there {
        if automated.get(field).is_none() {
            fields[field] = Value::Null;
        }
    }
    json!({"spec": {"syncPolicy": {"automated": fields}}})
}
