//! The scripts of the golden Pod. An exec is given their texts on stdin: in the Pod's environment they made each exec take 1.4 times as
//! long, as a container runtime hands that on every time (170 kB: 360 ms instead of 260, containerd 1.6 on a slow machine, measured).

/// What the Pod's container runs: it idles.
pub const IDLE: &str = include_str!("../jobs/golden-idle.sh");

/// A script of the golden volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Script {
    pub name: &'static str,
    pub text: &'static str,
    /// Texts that it needs in its environment.
    pub files: &'static [(&'static str, &'static str)],
}

macro_rules! golden {
    ($file:literal $(, $name:literal: $text:expr)*) => {
        Script {
            name: $file,
            text: concat!(include_str!("../jobs/golden-prelude.sh"), include_str!(concat!("../jobs/golden-", $file, ".sh"))),
            files: &[$(($name, $text)),*],
        }
    };
}

/// Makes room for a set, and removes what dead runs left; the dump runs it beside itself.
pub const BEGIN: Script = golden!("begin");
/// Gives a set the documents of the newest one, as hard links, and lists and receives documents then.
pub const LINK: Script = golden!(
    "link",
    "DOCUMENTS_LISTER_SH": include_str!("../jobs/documents-lister.sh"),
    "DOCUMENTS_MANIFEST_SH": include_str!("../jobs/documents-manifest.sh"),
    "DOCUMENTS_SUMS_SH": concat!(include_str!("../jobs/unframe.sh"), include_str!("../jobs/documents-sums.sh")),
    "DOCUMENTS_RECEIVE_SH": concat!(include_str!("../jobs/unframe.sh"), include_str!("../jobs/documents-receive.sh"))
);
/// Says the sums and sizes of a set's files, and proves what it was given as links; for [`SEAL`].
pub const MEASURE: Script = golden!("measure");
/// Does that, completes the set by its manifest then, and lets the checkpoint's name mean it.
pub const SEAL: Script = golden!("seal", "GOLDEN_MEASURE_SH": MEASURE.text);
/// What it says between the two.
pub const MEASURED: &str = "measured";
/// Says which checkpoints there are, each with its manifest.
pub const LIST: Script = golden!("list");
/// Says what a checkpoint holds now: its manifest, the sums of its files, and behind a NUL the list of its documents; and when it is
/// told to, which of them are not what was saved. In one, since a container runtime starts one exec of a container after the other
/// (containerd 1.6: 50 ms each, measured).
pub const VERIFY: Script = golden!(
    "verify",
    "GOLDEN_DOCUMENTS_SH": DOCUMENTS,
    "DOCUMENTS_MANIFEST_SH": include_str!("../jobs/documents-manifest.sh")
);
/// Says which of its documents are not what was saved, for it.
const DOCUMENTS: &str = concat!(
    include_str!("../jobs/golden-prelude.sh"),
    include_str!("../jobs/unframe.sh"),
    include_str!("../jobs/golden-documents.sh")
);
/// Removes a checkpoint, or an unfinished set.
pub const DISCARD: Script = golden!("discard");

/// The script's exit code when there is no checkpoint of the name; its last words are the names that there are.
pub const NO_SUCH: i32 = 53;

/// That of [`SEAL`] when what was taken over from another set is not what that set had saved; its output names it.
pub const TAKEN_OVER_DAMAGED: i32 = 55;

/// What an exit code of these scripts means, but for those of the documents' lister.
pub fn meaning(code: i32) -> Option<&'static str> {
    Some(match code {
        50 => "the golden volume does not hold what it should",
        51 => "the connection was cut",
        52 => "the volume does not give back what was written to it",
        NO_SUCH => "there is no such checkpoint",
        54 => "some of the checkpoint's documents cannot be read",
        TAKEN_OVER_DAMAGED => "documents that were taken over from another checkpoint are damaged",
        _ => return None,
    })
}

/// What an exec of [`command_line`] reads first: how many bytes, and so many of assignments, whose end says that all has come. A part of
/// them is not run: a lone `export` would print all there is.
pub fn texts(script: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut texts = String::new();
    for (name, text) in [("SCRIPT", script)].iter().chain(files) {
        let quoted = text.replace('\'', "'\\''");
        texts.extend(["export ", name, "='", &quoted, "'\n"]);
    }
    texts.push_str("# whole\n");
    [texts.len().to_string().as_bytes(), b"\n", texts.as_bytes()].concat()
}

/// The text that runs next in the same exec, if the script has ended well; a container runtime takes a tenth of a second for another.
pub const NEXT: &str = "NEXT_SH";
/// The line between the two.
pub const NEXT_BEGINS: &str = "next";

/// How an exec runs the script whose [`texts`] it reads first, and [`NEXT`]: in a scratch directory of its own, which goes with it. With
/// `gated`, only once the word `go` has come, so that an exec that is made again does nothing twice.
pub fn command_line(gated: bool) -> String {
    let load = "umask 077; IFS= read -r size && texts=$(dd bs=\"$size\" count=1 iflag=fullblock 2>/dev/null) || exit 51; \
                case $texts in *'# whole') eval \"$texts\" ;; *) exit 51 ;; esac; ";
    let gate = "said=; IFS= read -r said || :; [ \"$said\" = go ] || exit 51; ";
    let run = "mkdir -p \"$TMPDIR\" && sh -c \"$SCRIPT\" && { [ -z \"${NEXT_SH-}\" ] || { echo next && sh -c \"$NEXT_SH\"; }; }; ";
    let end = "code=$?; rm -rf \"$TMPDIR\"; exit \"$code\"";
    [load, if gated { gate } else { "" }, run, end].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Output, Stdio};

    fn run(input: &[u8]) -> Output {
        let directory = tempfile::tempdir().expect("a directory");
        let mut shell = Command::new("sh");
        shell.args(["-c", &command_line(true)]).env("TMPDIR", directory.path().join("scratch"));
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a shell");
        // It may refuse before it has read all.
        let _ = shell.stdin.take().expect("piped").write_all(input);
        shell.wait_with_output().expect("it ends")
    }

    #[test]
    fn a_script_gets_its_texts_whole_or_does_not_run() {
        let odd = "it's \"$HOME\" `id` \\ 'quoted'\n--\u{e9}";
        let texts = texts("printf %s \"$ODD\"; cat", &[("ODD", odd)]);
        let whole = run(&[&texts[..], b"go\nmore"].concat());
        assert_eq!(
            (whole.status.code(), String::from_utf8_lossy(&whole.stdout)),
            (Some(0), format!("{odd}more").into())
        );
        for cut in 0..texts.len() {
            let cut = run(&texts[..cut]);
            assert!(cut.status.code().is_some_and(|code| code != 0) && cut.stdout.is_empty(), "{cut:?}");
        }
    }

    #[test]
    fn the_next_script_runs_in_the_same_exec_if_the_first_has_ended_well() {
        for (code, expected) in [(0, "a\nnext\nb\n"), (7, "a\n")] {
            let first = format!("IFS= read -r word; echo \"$word\"; exit {code}");
            let texts = texts(&first, &[(NEXT, "cat; exit 9")]);
            let ran = run(&[&texts[..], b"go\na\nb\n"].concat());
            assert_eq!(String::from_utf8_lossy(&ran.stdout), expected);
            assert_eq!(ran.status.code(), Some(if code == 0 { 9 } else { code }));
        }
    }
}
