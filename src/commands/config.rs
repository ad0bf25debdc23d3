//! `config`: the settings as they are in force, and a file to begin with.
use crate::cli::{Cli, Output};
use crate::report::{self, Event, Report};
use crate::settings::{FILE, Settings, Usage, effective, sample};
use anyhow::{Context, Result, anyhow};
use std::io::Write;
use std::path::Path;

/// Prints every setting, its value and where that came from; then complains if a value is wrong.
///
/// # Errors
/// [`Usage`]: the file cannot be read or has unknown names, or a value is wrong.
pub(super) fn print(cli: &Cli) -> Result<()> {
    let effective = effective(&cli.options, &cli.said, cli.run.config.as_deref())?;
    let told = match cli.run.output {
        Output::Json => report::result(&serde_json::to_string_pretty(&effective)?),
        Output::Text => report::facts(&effective.table(report::columns()), effective.name_width() + 2),
    };
    told.context("cannot write the settings")?;
    Settings::load(cli.options.clone(), cli.run.config.as_deref()).map(drop)
}

/// # Errors
/// [`Usage`]: the file is there already, or its directory is not or cannot be written to.
pub(super) fn init(cli: &Cli, report: &dyn Report) -> Result<()> {
    let path = cli.run.config.as_deref().unwrap_or(Path::new(FILE));
    let written = std::fs::File::create_new(path).and_then(|mut file| file.write_all(sample().as_bytes()));
    match written {
        Ok(()) => {
            let text = format!("wrote {}: uncomment what differs in your cluster", path.display());
            report.event(Event::Note { text: &text });
            Ok(())
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(anyhow!(Usage::new(format!(
            "the settings file {} is there already; nothing was written (--config names another one)",
            path.display()
        )))),
        Err(error) => Err(anyhow!(Usage::new(format!("cannot write the settings file {}: {error}", path.display())))),
    }
}
