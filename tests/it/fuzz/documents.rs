//! Streams that come to the scripts of the documents, under dash and busybox: bent, cut, or with frames in another order they lead
//! nowhere out of the tree, and are no success unless all has come.

use super::{archive, bent};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sandbox_lifecycle::documents::archive::{Format, Member, end, header, padding};
use sandbox_lifecycle::documents::frames::{Framer, ROOM};
use sandbox_lifecycle::documents::manifest::{Kind, Time};
use sandbox_lifecycle::documents::{RECEIVE_SCRIPT, sent};
use sandbox_lifecycle::golden::manifest::sha256;
use sandbox_lifecycle::golden::scripts::VERIFY;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

const BUSYBOX: &str = "/usr/bin/busybox";
/// Far longer than any of these takes; one that reads on for ever is ended by it with 124.
const LIMIT: &str = "60";

/// A Pod's root, with programs that note what they would remove instead of removing it.
struct Target {
    directory: TempDir,
    busybox: bool,
}

impl Target {
    fn new(busybox: bool) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        ["root/m", "bin", "outside", "scratch"]
            .iter()
            .for_each(|name| fs::create_dir_all(path(name)).expect("a directory"));
        fs::write(path("root/m/old"), "old").expect("a file");
        symlink("../../outside", path("root/m/link")).expect("a link");
        for program in ["rm", "chmod"] {
            let text = format!("#!/bin/sh\nprintf '%s\\0' \"$@\" >>'{}'\n", path("touched").display());
            fs::write(path("bin").join(program), text).expect("a program");
            fs::set_permissions(path("bin").join(program), Permissions::from_mode(0o755)).expect("a mode");
        }
        if busybox {
            let programs = ["sh", "cat", "tar", "xargs", "dd", "sha256sum", "sort"];
            programs.iter().for_each(|name| symlink(BUSYBOX, path("bin").join(name)).expect("a link"));
            // Debian's busybox has none, Alpine's has.
            symlink("/usr/bin/comm", path("bin/comm")).expect("a link");
        }
        Self { directory, busybox }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, script: &str, arguments: &[&str], input: &[u8]) -> Output {
        let bin = self.path("bin").display().to_string();
        let (shell, path) = match self.busybox {
            true => (format!("{bin}/sh"), bin),
            false => ("/bin/sh".to_owned(), format!("{bin}:/usr/bin:/bin")),
        };
        let mut child = Command::new("/usr/bin/timeout")
            .args([LIMIT, &shell, "-c", script, "sh"])
            .args(arguments)
            .env_clear()
            .envs([("PATH", path), ("GOLDEN", self.path("golden").display().to_string()), ("NAME", "one".to_owned())])
            .env("TMPDIR", self.path("scratch"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("timeout runs");
        // It may refuse before it has read all.
        let _ = child.stdin.take().expect("piped").write_all(input);
        let output = child.wait_with_output().expect("its end");
        assert_ne!(output.status.code(), Some(124), "it reads on for ever: {output:?}");
        output
    }

    fn receive(&self, stream: &[u8]) -> Output {
        let tar = if self.busybox { "other" } else { "gnu" };
        self.run(&sent(RECEIVE_SCRIPT), &[&self.path("root").display().to_string(), tar], stream)
    }

    /// What leads out of the root: a path that would be removed or made writable, or a file that has come.
    fn astray(&self) -> Vec<String> {
        let touched = fs::read(self.path("touched")).unwrap_or_default();
        let touched = touched.split(|&byte| byte == 0).map(|path| String::from_utf8_lossy(path).into_owned());
        let is_inside = |path: &String| {
            let mut parts = path.split('/');
            parts.next() == Some(".") && path.len() > 2 && parts.all(|part| !matches!(part, "" | "." | ".."))
        };
        let is_option = |path: &String| matches!(path.as_str(), "" | "-rf" | "--" | "u+rwx");
        let mut astray: Vec<String> = touched.filter(|path| !is_option(path) && !is_inside(path)).collect();
        astray.extend(names(&self.path("outside")));
        let ours = ["root", "bin", "outside", "scratch", "touched", "golden"];
        astray.extend(names(self.directory.path()).into_iter().filter(|name| !ours.contains(&name.as_str())));
        astray
    }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("a directory");
    entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

/// dash, and busybox where it is installed and goes by PATH: some builds call their own rm, which would remove what it only ought to note.
fn targets() -> Vec<Target> {
    let mut targets = vec![Target::new(false)];
    if Path::new(BUSYBOX).exists() {
        let busybox = Target::new(true);
        busybox.run("rm ./probe", &[], b"");
        if busybox.path("touched").exists() {
            targets.push(Target::new(true));
        }
    }
    targets
}

/// One part of a stream, in frames of so many bytes: each frame by itself, and its end.
fn part(content: &[u8], frame: usize) -> Vec<Vec<u8>> {
    let mut frames: Vec<Vec<u8>> =
        content.chunks(frame).map(|bytes| [format!("{} 1\n", bytes.len()).as_bytes(), bytes].concat()).collect();
    frames.push(b"end\n".to_vec());
    frames
}

/// As the tool sends it: directories to unlock, paths to remove, the archive.
fn frames() -> Vec<Vec<u8>> {
    [part(b"./m//\0./m/locked//\0", 7), part(b"./m/gone//\0./m/a b//\0", 9), part(&archive(), 700)].concat()
}

/// An archive that would lead elsewhere, if it was believed.
fn hostile() -> Vec<u8> {
    let member = |path: &[u8], kind, link: &[u8], size| Member {
        path: path.to_vec(),
        kind,
        link: link.to_vec(),
        mode: 0o644,
        size,
        mtime: Time { seconds: 1_700_000_000, nanos: 5 },
    };
    let mut whole = header(&member(b"./m/up", Kind::Link, b"../../outside", 0), Format::Gnu, (33, 33));
    for path in [&b"./m/up/evil"[..], b"../evil", b"./m/../../evil"] {
        whole.extend(header(&member(path, Kind::File, b"", 4), Format::Gnu, (33, 33)));
        whole.extend(b"evil");
        whole.extend(vec![0; padding(4)]);
    }
    whole.extend(end());
    whole
}

#[test]
fn documents_that_are_cut_anywhere_are_known_to_be_cut() {
    let stream = frames().concat();
    let lists = stream.windows(8).position(|bytes| bytes == b"end\n700 ").expect("the archive's frames") + 4;
    // Every place in the lists, and some in the archive.
    let cuts = (0..=lists).step_by(3).chain((lists..stream.len()).step_by(211)).chain([stream.len() - 1]);
    for cut in cuts {
        for target in targets() {
            let output = target.receive(&stream[..cut]);
            assert!(matches!(output.status.code(), Some(30..=32)), "cut at {cut}: {output:?}");
            assert_eq!(target.astray(), Vec::<String>::new(), "cut at {cut}");
        }
    }
    for target in targets() {
        let output = target.receive(&stream);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(fs::read(target.path("root/m/a")).expect("it has come"), [b'x'; 10]);
        assert_eq!(target.astray(), Vec::<String>::new());
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_not_touched() {
    for path in ["/x", "", ".", "./", "..", "./..", "./m/..", "./m/../x", "../x", "./.", "./m//x", "m/x", "./m/x/."] {
        for target in targets() {
            let list = [path.as_bytes(), b"//\0"].concat();
            let stream = [part(b"", 9), part(&list, 99), part(&archive(), 999)].concat().concat();
            let output = target.receive(&stream);
            assert_eq!(output.status.code(), Some(31), "{path:?}: {output:?}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("leads elsewhere"), "{path:?}: {output:?}");
            assert!(!target.path("touched").exists(), "{path:?}");
        }
    }
}

#[test]
fn an_archive_that_leads_elsewhere_brings_nothing_there() {
    for target in targets() {
        target.receive(&[part(b"", 9), part(b"", 9), part(&hostile(), 700)].concat().concat());
        assert_eq!(target.astray(), Vec::<String>::new(), "busybox: {}", target.busybox);
    }
}

proptest! {
    // Each is some dozen processes.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn bent_documents_lead_nowhere(stream in bent(frames().concat())) {
        for target in targets() {
            target.receive(&stream);
            prop_assert_eq!(target.astray(), Vec::<String>::new());
        }
    }

    #[test]
    fn frames_in_another_order_lead_nowhere(order in vec(any::<Index>(), 0..14), anything in vec(any::<u8>(), 0..60)) {
        let frames = frames();
        let mut stream: Vec<u8> = order.iter().flat_map(|at| at.get(&frames).clone()).collect();
        stream.extend(anything);
        let ends = order.iter().filter(|at| at.get(&frames) == b"end\n").count();
        for target in targets() {
            let output = target.receive(&stream);
            prop_assert!(ends >= 3 || !output.status.success(), "{ends} ends: {output:?}");
            prop_assert_eq!(target.astray(), Vec::<String>::new());
        }
    }
}

/// What says which documents are not what was saved.
fn verify() -> &'static str {
    let text = VERIFY.files.iter().find(|(name, _)| *name == "GOLDEN_DOCUMENTS_SH");
    text.expect("its text").1
}

/// With a checkpoint of two documents, one of which is not what it was; the list of both, in frames.
fn checkpoint(target: &Target) -> Vec<u8> {
    let documents = target.path("golden/checkpoints/one/documents");
    fs::create_dir_all(documents.join("m")).expect("directories");
    let mut sums = String::new();
    for (name, was, is) in [("./m/a", "same", "same"), ("./m/b", "old", "new")] {
        fs::write(documents.join(name), is).expect("a file");
        sums.push_str(&format!("{}  {name}\n", sha256(was.as_bytes())));
    }
    let mut lines: Vec<&str> = sums.lines().collect();
    lines.sort_unstable();
    fs::write(documents.with_file_name("documents.sha256"), lines.join("\n") + "\n").expect("a file");
    let mut framer = Framer::default();
    let mut chunks = framer.push(b"./m/a\0./m/b\0");
    chunks.extend(framer.end());
    chunks.iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect()
}

#[test]
fn a_list_of_saved_documents_that_is_cut_anywhere_is_no_success() {
    for target in targets() {
        let stream = checkpoint(&target);
        let whole = target.run(verify(), &[], &stream);
        let odd = format!("{}  ./m/b\n", sha256(b"new"));
        assert_eq!((whole.status.code(), String::from_utf8_lossy(&whole.stdout)), (Some(0), odd.into()), "{whole:?}");
        for cut in 0..stream.len() {
            let output = target.run(verify(), &[], &stream[..cut]);
            assert_eq!(output.status.code(), Some(51), "cut at {cut}: {output:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn a_bent_list_of_saved_documents_is_refused_or_read(text in bent(&b"11 1\n./m/a\0./m/b12 1\n./m/a\0./m/b\0end\n"[..])) {
        for target in targets() {
            checkpoint(&target);
            let output = target.run(verify(), &[], &text);
            prop_assert!(matches!(output.status.code(), Some(0 | 51 | 54)), "{output:?}");
        }
    }
}
