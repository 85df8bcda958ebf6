//! Chance that repeats itself: the same seed draws the same.

use std::sync::{Arc, Mutex};

use reconciler::ports::Chance;

/// SplitMix64. Its clones draw from one sequence.
#[derive(Debug, Clone)]
pub struct Seeded(Arc<Mutex<u64>>);

impl Seeded {
    /// The sequence of this seed.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(seed)))
    }

    /// 64 evenly drawn bits.
    pub fn draw(&self) -> u64 {
        let mut state = self.0.lock().expect("nobody panics while drawing");
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A sequence of its own, so that what one part draws does not shift what another does.
    pub fn fork(&self) -> Self {
        Self::new(self.draw())
    }

    /// Evenly drawn from `0..n`; 0 for 0.
    pub fn below(&self, n: u64) -> u64 {
        self.draw() % n.max(1)
    }

    /// True in `percent` of a hundred draws.
    pub fn percent(&self, percent: u64) -> bool {
        self.below(100) < percent
    }

    /// One of these; none of none.
    pub fn pick<'a, T>(&self, from: &'a [T]) -> Option<&'a T> {
        from.get(usize::try_from(self.below(from.len() as u64)).unwrap_or(0))
    }
}

impl Chance for Seeded {
    fn spread(&self) -> f64 {
        f64::from(u32::try_from(self.draw() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    fn bits(&self) -> u128 {
        (u128::from(self.draw()) << 64) | u128::from(self.draw())
    }
}
