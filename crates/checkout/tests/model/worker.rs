//! One worker: what it has read, and how far it has come with the session. Its steps are those of the
//! reconciler's `advance` and `observe`, cut wherever another worker, Amazon, time or a crash may come between.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use checkout::{Answer, ChargeAnswer, Class, Command, LookUp, LookUpAnswer, Session, Timestamp};
use testkit::model::*;

use crate::amazon::{Charge, Key, Reply, Seen, State, Why};
use crate::world::Verdict;

/// A session as the log tells it, or told it once. Hashed when it is made: most states share most of theirs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Read(Arc<(u64, Session)>);

impl Read {
    pub(crate) fn new(session: Session) -> Self {
        let mut hasher = DefaultHasher::new();
        session.hash(&mut hasher);
        Self(Arc::new((hasher.finish(), session)))
    }
}

impl Deref for Read {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0.1
    }
}

impl Hash for Read {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.0.0.hash(hasher);
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Doing {
    Nothing,
    /// It has read the log, or added to it, and goes on from there.
    Reads,
    /// It has decided to confirm; nothing is on record yet.
    Decided {
        at: Timestamp,
        key: Key,
        /// In the same append as the shop's event, which it believes to be the first.
        hears: bool,
    },
    /// The intent is on record; nothing has left.
    Begun,
    /// The request has left.
    Waits {
        attempt: u32,
        post: usize,
        answer_by: Timestamp,
    },
    /// It has the answer; nothing of it is on record yet.
    Answered {
        attempt: u32,
        post: Option<usize>,
        reply: Reply,
    },
    /// The same of a look-up. `posts` had left when it was made.
    LookedUp {
        begun_at: Timestamp,
        posts: usize,
        seen: Option<Seen>,
    },
    /// The same of a look-up of the charge.
    ChargeLookedUp(Option<Charge>),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Worker {
    /// The session as it has read it.
    pub(crate) view: Read,
    /// Whether the log has more by now: its next append comes at an old version.
    pub(crate) is_overtaken: bool,
    pub(crate) doing: Doing,
}

impl Doing {
    /// Whether what it has in hand is Amazon's word for this outcome.
    pub(crate) fn bears_out(&self, verdict: Verdict) -> bool {
        let canceled = |whys: &[Why]| match self {
            Self::LookedUp {
                seen: Some(Seen(State::Canceled(why))),
                ..
            } => whys.contains(why),
            _ => false,
        };
        match verdict {
            Verdict::Captured => matches!(
                self,
                Self::Answered {
                    reply: Reply::Accepted,
                    ..
                } | Self::ChargeLookedUp(Some(Charge::Captured))
            ),
            Verdict::Declined => {
                canceled(&[Why::BuyerCanceled, Why::Declined])
                    || *self == Self::ChargeLookedUp(Some(Charge::Declined))
            }
            Verdict::Cancelled | Verdict::Expired => canceled(&[Why::Expired]),
            Verdict::Authorized | Verdict::Unpaid | Verdict::Unresolved => false,
        }
    }
}

impl Worker {
    pub(crate) fn idle() -> Self {
        Self {
            view: Read::new(Session::Unseen),
            is_overtaken: false,
            doing: Doing::Nothing,
        }
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.doing == Doing::Nothing
    }

    /// What it asks to be put on record once it has an answer.
    pub(crate) fn command(&self) -> Option<Command> {
        match &self.doing {
            Doing::Answered { attempt, reply, .. } => Some(Command::Answered {
                attempt: *attempt,
                answer: reply.as_answer(),
                spread: 1.0,
            }),
            Doing::LookedUp { begun_at, seen, .. } => Some(Command::LookedUp {
                answer: seen.map_or_else(no_look_up, |seen| told_at(*begun_at, seen)),
                spread: 1.0,
            }),
            Doing::ChargeLookedUp(seen) => Some(Command::ChargeLookedUp {
                answer: seen.map_or_else(no_charge, |charge| ChargeAnswer::Told {
                    found: charge.as_found(),
                    answer: Answer::default(),
                }),
                spread: 1.0,
            }),
            Doing::Nothing | Doing::Reads | Doing::Decided { .. } | Doing::Begun | Doing::Waits { .. } => {
                None
            }
        }
    }
}

fn told_at(begun_at: Timestamp, seen: Seen) -> LookUpAnswer {
    LookUpAnswer::Told(LookUp {
        begun_at,
        found: seen.as_found(),
        created_at: Some(t0()),
        expires_at: Some(t(hours(24))),
        left: Some(t(hours(24)).since(begun_at)),
        answer: Answer::default(),
    })
}

fn no_look_up() -> LookUpAnswer {
    LookUpAnswer::Failed {
        class: Class::Retry,
        retry_after: None,
        answer: Answer::default(),
    }
}

fn no_charge() -> ChargeAnswer {
    ChargeAnswer::Failed {
        class: Class::Retry,
        retry_after: None,
        answer: Answer::default(),
    }
}
