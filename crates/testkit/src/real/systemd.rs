//! systemd's own tool for units. It reads files; no systemd has to be running.

use std::path::PathBuf;

use super::{missing, program};

/// The program `systemd-analyze`; `None` where it is missing.
///
/// # Panics
/// If it is missing and `CI=true`.
pub fn systemd_analyze() -> Option<PathBuf> {
    program("systemd-analyze", &[])
        .or_else(|| missing("install systemd (systemd-analyze on PATH), which tries the unit of the service"))
}
