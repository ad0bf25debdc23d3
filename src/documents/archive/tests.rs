//! What is written is read again, by this reader; the real tars read it in `tests/it/documents_scripts.rs`.
use super::*;
use anyhow::Result;

fn members(stream: &[u8], piece: usize) -> Result<Vec<(Member, Vec<u8>)>> {
    let (mut reader, mut found) = (Reader::default(), Vec::<(Member, Vec<u8>)>::new());
    for bytes in stream.chunks(piece) {
        reader.feed(bytes, &mut |piece| {
            match piece {
                Piece::Member(member) => found.push((member.clone(), Vec::new())),
                Piece::Data(bytes) => found.last_mut().expect("a member").1.extend_from_slice(bytes),
                Piece::End => {}
            }
            Ok(())
        })?;
    }
    reader.finish()?;
    Ok(found)
}

fn member(path: &[u8], size: u64) -> Member {
    Member {
        path: path.to_vec(),
        kind: Kind::File,
        link: Vec::new(),
        mode: 0o644,
        size,
        mtime: Time { seconds: 10, nanos: 0 },
    }
}

fn sample() -> Vec<(Member, Vec<u8>)> {
    let long = vec![b'\xe9'; 300];
    vec![
        (member(b"./m/a", 3), b"abc".to_vec()),
        (member(&long, 512), vec![1; 512]),
        (Member { kind: Kind::Directory, mode: 0o1777, ..member(b"./m/d", 0) }, vec![]),
        (Member { kind: Kind::Link, link: long.clone(), ..member(b"./m/l", 0) }, vec![]),
        (Member { mtime: Time { seconds: -2, nanos: 0 }, ..member(b"./m/old", 0) }, vec![]),
        (member(b"./m/odd", 513), vec![2; 513]),
    ]
}

fn written(members: &[(Member, Vec<u8>)], format: Format) -> Vec<u8> {
    let mut stream = Vec::new();
    for (member, content) in members {
        stream.extend(header(member, format, (33, 1_000_650_000)));
        stream.extend_from_slice(content);
        stream.resize(stream.len() + padding(member.size), 0);
    }
    stream.extend(end());
    stream
}

#[test]
fn what_is_written_reads_the_same_in_any_pieces() {
    for format in [Format::Pax, Format::Gnu] {
        for piece in [1, 511, 512, 100_000] {
            assert_eq!(members(&written(&sample(), format), piece).expect("an archive"), sample());
        }
    }
    let fine: Vec<_> = [(1_700_000_000, 123_456_789), (-1, 5), (-3, 250_000_000), (5, 1)]
        .map(|(seconds, nanos)| (Member { mtime: Time { seconds, nanos }, ..member(b"./m/t", 0) }, vec![]))
        .to_vec();
    assert_eq!(members(&written(&fine, Format::Pax), 700).expect("an archive"), fine);
}

#[test]
fn an_archive_that_is_cut_anywhere_is_refused() {
    let whole = written(&sample(), Format::Pax);
    for cut in (0..whole.len() - BLOCK).step_by(97) {
        assert!(members(&whole[..cut], 1000).is_err(), "cut at {cut}");
    }
}

#[test]
fn several_archives_may_follow_each_other() {
    let twice = [written(&sample(), Format::Gnu), vec![0; 9 * BLOCK], written(&sample(), Format::Gnu)].concat();
    assert_eq!(members(&twice, 1000).expect("two archives").len(), 2 * sample().len());
}

#[test]
fn a_damaged_header_is_refused() {
    let mut stream = written(&sample(), Format::Pax);
    stream[3] ^= 1;
    assert!(members(&stream, 1000).is_err());
    for record in ["5 a=b", "99999 path=x\n", "path=x\n", "3 \n", "27 GNU.sparse.name=./m/x\n"] {
        let mut stream = header(&member(b"./@pax", record.len() as u64), Format::Pax, (0, 0));
        stream[field::TYPE] = b'x';
        let sum = checksum(&stream);
        stream[field::CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        stream.extend_from_slice(record.as_bytes());
        stream.resize(2 * BLOCK, 0);
        assert!(members(&[stream, written(&sample(), Format::Pax)].concat(), 1000).is_err(), "{record:?}");
    }
}
