//! A production and a sandbox in a real Kubernetes, for the end-to-end tests and for `tests/bench --cluster`.
//!
//! `E2E_KUBECONFIG` names a cluster that may be used up, with cluster-admin: namespaces `erp`, `erp-sandbox`, `argocd` and
//! `sandbox-lifecycle-e2e` are made there and deleted again, and refused where somebody else's stand already.
//! `E2E_PG_IMAGE` (default `docker.io/library/postgres:15`) is the only image: the server, the Job and both applications
//! run it, so a cluster without a registry needs that one only, and any single-node cluster (kind, k3d) will do.
//!
//! PostgreSQL runs as a Pod, not on the host: whether Pods reach the host, and by which address, is another matter in each
//! cluster; that they reach a Service is Kubernetes. What it holds comes from the lab's own server, copied whole by
//! `pg_dumpall`.
// Each test binary uses its own part of it.
#![allow(dead_code)]
pub(crate) mod documents;
pub(crate) mod downtime;
pub(crate) mod kubectl;
pub(crate) mod machinery;
pub(crate) mod roles;
pub(crate) mod sandbox;
pub(crate) mod self_heal;
pub(crate) mod server;
