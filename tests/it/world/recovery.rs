//! How long it takes until something is confirmed again. Measured and printed, never asserted.

use jiff::Timestamp;
use sandbox::SandboxClock as _;

use super::{Told, World};

/// A moment at which all was well again.
pub(crate) struct Recovery {
    of: String,
    at: Timestamp,
}

impl Recovery {
    /// Now.
    pub(crate) fn of(world: &World, what: impl Into<String>) -> Self {
        Self {
            of: what.into(),
            at: world.clock.now(),
        }
    }

    /// Seconds since then, by the world's clock.
    pub(crate) fn ago(&self, world: &World) -> f64 {
        world.clock.now().duration_since(self.at).as_secs_f64()
    }

    /// Seconds until the first of these outcomes that came after it; none if none did.
    pub(crate) fn first_after(&self, told: &[Told]) -> Option<f64> {
        let after = told.iter().filter_map(|told| {
            let at: Timestamp = told.body["recordedAt"].as_str()?.parse().ok()?;
            let waited = at.duration_since(self.at).as_secs_f64();
            (0.0 <= waited).then_some(waited)
        });
        after.min_by(f64::total_cmp)
    }

    /// For what was confirmed before, and could not be told. To be called when the first of it is told.
    pub(crate) fn print_told(&self, world: &World) {
        let waited = self.ago(world);
        println!(
            "{}: first told {waited:.1} s later by the world's clock, which is {:.2} s outside",
            self.of,
            waited / world.clock.speed()
        );
    }

    pub(crate) fn print(&self, world: &World, told: &[Told]) {
        let what = &self.of;
        match self.first_after(told) {
            Some(waited) => println!(
                "{what}: first confirmed {waited:.1} s later by the world's clock, which is {:.2} s outside",
                waited / world.clock.speed()
            ),
            None => println!("{what}: nothing was left to confirm"),
        }
    }
}
