//! The lab by hand: `demo` shows a refresh, `bench` measures.
mod support;

mod bench;
mod demo;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let code = match words.as_slice() {
        ["demo", rest @ ..] => runtime.block_on(demo::demo(rest.contains(&"--keep"))),
        ["bench", rest @ ..] => runtime.block_on(bench::bench(rest.contains(&"--cluster"))),
        _ => 2,
    };
    ExitCode::from(code)
}
