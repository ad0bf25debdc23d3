//! The lab by hand: `demo` and `bench`.
fn main() {}
