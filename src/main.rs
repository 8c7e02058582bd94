//! boathook's command line.
fn main() {}
