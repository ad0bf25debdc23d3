//! The image of the Job, and the application's Pods: their programs, their trees, their room.
use super::{Finding, State};
use crate::cluster::Cluster;
use crate::cluster::deployment::Rollout;
use crate::cluster::pod::Seen;
use crate::settings::{Environment, Settings};
use crate::step::preflight::documents::{self, Fault, Side};
use anyhow::Result;

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

pub(super) async fn documents(
    settings: &Settings,
    cluster: &Cluster,
    sides: [(&Environment, Option<Rollout>, &str); 2],
) -> Vec<Finding> {
    let mut all = Vec::new();
    let mut said = [None, None];
    for ((environment, rollout, place), said) in sides.into_iter().zip(&mut said) {
        // One without a Deployment has been told.
        let Some(rollout) = rollout.filter(|rollout| rollout.replicas > 0) else { continue };
        match ask(settings, cluster, environment, &rollout).await {
            Ok(side) => {
                all.extend(judge(settings, &side, place, *environment == settings.sandbox));
                *said = Some(side);
            }
            Err(error) => all.push(
                Finding::new("documents", State::Failed, format!("{place}: {error:#}"))
                    .fix("one Pod of it must be Ready, have `sh`, and let the client exec into it"),
            ),
        }
    }
    all.push(room(settings, &said));
    all
}

async fn ask(settings: &Settings, cluster: &Cluster, environment: &Environment, rollout: &Rollout) -> Result<Side> {
    let pod = cluster.ready_pod(&environment.namespace, &rollout.selector, settings.container.as_deref()).await?;
    documents::ask(settings, cluster, &pod, &rollout.containers).await
}

fn judge(settings: &Settings, side: &Side, place: &str, target: bool) -> Vec<Finding> {
    let faults = side.faults(settings, place, target).into_iter();
    let mut all: Vec<Finding> =
        faults.map(|Fault { says, fix }| Finding::new("documents", State::Failed, says).fix(fix)).collect();
    if all.is_empty() {
        all.push(seen(settings, side, place));
    }
    all
}

/// What is there, and what only the run will make.
fn seen(settings: &Settings, side: &Side, place: &str) -> Finding {
    let root = &settings.documents_root;
    match side.no_tree.join(", ") {
        _ if side.no_root => Finding::warning(
            "documents",
            format!("{place} there is no directory {root}: the run would make it in the container, beside any volume"),
        )
        .fix("--documents-root names where the volume of the documents is mounted"),
        none if none.is_empty() => Finding::ok("documents", format!("{place} the programs and the trees are there")),
        lacking => {
            Finding::ok("documents", format!("{place} the programs are there; {lacking} is not, and the run makes it"))
        }
    }
}

/// Production's Pod and the sandbox's. The trees are a part of what is used, so a target that has less than all of that is only worth a
/// warning; and so is what nobody has seen.
fn room(settings: &Settings, [source, target]: &[Option<Side>; 2]) -> Finding {
    let measured = |side: &Option<Side>| side.as_ref().is_some_and(|side| side.total > 0);
    let (Some(source), Some(target)) =
        (source.as_ref().filter(|_| measured(source)), target.as_ref().filter(|_| measured(target)))
    else {
        let unseen =
            [(source, "in production"), (target, "in the sandbox")].into_iter().filter(|(side, _)| !measured(side));
        let why = unseen.map(|(side, place)| match side {
            None => format!("{place}, where no Pod was asked"),
            Some(_) => format!("{place}, where no file system of {} was found", settings.documents_root),
        });
        let says = format!("the room for the documents was not seen {}", why.collect::<Vec<_>>().join(", nor "));
        return Finding::warning("space", says)
            .fix("mend what is said of the Deployment and of the documents, and ask again");
    };
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
    use crate::cli::Options;

    #[test]
    fn a_volume_smaller_than_what_is_used_is_warned_of() {
        let side = |total, free| {
            let mut side = Side::default();
            (side.total, side.free) = (total, free);
            Some(side)
        };
        let settings = Settings::load(Options::default(), None).expect("the defaults are right");
        let room = |source, target| room(&settings, &[source, target]);
        assert_eq!(room(side(1000, 500), side(400, 400)).state, State::Warning);
        assert_eq!(room(side(1000, 500), side(600, 0)).state, State::Ok);
        let unseen = room(None, side(0, 0));
        assert_eq!(unseen.state, State::Warning);
        assert!(
            unseen.says.contains("not seen in production, where no Pod was asked, nor in the sandbox"),
            "{unseen:?}"
        );
    }
}
