//! Where in a run something goes wrong, and how the run is held there while it does.

use super::arena::Arena;
use super::documents;
use super::trouble::die;
use crate::support::api::{Fault, Gate, Rule, Seen};
use crate::support::exec::faults::{Break, ExecFault};
use crate::support::postgres::{PRODUCTION, SANDBOX};
use crate::support::sandbox::SANDBOX as NAMESPACE;
use sandbox_lifecycle::documents::{LISTER_SCRIPT, sent};
use std::fmt;
use std::time::Duration;

/// Between two looks at the database server's locks; it tells nobody when one is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
const DRY: &str = " (dry run)";

#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The n-th request of a run; `line` is what it was in the run that was counted.
    Request { number: usize, line: String, when: When },
    /// Within production's snapshot: the counting waits for a lock.
    Reading,
    /// Within the sandbox's snapshot, likewise.
    Saving,
    /// Within the transaction that wipes and restores: it waits for a lock.
    Restoring,
    /// The documents are on their way, and the sandbox's Pod has taken so many tenths of them.
    Sending { tenth: usize },
}

/// Whether the server has carried out the request by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
    /// Not before everything else is over: then the server gets to it.
    Late,
}

/// A request's line, which tells a dry run.
pub(super) fn line(seen: &Seen) -> String {
    let dry = if seen.query().get("dryRun").is_some() { DRY } else { "" };
    seen.line() + dry
}

/// Whether a request, by its line, is one that changes an object; a command in a container is none, nor is a dry run.
pub(super) fn changes(line: &str) -> bool {
    ["create ", "update ", "patch ", "delete "].iter().any(|verb| line.starts_with(verb))
        && !line.contains("/exec")
        && !line.ends_with(DRY)
}

/// What holds a run at its place.
pub(super) enum Hold {
    Gate(Gate),
    /// Opened only at the very end.
    Late(Gate),
    /// In this database.
    Lock(&'static str),
}

impl Place {
    /// To be called before the run starts.
    pub(super) fn prepare(&self, arena: &Arena) -> Hold {
        match self {
            Self::Request { number, when, .. } => {
                let gate = Gate::new();
                let (rule, hold) = match when {
                    When::Before => (Rule::on(|_| true, Fault::Hang(gate.clone())), Hold::Gate(gate)),
                    When::After => (Rule::on(|_| true, Fault::HangAfter(gate.clone())), Hold::Gate(gate)),
                    When::Late => (Rule::on(|seen| changes(&line(seen)), Fault::Later(gate.clone())), Hold::Late(gate)),
                };
                arena.lab.api.faults.add(rule.after(*number));
                hold
            }
            Self::Reading => lock(arena, PRODUCTION.database),
            Self::Saving | Self::Restoring => lock(arena, SANDBOX.database),
            Self::Sending { tenth } => {
                let how = Break::HoldAfterReceiving(documents::BYTES * tenth / 10);
                let fault = ExecFault { command: sent(LISTER_SCRIPT), ..ExecFault::once(NAMESPACE, how) };
                let gate = fault.gate.clone();
                arena.lab.kubelet.exec_faults().arm(fault);
                Hold::Gate(gate)
            }
        }
    }

    /// As it is counted: places of one kind together.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Request { when: When::Before, .. } => "at a request",
            Self::Request { when: When::After, .. } => "at a request that is done",
            Self::Request { when: When::Late, .. } => "at a request that comes late",
            Self::Reading => "while production is read",
            Self::Saving => "while the sandbox is read",
            Self::Restoring => "within the restore",
            Self::Sending { .. } => "within the documents",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { number, line, .. } => write!(f, "{} {number} ({line})", self.kind()),
            Self::Sending { tenth } => write!(f, "{}, {tenth} tenths of them", self.kind()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// By a prepared transaction: a session would be taken for the application's, and be ended.
fn lock(arena: &Arena, database: &'static str) -> Hold {
    arena.lab.postgres.sql(database, "BEGIN; LOCK TABLE llx_user; PREPARE TRANSACTION 'the lab'");
    Hold::Lock(database)
}

impl Hold {
    /// Until the run has come to the place.
    pub(super) async fn reached(&self, arena: &Arena) {
        match self {
            Self::Gate(gate) | Self::Late(gate) => gate.reached().await,
            Self::Lock(_) => {
                let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
                while arena.lab.postgres.try_sql("postgres", waits).is_ok_and(|count| count == "0") {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
        }
    }

    pub(super) fn release(&self, arena: &Arena) {
        match self {
            Self::Gate(gate) => gate.open(),
            Self::Late(..) => {}
            Self::Lock(database) => {
                // Released before, or the server has just been restarted and has it still.
                let _ = arena.lab.postgres.try_sql(database, "ROLLBACK PREPARED 'the lab'");
            }
        }
    }

    /// When all is over, the server gets to what it was asked for long ago. Whatever would change an object that is still there is
    /// refused; what was deleted is deleted; and what is created goes with its owner.
    ///
    /// # Errors
    /// It was carried out.
    pub(super) async fn comes_late(&self, arena: &Arena) -> Result<(), String> {
        let Self::Late(gate) = self else {
            return Ok(());
        };
        let (line, code) = gate.carried_out().await;
        match line.split(' ').next() {
            // A note that a run had set out, and that its end is not known: of one that was killed it is true.
            Some("update") if line.ends_with(" configmaps sandbox-lifecycle") => Ok(()),
            Some("patch" | "update") if code < 400 => {
                Err(format!("{line} was answered with {code} long after the end"))
            }
            // A lock without a holder: it runs out.
            Some("create") if line.ends_with(" leases") && code < 400 => empty_lock(arena).await,
            _ => Ok(()),
        }
    }
}

async fn empty_lock(arena: &Arena) -> Result<(), String> {
    die(arena, 0);
    let ran = arena.run(&["recover"]).await?;
    match ran.code == 0 && ran.stderr.contains("had left nothing to put back") {
        true => Ok(()),
        false => Err(format!("an empty Lease is not recovered: {}", ran.stderr)),
    }
}
