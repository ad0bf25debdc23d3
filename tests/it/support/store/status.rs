//! `Status`: how a Kubernetes API server says no, in its own words.

use serde_json::{Value, json};

use super::kinds;

/// A refusal: HTTP code, machine-readable reason, and the sentence people read.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Status {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            code,
            reason,
            message,
            details: Value::Null,
        }
    }

    pub(crate) fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kinds::qualified(resource));
        Self::new(404, "NotFound", message).about(resource, name)
    }

    pub(crate) fn already_exists(resource: &str, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kinds::qualified(resource));
        Self::new(409, "AlreadyExists", message).about(resource, name)
    }

    /// The optimistic lock: the writer held an older resourceVersion.
    pub(crate) fn modified(resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(crate) fn conflict(resource: &str, name: &str, why: &str) -> Self {
        let what = kinds::qualified(resource);
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(409, "Conflict", message).about(resource, name)
    }

    pub(crate) fn invalid(resource: &str, name: &str, causes: Vec<Cause>) -> Self {
        let said: Vec<String> = causes
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.said()))
            .collect();
        let said = if said.len() == 1 {
            said[0].clone()
        } else {
            format!("[{}]", said.join(", "))
        };
        let kind = kinds::find(resource).map_or("", |kind| kind.kind);
        let group = kinds::find(resource).map_or("", |kind| kind.group);
        let what = if group.is_empty() {
            kind.to_owned()
        } else {
            format!("{kind}.{group}")
        };
        let mut status = Self::new(
            422,
            "Invalid",
            format!("{what} \"{name}\" is invalid: {said}"),
        );
        let causes: Vec<Value> = causes.iter().map(Cause::to_json).collect();
        status.details = json!({"name": name, "group": group, "kind": kind, "causes": causes});
        status
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// A watch from, or a page of, a past that is forgotten.
    pub(crate) fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message)
    }

    fn about(mut self, resource: &str, name: &str) -> Self {
        self.details = json!({"name": name, "kind": resource});
        let group = kinds::find(resource).map_or("", |kind| kind.group);
        if !group.is_empty() {
            self.details["group"] = group.into();
        }
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        });
        if !self.details.is_null() {
            body["details"] = self.details.clone();
        }
        body
    }
}

/// One field that is wrong, in a 422.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) field: String,
    pub(crate) fault: Fault,
}

/// What is wrong with a field; the words are those of `field.Error`.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Required(&'static str),
    Invalid(Value, String),
    Unsupported(Value, &'static [&'static str]),
    TooLong(usize),
    Duplicate(Value),
    NotFound(Value),
    Forbidden(&'static str),
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            fault: Fault::Required(""),
        }
    }

    pub(crate) fn required_because(field: impl Into<String>, why: &'static str) -> Self {
        Self {
            field: field.into(),
            fault: Fault::Required(why),
        }
    }

    pub(crate) fn unsupported(
        field: impl Into<String>,
        value: impl Into<Value>,
        known: &'static [&'static str],
    ) -> Self {
        Self {
            field: field.into(),
            fault: Fault::Unsupported(value.into(), known),
        }
    }

    pub(crate) fn new(field: impl Into<String>, fault: Fault) -> Self {
        Self {
            field: field.into(),
            fault,
        }
    }

    pub(crate) fn invalid(
        field: impl Into<String>,
        value: impl Into<Value>,
        why: impl Into<String>,
    ) -> Self {
        Self {
            field: field.into(),
            fault: Fault::Invalid(value.into(), why.into()),
        }
    }

    fn said(&self) -> String {
        match &self.fault {
            Fault::Required("") => "Required value".to_owned(),
            Fault::Required(why) => format!("Required value: {why}"),
            Fault::Invalid(value, why) => format!("Invalid value: {value}: {why}"),
            Fault::Unsupported(value, known) => {
                let known: Vec<String> = known.iter().map(|one| format!("\"{one}\"")).collect();
                format!(
                    "Unsupported value: {value}: supported values: {}",
                    known.join(", ")
                )
            }
            Fault::Duplicate(value) => format!("Duplicate value: {value}"),
            Fault::NotFound(value) => format!("Not found: {value}"),
            Fault::Forbidden(why) => format!("Forbidden: {why}"),
            Fault::TooLong(limit) => format!("Too long: may not be more than {limit} bytes"),
        }
    }

    fn to_json(&self) -> Value {
        let reason = match self.fault {
            Fault::Required(_) => "FieldValueRequired",
            Fault::Invalid(..) => "FieldValueInvalid",
            Fault::Unsupported(..) => "FieldValueNotSupported",
            Fault::Duplicate(_) => "FieldValueDuplicate",
            Fault::NotFound(_) => "FieldValueNotFound",
            Fault::Forbidden(_) => "FieldValueForbidden",
            Fault::TooLong(_) => "FieldValueTooLong",
        };
        json!({"reason": reason, "message": self.said(), "field": self.field})
    }
}
