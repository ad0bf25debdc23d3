//! A container's environment: its image's PATH, `envFrom`, then `env`, with references resolved.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::container::image::Image;
use super::super::store::Store;
use super::pod::Pod;

type Env = Vec<(String, String)>;

/// The environment, or the kubelet's sentence about what is missing.
pub(super) fn of(pod: &Pod, spec: &Value, image: &Image) -> Result<Env, String> {
    let mut env = Env::new();
    set(&mut env, "PATH", image.path.clone());
    for source in spec["envFrom"].as_array().into_iter().flatten() {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        for (reference, resource) in [("secretRef", "secrets"), ("configMapRef", "configmaps")] {
            if source[reference].is_object() {
                let data = data(&pod.node.store, &pod.ns, resource, &source[reference])?;
                for (key, value) in data.into_iter().flatten() {
                    set(&mut env, &format!("{prefix}{key}"), value);
                }
            }
        }
    }
    for variable in spec["env"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap_or_default();
        let value = match variable["value"].as_str() {
            Some(value) => Some(expand(value, &env)),
            None => from(pod, &variable["valueFrom"])?,
        };
        if let Some(value) = value {
            set(&mut env, name, value);
        } else if variable["valueFrom"].is_null() {
            set(&mut env, name, String::new());
        }
    }
    Ok(env)
}

fn set(env: &mut Env, name: &str, value: String) {
    env.retain(|(known, _)| known != name);
    env.push((name.to_owned(), value));
}

/// `None` when what is missing is optional.
fn from(pod: &Pod, source: &Value) -> Result<Option<String>, String> {
    if let Some(path) = source["fieldRef"]["fieldPath"].as_str() {
        return Ok(Some(field(pod, path)));
    }
    for (reference, resource, what) in
        [("secretKeyRef", "secrets", "Secret"), ("configMapKeyRef", "configmaps", "ConfigMap")]
    {
        let reference = &source[reference];
        if !reference.is_object() {
            continue;
        }
        let Some(data) = data(&pod.node.store, &pod.ns, resource, reference)? else {
            return Ok(None);
        };
        let key = reference["key"].as_str().unwrap_or_default();
        let value = data.into_iter().find(|(known, _)| known == key);
        if value.is_none() && reference["optional"] != true {
            let (ns, name) = (&pod.ns, reference["name"].as_str().unwrap_or_default());
            return Err(format!("couldn't find key {key} in {what} {ns}/{name}"));
        }
        return Ok(value.map(|(_, value)| value));
    }
    Ok(None)
}

/// The pairs of a Secret or ConfigMap; `None` when it is optional and not there.
fn data(store: &Store, ns: &str, resource: &str, reference: &Value) -> Result<Option<Env>, String> {
    let name = reference["name"].as_str().unwrap_or_default();
    let Some(object) = store.get(resource, ns, name) else {
        if reference["optional"] == true {
            return Ok(None);
        }
        let what = resource.trim_end_matches('s');
        return Err(format!("{what} \"{name}\" not found"));
    };
    Ok(Some(pairs(&object, resource == "secrets")))
}

pub(super) fn pairs(object: &Value, encoded: bool) -> Env {
    let data = object["data"].as_object().into_iter().flatten();
    data.map(|(key, value)| {
        let value = value.as_str().unwrap_or_default();
        let value = if encoded {
            let bytes = STANDARD.decode(value).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            value.to_owned()
        };
        (key.clone(), value)
    })
    .collect()
}

fn field(pod: &Pod, path: &str) -> String {
    match path {
        "status.podIP" | "status.hostIP" => "127.0.0.1".to_owned(),
        "spec.nodeName" => super::NODE.to_owned(),
        _ => {
            let pointer = path.split(['.', '[', ']']).fold(String::new(), |mut at, part| {
                let part = part.trim_matches('\'');
                if !part.is_empty() {
                    let _ = write!(at, "/{}", part.replace('~', "~0").replace('/', "~1"));
                }
                at
            });
            let value = pod.object.pointer(&pointer).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        }
    }
}

/// `$(NAME)` of what is known before; `$$(NAME)` is the text itself.
pub(super) fn expand(text: &str, env: &[(String, String)]) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let reference = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        let known = reference.and_then(|(name, after)| {
            let value = env.iter().find(|(known, _)| known == name)?;
            Some((&value.1, after))
        });
        match known {
            Some((value, after)) => {
                out.push_str(value);
                rest = after;
            }
            None => out.push('$'),
        }
    }
    out + rest
}
