//! The session log on both databases.

mod conformance;
mod support;
