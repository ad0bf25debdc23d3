//! What tar says on stderr: which of it is the life of a production in use, and which is a failure.

/// Lines as they come, sorted.
#[derive(Debug, Default)]
pub struct Complaints {
    pending: Vec<u8>,
    /// Files that went or changed while they were read.
    pub lively: u64,
    /// Everything else: a read error, a refused permission. The first few.
    pub serious: Vec<String>,
    /// A file shrank while it was read, and tar stopped there: busybox's does.
    pub stopped: bool,
}

/// How many serious lines are kept: enough for a message.
const KEPT: usize = 20;
const LINE: usize = 16 * 1024;
const SHORT_READ: &str = "tar: short read";

impl Complaints {
    pub fn feed(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            self.pending.extend_from_slice(piece);
            if piece.ends_with(b"\n") || self.pending.len() > LINE {
                self.settle();
            }
        }
    }

    /// The first serious lines, as one: they name what is wrong, the many others what comes of it.
    pub fn first(&self) -> String {
        self.serious.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("; ")
    }

    /// The last line may lack its end.
    pub fn settle(&mut self) {
        let line = String::from_utf8_lossy(&self.pending).trim().to_owned();
        self.pending.clear();
        match line.as_str() {
            "" => {}
            line if harmless(line) => {}
            line if lively(line) => {
                self.lively += 1;
                self.stopped |= line == SHORT_READ;
            }
            _ if self.serious.len() < KEPT => self.serious.push(line),
            _ => {}
        }
    }
}

/// GNU tar and busybox tar, in English: the scripts see to that.
fn lively(line: &str) -> bool {
    let ends = ["No such file or directory", "file changed as we read it", "File removed before we read it"];
    line.contains(": File shrank by ") || ends.iter().any(|end| line.ends_with(end)) || line == SHORT_READ
}

/// Sums up other lines, or speaks of what is not copied anyway.
fn harmless(line: &str) -> bool {
    let ends = [
        "Exiting with failure status due to previous errors",
        "socket ignored",
        "error exit delayed from previous errors",
    ];
    ends.iter().any(|end| line.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changes_is_life_and_a_read_error_is_not() {
        let said = b"tar: ./m/a: file changed as we read it\ntar: ./m/b: Cannot stat: No such file or directory\n\
            tar: ./m/c: File shrank by 12 bytes; padding with zeros\n\
            tar: ./m/d: Read error at byte 0, while reading 512 bytes: Input/output error\n\
            tar: Exiting with failure status due to previous errors\ntar: ./m/e: Cannot open: Permission denied";
        for piece in [1, 7, 1000] {
            let mut complaints = Complaints::default();
            said.chunks(piece).for_each(|bytes| complaints.feed(bytes));
            complaints.settle();
            assert_eq!(complaints.lively, 3);
            assert_eq!(complaints.serious.len(), 2, "{:?}", complaints.serious);
        }
    }
}
