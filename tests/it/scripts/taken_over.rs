//! What a set takes over from the newest one as links, and what it is found to be: under both shells.
use super::run::Shell;
use sandbox_lifecycle::golden::manifest::{Checkpoint, sha256};
use sandbox_lifecycle::golden::scripts::{BEGIN, LINK, MEASURE, TAKEN_OVER_DAMAGED};
use sandbox_lifecycle::golden::shelf;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

const NAMES: [&str; 9] =
    ["plain.pdf", "two  words", r"back\slash", r"\first", r"last\", r"a\nb", "-rf", "$(x)*?[", "car\rriage"];
/// The sha256sum of busybox does not escape it.
const BROKEN: &str = "line\nbreak";

/// A golden volume with one whole set of documents of long ago.
struct Volume {
    directory: TempDir,
    shell: Shell,
}

impl Volume {
    fn new(shell: Shell) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let volume = Self { directory, shell };
        for name in ["bin", "scratch", "golden/sets/former/documents/m", "golden/sets/former/database"] {
            fs::create_dir_all(volume.path(name)).expect("a directory");
        }
        if shell == Shell::Busybox {
            let programs =
                "sh cat rm mkdir sha256sum sort find wc cp stat date ln dirname head sync chmod readlink grep tee sed";
            programs.split(' ').for_each(|name| volume.program(name, Path::new("/usr/bin/busybox")));
            // Debian's busybox has none, Alpine's has.
            volume.program("comm", Path::new("/usr/bin/comm"));
        }
        for name in NAMES.iter().chain([&BROKEN]) {
            volume.write("former", name, "as it was");
        }
        for (name, content) in [("source.dump", "a dump"), ("source.manifest", "{}"), ("../stamp", "0a1b\n")] {
            fs::write(volume.path("golden/sets/former/database").join(name), content).expect("a file");
        }
        volume.seal();
        fs::create_dir(volume.path("golden/checkpoints")).expect("a directory");
        symlink("../sets/former", volume.path("golden/checkpoints/golden")).expect("a link");
        volume
    }

    fn seal(&self) {
        let (code, measured) = self.run(MEASURE.text, "former");
        assert_eq!(code, Some(0));
        let checkpoint = Checkpoint { files: shelf::sums(measured.as_bytes()), ..Checkpoint::default() };
        let line = checkpoint.seal().expect("JSON") + "\n";
        fs::write(self.path("golden/sets/former/manifest.json"), line).expect("a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn program(&self, name: &str, is: &Path) {
        symlink(is, self.path("bin").join(name)).expect("a link");
    }

    fn document(&self, set: &str, name: &str) -> PathBuf {
        self.path("golden/sets").join(set).join("documents/m").join(name)
    }

    /// A month ago.
    fn write(&self, set: &str, name: &str, content: &str) {
        let path = self.document(set, name);
        fs::write(&path, content).expect("a file");
        let time = SystemTime::now() - Duration::from_secs(30 * 86_400);
        File::options().write(true).open(path).and_then(|file| file.set_modified(time)).expect("a time");
    }

    /// Another set, which is given the documents of the first one.
    fn link(&self) {
        self.begin();
        self.shown();
        fs::write(self.path("golden/sets/new/database/source.dump"), "a dump").expect("a file");
        let again = self.path("golden/sets/new/documents").exists();
        let (code, output) = self.run(LINK.text, "new");
        let said = output.strip_suffix('\0').map(str::trim_end).expect("a NUL behind it");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_secs();
        let young = said.parse().is_ok_and(|since: u64| (now - 86_460..=now - 86_400).contains(&since));
        assert!(code == Some(0) && if again { said.is_empty() } else { young }, "{:?}: {output:?}", self.shell);
    }

    fn begin(&self) {
        let (code, output) = self.run(BEGIN.text, "new");
        assert_eq!((code, output.as_str()), (Some(0), "{\"event\":\"room\"}\n"), "{:?}", self.shell);
    }

    /// What dump.sh finds of the former set's schema, and takes away with all that begins so.
    fn shown(&self) -> bool {
        let shown = self.lent("former.stamp").is_some_and(|stamp| stamp == "0a1b\n");
        for left in fs::read_dir(self.path("golden/sets/new/database")).expect("a directory") {
            let left = left.expect("an entry");
            if left.file_name().to_string_lossy().starts_with("former.") {
                fs::remove_file(left.path()).expect("it is there");
            }
        }
        shown
    }

    fn lent(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path("golden/sets/new/database").join(name)).ok()
    }

    fn measure(&self) -> (Option<i32>, String) {
        self.run(MEASURE.text, "new")
    }

    fn run(&self, text: &str, set: &str) -> (Option<i32>, String) {
        let bin = self.path("bin").display().to_string();
        let (shell, path) = match self.shell {
            Shell::Busybox => (format!("{bin}/sh"), bin),
            Shell::Debian => ("/bin/sh".to_owned(), format!("{bin}:/usr/bin:/bin")),
        };
        let mut command = Command::new(shell);
        command.args(["-c", text]).env_clear().env("PATH", path).env("GOLDEN", self.path("golden"));
        command.env("TMPDIR", self.path("scratch")).env("SET", set).env("TREES", "m\nnone");
        let texts = ["DOCUMENTS_LISTER_SH", "DOCUMENTS_MANIFEST_SH", "DOCUMENTS_SUMS_SH", "DOCUMENTS_RECEIVE_SH"];
        command.envs(texts.map(|name| (name, ":"))).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        // One of the two waits for no word.
        let _ = child.stdin.take().expect("piped").write_all(b"go\n");
        let ended = child.wait_with_output().expect("its end");
        (ended.status.code(), String::from_utf8_lossy(&ended.stdout).into_owned())
    }

    /// The set has nothing left that was taken over.
    fn assert_begins_anew(&self, what: &str) {
        let documents = fs::read_dir(self.path("golden/sets/new/documents")).expect("a directory");
        assert_eq!(documents.count(), 0, "{what}");
        for name in ["former", "documents.sha256", "documents.part"] {
            assert!(fs::symlink_metadata(self.path("golden/sets/new").join(name)).is_err(), "{what}: {name}");
        }
        assert_eq!(self.measure().0, Some(0), "{what}: brought anew it is whole");
    }
}

#[test]
fn what_is_as_it_was_is_taken_over_and_what_is_brought_is_not_judged_by_it() {
    for shell in Shell::all() {
        let volume = Volume::new(shell);
        volume.link();
        let inode = |set: &str, name: &str| fs::metadata(volume.document(set, name)).expect("a document").ino();
        for name in NAMES {
            assert_eq!(inode("new", name), inode("former", name), "{shell:?} {name}");
        }
        assert!(!volume.document("new", BROKEN).exists(), "{shell:?}");
        // As tar brings it: never into the file that is there.
        for name in [NAMES[0], NAMES[2]] {
            fs::remove_file(volume.document("new", name)).expect("it was there");
            volume.write("new", name, "another");
        }
        volume.write("new", BROKEN, "another");
        let (code, said) = volume.measure();
        assert_eq!((code, said.contains("  database/source.dump")), (Some(0), true), "{shell:?} {said}");
        assert!(fs::symlink_metadata(volume.path("golden/sets/new/former")).is_err(), "{shell:?}");
        // One that is begun once more leaves what has come.
        volume.link();
        assert_eq!(fs::read_to_string(volume.document("new", NAMES[0])).expect("a document"), "another", "{shell:?}");
        // And even so nothing comes into the set that is whole.
        volume.begin();
        assert!(fs::symlink_metadata(volume.path("golden/sets/former/former")).is_err(), "{shell:?}");
    }
}

#[test]
fn damage_of_any_document_or_of_their_list_begins_anew() {
    for shell in Shell::all() {
        for name in NAMES {
            let volume = Volume::new(shell);
            volume.link();
            volume.write("former", name, "as it w4s");
            let (code, said) = volume.measure();
            assert_eq!(code, Some(TAKEN_OVER_DAMAGED), "{shell:?} {name:?}");
            assert!(said.lines().count() == 1 && said.contains("  ./m/"), "{shell:?} {name:?}: {said}");
            volume.assert_begins_anew(name);
        }
        let volume = Volume::new(shell);
        volume.link();
        let list = volume.path("golden/sets/former/documents.sha256");
        let mut lines = fs::read(&list).expect("the list");
        lines.rotate_left(3);
        fs::write(&list, lines).expect("written");
        assert_eq!(volume.measure().0, Some(TAKEN_OVER_DAMAGED), "{shell:?}");
        volume.assert_begins_anew("its list");
    }
}

/// As ZFS, or a bad disk, answers for a damaged block. A busybox calls its own sha256sum, whatever stands on PATH.
#[test]
fn a_document_that_cannot_be_read_is_brought_anew_if_it_was_taken_over() {
    let volume = Volume::new(Shell::Debian);
    volume.link();
    let program = volume.path("bin/sha256sum");
    fs::write(&program, "#!/bin/sh\necho 'input/output error' >&2\nexit 1\n").expect("a program");
    fs::set_permissions(&program, Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(volume.measure(), (Some(TAKEN_OVER_DAMAGED), String::new()));
    fs::create_dir(volume.path("golden/sets/new/documents/m")).expect("a directory");
    volume.write("new", NAMES[0], "brought");
    assert_eq!(volume.measure().0, Some(54), "nor can what was brought be read");
}

#[test]
fn the_schema_of_the_newest_set_is_shown_where_all_that_is_said_of_it_is_as_it_was_saved() {
    type Damage = (&'static str, bool, fn(&Volume));
    const CASES: [Damage; 6] = [
        ("nothing", true, |_| {}),
        ("no stamp", false, |volume| fs::remove_file(volume.path("golden/sets/former/stamp")).expect("it was there")),
        ("another manifest", false, |volume| {
            fs::write(volume.path("golden/sets/former/database/source.manifest"), "{ }").expect("a file");
        }),
        ("no manifest of its own", false, |volume| {
            fs::remove_file(volume.path("golden/sets/former/manifest.json")).expect("it was there");
        }),
        ("an older set", true, |volume| {
            let older = volume.path("golden/sets/older");
            fs::create_dir_all(&older).expect("a directory");
            fs::write(older.join("manifest.json"), "{}").expect("a file");
            let time = SystemTime::now() - Duration::from_secs(60);
            let manifest = File::options().write(true).open(older.join("manifest.json"));
            manifest.and_then(|file| file.set_modified(time)).expect("a time");
            symlink("../sets/older", volume.path("golden/checkpoints/older")).expect("a link");
        }),
        ("debris", true, |volume| fs::create_dir_all(volume.path("golden/sets/debris/database")).expect("a directory")),
    ];
    for shell in Shell::all() {
        for (what, shown, damage) in CASES {
            let volume = Volume::new(shell);
            damage(&volume);
            volume.begin();
            assert_eq!(volume.shown(), shown, "{shell:?} {what}");
            let sets = fs::read_dir(volume.path("golden/sets")).expect("a directory").count();
            assert_eq!(sets, if what == "an older set" { 3 } else { 2 }, "{shell:?} {what}");
        }
    }
}

#[test]
fn the_dump_of_the_newest_set_is_lent_with_the_sums_that_it_was_saved_with() {
    for shell in Shell::all() {
        let (volume, mut base) = (Volume::new(shell), "{}");
        let former = |name: &str| volume.path("golden/sets/former/database").join(name);
        for source_base in [None, Some("{\"base\": 1}")] {
            if let Some(content) = source_base {
                base = content;
                fs::write(former("source.base"), content).expect("a file");
                volume.seal();
            }
            volume.begin();
            let sum = sha256(b"a dump") + "\n";
            let lent = [("former.dump", "a dump"), ("former.base", base), ("former.sum", &sum)];
            assert_eq!(lent.map(|(name, _)| volume.lent(name)), lent.map(|(_, content)| Some(content.to_owned())));
            fs::remove_dir_all(volume.path("golden/sets/new")).expect("it was there");
        }
        // It is read before the dump is proved; and where it is lost the manifest does not stand for it.
        fs::write(former("source.base"), "{\"base\"; 1}").expect("a file");
        for lost in [false, true] {
            if lost {
                fs::remove_file(former("source.base")).expect("it was there");
                fs::remove_dir_all(volume.path("golden/sets/new")).expect("it was there");
            }
            volume.begin();
            assert_eq!(volume.lent("former.base"), None, "{shell:?} {lost}");
            assert!(volume.shown(), "{shell:?}");
        }
    }
}

/// The programs of busybox say nothing when a disk is full, and what is cut must not be sealed as whole.
#[test]
fn sums_that_do_not_fit_on_the_volume_are_no_damage_and_no_set() {
    // No file may grow beyond 512 bytes, and whoever tries is told so, as on a full disk; the log is one, too.
    let full = format!("exec 2>/dev/null; trap '' 25; ulimit -f 1; {}", MEASURE.text);
    for shell in Shell::all() {
        let volume = Volume::new(shell);
        volume.link();
        assert_eq!(volume.run(&full, "new"), (Some(52), String::new()), "{shell:?}");
        assert!(volume.document("new", NAMES[0]).exists(), "{shell:?}: nothing was damaged");
        assert_eq!(volume.measure().0, Some(0), "{shell:?}");
    }
}
