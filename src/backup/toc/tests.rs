//! A dump as `pg_dump` lays it out, byte for byte; real ones are read in `tests/it/backup`.
use super::*;

fn int(value: i64) -> Vec<u8> {
    [&[u8::from(value < 0)][..], &(value.unsigned_abs() as u32).to_le_bytes()].concat()
}

fn text(text: &str) -> Vec<u8> {
    [int(text.len() as i64), text.as_bytes().to_vec()].concat()
}

fn head(minor: u8, entries: i64) -> Vec<u8> {
    let compression = if minor >= 15 { vec![1] } else { int(1) };
    let texts = ["erp", "15.18", "17.2"].map(text).concat();
    [b"PGDMP".to_vec(), vec![1, minor, 0, 4, 8, 1], compression, int(0).repeat(7), texts, int(entries)].concat()
}

fn entry(minor: u8, id: i64, what: &str, (state, place): (u8, u64)) -> Vec<u8> {
    let mut bytes = [int(id), int(1), text("1259"), text("700"), text("llx_a"), text(what), int(3)].concat();
    bytes.extend(text("a definition"));
    bytes.extend(int(-1).repeat(if minor >= 14 { 5 } else { 4 }));
    bytes.extend(if minor >= 16 { int(114) } else { Vec::new() });
    bytes.extend([text("erp_role"), text("false"), text("7"), int(-1), vec![state]].concat());
    bytes.extend(place.to_le_bytes());
    bytes
}

/// A table, and its data in two chunks.
fn dump(minor: u8) -> Vec<u8> {
    let start = [head(minor, 2), entry(minor, 5, "TABLE", (NO_DATA, 0))].concat();
    let place = (start.len() + entry(minor, 9, "TABLE DATA", (AT, 0)).len()) as u64;
    let data = [vec![DATA], int(9), int(3), b"abc".to_vec(), int(1), b"d".to_vec(), int(0)].concat();
    [start, entry(minor, 9, "TABLE DATA", (AT, place)), data].concat()
}

fn read(dump: &[u8], piece: usize) -> Result<Option<Toc>> {
    let mut reader = Reader::default();
    dump.chunks(piece).try_for_each(|bytes| reader.feed(bytes))?;
    reader.finish()
}

#[test]
fn a_dump_of_any_known_version_reads_the_same_in_any_pieces() {
    for minor in OLDEST..=NEWEST {
        for piece in [1, 7, 10_000] {
            let toc = read(&dump(minor), piece).expect("a dump").expect("a known version");
            assert_eq!(toc.entries, ["5; 1259 700 TABLE ", "9; 1259 700 TABLE DATA "]);
            assert_eq!(toc.blocks, 1);
        }
    }
}

#[test]
fn a_dump_that_is_cut_anywhere_is_refused() {
    let whole = dump(14);
    for cut in 0..whole.len() {
        assert!(read(&whole[..cut], 1000).is_err(), "cut at {cut}");
    }
    assert!(read(&[whole, vec![DATA]].concat(), 1000).is_err(), "more behind the end");
}

#[test]
fn data_that_is_lacking_elsewhere_or_of_nobody_is_found() {
    let whole = dump(14);
    let data = 5 + 5 + 5 + 3 + 5 + 1 + 1;
    let lacks = read(&whole[..whole.len() - data], 100).expect_err("no data");
    assert!(lacks.to_string().contains("lacks the data of 1"), "{lacks}");
    let mut elsewhere = whole.clone();
    elsewhere.splice(whole.len() - data..whole.len() - data, [vec![DATA], int(5), int(0)].concat());
    assert!(read(&elsewhere, 100).is_err());
    let other = [head(14, 1), entry(14, 9, "TABLE DATA", (AT, 3)), vec![DATA], int(9), int(0)].concat();
    assert!(read(&other, 100).is_err(), "not where the table of contents says");
    let untold = [head(14, 1), entry(14, 9, "TABLE DATA", (1, 0)), vec![DATA], int(9), int(0)].concat();
    assert!(read(&untold, 100).is_ok(), "where it is need not be told");
}

#[test]
fn what_is_no_dump_is_refused_and_of_a_newer_version_nothing_is_said() {
    assert!(read(b"PGDUMP is something else", 5).is_err());
    assert!(read(b"", 5).is_err());
    assert_eq!(read(&dump(17), 5).expect("no error"), None);
}

#[test]
fn the_list_of_pg_restore_agrees_or_not() {
    let toc = read(&dump(14), 100).expect("a dump").expect("a known version");
    let list = ";\n; Archive created at …\n;\n5; 1259 700 TABLE public llx_a erp_role\n9; 1259 700 TABLE DATA public llx_a erp_role\n";
    toc.agrees(list).expect("the same");
    toc.agrees("5; 1259 700 TABLE public llx_a erp_role\n").expect("it leaves something out");
    for other in ["", ";\n", "6; 1259 700 TABLE public llx_a erp_role\n", "5; 1259 701 TABLE public llx_a erp_role\n"] {
        assert!(toc.agrees(other).is_err(), "{other}");
    }
}
