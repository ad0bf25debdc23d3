//! A disk of the database server that is full: at each tenth of what the restore needs.

use super::arena::{Arena, finish};
use super::case::Case;
use super::piece::Piece;
use crate::support::api::{Fault, Gate, Rule};
use crate::support::postgres::{PRODUCTION, SANDBOX};
use crate::support::sandbox::Ran;

/// What the new content takes at the least; the old one is there until the commit.
const NEEDED: &str = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')";

/// The first write of a warm reset's Lease after its creation: just before the commit.
const BEFORE_COMMIT: &str = "update leases sandbox-lifecycle";

/// The server's words for it: for a file, for a block that fits by half, and for a connection.
const SAID: [&str; 3] = ["No space left on device", "Check free disk space", "could not write init file"];

/// From none of it free to nine tenths.
pub(super) fn cases() -> Vec<Case> {
    (0..10).map(|tenth| Case::DiskFull { tenth }).collect()
}

/// A run with so many tenths of what it needs.
pub(super) async fn run(arena: &mut Arena, tenth: u64) -> Result<Ran, String> {
    arena.move_to_small_disk();
    let needed = match arena.piece {
        Piece::Refresh => arena.lab.postgres.sql(PRODUCTION.database, NEEDED).parse().expect("a number"),
        _ => taken(arena).await?,
    };
    compact(arena);
    let postgres = &arena.lab.postgres;
    postgres.fill_disk(needed * tenth / 10);
    let ran = finish(arena.start()).await;
    postgres.clear_disk();
    let ran = ran?;
    let is_told = SAID.iter().any(|words| ran.stderr.contains(words));
    match ran.code == 1 && is_told {
        true => Ok(ran),
        false => Err(format!("exit code {}, with {tenth} tenths of {needed} bytes:\n{}", ran.code, ran.stderr)),
    }
}

/// What a reset that is let through has taken when it is about to commit.
async fn taken(arena: &mut Arena) -> Result<u64, String> {
    compact(arena);
    let (gate, free) = (Gate::new(), arena.lab.postgres.disk_free());
    arena.lab.api.faults.add(Rule::on_line(BEFORE_COMMIT, Fault::Hang(gate.clone())));
    let child = arena.start();
    gate.reached().await;
    let taken = free.saturating_sub(arena.lab.postgres.disk_free());
    gate.open();
    let ran = finish(child).await?;
    arena.judge(&ran, false).await?;
    Ok(taken)
}

/// Rows that are gone would leave room for those that come.
fn compact(arena: &Arena) {
    arena.lab.postgres.sql(SANDBOX.database, "VACUUM FULL");
    arena.lab.postgres.clear_disk();
}
