//! The documents' Pods, asked before anything is changed: a root that is wrong would else be found when the database is done with.
use super::Remarks;
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::exec::PodRef;
use crate::jobs::EXAMINE_POD;
use crate::settings::{Environment, Settings};
use anyhow::{Context, Result};

/// What one Pod says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::step) struct Side {
    /// That was asked; and the others of its Pod.
    container: Option<String>,
    others: Vec<String>,
    missing: Vec<String>,
    /// The documents root is no directory.
    pub(in crate::step) no_root: bool,
    /// Trees that are not there, or cannot be read.
    pub(in crate::step) no_tree: Vec<String>,
    readonly: Vec<String>,
    /// Kilobytes of the documents' file system.
    pub(in crate::step) total: u64,
    pub(in crate::step) free: u64,
}

/// Something that keeps the documents from being copied.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::step) struct Fault {
    pub(in crate::step) says: String,
    pub(in crate::step) fix: String,
}

/// Asks both Pods, as far as they run. A sandbox that is stopped and started by the run may be none that is Ready yet.
pub(super) async fn check(
    settings: &Settings,
    cluster: &Cluster,
    sides: [Option<&Rollout>; 2],
    stops: bool,
) -> Remarks {
    let [prod, sandbox] = sides;
    let (source, target) = tokio::join!(
        look(settings, cluster, &settings.prod, prod.filter(|rollout| rollout.replicas > 0)),
        look(settings, cluster, &settings.sandbox, sandbox.filter(|rollout| rollout.replicas > 0))
    );
    let mut remarks = Remarks::default();
    for (looked, place, target) in [(source, "in production", false), (target, "in the sandbox", true)] {
        match looked {
            Looked::NoPod(error) if target && stops => {
                remarks.notes.push(format!("{place} the documents were not looked at: {error:#}"));
            }
            Looked::NoPod(error) | Looked::Unanswered(error) => remarks.wrong.push(format!("{place} {error:#}")),
            Looked::Side(side) => {
                let faults = side.faults(settings, place, target).into_iter();
                remarks.wrong.extend(faults.map(|Fault { says, fix }| format!("{says} ({fix})")));
            }
            Looked::Nowhere => {}
        }
    }
    remarks
}

enum Looked {
    /// Its Deployment is at 0, or was not found, or has no such container: that is told elsewhere.
    Nowhere,
    NoPod(anyhow::Error),
    Unanswered(anyhow::Error),
    Side(Side),
}

async fn look(settings: &Settings, cluster: &Cluster, environment: &Environment, rollout: Option<&Rollout>) -> Looked {
    let Some(rollout) = rollout else { return Looked::Nowhere };
    let container = settings.container.as_deref();
    if container.is_some_and(|name| !rollout.containers.iter().any(|known| known == name)) {
        return Looked::Nowhere;
    }
    match cluster.ready_pod(&environment.namespace, &rollout.selector, container).await {
        Err(error) => Looked::NoPod(error),
        Ok(pod) => {
            ask(settings, cluster, &pod, &rollout.containers).await.map_or_else(Looked::Unanswered, Looked::Side)
        }
    }
}

/// `containers` are its Deployment's.
///
/// # Errors
/// The Pod cannot be asked, or does not answer.
pub(in crate::step) async fn ask(
    settings: &Settings,
    cluster: &Cluster,
    pod: &PodRef,
    containers: &[String],
) -> Result<Side> {
    let mut argv = vec!["sh", "-c", EXAMINE_POD, "sh", &settings.documents_root];
    argv.extend(settings.documents_trees.iter().map(String::as_str));
    let said = cluster.run_in(pod, &argv).await.with_context(|| format!("cannot ask {pod}"))?;
    let others = containers.iter().filter(|name| Some(*name) != pod.container.as_ref()).cloned().collect();
    Ok(Side { container: pod.container.clone(), others, ..parse(&String::from_utf8_lossy(&said)) })
}

fn parse(said: &str) -> Side {
    let mut side = Side::default();
    for line in said.lines() {
        match line.split_once(' ') {
            Some(("missing", program)) => side.missing.push(program.to_owned()),
            Some(("no-root", _)) => side.no_root = true,
            Some(("no-tree", tree)) => side.no_tree.push(tree.to_owned()),
            Some(("readonly", tree)) => side.readonly.push(tree.to_owned()),
            Some(("space", space)) => {
                let mut numbers = space.split(' ').filter_map(|number| number.parse().ok());
                side.total = numbers.next().unwrap_or_default();
                side.free = numbers.next().unwrap_or_default();
            }
            _ => {}
        }
    }
    side
}

impl Side {
    /// A tree that the sandbox lacks is made there; production must have it.
    pub(in crate::step) fn faults(&self, settings: &Settings, place: &str, target: bool) -> Vec<Fault> {
        let root = &settings.documents_root;
        let (name, other) = self.among_others();
        let programs = (!self.missing.is_empty()).then(|| Fault {
            says: format!("{place} the container{name} lacks {}", self.missing.join(", ")),
            fix: format!("an image with them, GNU's or busybox's; or {other}"),
        });
        let inside = if name.is_empty() { name.clone() } else { format!(" in container{name}") };
        let or_other = if name.is_empty() { String::new() } else { format!("; or {other}") };
        let trees = self.no_tree.iter().filter(|_| !target).map(|tree| Fault {
            says: format!("{place} there is no directory {root}/{tree} that can be read{inside}"),
            fix: format!("--documents-root and --documents-tree name what is to be copied{or_other}"),
        });
        let no_root = (target && self.no_root && !self.readonly.is_empty()).then(|| Fault {
            says: format!("{place} there is no directory {root}, and none can be made there{inside}"),
            fix: format!("--documents-root names where the volume of the documents is mounted{or_other}"),
        });
        let readonly = self.readonly.iter().filter(|_| target && !self.no_root).map(|tree| Fault {
            says: format!("{place} {root}/{tree} cannot be written to{inside}"),
            fix: format!(
                "the container's user must own it (fsGroup), and the volume must not be mounted read-only{or_other}"
            ),
        });
        programs.into_iter().chain(trees).chain(no_root).chain(readonly).collect()
    }

    /// The container's name where its Pod has several, for the documents may lie in another one; and how that is named.
    fn among_others(&self) -> (String, String) {
        let other = "--container names another container of the Pod";
        match (&self.container, self.others.as_slice()) {
            (Some(name), [_, ..]) => (format!(" {name}"), format!("{other}: it has {}", self.others.join(", "))),
            _ => (String::new(), other.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Options;

    #[test]
    fn what_a_pod_says_is_read() {
        assert!(parse("no-root /nosuch\n").no_root);
        let side = parse("missing tar\nno-tree a b\nreadonly c\nspace 1000 400\nnoise\n");
        assert_eq!(side.missing, ["tar"]);
        assert_eq!((side.no_tree, side.readonly), (vec!["a b".to_owned()], vec!["c".to_owned()]));
        assert_eq!((side.total, side.free), (1000, 400));
    }

    #[test]
    fn a_root_that_is_not_there_is_told_as_that_and_not_as_one_that_cannot_be_written() {
        let settings = Settings::load(Options::default(), None).expect("the defaults are right");
        let side = parse("no-root /var/www/documents\nno-tree mycompany\nreadonly mycompany\n");
        let faults = side.faults(&settings, "in the sandbox", true);
        assert!(
            faults.len() == 1 && faults[0].says.contains("there is no directory /var/www/documents, and"),
            "{faults:?}"
        );
    }

    #[test]
    fn a_container_among_others_is_named_with_them() {
        let settings = Settings::load(Options::default(), None).expect("the defaults are right");
        let mut side = parse("missing tar\n");
        let said = |side: &Side| side.faults(&settings, "in production", false).remove(0);
        assert_eq!(said(&side).says, "in production the container lacks tar");
        (side.container, side.others) = (Some("proxy".to_owned()), vec!["app".to_owned()]);
        assert_eq!(said(&side).says, "in production the container proxy lacks tar");
        assert!(said(&side).fix.ends_with("--container names another container of the Pod: it has app"));
    }
}
