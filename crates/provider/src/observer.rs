//! What the program hears of accounts while they work.

use checkout::{AccountName, Answer, Class, Timestamp};
use reconciler::Condition;

/// Which call was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallKind {
    /// Finalize Checkout Session.
    Finalize,
    /// Complete Checkout Session.
    Complete,
    /// Get Checkout Session.
    LookUp,
    /// Get Charge.
    Charge,
    /// Get Charge Permission.
    Permission,
    /// Get Checkout Session of an id that does not exist.
    Probe,
}

impl CallKind {
    /// The name in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Finalize => "finalize",
            Self::Complete => "complete",
            Self::LookUp => "look-up",
            Self::Charge => "charge",
            Self::Permission => "permission",
            Self::Probe => "probe",
        }
    }
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallResult {
    /// Answered as asked; "not found" is an answer to a look-up.
    Ok,
    /// Not a byte left.
    NotSent,
    /// What else.
    Failed(Class),
}

impl CallResult {
    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotSent => "not-sent",
            Self::Failed(Class::Retry) => "retry",
            Self::Failed(Class::Slow) => "slow",
            Self::Failed(Class::Ask) => "ask",
            Self::Failed(Class::Final) => "final",
            Self::Failed(Class::Fix { .. }) => "fix",
            Self::Failed(Class::Lane) => "lane",
        }
    }

    /// The same in logs, for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NotSent => "not sent",
            Self::Failed(Class::Retry) => "a failure that passes",
            Self::Failed(Class::Slow) => "throttled",
            Self::Failed(Class::Ask) => "what became of it has to be asked",
            Self::Failed(Class::Final) => "refused for good",
            Self::Failed(Class::Fix { .. }) => "refused as it stands: something has to be repaired",
            Self::Failed(Class::Lane) => "nothing is accepted from this account",
        }
    }
}

/// One call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CallReport<'a> {
    /// Whose.
    pub account: &'a AccountName,
    /// Which.
    pub operation: CallKind,
    /// How it went.
    pub result: CallResult,
    /// From before it was signed to the answer.
    pub seconds: f64,
    /// When that was.
    pub begun_at: Timestamp,
    /// When it was answered, or given up.
    pub ended_at: Timestamp,
    /// The trace that it belongs to, as W3C `traceparent`.
    pub traceparent: Option<&'a str>,
    /// What is on record of it.
    pub answer: &'a Answer,
}

/// Hears of every call and every change of condition, from the task in which it happens: must not wait.
pub trait Observer: Send + Sync {
    /// A call is over.
    fn called(&self, report: &CallReport<'_>);
    /// An account's condition is another one now. Not called for what [`Accounts::restore`] brings.
    ///
    /// [`Accounts::restore`]: crate::Accounts::restore
    fn condition(&self, account: &AccountName, condition: Condition, reason: &str);
}

/// Listens to nothing.
impl Observer for () {
    fn called(&self, _: &CallReport<'_>) {}
    fn condition(&self, _: &AccountName, _: Condition, _: &str) {}
}
