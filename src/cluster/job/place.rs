//! Where the reading of a log stands: which lines were given, whatever ends its stream, and where the node begins a new file meanwhile.
//!
//! Each stream of a log begins with the first line of its file, which the node starts anew when it has grown (10 MiB unless the node
//! is set otherwise). The time in front of a line tells the container's own from what a kubelet writes into a stream to say why it
//! ends it ("failed to create fsnotify watcher: too many open files").
use jiff::Timestamp;

/// Runtimes keep a longer line in pieces, and the last piece is what a kubelet takes for the last line.
const LONGEST_PIECE: usize = 8 * 1024;

/// The lines that were given, over several streams.
#[derive(Debug, Default)]
pub(super) struct Place {
    /// The first line of the file that is read.
    first: Vec<u8>,
    /// So many lines of it.
    given: usize,
    last: Vec<u8>,
    /// Lines of the stream that is read.
    seen: usize,
    /// The file is another one than that of the last line given.
    is_new: bool,
}

impl Place {
    /// The next line comes from the beginning of the log.
    pub(super) fn begin_again(&mut self) {
        self.seen = 0;
    }

    /// A line of the container's, with its time and its newline: what it says, unless it was given before.
    pub(super) fn take(&mut self, line: &[u8]) -> Option<String> {
        let (at, text) = stamped(line)?;
        if self.seen == 0 && self.first != line {
            self.is_new = !self.last.is_empty();
            self.first = line.to_vec();
        }
        self.seen += 1;
        let is_given = match self.is_new {
            true => stamped(&self.last).is_some_and(|(last, _)| at <= last),
            false => self.seen <= self.given,
        };
        if is_given {
            return None;
        }
        (self.given, self.is_new, self.last) = (self.seen, false, line.to_vec());
        Some(String::from_utf8_lossy(text).into_owned())
    }

    /// Is this the line that was given last?
    pub(super) fn is_at(&self, last: &[Vec<u8>]) -> bool {
        matches!(last, [last] if *last == self.last)
    }

    /// Are these all lines of the log, if what was asked for as its last line is `last`?
    pub(super) fn is_whole(&self, lines: &[Vec<u8>], last: &[Vec<u8>]) -> bool {
        match (lines.last(), last.last()) {
            (Some(line), Some(last)) => line == last || is_piece(line, last),
            // Nothing was ever written.
            (None, None) => self.last.is_empty(),
            _ => false,
        }
    }
}

/// A line's time, and what it says; `None` where the container did not write it.
pub(super) fn stamped(line: &[u8]) -> Option<(Timestamp, &[u8])> {
    let end = line.iter().position(|&byte| byte == b' ')?;
    let at = str::from_utf8(&line[..end]).ok()?.parse().ok()?;
    let text = &line[end + 1..];
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    Some((at, text.strip_suffix(b"\r").unwrap_or(text)))
}

fn is_piece(line: &[u8], last: &[u8]) -> bool {
    let (Some((_, line)), Some((_, last))) = (stamped(line), stamped(last)) else { return false };
    line.len() > LONGEST_PIECE && !last.is_empty() && line.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of a log, some of the same words.
    fn log(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| format!("2026-11-28T13:00:{n:02}.000000001Z line {}\n", n % 3).into_bytes()).collect()
    }

    /// Of each stream: so many lines later than the one before its file begins, and so many lines are read of it.
    fn gives_every_line_once(count: usize, streams: Vec<(usize, usize)>) -> Result<(), TestCaseError> {
        let (all, mut place, mut given) = (log(count), Place::default(), Vec::new());
        let mut file = 0;
        // The last stream comes to its end.
        for (begins, length) in streams.into_iter().chain([(0, count)]) {
            // A new file holds all that was not given, and may hold more.
            file = (file + begins).min(given.len());
            place.begin_again();
            given.extend(all[file..].iter().take(length).filter_map(|line| place.take(line)));
        }
        let words: Vec<String> = (0..count).map(|n| format!("line {}", n % 3)).collect();
        prop_assert_eq!(given, words);
        prop_assert!(place.is_at(&all[count - 1..]));
        prop_assert!(file == count || place.is_whole(&all[file..], &all[count - 1..]));
        Ok(())
    }

    /// With this the property once failed.
    #[test]
    fn a_new_file_without_a_line_does_not_forget_the_last_one() {
        gives_every_line_once(1, vec![(0, 1), (1, 0)]).expect("each line once");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

        #[test]
        fn every_line_is_given_once_wherever_streams_end_and_files_begin(
            count in 1..30_usize, streams in proptest::collection::vec((0..30_usize, 0..30_usize), 0..6)
        ) {
            gives_every_line_once(count, streams)?;
        }
    }

    #[test]
    fn what_a_kubelet_says_for_itself_is_no_line() {
        assert_eq!(stamped(b"failed to create fsnotify watcher: too many open files"), None);
        assert_eq!(stamped(b"2026-11-28T13:00"), None, "cut within the time");
        let here = stamped(b"2026-11-28T14:00:00.123456789+01:00 a\xff b\r\n").expect("a line");
        assert_eq!(here, ("2026-11-28T13:00:00.123456789Z".parse().expect("a time"), &b"a\xff b"[..]));
    }

    #[test]
    fn a_log_is_whole_only_with_its_last_line() {
        let (all, none) = (log(3), Place::default());
        assert!(none.is_whole(&[], &[]) && none.is_whole(&all, &all[2..]));
        assert!(!none.is_whole(&all[..2], &all[2..]) && !none.is_whole(&all, &[]) && !none.is_whole(&[], &all[2..]));
        let half = [all[2][..35].to_vec()];
        assert!(!none.is_whole(&all, &half), "the last line was cut");
        let long = format!("2026-11-28T13:00:00Z {}", "x".repeat(20_000)).into_bytes();
        let piece = b"2026-11-28T13:00:01Z xxx".to_vec();
        assert!(none.is_whole(&[long], &[piece]), "a long line is kept in pieces");
    }
}
