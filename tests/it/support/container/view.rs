//! What a container sees: the arguments of `bwrap`, and of what gives up root's powers inside.

use std::path::{Path, PathBuf};

use super::image::ORIGINALS;

/// Who a container runs as.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) groups: Vec<u32>,
    pub(crate) no_capabilities: bool,
    pub(crate) no_new_privileges: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Mount {
    pub(crate) source: Source,
    pub(crate) target: String,
    pub(crate) read_only: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Directory(PathBuf),
    /// So many bytes, empty at first, each container's own.
    Memory(u64),
}

#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) hostname: String,
    pub(crate) read_only_root: bool,
    pub(crate) workdir: String,
    pub(crate) mounts: Vec<Mount>,
    /// Directories of programs to lay over the root's.
    pub(crate) masks: Vec<(PathBuf, String)>,
    /// A `passwd` and a `group` of the image's users.
    pub(crate) accounts: PathBuf,
}

/// What a container runtime leaves a root user; the rest of root's powers are not for containers.
const CAPABILITIES: &str = "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,\
                            +setpcap,+net_bind_service,+sys_chroot,+mknod,+audit_write,+setfcap";

/// Namespaces of its own, and an end when the lab ends.
const ISOLATED: [&str; 6] =
    ["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent", "--new-session", "--as-pid-1"];

impl Identity {
    /// The `setpriv` that turns root into this.
    pub(super) fn become_it(&self) -> Vec<String> {
        let bounds = if self.no_capabilities { "-all" } else { CAPABILITIES };
        let mut words = vec![
            "/usr/bin/setpriv".to_owned(),
            format!("--reuid={}", self.uid),
            format!("--regid={}", self.gid),
            "--inh-caps=-all".to_owned(),
            format!("--bounding-set={bounds}"),
        ];
        let groups: Vec<String> = self.groups.iter().map(u32::to_string).collect();
        words.push(if groups.is_empty() {
            "--clear-groups".to_owned()
        } else {
            format!("--groups={}", groups.join(","))
        });
        if self.no_new_privileges {
            words.push("--no-new-privs".to_owned());
        }
        words.push("--".to_owned());
        words
    }
}

impl View {
    pub(super) fn arguments(&self) -> Vec<String> {
        let mut words: Vec<String> = ISOLATED.map(str::to_owned).to_vec();
        words.extend(["--hostname", &self.hostname].map(str::to_owned));
        words.extend(root());
        words.extend(["--proc", "/proc", "--dev", "/dev"].map(str::to_owned));
        words.extend(["--perms", "1777", "--tmpfs", "/dev/shm"].map(str::to_owned));
        for (file, target) in [("passwd", "/etc/passwd"), ("group", "/etc/group")] {
            words.extend(bind(true, &self.accounts.join(file), target));
        }
        if !self.masks.is_empty() {
            words.extend(open_to_all(ORIGINALS));
            words.extend(bind(true, "/usr".as_ref(), &format!("{ORIGINALS}/usr")));
        }
        for (mask, dir) in &self.masks {
            words.extend(bind(true, mask, dir));
        }
        for dir in ["/tmp", "/run", "/var/tmp"] {
            let mode = if dir == "/run" { "0755" } else { "1777" };
            words.extend(["--perms", mode, "--dir", dir].map(str::to_owned));
        }
        words.extend(self.mounts.iter().flat_map(mounted));
        if self.read_only_root {
            words.extend(["--remount-ro", "/"].map(str::to_owned));
        }
        words.extend(["--chdir", &self.workdir, "--"].map(str::to_owned));
        words
    }
}

/// The mount and the directories that lead to it.
fn mounted(mount: &Mount) -> Vec<String> {
    let above: Vec<_> = Path::new(&mount.target).ancestors().skip(1).filter(|dir| dir.parent().is_some()).collect();
    let above = above.into_iter().rev().flat_map(|dir| open_to_all(&dir.to_string_lossy()));
    let mounted = match &mount.source {
        Source::Directory(source) => bind(mount.read_only, source, &mount.target).to_vec(),
        Source::Memory(size) => {
            let size = size.to_string();
            ["--perms", "0777", "--size", &size, "--tmpfs", &mount.target].map(str::to_owned).to_vec()
        }
    };
    above.chain(mounted).collect()
}

/// A directory that only leads to a mount: bwrap would make it for root alone.
fn open_to_all(dir: &str) -> [String; 4] {
    ["--perms", "0755", "--dir", dir].map(str::to_owned)
}

fn bind(read_only: bool, source: &Path, target: &str) -> [String; 3] {
    let how = if read_only { "--ro-bind" } else { "--bind" };
    let source = source.to_string_lossy().into_owned();
    [how.to_owned(), source, target.to_owned()]
}

/// The host's programs and settings; nothing of its homes, its /tmp, its /var.
fn root() -> Vec<String> {
    let mut words = Vec::new();
    for dir in ["/usr", "/etc", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"] {
        match std::fs::read_link(dir) {
            Ok(target) => {
                let target = target.to_string_lossy().into_owned();
                words.extend(["--symlink".to_owned(), target, dir.to_owned()]);
            }
            Err(_) if std::fs::metadata(dir).is_ok() => {
                words.extend(bind(true, dir.as_ref(), dir));
            }
            Err(_) => {}
        }
    }
    words
}
