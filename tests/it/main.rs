//! The one test binary.
mod lab_run;
mod support;
