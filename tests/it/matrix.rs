//! The fault matrix: a run is let through once and looked at, and then played again with one thing going wrong, for each
//! place and each thing. After every case production is untouched, the sandbox is the old or the new one as a whole,
//! everything else is as it was, no password is told, and the exit code has told the truth.
mod answer;
mod arena;
mod bucket;
mod case;
mod disk;
mod documents;
mod piece;
mod place;
mod statement;
mod tally;
mod trouble;
mod verdict;
mod volume;
mod watchdog;
mod writes;

use piece::Piece;
use tally::Group;

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_answer_to_any_request_strands_nothing() {
    let requests = case::requests(Piece::Refresh).await;
    Group::of("answers of the API server", Piece::Refresh).play(case::answers(&requests), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_of_the_tool_at_any_place_strands_nothing() {
    let requests = case::requests(Piece::Refresh).await;
    Group::of("ends of the tool", Piece::Refresh).play(case::ends(Piece::Refresh, &requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_carried_out_when_all_is_over_comes_too_late() {
    let requests = case::requests(Piece::Refresh).await;
    Group::of("requests that come late", Piece::Refresh).play(case::late(&requests), 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_around_it_at_any_place_strands_nothing() {
    let requests = case::requests(Piece::Refresh).await;
    Group::of("failures around the tool", Piece::Refresh).play(case::surroundings(Piece::Refresh, &requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_anywhere_within_the_restore_changes_nothing() {
    let cases = statement::cases().into_iter().chain(disk::cases()).collect();
    Group::of("failures within the restore", Piece::Refresh).play(cases, 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_run_that_disappears_is_recovered_whatever_happens_to_its_watchdog() {
    let (requests, of_watchdog) = (case::requests(Piece::Watched).await, watchdog::requests().await);
    Group::of("runs with a watchdog", Piece::Watched).play(case::watched(&requests, &of_watchdog), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_anywhere_within_a_reset_of_rows_changes_nothing() {
    let cases = statement::cases().into_iter().chain(statement::cases_of_rows()).chain(disk::cases()).collect();
    Group::of("failures within a reset of rows", Piece::ResetOfTables).play(cases, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_anywhere_within_a_full_reset_changes_nothing() {
    let cases = statement::cases().into_iter().chain(disk::cases()).collect();
    Group::of("failures within a full reset", Piece::ResetFull).play(cases, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_golden_volume_that_is_full_leaves_the_checkpoint_there_was() {
    for piece in [Piece::CheckpointSmall, Piece::CheckpointAnew] {
        Group::of("a full golden volume", piece).play(volume::cases(), 2).await;
    }
}

/// Any other command: the same for each of its requests.
async fn strands_nothing(name: &'static str, piece: Piece) {
    let requests = case::requests(piece).await;
    Group::of(name, piece).play(case::anything(piece, &requests), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_that_puts_back_what_differs_strands_nothing() {
    strands_nothing("a refresh by differences", Piece::RefreshOfRows).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_the_new_one_or_the_old_one_and_strands_nothing() {
    strands_nothing("a checkpoint", Piece::Checkpoint).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_in_a_pod_that_is_kept_strands_nothing() {
    strands_nothing("a checkpoint in a Pod that is kept", Piece::CheckpointWarm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_diff_strands_nothing() {
    strands_nothing("a diff", Piece::Diff).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_strands_nothing() {
    strands_nothing("a reset in a Job", Piece::Reset).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_warm_reset_strands_nothing() {
    strands_nothing("a reset in a Pod that is kept", Piece::ResetWarm).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offline_reset_strands_nothing() {
    strands_nothing("a reset offline", Piece::ResetOffline).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_leaves_whole_sets_or_none_and_strands_nothing() {
    strands_nothing("a backup", Piece::Backup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_from_a_backup_strands_nothing() {
    strands_nothing("a refresh from a backup", Piece::FromBackup).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_stop_on_their_way_are_the_old_or_the_new_ones_and_the_next_run_brings_the_rest() {
    let piece = Piece::RefreshOfDocuments;
    Group::of("documents on their way", piece).play(case::documents(piece), 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_into_both_databases_strands_nothing() {
    strands_nothing("doctor --deep", Piece::Doctor).await;
}
