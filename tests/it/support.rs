//! The lab: a Kubernetes on a loopback port whose containers are real processes, a real PostgreSQL server, and in them
//! a production and a sandbox.
// Each test binary uses its own part of it.
#![allow(dead_code, unused_imports)]
pub(crate) mod api;
pub(crate) mod container;
pub(crate) mod controllers;
pub(crate) mod exec;
pub(crate) mod kubelet;
pub(crate) mod memory;
pub(crate) mod postgres;
pub(crate) mod readme;
pub(crate) mod sandbox;
pub(crate) mod scene;
pub(crate) mod store;
