//! Every merchant account: made, watched, paused and restored by the program.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use checkout::{AccountName, Answer, Timestamp};
use jiff::SignedDuration;
use reconciler::Condition;
use reconciler::ports::{Call, Chance, Clock};

use crate::account::{Account, Change};
use crate::calls::Made;
use crate::observer::{CallReport, CallResult, Observer};
use crate::settings::{AccountSettings, SettingsError};

/// No such account is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no account `{0}` is configured")]
pub struct UnknownAccount(pub AccountName);

/// An account as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState {
    /// Which.
    pub account: AccountName,
    /// Whether its calls are made. One on trial after a stop counts as stopped.
    pub condition: Condition,
    /// Whether throttling has made it slower than its quota.
    pub slowed: bool,
    /// Since when it has this condition.
    pub since: Timestamp,
    /// Why; empty where nothing has happened yet.
    pub reason: String,
}

/// Every merchant account, by name.
pub struct Accounts<C> {
    pub(crate) by_name: BTreeMap<AccountName, Arc<Account>>,
    pub(crate) clock: Arc<C>,
    pub(crate) chance: Arc<dyn Chance>,
    pub(crate) observer: Arc<dyn Observer>,
}

impl<C: Clock> Accounts<C> {
    /// Checks the settings and connects to nothing. Every account is running; see [`restore`](Self::restore).
    ///
    /// # Errors
    /// What cannot be used, for each account that cannot.
    pub fn new(
        settings: Vec<AccountSettings>,
        clock: Arc<C>,
        chance: Arc<dyn Chance>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, Vec<(AccountName, SettingsError)>> {
        let mut by_name = BTreeMap::new();
        let mut problems = Vec::new();
        let now = clock.now();
        for settings in settings {
            let name = settings.name.clone();
            let account = if by_name.contains_key(&name) {
                Err(SettingsError::NameTaken)
            } else {
                account(settings, now)
            };
            match account {
                Ok(account) => {
                    by_name.insert(name, Arc::new(account));
                }
                Err(problem) => problems.push((name, problem)),
            }
        }
        if problems.is_empty() {
            Ok(Self {
                by_name,
                clock,
                chance,
                observer,
            })
        } else {
            Err(problems)
        }
    }

    /// The accounts as they stand, by name.
    pub fn conditions(&self) -> Vec<AccountState> {
        self.by_name
            .values()
            .map(|account| {
                let (since, reason) = account.since_and_reason();
                AccountState {
                    account: account.name.clone(),
                    condition: account.condition(),
                    slowed: account.is_slowed(),
                    since,
                    reason,
                }
            })
            .collect()
    }

    /// Takes over a condition that was recorded elsewhere, at the start or by another replica. The observer is
    /// not told. Restoring the condition that it has changes nothing.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn restore(&self, account: &AccountName, condition: Condition) -> Result<(), UnknownAccount> {
        self.account(account)?.restore(condition, self.clock.now());
        Ok(())
    }

    /// Pauses an account, or ends its pause: nothing is sent while it is paused, no probe either. One that
    /// is stopped too stays so when its pause ends, and is probed at once, or is on trial as before. Saying again
    /// what is so changes nothing.
    ///
    /// # Errors
    /// [`UnknownAccount`].
    pub fn set_paused(&self, account: &AccountName, paused: bool) -> Result<(), UnknownAccount> {
        let account = self.account(account)?;
        let change = account.set_paused(paused, self.clock.now());
        self.tell(&account, change);
        Ok(())
    }

    /// The stopped accounts to [`probe`](Self::probe) at `now`.
    pub fn probes_due(&self, now: Timestamp) -> Vec<AccountName> {
        self.by_name
            .values()
            .filter(|account| account.probe_at().is_some_and(|at| at <= now))
            .map(|account| account.name.clone())
            .collect()
    }

    /// When the next probe is due; none while no account is stopped.
    pub fn next_probe_at(&self) -> Option<Timestamp> {
        self.by_name
            .values()
            .filter_map(|account| account.probe_at())
            .min()
    }

    /// Takes the key, the endpoint and the limits of an account over from `newer`, which has been made of newer settings.
    /// Calls that are on their way end as they began; one that is stopped is probed at once.
    ///
    /// # Errors
    /// [`UnknownAccount`], if either does not know it.
    pub fn renew(&self, account: &AccountName, newer: &Self) -> Result<(), UnknownAccount> {
        let newer = newer.account(account)?;
        self.account(account)?.renew(&newer, self.clock.now());
        Ok(())
    }

    /// Takes over what `older` has learned of the account's clock. Of an account that either does not know there is nothing.
    pub fn take_skew_over(&self, account: &AccountName, older: &Self) {
        if let (Ok(ours), Ok(older)) = (self.account(account), older.account(account)) {
            ours.take_skew_over(&older);
        }
    }

    /// This replica's part of every quota, 0 to 1: its part of the partitions.
    pub fn share_out(&self, share: f64) {
        let now = self.clock.now();
        for account in self.by_name.values() {
            account.share_out(share, now);
        }
    }

    /// The calls a second that we allow ourselves now, as configured and learned; none for an unknown account.
    pub fn quota_per_second(&self, account: &AccountName, call: Call) -> Option<f64> {
        self.by_name.get(account).map(|account| account.rate(call))
    }

    /// The calls a second that were made in about the last minute; none for an account that has made none.
    pub fn used_per_second(&self, account: &AccountName, call: Call) -> Option<f64> {
        self.by_name.get(account)?.used(call, self.clock.now())
    }

    /// The calls a second that we allow ourselves in the long run: throttling that comes and goes is averaged over some minutes.
    pub fn average_rate(&self, account: &AccountName, call: Call) -> Option<f64> {
        self.by_name
            .get(account)
            .map(|account| account.average_rate(call))
    }

    /// The part of the confirmations, 0 to 1, that did not have to be repeated, as learned; none for an unknown account.
    pub fn effective(&self, account: &AccountName) -> Option<f64> {
        self.by_name.get(account).map(|account| account.effective())
    }

    /// How far Amazon's clock is ahead of ours, as far as two answers agree; none before the first answer that
    /// is believed.
    pub fn skew(&self, account: &AccountName) -> Option<SignedDuration> {
        self.by_name.get(account)?.skew()
    }

    pub(crate) fn account(&self, name: &AccountName) -> Result<Arc<Account>, UnknownAccount> {
        self.by_name
            .get(name)
            .cloned()
            .ok_or_else(|| UnknownAccount(name.clone()))
    }

    pub(crate) fn tell(&self, account: &Account, change: Option<Change>) {
        if let Some(Change { condition, reason }) = change {
            self.observer.condition(&account.name, condition, &reason);
        }
    }

    pub(crate) fn report(&self, account: &Account, made: &Made<'_>, result: CallResult, answer: &Answer) {
        let now = self.clock.now();
        let took = now.since(made.begun_at);
        let operation = made.kind.name();
        let subject = made.subject;
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    account = account.name.as_str(),
                    operation,
                    status = answer.status,
                    reason_code = answer.reason_code,
                    request_id = answer.request_id,
                    message_from_amazon = answer.message,
                    subject,
                    trace_id = made.traceparent.and_then(trace_id),
                    duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                    "Amazon Pay: {operation} of `{subject}`: {}",
                    result.words(),
                )
            };
        }
        match result {
            CallResult::Ok => log!(info),
            CallResult::NotSent | CallResult::Failed(_) => log!(warn),
        }
        self.observer.called(&CallReport {
            account: &account.name,
            operation: made.kind,
            result,
            seconds: took.as_secs_f64(),
            begun_at: made.begun_at,
            ended_at: now,
            traceparent: made.traceparent,
            answer,
        });
    }
}

/// As W3C `traceparent` has it.
fn trace_id(traceparent: &str) -> Option<&str> {
    traceparent.split('-').nth(1)
}

impl<C> fmt::Debug for Accounts<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Accounts")
            .field("names", &self.by_name.keys())
            .finish_non_exhaustive()
    }
}

fn account(settings: AccountSettings, now: Timestamp) -> Result<Account, SettingsError> {
    settings.check()?;
    let name = settings.name.clone();
    let attempt_timeout = settings.attempt_timeout;
    let quotas = (settings.quotas, settings.shop_front_share);
    Ok(Account::new(
        name,
        settings.client()?,
        attempt_timeout,
        quotas,
        now,
    ))
}
