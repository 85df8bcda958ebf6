//! What the console asks of the program.

use std::future::Future;
use std::time::Duration;

use checkout::{AccountName, SessionId, Timestamp};
use serde_json::Value;
use tokio::sync::watch;

use crate::shown::{Account, DeadLetter, Line, Overview, Page, Readiness, Session, Told};

/// Which sessions are wanted, in the words of the commands; what is no such word is the desk's to refuse.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// A state, or `all`; the unsettled ones without it.
    pub state: Option<String>,
    /// Of this account.
    pub account: Option<String>,
    /// With a deadline within this duration.
    pub due_within: Option<String>,
    /// With this order number of the shop's.
    pub reference: Option<String>,
    /// After this place, as [`Page::next`] has told it.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// What an operator does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Its next step is due now.
    Retry,
    /// Ends needs-repair or forsworn; acknowledges a conflict or contradiction.
    Release,
    /// It will not be confirmed.
    Forswear,
    /// No call is made for the account.
    Pause,
    /// They are made again.
    Resume,
}

impl Act {
    const ON_SESSIONS: [Self; 3] = [Self::Retry, Self::Release, Self::Forswear];
    const ON_ACCOUNTS: [Self; 2] = [Self::Pause, Self::Resume];

    /// That which is done to sessions and is named so.
    pub(crate) fn on_sessions(name: &str) -> Option<Self> {
        Self::ON_SESSIONS.into_iter().find(|act| act.name() == name)
    }

    /// The same of accounts.
    pub(crate) fn on_accounts(name: &str) -> Option<Self> {
        Self::ON_ACCOUNTS.into_iter().find(|act| act.name() == name)
    }

    /// As the commands name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Release => "release",
            Self::Forswear => "forswear",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// To what it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum On {
    /// A session.
    Session(SessionId),
    /// An account.
    Account(AccountName),
}

/// Why a question has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// It cannot be asked like this; says what is wrong with it.
    Asked(String),
    /// The database does not answer, or answers what cannot be read.
    Away(String),
}

/// Why an act was not done.
#[derive(Debug)]
pub enum ActRefused {
    /// It would be wrong; says why.
    Refused(String),
    /// There is no such session or account.
    Unknown,
    /// It could not be recorded.
    Away(String),
}

/// What became of waiting for an outcome.
#[derive(Debug)]
pub enum Awaited {
    /// The outcome, or the last notice about the payment, as the topic has it.
    Told(Value),
    /// Not yet.
    Open,
    /// The session was never heard of, not even while it was waited for.
    Unknown,
    /// Too many wait already.
    TooMany,
    /// The program is about to end.
    Ending,
}

/// What the console asks of the program.
pub trait Desk: Send + Sync + 'static {
    /// The present, by the program's clock.
    fn now(&self) -> Timestamp;
    /// Waits by the machine's clock, whatever the program's is.
    fn sleep(&self, wait: Duration) -> impl Future<Output = ()> + Send;
    /// Changes about once a second.
    fn ticks(&self) -> watch::Receiver<u64>;
    /// What Prometheus is told.
    fn metrics(&self) -> String;
    /// Whether it can do its work.
    fn readiness(&self) -> impl Future<Output = Readiness> + Send;
    /// Everything at a glance.
    fn overview(&self) -> impl Future<Output = Result<Overview, Trouble>> + Send;
    /// Sessions as the commands list them, without their histories.
    fn sessions(&self, asked: &Asked) -> impl Future<Output = Result<Vec<Session>, Trouble>> + Send;
    /// Sessions in a line each, a page at a time.
    fn page(&self, asked: &Asked) -> impl Future<Output = Result<Page<Line>, Trouble>> + Send;
    /// One session with its history; none if it was never heard of.
    fn session(&self, id: &SessionId) -> impl Future<Output = Result<Option<Session>, Trouble>> + Send;
    /// What would be done about it now and why, and its story; none if it was never heard of.
    fn explain(&self, id: &SessionId) -> impl Future<Output = Result<Option<Told>, Trouble>> + Send;
    /// What is kept of its buyer; none if it was never heard of. Asked only for operators.
    fn personal(&self, id: &SessionId) -> impl Future<Output = Result<Option<Value>, Trouble>> + Send;
    /// Waits for its outcome, at most so long.
    fn outcome(
        &self,
        id: &SessionId,
        wait: Duration,
    ) -> impl Future<Output = Result<Awaited, Trouble>> + Send;
    /// Every account.
    fn accounts(&self) -> impl Future<Output = Result<Vec<Account>, Trouble>> + Send;
    /// Dead letters that their topic has not taken.
    fn dead_letters(&self) -> impl Future<Output = Result<Vec<DeadLetter>, Trouble>> + Send;
    /// A duration as the configuration has it; none for what is no duration.
    fn duration(&self, text: &str) -> Option<Duration>;
    /// Does it, and records who did it and why.
    fn act(
        &self,
        act: Act,
        on: &On,
        operator: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), ActRefused>> + Send;
}
