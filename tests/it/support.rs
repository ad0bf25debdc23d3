//! The lab.
// Each test uses its own part of it.
#![allow(dead_code)]
pub(crate) mod api;
pub(crate) mod container;
pub(crate) mod controllers;
pub(crate) mod exec;
pub(crate) mod kubelet;
pub(crate) mod store;
