//! Smoke tests of the lab: containers, kubelet, log and exec.
