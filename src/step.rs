//! The steps of a run, as plain data: a plan can be printed, counted and compared before anything is touched.
mod after;
mod argocd;
pub mod backup;
pub mod doctor;
mod documents;
pub mod golden;
mod intent;
pub mod preflight;
mod refresh_job;
pub mod rights;
mod scale;
mod watchdog;

use crate::cluster::Cluster;
use crate::cluster::job::{ContainerLog, Owner};
use crate::cluster::pod::Trouble;
use crate::guard::Guard;
use crate::record::Record;
use crate::report::{Event, Report};
use crate::settings::Settings;
use crate::summary::Summary;
use anyhow::{Error, Result, ensure};
use preflight::Found;
use std::fmt::Display;
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// What is there sooner was not waited for.
const A_MOMENT: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    StartWatchdog,
    StartJob,
    Dump,
    CheckSandbox,
    PauseArgo,
    ScaleDown,
    Restore,
    ScaleUp,
    ResumeArgo,
    CleanUp,
    CopyDocuments,
    BringStatements,
    RunCommand,
    OpenGolden,
    SaveCheckpoint,
    SealCheckpoint,
    VerifyCheckpoint,
    ResetDatabase,
    ResetDocuments,
    CompareWithCheckpoint,
    ListCheckpoints,
    DeleteCheckpoint,
    CloseGolden,
    CoolGolden,
    OpenBucket,
    StartDump,
    StoreDatabase,
    StoreDocuments,
    SealSet,
    PruneSets,
    FindSet,
    ReadSet,
    ReadDocuments,
    StartReceiver,
    ReceiveSet,
    BringDocuments,
    NoteRestored,
}

/// What every step is given, and what the steps before it found out.
pub struct Context<'a> {
    pub settings: &'a Settings,
    pub cluster: &'a Cluster,
    pub guard: &'a Guard<'a>,
    pub report: &'a dyn Report,
    pub found: &'a Found,
    pub summary: &'a mut Summary,
    /// The run's id, in the name of everything transient.
    pub run: &'a str,
    /// The database is wiped and restored, even if less would do.
    pub full: bool,
    pub job: Option<Running>,
    pub watchdog: Option<Owner>,
    /// When the sandbox was told to stop, and how many replicas it had.
    pub stopped: Option<(Instant, i32)>,
    /// Whether Argo CD had found all as Git says before it was paused.
    pub synced: bool,
    pub golden: golden::State,
    /// What is known of the sandbox from the runs before this one; empty where it cannot be read.
    pub record: Record,
    pub backup: &'a mut backup::State,
}

/// The Job while it runs.
pub struct Running {
    owner: Owner,
    log: Option<ContainerLog>,
}

impl Context<'_> {
    fn note(&self, text: impl Display) {
        self.report.event(Event::Note { text: &text });
    }

    fn progress(&self, text: impl Display) {
        self.report.event(Event::Progress { text: &text });
    }

    /// How long the step took the last time.
    pub fn usual(&self, title: &str) -> Option<Duration> {
        let times = self.record.timings.get(&self.summary.command)?;
        let time = times.iter().find(|time| time.step == title)?;
        Duration::try_from_secs_f64(time.seconds).ok()
    }

    /// The sandbox's Secret may have been filled with production's: by name that is seen before anything is begun, else the server tells.
    fn is_not_production(&self, host: &str) -> Result<()> {
        let database = &self.settings.sandbox.database;
        let production =
            self.record.production.as_ref().filter(|server| server.host == host && server.database == *database);
        ensure!(
            production.is_none(),
            "the sandbox's database {database} on {host} is production's, as a refresh or backup has read it; nothing was changed. Look at \
             Secret {}/{} and --sandbox-database",
            self.settings.sandbox.namespace,
            self.settings.sandbox.secret
        );
        Ok(())
    }

    fn warn(&mut self, text: impl Display) {
        self.report.event(Event::Warning { text: &text });
        self.summary.warnings.push(text.to_string());
    }
}

/// Names the setting, where it is the image that a Pod does not get.
fn about_image(error: Error, setting: &str) -> Error {
    match error.downcast_ref() {
        Some(Trouble { image: Some(_), .. }) => error.context(format!("the image of --{setting} cannot be had")),
        _ => error,
    }
}

/// Says what is waited for, if it is not there in a moment.
async fn waiting<T>(report: &dyn Report, text: &str, waited: impl Future<Output = T>) -> T {
    let mut waited = pin!(waited);
    tokio::select! {
        biased;
        here = &mut waited => return here,
        () = sleep(A_MOMENT) => report.event(Event::Progress { text: &text }),
    }
    waited.await
}

impl Step {
    pub fn title(self) -> &'static str {
        match self {
            Self::StartWatchdog => "Start the watchdog",
            Self::StartJob => "Start the Job",
            Self::Dump => "Dump production",
            Self::CheckSandbox => "Check the sandbox's database",
            Self::PauseArgo => "Pause Argo CD",
            Self::ScaleDown => "Scale the sandbox to 0",
            Self::Restore => "Restore into the sandbox",
            Self::ScaleUp => "Scale the sandbox up",
            Self::ResumeArgo => "Re-arm Argo CD",
            Self::CleanUp => "Remove the transient objects",
            Self::CopyDocuments => "Copy the documents",
            Self::BringStatements => "Bring the statements into the Job",
            Self::RunCommand => "Run the command",
            step => backup::title(step).or_else(|| golden::title(step)).unwrap_or("a bug: a step without a title"),
        }
    }

    /// What the step touches, as `--dry-run` prints it: one line an object.
    pub fn touches(self, settings: &Settings) -> Vec<String> {
        let Settings { prod, sandbox, .. } = settings;
        let watchdog = format!("Job {}/{}", sandbox.namespace, watchdog::name("RUN"));
        let job = format!("Job {}/{}", sandbox.namespace, refresh_job::name("RUN"));
        let copy = format!("Secret {}/{}", sandbox.namespace, refresh_job::secret_name("RUN"));
        let deployment = format!("Deployment {}/{}", sandbox.namespace, sandbox.deployment);
        match self {
            Self::StartWatchdog => vec![format!("create {watchdog}, owned by the Lease")],
            Self::StartJob => vec![
                format!("create {job}, image {}", settings.pg_image),
                format!("create {copy}: a copy of {}/{}, owned by the Job", prod.namespace, prod.secret),
            ],
            Self::Dump => vec![format!("read database {} in one read-only snapshot", prod.database)],
            Self::CheckSandbox => vec![format!(
                "look at database {} as the restore will: rights, owners, extensions, locks",
                sandbox.database
            )],
            Self::PauseArgo => vec![argocd::pause_touches(settings)],
            Self::ScaleDown => vec![format!("scale {deployment} to 0")],
            Self::Restore => vec![format!(
                "make database {1} equal to the dump in one transaction: put back what differs, or replace the objects of role {0}",
                settings.sandbox_role, sandbox.database
            )],
            Self::ScaleUp => vec![format!("scale {deployment} to the replicas it had")],
            Self::ResumeArgo => vec![argocd::resume_touches(settings)],
            Self::CleanUp => {
                let watchdog = settings.watchdog.is_some().then(|| format!("delete {watchdog}"));
                [format!("delete {job}"), format!("delete {copy}")].into_iter().chain(watchdog).collect()
            }
            Self::CopyDocuments => {
                let tree =
                    |tree| format!("make {}/{tree} of {deployment} equal to production's", settings.documents_root);
                settings.documents_trees.iter().map(tree).collect()
            }
            Self::BringStatements | Self::RunCommand => after::touches(self, settings),
            step => backup::touches(step, settings).unwrap_or_else(|| golden::touches(step, settings)),
        }
    }

    /// # Errors
    /// In the operator's words; what the step had changed is in the guard's journal.
    pub async fn run(self, cx: &mut Context<'_>) -> Result<()> {
        match self {
            Self::StartWatchdog => watchdog::start(cx).await,
            Self::StartJob => refresh_job::start(cx).await,
            Self::Dump => refresh_job::dump(cx).await,
            Self::CheckSandbox => refresh_job::check(cx).await,
            Self::PauseArgo => argocd::pause(cx).await,
            Self::ScaleDown => scale::down(cx).await,
            Self::Restore => refresh_job::restore(cx).await,
            Self::ScaleUp => scale::up(cx).await,
            Self::ResumeArgo => argocd::resume(cx).await,
            Self::CleanUp => refresh_job::clean_up(cx).await,
            Self::CopyDocuments => documents::sync(cx).await,
            Self::BringStatements => after::bring_statements(cx).await,
            Self::RunCommand => after::run_command(cx).await,
            Self::OpenBucket => backup::open(cx).await,
            Self::StartDump => backup::start(cx).await,
            Self::StoreDatabase => backup::store_database(cx).await,
            Self::StoreDocuments => backup::store_documents(cx).await,
            Self::SealSet => backup::seal(cx).await,
            Self::PruneSets => backup::prune(cx).await,
            Self::FindSet => backup::find(cx).await,
            Self::ReadSet => backup::read(cx).await,
            Self::ReadDocuments => backup::read_documents(cx).await,
            Self::StartReceiver => backup::start_receiver(cx).await,
            Self::ReceiveSet => backup::receive(cx).await,
            Self::BringDocuments => backup::bring_documents(cx).await,
            Self::NoteRestored => backup::note_restored(cx).await,
            step => golden::run(step, cx).await,
        }
    }
}
