//! A plan as `--dry-run` tells it: as text for a person, as JSON for a script.
use super::Plan;
use crate::cluster::{lease, record};
use crate::settings::Settings;
use serde::Serialize;
use std::fmt::{self, Display};

/// Every object that a run would touch, in its order.
#[derive(Debug, Serialize)]
pub struct Told {
    /// Before the first step.
    begins: Vec<String>,
    steps: Vec<Stage>,
    /// After the last one.
    ends: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Stage {
    title: &'static str,
    touches: Vec<String>,
}

impl Plan {
    pub fn told(&self, settings: &Settings) -> Told {
        let namespace = &settings.sandbox.namespace;
        let lease = format!("Lease {namespace}/{}", lease::NAME);
        let record = format!("ConfigMap {namespace}/{}", record::NAME);
        let stage = |step: &crate::step::Step| Stage { title: step.title(), touches: step.touches(settings) };
        Told {
            begins: vec![format!("create {lease}: the lock and the undo journal")],
            steps: self.steps.iter().map(stage).collect(),
            ends: vec![
                format!("delete {lease}"),
                format!("write {record}: the record of what this run did, for status and the next runs"),
            ],
        }
    }
}

impl Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let touched = |lines: &[String]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
        f.write_str(&touched(&self.begins))?;
        for (number, Stage { title, touches }) in (1..).zip(&self.steps) {
            write!(f, "{number:>2}. {title}\n{}", touched(touches))?;
        }
        f.write_str(touched(&self.ends).trim_end())
    }
}
