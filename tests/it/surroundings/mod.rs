//! What confirmd stands on gives way for a while, under load: the consumer group, the database's connections,
//! the disk, topics, the broker's limits, names. Afterwards nothing is lost and nothing is there twice. The broker and
//! the database killed are in `deaths`.
//!
//! How long it took until something was confirmed again is printed, and never asserted: `--nocapture` shows it.

mod database;
mod disk;
mod names;
mod rebalances;
mod topics;

use jiff::Timestamp;
use sandbox::SandboxClock as _;

use testkit::real;

use crate::world::{Told, World};

/// The broker that all scenarios share. None where something is missing.
async fn kafka() -> Option<String> {
    let started = tokio::task::spawn_blocking(|| real::kafka().map(|kafka| kafka.bootstrap().to_owned()));
    started.await.unwrap()
}

/// A moment at which all was well again.
struct Recovery {
    of: String,
    at: Timestamp,
}

impl Recovery {
    /// Now.
    fn of(world: &World, what: impl Into<String>) -> Self {
        Self {
            of: what.into(),
            at: world.clock.now(),
        }
    }

    /// Seconds until the first of these outcomes that came after it; none if none did.
    fn first_after(&self, told: &[Told]) -> Option<f64> {
        let after = told.iter().filter_map(|told| {
            let at: Timestamp = told.body["recordedAt"].as_str()?.parse().ok()?;
            let waited = at.duration_since(self.at).as_secs_f64();
            (0.0 <= waited).then_some(waited)
        });
        after.min_by(f64::total_cmp)
    }

    /// For what was confirmed before, and could not be told. To be called when the first of it is told.
    fn print_told(&self, world: &World) {
        let waited = world.clock.now().duration_since(self.at).as_secs_f64();
        println!(
            "{}: first told {waited:.1} s later by the world's clock, which is {:.2} s outside",
            self.of,
            waited / world.clock.speed()
        );
    }

    fn print(&self, world: &World, told: &[Told]) {
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
