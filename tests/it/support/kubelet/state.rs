//! What the node knows of a Pod: one slot a container, and how the whole ended.

use serde_json::{Value, json};

use super::super::container::{Container, Exit};

/// One container of a Pod.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) init: bool,
    /// `ContainerState`: waiting, running or terminated.
    pub(crate) state: Value,
    pub(crate) last: Option<Value>,
    pub(crate) restarts: u32,
    pub(crate) ready: bool,
    /// As it runs, or ran last.
    pub(crate) container: Option<Container>,
    /// The run before that.
    pub(crate) previous: Option<Container>,
}

impl Slot {
    pub(crate) fn new(spec: &Value, init: bool, reason: &str) -> Self {
        let text = |field: &str| spec[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            image: text("image"),
            init,
            state: json!({"waiting": {"reason": reason}}),
            last: None,
            restarts: 0,
            ready: false,
            container: None,
            previous: None,
        }
    }

    pub(crate) fn wait(&mut self, reason: &str, message: &str) {
        self.end_run();
        self.ready = false;
        self.state = json!({"waiting": {"reason": reason}});
        if !message.is_empty() {
            self.state["waiting"]["message"] = message.into();
        }
    }

    /// A run that is over becomes the last one before the next.
    fn end_run(&mut self) {
        if self.state["terminated"].is_object() {
            self.last = Some(self.state.clone());
        }
    }

    pub(crate) fn run(&mut self, container: Container) {
        self.end_run();
        self.previous = self.container.replace(container);
        if self.previous.is_some() {
            self.restarts += 1;
        }
        self.state = json!({"running": {"startedAt": now()}});
    }

    pub(crate) fn end(&mut self, exit: Exit, message: Option<String>) {
        let started = self.state["running"]["startedAt"].clone();
        self.ready = false;
        self.state = json!({"terminated": {
            "exitCode": exit.code, "reason": exit.reason,
            "startedAt": started, "finishedAt": now(), "containerID": self.id(),
        }});
        if let Some(message) = message.filter(|message| !message.is_empty()) {
            self.state["terminated"]["message"] = message.into();
        }
    }

    pub(crate) fn exit_code(&self) -> Option<i64> {
        self.state["terminated"]["exitCode"].as_i64()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state["running"].is_object()
    }

    pub(crate) fn waiting_reason(&self) -> Option<&str> {
        self.state["waiting"]["reason"].as_str()
    }

    fn id(&self) -> String {
        format!("containerd://{}-{}", self.name, self.restarts)
    }

    /// `ContainerStatus`.
    pub(crate) fn report(&self) -> Value {
        let mut report = json!({
            "name": self.name, "image": self.image, "imageID": "", "state": self.state,
            "lastState": self.last.clone().unwrap_or_else(|| json!({})),
            "restartCount": self.restarts, "ready": self.ready, "started": self.is_running(),
        });
        if self.container.is_some() {
            report["imageID"] = format!("{}@sha256:{:064x}", self.image, 0).into();
            report["containerID"] = self.id().into();
        }
        // An init container is "ready" when it has done its work.
        if self.init {
            report["ready"] = (self.exit_code() == Some(0)).into();
        }
        report
    }
}

/// How the whole Pod ended, when not by its containers alone.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) phase: &'static str,
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Outcome {
    pub(crate) fn failed(reason: &str, message: &str) -> Self {
        Self { phase: "Failed", reason: reason.to_owned(), message: message.to_owned() }
    }
}

/// RFC 3339 in whole seconds, as `metav1.Time` is written.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
