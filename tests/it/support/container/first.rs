//! A container's first process: from the start of bwrap until both have ended.
//!
//! Neither bwrap alone nor the wish to die with the parent is enough to end it. A bwrap that is
//! killed before its child is ready leaves that waiting for ever, and a child that has changed its
//! user may no longer be killed by a parent that has given up root's powers. So the first process
//! is known, and to be killed itself, before anybody else can learn that it was started.

use std::io::{self, BufRead as _, BufReader, PipeReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use serde_json::Value;
use tokio::net::unix::pipe;
use tokio::sync::oneshot;

use super::process::{self, Processes};

/// Dropping it kills the container. Nothing of it needs the runtime that it is waited for in: a
/// runtime may end while a container starts.
pub(super) struct First {
    /// As the host counts; none when the view could not be made.
    init: Option<u32>,
    output: Option<PipeReader>,
    ended: oneshot::Receiver<ExitStatus>,
}

impl First {
    /// Starts `command`, whose standard output is to be bwrap's report.
    pub(super) async fn begin(command: Command, processes: &Processes) -> io::Result<Self> {
        let processes = processes.clone();
        process::there(move || Self::begin_there(command, processes)).await?
    }

    fn begin_there(mut command: Command, processes: Processes) -> io::Result<Self> {
        let (report, report_writer) = io::pipe()?;
        let (output, output_writer) = io::pipe()?;
        let bwrap = command.stdout(report_writer).stderr(output_writer).spawn();
        // With it go our ends for writing: a bwrap that fails ends the report.
        drop(command);
        let mut bwrap = bwrap?;
        let mut report = BufReader::new(report);
        let init = first_process(&mut report);
        if let Some(init) = init {
            processes.enlist(init);
        }
        let (tell, ended) = oneshot::channel();
        std::thread::spawn(move || {
            let status = bwrap.wait();
            if let Some(init) = init {
                processes.discharge(init);
            }
            // Open until now, because bwrap writes once more at the end.
            drop(report);
            // Nobody may be waiting any more.
            let _ = tell.send(status.unwrap_or(ExitStatus::from_raw(9)));
        });
        Ok(Self { init, output: Some(output), ended })
    }

    pub(super) fn init(&self) -> Option<u32> {
        self.init
    }

    /// What the container writes, both streams.
    pub(super) fn output(&mut self) -> io::Result<pipe::Receiver> {
        let output = self.output.take().ok_or(io::ErrorKind::NotFound)?;
        pipe::Receiver::from_owned_fd(output.into())
    }

    /// To the end of both processes.
    pub(super) async fn ended(mut self) -> ExitStatus {
        let status = (&mut self.ended).await;
        self.init = None;
        status.unwrap_or(ExitStatus::from_raw(9))
    }
}

impl Drop for First {
    fn drop(&mut self) {
        if let Some(init) = self.init
            && self.ended.try_recv() == Err(oneshot::error::TryRecvError::Empty)
        {
            process::signal("KILL", &[init]);
        }
    }
}

/// bwrap tells the first process's number as the host counts.
fn first_process(report: &mut BufReader<PipeReader>) -> Option<u32> {
    let mut line = String::new();
    report.read_line(&mut line).ok()?;
    let report: Value = serde_json::from_str(&line).ok()?;
    u32::try_from(report["child-pid"].as_u64()?).ok()
}

/// Until the view is made and the program has taken bwrap's and setpriv's place.
pub(super) async fn settled(init: u32) {
    let exe = format!("/proc/{init}/exe");
    while let Ok(program) = std::fs::read_link(&exe)
        && (program.ends_with("bwrap") || program.ends_with("setpriv"))
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
