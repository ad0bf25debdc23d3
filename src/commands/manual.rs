//! `man`: the manual, made of the texts of `--help`.
use crate::cli::Cli;
use crate::report;
use anyhow::{Context, Result};
use clap_mangen::Man;
use std::path::Path;

/// The main page on stdout, or one page a command in the directory, which is made.
///
/// # Errors
/// The directory cannot be made or written to.
pub(super) fn print(directory: Option<&Path>) -> Result<()> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        Man::new(Cli::typed()).manual("sandbox-lifecycle").render(&mut page)?;
        return report::result(String::from_utf8(page)?.trim_end()).context("cannot write the manual page");
    };
    let write = || {
        std::fs::create_dir_all(directory)?;
        clap_mangen::generate_to(Cli::typed(), directory)
    };
    write().with_context(|| format!("cannot write the manual pages into {}", directory.display()))
}
