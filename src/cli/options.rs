//! Every setting: its flag, its variable, its key in the file, and its line in `--help`.
use super::kind::Kind;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU16, NonZeroU32};

/// How Argo CD is kept from starting the sandbox during a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Pause {
    /// Its automated sync is turned off: it still refreshes, and syncs when a person tells it to
    Automated,
    /// The annotation argocd.argoproj.io/skip-reconcile: it does nothing at all, and its status stands still
    SkipReconcile,
}

macro_rules! options {
    ($($heading:literal { $($(#[doc = $doc:literal])+ $name:ident: $type:ty, $env:literal, $value:literal $(, $delimiter:literal)? $(=> $alone:literal)?;)* })*) => {
        /// Every setting as it can stand in the file, in a variable or in a flag: absent until somebody says it.
        /// `-h` keeps to what the command is about; `--help` has them all.
        #[derive(Clone, Debug, Default, Deserialize, Serialize, Args)]
        #[serde(default, rename_all = "kebab-case")]
        pub struct Options {
            $($($(#[doc = $doc])+
            #[arg(long, global = true, env = $env, hide_env_values = true, value_name = $value, value_parser = <$type as Kind>::parser() $(, value_delimiter = $delimiter)? $(, num_args = 0..=1, require_equals = true, default_missing_value = $alone)?)]
            #[arg(help_heading = $heading, hide_short_help = true)]
            pub $name: Option<$type>,)*)*
        }

        impl Options {
            /// These options, and where they say nothing, `lower`'s.
            pub fn or(self, lower: Self) -> Self {
                Self { $($($name: self.$name.or(lower.$name),)*)* }
            }

            /// The names as they stand in the settings file.
            pub fn names() -> Vec<String> {
                vec![$($(stringify!($name).replace('_', "-")),*),*]
            }

            /// What the setting's value must be, in words that follow "wants".
            pub fn wants(name: &str) -> Option<String> {
                let kinds: &[(&str, fn() -> String)] = &[$($((stringify!($name), <$type as Kind>::words)),*),*];
                let kind = kinds.iter().find(|(of, _)| of.replace('_', "-") == name);
                kind.map(|(_, words)| words())
            }
        }
    };
}

options! {
    "Settings of the cluster" {
        /// The kubeconfig's context [default: its current one, or the Pod's service account]
        context: String, "SANDBOX_LIFECYCLE_CONTEXT", "NAME";
        /// Seconds without an answer after which a request to the cluster is made again [default: 10]
        request_timeout: NonZeroU16, "SANDBOX_LIFECYCLE_REQUEST_TIMEOUT", "SECONDS";
        /// Namespace of production [default: erp]
        prod_namespace: String, "SANDBOX_LIFECYCLE_PROD_NAMESPACE", "NAME";
        /// Namespace of the sandbox [default: erp-sandbox]
        sandbox_namespace: String, "SANDBOX_LIFECYCLE_SANDBOX_NAMESPACE", "NAME";
        /// Production's Deployment [default: erp]
        prod_deployment: String, "SANDBOX_LIFECYCLE_PROD_DEPLOYMENT", "NAME";
        /// The sandbox's Deployment [default: erp-sandbox]
        sandbox_deployment: String, "SANDBOX_LIFECYCLE_SANDBOX_DEPLOYMENT", "NAME";
        /// The application's container, in both pods [default: the pod's first]
        container: String, "SANDBOX_LIFECYCLE_CONTAINER", "NAME";
    }
    "Settings of the database" {
        /// Production's database [default: erp]
        prod_database: String, "SANDBOX_LIFECYCLE_PROD_DATABASE", "NAME";
        /// The sandbox's database [default: erp-sandbox]
        sandbox_database: String, "SANDBOX_LIFECYCLE_SANDBOX_DATABASE", "NAME";
        /// Secret with production's `username` and `password` [default: vso-db-credentials]
        prod_secret: String, "SANDBOX_LIFECYCLE_PROD_SECRET", "NAME";
        /// Secret with the sandbox's `username` and `password` [default: vso-db-credentials]
        sandbox_secret: String, "SANDBOX_LIFECYCLE_SANDBOX_SECRET", "NAME";
        /// Refuse credentials of production that could write anything, even if this session cannot [default: false]
        require_read_only_role: bool, "SANDBOX_LIFECYCLE_REQUIRE_READ_ONLY_ROLE", "BOOL" => "true";
        /// The role that owns the sandbox's objects [default: erp_sandbox_role]
        sandbox_role: String, "SANDBOX_LIFECYCLE_SANDBOX_ROLE", "ROLE";
        /// PostgreSQL server, as Pods reach it [default: key `host` of each Secret, else required]
        pg_host: String, "SANDBOX_LIFECYCLE_PG_HOST", "HOST";
        /// PostgreSQL port [default: 5432]
        pg_port: NonZeroU16, "SANDBOX_LIFECYCLE_PG_PORT", "PORT";
        /// Image with the PostgreSQL client, not older than the server [default: docker.io/library/postgres:17]
        pg_image: String, "SANDBOX_LIFECYCLE_PG_IMAGE", "IMAGE";
        /// Prefix of the application's tables [default: llx_]
        table_prefix: String, "SANDBOX_LIFECYCLE_TABLE_PREFIX", "PREFIX";
        /// A dump with fewer tables of that prefix is refused [default: 250]
        min_tables: u32, "SANDBOX_LIFECYCLE_MIN_TABLES", "N";
        /// A function the provisioner owns, left alone in the sandbox; repeatable [default: user_lookup]
        skip_function: Vec<String>, "SANDBOX_LIFECYCLE_SKIP_FUNCTION", "NAME", ',';
    }
    "Settings of Argo CD and the watchdog" {
        /// Namespace of Argo CD's Applications [default: argocd]
        argocd_namespace: String, "SANDBOX_LIFECYCLE_ARGOCD_NAMESPACE", "NAME";
        /// The Application that manages the sandbox [default: erp-sandbox]
        argocd_application: String, "SANDBOX_LIFECYCLE_ARGOCD_APPLICATION", "NAME";
        /// How Argo CD is paused: its automated sync, or the whole Application [default: automated]
        argocd_pause: Pause, "SANDBOX_LIFECYCLE_ARGOCD_PAUSE", "HOW";
        /// Seconds until an Argo CD operation in flight is terminated, and one after re-arming is no longer waited for [default: 120]
        argocd_operation_timeout: u32, "SANDBOX_LIFECYCLE_ARGOCD_OPERATION_TIMEOUT", "SECONDS";
        /// Image with sandbox-lifecycle: a Job of it recovers the sandbox if this run disappears [default: no watchdog]
        watchdog: String, "SANDBOX_LIFECYCLE_WATCHDOG", "IMAGE";
        /// Minutes without a sign of life after which it does [default: 10]
        watchdog_after: NonZeroU32, "SANDBOX_LIFECYCLE_WATCHDOG_AFTER", "MINUTES";
        /// The watchdog's ServiceAccount, in the sandbox's namespace [default: sandbox-lifecycle]
        watchdog_service_account: String, "SANDBOX_LIFECYCLE_WATCHDOG_SERVICE_ACCOUNT", "NAME";
    }
    "Settings of the documents" {
        /// Where the documents lie in both pods [default: /var/www/documents]
        documents_root: String, "SANDBOX_LIFECYCLE_DOCUMENTS_ROOT", "DIR";
        /// A tree below it to copy; repeatable, or separated by commas [default: mycompany]
        documents_tree: Vec<String>, "SANDBOX_LIFECYCLE_DOCUMENTS_TREE", "DIR", ',';
    }
    "Settings of the checkpoints" {
        /// The PersistentVolumeClaim that holds the checkpoints; made if it is not there [default: sandbox-golden]
        golden_claim: String, "SANDBOX_LIFECYCLE_GOLDEN_CLAIM", "NAME";
        /// Its size, when it is made; one that is there is never resized [default: 5Gi]
        golden_size: String, "SANDBOX_LIFECYCLE_GOLDEN_SIZE", "QUANTITY";
        /// Its StorageClass, when it is made [default: the cluster's default]
        storage_class: String, "SANDBOX_LIFECYCLE_STORAGE_CLASS", "NAME";
    }
    "Settings of the backups" {
        /// Secret with the bucket's `access_key` and `secret_key`, and perhaps `endpoint`, `bucket`, `region`, `ca` [default: none, and no backups]
        s3_secret: String, "SANDBOX_LIFECYCLE_S3_SECRET", "NAME";
        /// Its namespace [default: the sandbox's]
        s3_secret_namespace: String, "SANDBOX_LIFECYCLE_S3_SECRET_NAMESPACE", "NAME";
        /// The bucket of the backups [default: key `bucket` of the Secret]
        s3_bucket: String, "SANDBOX_LIFECYCLE_S3_BUCKET", "NAME";
        /// What all keys in it begin with [default: sandbox-lifecycle]
        s3_prefix: String, "SANDBOX_LIFECYCLE_S3_PREFIX", "PATH";
        /// URL of the store; http:// is plain [default: key `endpoint` of the Secret, else Amazon's own]
        s3_endpoint: String, "SANDBOX_LIFECYCLE_S3_ENDPOINT", "URL";
        /// The bucket's region [default: key `region` of the Secret, else us-east-1]
        s3_region: String, "SANDBOX_LIFECYCLE_S3_REGION", "NAME";
        /// A SHA-256 with each request, for buckets with object lock [default: false]
        s3_checksum: bool, "SANDBOX_LIFECYCLE_S3_CHECKSUM", "BOOL";
        /// Seconds without a byte moving, after which a request to the bucket is given up [default: 180]
        s3_patience: NonZeroU32, "SANDBOX_LIFECYCLE_S3_PATIENCE", "SECONDS";
        /// What of the documents root is not backed up, a pattern of tar; repeatable [default: */temp, admin/backup, *.log]
        backup_exclude: Vec<String>, "SANDBOX_LIFECYCLE_BACKUP_EXCLUDE", "PATTERN", ',';
        /// Public key of age that backups are encrypted for; repeatable [default: none, not encrypted]
        age_recipient: Vec<String>, "SANDBOX_LIFECYCLE_AGE_RECIPIENT", "KEY", ',';
        /// File with a private key of age, to read encrypted backups [default: none, what is encrypted stays so]
        age_identity: String, "SANDBOX_LIFECYCLE_AGE_IDENTITY", "FILE";
        /// Days of which the newest backup is kept; 0 for none [default: 30]
        keep_days: u32, "SANDBOX_LIFECYCLE_KEEP_DAYS", "N";
        /// Whole months before them of which the newest is kept [default: 12]
        keep_months: u32, "SANDBOX_LIFECYCLE_KEEP_MONTHS", "N";
        /// Whole years before these of which the newest is kept [default: 10]
        keep_years: u32, "SANDBOX_LIFECYCLE_KEEP_YEARS", "N";
    }
}
