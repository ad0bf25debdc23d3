//! A script's refusal as a sentence for the operator: the reason, what was found, and the settings to look at.
use super::Script;

/// So many of a refusal's items are told; the whole event is in the log, for -v.
const ITEMS: usize = 10;

/// Whether the code says that the database cannot be reached with the credentials that the script has.
pub fn is_unreached(code: i32) -> bool {
    matches!(code, 10 | 20 | 40)
}

impl Script {
    /// What is said of the event by which the script has refused.
    pub fn refused(&self, code: i32, reason: &str, items: &[String]) -> String {
        let items = whole(items);
        let look = match code {
            code if is_unreached(code) => unreachable(code == 10 && reason.contains("of production"), &items),
            18 => " (look whether the golden volume is writable; `checkpoint delete` removes what is not needed)"
                .to_owned(),
            _ => String::new(),
        };
        format!("{} refused (exit code {code}): {reason}{}{look}", self.name, told(&items))
    }
}

/// The items of a refusal, after its reason: a wrong role finds fault with every object of the schema, and a sentence cannot hold them.
pub fn told(items: &[String]) -> String {
    match (items.len(), items.len().saturating_sub(ITEMS)) {
        (0, _) => String::new(),
        (_, 0) => format!(": {}", items.join("; ")),
        (_, more) => format!(": {}; and {more} more (-v tells all)", items[..ITEMS].join("; ")),
    }
}

/// libpq goes on with its sentence in another line, after a tab.
fn whole(lines: &[String]) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    for line in lines {
        let words = line.split_whitespace().collect::<Vec<_>>().join(" ");
        match whole.last_mut() {
            Some(last) if line.starts_with(char::is_whitespace) => *last += &format!(" {words}"),
            _ => whole.push(words),
        }
    }
    whole
}

/// Which settings lead to the database: by what the server or the client says, in English, else all of them.
fn unreachable(production: bool, items: &[String]) -> String {
    let side = if production { "prod" } else { "sandbox" };
    let (database, secret) = (format!("--{side}-database"), format!("--{side}-secret"));
    let says = |words: &[&str]| items.iter().any(|item| words.iter().any(|words| item.contains(words)));
    let server = ["could not translate host name", "Connection refused", "timeout expired", "No route to host"];
    let look = match () {
        () if says(&["authentication failed", "no password supplied"]) => secret,
        () if says(&["database "]) && says(&["does not exist", "permission denied for database"]) => database,
        () if says(&server) => format!("--pg-host (or key host of {secret}) and --pg-port"),
        () => format!("--pg-host, --pg-port, {database} and {secret}"),
    };
    format!(" (look at {look})")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{DUMP, RESTORE};

    #[test]
    fn a_long_list_of_items_is_cut_and_says_so() {
        let items: Vec<String> = (1..=700).map(|n| n.to_string()).collect();
        assert_eq!(told(&[]), "");
        assert_eq!(told(&items[..10]), ": 1; 2; 3; 4; 5; 6; 7; 8; 9; 10");
        assert_eq!(told(&items), ": 1; 2; 3; 4; 5; 6; 7; 8; 9; 10; and 690 more (-v tells all)");
    }

    #[test]
    fn a_sentence_of_several_lines_is_one_and_names_the_settings_to_look_at() {
        let said =
            ["psql: error: connection to server at \"db\" failed: Connection refused", "\tIs the server running?"];
        let refused = RESTORE.refused(20, "not reached", &said.map(str::to_owned));
        assert_eq!(
            refused,
            "restore refused (exit code 20): not reached: psql: error: connection to server at \"db\" failed: Connection refused \
             Is the server running? (look at --pg-host (or key host of --sandbox-secret) and --pg-port)"
        );
        let told = |reason, said: &str| DUMP.refused(10, reason, &[said.to_owned()]);
        let production = "the database of production cannot be reached with its credentials";
        assert!(told(production, "FATAL: database \"x\" does not exist").ends_with("(look at --prod-database)"));
        assert!(
            told("of the sandbox", "FATAL: password authentication failed").ends_with("(look at --sandbox-secret)")
        );
        let no_room = DUMP.refused(18, "no room was made for the dump", &["mkdir: File exists".to_owned()]);
        assert!(no_room.ends_with("mkdir: File exists (look whether the golden volume is writable; `checkpoint delete` removes what is not needed)"));
        assert!(told(production, "?").ends_with("(look at --pg-host, --pg-port, --prod-database and --prod-secret)"));
    }
}
