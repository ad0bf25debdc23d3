//! What stands below the flags in `--help`: examples, and the exit codes.
use super::named;

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    <failed>
  2    usage: a flag, a variable or the settings file is wrong
  3    something could NOT be put back; the last lines say what, and the command that repairs it
  129  its terminal was closed (SIGHUP), everything put back
  130  interrupted (SIGINT), everything put back
  143  terminated (SIGTERM), everything put back";

const SETTINGS: &str = "\
Settings come as defaults, then sandbox-lifecycle.toml, then environment, then flags.
The file has the same names as the flags, without the dashes in front:
  prod-namespace = \"erp\"
  documents-tree = [\"mycompany\", \"dolibarr_logs\"]";

/// Command, what is typed after the program's name, and what it does. The first word is the subcommand's, or none.
const EXAMPLES: &[(&str, &str, &str)] = &[
    ("", "config init", "write a settings file to begin with"),
    ("", "--dry-run refresh", "print the plan, change nothing"),
    ("", "refresh", "database and documents, as production has them now"),
    ("", "checkpoint --warm", "keep the sandbox as it is now, to come back to"),
    ("", "reset", "come back to it, in about a second"),
    ("refresh-from-prod", "refresh-from-prod", "the database, as production has it now"),
    ("refresh-from-prod", "--output json refresh-from-prod >report.json", "for a script"),
    ("refresh-from-prod", "refresh-from-prod --watchdog IMAGE", "put back even if this machine disappears"),
    ("sync-documents", "sync-documents --documents-tree mycompany,dolibarr_logs", "two trees"),
    ("sync-documents", "--dry-run sync-documents", "what would be done"),
    ("refresh", "--dry-run refresh", "print the plan, change nothing"),
    ("refresh", "refresh", "database and documents, as production has them now"),
    ("refresh", "-v refresh", "with the log of the Job"),
    ("refresh", "refresh --checkpoint", "and keep it, to come back to by `reset`"),
    ("refresh", "refresh --after test/provisionSandbox.ts --checkpoint", "provisioned, and kept as that"),
    ("refresh", "refresh --after-restore-sql mask.sql", "what must not be in the sandbox never is"),
    ("refresh", "refresh --from-backup", "the newest backup; production is asked for nothing"),
    ("checkpoint", "checkpoint --warm", "save the sandbox as `golden`, and keep a small Pod for quick resets"),
    ("checkpoint", "checkpoint before-import", "a second one, beside it"),
    ("checkpoint", "checkpoint list", "which there are"),
    ("checkpoint list", "checkpoint list", "which checkpoints there are"),
    ("checkpoint list", "--output json checkpoint list", "the same for a script"),
    ("checkpoint show", "checkpoint show golden", "when it was taken, of which data, how big, by whom"),
    ("checkpoint show", "--output json checkpoint show golden", "the same for a script"),
    ("checkpoint delete", "checkpoint delete before-import", "remove one; the others stay"),
    ("checkpoint delete", "--dry-run checkpoint delete before-import", "what would be done"),
    ("checkpoint cool", "checkpoint cool", "remove the idle Pod; the checkpoints stay"),
    ("checkpoint cool", "--dry-run checkpoint cool", "what would be done"),
    ("reset", "reset", "back to `golden`, while the application stays up"),
    ("reset", "reset before-import --wait 5s", "to another one; another run is waited for, but not for long"),
    ("reset", "--output json reset", "what was put back, and how long each part took"),
    ("diff", "diff", "rows and files added, changed and removed since `golden`"),
    ("diff", "--output json diff --rows", "the rows themselves, by primary key, old and new"),
    ("backup", "backup --s3-secret bucket-key", "production to the bucket that the Secret names, then prune"),
    ("backup", "backup --env sandbox", "the sandbox's database and documents"),
    ("backup", "backup list", "which sets there are, and what keeps them"),
    ("backup list", "backup list", "which sets there are, and what keeps them"),
    ("backup list", "--output json backup list", "the same for a script"),
    ("backup show", "backup show 20260115", "the set of that day"),
    ("backup prune", "backup prune --plan", "what would be removed"),
    ("backup prune", "backup prune", "remove it"),
    ("backup verify", "backup verify", "read the newest set back"),
    ("backup verify", "backup verify 20260115 --age-identity key.txt", "an encrypted one, what is in it too"),
    ("backup verify", "backup verify --restore", "bring the sandbox to it, too: the proof"),
    ("recover", "recover", "put back what a killed run left"),
    ("recover", "recover --wait 600", "once its holder has been silent for ten minutes"),
    ("status", "status", "what the sandbox is, and what has drifted"),
    ("status", "--output json status", "the same for a script"),
    ("status", "status --max-age 7d --max-backup-age 2d", "an exit code for an alert"),
    ("doctor", "doctor", "everything that a refresh needs"),
    ("doctor", "doctor --deep", "and both databases, by a short Job"),
    ("doctor", "doctor backup --s3-secret bucket-key", "what a backup needs, and the bucket"),
    ("doctor", "doctor sync-documents", "what another command needs"),
    ("manifests", "manifests rbac | kubectl apply -f -", "a ServiceAccount that may do it all"),
    ("manifests rbac", "manifests rbac refresh status | kubectl apply -f -", "only what these need"),
    ("manifests cronjob", "manifests cronjob --image IMAGE | kubectl apply -f -", "a refresh every night"),
    (
        "manifests cronjob",
        "manifests cronjob backup --s3-secret bucket-key --image IMAGE | kubectl apply -f -",
        "a backup every night",
    ),
    ("manifests golden", "manifests golden | kubectl apply -f -", "the volume, before any checkpoint"),
    ("manifests vault", "manifests vault --mount database --connection erp", "a login that may only read"),
    ("manifests networkpolicy", "manifests networkpolicy | kubectl apply -f -", "the Jobs reach the database only"),
    ("config", "config", "every setting, its value, and where that came from"),
    ("config", "--output json config", "the same for a script"),
    ("config", "config init", "write a settings file to begin with"),
    ("config init", "config init", "write sandbox-lifecycle.toml"),
    ("config init", "config init --config other.toml", "write another file"),
    ("completions", "completions bash >/etc/bash_completion.d/sandbox-lifecycle", "for everybody"),
    ("completions", "completions zsh >~/.zfunc/_sandbox-lifecycle", "with ~/.zfunc in fpath"),
    ("completions", "completions fish >~/.config/fish/completions/sandbox-lifecycle.fish", ""),
    ("man", "man | man -l -", "read it"),
    ("man", "man /usr/local/share/man/man1", "install the pages of all commands"),
];

/// The command with its examples and the exit codes, and so each of its subcommands.
pub(super) fn with(command: clap::Command) -> clap::Command {
    let below = format!("{}\n\n{SETTINGS}\n\n{}", examples("").unwrap_or_default(), exit_codes(""));
    below_all(command, "").after_long_help(below)
}

fn below_all(mut command: clap::Command, path: &str) -> clap::Command {
    let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
    for name in names {
        let path = format!("{path} {name}").trim_start().to_owned();
        let examples = examples(&path).map_or(String::new(), |examples| format!("{examples}\n\n"));
        command = command.mut_subcommand(name, |sub| {
            below_all(sub, &path).after_long_help(format!("{examples}{}", exit_codes(&path)))
        });
    }
    command
}

/// Of a command that only looks, 1 is what it was asked for.
fn exit_codes(path: &str) -> String {
    let failed = match path {
        "doctor" => "a check failed, or could not be made",
        "status" => "data or backup is older than --max-age or --max-backup-age, or nothing could be seen",
        _ => "failed, and everything was put back",
    };
    EXIT_CODES.replace("<failed>", failed)
}

fn examples(path: &str) -> Option<String> {
    let of = || EXAMPLES.iter().filter(|(command, ..)| *command == path);
    let typed = |typed: &str| named(&format!("sandbox-lifecycle {typed}"));
    let width = of().map(|(_, what, _)| typed(what).len()).max()?;
    let lines = of().map(|(_, what, does)| format!("  {:<width$}  {does}", typed(what)).trim_end().to_owned());
    Some(format!("Examples:\n{}", lines.collect::<Vec<_>>().join("\n")))
}
