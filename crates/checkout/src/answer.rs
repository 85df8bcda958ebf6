//! What came back from Amazon Pay, in the model's words.

use std::time::Duration;

use crate::{ChargePermissionType, Timestamp};

/// What was answered, kept for people and for counting. Whoever fills it has removed personal data.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Answer {
    /// The HTTP status; none where there was no answer.
    pub status: Option<u16>,
    /// Amazon's code.
    pub reason_code: Option<String>,
    /// Amazon's message, or what happened to the connection.
    pub message: Option<String>,
    /// Amazon's `x-amz-pay-request-id`, which its support asks for.
    pub request_id: Option<String>,
}

impl Answer {
    /// In one line, for people.
    pub fn as_text(&self) -> String {
        let mut parts = Vec::new();
        parts.extend(self.status.map(|status| status.to_string()));
        parts.extend(self.reason_code.clone());
        parts.extend(self.message.clone());
        if parts.is_empty() {
            "no answer".to_owned()
        } else {
            parts.join(" ")
        }
    }
}

/// What an answer means for what is done next (reference, section 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Transient.
    Retry,
    /// Throttled: nothing was done.
    Slow,
    /// Only a look-up can tell.
    Ask,
    /// This attempt was refused for good.
    Final,
    /// Our request or data is wrong. `content`: these bytes would always have been refused.
    Fix {
        /// Whether the refusal is for the content of the bytes sent.
        content: bool,
    },
    /// The whole merchant account would be answered so.
    Lane,
}

/// What Amazon made of the session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ids {
    /// Opaque.
    pub charge_permission_id: String,
    /// As answered; filled from the order where Amazon leaves it out.
    pub charge_permission_type: Option<ChargePermissionType>,
    /// None where the intent was `Confirm`.
    pub charge_id: Option<String>,
}

/// The answer to Finalize or Complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfirmAnswer {
    /// 2xx with a charge permission.
    Accepted {
        /// What Amazon made of it.
        ids: Ids,
        /// 202: the payment is being decided.
        pending: bool,
        /// For the record.
        answer: Answer,
    },
    /// Provably before any byte left.
    NotSent(Answer),
    /// Anything else.
    Failed {
        /// What it means.
        class: Class,
        /// Whether the request may have had its effect.
        may_have_landed: bool,
        /// How long Amazon asks to wait.
        retry_after: Option<Duration>,
        /// For the record.
        answer: Answer,
    },
}

/// What a look-up of a session says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Open: with ids, it is confirmed and its payment pending.
    Open {
        /// Present on a session whose payment is pending.
        ids: Option<Ids>,
        /// Whether the look-up brought the address that Finalize needs, now kept beside the log.
        has_address: bool,
    },
    /// Confirmed, by whomever.
    Completed(Ids),
    /// Over.
    Canceled {
        /// Amazon's reason, `Expired` after 24 hours.
        reason: Option<String>,
    },
    /// 404.
    NotFound,
}

impl Found {
    /// Open, and not confirmed: a pending payment would have its charge. A permission alone is no proof.
    pub fn is_open(&self) -> bool {
        match self {
            Self::Open { ids, .. } => ids.as_ref().is_none_or(|ids| ids.charge_id.is_none()),
            Self::Completed(_) | Self::Canceled { .. } | Self::NotFound => false,
        }
    }
}

/// A look-up that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookUp {
    /// When it was sent: what it says is at least as new.
    pub begun_at: Timestamp,
    /// What it says.
    pub found: Found,
    /// `creationTimestamp`, where it has one.
    pub created_at: Option<Timestamp>,
    /// `expirationTimestamp`, where it has one, shortened by clock skew.
    pub expires_at: Option<Timestamp>,
    /// How long it had left at least by Amazon's own clock, where the answer tells what that shows; zero once it is
    /// over.
    pub left: Option<Duration>,
    /// For the record.
    pub answer: Answer,
}

/// The result of Get Checkout Session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUpAnswer {
    /// An answer about this session, "not found" included.
    Told(LookUp),
    /// None: to be asked again.
    Failed {
        /// What it means.
        class: Class,
        /// How long Amazon asks to wait.
        retry_after: Option<Duration>,
        /// For the record.
        answer: Answer,
    },
}

/// What Get Charge says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeFound {
    /// AuthorizationInitiated or CaptureInitiated.
    Pending,
    /// Authorized.
    Authorized,
    /// Captured.
    Captured,
    /// Declined.
    Declined {
        /// Amazon's reason.
        reason: Option<String>,
    },
    /// Canceled.
    Canceled {
        /// Amazon's reason.
        reason: Option<String>,
    },
    /// 404.
    NotFound,
}

/// The result of Get Charge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChargeAnswer {
    /// An answer about this charge, "not found" included.
    Told {
        /// What it says.
        found: ChargeFound,
        /// For the record.
        answer: Answer,
    },
    /// None: to be asked again.
    Failed {
        /// What it means.
        class: Class,
        /// How long Amazon asks to wait.
        retry_after: Option<Duration>,
        /// For the record.
        answer: Answer,
    },
}
