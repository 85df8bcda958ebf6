//! What the world is told, derived from facts and nothing else: the same fact always says the same under
//! the same id, whether it is told from memory or from the outbox.

use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, Deadline, Event, Evidence, Ids, Operation, Outcome, Payment,
    PaymentIntent, Session, SessionId, Subject, Timestamp, Work,
};

use crate::boundary;
use crate::ports::{LogError, Outbox, Publish};
use crate::record::{Recorded, Version, replay};

/// Amazon serves the details of a charge permission this long.
pub(crate) const PERMISSION_DETAILS_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// One fact, ready to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Of which session.
    pub id: SessionId,
    /// Which fact; with the session it makes the deterministic id and the sequence.
    pub version: Version,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// The account; none where the event's name is not one.
    pub account: Option<AccountName>,
    /// The shop's order number.
    pub merchant_reference_id: Option<String>,
    /// The time of the shop's event, from which latency is counted.
    pub said_at: Timestamp,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
    /// What is told.
    pub content: Content,
}

/// What is told, in the words of the topics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// `checkout.confirmed.v1`
    Confirmed {
        /// How we know.
        evidence: Evidence,
        /// Which call confirms it.
        operation: Option<Operation>,
        /// What Finalize said of the money.
        payment_intent: Option<PaymentIntent>,
        /// What Amazon made of it.
        ids: Ids,
        /// What became of the money.
        payment: Payment,
        /// What the buyer owes.
        charge_amount: Option<Amount>,
        /// What may be charged in all.
        total_order_amount: Option<Amount>,
        /// Until when Amazon serves the buyer's details, at the least.
        permission_details_until: Timestamp,
    },
    /// `checkout.declined.v1`
    Declined {
        /// How we know.
        evidence: Evidence,
        /// Amazon's reason.
        reason_code: Option<String>,
        /// Whether it was a Saved Wallet setup, for the buyer's message.
        sets_up_wallet: bool,
    },
    /// `checkout.cancelled.v1`
    Cancelled {
        /// When we decided.
        decided_at: Timestamp,
        /// When Amazon cancelled it.
        deadline: Timestamp,
    },
    /// `checkout.expired.v1`
    Expired {
        /// When Amazon cancelled it.
        deadline: Timestamp,
    },
    /// `checkout.unresolved.v1`
    Unresolved {
        /// Why not.
        because: String,
    },
    /// `checkout.payment-pending.v1`
    PaymentPending {
        /// How we know.
        evidence: Evidence,
        /// What Amazon made of it.
        ids: Ids,
    },
    /// `checkout.attempt-declined.v1`
    AttemptDeclined {
        /// Amazon's code.
        reason_code: Option<String>,
        /// Whether it was a Saved Wallet setup, for the buyer's message.
        sets_up_wallet: bool,
    },
    /// `checkout.alert.v1`
    Alert {
        /// Of what.
        kind: AlertKind,
        /// Counts the session's alerts; with session and kind it makes the alert's id.
        ordinal: u32,
        /// Raised, or over.
        firing: bool,
        /// For people.
        summary: String,
        /// When Amazon cancels the session.
        deadline: Deadline,
        /// What the buyer owes.
        charge_amount: Option<Amount>,
    },
}

/// Everything in `facts` that is told; `before` is the session that they found.
pub fn announcements_of(id: &SessionId, before: Session, facts: &[Recorded]) -> Vec<Announcement> {
    let mut session = before;
    let mut told = Vec::new();
    for fact in facts {
        let before = session.clone();
        session = session.evolve(fact.at, &fact.event);
        let Some(subject) = session.subject() else {
            continue;
        };
        if let Some(content) = content_of(&before, &session, subject, fact) {
            told.push(Announcement {
                id: id.clone(),
                version: fact.version,
                recorded_at: fact.at,
                account: subject.account().cloned(),
                merchant_reference_id: subject.statement.merchant_reference_id.clone(),
                said_at: subject.said_at,
                traceparent: fact.traceparent.clone(),
                content,
            });
        }
    }
    told
}

/// What one fact of a history tells, as the outbox needs it.
pub fn announcement_at(id: &SessionId, history: &[Recorded], version: Version) -> Option<Announcement> {
    let at = history.iter().position(|fact| fact.version == version)?;
    let (before, _) = replay(&history[..at]);
    announcements_of(id, before, &history[at..=at]).pop()
}

fn content_of(before: &Session, after: &Session, subject: &Subject, fact: &Recorded) -> Option<Content> {
    let order = subject.statement.order;
    let sets_up_wallet = order.is_some_and(|order| order.work == Work::SetUpWallet);
    match &fact.event {
        Event::Settled { outcome, .. } => Some(match outcome {
            Outcome::Confirmed {
                ids,
                payment,
                evidence,
            } => Content::Confirmed {
                evidence: *evidence,
                operation: order.map(|order| order.operation()),
                payment_intent: order.and_then(|order| order.intent()),
                ids: ids.clone(),
                payment: *payment,
                charge_amount: order.and_then(|order| order.charge_amount()),
                total_order_amount: order.and_then(|order| order.total_order_amount),
                permission_details_until: details_until(before, subject, *evidence, fact.at),
            },
            Outcome::Declined { reason_code } => Content::Declined {
                evidence: Evidence::LookUp,
                reason_code: reason_code.clone(),
                sets_up_wallet,
            },
            Outcome::Cancelled { decided_at } => Content::Cancelled {
                decided_at: *decided_at,
                deadline: subject.deadline.at,
            },
            Outcome::Expired => Content::Expired {
                deadline: subject.deadline.at,
            },
            Outcome::Unresolved { because } => Content::Unresolved {
                because: because.clone(),
            },
        }),
        Event::PaymentPending => match after {
            Session::PaymentPending(pending) => Some(Content::PaymentPending {
                evidence: pending.evidence,
                ids: pending.ids.clone(),
            }),
            Session::Unseen | Session::Open(_) | Session::Settled(_) => None,
        },
        Event::AttemptDeclined { reason_code } => Some(Content::AttemptDeclined {
            reason_code: reason_code.clone(),
            sets_up_wallet,
        }),
        Event::AlertRaised { ordinal, .. } => alert(subject, *ordinal, true),
        Event::AlertResolved { ordinal } => alert(subject, *ordinal, false),
        Event::CheckoutCompleted { .. }
        | Event::CheckoutAmended { .. }
        | Event::AmendmentKept { .. }
        | Event::ConflictFound { .. }
        | Event::ConfirmationStarted { .. }
        | Event::ConfirmationNotSent { .. }
        | Event::ConfirmationDeferred { .. }
        | Event::ConfirmationUnclear { .. }
        | Event::ConfirmationRefused { .. }
        | Event::RepairNeeded { .. }
        | Event::LookedUp { .. }
        | Event::LookUpDeferred { .. }
        | Event::ConfirmationAccepted { .. }
        | Event::ChargeLookedUp { .. }
        | Event::ChargeLookUpDeferred { .. }
        | Event::ConfirmationForsworn { .. }
        | Event::Released
        | Event::RetryRequested => None,
    }
}

/// Counted from when the permission was surely not older than that: our own answer's time, else the
/// session's creation, because nobody has told when someone else confirmed it.
fn details_until(before: &Session, subject: &Subject, evidence: Evidence, at: Timestamp) -> Timestamp {
    let made_at = match (evidence, before) {
        (Evidence::Answer, Session::PaymentPending(pending)) => pending.since,
        (Evidence::Answer, Session::Open(_) | Session::Unseen | Session::Settled(_)) => at,
        (Evidence::LookUp | Evidence::None, _) => subject.created_at(),
    };
    made_at.plus(PERMISSION_DETAILS_FOR)
}

fn alert(subject: &Subject, ordinal: u32, firing: bool) -> Option<Content> {
    let alert = subject.alerts.get(ordinal)?;
    Some(Content::Alert {
        kind: alert.kind,
        ordinal,
        firing,
        summary: alert.summary.clone(),
        deadline: subject.deadline,
        charge_amount: subject.statement.order.and_then(|order| order.charge_amount()),
    })
}

/// Tells these and records that they were told. What the broker did not take stays in the outbox; which ones
/// it took comes back, in the order of the requests.
pub async fn publish(
    publisher: &impl Publish,
    outbox: &impl Outbox,
    announcements: &[Announcement],
) -> Result<Vec<bool>, LogError> {
    boundary("publish");
    let results = publisher.publish(announcements).await;
    boundary("published");
    let taken: Vec<bool> = results.iter().map(Result::is_ok).collect();
    let told: Vec<(SessionId, Version)> = announcements
        .iter()
        .zip(&taken)
        .filter(|(_, taken)| **taken)
        .map(|(announcement, _)| (announcement.id.clone(), announcement.version))
        .collect();
    if !told.is_empty() {
        mark_told(outbox, &told).await?;
    }
    Ok(taken)
}

/// Records that these were told, or that there is nothing to tell of them.
pub async fn mark_told(outbox: &impl Outbox, facts: &[(SessionId, Version)]) -> Result<(), LogError> {
    boundary("mark-told");
    let marked = outbox.told(facts).await;
    boundary("told");
    marked
}

/// The id of an alert: the same when it is raised and when it is over.
pub fn alert_id(id: &SessionId, kind: AlertKind, ordinal: u32) -> String {
    format!("{id}/{}/{ordinal}", kind.name())
}
