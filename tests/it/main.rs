//! The integration tests: the real binary against the lab.
mod cli;
mod documents;
mod documents_scripts;
mod e2e;
mod failing_fast;
mod lab_api;
mod lab_run;
mod refresh;
mod refusals;
mod scripts;
mod support;
mod tidy;
mod unwind;
