//! What the use cases need from outside, each named for what it does.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use checkout::{
    AccountName, Amount, BodyRef, ChargeAnswer, ConfirmAnswer, IdempotencyKey, LookUpAnswer, Operation,
    Order, PrivateRef, SessionId, Timestamp,
};

use crate::announce::Announcement;
use crate::personal::{BuyerDetails, Personal};
use crate::record::{Append, Recorded, Schedule, Version};
use crate::turns::GivenUp;

/// The one source of time: every timestamp, wait and timeout of ours.
pub trait Clock: Send + Sync {
    /// The present.
    fn now(&self) -> Timestamp;
    /// Returns at `at` or later; at once if that has passed.
    fn sleep_until(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// The one source of chance.
pub trait Chance: Send + Sync {
    /// Evenly drawn from 0..=1.
    fn spread(&self) -> f64;
    /// 128 bits that nobody can guess.
    fn bits(&self) -> u128;
}

/// Why the log did not do it.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Someone else has added facts to this session meanwhile: load it again.
    #[error("someone else has added to this session meanwhile")]
    Overtaken,
    /// The database did not answer, or not in a way that tells: try again.
    #[error("the session log cannot be reached")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database will refuse this however often it is asked.
    #[error("the session log refuses this")]
    Rejected(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What an append did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The session's version now.
    pub version: Version,
    /// Whether a fact of this session from before this append is still to be told: then the new ones wait
    /// for the outbox, so that a session's facts are told in order.
    pub older_unpublished: bool,
}

/// What the side table holds of a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PersonalRecord {
    /// What the shop's statements brought, by number.
    pub statements: Vec<(PrivateRef, Personal)>,
    /// What the last look-up brought.
    pub found: Option<Personal>,
    /// The retention has passed and nothing is left.
    pub erased: bool,
}

/// Whose sessions a replica works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// Everybody's.
    All,
    /// Those of these partitions.
    Partitions(BTreeSet<u32>),
}

/// Whom the plan of an account gives up: they are due after all others that can still be saved.
#[derive(Debug, Clone, PartialEq)]
pub struct PassedOver {
    /// Of this account,
    pub account: AccountName,
    /// these.
    pub given_up: GivenUp,
}

impl PassedOver {
    /// Whether a session with such a row is one of them.
    pub fn includes(
        &self,
        account: Option<&AccountName>,
        deadline: Timestamp,
        amount: Option<&Amount>,
    ) -> bool {
        let GivenUp {
            until,
            currency,
            below,
        } = self.given_up;
        account == Some(&self.account)
            && deadline < until
            && amount.map(Amount::currency) == currency
            && amount.map_or(0.0, Amount::approximately) < below
    }
}

/// A session that wants to be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Which.
    pub id: SessionId,
    /// Its account.
    pub account: Option<AccountName>,
    /// Since when, or from when on: its due time, or the instant of what needs no call.
    pub due_at: Timestamp,
    /// When Amazon cancels it.
    pub deadline: Timestamp,
}

/// An unsettled session as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Which.
    pub id: SessionId,
    /// Its account.
    pub account: Option<AccountName>,
    /// When Amazon cancels it.
    pub deadline: Timestamp,
    /// When it wants to be looked at.
    pub schedule: Schedule,
}

/// Every fact of every session.
///
/// An implementor promises: facts are added all or none; of two appends after the same version one is
/// [`LogError::Overtaken`]; what was added is what is loaded; and an append whose answer was lost is
/// recognised as one's own when it is found written.
pub trait SessionLog: Send + Sync {
    /// Adds to several sessions, each by itself: one that is overtaken does not hinder the others. At most
    /// one append a session. The results stand in the order of the requests.
    fn append_all(
        &self,
        appends: Vec<Append>,
    ) -> impl Future<Output = Vec<Result<Appended, LogError>>> + Send;

    /// The history of one session, oldest fact first; empty if it was never heard of.
    fn load(&self, id: &SessionId) -> impl Future<Output = Result<Vec<Recorded>, LogError>> + Send;

    /// What the side table holds of one session.
    fn personal(&self, id: &SessionId) -> impl Future<Output = Result<PersonalRecord, LogError>> + Send;

    /// The exact bytes that an earlier attempt sent; none once erased.
    fn body(
        &self,
        id: &SessionId,
        body: BodyRef,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, LogError>> + Send;

    /// Unsettled sessions whose due time is not after `until`: those of `share`, and anybody's whose due
    /// time is not after `overdue_since`. At most `limit` for each account, the earliest deadline first, but
    /// those that can still be saved before those of them that `passed_over` names, and these before those
    /// whose deadline has passed.
    ///
    /// Then, at most `limit` in all and the earliest first, those that are not among these and whose
    /// [`look_at`](crate::Row::look_at) has come in the same sense: what needs no call is not to wait behind
    /// those that wait for one. What was to be done before a deadline that has passed does not bring a
    /// session up any more; it is past doing, and nothing would move the instant on.
    fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        passed_over: &[PassedOver],
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Due>, LogError>> + Send;

    /// The row of a session that has `version` facts says `schedule` from here on, without a fact: time alone, or
    /// other rules, have made another step of what it was written for. Changes nothing where facts were added
    /// since, which brought a row of their own, nor where the session is settled.
    fn reschedule(
        &self,
        id: &SessionId,
        version: Version,
        schedule: Schedule,
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// Unsettled sessions whatever their time, at most `limit`, those that stand behind `after`: by account, then
    /// by deadline, then by id.
    fn unsettled(
        &self,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Scheduled>, LogError>> + Send;
}

/// What Amazon tells of the buyers of confirmed sessions, beside the facts and for a time of its own.
///
/// An implementor promises: what was kept or given up once is wanted no more, erased or not.
pub trait KeepDetails: Send + Sync {
    /// Confirmed sessions of `account` and `share` whose details were neither kept nor given up and whose last fact
    /// was recorded after `since`, the oldest first.
    fn wanting_details(
        &self,
        account: &AccountName,
        share: &Share,
        since: Timestamp,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SessionId>, LogError>> + Send;

    /// Keeps them until `erase_after`. The first that were kept stay.
    fn keep_details(
        &self,
        id: &SessionId,
        at: Timestamp,
        details: &BuyerDetails,
        erase_after: Timestamp,
    ) -> impl Future<Output = Result<(), LogError>> + Send;

    /// There will be none.
    fn give_details_up(
        &self,
        id: &SessionId,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), LogError>> + Send;
}

/// Facts that are recorded and not yet told.
pub trait Outbox: Send + Sync {
    /// The oldest untold fact of each session, of sessions whose oldest one was recorded not after
    /// `recorded_until`.
    fn untold(
        &self,
        recorded_until: Timestamp,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(SessionId, Version)>, LogError>> + Send;

    /// These were told. May be lost in a crash: then they are told again, under the same ids.
    fn told(&self, facts: &[(SessionId, Version)]) -> impl Future<Output = Result<(), LogError>> + Send;
}

/// Takes announcements from memory right after their append. Whatever it drops, the outbox tells.
pub trait Outlet: Send + Sync {
    /// Never waits.
    fn offer(&self, announcements: Vec<Announcement>);
}

/// The broker took none of it, or did not say.
#[derive(Debug, thiserror::Error)]
#[error("the broker did not take it")]
pub struct PublishError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Tells the world.
pub trait Publish: Send + Sync {
    /// Resolves when the broker has acknowledged each, or has not; in the order of the requests. What
    /// belongs to one session reaches each topic in the order given.
    fn publish(
        &self,
        announcements: &[Announcement],
    ) -> impl Future<Output = Vec<Result<(), PublishError>>> + Send;
}

/// Amazon counts each kind of call by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Call {
    /// Finalize or Complete.
    Confirm,
    /// Get Checkout Session.
    LookUp,
    /// Get Charge.
    Charge,
    /// Get Charge Permission.
    Permission,
}

/// Why there is no turn now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoTurn {
    /// The quota is used up; the next token is expected then.
    Until(Timestamp),
    /// The account is stopped or paused: nothing is sent until it is resumed.
    Halted,
    /// No such account is configured.
    UnknownAccount,
}

/// The right to make one call now.
pub trait Turns: Send + Sync {
    /// Given back by being dropped unused.
    type Turn: Send;

    /// Whether such an account is configured.
    fn knows(&self, account: &AccountName) -> bool;

    /// A token of the account's quota for this kind of call.
    fn turn(&self, account: &AccountName, call: Call) -> Result<Self::Turn, NoTurn>;
}

/// One attempt to confirm a session.
#[derive(Clone)]
pub struct Attempt {
    /// The merchant account.
    pub account: AccountName,
    /// Which session.
    pub id: SessionId,
    /// Which of Amazon's calls.
    pub operation: Operation,
    /// Under which a repeat is recognised.
    pub key: IdempotencyKey,
    /// Sent exactly so.
    pub body: Vec<u8>,
    /// Not a byte leaves after this.
    pub send_by: Timestamp,
    /// No answer is waited for after this.
    pub answer_by: Timestamp,
    /// The trace it belongs to.
    pub traceparent: Option<String>,
}

/// Confirms checkouts at Amazon Pay. Repeating an attempt repeats the same bytes under the same key, and
/// no implementation repeats one by itself.
pub trait ConfirmCheckout: Turns {
    /// The request that confirms `order`, always the same bytes for the same input. `address` is what the
    /// order's event brought or, failing that, what a look-up did.
    fn request_body(&self, order: &Order, personal: &Personal) -> Vec<u8>;

    /// Sends it.
    fn confirm(&self, turn: Self::Turn, attempt: Attempt) -> impl Future<Output = ConfirmAnswer> + Send;
}

/// Asks Amazon Pay, changing nothing. Each question belongs to the session's trace, where it has one.
pub trait LookUp: Turns {
    /// Get Checkout Session. Personal data that it brought comes separately.
    fn look_up(
        &self,
        turn: Self::Turn,
        account: &AccountName,
        id: &SessionId,
        traceparent: Option<&str>,
    ) -> impl Future<Output = (LookUpAnswer, Option<Personal>)> + Send;

    /// Get Charge.
    fn look_up_charge(
        &self,
        turn: Self::Turn,
        account: &AccountName,
        charge_id: &str,
        traceparent: Option<&str>,
    ) -> impl Future<Output = ChargeAnswer> + Send;
}

/// What came of asking for the buyer's details.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionAnswer {
    /// What Amazon tells; nothing in it where it tells no more.
    Told(Box<BuyerDetails>),
    /// There is no such charge permission, or it is refused as it would be every time.
    Gone,
    /// Not this time.
    NotNow {
        /// Amazon's own idea of when.
        retry_after: Option<Duration>,
    },
}

/// Asks Amazon Pay about buyers, changing nothing. Whatever it is answered, no account is stopped by it.
pub trait PermissionDetails: Turns {
    /// Get Charge Permission.
    fn permission_details(
        &self,
        turn: Self::Turn,
        account: &AccountName,
        charge_permission_id: &str,
    ) -> impl Future<Output = PermissionAnswer> + Send;
}
