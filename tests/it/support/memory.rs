//! What a process had resident.
//!
//! Of a build without optimisation only what it has allocated is counted: its code alone is 36 MiB, that of a release a third of it.
use std::fs;
use std::time::Duration;

/// The peak is asked of the kernel while the process runs: when it has ended nobody knows it any more.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// What no run of the tool may have resident, in MiB, for any amount of data.
pub(crate) const MOST: f64 = if cfg!(debug_assertions) { 48.0 } else { 64.0 };

/// The highest that the process had resident until `ended`, in MiB, and what `ended` gives.
pub(crate) async fn peak<T>(pid: u32, ended: impl Future<Output = T>) -> (f64, T) {
    let mut highest: f64 = 0.0;
    let watching = async {
        let mut moments = tokio::time::interval(ASK_EVERY);
        loop {
            moments.tick().await;
            highest = resident(pid).map_or(highest, |now| now.max(highest));
        }
    };
    let ended = tokio::select! {
        ended = ended => ended,
        never = watching => never,
    };
    (highest, ended)
}

/// None for a process that has ended.
fn resident(pid: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let what = if cfg!(debug_assertions) { "RssAnon:" } else { "VmHWM:" };
    let line = status.lines().find_map(|line| line.strip_prefix(what))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}
