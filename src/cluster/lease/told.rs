//! What the Lease tells whoever looks at it: which command runs, at which step, and when it last gave a sign of life.
use super::{COMMAND, Found, Held};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

const STEP: &str = "sandbox-lifecycle/step";

impl Held {
    /// Where the run is: told with the next write, at the latest with the next renewal.
    pub fn tell(&mut self, step: &str) {
        self.lease.metadata.annotations.get_or_insert_default().insert(STEP.to_owned(), step.to_owned());
    }
}

impl Found {
    /// What its holder runs, as it is typed.
    pub fn command(&self) -> Option<String> {
        self.annotation(COMMAND)
    }

    /// The step that it was in when it last wrote the Lease.
    pub fn step(&self) -> Option<String> {
        self.annotation(STEP)
    }

    /// The last sign of life, by its holder's clock: for people only.
    pub fn renewed_at(&self) -> Option<Timestamp> {
        self.renewed().map(|MicroTime(time)| *time)
    }

    fn annotation(&self, key: &str) -> Option<String> {
        self.lease.metadata.annotations.as_ref()?.get(key).cloned()
    }
}
