//! Lists as pods write them, and as they should not.
use super::*;

fn parse(text: &[u8], piece: usize) -> Result<Manifest> {
    let mut parser = Parser::default();
    text.chunks(piece).try_for_each(|bytes| parser.feed(bytes))?;
    parser.finish(&["m".to_owned()])
}

const LIST: &[u8] = b"head printf gnu 1700000000 0 33 34\0d 755 4096 1700000000.1234567890 1.5\0./m\0\0\
    f 4750 12 -2.7500000000 1.0\0./m/a\nb \xff\0\0l 777 4 1.0 1.0\0./m/l\0/etc\0end\0";

#[test]
fn a_list_reads_the_same_in_any_pieces() {
    for piece in [1, 2, 13, 10_000] {
        let manifest = parse(LIST, piece).expect("a good list");
        assert_eq!(manifest.head.owner, Some((33, 34)));
        assert!(manifest.head.nanos());
        let file = manifest.entries()[1];
        assert_eq!((file.kind, file.mode, file.size), (Kind::File, 0o4750, 12));
        assert_eq!(file.mtime, Time { seconds: -2, nanos: 750_000_000 });
        let link = manifest.find(b"./m/l").expect("listed");
        assert_eq!(manifest.link(link), b"/etc");
    }
}

#[test]
fn a_list_that_is_cut_anywhere_is_refused() {
    let whole = LIST;
    for cut in 0..whole.len() {
        assert!(parse(&whole[..cut], 1000).is_err(), "cut at {cut}");
    }
    assert!(parse(&[whole, b"x\0"].concat(), 1000).is_err(), "more behind the end");
}

#[test]
fn the_other_dialect_knows_types_by_their_mode() {
    let text = b"head stat other 100 33 - -\x0041ed 4096 10 11\0./m\0\x0081a4 5 10 11\0./m/f\0\0a1ff 1 10 11\0./m/l\0t\0c1ff 0 1 1\0./m/s\0\0end\0";
    let manifest = parse(text, 5);
    let kinds: Vec<Kind> = manifest.expect("a good list").entries().iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::Directory, Kind::File, Kind::Link, Kind::Special]);
}

#[test]
fn a_list_never_leads_out_of_its_trees() {
    let with = |path: &str| {
        format!("head printf gnu 1 0 33 33\0d 755 0 1.0 1.0\0./m\0\0f 644 0 1.0 1.0\0{path}\0\0end\0").into_bytes()
    };
    assert!(parse(&with("./m/x"), 100).is_ok());
    for path in [
        "/etc/x",
        "./m/../x",
        "../x",
        "./other",
        "./m//x",
        "./m/./x",
        "./m/",
        "m/x",
        "./mx",
        "./m/missing/x",
        "./m",
        "",
    ] {
        assert!(parse(&with(path), 100).is_err(), "{path:?}");
    }
    let through = b"head printf gnu 1 0 33 33\0d 755 0 1.0 1.0\0./m\0\0l 777 0 1.0 1.0\0./m/l\0/etc\0f 644 0 1.0 1.0\0./m/l/x\0\0end\0";
    assert!(parse(through, 100).is_err(), "through a link");
}
