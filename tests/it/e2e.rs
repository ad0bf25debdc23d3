//! The same claims on a real Kubernetes: the real binary, as a ServiceAccount with exactly the Roles of the README.
//!
//! Ignored unless asked for: `E2E_KUBECONFIG=… cargo test --test it -- --ignored --test-threads=2 e2e`; see `real.rs` for what it needs.
mod connection;
mod documents;
mod in_cluster;
mod refresh;
mod rehearsal;
mod rights;
mod unwind;
