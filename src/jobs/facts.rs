//! What the scripts of `doctor --deep` tell of a database and its server.
use super::Identity;
use serde::Deserialize;

/// As facts.sql tells them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Facts {
    pub identity: Identity,
    /// Of the image's client.
    pub client_major: u32,
    /// The login's own attributes, as SUPERUSER.
    pub powers: Vec<String>,
    /// Every role that the login can become; none is told of a superuser.
    pub memberships: Vec<String>,
    /// The database's owner.
    pub owner: String,
    pub bytes: u64,
    /// Those of others in this database.
    pub sessions: Vec<Sessions>,
    pub room: Vec<Room>,
}

/// Sessions that are alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Sessions {
    pub application: String,
    pub login: String,
    pub count: u64,
    /// Whether the login that looks may end them.
    pub may_be_ended: bool,
}

/// How many sessions more there can be, by one bound.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Room {
    /// Whose bound: `server`, `database`, `login`.
    pub of: String,
    pub most: i64,
    pub left: i64,
}

/// One of several reasons to refuse.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Refusal {
    pub code: i32,
    pub reason: String,
    #[serde(default)]
    pub items: Vec<String>,
}
