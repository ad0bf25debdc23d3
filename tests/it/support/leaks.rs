//! Whether anything that the lab has recorded tells a password: what the tool said, objects, requests, processes and their logs.

use super::container::process::Started;
use super::postgres::{Access, PRODUCTION, SANDBOX};
use super::sandbox::{Ran, Sandbox};
use super::store::kinds::KINDS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A password, and the containers whose environment may hold it: a refresh's, and a doctor's.
struct Secret {
    /// In a form that no quoting changes, and encoded.
    forms: [String; 2],
    containers: [&'static str; 2],
}

impl Secret {
    fn new(access: &Access, containers: [&'static str; 2]) -> Self {
        let plain = access.password.split(' ').next().expect("a word").to_owned();
        assert!(
            plain.chars().all(|one| one.is_ascii_alphanumeric() || one == '-'),
            "{plain} is the same in any quotes"
        );
        Self { forms: [plain, STANDARD.encode(access.password)], containers }
    }

    fn is_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| text.contains(form))
    }
}

/// Each place where one was found.
pub(crate) fn leaks(lab: &Sandbox, ran: &Ran) -> Vec<String> {
    leaks_since(lab, ran, &mut 0)
}

/// As [`leaks`], but for the processes that have been looked at before: so many.
pub(crate) fn leaks_since(lab: &Sandbox, ran: &Ran, seen: &mut usize) -> Vec<String> {
    let started = lab.kubelet.started();
    let new = &started[(*seen).min(started.len())..];
    *seen = started.len();
    let secrets = [Secret::new(&PRODUCTION, ["dump", "source"]), Secret::new(&SANDBOX, ["restore", "target"])];
    let of = |secret: &Secret| {
        let mut found = said(ran, secret);
        found.extend(objects(lab, secret));
        found.extend(requests(lab, secret));
        found.extend(processes(lab, new, secret));
        found
    };
    secrets.iter().flat_map(of).collect()
}

fn said(ran: &Ran, secret: &Secret) -> Vec<String> {
    let lines = ran.stdout.lines().chain(ran.stderr.lines());
    lines.filter(|line| secret.is_in(line)).map(|line| format!("said: {line}")).collect()
}

/// Events and annotations too; a Secret is where it belongs.
fn objects(lab: &Sandbox, secret: &Secret) -> Vec<String> {
    let kinds = KINDS.iter().filter(|kind| kind.resource != "secrets");
    let objects = kinds.flat_map(|kind| lab.store.list(kind.resource, None));
    objects.map(|object| object.to_string()).filter(|text| secret.is_in(text)).collect()
}

/// Of all requests only one carries any: the one that makes the Job's Secret.
fn requests(lab: &Sandbox, secret: &Secret) -> Vec<String> {
    let all = lab.api.record.all().into_iter();
    let telling = all.filter(|seen| {
        let body = seen.line() != "create secrets" && secret.is_in(&seen.body.to_string());
        body || secret.is_in(&seen.path) || secret.is_in(&seen.query)
    });
    telling.map(|seen| format!("request: {}", seen.line())).collect()
}

fn processes(lab: &Sandbox, new: &[Started], secret: &Secret) -> Vec<String> {
    let mut found = Vec::new();
    for started in new {
        let its_own = secret.containers.iter().any(|name| started.place.ends_with(&format!("/{name}")));
        if started.argv.iter().any(|word| secret.is_in(word)) {
            found.push(format!("argv in {}", started.place));
        }
        if !its_own && started.env.iter().any(|(_, value)| secret.is_in(value)) {
            found.push(format!("environment in {}", started.place));
        }
        let parts: Vec<&str> = started.place.split('/').collect();
        if let [namespace, pod, container] = parts[..]
            && let Some(container) = lab.kubelet.container(namespace, pod, container)
            && secret.is_in(&container.log().text())
        {
            found.push(format!("log of {}", started.place));
        }
    }
    found
}
