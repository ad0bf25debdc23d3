//! Label and field selectors.

use serde_json::Value;

use super::super::store::Status;
use super::target::{Query, Target};

/// Which objects a list or watch is about.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    namespace: String,
    name: Option<String>,
    labels: Vec<Requirement>,
    fields: Vec<Requirement>,
}

#[derive(Clone, Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug)]
enum Test {
    In(Vec<String>),
    NotIn(Vec<String>),
    Exists,
    Absent,
}

impl Selection {
    pub(super) fn of(target: &Target, query: &Query) -> Result<Self, Status> {
        let fields = fields(target, query.get("fieldSelector").unwrap_or_default())?;
        let labels = labels(query.get("labelSelector").unwrap_or_default())?;
        Ok(Self {
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            labels,
            fields,
        })
    }

    pub(super) fn has(&self, object: &Value) -> bool {
        let metadata = &object["metadata"];
        let here = self.namespace.is_empty() || metadata["namespace"] == *self.namespace;
        let named = self
            .name
            .as_ref()
            .is_none_or(|name| metadata["name"] == **name);
        here && named
            && self
                .labels
                .iter()
                .all(|one| one.holds(metadata["labels"][&one.key].as_str()))
            && self.fields.iter().all(|one| {
                let pointer = format!("/{}", one.key.replace('.', "/"));
                one.holds(Some(
                    object
                        .pointer(&pointer)
                        .and_then(Value::as_str)
                        .unwrap_or(""),
                ))
            })
    }
}

impl Requirement {
    fn holds(&self, value: Option<&str>) -> bool {
        match &self.test {
            Test::In(allowed) => value.is_some_and(|value| allowed.iter().any(|one| one == value)),
            Test::NotIn(refused) => {
                !value.is_some_and(|value| refused.iter().any(|one| one == value))
            }
            Test::Exists => value.is_some(),
            Test::Absent => value.is_none(),
        }
    }
}

fn fields(target: &Target, selector: &str) -> Result<Vec<Requirement>, Status> {
    let known = known_fields(target.kind.resource);
    let mut requirements = Vec::new();
    for term in selector.split(',').filter(|term| !term.is_empty()) {
        let (key, value, equal) = field_term(term)?;
        if !matches!(key, "metadata.name" | "metadata.namespace") && !known.contains(&key) {
            let message = format!("field label not supported: {key}");
            return Err(Status::bad_request(message));
        }
        let values = vec![value.to_owned()];
        let test = if equal {
            Test::In(values)
        } else {
            Test::NotIn(values)
        };
        requirements.push(Requirement {
            key: key.to_owned(),
            test,
        });
    }
    Ok(requirements)
}

/// `key=value`, `key==value` or `key!=value`.
fn field_term(term: &str) -> Result<(&str, &str, bool), Status> {
    if let Some((key, value)) = term.split_once("!=") {
        return Ok((key, value, false));
    }
    let why = || format!("invalid selector: '{term}'; can't understand '{term}'");
    let (key, value) = term
        .split_once('=')
        .ok_or_else(|| Status::bad_request(why()))?;
    Ok((key, value.trim_start_matches('='), true))
}

fn known_fields(resource: &str) -> &'static [&'static str] {
    match resource {
        "pods" => &[
            "spec.nodeName",
            "status.phase",
            "spec.restartPolicy",
            "spec.serviceAccountName",
            "status.podIP",
        ],
        "events" => &[
            "involvedObject.name",
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.uid",
            "reason",
            "type",
        ],
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        _ => &[],
    }
}

fn labels(selector: &str) -> Result<Vec<Requirement>, Status> {
    terms(selector)
        .into_iter()
        .filter(|term| !term.trim().is_empty())
        .map(|term| label(term.trim()))
        .collect()
}

/// Cuts at the commas that are not inside parentheses.
fn terms(selector: &str) -> Vec<&str> {
    let (mut depth, mut from, mut terms) = (0, 0, Vec::new());
    for (at, letter) in selector.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                terms.push(&selector[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    terms.push(&selector[from..]);
    terms
}

fn label(term: &str) -> Result<Requirement, Status> {
    let requirement = |key: &str, test| {
        Ok(Requirement {
            key: key.trim().to_owned(),
            test,
        })
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(key) = term.strip_prefix('!') {
        return requirement(key, Test::Absent);
    }
    if let Some((key, value)) = term.split_once("!=") {
        return requirement(key, Test::NotIn(one(value)));
    }
    if let Some((key, value)) = term.split_once('=') {
        return requirement(key, Test::In(one(value.trim_start_matches('='))));
    }
    let Some((head, list)) = term.split_once('(') else {
        let words = term.split_whitespace().count();
        return match words {
            1 => requirement(term, Test::Exists),
            _ => Err(Status::bad_request(format!(
                "unable to parse requirement: {term}"
            ))),
        };
    };
    let values: Vec<String> = list
        .trim_end_matches(')')
        .split(',')
        .map(|v| v.trim().to_owned())
        .collect();
    match head.split_whitespace().collect::<Vec<_>>().as_slice() {
        [key, "in"] => requirement(key, Test::In(values)),
        [key, "notin"] => requirement(key, Test::NotIn(values)),
        _ => Err(Status::bad_request(format!(
            "unable to parse requirement: {term}"
        ))),
    }
}
