//! Defaults ← file ← environment ← flags, validated into the names the steps use.
mod backups;
mod effective;
mod environment;
mod file;
mod wanted;

pub use backups::Backups;
pub use effective::{Effective, InForce, Source, effective, sample};
pub use environment::Environment;
pub use wanted::Wanted;

use crate::cli::{Options, Pause, is_image};
use crate::report::listed;
use anyhow::Result;
use environment::environment;
use file::{parse, read};
use std::num::NonZeroU16;
use std::path::Path;
use std::time::Duration;

/// The file read when none is named, in the working directory.
pub const FILE: &str = "sandbox-lifecycle.toml";

/// What a run is about. Every name has been checked for its form, not for its existence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    pub context: Option<String>,
    /// Without an answer for so long, a request to the API server is made again.
    pub request_timeout: Duration,
    pub prod: Environment,
    pub sandbox: Environment,
    pub sandbox_role: String,
    /// Credentials of production that could write are refused.
    pub require_read_only_role: bool,
    pub pg_host: Option<String>,
    pub pg_port: u16,
    pub pg_image: String,
    pub argocd_namespace: String,
    pub argocd_application: String,
    pub argocd_pause: Pause,
    pub argocd_operation_timeout: Duration,
    /// The image of the watchdog; without one there is none.
    pub watchdog: Option<String>,
    pub watchdog_after: Duration,
    pub watchdog_service_account: String,
    pub documents_root: String,
    pub documents_trees: Vec<String>,
    pub table_prefix: String,
    pub min_tables: u32,
    pub skip_functions: Vec<String>,
    pub golden_claim: String,
    pub golden_size: String,
    pub backups: Backups,
    pub storage_class: Option<String>,
    pub container: Option<String>,
    /// What the command is about: a checkpoint, a backup set, what runs after a restore.
    pub wanted: Wanted,
}

/// The settings are wrong: exit code 2, nothing was asked of the cluster.
#[derive(Debug)]
pub struct Usage(String);

impl Usage {
    pub fn new(sentence: String) -> Self {
        Self(sentence)
    }

    fn all(wrong: &[String]) -> Self {
        match wrong {
            [one] => Self(one.clone()),
            all => Self(format!("{} settings are wrong:{}", all.len(), listed(all))),
        }
    }
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

impl Settings {
    /// `said` (flags and environment) over the file over the defaults.
    ///
    /// # Errors
    /// [`Usage`], with all that is wrong at once.
    pub fn load(said: Options, config: Option<&Path>) -> Result<Self> {
        let settings = Self::unchecked(said, config)?;
        let wrong = settings.wrong();
        match wrong.is_empty() {
            true => Ok(settings),
            false => Err(Usage::all(&wrong).into()),
        }
    }

    /// As [`Settings::load`], while a value may still be half typed.
    ///
    /// # Errors
    /// [`Usage`]: the file is wrong.
    pub fn unchecked(said: Options, config: Option<&Path>) -> Result<Self> {
        let file = match config {
            Some(path) => read(path)?,
            None if Path::new(FILE).exists() => read(Path::new(FILE))?,
            None => Options::default(),
        };
        Ok(Self::resolve(said.or(file)))
    }

    fn resolve(o: Options) -> Self {
        Self {
            backups: Backups::of(&o),
            context: o.context,
            request_timeout: Duration::from_secs(o.request_timeout.map_or(10, |seconds| seconds.get().into())),
            prod: environment(
                [o.prod_namespace, o.prod_deployment, o.prod_database, o.prod_secret],
                ["erp", "erp", "erp", "vso-db-credentials"],
            ),
            sandbox: environment(
                [o.sandbox_namespace, o.sandbox_deployment, o.sandbox_database, o.sandbox_secret],
                ["erp-sandbox", "erp-sandbox", "erp-sandbox", "vso-db-credentials"],
            ),
            require_read_only_role: o.require_read_only_role.unwrap_or(false),
            sandbox_role: or(o.sandbox_role, "erp_sandbox_role"),
            pg_host: o.pg_host,
            pg_port: o.pg_port.map_or(5432, NonZeroU16::get),
            pg_image: or(o.pg_image, "docker.io/library/postgres:17"),
            argocd_namespace: or(o.argocd_namespace, "argocd"),
            argocd_application: or(o.argocd_application, "erp-sandbox"),
            argocd_pause: o.argocd_pause.unwrap_or(Pause::Automated),
            argocd_operation_timeout: Duration::from_secs(o.argocd_operation_timeout.unwrap_or(120).into()),
            watchdog: o.watchdog,
            watchdog_after: Duration::from_secs(60 * o.watchdog_after.map_or(10, |minutes| minutes.get().into())),
            watchdog_service_account: or(o.watchdog_service_account, "sandbox-lifecycle"),
            documents_root: or(o.documents_root, "/var/www/documents"),
            documents_trees: o.documents_tree.unwrap_or_else(|| vec!["mycompany".to_owned()]),
            table_prefix: or(o.table_prefix, "llx_"),
            min_tables: o.min_tables.unwrap_or(250),
            skip_functions: o.skip_function.unwrap_or_else(|| vec!["user_lookup".to_owned()]),
            golden_claim: or(o.golden_claim, "sandbox-golden"),
            golden_size: or(o.golden_size, "5Gi"),
            storage_class: o.storage_class,
            container: o.container,
            wanted: Wanted::default(),
        }
    }

    fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, value) in [
            ("prod-namespace", &self.prod.namespace),
            ("sandbox-namespace", &self.sandbox.namespace),
            ("prod-deployment", &self.prod.deployment),
            ("sandbox-deployment", &self.sandbox.deployment),
            ("prod-secret", &self.prod.secret),
            ("sandbox-secret", &self.sandbox.secret),
            ("argocd-namespace", &self.argocd_namespace),
            ("argocd-application", &self.argocd_application),
            ("watchdog-service-account", &self.watchdog_service_account),
        ] {
            if !is_object_name(value) {
                wrong.push(format!("{name} {value:?} is no name of a Kubernetes object (a-z, 0-9, '-' and '.')"));
            }
        }
        wrong.extend(self.wrong_texts());
        wrong.extend(self.wrong_documents());
        wrong.extend(self.wrong_golden());
        wrong.extend(self.wrong_backups());
        wrong
    }

    fn wrong_texts(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        for (name, value) in [
            ("prod-database", &self.prod.database),
            ("sandbox-database", &self.sandbox.database),
            ("sandbox-role", &self.sandbox_role),
            ("table-prefix", &self.table_prefix),
        ] {
            if value.is_empty() || value.chars().any(char::is_control) {
                wrong.push(format!("{name} {value:?} is empty or has control characters"));
            }
        }
        for (name, image) in [("pg-image", Some(&self.pg_image)), ("watchdog", self.watchdog.as_ref())] {
            wrong.extend(image.and_then(|image| not_an_image(name, image)));
        }
        if self.skip_functions.iter().any(|name| name.is_empty() || name.chars().any(char::is_control)) {
            wrong.push("skip-function has an empty name, or one with control characters".to_owned());
        }
        // One that was to be filled in by something that was not set.
        for (name, value) in [
            ("context", &self.context),
            ("pg-host", &self.pg_host),
            ("container", &self.container),
            ("s3-bucket", &self.backups.bucket),
            ("s3-region", &self.backups.region),
        ] {
            wrong.extend(value.as_ref().filter(|value| value.trim().is_empty()).map(|_| empty(name)));
        }
        wrong
    }

    fn wrong_documents(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !self.documents_root.starts_with('/') || self.documents_root.split('/').any(|part| part == "..") {
            wrong.push(format!("documents-root {:?} is not an absolute path", self.documents_root));
        }
        if self.documents_trees.is_empty() {
            wrong.push("documents-tree names no tree".to_owned());
        }
        for tree in &self.documents_trees {
            let odd = |part: &str| matches!(part, "" | "." | "..");
            if tree.contains('\0') || tree.contains('\n') || tree.split('/').any(odd) {
                wrong.push(format!("documents-tree {tree:?} is not a directory below documents-root"));
            }
        }
        wrong
    }
}

fn empty(name: &str) -> String {
    format!("{name} is empty: leave it out, or give it a value")
}

fn not_an_image(name: &str, image: &str) -> Option<String> {
    (!is_image(image)).then(|| format!("{name} {image:?} is no name of an image"))
}

fn or(value: Option<String>, default: &str) -> String {
    value.unwrap_or_else(|| default.to_owned())
}

/// Kubernetes: a DNS subdomain of at most 253 characters.
pub fn is_object_name(name: &str) -> bool {
    let label = |label: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        edge(label.chars().next())
            && edge(label.chars().last())
            && label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let file =
            parse("prod-namespace = 'file'\nmin-tables = 7\ndocuments-tree = ['a', 'b/c']").expect("a good file");
        let said = Options { prod_namespace: Some("flag".to_owned()), ..Options::default() };
        let settings = Settings::resolve(said.or(file));
        assert_eq!(settings.prod.namespace, "flag");
        assert_eq!(settings.min_tables, 7);
        assert_eq!(settings.documents_trees, ["a", "b/c"]);
        assert_eq!(settings.sandbox.namespace, "erp-sandbox");
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let options = Options {
            prod_namespace: Some("Not A Name".to_owned()),
            documents_tree: Some(vec!["../outside".to_owned(), "/etc".to_owned()]),
            documents_root: Some("relative".to_owned()),
            ..Options::default()
        };
        let wrong = Settings::resolve(options).wrong();
        assert_eq!(wrong.len(), 4, "{wrong:?}");
    }
}
