//! The one test binary.
mod lab_api;
mod lab_run;
mod support;
