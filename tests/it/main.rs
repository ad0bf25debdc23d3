//! The integration tests: the real binary against the lab.
mod scripts;
mod support;
