//! What comes from outside, at random: nothing makes a parser panic, and what is taken keeps its promises.
//!
//! Bounded by the number of cases, so that it ends; a case that fails is printed with its seed and made smaller.

mod documents;
mod journal;
mod scripts;
mod streams;

use proptest::collection::vec;
use proptest::prelude::*;
use sandbox_lifecycle::documents::archive::{Format, Member, Piece, Reader, end, header, padding};
use sandbox_lifecycle::documents::manifest::{Kind, Manifest, Parser, Time};
use sandbox_lifecycle::jobs::Event;
use std::process::Command;

const LIST: &[u8] = b"head printf gnu 1700000000 0 33 34\0d 755 4096 1700000000.1234567890 1.5\0./m\0\0\
    f 4750 12 -2.7500000000 1.0\0./m/a\nb \xff\0\0l 777 4 1.0 1.0\0./m/l\0/etc\0end\0";
const EVENT: &str = r#"{"event":"refused","code":23,"reason":"objects","items":["table x","table y"]}"#;
const SETTINGS: &str = "prod-namespace = \"erp\"\nmin-tables = 250\ndocuments-tree = [\"mycompany\", \"a/b\"]\n";

/// A good text in which a few bytes were put, taken away or replaced.
fn bent(whole: impl Into<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let whole: Vec<u8> = whole.into();
    vec((0..whole.len(), any::<u8>(), 0..3_u8), 0..6).prop_map(move |edits| {
        let mut text = whole.clone();
        for (at, byte, how) in edits {
            let at = at.min(text.len().saturating_sub(1));
            match how {
                0 => text.insert(at, byte),
                1 if !text.is_empty() => drop(text.remove(at)),
                _ => text[at] = byte,
            }
        }
        text
    })
}

fn listed(text: &[u8], piece: usize) -> Option<Manifest> {
    let mut parser = Parser::default();
    text.chunks(piece).try_for_each(|bytes| parser.feed(bytes)).ok()?;
    parser.finish(&["m".to_owned()]).ok()
}

/// Every path that was taken lies in the tree, and leads nowhere else.
fn stays_inside(manifest: &Manifest) -> bool {
    manifest.entries().iter().all(|entry| {
        let path = manifest.path(entry);
        let inside = path == b"./m" || path.starts_with(b"./m/");
        inside && path[2..].split(|byte| *byte == b'/').all(|part| !part.is_empty() && part != b"." && part != b"..")
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_list_of_documents_never_leads_out_of_its_tree(text in prop_oneof![bent(LIST), vec(any::<u8>(), 0..200)], piece in 1..64_usize) {
        prop_assert!(listed(&text, piece).is_none_or(|manifest| stays_inside(&manifest)));
    }

    #[test]
    fn a_line_of_a_script_is_an_event_or_none(line in prop_oneof![bent(EVENT.as_bytes()), vec(any::<u8>(), 0..100)]) {
        let line = String::from_utf8_lossy(&line);
        let is_object = line.starts_with('{');
        prop_assert!(Event::parse(&line).is_none() || is_object);
    }
}

/// An archive with one file of ten bytes.
fn archive() -> Vec<u8> {
    let member = Member {
        path: b"./m/a".to_vec(),
        kind: Kind::File,
        link: Vec::new(),
        mode: 0o644,
        size: 10,
        mtime: Time { seconds: 1_700_000_000, nanos: 5 },
    };
    let mut whole = header(&member, Format::Pax, (33, 33));
    whole.extend([b'x'; 10]);
    whole.extend(vec![0; padding(10)]);
    whole.extend(end());
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn an_archive_with_damage_is_refused_or_read_to_its_end(edits in vec((0..2_000_usize, any::<u8>()), 1..5), piece in 1..900_usize) {
        let mut text = archive();
        let length = text.len();
        edits.iter().for_each(|(at, byte)| text[at % length] = *byte);
        let mut reader = Reader::default();
        let mut content = 0;
        let fed = text.chunks(piece).try_for_each(|bytes| {
            reader.feed(bytes, &mut |read| {
                if let Piece::Data(bytes) = read {
                    content += bytes.len();
                }
                Ok(())
            })
        });
        // Never more than came in, whatever a header says.
        prop_assert!(content <= text.len());
        prop_assert!(fed.is_err() || reader.finish().is_err() || content <= length);
    }
}

proptest! {
    // Each is a process.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(60) })]

    #[test]
    fn a_settings_file_of_anything_is_used_or_refused_in_a_sentence(text in bent(SETTINGS.as_bytes())) {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("s.toml");
        std::fs::write(&file, &text).expect("a file");
        let output = Command::new(env!("CARGO_BIN_EXE_sandbox-lifecycle"))
            .args(["--config", file.to_str().expect("a plain path"), "--dry-run", "refresh"])
            .env_clear()
            .env("KUBECONFIG", directory.path().join("none"))
            .output()
            .expect("the binary starts");
        let said = String::from_utf8_lossy(&output.stderr);
        prop_assert!(matches!(output.status.code(), Some(1 | 2)), "{:?}: {said}", output.status);
        prop_assert!(!said.contains("panicked") && said.contains("error: "), "{said}");
    }
}
