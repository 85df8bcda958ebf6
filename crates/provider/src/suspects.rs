//! Sessions that brought a refusal of the whole account. Pure.
//!
//! If the account works for others and one session still brings the refusal, it is the session's own fault,
//! and must not stop everybody again.

use std::collections::HashMap;

use checkout::Timestamp;

/// Far more than can be on their way at once; the oldest is forgotten first, which at worst stops the account
/// once more.
const KEPT: usize = 1_000;

/// Whose fault a refusal of the whole account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The account's, as far as is known.
    Account,
    /// As far as is known the account's; but this session has brought it before.
    Repeated,
    /// The session's own.
    Session,
}

#[derive(Debug, Clone, Copy)]
struct Suspect {
    last: Timestamp,
    /// Since then, a POST of another session was answered otherwise.
    others_pass: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Suspects {
    by_subject: HashMap<String, Suspect>,
}

impl Suspects {
    /// `subject` brought the refusal at `now`.
    pub(crate) fn refused(&mut self, subject: &str, now: Timestamp) -> Blame {
        let blame = match self.by_subject.get(subject) {
            None => Blame::Account,
            Some(suspect) if suspect.others_pass => Blame::Session,
            Some(_) => Blame::Repeated,
        };
        if self.by_subject.len() >= KEPT && !self.by_subject.contains_key(subject) {
            let oldest = self.by_subject.iter().min_by_key(|(_, suspect)| suspect.last);
            if let Some(oldest) = oldest.map(|(subject, _)| subject.clone()) {
                self.by_subject.remove(&oldest);
            }
        }
        let suspect = Suspect {
            last: now,
            others_pass: false,
        };
        self.by_subject.insert(subject.to_owned(), suspect);
        blame
    }

    /// A POST of `subject`, begun at `begun_at`, was answered as one of an account that is accepted.
    pub(crate) fn passed(&mut self, subject: &str, begun_at: Timestamp) {
        self.by_subject.remove(subject);
        for suspect in self.by_subject.values_mut() {
            // One sent before the refusal proves nothing about the time after it.
            suspect.others_pass |= suspect.last <= begun_at;
        }
    }
}

#[cfg(test)]
mod tests {
    use checkout::Timestamp;

    use super::{Blame, KEPT, Suspects};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn it_is_the_sessions_own_fault_only_after_another_one_has_passed() {
        let mut suspects = Suspects::default();
        assert_eq!(suspects.refused("a", at(0)), Blame::Account);
        assert_eq!(
            suspects.refused("a", at(100)),
            Blame::Repeated,
            "nobody else has tried"
        );
        suspects.passed("b", at(99));
        assert_eq!(
            suspects.refused("a", at(200)),
            Blame::Repeated,
            "b was sent before a's refusal"
        );
        suspects.passed("b", at(201));
        assert_eq!(suspects.refused("a", at(300)), Blame::Session);
        assert_eq!(
            suspects.refused("a", at(301)),
            Blame::Repeated,
            "nobody else has passed since"
        );
    }

    #[test]
    fn a_session_that_passes_is_no_suspect_and_clears_the_way_for_none_but_others() {
        let mut suspects = Suspects::default();
        suspects.refused("a", at(0));
        suspects.passed("a", at(1));
        assert_eq!(suspects.refused("a", at(2)), Blame::Account);
    }

    #[test]
    fn the_oldest_suspect_is_forgotten_first() {
        let mut suspects = Suspects::default();
        for (second, n) in (0..).zip(0..=KEPT) {
            suspects.refused(&n.to_string(), at(second));
        }
        assert_eq!(suspects.by_subject.len(), KEPT);
        assert!(!suspects.by_subject.contains_key("0") && suspects.by_subject.contains_key("1"));
    }
}
