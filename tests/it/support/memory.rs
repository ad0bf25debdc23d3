//! What a process had resident.
use std::fs;
use std::time::Duration;

/// The peak is asked of the kernel while the process runs: when it has ended nobody knows it any more.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// The highest that the process had resident until `ended`, in MiB, and what `ended` gives.
pub(crate) async fn peak<T>(pid: u32, ended: impl Future<Output = T>) -> (f64, T) {
    let mut highest = 0.0;
    let watching = async {
        let mut moments = tokio::time::interval(ASK_EVERY);
        loop {
            moments.tick().await;
            highest = resident(pid).unwrap_or(highest);
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
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib / 1024.0)
}
