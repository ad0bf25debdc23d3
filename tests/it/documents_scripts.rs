//! The scripts of sync-documents under the real sh, find and tar, on directories: with every name that a file can have.
//! GNU programs always; busybox where it is installed.
mod pods;

use pods::*;
use sandbox_lifecycle::documents::archive::Format;
use sandbox_lifecycle::documents::delta::{Delta, diff};
use sandbox_lifecycle::documents::frames::{Chunk, Framer, ROOM};
use sandbox_lifecycle::documents::manifest::{Kind, Manifest, Parser};
use sandbox_lifecycle::documents::sieve::Sieve;
use sandbox_lifecycle::documents::{LISTER_SCRIPT, MANIFEST_SCRIPT, RECEIVE_SCRIPT, SEND_SCRIPT, SUMS_SCRIPT, sent};
use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

fn odd_names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        "a b",
        " lead",
        "trail ",
        "-rf",
        "--help",
        "é à ü",
        "new\nline",
        "\n",
        "tab\there",
        "back\\slash",
        "quo'te\"s",
        "$HOME",
        "`id`",
        "*",
        "?",
        "[a]",
        "~",
        "#x",
        "a;b&c|d",
        "..x",
        "...",
        "\u{1}\u{7f}",
        "日本",
        "x=y",
        "@list",
        "%s%n",
    ]
    .iter()
    .map(|name| name.as_bytes().to_vec())
    .collect();
    names.push(b"bad\xff\xfeutf8".to_vec());
    names.push(b"\xc3".to_vec());
    names.push([b"long\xe9-".to_vec(), vec![b'n'; 200]].concat());
    names.push("é".repeat(120).into_bytes());
    names
}

fn populate(pod: &Pod) {
    for (number, name) in odd_names().iter().enumerate() {
        let path = Path::new("m/odd").join(OsStr::from_bytes(name));
        pod.write(&path, &vec![b'x'; number * 97]);
        let inside = Path::new("m/dirs").join(OsStr::from_bytes(name)).join(OsStr::from_bytes(name));
        pod.write(inside, name);
        let linked = pod.path("m").join("links");
        fs::create_dir_all(&linked).expect("a directory");
        symlink(OsStr::from_bytes(name), linked.join(OsStr::from_bytes(name))).expect("a link");
    }
    fs::create_dir_all(pod.path("m/empty/deep")).expect("directories");
    symlink("/etc/passwd", pod.path("m/outside")).expect("a link");
    symlink("../../..", pod.path("m/up")).expect("a link");
    let long = Path::new("m").join("d".repeat(90)).join("e".repeat(90)).join("f".repeat(90));
    pod.write(long, b"deep");
    for (name, mode) in [("m/private", 0o600), ("m/run", 0o755), ("m/none", 0o444)] {
        pod.write(name, b"mode");
        fs::set_permissions(pod.path(name), Permissions::from_mode(mode)).expect("a mode");
    }
    let hour_ago = SystemTime::now() - Duration::from_secs(3600) + Duration::from_nanos(123_456_789);
    for name in ["m/private", "m/empty/deep", "m/empty", "m/odd"] {
        fs::File::open(pod.path(name)).and_then(|file| file.set_modified(hour_ago)).expect("a time");
    }
    fs::set_permissions(pod.path("m/empty/deep"), Permissions::from_mode(0o550)).expect("a mode");
}

#[test]
fn every_name_arrives_as_it_was() {
    for (source, target) in pairs() {
        populate(&source);
        fs::create_dir(target.path("m")).expect("a directory");
        target.write("other/stays", b"outside the tree");
        let passes = copy(&source, &target);
        // busybox makes links that lead out of the tree last of all, and so touches their directory again.
        assert!(passes == 1 || target.programs == Programs::Busybox, "{passes} passes");
        assert_eq!(fs::read_link(target.path("m/outside")).expect("a link"), Path::new("/etc/passwd"));
        assert!(target.path("other/stays").exists());
        let metadata = |pod: &Pod, name| fs::symlink_metadata(pod.path(name)).expect("it is there");
        for name in ["m/private", "m/empty/deep", "m/empty", "m/odd", "m"] {
            let (new, old) = (metadata(&source, name), metadata(&target, name));
            assert_eq!((new.mode(), new.mtime()), (old.mode(), old.mtime()), "{name} {:?}", target.programs);
        }
        for name in odd_names() {
            let inside = Path::new("m/dirs").join(OsStr::from_bytes(&name)).join(OsStr::from_bytes(&name));
            assert_eq!(fs::read(target.path(inside)).expect("it is there"), name);
        }
    }
}

#[test]
fn what_changed_arrives_and_what_went_goes() {
    for (source, target) in pairs() {
        populate(&source);
        fs::create_dir(target.path("m")).expect("a directory");
        copy(&source, &target);
        // In the target: a link where the source has a directory, a directory where it has a file, and more.
        fs::remove_dir_all(target.path("m/odd")).expect("removed");
        symlink("/", target.path("m/odd")).expect("a link");
        fs::remove_file(target.path("m/run")).expect("removed");
        target.write("m/run/-rf", b"in the way");
        for name in odd_names() {
            target.write(Path::new("m/surplus").join(OsStr::from_bytes(&name)), b"gone");
        }
        target.write("m/empty/deeper/x", b"gone");
        source.write("m/private", b"another length");
        fs::remove_file(source.path("m/outside")).expect("removed");
        fs::create_dir(source.path("m/outside")).expect("a directory");
        copy(&source, &target);
        assert!(!target.path("m/surplus").exists() && target.path("m/odd/-rf").exists());
        assert!(fs::symlink_metadata(target.path("m/outside")).expect("it is there").is_dir());
    }
}

#[test]
fn one_that_lists_does_so_again_and_receives_only_where_it_may() {
    for (source, target) in pairs() {
        populate(&source);
        fs::create_dir(target.path("m")).expect("a directory");
        let (new, old) = (source.list(), target.list());
        let delta = diff(&new, &old, |_| false);
        let words = [
            format!("list\nreceive {}\n", target.tar()).into_bytes(),
            for_target(&source, &new, &old, &delta),
            b"list\nend\nlist\n".to_vec(),
        ];
        let words = words.concat();
        let refused = target.run_with(LISTER_SCRIPT, &[&sent(MANIFEST_SCRIPT), "", ""], &["m"], &words);
        assert_ne!(refused.status.code(), Some(0), "{refused:?}");
        assert_eq!(target.list().entries().len(), old.entries().len());
        let told = target.run_with(
            LISTER_SCRIPT,
            &[&sent(MANIFEST_SCRIPT), &sent(SUMS_SCRIPT), &sent(RECEIVE_SCRIPT)],
            &["m"],
            &words,
        );
        assert_eq!(told.status.code(), Some(0), "{}", String::from_utf8_lossy(&told.stderr));
        let lists = lists(&told.stdout);
        let lengths: Vec<usize> = lists.iter().map(|list| list.entries().len()).collect();
        let [before, after] = [&old, &target.list()].map(|list| list.entries().len());
        assert_eq!(lengths, [before, before, after, after]);
        assert!(after > before && diff(&lists[3], &target.list(), |_| false).is_empty());
    }
}

#[test]
fn a_stream_that_is_cut_anywhere_is_no_success_and_the_next_run_mends_it() {
    for (source, target) in pairs() {
        for number in 0..40 {
            source.write(format!("m/dir/file {number}"), &vec![b'a' + (number % 26) as u8; 300 * number]);
        }
        source.write("m/big", &vec![7; 9 << 20]);
        target.write("m/old/gone", b"not in the source");
        let (new, old) = (source.list(), target.list());
        let whole = for_target(&source, &new, &old, &diff(&new, &old, |_| false));
        for cut in [
            0,
            3,
            9,
            20,
            30,
            60,
            700,
            5000,
            200_000,
            4 << 20,
            (9 << 20) + 5,
            whole.len() - 700,
            whole.len() - 4,
            whole.len() - 1,
        ] {
            let received = target.run(RECEIVE_SCRIPT, &[target.tar()], &whole[..cut]);
            assert!(!received.status.success(), "cut at {cut} of {}, {:?}", whole.len(), target.programs);
            assert!(target.path("m").exists(), "a path that was cut is not taken for its parent");
        }
        copy(&source, &target);
        assert_eq!(fs::read(target.path("m/big")).expect("it is there"), vec![7; 9 << 20]);
    }
}

#[test]
fn a_cut_list_of_names_removes_nothing_else() {
    for (_, target) in pairs() {
        target.write("m/a/b/c", b"stays");
        for end in ["", "/", "/b"] {
            let list = format!("./m/a{end}");
            let stream = format!("end\n{} 1\n{list}", list.len());
            let received = target.run(RECEIVE_SCRIPT, &[target.tar()], stream.as_bytes());
            assert_eq!(received.status.code(), Some(31));
            assert!(target.path("m/a/b/c").exists());
        }
    }
}

#[test]
fn a_missing_tree_is_said_and_a_link_in_its_place_is_refused() {
    for (source, _) in pairs() {
        assert_eq!(source.list().missing, ["m"]);
        symlink("/etc", source.path("m")).expect("a link");
        let output = source.run(MANIFEST_SCRIPT, &["m"], b"");
        assert_eq!(output.status.code(), Some(11));
        assert!(String::from_utf8_lossy(&output.stderr).contains("symbolic link"));
        let output = source.run(MANIFEST_SCRIPT, &["m/ssl"], b"");
        assert_eq!(output.status.code(), Some(11));
    }
}

#[test]
fn a_pod_without_find_or_tar_says_so() {
    let pod = Pod::new(Programs::Busybox);
    if which("busybox").is_none() {
        return;
    }
    // busybox's own shell would find them in itself.
    fs::remove_file(pod.bin.path().join("sh")).expect("removed");
    symlink("/bin/sh", pod.bin.path().join("sh")).expect("a link");
    fs::remove_file(pod.bin.path().join("find")).expect("removed");
    assert_eq!(pod.run(MANIFEST_SCRIPT, &["m"], b"").status.code(), Some(13));
    fs::remove_file(pod.bin.path().join("tar")).expect("removed");
    assert_eq!(pod.run(MANIFEST_SCRIPT, &["m"], b"").status.code(), Some(14));
}

#[test]
fn a_file_that_vanished_is_left_out_and_the_rest_arrives() {
    for (source, target) in pairs() {
        source.write("m/a", b"1");
        source.write("m/b", b"2");
        fs::create_dir(target.path("m")).expect("a directory");
        let (new, old) = (source.list(), target.list());
        let delta = diff(&new, &old, |_| false);
        fs::remove_file(source.path("m/a")).expect("removed");
        let wanted = delta.send.iter().map(|&at| new.path(&new.entries()[at]));
        let sent = source.run(SEND_SCRIPT, &[source.tar()], &framed(wanted, b"\0"));
        assert_eq!(sent.status.code(), Some(22), "{:?}", source.programs);
        let mut complaints = sandbox_lifecycle::documents::complaints::Complaints::default();
        complaints.feed(&sent.stderr);
        complaints.settle();
        assert_eq!((complaints.lively, complaints.serious), (1, vec![]));
        let mut sieve = Sieve::new(&new, &delta.send, Framer::default(), Format::Pax, (0, 0));
        sieve.feed(&sent.stdout).expect("an archive");
        let (_, passed) = sieve.finish().expect("a whole archive");
        let arrived = |path: &[u8]| passed.arrived[new.position(path).expect("listed")];
        assert!(!arrived(b"./m/a") && arrived(b"./m/b"));
    }
}

#[test]
fn sockets_and_pipes_are_never_copied() {
    let (source, target) = pairs().remove(0);
    source.write("m/a", b"1");
    let _socket = std::os::unix::net::UnixListener::bind(source.path("m/socket")).expect("a socket");
    fs::create_dir(target.path("m")).expect("a directory");
    assert_eq!(source.list().find(b"./m/socket").map(|entry| entry.kind), Some(Kind::Special));
    copy(&source, &target);
    assert!(!target.path("m/socket").exists() && target.path("m/a").exists());
}

#[test]
fn the_sums_of_files_are_told_by_name_and_none_of_one_that_cannot_be_read() {
    let hello = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    for (pod, _) in pairs() {
        let names = ["./m/plain", "./m/two  words", "./m/-rf", "./m/$(x)*?"];
        names.iter().for_each(|name| pod.write(name, b"hello"));
        let asked = names.iter().chain(&["./m/missing"]).map(|name| name.as_bytes());
        let told = pod.run(SUMS_SCRIPT, &[], &framed(asked, b"\0"));
        let lines: String = names.iter().map(|name| format!("{hello}  {name}\n")).collect();
        assert_eq!((told.status.code(), String::from_utf8_lossy(&told.stdout)), (Some(0), lines.into()));
        // More than a pipe holds, where there is none to sum them: what comes behind it is still the next word.
        let many = (0..30_000).map(|number| format!("./m/{number:030}").into_bytes()).collect::<Vec<_>>();
        let words =
            [b"sums\n".to_vec(), framed(many.iter().map(Vec::as_slice), b"\0"), b"list\nend\n".to_vec()].concat();
        let ends_early = sent(SUMS_SCRIPT).replace("sha256sum --", "no-such-program --");
        let told = pod.run_with(LISTER_SCRIPT, &[&sent(MANIFEST_SCRIPT), &ends_early, ""], &["m"], &words);
        let ends = String::from_utf8_lossy(&told.stdout).matches("end\0").count();
        assert_eq!((told.status.code(), ends), (Some(0), 2), "it is listed again: {told:?}");
        // Where the list is cut nobody takes a part of it for all.
        let cut = pod.run(SUMS_SCRIPT, &[], b"100 1\n./m/plain\0");
        assert!(cut.stdout.len() < 100, "{cut:?}");
    }
}
