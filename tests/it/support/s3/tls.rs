//! TLS by an authority of the lab's own.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// Writes `ca.pem` into the directory, and serves with a certificate of it for 127.0.0.1.
pub(super) fn acceptor(directory: &Path) -> TlsAcceptor {
    let openssl = |arguments: &[&str]| {
        let mut openssl = Command::new("openssl");
        let ran = openssl.args(arguments).current_dir(directory).output().expect("openssl runs");
        assert!(ran.status.success(), "{ran:?}");
    };
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
    openssl(&[&["req", "-x509", "-subj", "/CN=lab", "-keyout", "ca.key", "-out", "ca.pem"], &key[..]].concat());
    let names = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
    let signed = ["req", "-x509", "-CA", "ca.pem", "-CAkey", "ca.key", "-subj", "/CN=s3", "-keyout", "s3.key", "-out"];
    openssl(&[&signed[..], &["s3.pem"], &names[..], &key[..]].concat());
    let certificate = CertificateDer::from_pem_file(directory.join("s3.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(directory.join("s3.key")).expect("a key");
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("versions").with_no_client_auth();
    TlsAcceptor::from(Arc::new(config.with_single_cert(vec![certificate], key).expect("a certificate with its key")))
}
