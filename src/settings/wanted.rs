//! What a command is about, and how it is wanted: the checkpoint, whose backups and which set, how long to wait, what runs after a restore.
use super::{Settings, Usage, is_object_name};
use crate::cli::{Command, FromBackup, RefreshFlags, Shelf, Side, Task};
use crate::golden::check_name;
use std::path::PathBuf;
use std::time::Duration;

/// As it was typed, and checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The checkpoint's name; empty where the command is about none.
    pub name: String,
    /// Keep the golden Pod.
    pub warm: bool,
    /// The rows themselves.
    pub rows: bool,
    /// How long another run's end is waited for, as `--wait` says; `None`: not at all.
    pub wait: Option<Duration>,
    /// Whose backups.
    pub side: Side,
    /// Which of them; `None`: the newest.
    pub set: Option<String>,
    pub after: After,
}

/// What is run after a restore.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// The statements, and the file that they came from.
    pub sql: Option<(PathBuf, String)>,
    /// The command, for `sh -c`.
    pub command: Option<String>,
}

/// More does not fit beside the rest into what the server takes as one statement of reasonable size.
const LONGEST_SQL: usize = 16 << 20;

impl After {
    fn of(flags: &RefreshFlags) -> Result<Self, Usage> {
        let read = |path: &PathBuf| {
            let wrong = |why: &str| Usage(format!("--after-restore-sql {}: {why}", path.display()));
            let text = std::fs::read_to_string(path).map_err(|error| wrong(&error.to_string()))?;
            match text.trim() {
                "" => Err(wrong("there is no statement in it")),
                _ if text.contains('\0') => Err(wrong("it holds a NUL, which no statement can")),
                _ if text.len() > LONGEST_SQL => Err(wrong("it is longer than 16 MiB")),
                _ => Ok((path.clone(), text)),
            }
        };
        if flags.after.as_ref().is_some_and(|command| command.trim().is_empty()) {
            return Err(Usage("--after is empty: it wants the command that is run".to_owned()));
        }
        let sql = flags.after_restore_sql.as_ref().map(read).transpose()?;
        Ok(Self { sql, command: flags.after.clone() })
    }
}

impl Wanted {
    /// # Errors
    /// [`Usage`]: a name that no checkpoint can have, or words that do not go together.
    pub fn of(command: &Command) -> Result<Self, Usage> {
        let patient = |wait: Duration, name: &str| Self { name: name.to_owned(), wait: Some(wait), ..Self::default() };
        let wanted = match command {
            Command::RefreshFromProd(flags) => Self::refresh(flags)?,
            Command::Refresh { flags, from } => {
                let set = from.set.clone().filter(|set| !set.is_empty());
                Self { side: from.env, set, ..Self::refresh(flags)? }
            }
            Command::Checkpoint { shelf: Some(_), save } if save.name.is_some() || save.warm => {
                return Err(Usage(format!(
                    "{} takes no checkpoint's name and no --warm before its last word",
                    command.name()
                )));
            }
            Command::Checkpoint { shelf: Some(Shelf::List | Shelf::Cool), save } => return Ok(patient(save.wait, "")),
            Command::Checkpoint { shelf: Some(Shelf::Show { name } | Shelf::Delete { name }), save } => {
                patient(save.wait, name)
            }
            Command::Checkpoint { shelf: None, save } => {
                let name = save.name.as_deref().unwrap_or(crate::cli::DEFAULT_NAME);
                Self { warm: save.warm, ..patient(save.wait, name) }
            }
            Command::Reset(reset) => patient(reset.wait, &reset.name),
            Command::Diff(diff) => Self { rows: diff.rows, ..patient(diff.wait, &diff.name) },
            Command::Doctor { task, deep: true } => return can_be_deep(*task).map(|()| Self::default()),
            Command::Backup(backup) => return Ok(Self { side: backup.env, set: backup.verified(), ..Self::default() }),
            _ => return Ok(Self::default()),
        };
        match (command, wanted.name.as_str()) {
            (Command::RefreshFromProd(flags) | Command::Refresh { flags, .. }, "") if flags.checkpoint.is_none() => {
                Ok(wanted)
            }
            (_, name) => check_name(name).map(|()| wanted.clone()).map_err(Usage),
        }
    }

    fn refresh(flags: &RefreshFlags) -> Result<Self, Usage> {
        let name = flags.checkpoint.clone().unwrap_or_default();
        Ok(Self { name, after: After::of(flags)?, ..Self::default() })
    }
}

fn can_be_deep(task: Task) -> Result<(), Usage> {
    match task {
        Task::Refresh | Task::RefreshFromProd => Ok(()),
        _ => Err(Usage(format!(
            "doctor --deep looks into both databases, which {} does not use: refresh and refresh-from-prod do",
            task.name()
        ))),
    }
}

impl Settings {
    /// With what the command wants, if it can be had with these settings.
    ///
    /// # Errors
    /// As [`Wanted::of`]; a command of backups without a bucket.
    pub fn wanting(self, command: &Command) -> Result<Self, Usage> {
        let wanted = Wanted::of(command)?;
        let bucket = match command {
            Command::Backup(_) => true,
            Command::Refresh { from: FromBackup { set, .. }, .. } => set.is_some(),
            _ => false,
        };
        match &self.backups.secret {
            None if bucket => {
                Err(Usage("backups need a bucket: name the Secret with its key by --s3-secret".to_owned()))
            }
            _ => Ok(Self { wanted, ..self }),
        }
    }

    /// What cannot be the golden volume's.
    pub(super) fn wrong_golden(&self) -> Vec<String> {
        let names = [("golden-claim", Some(&self.golden_claim)), ("storage-class", self.storage_class.as_ref())];
        let wrong =
            names.into_iter().filter_map(|(name, value)| Some((name, value.filter(|name| !is_object_name(name))?)));
        let wrong = wrong
            .map(|(name, value)| format!("{name} {value:?} is no name of a Kubernetes object (a-z, 0-9, '-' and '.')"));
        let size = &self.golden_size;
        let size = (!is_quantity(size)).then(|| format!("golden-size {size:?} is no size such as 5Gi or 500Mi"));
        wrong.chain(size).collect()
    }
}

/// A whole number with a unit that Kubernetes knows; more is not needed for a size.
fn is_quantity(size: &str) -> bool {
    let digits = size.trim_end_matches(|c: char| !c.is_ascii_digit());
    let unit = &size[digits.len()..];
    digits.parse::<u64>().is_ok_and(|number| number > 0)
        && matches!(unit, "" | "Ki" | "Mi" | "Gi" | "Ti" | "k" | "M" | "G" | "T")
}
