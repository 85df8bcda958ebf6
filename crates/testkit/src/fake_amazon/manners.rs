//! What no document says of Amazon Pay: how this one does it.

use std::time::Duration;

use checkout::{Class, Timestamp};

/// The defaults are the likelier guesses.
#[derive(Debug, Clone)]
pub struct Manners {
    /// A stored 5xx is replayed to its key.
    pub replays_errors: bool,
    /// The first success is replayed to its key, too, when the session is completed.
    pub replays_confirmations: bool,
    /// So long a look-up goes on to show Open after the session was confirmed.
    pub look_up_lag: Duration,
    /// A session whose payment is pending shows Completed. If not: Open, with its ids.
    pub pending_is_completed: bool,
    /// Finalize answers 202 while the payment is pending, as Complete does.
    pub finalize_answers_202: bool,
    /// So long after its 24 hours a session turns Canceled.
    pub expiry_lag: Duration,
    /// A confirmation that arrived before the expiry counts, though it takes effect after it.
    pub arrival_counts: bool,
    /// How confirming a session that is Canceled already is refused.
    pub canceled_refusal: Class,
    /// How a refusal is told that ends the session.
    pub ending_refusal: Class,
    /// How other amounts and missing addresses are refused.
    pub content_refusal: Class,
    /// Where no money moves, a charge id is shown all the same.
    pub shows_charges_that_are_none: bool,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            replays_errors: false,
            replays_confirmations: true,
            look_up_lag: Duration::ZERO,
            pending_is_completed: false,
            finalize_answers_202: true,
            expiry_lag: Duration::ZERO,
            arrival_counts: false,
            canceled_refusal: Class::Ask,
            ending_refusal: Class::Final,
            content_refusal: Class::Fix { content: true },
            shows_charges_that_are_none: false,
        }
    }
}

impl Manners {
    /// Whether a look-up does not know yet what came about `at`.
    pub(super) fn hides(&self, at: Timestamp, now: Timestamp) -> bool {
        now < at.plus(self.look_up_lag)
    }
}
