//! Alerts that belong to no session: a stopped account, an unreadable event.

use std::future::Future;

use checkout::{AccountName, Timestamp};

use crate::ports::{LogError, PublishError};

/// Of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// Amazon Pay accepts nothing from this account.
    AccountStopped,
    /// The account's quota cannot save all that lies before it.
    PredictedLoss,
    /// An event had no readable session id.
    DeadLetter,
}

impl NoticeKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::AccountStopped, Self::PredictedLoss, Self::DeadLetter];

    /// The name in the alerts topic.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountStopped => "account-stopped",
            Self::PredictedLoss => "predicted-loss",
            Self::DeadLetter => "dead-letter",
        }
    }
}

/// One such alert, raised or over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The same when it is raised and when it is over.
    pub alert_id: String,
    /// Of what.
    pub kind: NoticeKind,
    /// Raised, or over.
    pub firing: bool,
    /// For people.
    pub summary: String,
    /// The account; none for a dead letter.
    pub account: Option<AccountName>,
    /// The account, else the source: the message's key.
    pub key: String,
    /// When.
    pub at: Timestamp,
}

/// Keeps notices until they are told.
pub trait NoticeLog: Send + Sync {
    /// Records one; recording the same id and status again changes nothing.
    fn record(&self, notice: &Notice) -> impl Future<Output = Result<(), LogError>> + Send;
    /// Those not yet told, oldest first.
    fn untold(&self, limit: u32) -> impl Future<Output = Result<Vec<Notice>, LogError>> + Send;
    /// These were told.
    fn told(&self, notices: &[Notice]) -> impl Future<Output = Result<(), LogError>> + Send;
}

/// Tells notices on the alerts topic.
pub trait PublishNotice: Send + Sync {
    /// Resolves when the broker has acknowledged it, or has not.
    fn publish_notice(&self, notice: &Notice) -> impl Future<Output = Result<(), PublishError>> + Send;
}

/// Whether an account's calls are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// They are.
    Running,
    /// An operator has paused it.
    Paused,
    /// Amazon Pay refuses everything from it; it is probed.
    Stopped,
}

impl Condition {
    /// The name that users meet.
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
        }
    }
}

/// An account's condition as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountCondition {
    /// Which account.
    pub account: AccountName,
    /// Its condition.
    pub condition: Condition,
    /// Since when.
    pub since: Timestamp,
    /// Who said so: `confirmd` or an operator.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// The conditions of accounts, shared by every replica.
pub trait AccountConditions: Send + Sync {
    /// All that were ever set, the newest of each account. An account without one is running.
    fn conditions(&self) -> impl Future<Output = Result<Vec<AccountCondition>, LogError>> + Send;
    /// Sets one; every setting is kept as a fact of its own.
    fn set(&self, condition: &AccountCondition) -> impl Future<Output = Result<(), LogError>> + Send;
    /// Sets one if `seen` is still the newest of its account, or if it still has none. Says whether it was set.
    fn set_after(
        &self,
        seen: Option<&AccountCondition>,
        condition: &AccountCondition,
    ) -> impl Future<Output = Result<bool, LogError>> + Send;
    /// The account's alerts of this kind which were raised and are not over, oldest first.
    fn firing(
        &self,
        account: &AccountName,
        kind: NoticeKind,
    ) -> impl Future<Output = Result<Vec<Notice>, LogError>> + Send;
}
