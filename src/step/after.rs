//! What the operator has run with a refresh: statements in its transaction, and a command at its end.
use super::{Context, Step, refresh_job};
use crate::backup::seal::Sum;
use crate::cluster::exec::PodRef;
use crate::documents::frames::Framer;
use crate::jobs;
use crate::report::Event;
use crate::settings::Settings;
use anyhow::{Context as _, Result, bail};
use std::collections::VecDeque;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Split};
use tokio::process::{Child, Command};

/// Where `restore` looks for it.
const FILE: &str = "after.sql";
/// The last lines on the command's stderr that a failure is told with.
const TAIL: usize = 5;

pub(super) fn touches(step: Step, settings: &Settings) -> Vec<String> {
    let after = &settings.wanted.after;
    let sql = after.sql.iter().filter(|_| step == Step::BringStatements);
    let sql = sql
        .map(|(path, _)| format!("run {} in the restore's transaction, as {}", path.display(), settings.sandbox_role));
    let command = after.command.iter().filter(|_| step == Step::RunCommand);
    sql.chain(command.map(|command| format!("run here: {command}"))).collect()
}

/// By exec, so that they stand in no manifest and on no command line. The sandbox has not been touched yet.
pub(super) async fn bring_statements(cx: &mut Context<'_>) -> Result<()> {
    let (path, text) = cx.settings.wanted.after.sql.as_ref().context("a bug: no statements are wanted")?;
    let running = refresh_job::running(cx)?;
    let pod = PodRef {
        namespace: running.owner.namespace.clone(),
        pod: running.log.as_ref().context("a bug: nobody follows the Job")?.pod().to_owned(),
        container: Some(jobs::RESTORE.name.to_owned()),
    };
    let mut sum = Sum::default();
    sum.add(text.as_bytes());
    let (bytes, sum) = (text.len().to_string(), sum.hex());
    let mut framer = Framer::default();
    let mut input = framer.push(text.as_bytes());
    input.extend(framer.end());
    let argv = ["sh", "-c", jobs::RECEIVE_FILE, "sh", FILE, &bytes, &sum];
    let told = cx.cluster.tell(&pod, &argv, input.concat()).await?;
    told.success(jobs::receiving).with_context(|| format!("cannot bring {} into the Job", path.display())).map(drop)
}

/// They have been run.
pub(super) fn adjusted(cx: &mut Context<'_>) {
    let path = cx.settings.wanted.after.sql.as_ref().map(|(path, _)| path.display().to_string());
    cx.progress("the statements of --after-restore-sql were run");
    cx.summary.after_restore_sql = path;
}

/// Ended with this run: a signal, or a lost Lease, ends it too.
pub(super) async fn run_command(cx: &mut Context<'_>) -> Result<()> {
    let command = cx.settings.wanted.after.command.as_ref().context("a bug: no command is wanted")?;
    let what = "the command of --after";
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{what} could not be started"))?;
    let last = listen(cx, &mut child).await.with_context(|| format!("{what} cannot be listened to"))?;
    let status = child.wait().await.with_context(|| format!("{what} cannot be waited for"))?;
    if !status.success() {
        let last = if last.is_empty() { String::new() } else { format!(": {}", Vec::from(last).join(" / ")) };
        bail!("{what} failed ({status}){last}; run it again by itself: {command}");
    }
    cx.summary.after = Some(command.clone());
    Ok(())
}

/// What it says is for -v, as it may hold what is nobody's business; the last of its stderr is given.
async fn listen(cx: &Context<'_>, child: &mut Child) -> Result<VecDeque<String>> {
    let mut out = lines(child.stdout.take());
    let mut err = lines(child.stderr.take());
    let mut last = VecDeque::new();
    while out.is_some() || err.is_some() {
        tokio::select! {
            line = next(&mut out) => match line? {
                Some(line) => cx.report.event(Event::Log { line: &line }),
                None => out = None,
            },
            line = next(&mut err) => match line? {
                Some(line) => {
                    cx.report.event(Event::Log { line: &line });
                    if last.len() == TAIL {
                        last.pop_front();
                    }
                    last.push_back(line);
                }
                None => err = None,
            },
        }
    }
    Ok(last)
}

fn lines<R: AsyncRead + Unpin>(stream: Option<R>) -> Option<Split<BufReader<R>>> {
    stream.map(|stream| BufReader::new(stream).split(b'\n'))
}

/// Waits for ever where the stream has ended already.
async fn next<R: AsyncRead + Unpin>(lines: &mut Option<Split<BufReader<R>>>) -> Result<Option<String>> {
    match lines {
        Some(lines) => Ok(lines.next_segment().await?.map(|line| String::from_utf8_lossy(&line).into_owned())),
        None => std::future::pending().await,
    }
}
