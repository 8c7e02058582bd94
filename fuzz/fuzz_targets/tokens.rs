#![no_main]

#[path = "../targets/mod.rs"]
#[allow(dead_code, reason = "one of them is called here")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::tokens::run(data));
