//! Who changed a field, as `metadata.managedFields` has it.
use super::FIELD_MANAGER;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta, Time};
use std::fmt::{self, Display};

/// The last known writer of a field. The server keeps whole seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    time: Option<Timestamp>,
    /// Of two in the same second, the other one is who undid our write.
    others: bool,
    manager: String,
    operation: String,
}

impl Change {
    /// Nobody has written to the field since this tool did.
    pub fn is_ours(&self) -> bool {
        !self.others
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A writer that only takes a field away leaves no trace, and then our own entry is the newest.
        let who = if self.others {
            &self.manager
        } else {
            "another run of this tool, or a writer the API server does not name"
        };
        write!(f, "{who} ({}", self.operation)?;
        match self.time {
            Some(time) => write!(f, ", {time:.0})"),
            None => write!(f, ")"),
        }
    }
}

/// The newest entry that owns the field at `path`, or one below it.
pub(super) fn changed(metadata: &ObjectMeta, path: &[&str]) -> Option<Change> {
    let entries = metadata.managed_fields.iter().flatten();
    entries.filter(|entry| owns(entry, path)).map(change).max()
}

fn owns(entry: &ManagedFieldsEntry, path: &[&str]) -> bool {
    let fields = entry.fields_v1.as_ref().map(|fields| &fields.0);
    path.iter().try_fold(fields, |fields, name| Some(fields?.get(format!("f:{name}")))).flatten().is_some()
}

fn change(entry: &ManagedFieldsEntry) -> Change {
    let manager = entry.manager.clone().unwrap_or_default();
    Change {
        time: entry.time.as_ref().map(|Time(time)| *time),
        others: manager != FIELD_MANAGER,
        manager,
        operation: entry.operation.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn metadata(entries: Value) -> ObjectMeta {
        serde_json::from_value(json!({"managedFields": entries})).expect("metadata")
    }

    fn entry(manager: &str, time: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": "Update", "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn the_newest_owner_of_a_field_or_of_one_below_it_is_named() {
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let metadata = metadata(json!([
            entry("kubectl", "2026-01-01T00:00:00Z", replicas.clone()),
            entry("hpa", "2026-01-03T00:00:00Z", json!({"f:status": {"f:replicas": {}}})),
            entry("argocd-controller", "2026-01-02T00:00:00Z", replicas),
        ]));
        let found = |path: &[&str]| changed(&metadata, path).map(|change| change.to_string());
        assert_eq!(found(&["spec", "replicas"]).as_deref(), Some("argocd-controller (Update, 2026-01-02T00:00:00Z)"));
        assert_eq!(found(&["spec"]).as_deref(), Some("argocd-controller (Update, 2026-01-02T00:00:00Z)"));
        assert_eq!(found(&["spec", "paused"]), None);
    }

    #[test]
    fn within_a_second_the_other_writer_counts_and_our_own_name_is_never_blamed() {
        let fields = json!({"f:spec": {"f:syncPolicy": {}}});
        let ours = entry(FIELD_MANAGER, "2026-01-01T00:00:00Z", fields.clone());
        let both = metadata(json!([ours, entry("argocd-server", "2026-01-01T00:00:00Z", fields)]));
        let text = |metadata: &ObjectMeta| changed(metadata, &["spec", "syncPolicy"]).expect("an owner").to_string();
        assert!(text(&both).starts_with("argocd-server"), "{}", text(&both));
        assert!(text(&metadata(json!([ours]))).starts_with("another run"));
    }
}
