//! The model's specification: given, when, then; one table for the one question; and what holds always.
// All of it is test code, helpers too: that is what the attribute tells clippy.
#[cfg(test)]
mod accounts;
#[cfg(test)]
mod attempts;
#[cfg(test)]
mod charges;
#[cfg(test)]
mod clocks;
#[cfg(test)]
mod doubt;
#[cfg(test)]
mod late_look_ups;
#[cfg(test)]
mod look_ups;
#[cfg(test)]
mod observing;
#[cfg(test)]
mod people;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod states;
#[cfg(test)]
mod steps;
#[cfg(test)]
mod values;
#[cfg(test)]
mod waits;
#[cfg(test)]
mod watch;
