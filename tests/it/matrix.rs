//! The fault matrix: a run is let through once and looked at, and then played again with one thing going wrong, for each
//! place and each thing. After every case production is untouched, the sandbox is the old or the new one as a whole,
//! everything else is as it was, and the exit code has told the truth.
mod arena;
mod case;
mod requests;
mod tally;
mod writes;

#[tokio::test(flavor = "multi_thread")]
async fn trouble_at_any_request_strands_nothing() {
    tally::play("trouble at a request", requests::cases().await, 3).await;
}
