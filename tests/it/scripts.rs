//! The Job's scripts, run by real shells against a real server.
mod adversity;
mod dump;
mod refusals;
mod run;
mod whole;
