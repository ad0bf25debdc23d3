//! Lines that are wider than the terminal, broken between words.
use console::measure_text_width;

/// What does not fit goes on `indent` columns from the left, below the text of its line.
pub(super) fn wrapped(text: &str, indent: usize, columns: usize) -> String {
    // On a narrow terminal the text is worth more than its alignment.
    let indent = if indent > columns / 3 { 2 } else { indent };
    text.lines().map(|line| one(line, indent, columns)).collect::<Vec<_>>().join("\n")
}

/// Sentences of a run: what does not fit goes on below each, a little further in.
pub(super) fn sentences(text: &str, columns: usize) -> String {
    let one = |line: &str| {
        let further = line.len() - line.trim_start().len() + 2;
        wrapped(line, further, columns)
    };
    text.lines().map(one).collect::<Vec<_>>().join("\n")
}

fn one(line: &str, indent: usize, columns: usize) -> String {
    if measure_text_width(line) <= columns || is_command(line) {
        return line.to_owned();
    }
    let mut all = String::new();
    let mut column = 0;
    // What stands between two words stays between them, but for where the line is broken.
    let mut between = String::new();
    for piece in line.split_inclusive(' ') {
        let word = piece.trim_end_matches(' ');
        let length = measure_text_width(word);
        if word.is_empty() {
            between += piece;
            continue;
        }
        let at = column + between.len();
        if all.is_empty() {
            between.truncate(indent);
        } else if at > indent && at + length > columns {
            all += &format!("\n{:indent$}", "");
            (column, between) = (indent, String::new());
        }
        all += &format!("{between}{word}");
        column += between.len() + length;
        between = piece[word.len()..].to_owned();
    }
    all
}

/// Broken, a shell would run its first half.
fn is_command(line: &str) -> bool {
    let bare = line.trim_start();
    let bare = bare.strip_prefix("fix: ").unwrap_or(bare);
    ["kubectl", "sandbox-lifecycle"]
        .iter()
        .any(|name| bare.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_go_on_below_their_text() {
        let text = "drift    self-heal of Application argocd/erp-sandbox is off\nshort    as it was";
        let broken = "drift    self-heal of\n         Application\n         argocd/erp-sandbox\n         is off\nshort    as it was";
        assert_eq!(wrapped(text, 9, 28), broken);
        assert_eq!(wrapped(text, 9, 60), text);
        assert_eq!(wrapped("a        b", 2, 8), "a\n  b");
        assert_eq!(wrapped("one two three", 9, 9), "one two\n  three");
        assert_eq!(wrapped("         one two three", 9, 9), "  one two\n  three");
        assert_eq!(wrapped("one unbreakable-as-it-is two", 2, 9), "one\n  unbreakable-as-it-is\n  two");
    }

    #[test]
    fn sentences_go_on_further_in_and_colours_take_no_room() {
        let text = "error: one two three\n  - four five six";
        assert_eq!(sentences(text, 14), "error: one two\n  three\n  - four five\n    six");
        assert_eq!(sentences("\u{1b}[31merror:\u{1b}[0m one two", 14), "\u{1b}[31merror:\u{1b}[0m one two");
    }

    #[test]
    fn a_command_is_left_to_the_terminal() {
        let fix = "         fix: kubectl -n erp scale deployment erp --replicas=1";
        assert_eq!(wrapped(fix, 9, 20), fix);
        assert_ne!(wrapped("         fix: kubectls of another kind must know", 9, 20), fix);
    }
}
