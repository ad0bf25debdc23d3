//! Streams that say of themselves how long they are: cut anywhere they are never whole, and how they come in pieces is all the same.

use super::{LIST, archive, bent, listed};
use proptest::collection::vec;
use proptest::prelude::*;
use sandbox_lifecycle::backup::manifest::Manifest as Set;
use sandbox_lifecycle::backup::{self, Part};
use sandbox_lifecycle::documents::archive::{Format, Piece, Reader};
use sandbox_lifecycle::documents::frames::{Framer, ROOM};
use sandbox_lifecycle::documents::manifest::Manifest;
use sandbox_lifecycle::documents::sieve::Sieve;
use sandbox_lifecycle::golden::manifest::Checkpoint;
use sandbox_lifecycle::golden::shelf;

/// All members and their content, if the archive is whole.
fn read(text: &[u8], piece: usize) -> Option<Vec<String>> {
    let (mut reader, mut members) = (Reader::default(), Vec::new());
    let fed = text.chunks(piece).try_for_each(|bytes| {
        reader.feed(bytes, &mut |read| {
            match read {
                Piece::Member(member) => members.push(format!("{member:?} ")),
                Piece::Data(bytes) => members.iter_mut().last().expect("a member").push_str(&format!("{bytes:?}")),
                Piece::End => {}
            }
            Ok(())
        })
    });
    let joined = members.into_iter().map(|member| member.replace("][", ", ")).collect();
    fed.and_then(|()| reader.finish()).ok().map(|()| joined)
}

#[test]
fn a_list_of_documents_that_is_cut_anywhere_is_none() {
    for cut in 0..LIST.len() {
        assert!(listed(&LIST[..cut], 7).is_none(), "cut at {cut}");
    }
    let whole = listed(LIST, LIST.len()).expect("a list").summary();
    for piece in 1..LIST.len() {
        assert_eq!(listed(LIST, piece).map(|manifest| manifest.summary()), Some(whole.clone()), "in pieces of {piece}");
    }
}

#[test]
fn an_archive_that_is_cut_before_its_end_is_none() {
    let whole = archive();
    // Two empty blocks are its end; one of them is enough to know that nothing is missing.
    let end = whole.iter().rposition(|byte| *byte != 0).expect("content").next_multiple_of(512);
    for cut in 0..end + 512 {
        assert!(read(&whole[..cut], 100).is_none(), "cut at {cut}");
    }
    let members = read(&whole, whole.len());
    for piece in 1..whole.len() {
        assert_eq!(read(&whole, piece), members, "in pieces of {piece}");
    }
}

/// A list of two checkpoints, as the golden Pod sends it.
fn shelved() -> Vec<u8> {
    let mut list = Vec::new();
    for name in ["golden", "before-migration"] {
        let sealed = Checkpoint { name: name.to_owned(), ..Checkpoint::default() }.seal().expect("JSON");
        list.extend(format!("manifest {name} {}\n{sealed}\n", sealed.len()).into_bytes());
    }
    list.extend(b"end\n");
    list
}

#[test]
fn a_list_of_checkpoints_that_is_cut_anywhere_is_none() {
    let list = shelved();
    assert_eq!(shelf::manifests(&list).expect("a list").0.len(), 2);
    for cut in 0..list.len() {
        assert!(shelf::manifests(&list[..cut]).is_err(), "cut at {cut}");
    }
}

/// What the archive holds, as it is listed.
const ONE_FILE: &[u8] =
    b"head printf gnu 1700000000 0 33 34\0d 755 4096 1.0 1.0\0./m\0\0f 644 10 1700000000.0000000005 1.0\0./m/a\0\0end\0";

/// Everything that the source sends, sieved; the target's stream, if it has an end.
fn sieved(source: &Manifest, text: &[u8], piece: usize) -> Option<Vec<u8>> {
    let wanted: Vec<usize> = (0..source.entries().len()).collect();
    let mut sieve = Sieve::new(source, &wanted, Framer::default(), Format::Pax, (33, 33));
    let mut chunks = Vec::new();
    for bytes in text.chunks(piece) {
        chunks.extend(sieve.feed(bytes).ok()?);
    }
    chunks.extend(sieve.finish().ok()?.0);
    Some(chunks.iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn a_list_of_checkpoints_has_no_manifest_but_those_that_were_sealed(text in prop_oneof![bent(shelved()), vec(any::<u8>(), 0..200)]) {
        if let Ok((found, _)) = shelf::manifests(&text) {
            let names = ["golden", "before-migration"];
            prop_assert!(found.iter().all(|(name, one)| one.is_err() || names.contains(&name.as_str())));
        }
        shelf::sums(&text);
        shelf::bytes(&text);
    }

    #[test]
    fn a_key_in_the_bucket_is_a_part_of_a_set_or_none(key in prop_oneof![
        "(db/|docs/|)[0-9T]{0,9}T[0-9]{0,7}Z-[0-9a-g]{0,9}\\.(dump|set\\.json|tar|json|read\\.json)(\\.age)?", ".{0,60}"
    ]) {
        if let Some((part, id)) = Part::of(&key) {
            prop_assert!(part.key(id, false) == key || part.key(id, true) == key || key.ends_with(".age"), "{key}");
            prop_assert!(backup::begun(id).is_some());
        }
    }

    #[test]
    fn a_manifest_in_the_bucket_is_read_or_refused(text in bent(serde_json::to_vec(&Set::default()).expect("JSON"))) {
        if let Ok(set) = serde_json::from_slice::<Set>(&text) {
            let again = serde_json::to_vec(&set).expect("JSON");
            prop_assert_eq!(serde_json::from_slice::<Set>(&again).expect("what it wrote itself"), set);
        }
    }

    #[test]
    fn what_comes_to_the_target_has_an_end_only_where_the_sources_archive_had(edits in vec((0..2_000_usize, any::<u8>()), 0..3), cut in 0..4_000_usize, piece in 1..900_usize) {
        let source = listed(ONE_FILE, 9).expect("a list");
        let mut text = archive();
        let length = text.len();
        edits.iter().for_each(|(at, byte)| text[at % length] = *byte);
        text.truncate(cut);
        let (sieved, whole) = (sieved(&source, &text, piece), read(&text, 512).is_some());
        prop_assert_eq!(sieved.is_some(), whole);
        prop_assert!(sieved.is_none_or(|stream| stream.ends_with(b"end\n")));
    }
}
