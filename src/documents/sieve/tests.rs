//! A source that sends what it was not asked for.
use super::super::manifest::Parser;
use super::*;
use crate::documents::frames::ROOM;

fn source() -> Manifest {
    let text = b"head printf gnu 1 0 33 33\0d 755 0 1.0 1.0\0./m\0\0f 644 2 1.0 1.0\0./m/a\0\0f 644 2 1.0 1.0\0./m/b\0\0l 777 4 1.0 1.0\0./m/l\0/etc\0end\0";
    let mut parser = Parser::default();
    parser.feed(text).expect("records");
    parser.finish(&["m".to_owned()]).expect("a whole list")
}

fn member(path: &str, kind: Kind, link: &str, size: u64) -> Member {
    let mtime = Time { seconds: 1, nanos: 0 };
    Member {
        path: path.into(),
        kind,
        link: link.into(),
        mode: if kind == Kind::Link { 0o777 } else { 0o644 },
        size,
        mtime,
    }
}

fn archive(members: &[Member]) -> Vec<u8> {
    let mut stream = Vec::new();
    for member in members {
        stream.extend(header(member, Format::Pax, (0, 0)));
        stream.extend(vec![b'x'; member.size as usize]);
        stream.extend(vec![0; padding(member.size)]);
    }
    stream.extend(end());
    stream
}

/// What is left of an archive when a, b and the link were asked for.
fn sieved(members: &[Member]) -> (Vec<u8>, Passed) {
    let source = source();
    let wanted = [b"./m/a", b"./m/b", b"./m/l"].map(|path| source.position(path).expect("listed"));
    let mut sieve = Sieve::new(&source, &wanted, Framer::default(), Format::Pax, (0, 0));
    let mut chunks: Vec<Chunk> =
        archive(members).chunks(100).flat_map(|piece| sieve.feed(piece).expect("an archive")).collect();
    let (last, passed) = sieve.finish().expect("a whole archive");
    chunks.extend(last);
    let mut stream: Vec<u8> = chunks.into_iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect();
    let line = stream.iter().position(|&byte| byte == b'\n').expect("a frame");
    stream.drain(..=line);
    stream.truncate(stream.len() - b"end\n".len());
    (stream, passed)
}

#[test]
fn what_was_asked_for_goes_through() {
    let members = [member("./m/a", Kind::File, "", 2), member("./m/l", Kind::Link, "/etc", 0)];
    let (stream, passed) = sieved(&members);
    assert!(stream == archive(&members));
    assert_eq!((passed.bytes, passed.arrived.iter().filter(|arrived| **arrived).count()), (2, 2));
    assert!(passed.otherwise.is_empty());
}

#[test]
fn what_was_not_asked_for_stays_behind() {
    let good = member("./m/a", Kind::File, "", 2);
    for bad in [
        member("./m/c", Kind::File, "", 2),
        member("./m/../../etc/passwd", Kind::File, "", 2),
        member("/etc/passwd", Kind::File, "", 2),
        member("./m/l/passwd", Kind::File, "", 2),
        member("./m/b", Kind::Link, "/etc", 0),
        member("./m/b", Kind::File, "/etc/shadow", 0),
        member("./m/b", Kind::File, "./m/l", 0),
        member("./m/a", Kind::File, "", 2),
        member("./m", Kind::Directory, "", 0),
        member("./m/b", Kind::Directory, "", 0),
    ] {
        let (stream, _) = sieved(&[good.clone(), bad.clone()]);
        assert!(stream == archive(std::slice::from_ref(&good)), "{bad:?}");
    }
}

#[test]
fn directories_go_last_where_the_target_needs_that() {
    let text = b"head printf gnu 1 0 33 33\0d 644 0 1.0 1.0\0./m\0\0d 644 0 1.0 1.0\0./m/d\0\0f 644 2 1.0 1.0\0./m/d/a\0\0end\0";
    let mut parser = Parser::default();
    parser.feed(text).expect("records");
    let source = parser.finish(&["m".to_owned()]).expect("a whole list");
    let sent = ["./m", "./m/d", "./m/d/a"].map(|path| match path.ends_with('a') {
        true => member(path, Kind::File, "", 2),
        false => member(path, Kind::Directory, "", 0),
    });
    let mut sieve = Sieve::new(&source, &[0, 1, 2], Framer::default(), Format::Pax, (0, 0)).directories_last();
    let mut chunks = sieve.feed(&archive(&sent)).expect("an archive");
    chunks.extend(sieve.finish().expect("a whole archive").0);
    let stream: Vec<u8> = chunks.into_iter().flatten().flat_map(|frame| frame[ROOM..].to_vec()).collect();
    let [tree, directory, file] = sent;
    let wanted = archive(&[file, directory, tree]);
    assert!(stream.windows(wanted.len()).any(|part| part == wanted));
}

#[test]
fn a_file_that_grew_goes_through_and_is_remembered_as_it_was_sent() {
    let (_, passed) = sieved(&[member("./m/a", Kind::File, "", 700)]);
    let at = source().position(b"./m/a").expect("listed");
    assert_eq!(passed.otherwise.get(&at).map(|sent| sent.size), Some(700));
}

#[test]
fn a_hard_link_goes_through_behind_the_file_it_names() {
    let members = [member("./m/a", Kind::File, "", 2), member("./m/b", Kind::File, "./m/a", 0)];
    let (stream, passed) = sieved(&members);
    assert!(stream == archive(&members));
    assert_eq!(passed.arrived.iter().filter(|arrived| **arrived).count(), 2);
    let (stream, _) = sieved(&[members[1].clone()]);
    assert!(stream == archive(&[]));
}
