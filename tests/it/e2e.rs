//! The same claims on a real Kubernetes: the real binary, as a ServiceAccount with exactly the Roles of the README.
//!
//! Ignored unless asked for: `E2E_KUBECONFIG=… cargo test --test it -- --ignored e2e`. The kubeconfig names a cluster that
//! may be used up, with cluster-admin: namespaces `erp`, `erp-sandbox`, `argocd` and `sandbox-lifecycle-e2e` are made there
//! and deleted again, and refused where somebody else's stand already. `E2E_PG_IMAGE` (default
//! `docker.io/library/postgres:15`) is the only image: the server, the Job and both applications run it, so a cluster
//! without a registry needs that one only, and any single-node cluster (kind, k3d) will do.
//!
//! PostgreSQL runs as a Pod, not on the host: whether Pods reach the host, and by which address, is another matter in each
//! cluster; that they reach a Service is Kubernetes. What it holds comes from the lab's own server, copied whole by
//! `pg_dumpall`.
mod connection;
mod documents;
mod in_cluster;
mod kubectl;
mod machinery;
mod postgres;
mod refresh;
mod rights;
mod sandbox;
mod self_heal;
mod unwind;
