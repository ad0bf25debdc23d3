//! A Pod's volumes, as directories of the host.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::super::container::view::{Mount, Source};
use super::pod::Pod;

/// The host's directory of a claim, made when it is not there.
pub(super) fn claim(root: &Path, ns: &str, name: &str) -> io::Result<PathBuf> {
    let dir = root.join("claims").join(ns).join(name);
    if !dir.exists() {
        fs::create_dir_all(&dir)?;
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o777))?;
    }
    Ok(dir)
}

fn claims(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes = pod.object["spec"]["volumes"].as_array();
    volumes.into_iter().flatten().filter_map(|volume| volume["persistentVolumeClaim"]["claimName"].as_str())
}

/// Whether this node has the volumes of all claims; the error is the attach controller's sentence.
pub(super) fn attached(pod: &Pod) -> Result<(), String> {
    let elsewhere = pod.node.config().attached_elsewhere;
    match claims(pod).find(|name| elsewhere.iter().any(|one| one == name)) {
        None => Ok(()),
        Some(name) => {
            Err(format!("Multi-Attach error for volume \"pvc-{name}\" Volume is already used by pod(s) other"))
        }
    }
}

/// The scheduler's sentence about a claim that has no volume. One that is no object of the store is the node's own affair.
pub(super) fn unbound(pod: &Pod) -> Option<String> {
    let unbound = claims(pod)
        .filter_map(|name| pod.node.store.get("persistentvolumeclaims", &pod.ns, name))
        .any(|claim| claim["status"]["phase"] != "Bound");
    unbound.then(|| {
        "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/1 nodes are available: 1 \
         Preemption is not helpful for scheduling."
            .to_owned()
    })
}

/// A Secret has changed: the Pods that have it mounted see it.
pub(super) fn refresh(pod: &Pod, secret: &Value) {
    let group = pod.object["spec"]["securityContext"]["fsGroup"].as_u64();
    let group = group.and_then(|group| u32::try_from(group).ok());
    for volume in pod.object["spec"]["volumes"].as_array().into_iter().flatten() {
        let own = pod.node.config().root.join("pods").join(&pod.uid).join(volume["name"].as_str().unwrap_or_default());
        if volume["secret"]["secretName"] == secret["metadata"]["name"] && own.exists() {
            // A Pod that ends at this moment has no use for it.
            let _ = fill(&own, Some(secret), &volume["secret"], group);
        }
    }
}

/// The container's mounts, outer before inner; the error is the kubelet's FailedMount sentence.
pub(super) fn mounts(pod: &Pod, spec: &Value) -> Result<Vec<Mount>, String> {
    let mut mounts = Vec::new();
    for mount in spec["volumeMounts"].as_array().into_iter().flatten() {
        let text = |field: &str| mount[field].as_str().unwrap_or_default();
        let volumes = pod.object["spec"]["volumes"].as_array();
        let volume = volumes.into_iter().flatten();
        let volume = volume
            .clone()
            .find(|volume| volume["name"] == text("name"))
            .ok_or_else(|| format!("volume \"{}\" not found", text("name")))?;
        let claim = volume["persistentVolumeClaim"]["claimName"].as_str();
        let small = pod.node.config().small_claims.into_iter().find(|(name, _)| Some(name.as_str()) == claim);
        if let Some(size) = memory(&volume["emptyDir"])?.or(small.map(|(_, mebibytes)| mebibytes << 20)) {
            let (source, target) = (Source::Memory(size), text("mountPath").to_owned());
            mounts.push(Mount { source, target, read_only: false });
            continue;
        }
        let (mut source, fixed) = source(pod, volume)?;
        if !text("subPath").is_empty() {
            source = source.join(text("subPath"));
            if !source.exists() {
                fs::create_dir_all(&source).map_err(|why| why.to_string())?;
            }
        }
        mounts.push(Mount {
            source: Source::Directory(source),
            target: text("mountPath").to_owned(),
            read_only: fixed || mount["readOnly"] == true,
        });
    }
    mounts.sort_by_key(|mount| mount.target.len());
    Ok(mounts)
}

/// The volume's directory, and whether nobody may write there.
fn source(pod: &Pod, volume: &Value) -> Result<(PathBuf, bool), String> {
    let root = pod.node.config().root;
    let name = volume["name"].as_str().unwrap_or_default();
    let own = root.join("pods").join(&pod.uid).join(name);
    let group = pod.object["spec"]["securityContext"]["fsGroup"].as_u64();
    let group = group.and_then(|group| u32::try_from(group).ok());
    let broken = |why: io::Error| format!("MountVolume.SetUp failed for volume \"{name}\" : {why}");
    if volume["emptyDir"].is_object() {
        empty_dir(&own, group).map_err(broken)?;
        return Ok((own, false));
    }
    let claimed = &volume["persistentVolumeClaim"];
    if let Some(of) = claimed["claimName"].as_str() {
        let dir = claim(&root, &pod.ns, of).map_err(broken)?;
        return Ok((dir, claimed["readOnly"] == true));
    }
    for (kind, field, resource) in [("secret", "secretName", "secrets"), ("configMap", "name", "configmaps")] {
        let Some(of) = volume[kind][field].as_str() else {
            continue;
        };
        let object = pod.node.store.get(resource, &pod.ns, of);
        if object.is_none() && volume[kind]["optional"] != true {
            let what = resource.trim_end_matches('s');
            return Err(format!("MountVolume.SetUp failed for volume \"{name}\" : {what} \"{of}\" not found"));
        }
        fill(&own, object.as_ref(), &volume[kind], group).map_err(broken)?;
        return Ok((own, true));
    }
    Err(format!("the lab has no volume of the kind of \"{name}\""))
}

/// The limit of an emptyDir in memory, which is full when it is reached.
fn memory(volume: &Value) -> Result<Option<u64>, String> {
    if volume["medium"] != "Memory" {
        return Ok(None);
    }
    let limit = volume["sizeLimit"].as_str().and_then(|limit| limit.strip_suffix("Mi"));
    let limit = limit.and_then(|limit| limit.parse::<u64>().ok());
    let limit = limit.ok_or("the lab knows an emptyDir in memory with a sizeLimit in Mi only")?;
    Ok(Some(limit << 20))
}

fn empty_dir(dir: &Path, group: Option<u32>) -> io::Result<()> {
    if dir.exists() {
        return Ok(());
    }
    fs::create_dir_all(dir)?;
    chown(dir, None, group)?;
    let mode = if group.is_some() { 0o2777 } else { 0o777 };
    fs::set_permissions(dir, fs::Permissions::from_mode(mode))
}

/// One file a key; `items` choose and rename.
fn fill(dir: &Path, object: Option<&Value>, volume: &Value, group: Option<u32>) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mode = volume["defaultMode"].as_u64().unwrap_or(0o644);
    let mode = u32::try_from(mode).unwrap_or(0o644) | if group.is_some() { 0o040 } else { 0 };
    let encoded = object.is_some_and(|object| object["kind"] == "Secret");
    let data = object.and_then(|object| object["data"].as_object());
    for (key, value) in data.into_iter().flatten() {
        let items = volume["items"].as_array();
        let chosen = items.map(|items| items.iter().find(|item| item["key"] == *key));
        let path = match chosen {
            Some(None) => continue,
            Some(Some(item)) => item["path"].as_str().unwrap_or(key),
            None => key,
        };
        let value = value.as_str().unwrap_or_default();
        let bytes = if encoded { STANDARD.decode(value).unwrap_or_default() } else { value.as_bytes().to_vec() };
        let file = dir.join(path);
        fs::write(&file, bytes)?;
        chown(&file, None, group)?;
        fs::set_permissions(&file, fs::Permissions::from_mode(mode))?;
    }
    Ok(())
}
