//! stand-in
use serde::Deserialize;
pub struct Script {
    pub text: &'static str,
    pub texts: &'static [(&'static str, &'static str)],
}
pub const DUMP: Script = Script {
    text: "",
    texts: &[],
};
pub const RESTORE: Script = Script {
    text: "",
    texts: &[],
};
#[derive(Debug, Deserialize)]
pub struct Server {
    pub read_at: Option<String>,
}
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    Source(Server),
    Counted {
        tables: u64,
        prefixed: u64,
        rows: u64,
        sequences: u64,
    },
    Dumped {
        bytes: u64,
        entries: u64,
    },
    Waiting {
        r#for: String,
    },
    Committed,
    Refused {
        code: i32,
        reason: String,
        items: Vec<String>,
    },
}
impl Event {
    pub fn parse(l: &str) -> Option<Self> {
        serde_json::from_str(l).ok()
    }
}
impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}
pub fn meaning(_c: &str, _n: i32) -> Option<&'static str> {
    None
}
