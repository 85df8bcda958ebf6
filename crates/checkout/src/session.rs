//! A session as its history tells it.

use crate::{
    AccountName, Alerts, Answer, BodyRef, Evidence, Flaw, ForswornBy, IdempotencyKey, Ids, Payment, Policy,
    Statement, Timestamp,
};

/// How the deadline is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadlineFrom {
    /// Amazon's `expirationTimestamp`.
    LookUp,
    /// The event's `sessionCreatedAt`.
    Event,
    /// The event's time plus 24 hours: it cannot be later.
    UpperBound,
}

/// When Amazon cancels the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Deadline {
    /// The instant.
    pub at: Timestamp,
    /// How it is known.
    pub from: DeadlineFrom,
}

/// What every session has from its first event on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    /// What holds of what the shop said.
    pub statement: Statement,
    /// Everything that the shop ever said of it, once each way that its amounts were written.
    pub heard: Vec<Statement>,
    /// What of it was a conflict when it was said, and has never held since.
    pub set_aside: Vec<Statement>,
    /// The event's own time.
    pub said_at: Timestamp,
    /// When it was first recorded.
    pub seen_at: Timestamp,
    /// When Amazon cancels it.
    pub deadline: Deadline,
    /// How many attempts were started.
    pub attempts: u32,
    /// The last attempt had left by then, if it left at all: what was asked before says nothing of it.
    pub last_left_by: Option<Timestamp>,
    /// Everything that people were told.
    pub alerts: Alerts,
}

impl Subject {
    /// The account, where the event's name is one.
    pub fn account(&self) -> Option<&AccountName> {
        self.statement.account.as_ref()
    }

    /// Whether the shop has said this, and written its amounts like this.
    pub(crate) fn has_heard_written(&self, statement: &Statement) -> bool {
        let written_alike = |heard: &Statement| match (&heard.order, &statement.order) {
            (Some(heard), Some(said)) => heard.is_written_as(said),
            (Some(_) | None, None) | (None, Some(_)) => true,
        };
        let mut heard = self.heard.iter();
        heard.any(|heard| heard == statement && written_alike(heard))
    }

    /// Creation, as far as the deadline tells it.
    pub fn created_at(&self) -> Timestamp {
        self.deadline.at.minus(Policy::LIFETIME)
    }
}

/// An attempt whose answer is not on record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct InFlight {
    /// Which attempt.
    pub attempt: u32,
    /// Under which key.
    pub key: IdempotencyKey,
    /// Which bytes.
    pub body: BodyRef,
    /// When it was put on record.
    pub started_at: Timestamp,
    /// It leaves by then or not at all.
    pub send_by: Timestamp,
}

impl InFlight {
    /// From here on it cannot be on its way any more: what is not answered now is in doubt.
    pub fn until(&self, policy: &Policy) -> Timestamp {
        self.send_by.plus(policy.attempt_timeout)
    }
}

/// It may have landed. Stands beside the hold, and only evidence ends it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Doubt {
    /// When the first doubtful attempt was started.
    pub since: Timestamp,
    /// The key of the last doubtful attempt, or the one that has taken its place.
    pub key: IdempotencyKey,
    /// The bytes of the last doubtful attempt.
    pub body: BodyRef,
    /// The last answer, where it was a 5xx, a 408 or a 422.
    pub same_answer: Option<SameAnswer>,
    /// When Amazon last refused these very bytes for their content.
    pub content_refused_at: Option<Timestamp>,
}

impl Doubt {
    /// Enough equal answers in a row to believe them.
    const OFTEN: u32 = 3;

    /// Whether another key is tried: Amazon may be repeating a stored answer instead of looking anew.
    fn wants_another_key(&self) -> bool {
        self.same_answer
            .as_ref()
            .is_some_and(|same| same.times >= Self::OFTEN)
    }

    /// How many look-ups have found that it is the buyer who is not done: none until the same 422 came often
    /// enough, because before that "open" may as well mean that the attempt is still running.
    pub fn buyer_not_done_looks(&self) -> Option<u32> {
        let same = self.same_answer.as_ref().filter(|same| same.status == 422)?;
        same.in_a_row.checked_sub(Self::OFTEN)
    }
}

/// An answer that may be a stored one, and how often it came without another one in between.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SameAnswer {
    /// The HTTP status.
    pub status: u16,
    /// Amazon's code.
    pub code: Option<String>,
    /// How often in a row under the doubt's key.
    pub times: u32,
    /// How often in a row, whatever the key.
    pub in_a_row: u32,
}

/// The buyer has not finished at Amazon, or the payment was refused with the session still open. An address that
/// has not come yet counts as the former: nothing in an open session tells that its buyer is done (that nothing is
/// missing any more, its `constraints` say before the buyer has finished), so that it cannot be called a flaw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BuyerNotDone {
    /// How many look-ups have found it so.
    pub looks: u32,
    /// Whether we try again by ourselves: after "not in a state for this", but not after a refused payment.
    pub try_again: bool,
}

/// What keeps an open session, if anything.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Hold {
    /// Nothing.
    Ready,
    /// The buyer.
    BuyerNotDone(BuyerNotDone),
    /// Something that a person must repair.
    NeedsRepair(Flaw),
    /// Our own decision.
    Forsworn {
        /// Whose.
        by: ForswornBy,
        /// When.
        at: Timestamp,
    },
}

/// What a look-up is to tell before anything else is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Question {
    /// Whether the attempt has landed.
    Landed,
    /// What "not in a state for this" meant.
    Status,
    /// Whether a refused payment has ended the session.
    Refused,
}

/// Which key and bytes the next attempt has.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyChoice {
    /// Exactly these again.
    Repeat(IdempotencyKey, BodyRef),
    /// A new key for the same bytes.
    NewKey(BodyRef),
    /// A new key, and bytes built anew.
    New,
}

/// Not settled, not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Open {
    /// What every session has.
    pub subject: Subject,
    /// What keeps it.
    pub hold: Hold,
    /// It may have landed.
    pub doubt: Option<Doubt>,
    /// An attempt is on record without an answer.
    pub in_flight: Option<InFlight>,
    /// What is to be asked before anything else.
    pub question: Option<Question>,
    /// What is still the buyer's to do, once the account that is missing is there.
    pub left_to_buyer: Option<BuyerNotDone>,
    /// A different event that waits for the end of the doubt.
    pub kept: Option<Statement>,
    /// Key and bytes that a past doubt was about, as long as the bytes are the same.
    pub past_key: Option<(IdempotencyKey, BodyRef)>,
    /// The look-up that last said "open": when it was sent.
    pub found_open_at: Option<Timestamp>,
    /// The look-up that was last answered, whatever it said: when it was sent.
    pub looked_at: Option<Timestamp>,
    /// The code of the last refusal for good, which tells why where Amazon's look-up does not.
    pub refused_with: Option<String>,
    /// Amazon's deadline by our clock, as the look-up that last said "open" told it from Amazon's.
    pub lasts_until: Option<Timestamp>,
    /// Whether a look-up brought the address that Finalize needs.
    pub address_found: bool,
    /// Attempts in a row that told nothing about the session. A look-up in between does not end the row:
    /// that Amazon answers questions says nothing of how it takes orders.
    pub failures: u32,
    /// Look-ups in a row that brought nothing.
    pub look_up_failures: u32,
    /// The next try or look-up comes no sooner.
    pub not_before: Timestamp,
    /// 404s after the deadline, far enough apart to count: how many, and when the last was.
    pub not_found: Option<(u32, Timestamp)>,
}

impl Open {
    /// Whether the request may have had its effect, as of `now`.
    pub fn may_have_landed(&self, now: Timestamp, policy: &Policy) -> bool {
        self.doubt.is_some()
            || self
                .in_flight
                .as_ref()
                .is_some_and(|flight| flight.until(policy) <= now)
    }

    /// Which key and bytes the next attempt has.
    pub fn key_choice(&self) -> KeyChoice {
        match (&self.doubt, &self.past_key) {
            // Whether Amazon replays a stored error is unknown: the same one three times, each with a
            // look-up between, and another key is tried; the session's single use guards.
            (Some(doubt), _) if doubt.wants_another_key() => KeyChoice::NewKey(doubt.body),
            (Some(doubt), _) => KeyChoice::Repeat(doubt.key.clone(), doubt.body),
            (None, Some((key, body))) => KeyChoice::Repeat(key.clone(), *body),
            (None, None) => KeyChoice::New,
        }
    }

    /// Whether neither its event nor a look-up has brought the address that its order needs so far.
    pub fn lacks_address(&self) -> bool {
        let order = self.subject.statement.order;
        !self.address_found && !order.is_some_and(|order| order.has_address)
    }

    /// Whether the buyer or a flaw keeps it, rather than its turn or Amazon.
    pub fn cannot_be_confirmed_as_it_stands(&self) -> bool {
        match self.hold {
            Hold::NeedsRepair(_) | Hold::BuyerNotDone(_) => true,
            Hold::Ready | Hold::Forsworn { .. } => false,
        }
    }

    /// When we decided not to confirm it, if we did.
    pub fn forsworn_at(&self) -> Option<Timestamp> {
        match &self.hold {
            Hold::Forsworn { at, .. } => Some(*at),
            Hold::Ready | Hold::BuyerNotDone(_) | Hold::NeedsRepair(_) => None,
        }
    }

    /// How many look-ups have found that the buyer is not done.
    pub fn looks(&self) -> u32 {
        match &self.hold {
            Hold::BuyerNotDone(waiting) => waiting.looks,
            Hold::Ready | Hold::NeedsRepair(_) | Hold::Forsworn { .. } => 0,
        }
    }
}

/// Confirmed at Amazon; what became of the money is still open.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Pending {
    /// What every session has.
    pub subject: Subject,
    /// What Amazon made of it.
    pub ids: Ids,
    /// How we know that it is confirmed.
    pub evidence: Evidence,
    /// The answer that said so.
    pub answer: Answer,
    /// Since when.
    pub since: Timestamp,
    /// Whether the shop was told that the payment is pending.
    pub told: bool,
    /// The next look-up of the charge comes no sooner.
    pub not_before: Timestamp,
    /// Look-ups that said "pending".
    pub looks: u32,
    /// Look-ups in a row that brought nothing.
    pub failures: u32,
    /// 404s past the payment's 24 hours, far enough apart to count.
    pub not_found: Option<(u32, Timestamp)>,
    /// Why its charge cannot be asked about: its account is not configured.
    pub repair: Option<Flaw>,
    /// When we had forsworn it, if we had.
    pub forsworn_at: Option<Timestamp>,
}

impl Pending {
    /// Amazon has decided by then.
    pub fn decided_by(&self) -> Timestamp {
        self.since.plus(Policy::PAYMENT_DECIDED_WITHIN)
    }
}

/// The one outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The sale is made.
    Confirmed {
        /// What Amazon made of it.
        ids: Ids,
        /// What became of the money.
        payment: Payment,
        /// How we know.
        evidence: Evidence,
    },
    /// Amazon refused the payment, or the buyer backed out.
    Declined {
        /// Amazon's reason.
        reason_code: Option<String>,
    },
    /// Not confirmed by our decision.
    Cancelled {
        /// When we decided.
        decided_at: Timestamp,
    },
    /// Not confirmed in time.
    Expired,
    /// It cannot be known.
    Unresolved {
        /// Why not.
        because: String,
    },
}

impl Outcome {
    /// What users call it.
    pub fn state(&self) -> StateName {
        match self {
            Self::Confirmed { .. } => StateName::Confirmed,
            Self::Declined { .. } => StateName::Declined,
            Self::Cancelled { .. } => StateName::Cancelled,
            Self::Expired => StateName::Expired,
            Self::Unresolved { .. } => StateName::Unresolved,
        }
    }
}

/// Nothing that arrives later changes the outcome.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Settled {
    /// What every session has.
    pub subject: Subject,
    /// The one outcome.
    pub outcome: Outcome,
    /// Whether Amazon had confirmed the session, so that the outcome is that of its charge.
    pub was_confirmed: bool,
    /// When it was recorded.
    pub at: Timestamp,
}

/// What `--state` and the metrics call a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are those of the contract")]
pub enum StateName {
    Ready,
    Waiting,
    InDoubt,
    NeedsRepair,
    Forsworn,
    PaymentPending,
    Confirmed,
    Declined,
    Cancelled,
    Expired,
    Unresolved,
}

impl StateName {
    /// Every state, in the order of a session's life.
    pub const ALL: [Self; 11] = [
        Self::Ready,
        Self::Waiting,
        Self::InDoubt,
        Self::NeedsRepair,
        Self::Forsworn,
        Self::PaymentPending,
        Self::Confirmed,
        Self::Declined,
        Self::Cancelled,
        Self::Expired,
        Self::Unresolved,
    ];

    /// The name as users meet it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Waiting => "waiting",
            Self::InDoubt => "in-doubt",
            Self::NeedsRepair => "needs-repair",
            Self::Forsworn => "forsworn",
            Self::PaymentPending => "payment-pending",
            Self::Confirmed => "confirmed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unresolved => "unresolved",
        }
    }

    /// The state of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the outcome is known.
    pub fn is_settled(self) -> bool {
        match self {
            Self::Ready
            | Self::Waiting
            | Self::InDoubt
            | Self::NeedsRepair
            | Self::Forsworn
            | Self::PaymentPending => false,
            Self::Confirmed | Self::Declined | Self::Cancelled | Self::Expired | Self::Unresolved => true,
        }
    }
}

/// A checkout session to us.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[expect(
    clippy::large_enum_variant,
    reason = "an open session is the usual one; one is in hand at a time, and none is kept"
)]
pub enum Session {
    /// Never heard of.
    Unseen,
    /// To be confirmed, or to be found lapsed.
    Open(Open),
    /// Confirmed; the charge is being asked about.
    PaymentPending(Pending),
    /// Over.
    Settled(Settled),
}

impl Session {
    /// What every session has, once it was heard of.
    pub fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Unseen => None,
            Self::Open(open) => Some(&open.subject),
            Self::PaymentPending(pending) => Some(&pending.subject),
            Self::Settled(settled) => Some(&settled.subject),
        }
    }

    /// What users call its state; none for a session that was never heard of. In flight is not in doubt:
    /// doubt begins when the attempt's worker must be gone.
    pub fn state(&self, now: Timestamp, policy: &Policy) -> Option<StateName> {
        let open = match self {
            Self::Unseen => return None,
            Self::PaymentPending(_) => return Some(StateName::PaymentPending),
            Self::Settled(settled) => return Some(settled.outcome.state()),
            Self::Open(open) => open,
        };
        Some(match &open.hold {
            _ if open.may_have_landed(now, policy) => StateName::InDoubt,
            Hold::NeedsRepair(_) => StateName::NeedsRepair,
            Hold::Forsworn { .. } => StateName::Forsworn,
            Hold::BuyerNotDone(_) => StateName::Waiting,
            Hold::Ready if now < open.not_before => StateName::Waiting,
            Hold::Ready => StateName::Ready,
        })
    }
}
