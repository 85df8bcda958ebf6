//! The facts of one session, as the log keeps them. None holds personal data.

use std::time::Duration;

use crate::{
    AlertKind, Answer, BodyRef, ChargeFound, Flaw, Found, IdempotencyKey, Ids, Outcome, Statement, Timestamp,
};

/// Where an outcome's truth comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// Amazon's answer to our call.
    Answer,
    /// A look-up of the session or its charge.
    LookUp,
    /// There is none: it cannot be known.
    None,
}

/// What became of the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Payment {
    /// Authorized and captured.
    Captured,
    /// Authorized only.
    Authorized,
    /// No charge was made.
    None,
}

/// Who decided not to confirm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForswornBy {
    /// `near = "cancel"`.
    Policy,
    /// A person; only a person's release ends it.
    Operator,
}

/// Why an attempt was put off, with nothing in doubt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// 429.
    Throttled,
    /// The whole account is refused.
    AccountStopped,
    /// Anything transient that had no effect.
    Transient,
}

/// How an attempt was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// "Not in a state for this": a question, not an answer.
    Status,
    /// Refused for good, such as a declined payment method.
    Final,
}

/// A fact about one session. When it was recorded, by whom and under which trace stands beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The shop said that the buyer is done.
    CheckoutCompleted {
        /// What it said.
        statement: Statement,
        /// The event's own time.
        said_at: Timestamp,
        /// The session's creation, where the shop knows it.
        session_created_at: Option<Timestamp>,
    },
    /// A corrected event took the place of what was said before.
    CheckoutAmended {
        /// What holds from now on.
        statement: Statement,
    },
    /// A different event came while the session may have landed; it is judged when the doubt is over.
    AmendmentKept {
        /// What it said.
        statement: Statement,
    },
    /// A different event that changes nothing.
    ConflictFound {
        /// What it said.
        statement: Statement,
    },
    /// The intent, on record before a byte leaves.
    ConfirmationStarted {
        /// Counts from 1.
        attempt: u32,
        /// Under which Amazon recognises a repeat.
        key: IdempotencyKey,
        /// The exact bytes, kept beside the log.
        body: BodyRef,
        /// Not sent later than this.
        send_by: Timestamp,
    },
    /// No byte left.
    ConfirmationNotSent {
        /// Which attempt.
        attempt: u32,
        /// What happened.
        answer: Answer,
        /// Tried again no sooner.
        retry_at: Timestamp,
    },
    /// Put off by Amazon; the attempt had no effect.
    ConfirmationDeferred {
        /// Which attempt.
        attempt: u32,
        /// Why.
        because: Because,
        /// What was answered.
        answer: Answer,
        /// Tried again no sooner.
        retry_at: Timestamp,
    },
    /// The attempt may have had its effect.
    ConfirmationUnclear {
        /// Which attempt.
        attempt: u32,
        /// What was answered, if anything.
        answer: Answer,
        /// Looked up no sooner.
        retry_at: Timestamp,
    },
    /// Amazon said no to this attempt; a look-up follows.
    ConfirmationRefused {
        /// Which attempt.
        attempt: u32,
        /// How.
        refusal: Refusal,
        /// What was answered.
        answer: Answer,
        /// Whether this answer itself leaves open if the attempt had its effect (a timed-out authorization).
        may_have_landed: bool,
    },
    /// It cannot be confirmed as it stands, or nothing can be asked about it: its account is not configured.
    RepairNeeded {
        /// What is wrong.
        flaw: Flaw,
        /// The attempt that Amazon refused, where it was one.
        attempt: Option<u32>,
        /// Whether Amazon refused these bytes for their content.
        content: bool,
        /// What was answered.
        answer: Answer,
    },
    /// A look-up of the session was answered.
    LookedUp {
        /// When it was sent.
        begun_at: Timestamp,
        /// What it says.
        found: Found,
        /// `creationTimestamp`, where it has one.
        created_at: Option<Timestamp>,
        /// `expirationTimestamp`, where it has one.
        expires_at: Option<Timestamp>,
        /// How long it had left at least by Amazon's own clock, where the answer tells what that shows.
        left: Option<Duration>,
        /// What is next comes no sooner.
        next_at: Timestamp,
        /// For the record.
        answer: Answer,
    },
    /// A look-up brought nothing.
    LookUpDeferred {
        /// What happened.
        answer: Answer,
        /// Asked again no sooner.
        retry_at: Timestamp,
    },
    /// Amazon has confirmed the session; what became of the money is still to be asked.
    ConfirmationAccepted {
        /// How we know.
        evidence: Evidence,
        /// What Amazon made of it.
        ids: Ids,
        /// For the record.
        answer: Answer,
    },
    /// The payment is being decided. Told to the shop, not an outcome.
    PaymentPending,
    /// A look-up of the charge was answered.
    ChargeLookedUp {
        /// What it says.
        found: ChargeFound,
        /// Asked again no sooner.
        next_at: Timestamp,
        /// For the record.
        answer: Answer,
    },
    /// A look-up of the charge brought nothing.
    ChargeLookUpDeferred {
        /// What happened.
        answer: Answer,
        /// Asked again no sooner.
        retry_at: Timestamp,
    },
    /// Amazon refused the attempt and the session is still open. Told to the shop, not an outcome.
    AttemptDeclined {
        /// Amazon's code.
        reason_code: Option<String>,
    },
    /// We decided not to confirm.
    ConfirmationForsworn {
        /// Who did.
        by: ForswornBy,
    },
    /// An operator ended needs-repair or forsworn; or confirmd itself a repair for want of an account that is
    /// configured now.
    Released,
    /// An operator made the next step due.
    RetryRequested,
    /// The one outcome of the session.
    Settled {
        /// Which.
        outcome: Outcome,
        /// For the record.
        answer: Answer,
    },
    /// People are told.
    AlertRaised {
        /// Of what.
        kind: AlertKind,
        /// Counts the session's alerts from 1.
        ordinal: u32,
        /// What is the matter, in a sentence for people.
        summary: String,
    },
    /// What an alert said is over.
    AlertResolved {
        /// Which alert.
        ordinal: u32,
    },
}

impl Event {
    /// The name in `history[].type` and in the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::CheckoutCompleted { .. } => "checkout-completed",
            Self::CheckoutAmended { .. } => "checkout-amended",
            Self::AmendmentKept { .. } => "amendment-kept",
            Self::ConflictFound { .. } => "conflict-found",
            Self::ConfirmationStarted { .. } => "confirmation-started",
            Self::ConfirmationNotSent { .. } => "confirmation-not-sent",
            Self::ConfirmationDeferred { .. } => "confirmation-deferred",
            Self::ConfirmationUnclear { .. } => "confirmation-unclear",
            Self::ConfirmationRefused { .. } => "confirmation-refused",
            Self::RepairNeeded { .. } => "repair-needed",
            Self::LookedUp { .. } => "looked-up",
            Self::LookUpDeferred { .. } => "look-up-deferred",
            Self::ConfirmationAccepted { .. } => "confirmation-accepted",
            Self::PaymentPending => "payment-pending",
            Self::ChargeLookedUp { .. } => "charge-looked-up",
            Self::ChargeLookUpDeferred { .. } => "charge-look-up-deferred",
            Self::AttemptDeclined { .. } => "attempt-declined",
            Self::ConfirmationForsworn { .. } => "confirmation-forsworn",
            Self::Released => "released",
            Self::RetryRequested => "retry-requested",
            Self::Settled { outcome, .. } => outcome.state().as_str(),
            Self::AlertRaised { .. } => "alert-raised",
            Self::AlertResolved { .. } => "alert-resolved",
        }
    }

    /// Whether it is told to the world, on the outcomes or the alerts topic.
    pub fn is_announced(&self) -> bool {
        matches!(
            self,
            Self::Settled { .. }
                | Self::PaymentPending
                | Self::AttemptDeclined { .. }
                | Self::AlertRaised { .. }
                | Self::AlertResolved { .. }
        )
    }

    /// What Amazon answered, where the fact comes from an answer.
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::ConfirmationNotSent { answer, .. }
            | Self::ConfirmationDeferred { answer, .. }
            | Self::ConfirmationUnclear { answer, .. }
            | Self::ConfirmationRefused { answer, .. }
            | Self::RepairNeeded { answer, .. }
            | Self::LookedUp { answer, .. }
            | Self::LookUpDeferred { answer, .. }
            | Self::ConfirmationAccepted { answer, .. }
            | Self::ChargeLookedUp { answer, .. }
            | Self::ChargeLookUpDeferred { answer, .. }
            | Self::Settled { answer, .. } => Some(answer),
            Self::CheckoutCompleted { .. }
            | Self::CheckoutAmended { .. }
            | Self::AmendmentKept { .. }
            | Self::ConflictFound { .. }
            | Self::ConfirmationStarted { .. }
            | Self::PaymentPending
            | Self::AttemptDeclined { .. }
            | Self::ConfirmationForsworn { .. }
            | Self::Released
            | Self::RetryRequested
            | Self::AlertRaised { .. }
            | Self::AlertResolved { .. } => None,
        }
    }
}
