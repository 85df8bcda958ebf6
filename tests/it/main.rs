//! The whole program over real parts, and what the repository promises about itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod answers;
mod faults;
mod first;
mod intents;
mod tidy;
mod world;
