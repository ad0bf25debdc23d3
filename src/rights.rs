//! Every call that the tool makes to the API server, command by command: the one table that is asked for before a run, checked by
//! `doctor`, and printed as Roles by `manifests rbac`.
//!
//! A test compares it with what a cluster was asked when the commands ran.
mod roles;
mod table;

pub use roles::roles;

use crate::cli::Task;
use crate::cluster::rights::Right;
use crate::settings::Settings;
use table::Table;

/// How much a command depends on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Each run that goes well makes it.
    Always,
    /// A run cannot do without, and makes it in the case that is said.
    Sometimes(&'static str),
    /// A run does without it; it is only for what is said.
    Only(&'static str),
}

impl Use {
    fn rank(self) -> u8 {
        match self {
            Self::Always => 0,
            Self::Sometimes(_) => 1,
            Self::Only(_) => 2,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub right: Right,
    pub used: Use,
}

/// What commands are made of, as far as the cluster is asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The lock, the sandbox's Deployment, the record: with every run.
    Run,
    /// Production's Deployment.
    Production,
    /// The Job that dumps and restores, and its Secret.
    Database,
    /// The sandbox is stopped and started, Argo CD paused and re-armed.
    Stop,
    Documents,
    /// Checkpoints are read, and the sandbox is compared with one or brought to it.
    GoldenUse,
    GoldenMake,
    GoldenCool,
    /// The key of the bucket.
    Bucket,
    /// A database and the documents beside it are read into the bucket.
    BackupProd,
    BackupSandbox,
    /// A set of the bucket is brought into the sandbox's database.
    FromBackup,
    Recovery,
    Status,
    Doctor,
    /// `doctor --deep`: its Job, under the Lease.
    DoctorDeep,
}

/// What a command is made of.
fn parts(task: Task) -> &'static [Part] {
    use Part::*;
    match task {
        Task::Refresh => &[Run, Production, Database, Stop, Documents],
        Task::RefreshFromProd => &[Run, Production, Database, Stop],
        Task::SyncDocuments => &[Run, Production, Documents],
        Task::Checkpoint => &[Run, GoldenMake, GoldenCool],
        Task::Reset | Task::Diff => &[Run, GoldenUse],
        Task::Backup => &[Run, Production, BackupProd],
        Task::Recover => &[Recovery],
        Task::Status => &[Status],
        Task::Doctor => &[Doctor, DoctorDeep],
    }
}

/// What these commands call, each call once.
pub fn calls(settings: &Settings, tasks: &[Task]) -> Vec<Call> {
    once(tasks.iter().flat_map(|task| of(settings, *task)))
}

fn of(settings: &Settings, task: Task) -> Vec<Call> {
    let mut calls: Vec<Call> = parts(task).iter().flat_map(|part| Table(settings).part(*part)).collect();
    if task == Task::Reset {
        // The journal is for `--offline` alone.
        let offline = Table(settings).part(Part::Stop).into_iter();
        calls.extend(offline.map(|call| Call { used: Use::Only("for `reset --offline`"), ..call }));
    }
    if task == Task::Refresh {
        let bucket = Table(settings).part(Part::Bucket).into_iter();
        calls.extend(bucket.map(|call| Call { used: Use::Only("for `refresh --from-backup`"), ..call }));
    }
    once(calls)
}

fn once(all: impl IntoIterator<Item = Call>) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    for call in all {
        match calls.iter_mut().find(|known| known.right == call.right) {
            Some(known) if call.used.rank() < known.used.rank() => known.used = call.used,
            Some(_) => {}
            None => calls.push(call),
        }
    }
    calls
}

/// Without these a run that is made of these parts fails.
pub fn needed(settings: &Settings, parts: &[Part]) -> Vec<Right> {
    rights(once(parts.iter().flat_map(|part| Table(settings).part(*part))))
}

/// Without these a run of the command fails.
pub fn needed_for(settings: &Settings, task: Task) -> Vec<Right> {
    rights(of(settings, task))
}

fn rights(calls: Vec<Call>) -> Vec<Right> {
    let needed = calls.into_iter().filter(|call| !matches!(call.used, Use::Only(_)));
    needed.map(|call| call.right).collect()
}
