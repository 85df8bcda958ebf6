//! Alerts are facts: raised, told, and resolved when what they say is over.

use std::time::Duration;

use crate::Timestamp;

/// Each look-up measures the deadline anew, by clocks that are never quite alike. So much later, it is still the one
/// that people were told of.
pub(crate) const MEASURED_ANEW: Duration = Duration::from_secs(60);

/// What people are told of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AlertKind {
    /// Still open this long before its deadline.
    DeadlineNear {
        /// The threshold that was met.
        before: Duration,
    },
    /// It may have landed, and nothing has told for a while.
    InDoubt,
    /// It cannot be confirmed as it stands.
    NeedsRepair,
    /// The shop said two different things.
    Conflict,
    /// We decided not to confirm.
    Forsworn,
    /// Amazon says something that our record rules out.
    Contradiction,
    /// Amazon has not decided a payment in its 24 hours.
    PaymentOverdue,
}

impl AlertKind {
    /// The name in the alerts topic.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeadlineNear { .. } => "deadline-near",
            Self::InDoubt => "in-doubt",
            Self::NeedsRepair => "needs-repair",
            Self::Conflict => "conflict",
            Self::Forsworn => "forsworn",
            Self::Contradiction => "contradiction",
            Self::PaymentOverdue => "payment-overdue",
        }
    }
}

/// One alert of a session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alert {
    /// Of what.
    pub kind: AlertKind,
    /// Counts the session's alerts from 1; a part of the alert's id.
    pub ordinal: u32,
    /// What is the matter, in a sentence for people.
    pub summary: String,
    /// Since when.
    pub raised_at: Timestamp,
    /// Still so.
    pub firing: bool,
}

/// All alerts that a session has ever had.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Alerts(Vec<Alert>);

impl Alerts {
    /// Oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Alert> {
        self.0.iter()
    }

    /// Those that still are so.
    pub fn firing(&self) -> impl Iterator<Item = &Alert> {
        self.0.iter().filter(|alert| alert.firing)
    }

    /// Whether one of this kind fires, whatever its threshold.
    pub fn is_firing(&self, kind: AlertKind) -> bool {
        self.firing().any(|alert| alert.kind.name() == kind.name())
    }

    /// The closest threshold of this deadline that was told. What still fires was; what was told of an earlier
    /// deadline, which turned out to be wrong, does not count.
    pub fn closest_threshold(&self, deadline: Timestamp) -> Option<Duration> {
        self.0
            .iter()
            .filter_map(|alert| match alert.kind {
                AlertKind::DeadlineNear { before } => {
                    let met = deadline.minus(before) <= alert.raised_at.plus(MEASURED_ANEW);
                    (alert.firing || met).then_some(before)
                }
                AlertKind::InDoubt
                | AlertKind::NeedsRepair
                | AlertKind::Conflict
                | AlertKind::Forsworn
                | AlertKind::Contradiction
                | AlertKind::PaymentOverdue => None,
            })
            .min()
    }

    /// The number that the next alert gets.
    pub fn next_ordinal(&self) -> u32 {
        self.0.iter().map(|alert| alert.ordinal).max().unwrap_or(0) + 1
    }

    /// The alert of this number.
    pub fn get(&self, ordinal: u32) -> Option<&Alert> {
        self.0.iter().find(|alert| alert.ordinal == ordinal)
    }

    pub(crate) fn raise(&mut self, kind: AlertKind, ordinal: u32, summary: &str, raised_at: Timestamp) {
        self.0.push(Alert {
            kind,
            ordinal,
            summary: summary.to_owned(),
            raised_at,
            firing: true,
        });
    }

    pub(crate) fn resolve(&mut self, ordinal: u32) {
        for alert in self.0.iter_mut().filter(|alert| alert.ordinal == ordinal) {
            alert.firing = false;
        }
    }
}
