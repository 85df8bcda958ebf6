//! Charges.
//!
//! ```text
//!   AuthorizationInitiated ─► Authorized ─► CaptureInitiated ─► Captured
//!          │    │                │  │  └───────────────────────────▲
//!          │    └─► Declined ◄───│──│──── (a capture that is refused)
//!          └──────► Canceled ◄───┴──┘ by the merchant, or after 30 days
//! ```
//!
//! What happens by itself is a timer that its [`Permission`](super::permission::Permission) lets run out.

use std::time::Duration;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::objects::permission::Permission;
use crate::objects::price::Price;
use crate::objects::refund::{Refund, RefundState};
use crate::objects::{later, status_details};
use crate::options::Environment;
use crate::time::stamp::basic;
use crate::unknowns::Unknowns;

const DAY: Duration = Duration::from_hours(24);
/// An authorization that nobody captures lapses after 30 days.
const AUTHORIZATION_LASTS: Duration = DAY.saturating_mul(30);
/// A capture within 7 days of the authorization is decided at once.
const CAPTURED_AT_ONCE_FOR: Duration = DAY.saturating_mul(7);

#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) order: ChargeOrder,
    pub(crate) made: Timestamp,
    pub(crate) state: ChargeState,
    pub(crate) reason: Option<&'static str>,
    /// What the provider that processes it said about the reason.
    explanation: Option<String>,
    pub(crate) since: Timestamp,
    authorized: Option<Timestamp>,
    /// Of the amount, what is captured.
    pub(crate) captured: Decimal,
    /// Of the amount, what is being captured.
    pub(crate) capturing: Decimal,
    pub(crate) next: Option<Timer>,
    pub(crate) refunds: Vec<Refund>,
}

/// What a charge was asked for with.
#[derive(Debug, Clone)]
pub(crate) struct ChargeOrder {
    pub(crate) amount: Price,
    pub(crate) capture_now: bool,
    pub(crate) can_wait: bool,
    pub(crate) soft_descriptor: Option<String>,
    /// Book-keeping fields, shown as they came.
    pub(crate) details: Map<String, Value>,
}

/// What becomes of a charge, as card, simulation code and request have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    Authorized,
    Captured,
    /// Captured, but only later.
    Capturing {
        until: Timestamp,
    },
    /// Undecided until then.
    Pending {
        until: Timestamp,
        verdict: Verdict,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Authorized,
    Declined(&'static str),
}

/// What the provider that processes a charge says of it.
#[derive(Debug, Clone)]
pub(crate) struct Report {
    pub(crate) verdict: Reported,
    pub(crate) explanation: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    Authorized,
    CaptureInitiated,
    Captured,
    Declined(&'static str),
    Canceled(&'static str),
}

impl Reported {
    pub(crate) fn state(self) -> ChargeState {
        match self {
            Self::Authorized => ChargeState::Authorized,
            Self::CaptureInitiated => ChargeState::CaptureInitiated,
            Self::Captured => ChargeState::Captured,
            Self::Declined(_) => ChargeState::Declined,
            Self::Canceled(_) => ChargeState::Canceled,
        }
    }
}

/// What happens to a charge by itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timer {
    pub(crate) at: Timestamp,
    then: Then,
}

#[derive(Debug, Clone, Copy)]
enum Then {
    Authorized,
    Captured,
    Declined(&'static str),
    Lapses,
}

/// Where a charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ChargeState {
    AuthorizationInitiated,
    Authorized,
    CaptureInitiated,
    Captured,
    Declined,
    Canceled,
}

impl ChargeState {
    /// Money may still be taken by it.
    pub(crate) fn is_open(self) -> bool {
        matches!(
            self,
            Self::AuthorizationInitiated | Self::Authorized | Self::CaptureInitiated
        )
    }
}

impl Charge {
    pub(crate) fn new(id: String, order: ChargeOrder, course: Course, at: Timestamp) -> Self {
        let mut charge = Self {
            id,
            order,
            made: at,
            state: ChargeState::AuthorizationInitiated,
            reason: None,
            explanation: None,
            since: at,
            authorized: None,
            captured: Decimal::ZERO,
            capturing: Decimal::ZERO,
            next: None,
            refunds: Vec::new(),
        };
        let whole = charge.order.amount.amount;
        match course {
            Course::Authorized => charge.authorize(at),
            Course::Captured => {
                charge.authorize(at);
                charge.capture(whole, at);
            }
            Course::Capturing { until } => {
                charge.authorize(at);
                charge.capture_later(whole, at, until);
            }
            Course::Pending { until, verdict } => {
                let then = match verdict {
                    Verdict::Authorized => Then::Authorized,
                    Verdict::Declined(reason) => Then::Declined(reason),
                };
                charge.next = Some(Timer { at: until, then });
            }
        }
        charge
    }

    fn turn(&mut self, state: ChargeState, reason: Option<&'static str>, at: Timestamp) {
        self.state = state;
        self.reason = reason;
        self.explanation = None;
        self.since = at;
        self.next = None;
    }

    fn authorize(&mut self, at: Timestamp) {
        self.turn(ChargeState::Authorized, None, at);
        self.authorized = Some(at);
        self.next = Some(Timer {
            at: later(at, AUTHORIZATION_LASTS),
            then: Then::Lapses,
        });
    }

    pub(crate) fn capture(&mut self, amount: Decimal, at: Timestamp) {
        self.turn(ChargeState::Captured, None, at);
        self.capturing = Decimal::ZERO;
        self.captured += amount;
    }

    pub(crate) fn capture_later(&mut self, amount: Decimal, at: Timestamp, until: Timestamp) {
        self.turn(ChargeState::CaptureInitiated, None, at);
        self.capturing = amount;
        self.next = Some(Timer {
            at: until,
            then: Then::Captured,
        });
    }

    pub(crate) fn decline(&mut self, reason: &'static str, at: Timestamp) {
        self.turn(ChargeState::Declined, Some(reason), at);
        self.capturing = Decimal::ZERO;
    }

    pub(crate) fn cancel(&mut self, reason: &'static str, at: Timestamp) {
        self.turn(ChargeState::Canceled, Some(reason), at);
    }

    /// Whether an arrow of the picture above leads there, for whoever processes it elsewhere.
    pub(crate) fn may_become(&self, state: ChargeState) -> bool {
        use ChargeState as S;
        match self.state {
            S::AuthorizationInitiated => matches!(state, S::Authorized | S::Declined | S::Canceled),
            S::Authorized => matches!(state, S::CaptureInitiated | S::Captured | S::Canceled),
            S::CaptureInitiated => matches!(state, S::Captured | S::Declined),
            S::Captured | S::Declined | S::Canceled => false,
        }
    }

    /// Takes a provider's word for what became of it: where it [may](Self::may_become). The whole amount is
    /// captured, or what was being captured. A capture that has only begun ends by itself.
    pub(crate) fn follow(&mut self, report: Report, at: Timestamp, until: Timestamp) {
        let whole = self.order.amount.amount;
        match report.verdict {
            Reported::Authorized => self.authorize(at),
            Reported::CaptureInitiated => self.capture_later(whole, at, until),
            Reported::Captured if self.state == ChargeState::CaptureInitiated => {
                self.capture(self.capturing, at);
            }
            Reported::Captured => self.capture(whole, at),
            Reported::Declined(reason) => self.decline(reason, at),
            Reported::Canceled(reason) => self.cancel(reason, at),
        }
        self.explanation = report.explanation;
    }

    /// Lets its timer run out.
    pub(crate) fn fire(&mut self) {
        let Some(Timer { at, then }) = self.next.take() else {
            return;
        };
        match then {
            Then::Authorized => self.authorize(at),
            Then::Captured => self.capture(self.capturing, at),
            Then::Declined(reason) => self.decline(reason, at),
            Then::Lapses => self.cancel("ExpiredUnused", at),
        }
    }

    pub(crate) fn was_authorized(&self) -> bool {
        self.authorized.is_some()
    }

    pub(crate) fn is_captured_at_once(&self, now: Timestamp) -> bool {
        self.authorized
            .is_none_or(|authorized| now <= later(authorized, CAPTURED_AT_ONCE_FOR))
    }

    /// What it takes of its permission's limit.
    pub(crate) fn takes(&self, unknowns: &Unknowns) -> Decimal {
        match self.state {
            ChargeState::Declined | ChargeState::Canceled => self.captured,
            ChargeState::CaptureInitiated | ChargeState::Captured if unknowns.uncaptured_rest_returns => {
                self.captured + self.capturing
            }
            ChargeState::AuthorizationInitiated
            | ChargeState::Authorized
            | ChargeState::CaptureInitiated
            | ChargeState::Captured => self.order.amount.amount,
        }
    }

    /// The sum of its refunds that fit.
    pub(crate) fn refunded(&self, fits: impl Fn(RefundState) -> bool) -> Decimal {
        let fitting = self.refunds.iter().filter(|refund| fits(refund.state));
        fitting.map(|refund| refund.amount.amount).sum()
    }

    pub(crate) fn shown(
        &self,
        permission: &Permission,
        environment: Environment,
        unknowns: &Unknowns,
    ) -> Value {
        let price = |amount: Decimal| (!amount.is_zero()).then(|| self.order.amount.with(amount).shown());
        let refunded = self.refunded(|state| match state {
            RefundState::Refunded => true,
            RefundState::RefundInitiated => unknowns.refunded_amount_counts_pending,
            RefundState::Declined => false,
        });
        let detail = |name: &str| self.order.details.get(name).cloned().unwrap_or_default();
        let provider = match detail("providerMetadata") {
            Value::Null => json!({"providerReferenceId": null}),
            given => given,
        };
        let mut status = status_details(self.state, self.reason, self.since, unknowns);
        if let Some(explanation) = &self.explanation {
            status["reasonDescription"] = Value::from(explanation.as_str());
        }
        json!({
            "chargeId": self.id,
            "chargePermissionId": permission.id,
            "chargeAmount": self.order.amount.shown(),
            "captureAmount": price(self.captured + self.capturing),
            "refundedAmount": price(refunded),
            "convertedAmount": null,
            "conversionRate": null,
            "softDescriptor": self.order.soft_descriptor,
            "captureNow": self.order.capture_now,
            "canHandlePendingAuthorization": self.order.can_wait,
            "merchantMetadata": detail("merchantMetadata"),
            "platformId": detail("platformId"),
            "providerMetadata": provider,
            "webCheckoutDetails": detail("webCheckoutDetails"),
            "chargeInitiator": detail("chargeInitiator"),
            "channel": detail("channel"),
            "statusDetails": status,
            "creationTimestamp": basic(self.made),
            "expirationTimestamp": basic(later(self.made, AUTHORIZATION_LASTS)),
            "releaseEnvironment": environment.release(),
        })
    }
}
