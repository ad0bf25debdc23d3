//! Archives as production's pods write them, and as they should not be.
use super::super::Parser;
use super::*;
use crate::documents::archive::{Format, end, header, padding};

fn member(path: &str, kind: Kind, link: &str, size: u64) -> Member {
    let mtime = Time { seconds: 7, nanos: 0 };
    Member { path: path.into(), kind, link: link.into(), mode: 0o644, size, mtime }
}

fn file(path: &str) -> Member {
    member(path, Kind::File, "", 3)
}

fn directory(path: &str) -> Member {
    member(path, Kind::Directory, "", 0)
}

fn packed(members: &[Member]) -> Result<Packed> {
    let mut stream = Vec::new();
    for member in members {
        stream.extend(header(member, Format::Pax, (0, 0)));
        stream.extend(vec![b'x'; member.size as usize]);
        stream.extend(vec![0; padding(member.size)]);
    }
    stream.extend(end());
    let mut inventory = Inventory::default();
    stream.chunks(700).try_for_each(|bytes| inventory.feed(bytes))?;
    inventory.finish()
}

/// The root, a tree with a file, and one more member.
fn with(other: Member) -> Result<Packed> {
    packed(&[directory("."), directory("./m"), file("./m/a"), other])
}

fn listed(entries: &str) -> Manifest {
    let mut parser = Parser::default();
    parser.feed(format!("head printf gnu 1 0 33 33\0{entries}end\0").as_bytes()).expect("records");
    parser.finish(&["m".to_owned()]).expect("a whole list")
}

fn trees(packed: Packed, names: &[&str]) -> Result<Packed> {
    packed.only(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
}

#[test]
fn an_archive_is_counted_and_gives_the_manifest_of_its_trees() {
    let whole = packed(&[
        directory("."),
        directory("./m"),
        file("./m/b"),
        member("./m/l", Kind::Link, "/etc/passwd", 0),
        file("./install.lock"),
        directory("./m2"),
        directory("./m2/deep"),
        file("./m2/deep/c"),
    ]);
    let whole = whole.expect("an archive");
    assert_eq!((whole.entries, whole.files, whole.bytes), (8, 3, 9));
    let only = trees(whole, &["m", "m2/deep"]).expect("both are there");
    let paths: Vec<String> = only.manifest.entries().iter().map(|entry| shown(only.manifest.path(entry))).collect();
    assert_eq!(paths, ["m", "m/b", "m/l", "m2/deep", "m2/deep/c"]);
    assert_eq!(only.manifest.link(only.manifest.find(b"./m/l").expect("the link")), b"/etc/passwd");
    for lacking in ["other", "m/b", "m2/deep/c/d"] {
        let whole = with(file("./m/b")).expect("an archive");
        assert!(trees(whole, &[lacking]).is_err(), "{lacking}");
    }
}

#[test]
fn a_member_that_leads_elsewhere_refuses_the_whole_archive() {
    assert!(with(file("./m/b")).is_ok());
    for path in
        ["/etc/passwd", "../x", "./../x", "./m/../../x", "./m//x", "./m/./x", "m/x", "x", "", "./m/a/x", "./other/x"]
    {
        assert!(with(file(path)).is_err(), "{path:?}");
        assert!(with(directory(path)).is_err(), "{path:?}");
    }
    assert!(with(file(".")).is_err(), "the root is a directory");
    assert!(with(file("./m/a")).is_err(), "twice");
    assert!(with(file(&format!("./m/{}", "a/".repeat(2100) + "a"))).is_err(), "longer than a path may be");
    let mut through = vec![directory("./m"), member("./m/l", Kind::Link, "/etc", 0), file("./m/l/passwd")];
    assert!(packed(&through).is_err(), "through a link");
    through.swap(1, 2);
    assert!(packed(&through).is_err(), "in whatever order");
}

#[test]
fn a_hard_link_leads_to_a_file_of_the_archive_and_nowhere_else() {
    let hard = |link: &str| with(member("./m/h", Kind::File, link, 0));
    for link in ["/etc/shadow", "../x", "./m/../../x", "./m", "./m/h", "./m/none", "m/a"] {
        assert!(hard(link).is_err(), "{link:?}");
    }
    let found = hard("./m/a").expect("an archive");
    assert_eq!(found.manifest.find(b"./m/h").map(|entry| entry.size), Some(3));
    let outside = packed(&[directory("./m"), file("./x"), member("./m/h", Kind::File, "./x", 0)]);
    assert!(trees(outside.expect("an archive"), &["m"]).is_err());
}

#[test]
fn a_hard_link_that_is_sent_brings_its_file_along() {
    let found = with(member("./m/h", Kind::File, "./m/a", 0)).expect("an archive");
    let both = "d 644 0 7.0 1.0\0./m\0\0f 644 3 7.0 1.0\0./m/a\0\0f 644 3 7.0 1.0\0./m/h\0\0";
    assert!(found.delta(&listed(both)).is_empty());
    let one = "d 644 0 7.0 1.0\0./m\0\0f 644 3 7.0 1.0\0./m/a\0\0";
    let delta = found.delta(&listed(one));
    let paths: Vec<String> =
        delta.send.iter().map(|&at| shown(found.manifest.path(&found.manifest.entries()[at]))).collect();
    assert_eq!(paths, ["m", "m/a", "m/h"]);
}

#[test]
fn whole_seconds_are_compared_as_such_where_the_archive_has_no_more() {
    let target = listed("d 644 0 7.5 1.0\0./m\0\0f 644 3 7.25 1.0\0./m/a\0\0");
    let coarse = packed(&[directory("./m"), file("./m/a")]).expect("an archive");
    assert!(coarse.delta(&target).is_empty());
    let fine = Member { mtime: Time { seconds: 7, nanos: 1 }, ..file("./m/a") };
    let fine = packed(&[directory("./m"), fine]).expect("an archive");
    assert_eq!(fine.delta(&target).send.len(), 2);
}

#[test]
fn a_device_or_fifo_is_counted_and_never_sent() {
    let mut stream = header(&directory("./m"), Format::Gnu, (0, 0));
    let mut device = header(&member("./m/null", Kind::Link, "", 0), Format::Gnu, (0, 0));
    device[156] = b'3';
    let sum: u32 = device.iter().map(|&byte| u32::from(byte)).sum::<u32>()
        - device[148..156].iter().map(|&byte| u32::from(byte)).sum::<u32>()
        + 8 * 32;
    device[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    stream.extend(device);
    stream.extend(end());
    let mut inventory = Inventory::default();
    inventory.feed(&stream).expect("an archive");
    let delta = inventory.finish().expect("an archive").delta(&listed("d 644 0 7.0 1.0\0./m\0\0"));
    assert_eq!((delta.special, delta.is_empty()), (1, true));
}
