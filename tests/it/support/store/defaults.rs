//! What the server fills in where the client has said nothing.

use serde_json::{Value, json};

pub(crate) fn fill(resource: &str, object: &mut Value) {
    match resource {
        "deployments" => deployment(object),
        "replicasets" => {
            set(&mut object["spec"], "replicas", json!(1));
            pod(&mut object["spec"]["template"]["spec"]);
        }
        "jobs" => job(object),
        "pods" => {
            pod(&mut object["spec"]);
            set(object, "status", json!({"phase": "Pending", "qosClass": "BestEffort"}));
        }
        "secrets" => secret(object),
        "persistentvolumeclaims" => {
            // The admission plugin DefaultStorageClass; "" asks for none.
            set(&mut object["spec"], "storageClassName", json!("standard"));
            set(&mut object["spec"], "volumeMode", json!("Filesystem"));
            set(object, "status", json!({"phase": "Pending"}));
        }
        "namespaces" => {
            set(object, "spec", json!({"finalizers": ["kubernetes"]}));
            set(object, "status", json!({"phase": "Active"}));
            let name = object["metadata"]["name"].clone();
            label(&mut object["metadata"], "kubernetes.io/metadata.name", name);
        }
        _ => {}
    }
}

fn set(object: &mut Value, field: &str, value: Value) {
    if object.is_null() {
        *object = json!({});
    }
    if object.is_object() && object[field].is_null() {
        object[field] = value;
    }
}

fn label(metadata: &mut Value, key: &str, value: Value) {
    set(metadata, "labels", json!({}));
    set(&mut metadata["labels"], key, value);
}

fn deployment(object: &mut Value) {
    let spec = &mut object["spec"];
    set(spec, "replicas", json!(1));
    set(spec, "strategy", json!({"type": "RollingUpdate"}));
    if spec["strategy"]["type"] == "RollingUpdate" {
        let rolling = json!({"maxUnavailable": "25%", "maxSurge": "25%"});
        set(&mut spec["strategy"], "rollingUpdate", rolling);
    }
    set(spec, "revisionHistoryLimit", json!(10));
    set(spec, "progressDeadlineSeconds", json!(600));
    pod(&mut spec["template"]["spec"]);
}

/// The selector and its labels name the Job's uid, so two Jobs of one name never share Pods.
fn job(object: &mut Value) {
    let (uid, name) = (object["metadata"]["uid"].clone(), object["metadata"]["name"].clone());
    let spec = &mut object["spec"];
    for (field, value) in [
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
        ("manualSelector", json!(false)),
    ] {
        set(spec, field, value);
    }
    if uid.is_string() && spec["selector"].is_null() {
        let labels = json!({"batch.kubernetes.io/controller-uid": uid});
        spec["selector"] = json!({"matchLabels": labels});
        set(&mut spec["template"], "metadata", json!({}));
        let metadata = &mut spec["template"]["metadata"];
        for prefix in ["", "batch.kubernetes.io/"] {
            label(metadata, &format!("{prefix}controller-uid"), uid.clone());
            label(metadata, &format!("{prefix}job-name"), name.clone());
        }
    }
    pod(&mut spec["template"]["spec"]);
}

fn pod(spec: &mut Value) {
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
    ] {
        set(spec, field, value);
    }
    for list in ["initContainers", "containers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            let image = container["image"].as_str().unwrap_or_default();
            let last = image.rsplit('/').next().unwrap_or_default();
            let moving = last.ends_with(":latest") || !last.contains([':', '@']);
            let policy = if moving { "Always" } else { "IfNotPresent" };
            set(container, "imagePullPolicy", json!(policy));
            set(container, "resources", json!({}));
            set(container, "terminationMessagePath", json!("/dev/termination-log"));
            set(container, "terminationMessagePolicy", json!("File"));
        }
    }
    // Indexing a Value for a missing list has left a null behind.
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
}

/// `stringData` is for writing only.
fn secret(object: &mut Value) {
    use base64::Engine as _;
    set(object, "type", json!("Opaque"));
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let Some(Value::Object(texts)) = fields.shift_remove("stringData") else {
        return;
    };
    set(object, "data", json!({}));
    for (key, text) in texts {
        let text = text.as_str().unwrap_or_default();
        object["data"][key] = base64::engine::general_purpose::STANDARD.encode(text).into();
    }
}
