//! A checkpoint that has the dump of the newest one, and beside it what has changed since.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::damage::corrupt;
use super::world::{Rehearsed, warm};
use crate::support::sandbox::Sandbox;

const MORE: &str = "UPDATE llx_user SET login = login || '!'; DELETE FROM llx_facturedet WHERE rowid = 1";
/// Numbers of none of them are what they were once all is wiped and restored.
const A_TABLE: &str = "SET ROLE erp_sandbox_role; CREATE TABLE llx_made (rowid integer)";

fn dump(lab: &Sandbox, name: &str) -> u64 {
    fs::metadata(lab.set(name).join("database/source.dump")).expect("a dump").ino()
}

/// Both ways.
async fn reset_to(lab: &Sandbox, name: &str, wanted: &Rehearsed) {
    for (changes, mode) in [(MORE, "differences"), (A_TABLE, "full")] {
        lab.change_database(changes);
        let reset = lab.quick(&["--output", "json", "reset", name]).await.assert_code(0).json();
        assert_eq!(reset["reset"]["mode"], mode, "{name}: {reset}");
        assert_eq!(&lab.rehearsed(), wanted, "{name} {mode}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_of_those_that_share_a_dump_is_reset_to_whatever_becomes_of_the_others() {
    let lab = warm().await;
    let first = lab.rehearsed();
    lab.rehearse();
    let second = lab.rehearsed();
    lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    lab.change_database(MORE);
    let third = lab.rehearsed();
    lab.quick(&["checkpoint", "third"]).await.assert_code(0);
    assert_eq!([dump(&lab, "second"), dump(&lab, "third")], [dump(&lab, "golden"); 2]);
    for (name, wanted) in [("second", &second), ("golden", &first), ("third", &third)] {
        reset_to(&lab, name, wanted).await;
    }
    lab.quick(&["checkpoint", "delete", "golden"]).await.assert_code(0);
    reset_to(&lab, "second", &second).await;
    lab.quick(&["checkpoint", "delete", "second"]).await.assert_code(0);
    reset_to(&lab, "third", &third).await;
    // A dump of tables that are not those of the sandbox is of no use to the next one.
    let shared = dump(&lab, "third");
    lab.quick(&["checkpoint", "third"]).await.assert_code(0);
    assert_ne!(dump(&lab, "third"), shared);
    reset_to(&lab, "third", &third).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_dump_is_not_taken_over_and_told() {
    let lab = warm().await;
    lab.rehearse();
    let wanted = lab.rehearsed();
    corrupt(&lab.set("golden").join("database/source.dump"));
    let shared = dump(&lab, "golden");
    let ran = lab.quick(&["checkpoint", "second"]).await.assert_code(0);
    ran.assert_says("the newest checkpoint is damaged: its dump is not what was saved")
        .assert_says(" checkpoint delete NAME`, or take it again");
    assert_ne!(dump(&lab, "second"), shared);
    lab.quick(&["reset"]).await.assert_code(1).assert_says("database/source.dump is not what was saved");
    assert_eq!(lab.rehearsed(), wanted);
    // What the next one begins with is proved before it is read.
    lab.quick(&["checkpoint", "third"]).await.assert_code(0);
    assert_eq!(dump(&lab, "third"), dump(&lab, "second"));
    corrupt(&lab.set("third").join("database/source.base"));
    lab.quick(&["checkpoint", "fourth"]).await.assert_code(0);
    assert_ne!(dump(&lab, "fourth"), dump(&lab, "third"));
    reset_to(&lab, "fourth", &wanted).await;
}
