//! The binary: arguments in, exit code out.
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox_lifecycle::run(sandbox_lifecycle::cli::Cli::parse()).into()
}
