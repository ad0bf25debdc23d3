//! Where in a run something goes wrong, and how the run is held there while it does.

use super::arena::Arena;
use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::{PRODUCTION, SANDBOX};
use std::fmt;
use std::time::Duration;

/// Between two looks at the database server's locks; it tells nobody when one is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The n-th request of a run; `line` is what it was in the run that was counted.
    Request { number: usize, line: String, when: When },
    /// Within production's snapshot: the counting waits for a lock.
    Reading,
    /// Within the transaction that wipes and restores: it waits for a lock.
    Restoring,
}

/// Whether the server has carried out the request by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Before,
    After,
}

/// What holds a run at its place.
pub(super) enum Hold {
    Gate(Gate),
    /// In this database.
    Lock(&'static str),
}

impl Place {
    /// To be called before the run starts.
    pub(super) fn prepare(&self, arena: &Arena) -> Hold {
        match self {
            Self::Request { number, when, .. } => {
                let gate = Gate::new();
                let fault = match when {
                    When::Before => Fault::Hang(gate.clone()),
                    When::After => Fault::HangAfter(gate.clone()),
                };
                arena.lab.api.faults.add(Rule::on(|_| true, fault).after(*number));
                Hold::Gate(gate)
            }
            Self::Reading => lock(arena, PRODUCTION.database),
            Self::Restoring => lock(arena, SANDBOX.database),
        }
    }

    /// As it is counted: places of one kind together.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Request { when: When::Before, .. } => "at a request",
            Self::Request { when: When::After, .. } => "at a request that is done",
            Self::Reading => "while production is read",
            Self::Restoring => "within the restore",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { number, line, .. } => write!(f, "{} {number} ({line})", self.kind()),
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
            Self::Gate(gate) => gate.reached().await,
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
            Self::Lock(database) => {
                // Released before, or the server has just been restarted and has it still.
                let _ = arena.lab.postgres.try_sql(database, "ROLLBACK PREPARED 'the lab'");
            }
        }
    }
}
