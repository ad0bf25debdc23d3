//! The Job's scripts, run by real shells against a real server.
mod adversity;
mod beside;
mod differences;
mod diffs;
mod dump;
mod grants;
mod messages;
mod refusals;
mod resets;
mod run;
mod signals;
mod stamped;
mod stretches;
mod taken_over;
mod unchanged;
mod whole;
mod writable;
