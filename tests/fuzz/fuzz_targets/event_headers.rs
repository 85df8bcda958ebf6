#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| drives::event_headers(bytes));
