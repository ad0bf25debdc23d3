//! A disk of the database server that is full: at each tenth of what the restore needs.

use super::arena::{Arena, finish};
use super::case::Case;
use crate::support::postgres::PRODUCTION;
use crate::support::sandbox::Ran;

/// What the new content takes at the least; the old one is there until the commit.
const NEEDED: &str = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'm')";

/// The server's words for it: for a file, for a block that fits by half, and for a connection.
const SAID: [&str; 3] = ["No space left on device", "Check free disk space", "could not write init file"];

/// From none of it free to nine tenths.
pub(super) fn cases() -> Vec<Case> {
    (0..10).map(|tenth| Case::DiskFull { tenth }).collect()
}

/// A run with so many tenths of what it needs.
pub(super) async fn run(arena: &mut Arena, tenth: u64) -> Result<Ran, String> {
    arena.move_to_small_disk();
    let postgres = &arena.lab.postgres;
    let needed: u64 = postgres.sql(PRODUCTION.database, NEEDED).parse().expect("a number");
    postgres.fill_disk(needed * tenth / 10);
    let ran = finish(arena.start()).await;
    postgres.clear_disk();
    let ran = ran?;
    let is_told = SAID.iter().any(|words| ran.stderr.contains(words));
    match ran.code == 1 && is_told {
        true => Ok(ran),
        false => Err(format!("exit code {}:\n{}", ran.code, ran.stderr)),
    }
}
