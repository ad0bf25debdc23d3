//! The integration tests: the real binary against the lab.
mod cases;
mod cli;
mod documents;
mod documents_scripts;
mod e2e;
mod failing_fast;
mod lab_api;
mod lab_run;
mod real;
mod refresh;
mod refusals;
mod rights;
mod scripts;
mod support;
mod tidy;
mod unwind;
