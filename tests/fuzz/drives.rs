//! The tests' own code, compiled for the fuzzer: see the `drive.rs` of `crates/amazon-pay`, `crates/kafka-topics` and
//! `crates/confirmd`, the formats of `crates/session-log` and the configuration of `crates/confirmd`.

#![expect(
    dead_code,
    unused_imports,
    reason = "the tests, the log and the program use more of it"
)]

#[path = "../../crates/amazon-pay/tests/it/ipn/authority.rs"]
mod authority;
#[path = "../../crates/confirmd/src/config/mod.rs"]
mod config;
#[path = "../../crates/confirmd/src/config/tests/drive.rs"]
mod configuration;
#[path = "../../crates/amazon-pay/tests/it/drive.rs"]
mod drive;
#[path = "../../crates/session-log/src/format/mod.rs"]
mod format;
#[path = "../../crates/kafka-topics/tests/it/drive.rs"]
mod messages;

mod ipn {
    pub(crate) use crate::authority;
}

pub fn answers(bytes: &[u8]) {
    drive::answers(bytes);
}

pub fn ipn_envelope(bytes: &[u8]) {
    drive::ipn_envelope(bytes);
}

pub fn events(bytes: &[u8]) {
    messages::event(bytes);
}

pub fn event_headers(bytes: &[u8]) {
    messages::headers(bytes);
}

/// A kind, a line's end, a body: of any format up to the next.
pub fn stored_facts(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (kind, body) = text.split_once('\n').unwrap_or((&text, ""));
    for number in 1..=2 {
        match format::read_event(kind, number, body) {
            Ok(event) => {
                let again = format::store_event(&event);
                let read = format::read_event(again.kind, i64::from(again.format), &again.body);
                assert_eq!(read.ok().as_ref(), Some(&event));
            }
            Err(error) => assert!(error.to_string().contains(kind)),
        }
        drop(format::read_personal(number, body));
    }
}

/// A configuration as a person writes it. Files that it names are opened: none is changed.
pub fn configurations(bytes: &[u8]) {
    drop(configuration::configuration(&String::from_utf8_lossy(bytes)));
}
