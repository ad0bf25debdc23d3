//! The resources the lab knows, as a table: paths, discovery and messages are read from it.

/// One resource of the API.
#[derive(Debug)]
pub(crate) struct Kind {
    pub(crate) resource: &'static str,
    pub(crate) group: &'static str,
    pub(crate) version: &'static str,
    pub(crate) kind: &'static str,
    pub(crate) namespaced: bool,
    pub(crate) short: &'static str,
    /// Does `metadata.generation` count the changes of its wish?
    pub(crate) generation: bool,
    /// `status` and others below the object's own path.
    pub(crate) subresources: &'static [&'static str],
}

impl Kind {
    pub(crate) fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    pub(crate) fn has(&self, subresource: &str) -> bool {
        self.subresources.contains(&subresource)
    }
}

const fn kind(
    (group, version): (&'static str, &'static str),
    resource: &'static str,
    kind: &'static str,
    short: &'static str,
    subresources: &'static [&'static str],
) -> Kind {
    Kind { resource, group, version, kind, namespaced: true, short, generation: false, subresources }
}

const CORE: (&str, &str) = ("", "v1");
const RBAC: (&str, &str) = ("rbac.authorization.k8s.io", "v1");
const APPS: (&str, &str) = ("apps", "v1");

/// Every resource that is stored.
pub(crate) const KINDS: &[Kind] = &[
    Kind { namespaced: false, ..kind(CORE, "namespaces", "Namespace", "ns", &["status"]) },
    Kind { namespaced: false, ..kind(CORE, "nodes", "Node", "no", &["status"]) },
    kind(CORE, "pods", "Pod", "po", &["status", "log", "exec"]),
    kind(CORE, "secrets", "Secret", "", &[]),
    kind(CORE, "configmaps", "ConfigMap", "cm", &[]),
    kind(CORE, "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", &["status"]),
    kind(CORE, "events", "Event", "ev", &[]),
    kind(CORE, "resourcequotas", "ResourceQuota", "quota", &["status"]),
    kind(CORE, "limitranges", "LimitRange", "limits", &[]),
    kind(CORE, "services", "Service", "svc", &["status"]),
    kind(CORE, "serviceaccounts", "ServiceAccount", "sa", &[]),
    Kind { generation: true, ..kind(APPS, "deployments", "Deployment", "deploy", &["status", "scale"]) },
    Kind { generation: true, ..kind(APPS, "replicasets", "ReplicaSet", "rs", &["status", "scale"]) },
    Kind { generation: true, ..kind(("batch", "v1"), "jobs", "Job", "", &["status"]) },
    kind(("coordination.k8s.io", "v1"), "leases", "Lease", "", &[]),
    kind(("autoscaling", "v2"), "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", &["status"]),
    // Argo CD's definition has no status subresource: `status` is a field like any other.
    Kind { generation: true, ..kind(("argoproj.io", "v1alpha1"), "applications", "Application", "app", &[]) },
    kind(("argoproj.io", "v1alpha1"), "applicationsets", "ApplicationSet", "appset", &["status"]),
    kind(RBAC, "roles", "Role", "", &[]),
    kind(RBAC, "rolebindings", "RoleBinding", "", &[]),
    Kind { generation: true, ..kind(("batch", "v1"), "cronjobs", "CronJob", "cj", &["status"]) },
    Kind { generation: true, ..kind(("networking.k8s.io", "v1"), "networkpolicies", "NetworkPolicy", "netpol", &[]) },
    // The Vault Secrets Operator's.
    kind(("secrets.hashicorp.com", "v1beta1"), "vaultdynamicsecrets", "VaultDynamicSecret", "", &["status"]),
    // Not in every cluster: see `Settings::keda`.
    kind(("keda.sh", "v1alpha1"), "scaledobjects", "ScaledObject", "so", &["status"]),
];

pub(crate) fn find(resource: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.resource == resource)
}

/// `deployments.apps`, as error messages name a resource; the core group has no suffix.
pub(crate) fn qualified(resource: &str) -> String {
    match find(resource) {
        Some(kind) if !kind.group.is_empty() => format!("{resource}.{}", kind.group),
        _ => resource.to_owned(),
    }
}
