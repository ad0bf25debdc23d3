//! The integration tests: the real binary against the lab.
mod argo;
mod cli;
mod documents;
mod documents_scripts;
mod failing_fast;
mod guard;
mod lab_api;
mod lab_run;
mod lease;
mod matrix;
mod refresh;
mod refusals;
mod scripts;
mod support;
mod tidy;
mod unwind;
