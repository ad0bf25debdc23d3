//! The scripts against their tables, and what they tell.
use super::*;
use std::collections::BTreeSet;

const SCRIPTS: [&Script; 5] = [&DUMP, &RESTORE, &DIFF, &EXAMINE_SOURCE, &EXAMINE_TARGET];

/// The names in the text's `${NAME:?}` and `${NAME?}`: what it will not run without.
fn required(text: &str) -> BTreeSet<&str> {
    let names = text.split("\"${").skip(1).filter_map(|rest| rest.split_once('}').map(|(inside, _)| inside));
    names.filter_map(|inside| inside.strip_suffix('?')).map(|name| name.trim_end_matches(':')).collect()
}

#[test]
fn each_script_requires_exactly_the_environment_of_its_table() {
    for script in SCRIPTS {
        let table = script.env.iter().chain(script.files.iter().map(|(name, _)| name)).copied().collect();
        assert_eq!(required(script.text), table, "{}", script.name);
    }
}

#[test]
fn each_header_lists_exactly_the_exit_codes_of_its_table() {
    for script in SCRIPTS {
        let (_, header) = script.text.split_once("# Exit codes:\n").expect("a list of exit codes");
        let lines = header.lines().map_while(|line| line.strip_prefix("#   ")?.split_once(' '));
        let listed: Vec<(i32, &str)> = lines.map(|(code, says)| (code.parse().expect("a number"), says)).collect();
        assert_eq!(listed, script.exit_codes, "{}", script.name);
    }
}

#[test]
fn each_code_that_a_script_or_its_sql_refuses_with_is_in_its_table() {
    for script in SCRIPTS {
        for word in script.text.split("refuse ").skip(1) {
            let digits: String = word.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(code) = digits.parse() {
                assert!(script.meaning(code).is_some(), "{}: {code}", script.name);
            }
        }
    }
}

#[test]
fn events_are_read_and_noise_is_not() {
    let line = r#"{"event" : "refused", "code" : 27, "reason" : "others", "items" : ["pid 1"]}"#;
    let refused = Event::Refused { code: 27, reason: "others".into(), items: vec!["pid 1".into()], each: vec![] };
    assert_eq!(Event::parse(line), Some(refused));
    let waiting = r#"{"event":"waiting","for":"commit"}"#;
    assert_eq!(Event::parse(waiting), Some(Event::Waiting { r#for: Word::Commit }));
    assert_eq!(Event::parse(r#"{"event":"analyzed"}"#), Some(Event::Analyzed { failed: vec![] }));
    assert_eq!(Event::parse("WARNING:  01006: no privileges"), None);
    assert_eq!(Event::parse(r#"{"event":"unheard of"}"#), None);
}

#[test]
fn a_damaged_event_is_no_noise() {
    assert_eq!(Event::read(r#"{"event":"committed"}"#), Ok(Some(Event::Committed)));
    assert_eq!(Event::read("{ not one }"), Ok(None));
    for damaged in
        [r#"{"event":"row","table":"secret"#, r#"{"event" : "unheard of"}"#, r#"{"event":"counted","tables":-1}"#]
    {
        assert!(Event::read(damaged).is_err_and(|why| !why.contains("secret")), "{damaged}");
    }
}
