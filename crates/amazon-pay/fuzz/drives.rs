//! The tests' own code, compiled for the fuzzer: see `tests/it/drive.rs`.

#![expect(dead_code, reason = "the tests use more of it")]

#[path = "../tests/it/ipn/authority.rs"]
mod authority;
#[path = "../tests/it/drive.rs"]
mod drive;

mod ipn {
    pub(crate) use crate::authority;
}

pub fn answers(bytes: &[u8]) {
    drive::answers(bytes);
}

pub fn ipn_envelope(bytes: &[u8]) {
    drive::ipn_envelope(bytes);
}
