//! The sandbox's time, and how moments and lengths of time are written.

pub(crate) mod clock;
pub(crate) mod span;
pub(crate) mod stamp;
