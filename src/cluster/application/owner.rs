//! Who generates an Application, and may put it back as generated.
use super::{Cluster, Object, SKIP_RECONCILE};
use crate::cli::Pause;
use crate::cluster::failure::{Refusal, refusal};
use anyhow::Result;
use kube::api::{Api, ApiResource, DynamicObject};
use kube::core::GroupVersionKind;
use serde_json::Value;
use std::fmt::{self, Display};

/// On everything that Argo CD has synced; the only tracking by default since 3.0.
const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// The tracking of before; charts set this label for reasons of their own, too.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// What generates an Application, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    ApplicationSet(String),
    /// By Argo CD's tracking; in its own namespace if that is not Argo CD's.
    Application {
        namespace: Option<String>,
        name: String,
    },
    Other(String),
}

impl Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ApplicationSet(name) => write!(f, "ApplicationSet {name}"),
            Self::Application { name, .. } => write!(f, "Application {name}"),
            Self::Other(name) => f.write_str(name),
        }
    }
}

impl Owner {
    /// What must stand in the owner so that it lets the pause be.
    pub fn fix(&self, pause: Pause) -> String {
        match (self, pause) {
            (Self::ApplicationSet(name), Pause::Automated) => format!(
                "in ApplicationSet {name}: `ignoreApplicationDifferences: [{{jsonPointers: [/spec/syncPolicy]}}]` below spec"
            ),
            (Self::ApplicationSet(name), Pause::SkipReconcile) => {
                format!("in ApplicationSet {name}: `preservedFields: {{annotations: [{SKIP_RECONCILE}]}}` below spec")
            }
            (Self::Application { name, .. }, _) => format!(
                "in Application {name}: `ignoreDifferences: [{{group: argoproj.io, kind: Application, jsonPointers: \
                 [/spec/syncPolicy]}}]` below spec, and the sync option RespectIgnoreDifferences=true; or its selfHeal off"
            ),
            (Self::Other(name), _) => format!("let {name} ignore changes of spec.syncPolicy"),
        }
    }

    pub(super) fn of(object: &Object) -> Option<Self> {
        let metadata = &object.metadata;
        if let Some(owner) = metadata.owner_references.iter().flatten().next() {
            return Some(match owner.kind.as_str() {
                "ApplicationSet" => Self::ApplicationSet(owner.name.clone()),
                kind => Self::Other(format!("{kind} {}", owner.name)),
            });
        }
        let tracked = metadata.annotations.as_ref().and_then(|all| all.get(TRACKING_ID));
        let tracked = tracked.and_then(|id| id.split(':').next());
        let labelled = metadata.labels.as_ref().and_then(|all| all.get(INSTANCE)).map(String::as_str);
        let parent = tracked.or(labelled).filter(|parent| metadata.name.as_deref() != Some(parent))?;
        // Argo CD joins the two by what no name of an object may hold.
        let (namespace, name) = parent.split_once('_').map_or((None, parent), |(ns, name)| (Some(ns.to_owned()), name));
        Some(Self::Application { namespace, name: name.to_owned() })
    }
}

/// What is known of an owner's mind before the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tolerance {
    Allows,
    Reverts,
    /// It may not be read.
    Unknown,
}

impl Cluster {
    /// Whether the owner of an Application in this namespace leaves the pause alone. A Role need not let it be read.
    ///
    /// # Errors
    /// The API server cannot be reached.
    pub async fn tolerance(&self, namespace: &str, name: &str, owner: &Owner, pause: Pause) -> Result<Tolerance> {
        let (namespace, kind, plural, owner_name) = match owner {
            Owner::ApplicationSet(owner) => (namespace, "ApplicationSet", "applicationsets", owner),
            Owner::Application { namespace: own, name: owner } => {
                (own.as_deref().unwrap_or(namespace), "Application", "applications", owner)
            }
            Owner::Other(_) => return Ok(Tolerance::Unknown),
        };
        let kind = GroupVersionKind::gvk("argoproj.io", "v1alpha1", kind);
        let kind = ApiResource::from_gvk_with_plural(&kind, plural);
        let api: Api<DynamicObject> = Api::namespaced_with(self.client.clone(), namespace, &kind);
        let what = format!("get {} {namespace}/{owner_name}", kind.kind);
        let allows = match self.call(&what, api.get(owner_name)).await {
            Ok(object) if kind.kind == "ApplicationSet" => set_allows(&object.data, name, pause),
            Ok(object) => parent_allows(&object.data, name, pause),
            // A label that only looks like a parent; or an owner that reverts nothing any more.
            Err(error) if refusal(&error) == Some(&Refusal::NotFound) => true,
            Err(error) if refusal(&error) == Some(&Refusal::Forbidden) => return Ok(Tolerance::Unknown),
            Err(error) => return Err(error),
        };
        Ok(if allows { Tolerance::Allows } else { Tolerance::Reverts })
    }
}

/// As docs/operator-manual/applicationset/Controlling-Resource-Modification.md of Argo CD has it.
fn set_allows(set: &Value, name: &str, pause: Pause) -> bool {
    let policy = set.pointer("/spec/syncPolicy/applicationsSync").and_then(Value::as_str);
    matches!(policy, Some("create-only" | "create-delete"))
        || match pause {
            Pause::Automated => ignores_policy(set.pointer("/spec/ignoreApplicationDifferences"), name),
            Pause::SkipReconcile => {
                strings(set.pointer("/spec/preservedFields/annotations")).any(|it| it == SKIP_RECONCILE)
            }
        }
}

/// A parent sees no difference in what Git does not declare, and an annotation of ours is none of it. Without
/// automated sync of its own it changes nothing by itself.
fn parent_allows(parent: &Value, name: &str, pause: Pause) -> bool {
    let respects =
        || strings(parent.pointer("/spec/syncPolicy/syncOptions")).any(|it| it == "RespectIgnoreDifferences=true");
    pause == Pause::SkipReconcile
        || parent.pointer("/spec/syncPolicy/automated").is_none_or(|automated| automated["enabled"] == false)
        || ignores_policy(parent.pointer("/spec/ignoreDifferences"), name) && respects()
}

/// A rule without a name is for all, and so is one for every kind of group.
fn ignores_policy(rules: Option<&Value>, name: &str) -> bool {
    const POLICY: [&str; 6] = [
        "/spec/syncPolicy",
        "/spec/syncPolicy/automated",
        "/spec/syncPolicy/automated/enabled",
        ".spec.syncPolicy",
        ".spec.syncPolicy.automated",
        ".spec.syncPolicy.automated.enabled",
    ];
    let is = |rule: &Value, field: &str, wanted: &str| {
        rule.get(field).and_then(Value::as_str).is_none_or(|value| [wanted, "*", ""].contains(&value))
    };
    rules.and_then(Value::as_array).into_iter().flatten().any(|rule| {
        let fields = strings(rule.get("jsonPointers")).chain(strings(rule.get("jqPathExpressions")));
        is(rule, "name", name) && is(rule, "kind", "Application") && fields.into_iter().any(|it| POLICY.contains(&it))
    })
}

fn strings(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
