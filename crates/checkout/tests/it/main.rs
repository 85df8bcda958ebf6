//! The model's specification: given, when, then; one table for the one question; and what holds always.
// All of it is test code, helpers too: that is what the attribute tells clippy.
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod charges;
#[cfg(test)]
mod look_ups;
#[cfg(test)]
mod observing;
