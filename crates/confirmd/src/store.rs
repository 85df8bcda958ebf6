//! How the session log is used.

use session_log::Options;

#[cfg(not(feature = "test-clock"))]
pub(crate) fn options() -> Options {
    Options::default()
}

#[cfg(feature = "test-clock")]
pub(crate) fn options() -> Options {
    Options {
        further: crate::test_next::migrations(),
        ..Options::default()
    }
}
