//! What the tests of confirmd are made with. A dev-dependency, never part of the program.
//!
//! It knows no client library of the parts it starts (those live in one crate each), and no test.

mod arbitrary;
pub mod broker;
pub mod chance;
pub mod clock;
pub mod fake_amazon;
pub mod memory_log;
pub mod model;
pub mod real;
pub mod story;
pub mod tasks;

pub use arbitrary::arbitrary_inputs;
