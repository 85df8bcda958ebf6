//! Who waits for one kind of token of one account, and how its tokens are spent.

use std::collections::{BTreeMap, BTreeSet};

use checkout::{Amount, SessionId, Timestamp};

use super::Plan;
use crate::ports::Call;

/// Turns that fresh sessions have in hand at most: what they did not need is no debt.
const MOST_FRESH_IN_HAND: f64 = 4.0;

/// What a session's turn is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// When Amazon cancels it.
    pub deadline: Timestamp,
    /// What it is worth; none where nothing is charged.
    pub amount: Option<Amount>,
    /// Until then its buyer is thought to wait.
    pub fresh_until: Timestamp,
}

/// The order of turns: those that can be saved by plan, those that it gives up, those that are too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Kept,
    GivenUp,
    Late,
}

/// Who waits for one kind of token of one account. Whose deadline has passed may still stand where it stood before.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) kept: BTreeSet<(Timestamp, SessionId)>,
    pub(super) given_up: BTreeSet<(Timestamp, SessionId)>,
    pub(super) late: BTreeSet<(Timestamp, SessionId)>,
    /// Those whose buyers wait, by when they are thought to leave.
    pub(super) fresh: BTreeSet<(Timestamp, SessionId)>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.given_up.is_empty() && self.late.is_empty()
    }

    pub(super) fn remove(&mut self, claim: &Claim, id: &SessionId) {
        let by_deadline = (claim.deadline, id.clone());
        for line in [&mut self.kept, &mut self.given_up, &mut self.late] {
            line.remove(&by_deadline);
        }
        self.fresh.remove(&(claim.fresh_until, id.clone()));
    }

    /// Whoever has become late, or whose buyer has left, stands where that puts it.
    pub(super) fn go_on(&mut self, now: Timestamp) {
        // A clock that was set back makes nobody late who is not.
        while self.late.last().is_some_and(|(deadline, _)| now < *deadline) {
            self.kept.extend(self.late.pop_last());
        }
        for line in [&mut self.kept, &mut self.given_up] {
            while line.first().is_some_and(|(deadline, _)| *deadline <= now) {
                self.late.extend(line.pop_first());
            }
        }
        while self.fresh.first().is_some_and(|(until, _)| *until <= now) {
            self.fresh.pop_first();
        }
    }

    pub(super) fn first(&self) -> Option<(Rank, &(Timestamp, SessionId))> {
        let lines = [
            (Rank::Kept, &self.kept),
            (Rank::GivenUp, &self.given_up),
            (Rank::Late, &self.late),
        ];
        let mut firsts = lines.into_iter().map(|(rank, line)| (rank, line.first()));
        firsts.find_map(|(rank, first)| Some((rank, first?)))
    }
}

/// How one account's tokens are spent.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) plan: Plan,
    /// The part of the tokens that goes to checkouts whose buyers wait, while others wait too.
    pub(super) fresh_share: f64,
    /// Tokens of that part that are not spent yet, of each kind.
    in_hand: BTreeMap<Call, f64>,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            plan: Plan::idle(),
            fresh_share: 0.0,
            in_hand: BTreeMap::new(),
        }
    }
}

impl Pace {
    pub(super) fn rank(&self, claim: &Claim, now: Timestamp) -> Rank {
        if claim.deadline <= now {
            Rank::Late
        } else if self.plan.gives_up(claim.deadline, claim.amount.as_ref()) {
            Rank::GivenUp
        } else {
            Rank::Kept
        }
    }

    /// A token goes to whoever is first.
    pub(super) fn spend_in_order(&mut self, call: Call) {
        let in_hand = self.in_hand.entry(call).or_default();
        *in_hand = (*in_hand + self.fresh_share).min(MOST_FRESH_IN_HAND);
    }

    /// Whether the next token may go to a buyer who waits. Nobody is to be lost by it.
    pub(super) fn has_one_for_the_fresh(&self, call: Call) -> bool {
        self.plan.has_time_to_spare() && self.in_hand.get(&call).is_some_and(|in_hand| 1.0 <= *in_hand)
    }

    pub(super) fn spend_on_the_fresh(&mut self, call: Call) {
        *self.in_hand.entry(call).or_default() -= 1.0 - self.fresh_share;
    }
}
