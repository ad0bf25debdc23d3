//! The fault matrix: a run is let through once and looked at, and then played again with one thing going wrong, for each
//! place and each thing. After every case production is untouched, the sandbox is the old or the new one as a whole,
//! everything else is as it was, and the exit code has told the truth.
mod answer;
mod arena;
mod case;
mod disk;
mod place;
mod statement;
mod tally;
mod trouble;
mod writes;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_to_any_request_strands_nothing() {
    let requests = case::requests().await;
    tally::play("answers of the API server", case::answers(&requests), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_the_tool_at_any_place_strands_nothing() {
    let requests = case::requests().await;
    tally::play("ends of the tool", case::ends(&requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_around_it_at_any_place_strands_nothing() {
    let requests = case::requests().await;
    tally::play("failures around the tool", case::surroundings(&requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_anywhere_within_the_restore_changes_nothing() {
    let cases = statement::cases().into_iter().chain(disk::cases()).collect();
    tally::play("failures within the restore", cases, 3).await;
}
