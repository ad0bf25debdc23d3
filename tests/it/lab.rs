//! The lab by hand: `demo` shows a refresh, `bench` measures.
mod real;
mod support;

mod bench;
mod demo;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    ExitCode::from(runtime.block_on(async {
        tokio::select! {
            code = run(&words) => code,
            // What was running is dropped, and a lab takes its processes and files with it.
            _ = tokio::signal::ctrl_c() => 130,
        }
    }))
}

async fn run(words: &[&str]) -> u8 {
    match words {
        ["demo", rest @ ..] => demo::demo(rest.contains(&"--keep")).await,
        ["bench", rest @ ..] => bench::bench(rest).await,
        _ => 2,
    }
}
