//! The lab.
pub(crate) mod postgres;
