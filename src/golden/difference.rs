//! What differs between the sandbox and a checkpoint: as JSON for a script, as text for a person.
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt::{self, Display};

#[derive(Clone, Debug, Default, Serialize)]
pub struct Difference {
    pub checkpoint: String,
    pub taken_at: String,
    pub tables: Vec<Table>,
    pub sequences: Vec<Sequence>,
    /// Sentences; where the schema differs, rows cannot be compared.
    pub schema: Vec<String>,
    pub files: Files,
}

#[derive(Clone, Debug, Default, Serialize)]
pub struct Table {
    pub name: String,
    pub added: u64,
    pub changed: u64,
    pub removed: u64,
    /// With `--rows` only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
}

/// Objects as the server has written them: an amount has more digits than a float.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// `added`, `changed` or `removed`.
    pub change: &'static str,
    pub key: Box<RawValue>,
    pub old: Box<RawValue>,
    pub new: Box<RawValue>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sequence {
    pub name: String,
    pub was: Value,
    pub is: Value,
}

/// Paths below the documents root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Files {
    pub added: Vec<String>,
    pub changed: Vec<String>,
    pub removed: Vec<String>,
}

impl Difference {
    /// The table of this name, made where it is not there yet.
    pub fn table(&mut self, name: &str) -> &mut Table {
        let at = self.tables.iter().position(|table| table.name == name).unwrap_or_else(|| {
            self.tables.push(Table { name: name.to_owned(), ..Table::default() });
            self.tables.len() - 1
        });
        &mut self.tables[at]
    }

    fn is_empty(&self) -> bool {
        let Files { added, changed, removed } = &self.files;
        self.tables.is_empty()
            && self.sequences.is_empty()
            && self.schema.is_empty()
            && [added, changed, removed].iter().all(|paths| paths.is_empty())
    }
}

impl Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "since {} of {}:", self.checkpoint, self.taken_at)?;
        if self.is_empty() {
            return writeln!(f, "nothing has changed");
        }
        self.schema.iter().try_for_each(|what| writeln!(f, "schema     {}", visible(what)))?;
        for Table { name, added, changed, removed, rows } in &self.tables {
            let name = visible(name);
            writeln!(f, "table      {name}: {added} added, {changed} changed, {removed} removed")?;
            rows.iter().try_for_each(|row| write!(f, "{row}"))?;
        }
        for Sequence { name, was, is } in &self.sequences {
            writeln!(f, "sequence   {}: was {}, is {}", visible(name), shown(was), shown(is))?;
        }
        let Files { added, changed, removed } = &self.files;
        for (what, paths) in [("added", added), ("changed", changed), ("removed", removed)] {
            paths.iter().try_for_each(|path| writeln!(f, "file       {path}: {what}"))?;
        }
        Ok(())
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "           {} {}", self.change, raw(&self.key))?;
        let (old, new) = (fields(&self.old), fields(&self.new));
        for column in columns(if old.is_empty() { &self.new } else { &self.old }) {
            let name = visible(&column);
            match (old.get(&column), new.get(&column)) {
                (Some(was), Some(is)) if was.get() == is.get() => {}
                (Some(was), Some(is)) => writeln!(f, "             {name}: {} -> {}", raw(was), raw(is))?,
                (Some(only), None) | (None, Some(only)) => writeln!(f, "             {name}: {}", raw(only))?,
                (None, None) => {}
            }
        }
        Ok(())
    }
}

/// Empty where there is no such row.
fn fields(row: &RawValue) -> BTreeMap<String, Box<RawValue>> {
    serde_json::from_str(row.get()).unwrap_or_default()
}

/// In the table's order.
fn columns(row: &RawValue) -> Vec<String> {
    let row: Map<String, Value> = serde_json::from_str(row.get()).unwrap_or_default();
    row.keys().cloned().collect()
}

fn raw(value: &RawValue) -> String {
    match serde_json::from_str(value.get()) {
        Ok(value @ (Value::Null | Value::String(_))) => shown(&value),
        _ => visible(value.get()),
    }
}

/// A text that could be taken for no value, or for one in quotes, has quotes around it.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("null") || text.starts_with('"') => {
            format!("\"{}\"", visible(text))
        }
        Value::String(text) => visible(text),
        other => visible(&other.to_string()),
    }
}

/// Whoever may write a row could else write to the operator's terminal.
fn visible(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, c| {
        match c.is_control() {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use serde_json::value::to_raw_value;

    fn row(change: &'static str, key: &Value, old: &Value, new: &Value) -> Row {
        let [key, old, new] = [key, old, new].map(|value| to_raw_value(value).expect("JSON"));
        Row { change, key, old, new }
    }

    #[test]
    fn a_changed_row_shows_the_columns_that_changed_and_no_other() {
        let mut difference = Difference { checkpoint: "golden".to_owned(), ..Difference::default() };
        assert!(difference.to_string().contains("nothing has changed"));
        let (old, new) = (json!({"rowid": 1, "nom": "a", "town": "x"}), json!({"rowid": 1, "nom": "b", "town": "x"}));
        let row = row("changed", &json!({"rowid": 1}), &old, &new);
        *difference.table("llx_societe") =
            Table { name: "llx_societe".to_owned(), changed: 1, rows: vec![row], added: 0, removed: 0 };
        let text = difference.to_string();
        assert!(text.contains("llx_societe: 0 added, 1 changed, 0 removed"), "{text}");
        assert!(text.contains("nom: a -> b") && !text.contains("town"), "{text}");
    }

    #[test]
    fn an_added_or_removed_row_shows_all_its_columns() {
        let row = |change, old, new| row(change, &json!({"rowid": 1}), &old, &new).to_string();
        let values = || json!({"rowid": 1, "nom": "a"});
        for text in [row("added", Value::Null, values()), row("removed", values(), Value::Null)] {
            assert!(text.contains("\n             nom: a\n") && text.contains(" rowid: 1\n"), "{text}");
        }
    }

    #[test]
    fn no_value_moves_the_cursor_and_a_text_is_told_from_none() {
        let (old, new) = (json!({"a": null, "b": "x"}), json!({"a": "null", "b": "\u{1b}[2J\r\nforged\u{9b}1A"}));
        let text = row("changed", &json!({"a": "\u{9b}"}), &old, &new).to_string();
        assert!(text.contains("a: NULL -> \"null\"\n"), "{text}");
        assert!(text.contains("b: x -> \\u{1b}[2J\\r\\nforged\\u{9b}1A\n"), "{text}");
        assert!(text.contains("changed {\"a\":\"\\u{9b}\"}"), "{text}");
        let table = Table { name: "a\u{7}".to_owned(), ..Table::default() };
        let text = Difference { tables: vec![table], ..Difference::default() }.to_string();
        assert!(text.contains("a\\u{7}: 0 added"), "{text}");
    }

    #[test]
    fn a_number_keeps_all_its_digits() {
        let [key, old, new] = [r#"{"rowid":1}"#, r#"{"a":123456789012.12345678}"#, r#"{"a":123456789012.12345679}"#]
            .map(|text| RawValue::from_string(text.to_owned()).expect("JSON"));
        let row = Row { change: "changed", key, old, new };
        assert!(row.to_string().contains("a: 123456789012.12345678 -> 123456789012.12345679\n"), "{row}");
        assert!(serde_json::to_string(&row).expect("JSON").contains("123456789012.12345679"));
    }
}
