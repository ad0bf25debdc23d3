//! Of a large table only the stretches of keys that differ are read and compared.
use super::differences::{change, compared, dumped, put_back};
use super::run::{Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Event, Mode};
use std::fs;

/// Some megabytes: keys on both sides of 0, values with whatever a line of COPY may hold.
pub(super) const LARGE: &str = r"
    CREATE TABLE large (id integer PRIMARY KEY, twice bigint GENERATED ALWAYS AS (id * 2::bigint) STORED, says text, many numeric[]);
    INSERT INTO large (id, says, many) SELECT g, CASE g % 5 WHEN 0 THEN E'5000\tx\n\\.\n' || g WHEN 1 THEN NULL ELSE repeat('x', 80) END,
        ARRAY[g, NULL, 0.5] FROM generate_series(-20000, 20000) g;
    CREATE TABLE wide (key bigint PRIMARY KEY, says text);
    INSERT INTO wide SELECT 9007199254740992 + g, repeat('y', 80) FROM generate_series(1, 25000) g;";

/// Its rows pass through awk: how many have, is counted on their way.
const COUNTED: &str = r#"case $2 in moving) "$real" "$@" | tee "$SET_DIR/poured" ;; *) exec "$real" "$@" ;; esac"#;

fn poured(job: &Job<'_>) -> usize {
    fs::read_to_string(job.file("poured")).expect("what was poured").lines().count()
}

/// Some builds of busybox call their own awk, whatever PATH says: then there is nobody who counts.
fn assert_few(job: &Job<'_>, shell: Shell) {
    if shell == Shell::Debian {
        assert!((1..5_000).contains(&poured(job)), "{} lines", poured(job));
    }
}

#[test]
fn only_the_stretches_that_differ_are_read_again_and_all_is_as_it_was() {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, LARGE);
        let mut job = Job::under(&server, shell);
        job.stand_in("awk", COUNTED).checkpoint().succeeded();
        let before = dumped(&server, &SANDBOX);
        // On either side of the borders of stretches, and one row from one stretch into another.
        change(
            &server,
            "UPDATE large SET says = 'other' WHERE id IN (-129, -128, -1, 0, 127, 128); DELETE FROM large WHERE id = 20000;
            INSERT INTO large (id) VALUES (500000), (-500000); UPDATE large SET id = 30000 WHERE id = 10000",
        );
        let ended = job.diff().succeeded();
        let told = Event::TableChanged { name: "large".to_owned(), added: 3, changed: 6, removed: 2 };
        assert!(ended.told(&told), "{shell:?}: {ended:?}");
        assert_few(&job, shell);
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Differences, "{shell:?}: {ended:?}");
        let moved = put_back(&ended);
        assert_eq!([moved.added, moved.changed, moved.removed], [2, 6, 3], "{shell:?}");
        assert_few(&job, shell);
        assert!(dumped(&server, &SANDBOX) == before, "{shell:?}: another content");
    }
}

#[test]
fn where_most_stretches_differ_or_keys_are_beyond_what_awk_can_tell_apart_all_is_read() {
    for (statement, rows) in [
        ("UPDATE large SET says = 'other' WHERE id % 100 = 0", 40_001),
        ("UPDATE wide SET says = 'other' WHERE key % 10000 = 0", 25_000),
        ("TRUNCATE large", 40_001),
    ] {
        let server = PostgresServer::with(&Production::Small, &[]);
        change(&server, LARGE);
        let mut job = Job::new(&server);
        job.stand_in("awk", COUNTED).checkpoint().succeeded();
        let before = dumped(&server, &SANDBOX);
        change(&server, statement);
        let ended = job.restore().succeeded();
        assert_eq!(compared(&ended).0, Mode::Differences, "{statement}: {ended:?}");
        assert!(poured(&job) > rows, "{statement}: {} lines", poured(&job));
        assert!(dumped(&server, &SANDBOX) == before, "{statement}: another content");
    }
}
