//! The image of the Job, and the application's Pods: their programs, their trees, their room.
use super::{Finding, State};
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::pod::Seen;
use crate::jobs::EXAMINE_POD;
use crate::settings::{Environment, Settings};
use anyhow::{Context, Result};

/// As far as can be told without a Pod of one's own.
pub(super) async fn image(settings: &Settings, cluster: &Cluster) -> Finding {
    let image = &settings.pg_image;
    match cluster.image_seen(&settings.sandbox.namespace, image).await {
        Ok(Seen::Runs(pod)) => Finding::ok("image", format!("{image}: Pod {pod} has it")),
        Ok(Seen::Fails(trouble)) => Finding::new("image", State::Failed, trouble)
            .fix("--pg-image names an image with the PostgreSQL client that the nodes can pull"),
        Ok(Seen::Never) => {
            Finding::ok("image", format!("{image}: no Pod there runs it yet, so only the Job will tell"))
        }
        Err(error) => Finding::warning("image", format!("{image}: not looked at: {error:#}")),
    }
}

/// What one Pod says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Side {
    missing: Vec<String>,
    /// Trees that are not there, or cannot be read.
    no_tree: Vec<String>,
    readonly: Vec<String>,
    /// Kilobytes of the documents' file system.
    total: u64,
    free: u64,
}

pub(super) async fn documents(
    settings: &Settings,
    cluster: &Cluster,
    sides: [(&Environment, Option<Rollout>, &str); 2],
) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut said = Vec::new();
    for (environment, rollout, place) in sides {
        // One without a Deployment has been told.
        let Some(rollout) = rollout.filter(|rollout| rollout.replicas > 0) else { continue };
        match ask(settings, cluster, environment, &rollout).await {
            Ok(side) => {
                all.extend(judge(settings, &side, place, *environment == settings.sandbox));
                said.push(side);
            }
            Err(error) => all.push(
                Finding::new("documents", State::Failed, format!("{place}: {error:#}"))
                    .fix("one Pod of it must be Ready, have `sh`, and let the client exec into it"),
            ),
        }
    }
    if let [source, target] = said.as_slice() {
        all.push(room(source, target));
    }
    all
}

async fn ask(settings: &Settings, cluster: &Cluster, environment: &Environment, rollout: &Rollout) -> Result<Side> {
    let pod = cluster.ready_pod(&environment.namespace, &rollout.selector, settings.container.as_deref()).await?;
    let mut argv = vec!["sh", "-c", EXAMINE_POD, "sh", &settings.documents_root];
    argv.extend(settings.documents_trees.iter().map(String::as_str));
    let said = cluster.run_in(&pod, &argv).await.with_context(|| format!("cannot ask {pod}"))?;
    Ok(parse(&String::from_utf8_lossy(&said)))
}

fn parse(said: &str) -> Side {
    let mut side = Side::default();
    for line in said.lines() {
        match line.split_once(' ') {
            Some(("missing", program)) => side.missing.push(program.to_owned()),
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

fn judge(settings: &Settings, side: &Side, place: &str, target: bool) -> Vec<Finding> {
    let root = &settings.documents_root;
    let failed = |says: String| Finding::new("documents", State::Failed, says);
    let mut all = Vec::new();
    if !side.missing.is_empty() {
        let says = format!("{place} the container lacks {}", side.missing.join(", "));
        all.push(
            failed(says)
                .fix("an image with them, GNU's or busybox's; or --container names another container of the Pod"),
        );
    }
    for tree in side.no_tree.iter().filter(|_| !target) {
        let fix = "--documents-root and --documents-tree name what is to be copied";
        all.push(failed(format!("{place} there is no directory {root}/{tree} that can be read")).fix(fix));
    }
    for tree in side.readonly.iter().filter(|_| target) {
        let fix = "the container's user must own it (fsGroup), and the volume must not be mounted read-only";
        all.push(failed(format!("{place} {root}/{tree} cannot be written to")).fix(fix));
    }
    if all.is_empty() {
        all.push(Finding::ok("documents", format!("{place} the programs and the trees are there")));
    }
    all
}

/// The trees are a part of what is used, so a target that has less than all of that is only worth a warning.
fn room(source: &Side, target: &Side) -> Finding {
    let used = source.total.saturating_sub(source.free);
    let says = format!(
        "production's documents are on a volume with {} MB used; the sandbox's has {} MB, {} MB of them free",
        used / 1024,
        target.total / 1024,
        target.free / 1024
    );
    match target.total < used {
        true => Finding::warning("space", says)
            .fix("a larger PersistentVolumeClaim for the sandbox, unless the trees are only a small part"),
        false => Finding::ok("space", says),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pod_says_is_read() {
        let side = parse("missing tar\nno-tree a b\nreadonly c\nspace 1000 400\nnoise\n");
        assert_eq!(side.missing, ["tar"]);
        assert_eq!((side.no_tree, side.readonly), (vec!["a b".to_owned()], vec!["c".to_owned()]));
        assert_eq!((side.total, side.free), (1000, 400));
    }

    #[test]
    fn a_volume_smaller_than_what_is_used_is_warned_of() {
        let side = |total, free| Side { total, free, ..Side::default() };
        assert_eq!(room(&side(1000, 500), &side(400, 400)).state, State::Warning);
        assert_eq!(room(&side(1000, 500), &side(600, 0)).state, State::Ok);
    }
}
