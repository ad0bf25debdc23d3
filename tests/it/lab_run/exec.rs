//! exec, as kube-rs's own client sees it.

use kube::api::AttachParams;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::lab::{Lab, NS, app};
use crate::support::container::image::APP;
use crate::support::exec::faults::{Break, ExecFault};

#[tokio::test(flavor = "multi_thread")]
async fn exec_carries_megabytes_both_ways_and_tells_the_exit_code() {
    let lab = Lab::new().await;
    lab.run(app("app", APP)).await;
    lab.until_ready("app").await;
    for protocol in ["v5.channel.k8s.io", "v4.channel.k8s.io"] {
        lab.node.set(|config| config.exec_protocols = vec![protocol]);
        let (out, err, code) = lab.exec("app", &["sh", "-c", "echo out; echo err >&2; exit 3"]).await;
        assert_eq!((out.as_str(), err.as_str(), code), ("out\n", "err\n", Some(3)));
        let params = AttachParams::default().stdin(true).stderr(false);
        let size = 8 << 20;
        let count = format!("head -c {size} | cat");
        let mut process = lab.pods.exec("app", ["sh", "-c", &count], &params).await.expect("exec");
        let mut stdin = process.stdin().expect("asked for");
        let mut stdout = process.stdout().expect("asked for");
        let sent: Vec<u8> = (0..size).map(|at: u32| (at % 251) as u8).collect();
        let sending = sent.clone();
        let writer = tokio::spawn(async move {
            stdin.write_all(&sending).await.expect("sent");
            stdin
        });
        let mut got = Vec::new();
        stdout.read_to_end(&mut got).await.expect("all");
        assert!(got == sent, "{protocol}: {} bytes", got.len());
        drop(writer.await.expect("no panic"));
    }
    lab.node.set(|config| config.exec_protocols = vec!["channel.k8s.io"]);
    let refused = lab.pods.exec("app", ["true"], &AttachParams::default()).await;
    let refused = refused.err().expect("an unknown protocol").to_string();
    assert!(refused.contains("403"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_close_ends_stdin_on_v5_and_a_missing_program_is_told() {
    let lab = Lab::new().await;
    lab.run(app("app", APP)).await;
    lab.until_ready("app").await;
    let params = AttachParams::default().stdin(true).stderr(false);
    let process = lab.pods.exec("app", ["sh", "-c", "wc -c"], &params).await;
    let mut process = process.expect("exec");
    let mut stdin = process.stdin().expect("asked for");
    stdin.write_all(b"12345").await.expect("sent");
    stdin.shutdown().await.expect("half-closed");
    drop(stdin);
    let mut out = String::new();
    let mut stdout = process.stdout().expect("asked for");
    stdout.read_to_string(&mut out).await.expect("text");
    assert_eq!(out, "5\n");
    let params = AttachParams::default();
    let mut process = lab.pods.exec("app", ["no-such-program"], &params).await.expect("exec");
    let status = process.take_status().expect("once").await.expect("a status");
    let message = status.message.expect("a message");
    assert!(message.contains("executable file not found in $PATH"), "{message}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_connection_has_no_status_and_the_process_reads_the_end_of_its_input() {
    let lab = Lab::new().await;
    lab.run(app("app", APP)).await;
    lab.until_ready("app").await;
    let faults = lab.node.exec_faults();
    faults.arm(ExecFault::once(NS, Break::CutAfterSending(100_000)));
    let (out, _, code) = lab.exec("app", &["head", "-c", "1000000", "/dev/zero"]).await;
    assert!(out.len() < 100_000 && out.len() > 30_000, "{}", out.len());
    assert_eq!(code, None);
    faults.arm(ExecFault::once(NS, Break::CutAfterReceiving(50_000)));
    let params = AttachParams::default().stdin(true);
    let script = "cat >/tmp/got; echo ended >/tmp/ended";
    let mut process = lab.pods.exec("app", ["sh", "-c", script], &params).await.expect("exec");
    let mut stdin = process.stdin().expect("asked for");
    let status = process.take_status().expect("once");
    // kube-rs tells the writer nothing: it would wait for ever.
    tokio::select! {
        _ = stdin.write_all(&[1; 100_000]) => {}
        status = status => assert!(status.is_none()),
    }
    let wait = "until [ -e /tmp/ended ]; do sleep 0.01; done; wc -c </tmp/got";
    let (out, _, _) = lab.exec("app", &["sh", "-c", wait]).await;
    let got: usize = out.trim().parse().expect("a number");
    assert!(got < 50_000 && got > 20_000, "{got}");
}
