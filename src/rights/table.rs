//! The table itself, by what belongs together.
use super::Use::{Only, Sometimes};
use super::{Call, Part, Use};
use crate::cluster::rights::Right;
use crate::cluster::{golden, lease, record};
use crate::settings::{Environment, Settings};

const CORE: &str = "";
const ARGO: &str = "argoproj.io";
const LEASES: &str = "coordination.k8s.io";
const CLAIMS: &str = "persistentvolumeclaims";

/// A namespace.
#[derive(Clone, Copy)]
struct In<'a>(&'a str);

impl In<'_> {
    fn any<const N: usize>(self, verbs: [&'static str; N], group: &'static str, resource: &'static str) -> [Call; N] {
        verbs.map(|verb| Call {
            right: Right { namespace: self.0.to_owned(), verb, group, resource, name: None },
            used: Use::Always,
        })
    }

    fn named<const N: usize>(
        self,
        verbs: [&'static str; N],
        group: &'static str,
        resource: &'static str,
        name: &str,
    ) -> [Call; N] {
        let one = |call: Call| Call { right: Right { name: Some(name.to_owned()), ..call.right }, ..call };
        self.any(verbs, group, resource).map(one)
    }

    fn on_lease<const N: usize>(self, verbs: [&'static str; N]) -> [Call; N] {
        self.named(verbs, LEASES, "leases", lease::NAME)
    }

    /// Exec over WebSocket is a GET to some servers and a creation to all.
    fn exec(self) -> [Call; 2] {
        self.any(["get", "create"], CORE, "pods/exec")
    }
}

/// The same calls, in that case only.
fn when<const N: usize>(used: Use, calls: [Call; N]) -> [Call; N] {
    calls.map(|call| Call { used, ..call })
}

pub(super) struct Table<'a>(pub(super) &'a Settings);

impl<'a> Table<'a> {
    pub(super) fn part(&self, part: Part) -> Vec<Call> {
        match part {
            Part::Run => self.run(),
            Part::Production => self.source().named(["get"], "apps", "deployments", &self.0.prod.deployment).into(),
            Part::Database => self.database(),
            Part::Stop => self.stop(),
            Part::Documents => self.documents(),
            Part::GoldenUse => self.golden(),
            Part::GoldenMake => {
                let no_claim = Sometimes("when there is no claim yet");
                let mut calls = self.golden();
                calls.extend(when(no_claim, self.target().any(["create"], CORE, CLAIMS)));
                calls
            }
            Part::GoldenCool => self.cool(),
            Part::Bucket => self.bucket(),
            Part::FromBackup => self.set_into_sandbox(),
            Part::BackupProd => self.backup(&self.0.prod),
            Part::BackupSandbox => self.backup(&self.0.sandbox),
            Part::Recovery => self.recovery(),
            Part::Status => self.status(),
            Part::Doctor => self.doctor(),
            Part::DoctorDeep => self.doctor_deep(),
        }
    }

    fn source(&self) -> In<'a> {
        In(&self.0.prod.namespace)
    }

    fn target(&self) -> In<'a> {
        In(&self.0.sandbox.namespace)
    }

    fn on_application<const N: usize>(&self, verbs: [&'static str; N]) -> [Call; N] {
        In(&self.0.argocd_namespace).named(verbs, ARGO, "applications", &self.0.argocd_application)
    }

    fn run(&self) -> Vec<Call> {
        let (target, sandbox) = (self.target(), &self.0.sandbox);
        let renews = Sometimes("for the journal, and every ten seconds while a run lasts");
        let record = Only("to record what a run did, for `status`");
        let mut calls = Vec::from(target.any(["create"], LEASES, "leases"));
        calls.extend(target.on_lease(["get", "delete"]));
        calls.extend(when(renews, target.on_lease(["update"])));
        calls.extend(target.named(["get"], "apps", "deployments", &sandbox.deployment));
        calls.extend(when(record, target.any(["create"], CORE, "configmaps")));
        calls.extend(when(record, target.named(["get", "update"], CORE, "configmaps", record::NAME)));
        calls
    }

    fn database(&self) -> Vec<Call> {
        let Settings { prod, sandbox, .. } = self.0;
        let mut calls = Vec::from(self.source().named(["get"], CORE, "secrets", &prod.secret));
        calls.extend(self.target().named(["get"], CORE, "secrets", &sandbox.secret));
        calls.extend(self.job());
        calls
    }

    /// A Job, its Secret and its Pod.
    fn job(&self) -> Vec<Call> {
        self.bare_job(self.target().any(["create", "delete"], CORE, "secrets").into())
    }

    fn set_into_sandbox(&self) -> Vec<Call> {
        let mut calls = Vec::from(self.target().named(["get"], CORE, "secrets", &self.0.sandbox.secret));
        calls.extend(self.bare_job(Vec::new()));
        calls.extend(self.bucket());
        calls
    }

    /// A Job and its Pod, with what is asked for between the two.
    fn bare_job(&self, between: Vec<Call>) -> Vec<Call> {
        let target = self.target();
        let mut calls = Vec::from(target.on_lease(["update"]));
        calls.extend(target.any(["create", "delete"], "batch", "jobs"));
        calls.extend(when(Sometimes("when the answer to its creation was lost"), target.any(["get"], "batch", "jobs")));
        calls.extend(between);
        calls.extend(target.any(["list", "watch"], CORE, "pods"));
        calls.extend(when(Sometimes("when a log breaks off"), target.any(["get"], CORE, "pods")));
        calls.extend(target.any(["get"], CORE, "pods/log"));
        calls.extend(target.exec());
        let events = target.any(["list"], CORE, "events");
        calls.extend(when(Only("to say more when a Pod does not come up"), events));
        calls
    }

    fn backup(&self, environment: &Environment) -> Vec<Call> {
        let from = In(&environment.namespace);
        let mut calls = Vec::from(from.named(["get"], CORE, "secrets", &environment.secret));
        calls.extend(from.any(["list"], CORE, "pods"));
        calls.extend(from.exec());
        calls.extend(self.job());
        calls.extend(self.bucket());
        calls
    }

    fn bucket(&self) -> Vec<Call> {
        let namespace = self.0.backups.secret_namespace.as_ref().unwrap_or(&self.0.sandbox.namespace);
        let secret = self.0.backups.secret.iter();
        secret.flat_map(|secret| In(namespace).named(["get"], CORE, "secrets", secret)).collect()
    }

    fn stop(&self) -> Vec<Call> {
        let (target, sandbox) = (self.target(), &self.0.sandbox);
        let mut calls = Vec::from(target.on_lease(["update"]));
        calls.extend(target.any(["list", "watch"], "apps", "deployments"));
        calls.extend(target.named(["patch"], "apps", "deployments/scale", &sandbox.deployment));
        calls.extend(target.any(["list", "watch"], CORE, "pods"));
        calls.extend(self.on_application(["get", "list", "watch", "patch"]));
        calls.extend(when(Only("for `--watchdog`"), target.on_lease(["list", "watch"])));
        let only = Only("to refuse one that would start the sandbox");
        calls.extend(when(only, target.any(["list"], "autoscaling", "horizontalpodautoscalers")));
        calls.extend(when(only, target.any(["list"], "keda.sh", "scaledobjects")));
        calls
    }

    fn documents(&self) -> Vec<Call> {
        let both = [self.source(), self.target()].into_iter();
        both.flat_map(|side| Vec::from(side.any(["list"], CORE, "pods")).into_iter().chain(side.exec())).collect()
    }

    /// The volume, and the Pod that has it, warm or cold.
    fn golden(&self) -> Vec<Call> {
        let (target, settings) = (self.target(), self.0);
        let (warm, cold) = (Sometimes("for `checkpoint --warm`"), Sometimes("when no Pod is kept warm"));
        let on_warm = |verb| target.named([verb], "apps", "deployments", golden::NAME);
        let mut calls = Vec::from(target.named(["get"], CORE, "secrets", &settings.sandbox.secret));
        calls.extend(target.named(["get"], CORE, CLAIMS, &settings.golden_claim));
        calls.extend(when(Sometimes("to see whether a Pod is kept warm"), on_warm("get")));
        calls.extend(target.any(["list"], CORE, "pods"));
        calls.extend(when(cold, target.any(["watch"], CORE, "pods")));
        calls.extend(target.exec());
        let events = target.any(["list"], CORE, "events");
        calls.extend(when(Only("to say more when a Pod does not come up"), events));
        calls.extend(when(cold, target.any(["create", "get", "delete"], "batch", "jobs")));
        calls.extend(when(warm, target.any(["create"], "apps", "deployments")));
        calls.extend(when(warm, on_warm("update")));
        calls.extend(when(Sometimes("for `checkpoint --warm` where its Pod does not come up"), on_warm("delete")));
        calls
    }

    fn cool(&self) -> Vec<Call> {
        let (target, cool) = (self.target(), Sometimes("for `checkpoint cool`"));
        let mut calls = Vec::from(when(cool, target.named(["delete"], "apps", "deployments", golden::NAME)));
        calls.extend(when(cool, target.any(["list", "watch"], CORE, "pods")));
        calls
    }

    /// Whatever may stand in a journal.
    fn recovery(&self) -> Vec<Call> {
        let (target, sandbox) = (self.target(), &self.0.sandbox);
        let left = Sometimes("when a dead run has left that to be put back");
        let mut calls = Vec::from(target.on_lease(["get"]));
        calls.extend(when(left, target.on_lease(["update", "delete"])));
        calls.extend(when(left, self.on_application(["get", "patch"])));
        calls.extend(when(left, target.named(["get"], "apps", "deployments", &sandbox.deployment)));
        calls.extend(when(left, target.named(["patch"], "apps", "deployments/scale", &sandbox.deployment)));
        calls.extend(when(left, target.any(["list", "watch"], CORE, "pods")));
        calls.extend(when(left, target.any(["delete"], "batch", "jobs")));
        calls.extend(when(left, target.any(["delete"], CORE, "secrets")));
        calls.extend(when(left, target.named(["delete"], "apps", "deployments", golden::NAME)));
        calls.extend(when(
            Sometimes("for `recover --wait`, and so for `--watchdog`"),
            target.on_lease(["list", "watch"]),
        ));
        calls
    }

    /// Without one of them it says what it does not know.
    fn status(&self) -> Vec<Call> {
        let (target, sandbox) = (self.target(), &self.0.sandbox);
        let mut calls = Vec::from(target.on_lease(["get"]));
        calls.extend(target.named(["get"], CORE, "configmaps", record::NAME));
        calls.extend(target.named(["get"], "apps", "deployments", &sandbox.deployment));
        calls.extend(target.any(["list"], "batch", "jobs"));
        calls.extend(self.on_application(["get"]));
        calls.into_iter().flat_map(|call| when(Only("for `status`"), [call])).collect()
    }

    fn doctor(&self) -> Vec<Call> {
        let (target, only) = (self.target(), Only("for `doctor`"));
        let mut calls = Vec::from(when(only, target.any(["list"], CORE, "resourcequotas")));
        calls.extend(when(only, target.any(["list"], CORE, "limitranges")));
        calls
    }

    /// As a refresh begins: the Lease, both Secrets, the Job; but nobody has to be told a word.
    fn doctor_deep(&self) -> Vec<Call> {
        let target = self.target();
        let mut calls = Vec::from(target.any(["create"], LEASES, "leases"));
        calls.extend(target.on_lease(["get", "delete"]));
        calls.extend(self.database().into_iter().filter(|call| call.right.resource != "pods/exec"));
        let only = |used| match used {
            Use::Always => Only("for `doctor --deep`"),
            _ => Only("for `doctor --deep`, when something goes wrong"),
        };
        calls.into_iter().map(|call| Call { used: only(call.used), ..call }).collect()
    }
}
