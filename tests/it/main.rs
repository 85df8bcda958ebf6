//! The whole program over real parts, and what the repository promises about itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod answers;
mod bad_input;
mod clocks;
mod console;
mod deadlines;
mod deaths;
mod deploy;
mod discreet;
mod faults;
mod first;
mod fulfilment;
mod intents;
mod ipn;
mod keeping;
mod newcomer;
mod node_sdk;
mod pace;
mod replicas;
mod restore;
mod rust_sdk;
mod secured;
mod surroundings;
mod tidy;
mod traces;
mod unknowns;
mod upgrade;
mod way_in;
mod world;
