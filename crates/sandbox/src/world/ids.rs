//! Draws ids of Amazon's shapes.

use rand::RngExt as _;
use rand::rngs::StdRng;

pub(crate) struct Ids(StdRng);

impl Ids {
    pub(crate) fn new(random: StdRng) -> Self {
        Self(random)
    }

    /// A lower-case version 4 UUID: the shape of session ids and request ids.
    pub(crate) fn uuid(&mut self) -> String {
        let random: u128 = self.0.random();
        let versioned = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{versioned:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    pub(crate) fn permission(&mut self, letter: char) -> String {
        let (first, second) = (
            self.0.random_range(0..10_000_000),
            self.0.random_range(0..10_000_000),
        );
        format!("{letter}01-{first:07}-{second:07}")
    }

    pub(crate) fn charge(&mut self, permission: &str) -> String {
        format!("{permission}-C{:06}", self.0.random_range(0..1_000_000))
    }

    pub(crate) fn refund(&mut self, permission: &str) -> String {
        format!("{permission}-R{:06}", self.0.random_range(0..1_000_000))
    }
}
