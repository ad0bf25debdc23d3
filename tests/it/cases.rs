//! Cases that are claims about any cluster: the lab's tests and the end-to-end tests tell the same ones.

use crate::support::readme::{self, Rule};
use crate::support::sandbox::Ran;
use crate::support::scene::Scene;

/// The sandbox becomes equal to production, and everything else is as before.
pub(crate) async fn refreshes(scene: &impl Scene) -> Ran {
    let before = scene.world();
    assert_ne!(before.sandbox, before.production, "the sandbox is older");
    let ran = scene.run(&["--output", "json", "refresh-from-prod"]).await.assert_code(0);
    let after = scene.world();
    assert_eq!(after.sandbox, before.production);
    assert_eq!(after.production, before.production);
    after.assert_same_surroundings(&before);
    let report = ran.json();
    assert_eq!(report["outcome"], "done");
    assert!(report["database"]["tables"].as_u64() >= Some(295), "{report}");
    assert!(report["downtime_seconds"].as_f64() > Some(0.0), "{report}");
    assert!(report["data_read_at"].is_string(), "{report}");
    ran
}

/// A signal as soon as each of the ten steps of `refresh` has begun; whatever was done by then is put back.
pub(crate) async fn a_signal_at_each_step_is_put_back(scene: &impl Scene) {
    let before = scene.world();
    for step in 1..=10 {
        for (name, code) in [("INT", 130), ("TERM", 143)] {
            let run = scene.reach(&["refresh"], &format!("[{step}/10]")).await;
            run.signal(name);
            let ran = run.end().await;
            // One that comes when all is done already finds nothing to end.
            assert!(ran.code == code || ran.code == 0, "{name} at {step}: {ran:?}");
            scene.world().assert_whole_since(&before);
            scene.up_again().await;
        }
    }
}

/// Killed in the middle of the restore; the next run, or `recover`, puts back what it left.
pub(crate) async fn a_killed_run_is_put_back_by(scene: &impl Scene, next: &[&str]) {
    let before = scene.world();
    let run = scene.reach(&["refresh-from-prod"], "[6/9]").await;
    run.signal("KILL");
    run.end().await;
    assert_ne!(scene.world().sync_policy, before.sync_policy, "Argo CD is paused");
    scene.expire_lease();
    scene.run(next).await.assert_code(0).assert_says("put back");
    scene.world().assert_whole_since(&before);
    scene.run(&["recover"]).await.assert_code(0).assert_says("no run has left anything behind");
}

/// Nothing commits under an application that somebody has started again.
pub(crate) async fn replicas_that_come_back_stop_the_commit(scene: &impl Scene) {
    let before = scene.world();
    let run = scene.reach(&["refresh-from-prod"], "[6/9]").await;
    scene.scale(1);
    run.end().await.assert_code(1);
    let after = scene.world();
    assert_eq!(after.sandbox, before.sandbox, "nothing was committed");
    after.assert_whole_since(&before);
}

/// What the README tells users to grant is enough, and of each of its verbs it is said when it is lacking: which one, on
/// what, where, and the rule; nothing is changed before that.
pub(crate) async fn a_lacking_right_is_named_before_anything_is_changed(scene: &impl Scene) {
    let before = scene.world();
    let rules = readme::rules();
    scene.allow(&rules);
    scene.run(&["--dry-run", "refresh"]).await.assert_code(0);
    for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| !rule.optional) {
        for verb in &rule.verbs {
            let fewer = rules.iter().cloned().enumerate().map(|(at, rule)| match at == number {
                true => Rule { verbs: rule.verbs.into_iter().filter(|one| one != verb).collect(), ..rule },
                false => rule,
            });
            scene.allow(&fewer.collect::<Vec<_>>());
            let Rule { group, resource, namespace, .. } = rule;
            let ran = scene.run(&["refresh"]).await.assert_code(1);
            let ran = ran.assert_says(&format!("may not {verb} {resource} in namespace {namespace}"));
            let ran = ran.assert_says(&format!("{{apiGroups: [\"{group}\"], resources: [\"{resource}\"]"));
            ran.assert_says("nothing was changed");
        }
    }
    scene.allow(&rules);
    assert_eq!(scene.world(), before);
}

/// Refused without a change to the sandbox.
pub(crate) async fn refused(scene: &impl Scene, arguments: &[&str], words: &str) -> Ran {
    let before = scene.world();
    let ran = scene.run(arguments).await.assert_code(1).assert_says(words);
    assert_eq!(scene.world(), before);
    ran
}

/// A second run beside a living one says who that is and touches nothing; the first one ends well.
pub(crate) async fn a_second_run_is_refused_while_one_lives(scene: &impl Scene) {
    let before = scene.world();
    let first = scene.reach(&["refresh-from-prod"], "[2/9]").await;
    scene.run(&["refresh-from-prod"]).await.assert_code(1).assert_says("is held by tester@");
    first.end().await.assert_code(0);
    scene.world().assert_whole_since(&before);
}
