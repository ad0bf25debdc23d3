//! The images of the lab: the host's programs, some of them replaced or taken away.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where an image with replaced programs still has the host's own, for scripts that wrap them.
pub(crate) const ORIGINALS: &str = "/.image";

pub(crate) const POSTGRES: &str = "docker.io/library/postgres:15";
/// Serves until it is told to stop.
pub(crate) const APP: &str = "docker.io/library/sandbox-app:1";
/// As `APP`, with the programs of busybox.
pub(crate) const APP_BUSYBOX: &str = "docker.io/library/sandbox-app:1-busybox";
/// As `APP`, with neither `find` nor `tar`.
pub(crate) const APP_BARE: &str = "docker.io/library/sandbox-app:1-bare";

#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) path: String,
    pub(crate) entrypoint: Vec<String>,
    pub(crate) cmd: Vec<String>,
    pub(crate) workdir: String,
    programs: BTreeMap<String, Program>,
}

#[derive(Clone, Debug)]
enum Program {
    Script(String),
    /// To this program of the image, which goes by its name.
    Link(String),
    /// A file of the host that a container does not see.
    File(PathBuf),
    Absent,
}

impl Image {
    fn new(entrypoint: &[&str], cmd: &[&str]) -> Self {
        let words = |list: &[&str]| list.iter().map(|word| (*word).to_owned()).collect();
        Self {
            path: "/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            entrypoint: words(entrypoint),
            cmd: words(cmd),
            workdir: "/".to_owned(),
            programs: BTreeMap::new(),
        }
    }

    /// A copy in which `program` (a name on PATH, or a path) is this shell script. The program
    /// it replaces is under [`ORIGINALS`].
    pub(crate) fn with(&self, program: &str, script: &str) -> Self {
        let script = if script.starts_with("#!") { script.to_owned() } else { format!("#!/bin/sh\n{script}\n") };
        self.replacing(program, Program::Script(script))
    }

    pub(crate) fn without(&self, program: &str) -> Self {
        self.replacing(program, Program::Absent)
    }

    fn replacing(&self, program: &str, by: Program) -> Self {
        let mut image = self.clone();
        // Every place on PATH, else the next one would answer.
        let places: Vec<String> = if program.starts_with('/') {
            vec![program.to_owned()]
        } else {
            let dirs = self.path.split(':').map(|dir| format!("{dir}/{program}"));
            dirs.filter(|place| fs::symlink_metadata(place).is_ok()).collect()
        };
        let fallback = format!("/usr/bin/{program}");
        let places = if places.is_empty() { vec![fallback] } else { places };
        for place in places {
            image.programs.insert(unmerged(&place), by.clone());
        }
        image
    }

    /// Directories to lay over the view's: links to the originals, but for the replaced programs.
    pub(crate) fn masks(&self, under: &Path) -> std::io::Result<Vec<(PathBuf, String)>> {
        let mut dirs: BTreeMap<&Path, Vec<(&str, &Program)>> = BTreeMap::new();
        for (place, program) in &self.programs {
            let place = Path::new(place);
            let name = place.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let dir = place.parent().unwrap_or(Path::new("/"));
            dirs.entry(dir).or_default().push((name, program));
        }
        let masks = dirs.into_iter().enumerate();
        masks
            .map(|(number, (dir, programs))| {
                let mask = under.join(number.to_string());
                make_mask(&mask, dir, &programs)?;
                Ok((mask, dir.to_string_lossy().into_owned()))
            })
            .collect()
    }
}

/// `/bin` and the like are links into `/usr` on a merged system: mounts go over the real place.
fn unmerged(place: &str) -> String {
    let path = Path::new(place);
    let dir = path.parent().map(fs::canonicalize);
    match (dir, path.file_name()) {
        (Some(Ok(dir)), Some(name)) => dir.join(name).to_string_lossy().into_owned(),
        _ => place.to_owned(),
    }
}

fn make_mask(mask: &Path, dir: &Path, programs: &[(&str, &Program)]) -> std::io::Result<()> {
    fs::create_dir_all(mask)?;
    let originals = format!("{ORIGINALS}{}", dir.display());
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if !programs.iter().any(|(program, _)| name == *program) {
            symlink(Path::new(&originals).join(&name), mask.join(&name))?;
        }
    }
    for (name, program) in programs {
        let file = mask.join(name);
        match program {
            Program::Script(text) => {
                fs::write(&file, text)?;
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
            }
            Program::Link(target) => symlink(target, file)?,
            Program::File(source) => {
                fs::copy(source, &file)?;
                fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
            }
            Program::Absent => {}
        }
    }
    Ok(())
}

/// What this lab's registry has.
#[derive(Clone)]
pub(crate) struct Images(Arc<Mutex<BTreeMap<String, Image>>>);

impl Default for Images {
    fn default() -> Self {
        let app = Image::new(&["/bin/sh", "-c", SERVE], &[]);
        let busybox = Program::Link(format!("{ORIGINALS}/usr/bin/busybox"));
        let busybox = BUSYBOX.iter().fold(app.clone(), |image, program| image.replacing(program, busybox.clone()));
        let images = Self(Arc::default());
        // The real one starts a server; nobody here needs a second one.
        images.add(POSTGRES, Image::new(&[], &["/bin/sh", "-c", SERVE]));
        images.add(APP_BUSYBOX, busybox);
        images.add(APP_BARE, app.without("find").without("tar"));
        images.add(APP, app);
        images
    }
}

impl Images {
    pub(crate) fn add(&self, name: &str, image: Image) {
        let mut images = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        images.insert(full_name(name), image);
    }

    pub(crate) fn get(&self, name: &str) -> Option<Image> {
        let images = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        images.get(&full_name(name)).cloned()
    }

    /// Adds `name`: `base` with these programs replaced by shell scripts.
    pub(crate) fn with(&self, name: &str, base: &str, programs: &[(&str, &str)]) {
        let base = self.get(base).expect("the base image is in the table");
        let image = programs.iter().fold(base, |image, (program, script)| image.with(program, script));
        self.add(name, image);
    }
}

impl Images {
    /// Puts a file of the host into an image that is in the table.
    pub(crate) fn with_file(&self, name: &str, place: &str, source: &Path) {
        let image = self.get(name).expect("the image is in the table");
        self.add(name, image.replacing(place, Program::File(source.to_owned())));
    }
}

fn full_name(name: &str) -> String {
    let name = if name.contains('/') { name.to_owned() } else { format!("docker.io/library/{name}") };
    let tagged = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if tagged || name.contains('@') { name } else { format!("{name}:latest") }
}

/// Ends on TERM at once, with 0, as a web server does.
const SERVE: &str = r#"trap 'exit 0' TERM INT; echo ready; while :; do sleep 3600 & wait $!; done"#;

/// All that an application's Pod is asked for.
const BUSYBOX: [&str; 14] =
    ["sh", "find", "stat", "tar", "xargs", "dd", "rm", "chmod", "readlink", "sed", "tail", "id", "date", "sleep"];
