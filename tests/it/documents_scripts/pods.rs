//! A pod's file system and programs, and the way of one copy between two of them.
use super::*;

/// Whose programs a pod has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Programs {
    Gnu,
    Busybox,
}

/// A pod's file system, as far as the scripts see it.
pub(super) struct Pod {
    pub(super) root: TempDir,
    pub(super) programs: Programs,
    /// The busybox programs by name, first on the PATH.
    pub(super) bin: TempDir,
}

impl Pod {
    pub(super) fn new(programs: Programs) -> Self {
        let (root, bin) = (TempDir::new().expect("a directory"), TempDir::new().expect("a directory"));
        if programs == Programs::Busybox {
            let busybox = which("busybox").expect("checked by the caller");
            for name in [
                "sh",
                "find",
                "stat",
                "tar",
                "xargs",
                "dd",
                "rm",
                "chmod",
                "readlink",
                "sed",
                "tail",
                "id",
                "date",
                "sha256sum",
            ] {
                symlink(&busybox, bin.path().join(name)).expect("a link");
            }
        }
        Self { root, programs, bin }
    }

    pub(super) fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.root.path().join(name.as_ref())
    }

    pub(super) fn write(&self, name: impl AsRef<OsStr>, content: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        fs::write(path, content).expect("a file");
    }

    /// Runs a script that gets the root, and these arguments behind it.
    pub(super) fn run(&self, script: &str, args: &[&str], stdin: &[u8]) -> Output {
        self.run_with(script, &[], args, stdin)
    }

    /// As [`Pod::run`], with other arguments before the root.
    pub(super) fn run_with(&self, script: &str, before: &[&str], args: &[&str], stdin: &[u8]) -> Output {
        let (shell, path) = match self.programs {
            Programs::Gnu => (PathBuf::from("/bin/sh"), "/usr/bin:/bin".to_owned()),
            Programs::Busybox => (self.bin.path().join("sh"), self.bin.path().display().to_string()),
        };
        let mut command = Command::new(shell);
        command.args(["-c", &sent(script), "sh"]).args(before);
        command.arg(self.root.path()).args(args);
        command.env_clear().env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("a shell");
        let mut pipe = child.stdin.take().expect("stdin");
        let stdin = stdin.to_vec();
        // A script that fails early does not read to the end.
        let feeding = std::thread::spawn(move || drop(pipe.write_all(&stdin)));
        let output = child.wait_with_output().expect("it ends");
        feeding.join().expect("no panic");
        output
    }

    pub(super) fn list(&self) -> Manifest {
        let output = self.run(MANIFEST_SCRIPT, &["m"], b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let mut lists = lists(&output.stdout);
        assert_eq!(lists.len(), 1);
        lists.remove(0)
    }

    pub(super) fn tar(&self) -> &'static str {
        if self.programs == Programs::Gnu { "gnu" } else { "other" }
    }
}

/// The lists that a script has written, one behind the other.
pub(super) fn lists(text: &[u8]) -> Vec<Manifest> {
    let mut lists = Vec::new();
    let mut parser = Parser::default();
    for byte in text.chunks(1) {
        parser.feed(byte).expect("records");
        if parser.is_whole() {
            lists.push(std::mem::take(&mut parser).finish(&["m".to_owned()]).expect("a whole list"));
        }
    }
    parser.finish(&[]).expect_err("nothing comes behind the last one");
    lists
}

pub(super) fn which(program: &str) -> Option<PathBuf> {
    ["/bin", "/usr/bin"].iter().map(|dir| Path::new(dir).join(program)).find(|path| path.exists())
}

pub(super) fn pairs() -> Vec<(Pod, Pod)> {
    use Programs::{Busybox, Gnu};
    let mut pairs = vec![(Gnu, Gnu)];
    if which("busybox").is_some() {
        pairs.extend([(Gnu, Busybox), (Busybox, Gnu), (Busybox, Busybox)]);
    }
    pairs.into_iter().map(|(source, target)| (Pod::new(source), Pod::new(target))).collect()
}

pub(super) fn stream(chunks: impl IntoIterator<Item = Chunk>) -> Vec<u8> {
    chunks.into_iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect()
}

pub(super) fn framed<'a>(paths: impl Iterator<Item = &'a [u8]>, end: &[u8]) -> Vec<u8> {
    let mut framer = Framer::default();
    let content: Vec<u8> = paths.flat_map(|path| [path, end].concat()).collect();
    let mut chunks = framer.push(&content);
    chunks.extend(framer.end());
    stream(chunks)
}

/// What the target's script gets for a delta.
pub(super) fn for_target(source: &Pod, new: &Manifest, old: &Manifest, delta: &Delta) -> Vec<u8> {
    let wanted = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
    let sent = source.run(SEND_SCRIPT, &[source.tar()], &framed(wanted, b"\0"));
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
    let format = if old.head.gnu_tar { Format::Pax } else { Format::Gnu };
    let mut sieve = Sieve::new(new, &delta.send, Framer::default(), format, old.head.owner.unwrap_or_default());
    let mut chunks: Vec<Chunk> =
        sent.stdout.chunks(1000).flat_map(|piece| sieve.feed(piece).expect("an archive")).collect();
    chunks.extend(sieve.finish().expect("a whole archive").0);
    let of_target = |part: &[usize]| framed(part.iter().map(|&at| old.path(&old.entries()[at])), b"//\0");
    [of_target(&delta.unlock), of_target(&delta.remove), stream(chunks)].concat()
}

/// Passes until nothing differs, and how many that took.
pub(super) fn copy(source: &Pod, target: &Pod) -> u32 {
    for pass in 0..3 {
        let (new, old) = (source.list(), target.list());
        let delta = diff(&new, &old, |_| false);
        if delta.is_empty() {
            return pass;
        }
        let received = target.run(RECEIVE_SCRIPT, &[target.tar()], &for_target(source, &new, &old, &delta));
        assert!(received.status.success(), "{:?} {}", received.status, String::from_utf8_lossy(&received.stderr));
    }
    panic!("still different after two passes from {:?} to {:?}", source.programs, target.programs);
}
