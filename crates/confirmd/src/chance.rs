//! The one place where chance is drawn.

use std::sync::Mutex;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use reconciler::ports::Chance;

/// Drawn from the operating system, or from a seed where a run is to be repeated.
pub(crate) struct Drawn(Mutex<StdRng>);

impl Drawn {
    pub(crate) fn from_os() -> Self {
        Self(Mutex::new(rand::make_rng()))
    }

    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Chance for Drawn {
    fn spread(&self) -> f64 {
        self.0.lock().expect("no holder of this lock can panic").random()
    }

    fn bits(&self) -> u128 {
        self.0.lock().expect("no holder of this lock can panic").random()
    }
}
