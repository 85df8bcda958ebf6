//! The protocol between two workers, the log, Amazon Pay and the deadline, explored to the last state at small
//! bounds.
//!
//! ```text
//!   worker ─ reads ─ decides ─ COMMIT ─ sends ┐        ┌ Amazon deals with it, now, late or never
//!   worker ─ reads ─ looks up ─ COMMIT        ┴ crash ─┴ time passes
//! ```
//!
//! What a worker decides and what a fact means is not modelled: it is `next_step`, `decide` and `Session::evolve` as
//! they ship. What is modelled is what stands around them, the order of the reconciler's acts first of all, in
//! `protocol`. `cargo test -p checkout --test model -- --nocapture` shows how many states there were, and by which
//! steps each guarantee breaks that is taken out.
#[cfg(test)]
mod amazon;
#[cfg(test)]
mod exploring;
#[cfg(test)]
mod possible;
#[cfg(test)]
mod promises;
#[cfg(test)]
mod protocol;
#[cfg(test)]
mod worker;
#[cfg(test)]
mod world;
