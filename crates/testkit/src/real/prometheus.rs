//! Prometheus' own tool for rules. Nothing is started that would have to be ended.

use std::path::PathBuf;

use super::{missing, program};

/// The program `promtool`; `None` where it is missing.
///
/// # Panics
/// If it is missing and `CI=true`.
pub fn promtool() -> Option<PathBuf> {
    program("promtool", &[]).or_else(|| {
        missing("install Prometheus' promtool (Debian: package `prometheus`), which tries the alert rules")
    })
}
