//! `core/v1` Events about Pods, as `kubectl describe` shows them.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::pod::Pod;
use super::state::now;

impl Pod {
    /// Emits an Event; one that was said before is counted, not repeated.
    pub(super) fn say(&self, kind: &str, reason: &str, message: &str) {
        static NEXT: AtomicU64 = AtomicU64::new(0x17a0_0000_0000_0000);
        let store = &self.node.store;
        let same = store.list("events", Some(&self.ns)).into_iter().find(|event| {
            event["involvedObject"]["uid"] == *self.uid && event["reason"] == reason && event["message"] == message
        });
        if let Some(event) = same {
            let name = event["metadata"]["name"].as_str().unwrap_or_default();
            let counted = store.mutate("events", &self.ns, name, |event| {
                event["count"] = (event["count"].as_u64().unwrap_or(1) + 1).into();
                event["lastTimestamp"] = now().into();
            });
            // Its time to live may have come meanwhile.
            let _ = counted;
            return;
        }
        let from = if matches!(reason, "Scheduled" | "FailedScheduling") { "default-scheduler" } else { "kubelet" };
        let name = format!("{}.{:x}", self.name, NEXT.fetch_add(1, Ordering::Relaxed));
        let event = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": name, "namespace": self.ns},
            "involvedObject": {
                "apiVersion": "v1", "kind": "Pod", "name": self.name,
                "namespace": self.ns, "uid": self.uid,
            },
            "type": kind, "reason": reason, "message": message, "count": 1,
            "firstTimestamp": now(), "lastTimestamp": now(),
            "source": {"component": from}, "reportingComponent": from, "reportingInstance": "",
        });
        // A namespace that is going away takes no more of them.
        let _ = store.create("events", event);
    }
}
