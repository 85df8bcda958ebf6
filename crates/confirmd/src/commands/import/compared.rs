//! What became of a line, as the facts say that were recorded with it.

use checkout::{Event, Flaw, Hold, Open, Session};
use reconciler::{Recorded, replay};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Became {
    /// Never heard of before.
    New,
    /// The session is known, and the line adds nothing: it says the same, or its conflict was found before.
    Known,
    /// It took the place of what was said before.
    Amended,
    /// It says something else of a session that may have landed.
    Kept,
    /// It says something else, and what was said first holds.
    Conflict,
    /// It is on record, and cannot be confirmed as it stands.
    NeedsRepair(Flaw),
}

impl Became {
    /// For people; nothing where there is nothing to look at.
    pub(super) fn words(&self) -> Option<String> {
        match self {
            Self::New | Self::Known => None,
            Self::Amended => Some("is amended: this line holds from now on".to_owned()),
            Self::Kept => Some("may have landed: this line is judged once that is known".to_owned()),
            Self::Conflict => Some(
                "is in conflict: this line says something else, and what was said first holds".to_owned(),
            ),
            Self::NeedsRepair(flaw) => Some(format!("needs repair: `{}`: {}", flaw.field, flaw.problem)),
        }
    }
}

/// What became of a line whose session had so many facts `before`. A worker may have added others meanwhile.
pub(super) fn compare(history: &[Recorded], before: usize) -> Became {
    for fact in history.iter().skip(before) {
        match &fact.event {
            Event::CheckoutCompleted { statement, .. } => {
                return statement.needs_repair().map_or(Became::New, Became::NeedsRepair);
            }
            Event::CheckoutAmended { statement } => {
                return statement
                    .needs_repair()
                    .map_or(Became::Amended, Became::NeedsRepair);
            }
            Event::AmendmentKept { .. } => return Became::Kept,
            Event::ConflictFound { .. } => return Became::Conflict,
            _ => {}
        }
    }
    // What says the same of a session that needs repair does not repair it.
    match replay(history).0 {
        Session::Open(Open {
            hold: Hold::NeedsRepair(flaw),
            ..
        }) => Became::NeedsRepair(flaw),
        _ => Became::Known,
    }
}
