//! The lab: a Kubernetes on a loopback port whose containers are real processes, a real PostgreSQL server, and in them
//! a production and a sandbox.
//!
//! **Where a real Kubernetes was found to behave otherwise** (1.20.2, by the end-to-end tests), and what the lab does since:
//! - A container that never started is reported as waiting for as long as its deleted Pod's object is there, 5 to 12 s:
//!   `RuntimeConfig::unstarted_stay_waiting`, `removal_delay`. Newer nodes say `ContainerStatusUnknown`, as the lab does
//!   by default; 1.20 says that of an init container that still runs, too, and may start a container after its Pod was
//!   deleted: not imitated, so no code may take either for more than it is.
//! - A kind without a definition, in a group that only definitions serve, is a page of plain text ("404 page not found")
//!   and no `Status`: KEDA's ScaledObjects in a cluster without KEDA.
//! - `resourceNames` of a Role cover neither a list nor a creation: `Right::name`.
//! - A Role that was changed is gone by a moment later, as the authorizer watches it; in the lab at once.
//! - A kubelet that restarts takes its Pods for not Ready until it has probed them; the lab's never restarts.
//! - A directory of the node (hostPath) is given to no `fsGroup`, so the end-to-end world opens the golden one itself; in
//!   the lab a claim's directory is writable, as one of a provisioner is.
//! - A claim that asks for more than a waiting volume has is not bound to it, and its Pod is not scheduled: in the lab,
//!   by a class that provides nothing.
// Each test binary uses its own part of it.
#![allow(dead_code, unused_imports)]
pub(crate) mod api;
pub(crate) mod container;
pub(crate) mod controllers;
pub(crate) mod exec;
pub(crate) mod kubelet;
pub(crate) mod leaks;
pub(crate) mod memory;
pub(crate) mod postgres;
pub(crate) mod readme;
pub(crate) mod s3;
pub(crate) mod sandbox;
pub(crate) mod scene;
pub(crate) mod skipped;
pub(crate) mod store;
