//! The binary: arguments in, exit code out.
use sandbox_lifecycle::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    match sandbox_lifecycle::commands::complete() {
        Ok(false) => {}
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => error.exit(),
    }
    match Cli::read() {
        Ok(cli) => sandbox_lifecycle::run(cli).into(),
        Err(error) => error.exit(),
    }
}
