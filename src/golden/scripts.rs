//! The scripts of the golden Pod: their texts stand in its environment, so that an exec only names them.

/// What the Pod's container runs: it idles.
pub const IDLE: &str = include_str!("../jobs/golden-idle.sh");

/// A script as an exec names it: the variable that holds its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub variable: &'static str,
    pub text: &'static str,
}

macro_rules! golden {
    ($variable:literal, $($file:literal),+) => {
        Script {
            variable: $variable,
            text: concat!(include_str!("../jobs/golden-prelude.sh") $(, include_str!(concat!("../jobs/", $file)))+),
        }
    };
}

/// Makes room for a set, and removes what dead runs left.
pub const BEGIN: Script = golden!("GOLDEN_BEGIN_SH", "golden-begin.sh");
/// Gives a set the unchanged documents of the newest one, as hard links.
pub const LINK: Script = golden!("GOLDEN_LINK_SH", "golden-link.sh");
/// Says the sums and sizes of a set's files.
pub const MEASURE: Script = golden!("GOLDEN_MEASURE_SH", "golden-measure.sh");
/// Completes a set by its manifest, and lets the checkpoint's name mean it.
pub const SEAL: Script = golden!("GOLDEN_SEAL_SH", "golden-seal.sh");
/// Says which checkpoints there are, each with its manifest.
pub const LIST: Script = golden!("GOLDEN_LIST_SH", "golden-list.sh");
/// Says what a checkpoint holds now: its manifest, the sums of its files, and behind a NUL the list of its documents; and when it is
/// told to, which of them are not what was saved. In one, since a container runtime starts one exec of a container after the other
/// (containerd 1.6: 50 ms each, measured).
pub const VERIFY: Script = golden!("GOLDEN_VERIFY_SH", "golden-verify.sh");
/// Says which of its documents are not what was saved, for it.
const DOCUMENTS: Script = golden!("GOLDEN_DOCUMENTS_SH", "golden-documents.sh");
/// Lists them, for it.
const MANIFEST: Script =
    Script { variable: "DOCUMENTS_MANIFEST_SH", text: include_str!("../jobs/documents-manifest.sh") };
/// Removes a checkpoint, or an unfinished set.
pub const DISCARD: Script = golden!("GOLDEN_DISCARD_SH", "golden-discard.sh");

pub const ALL: [Script; 9] = [BEGIN, LINK, MEASURE, SEAL, LIST, VERIFY, DOCUMENTS, MANIFEST, DISCARD];

/// The script's exit code when there is no checkpoint of the name; its last words are the names that there are.
pub const NO_SUCH: i32 = 53;

/// What an exit code of these scripts means, but for those of the documents' lister.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        50 => "the golden volume does not hold what it should",
        51 => "the connection was cut",
        52 => "the volume does not give back what was written to it",
        NO_SUCH => "there is no such checkpoint",
        54 => "some of the checkpoint's documents cannot be read",
        _ => return None,
    })
}

/// The variable of a database script's text.
pub fn variable(name: &str) -> String {
    format!("{}_SH", name.to_uppercase())
}

/// How an exec runs the script that `variable` holds: in a scratch directory of its own, which goes with it. With `gated`, only once
/// the word `go` has come, so that an exec that is made again does nothing twice.
pub fn command_line(variable: &str, gated: bool) -> String {
    let gate = match gated {
        true => "said=; IFS= read -r said || :; [ \"$said\" = go ] || exit 51; ",
        false => "",
    };
    format!(
        "{gate}umask 077; mkdir -p \"$TMPDIR\" && sh -c \"${variable}\"; code=$?; rm -rf \"$TMPDIR\"; exit \"$code\""
    )
}
