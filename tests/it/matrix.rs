//! The fault matrix: a run is let through once and looked at, and then played again with one thing going wrong, for each
//! place and each thing. After every case production is untouched, the sandbox is the old or the new one as a whole,
//! everything else is as it was, no password is told, and the exit code has told the truth.
mod answer;
mod arena;
mod case;
mod disk;
mod place;
mod statement;
mod tally;
mod trouble;
mod watchdog;
mod writes;

use tally::Group;
use watchdog::WATCHED;

const REFRESH: &[&str] = &["refresh"];

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_to_any_request_strands_nothing() {
    let requests = case::requests(REFRESH).await;
    Group::of("answers of the API server", REFRESH).play(case::answers(&requests), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_the_tool_at_any_place_strands_nothing() {
    let requests = case::requests(REFRESH).await;
    Group::of("ends of the tool", REFRESH).play(case::ends(&requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_carried_out_when_all_is_over_comes_too_late() {
    let requests = case::requests(REFRESH).await;
    Group::of("requests that come late", REFRESH).play(case::late(&requests), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_around_it_at_any_place_strands_nothing() {
    let requests = case::requests(REFRESH).await;
    Group::of("failures around the tool", REFRESH).play(case::surroundings(&requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_anywhere_within_the_restore_changes_nothing() {
    let cases = statement::cases().into_iter().chain(disk::cases()).collect();
    Group::of("failures within the restore", REFRESH).play(cases, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_run_that_disappears_is_recovered_whatever_happens_to_its_watchdog() {
    let (requests, of_watchdog) = (case::requests(WATCHED).await, watchdog::requests().await);
    Group::of("runs with a watchdog", WATCHED).play(case::watched(&requests, &of_watchdog), 1).await;
}
