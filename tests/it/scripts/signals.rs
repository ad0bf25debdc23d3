//! A signal at any moment ends a script with all that it has started, and the database is the old one or the new one.
use super::adversity::left_of;
use super::run::{Job, Shell};
use crate::support::postgres::{PostgresServer, Production, SANDBOX};
use sandbox_lifecycle::jobs::{Event, RESTORE, Word};

/// The text, with a SIGTERM of its own right after the child of this number was started. Where a shell starts one there is a line that
/// ends with `&`; a document that is read from the lines below comes to its end first.
fn ends_itself_at(text: &str, number: usize) -> String {
    let mut document = false;
    let mut told = String::from("started=0\n");
    let mut ending = true;
    for line in text.lines() {
        told.push_str(line);
        told.push('\n');
        // How it ends its children is not what is ended here.
        ending = (ending || line.starts_with("end()")) && !line.starts_with("trap 'stop 143'");
        document = (document || line.ends_with("<<END") || line.contains("<<END ")) && line != "END";
        let starts = line.trim_end().ends_with(" &") || line.trim_end().ends_with(") &");
        if starts && !document && !ending {
            told.push_str(&format!("started=$((started + 1)); [ \"$started\" != {number} ] || kill -s TERM $$\n"));
        }
    }
    told
}

fn at_each_child(full: &str) {
    for shell in Shell::all() {
        let server = PostgresServer::with(&Production::Small, &[]);
        let mut job = Job::under(&server, shell);
        job.checkpoint().succeeded();
        let wanted = server.checksum(SANDBOX.database);
        server.sql(SANDBOX.database, "UPDATE llx_user SET login = login || '!'; SELECT nextval('ticket_number')");
        let mut before = server.checksum(SANDBOX.database);
        job.set("FULL", full);
        for number in 1.. {
            let mut running = job.start_restore_of(&ends_itself_at(RESTORE.text, number));
            let group = running.child.id().to_string();
            running.answer(Word::Restore, "restore");
            running.answer(Word::Commit, "commit");
            let ended = running.end();
            assert_eq!(left_of(&group), "", "{shell:?} {number} {ended:?}");
            // Between the commit and the word of it nobody knows which one it is, but it is one of them.
            let now = server.checksum(SANDBOX.database);
            let asked = ended.told(&Event::Waiting { r#for: Word::Commit });
            assert!(now == wanted || now == before && !ended.told(&Event::Committed), "{shell:?} {number} {ended:?}");
            assert!(now == before || asked, "{shell:?} {number} {ended:?}");
            before = now;
            if ended.code == Some(0) {
                assert!(number > 10, "only {number} children: {ended:?}");
                break;
            }
            assert_eq!(ended.code, Some(143), "{shell:?} {number} {ended:?}");
        }
        assert_eq!(before, wanted);
    }
}

#[test]
fn a_sigterm_right_after_each_child_was_started_while_differences_are_put_back() {
    at_each_child("");
}

#[test]
fn a_sigterm_right_after_each_child_was_started_while_all_is_restored() {
    at_each_child("1");
}
