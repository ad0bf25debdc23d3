//! A Kubernetes API server on a loopback port, over a [`Store`].
//!
//! **Imitated**, where a client can tell: `/version`, discovery and a small OpenAPI (enough for
//! kubectl); get, list with label and field selectors and pages, watch (from a revision, with
//! initial events, bookmarks, 410 for a forgotten past), create with `generateName`, update and
//! patch (JSON, merge, strategic merge, apply) with optimistic locks and preconditions, `dryRun`,
//! delete with grace, finalizers and propagation; `status` and `scale` as subresources; `Status`
//! bodies in the server's words; field validation (`Strict`, `Warn` by Warning headers, `Ignore`);
//! defaults and the validation of what this project creates; bearer tokens, RBAC in its rough form
//! and self reviews of it. Zero values are left out of `scale` and `status` as Go's `omitempty` does.
//!
//! **Left out**: TLS; protobuf, which `kubectl create` with flags insists on (`apply` works); tables, webhooks, quotas, impersonation, old API versions; apply
//! without field ownership (it neither conflicts nor removes what is applied no more); list pages that outlive a change; roles as objects.
//!
//! **Faults** ([`Rule`]) break requests and connections; every request is kept in a [`Record`].

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fmt, io};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::store::Store;

mod access;
mod answer;
mod conversation;
mod delete;
mod discovery;
mod early_end;
pub(crate) mod faults;
mod patch;
mod pods;
mod read;
pub(crate) mod record;
mod route;
pub(crate) mod runtime;
mod scale;
mod schema;
mod selection;
mod strategic;
pub(crate) mod target;
mod validation;
mod watch;
mod wire;
mod write;

pub(crate) use access::Right;
pub(crate) use early_end::{EarlyEnd, Kept};
pub(crate) use faults::{Fault, Faults, Gate, Rule};
pub(crate) use record::{Record, Seen};
pub(crate) use runtime::Runtime;

/// What a test may want otherwise; can be changed while the server runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// As `/version` says it.
    pub(crate) version: String,
    /// When set, any other (or no) bearer token is 401.
    pub(crate) token: Option<String>,
    pub(crate) user: String,
    /// When set, everything else is 403.
    pub(crate) rights: Option<Vec<Right>>,
    /// Argo CD before 3.1 does not know `automated.enabled` and prunes it.
    pub(crate) knows_automated_enabled: bool,
    /// Before Kubernetes 1.25 `fieldValidation` was no parameter: unknown fields were dropped in silence.
    pub(crate) validates_fields: bool,
    /// Is KEDA installed?
    pub(crate) keda: bool,
    pub(crate) bookmark_every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: "v1.33.4".to_owned(),
            token: None,
            user: "operator".to_owned(),
            rights: None,
            knows_automated_enabled: true,
            validates_fields: true,
            keda: false,
            bookmark_every: Duration::from_secs(5),
        }
    }
}

/// What every connection works with.
#[derive(Clone)]
struct Shared {
    store: Store,
    runtime: Runtime,
    faults: Faults,
    record: Record,
    settings: Arc<Mutex<Settings>>,
    holds: Arc<Mutex<wire::Holds>>,
}

impl Shared {
    fn settings(&self) -> Settings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn holds(&self) -> MutexGuard<'_, wire::Holds> {
        self.holds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The running server; dropping it closes its port and its plain connections.
pub(crate) struct Api {
    pub(crate) faults: Faults,
    pub(crate) record: Record,
    address: SocketAddr,
    shared: Shared,
    serving: JoinHandle<()>,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Api({})", self.url())
    }
}

impl Api {
    pub(crate) async fn start(store: Store, runtime: Runtime, settings: Settings) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (faults, record) = (Faults::default(), Record::default());
        let shared = Shared {
            store,
            runtime,
            faults: faults.clone(),
            record: record.clone(),
            settings: Arc::new(Mutex::new(settings)),
            holds: Arc::default(),
        };
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Ok(Self { faults, record, address, shared, serving })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the settings for every request from now on.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.settings.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Resets every open connection, watches and execs too.
    pub(crate) fn reset_connections(&self) {
        self.shared.holds().each(wire::Hold::reset);
    }

    /// Writes a kubeconfig with one context, `lab`.
    pub(crate) fn write_kubeconfig(&self, path: &Path, namespace: &str) -> io::Result<()> {
        let settings = self.shared.settings();
        let user = match &settings.token {
            Some(token) => format!("{{token: \"{token}\"}}"),
            None => "{}".to_owned(),
        };
        let url = self.url();
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\n\
             clusters: [{{name: lab, cluster: {{server: \"{url}\"}}}}]\n\
             users: [{{name: lab, user: {user}}}]\n\
             contexts: [{{name: lab, context: {{cluster: lab, user: lab, namespace: \"{namespace}\"}}}}]\n"
        );
        std::fs::write(path, text)
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Accepts until it is aborted; the connections end with it.
async fn serve(listener: TcpListener, shared: Shared) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A peer that is gone before it was accepted is nobody's failure.
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, shared.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Shared) {
    // Without it, small answers wait 40 ms for an acknowledgement.
    let _ = stream.set_nodelay(true);
    let (wire, hold) = wire::Wire::new(stream);
    shared.holds().add(&hold);
    let service = service_fn(|request| conversation::hold(request, &shared, &hold));
    let http = hyper::server::conn::http1::Builder::new();
    // An error is a connection that was broken, by the peer or by a fault: nothing to do.
    let _ = http.serve_connection(TokioIo::new(wire), service).with_upgrades().await;
}
