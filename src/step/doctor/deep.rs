//! Both databases, looked into by a short Job: each container has the credentials of one of them, and changes nothing in it.
use super::{Finding, State, databases};
use crate::cluster::Cluster;
use crate::cluster::job::{Container, Env, Line, Owner, RefreshJob};
use crate::guard::Guard;
use crate::jobs::{self, Event, Script};
use crate::report::{self, Report};
use crate::settings::Settings;
use crate::step::preflight::{self, DatabaseFound};
use crate::step::refresh_job::{START_LIMIT, environment, reading};
use crate::undo::Undo;
use anyhow::{Context as _, Result, anyhow, bail};
use std::time::Instant;

const TITLE: &str = "Look into both databases";
/// Without these the Job cannot come.
const NEEDED: [&str; 6] = ["API server", "namespaces", "rights", "Secret", "image", "quotas"];
/// A transaction of this age is no application's at work.
const HELD_SECONDS: u32 = 10;

/// What a look into the databases works with.
pub struct Look<'a> {
    pub settings: &'a Settings,
    pub cluster: &'a Cluster,
    pub report: &'a dyn Report,
    /// The run's id, in the name of everything transient.
    pub run: &'a str,
}

/// Why it is not worth trying, if it is not.
pub fn hopeless(findings: &[Finding]) -> Option<Finding> {
    let failed = |finding: &&Finding| finding.state == State::Failed && NEEDED.contains(&finding.check);
    let first = findings.iter().find(failed)?;
    Some(unable(&anyhow!("without what failed above ({}) no Job can do it", first.check), "mend that first"))
}

/// The databases were not looked into.
pub fn unable(error: &anyhow::Error, fix: &str) -> Finding {
    Finding::new("databases", State::Failed, format!("not looked into: {error:#}")).fix(fix)
}

/// What it would create, where nothing may be.
pub fn would(settings: &Settings) -> Finding {
    let (namespace, job, secret) = (&settings.sandbox.namespace, name("RUN"), secret_name("RUN"));
    Finding::ok(
        "databases",
        format!("not looked into: that creates Job {namespace}/{job} and Secret {namespace}/{secret}, for a while"),
    )
}

fn name(run: &str) -> String {
    format!("sandbox-doctor-{run}")
}

fn secret_name(run: &str) -> String {
    format!("sandbox-doctor-{run}-source")
}

impl Look<'_> {
    /// With the Lease held: the Job, all that it tells, and its end. A database that cannot be reached is a finding.
    ///
    /// # Errors
    /// The Job cannot be started or ends badly; the Lease is lost. What was created is in the guard's journal.
    pub async fn into_both(&self, guard: &Guard<'_>) -> Result<Vec<Finding>> {
        let started = Instant::now();
        self.report.event(report::Event::StepStarted { number: 1, of: 1, title: TITLE, usual: None });
        guard.at(TITLE);
        let mut wrong = Vec::new();
        let found = preflight::check_database(self.settings, self.cluster, &mut wrong).await;
        let owner = self.start(guard, &found.with_context(|| wrong.join("; "))?).await?;
        let source = self.told(&owner, &jobs::EXAMINE_SOURCE).await?;
        let target = self.told(&owner, &jobs::EXAMINE_TARGET).await?;
        // The Secret first: once the Job is gone, the cluster deletes it too, and the two would race.
        guard.settle(|undo| matches!(undo, Undo::DeleteSecret { .. })).await?;
        guard.settle(|undo| matches!(undo, Undo::DeleteJob { .. })).await?;
        self.report.event(report::Event::StepDone { title: TITLE, elapsed: started.elapsed() });
        Ok(databases::findings(&source, &target))
    }

    async fn start(&self, guard: &Guard<'_>, found: &DatabaseFound) -> Result<Owner> {
        let namespace = &self.settings.sandbox.namespace;
        let (job, secret) = (name(self.run), secret_name(self.run));
        guard.before_change(Undo::DeleteSecret { namespace: namespace.clone(), name: secret.clone() }).await?;
        guard.before_change(Undo::DeleteJob { namespace: namespace.clone(), name: job.clone() }).await?;
        let owner = self
            .cluster
            .start_job(&RefreshJob {
                namespace,
                name: &job,
                run: self.run,
                lease: &guard.lease().await,
                image: &self.settings.pg_image,
                dump: self.source(&found.prod_host, &secret),
                restore: self.target(&found.sandbox_host),
            })
            .await?;
        // The Pod waits for it; it takes the kubelet longer to get there.
        self.cluster.copy_credentials(&found.credentials, &owner, &secret).await?;
        Ok(owner)
    }

    fn source<'a>(&self, host: &str, secret: &'a str) -> Container<'a> {
        let settings = self.settings;
        let mut env = environment((settings, self.run), host, &settings.prod.database, secret);
        env.extend(reading(settings, "production"));
        container(&jobs::EXAMINE_SOURCE, env)
    }

    fn target(&self, host: &str) -> Container<'_> {
        let Settings { prod, sandbox, sandbox_role, .. } = self.settings;
        let mut env = environment((self.settings, self.run), host, &sandbox.database, &sandbox.secret);
        env.extend([
            Env::Plain("SANDBOX_ROLE", sandbox_role.clone()),
            Env::Plain("SOURCE_DATABASE", prod.database.clone()),
            Env::Plain("SOURCE", "production".to_owned()),
            Env::Plain("HELD_SECONDS", HELD_SECONDS.to_string()),
        ]);
        container(&jobs::EXAMINE_TARGET, env)
    }

    /// Every event of a container, when it has ended.
    async fn told(&self, owner: &Owner, script: &Script) -> Result<Vec<Event>> {
        self.cluster.container_started(owner, script.name, START_LIMIT).await?;
        let mut log = self.cluster.follow(owner, script.name).await?;
        let (mut events, mut last) = (Vec::new(), None);
        loop {
            match log.next().await? {
                Line::Text(line) => {
                    self.report.event(report::Event::Log { line: &line });
                    match Event::read(&line) {
                        Err(damaged) => bail!("the log of {} has {damaged}", script.name),
                        Ok(Some(event)) => events.push(event),
                        Ok(None) => last = Some(line),
                    }
                }
                Line::Ended { code: 0, .. } => return Ok(events),
                Line::Ended { code, reason } => {
                    let last = last.map_or(String::new(), |line| format!("; its last line: {line}"));
                    bail!("container {} failed (exit code {code}): {reason}{last}", script.name)
                }
            }
        }
    }
}

fn container<'a>(script: &'static Script, mut env: Vec<Env<'a>>) -> Container<'a> {
    env.extend(script.files.iter().map(|(name, text)| Env::Plain(name, (*text).to_owned())));
    Container { name: script.name, script: script.text, env }
}
