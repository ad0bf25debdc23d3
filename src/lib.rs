//! Minimal for this part.
pub mod jobs;
