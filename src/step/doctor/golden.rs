//! The volume of the checkpoints.
use super::{Finding, State};
use crate::cli::{Task, program};
use crate::cluster::Cluster;
use crate::golden::ROOT;
use crate::settings::Settings;

pub(super) async fn check(settings: &Settings, cluster: &Cluster, task: Task) -> Vec<Finding> {
    let name = format!("PersistentVolumeClaim {}/{}", settings.sandbox.namespace, settings.golden_claim);
    let claim = cluster.claim(&settings.sandbox.namespace, &settings.golden_claim).await;
    let there = matches!(claim, Ok(Some(_)));
    let mut all = vec![match claim {
        Err(error) => {
            Finding::failed("golden", &error).fix("sandbox-lifecycle manifests rbac checkpoint | kubectl apply -f -")
        }
        Ok(None) if task == Task::Checkpoint => {
            Finding::ok("golden", format!("{name} is made with the first checkpoint, of {}", settings.golden_size))
        }
        Ok(None) => Finding::new("golden", State::Failed, format!("there is no {name}, and so no checkpoint"))
            .fix("sandbox-lifecycle checkpoint"),
        Ok(Some(claim)) => match claim.check() {
            Ok(()) => Finding::ok("golden", format!("{name}: {}, {}", claim.size, claim.phase)),
            Err(error) => Finding::failed("golden", &error).fix(match claim.is_kept {
                true => {
                    "sandbox-lifecycle checkpoint cool, then as said: the claim must go, and a checkpoint be taken anew"
                }
                false => "as said: the claim must go, and a checkpoint be taken anew",
            }),
        },
    }];
    if there {
        all.push(space(settings, cluster).await);
    }
    all
}

/// Only a Pod that has the volume can tell its room.
async fn space(settings: &Settings, cluster: &Cluster) -> Finding {
    let unseen = |why: String| Finding::ok("space", format!("how full the golden volume is was not seen: {why}"));
    let said = match cluster.pod_with_golden(&settings.sandbox.namespace).await {
        Ok(Some(pod)) => cluster.run_in(&pod, &["df", "-Pk", ROOT]).await,
        Ok(None) => return unseen(format!("no Pod has it just now (`{} checkpoint --warm` keeps one)", program())),
        Err(error) => Err(error),
    };
    match said {
        Ok(said) => room(&String::from_utf8_lossy(&said)).unwrap_or_else(|| unseen("df does not tell".to_owned())),
        Err(error) => unseen(format!("{error:#}")),
    }
}

/// Of `df -Pk`: kilobytes in all, used and free.
fn room(said: &str) -> Option<Finding> {
    let numbers: Vec<u64> = said.lines().nth(1)?.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [total, used, free, ..] = numbers.as_slice() else { return None };
    let says =
        format!("of {} MB of the golden volume {} MB are used and {} MB free", total / 1024, used / 1024, free / 1024);
    // A checkpoint is written beside the one that it replaces.
    Some(match free < used {
        true => Finding::warning("space", format!("{says}: a checkpoint as big as all of them would not fit"))
            .fix("`sandbox-lifecycle checkpoint delete NAME`, or a larger volume"),
        false => Finding::ok("space", says),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_read_from_df() {
        let df = |used, free| {
            let says = format!(
                "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 5000 {used} {free} 20% /golden\n"
            );
            room(&says).map(|finding| finding.state)
        };
        assert_eq!(df(1000, 4000), Some(State::Ok));
        assert_eq!(df(4000, 1000), Some(State::Warning));
        assert_eq!(room("df: no"), None);
    }
}
