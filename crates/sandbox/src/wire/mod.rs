//! Listeners, certificates, and whose keys are known.

pub(crate) mod keys;
pub(crate) mod merchants;
pub(crate) mod server;
