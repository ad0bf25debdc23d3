//! A checkpoint takes the schema from the one before it, and only where that is the same still.
use super::differences::{ODD, change, compared};
use super::run::{Job, Shell};
use super::stamped::READ;
use crate::support::postgres::{PostgresServer, Production};
use sandbox_lifecycle::jobs::Mode;
use serde_json::{Value, json};
use std::fs;

/// A checkpoint after this one, which stands beside it: how often the schema was read, and what the manifest says of it.
fn next_checkpoint(job: &mut Job, place: &mut u64) -> (usize, Value) {
    for (is, name) in [("source.manifest", "former.manifest"), ("stamp", "former.stamp")] {
        fs::copy(job.file(is), job.file(name)).expect("it is there");
    }
    checkpoint(job, place)
}

fn checkpoint(job: &mut Job, place: &mut u64) -> (usize, Value) {
    job.server.statements_from(place);
    job.checkpoint().succeeded();
    assert!(!job.file("former.manifest").exists() && !job.file("former.stamp").exists());
    let manifest = fs::read(job.file("source.manifest")).expect("a manifest");
    let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
    let schema = json!([manifest["format"], manifest["schema"], manifest["objects"]]);
    (job.server.statements_from(place).matches(READ).count(), schema)
}

#[test]
fn a_checkpoint_takes_the_schema_from_the_one_before_as_long_as_it_is_the_same() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, ODD);
        let (mut job, mut place) = (Job::under(&server, shell), 0);
        let (readings, schema) = checkpoint(&mut job, &mut place);
        assert_eq!(readings, 1);
        change(&server, "UPDATE odd_stamped SET note = 'z'; SELECT nextval('odd_new')");
        assert_eq!(next_checkpoint(&mut job, &mut place), (0, schema.clone()), "{shell:?}");
        assert_eq!(next_checkpoint(&mut job, &mut place), (0, schema.clone()), "{shell:?}: its own stamp is as good");
        change(&server, "ALTER TABLE odd_twins RENAME b TO c");
        let (readings, changed) = next_checkpoint(&mut job, &mut place);
        assert_eq!((readings, changed == schema), (1, false), "{shell:?}");
        assert_eq!(checkpoint(&mut job, &mut place), (1, changed.clone()), "{shell:?}: read again it is the same");
        let moved = job.restore().succeeded();
        assert_eq!(compared(&moved).0, Mode::Differences, "{moved:?}");
    }
}

#[test]
fn a_checkpoint_reads_the_schema_where_the_one_before_has_another_stamp_or_format() {
    let server = PostgresServer::with(&Production::Small, &[]);
    let (mut job, mut place) = (Job::new(&server), 0);
    let (_, schema) = checkpoint(&mut job, &mut place);
    let stamp = fs::read_to_string(job.file("stamp")).expect("a stamp");
    for damaged in [&b""[..], b"\n", b"\\quit\n", b"'; SELECT 1/0;\n", b"\0\n", b"\xe1a0b\n"] {
        fs::write(job.file("stamp"), damaged).expect("it can be written");
        assert_eq!(next_checkpoint(&mut job, &mut place), (1, schema.clone()), "{damaged:?}");
        assert_eq!(fs::read_to_string(job.file("stamp")).expect("a stamp"), stamp);
    }
    let manifest = fs::read_to_string(job.file("source.manifest")).expect("a manifest");
    let other = [
        ("\"format\" : 3", "\"format\" : 2"),
        ("\"rules\" : \"", "\"rules\" : \"0"),
        ("\"server_version_num\" : ", "\"server_version_num\" : 1"),
        ("\"encoding\" : \"", "\"encoding\" : \"E"),
    ];
    for (is, were) in other {
        let older = manifest.replacen(is, were, 1);
        assert_ne!(older, manifest, "{is}");
        fs::write(job.file("source.manifest"), older).expect("it can be written");
        assert_eq!(next_checkpoint(&mut job, &mut place), (1, schema.clone()), "{were}");
    }
    change(&server, "CREATE POLICY mine ON llx_user USING (rowid > 1)");
    next_checkpoint(&mut job, &mut place);
    assert_eq!(next_checkpoint(&mut job, &mut place).0, 1, "a policy names roles");
}
