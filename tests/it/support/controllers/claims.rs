//! PersistentVolumeClaims: the default StorageClass gives each its volume at once; nobody provides for another class.

use serde_json::{Value, json};

use super::super::store::Store;
use super::Next;
use super::objects::{is_deleting, name, namespace, uid};

/// The one StorageClass, and the default.
pub(crate) const CLASS: &str = "standard";

pub(super) fn reconcile(store: &Store) -> Next {
    let pending = |claim: &Value| claim["status"]["phase"] == "Pending" && claim["spec"]["storageClassName"] == CLASS;
    let claims = store.list("persistentvolumeclaims", None);
    for claim in claims.iter().filter(|claim| pending(claim) && !is_deleting(claim)) {
        let volume = format!("pvc-{}", uid(claim));
        let bound = store.mutate("persistentvolumeclaims", namespace(claim), name(claim), |claim| {
            claim["spec"]["volumeName"] = volume.into();
            claim["status"] = json!({
                "phase": "Bound",
                "accessModes": claim["spec"]["accessModes"],
                "capacity": claim["spec"]["resources"]["requests"],
            });
        });
        // Deleted meanwhile.
        let _ = bound;
    }
    None
}
