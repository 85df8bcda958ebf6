//! One merchant account: what is learned from its answers, and who may call.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use amazon_pay::Client;
use checkout::{AccountName, Answer, Class, Timestamp};
use jiff::SignedDuration;
use reconciler::Condition;
use reconciler::ports::{Call, NoTurn};

use crate::breaker::{Breaker, Leave};
use crate::bucket::Bucket;
use crate::classify::is_throttled;
use crate::settings::{Quota, Quotas};
use crate::skew::Skew;
use crate::suspects::{Blame, Suspects};

/// A share of nothing would wait for ever: a replica without partitions still works what is overdue.
const SMALLEST_SHARE: f64 = 0.01;
const ACCEPTED: &str = "Amazon Pay accepts its requests again";

/// The right to make one call of one kind on one account; a token of its quota. Dropped unused, the token goes
/// to the next. Of an account on trial it is the trial, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    account: Arc<Account>,
    call: Call,
    leave: Leave,
    used: bool,
}

impl Turn {
    pub(crate) fn account(&self) -> Arc<Account> {
        self.account.clone()
    }

    /// Whether the account still lets it.
    pub(crate) fn may_send(&self) -> bool {
        let state = self.account.state();
        !state.paused && state.breaker.may_send(self.call, self.leave)
    }

    /// The request leaves: Amazon counts it.
    pub(crate) fn spend(&mut self) {
        self.used = true;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.account.state();
        if !self.used {
            state.buckets.of(self.call).give_back();
        }
        if self.leave == Leave::OnTrial {
            state.breaker.trial_is_over();
        }
    }
}

/// A condition that has just become another one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) condition: Condition,
    pub(crate) reason: String,
}

/// What came of one call, for the account.
pub(crate) struct Heard<'a> {
    pub(crate) call: Call,
    /// The session or charge that it was about.
    pub(crate) subject: &'a str,
    pub(crate) begun_at: Timestamp,
    pub(crate) now: Timestamp,
    /// None where it was answered as asked.
    pub(crate) class: Option<Class>,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) answer: &'a Answer,
}

#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: AccountName,
    pub(crate) attempt_timeout: Duration,
    state: Mutex<State>,
}

/// What may be replaced while calls are on their way: these keep what they began with.
#[derive(Debug, Clone)]
struct Renewable {
    client: Arc<Client>,
    quotas: Quotas,
    shop_front_share: f64,
}

#[derive(Debug)]
struct State {
    renewable: Renewable,
    /// This replica's part of the quotas.
    share: f64,
    buckets: Buckets,
    breaker: Breaker,
    paused: bool,
    suspects: Suspects,
    skew: Skew,
    since: Timestamp,
    reason: String,
}

#[derive(Debug)]
struct Buckets {
    confirm: Bucket,
    look_up: Bucket,
    charge: Bucket,
    permission: Bucket,
}

impl Buckets {
    fn of(&mut self, call: Call) -> &mut Bucket {
        match call {
            Call::Confirm => &mut self.confirm,
            Call::LookUp => &mut self.look_up,
            Call::Charge => &mut self.charge,
            Call::Permission => &mut self.permission,
        }
    }
}

impl State {
    fn share_out(&mut self, now: Timestamp) {
        let Renewable {
            quotas,
            shop_front_share,
            ..
        } = self.renewable;
        for call in [Call::Confirm, Call::LookUp, Call::Charge, Call::Permission] {
            let quota = ours(quotas.of(call), shop_front_share, self.share);
            self.buckets.of(call).share_out(quota, now);
        }
    }

    fn condition(&self) -> Condition {
        if self.paused {
            Condition::Paused
        } else if self.breaker.is_stopped() {
            Condition::Stopped
        } else {
            Condition::Running
        }
    }

    /// What `act` makes of the condition, if that is another one then.
    fn changed_by(&mut self, now: Timestamp, reason: &str, act: impl FnOnce(&mut Self)) -> Option<Change> {
        let before = self.condition();
        act(self);
        let condition = self.condition();
        (condition != before).then(|| {
            self.since = now;
            reason.clone_into(&mut self.reason);
            Change {
                condition,
                reason: reason.to_owned(),
            }
        })
    }
}

impl Account {
    pub(crate) fn new(
        name: AccountName,
        client: Client,
        attempt_timeout: Duration,
        (quotas, shop_front_share): (Quotas, f64),
        now: Timestamp,
    ) -> Self {
        let bucket = |call| Bucket::new(ours(quotas.of(call), shop_front_share, 1.0), now);
        let state = State {
            renewable: Renewable {
                client: Arc::new(client),
                quotas,
                shop_front_share,
            },
            share: 1.0,
            buckets: Buckets {
                confirm: bucket(Call::Confirm),
                look_up: bucket(Call::LookUp),
                charge: bucket(Call::Charge),
                permission: bucket(Call::Permission),
            },
            breaker: Breaker::running(),
            paused: false,
            suspects: Suspects::default(),
            skew: Skew::default(),
            since: now,
            reason: String::new(),
        };
        Self {
            name,
            attempt_timeout,
            state: Mutex::new(state),
        }
    }

    /// Nothing in here can panic half-way through a change, so a poisoned lock is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn turn(self: &Arc<Self>, call: Call, now: Timestamp) -> Result<Turn, NoTurn> {
        let mut state = self.state();
        state.breaker.note_wanted(call);
        let leave = state.breaker.leave(call);
        if state.paused || leave == Leave::Refused {
            return Err(NoTurn::Halted);
        }
        state.buckets.of(call).take(now).map_err(NoTurn::Until)?;
        if leave == Leave::OnTrial {
            state.breaker.trial_begins();
        }
        Ok(Turn {
            account: self.clone(),
            call,
            leave,
            used: false,
        })
    }

    pub(crate) fn condition(&self) -> Condition {
        self.state().condition()
    }

    /// Learns from what came of a call. Says whether a refusal of the account is the session's own fault, and
    /// what has changed.
    pub(crate) fn hear(&self, heard: &Heard<'_>) -> (bool, Option<Change>) {
        let Heard {
            call,
            subject,
            begun_at,
            now,
            ..
        } = *heard;
        let mut state = self.state();
        let (status, reason_code) = (heard.answer.status, heard.answer.reason_code.as_deref());
        if is_throttled(status, reason_code) {
            state.buckets.of(call).throttled(begun_at, now, heard.retry_after);
        } else if status.is_some_and(|status| status < 500) {
            state.buckets.of(call).succeeded(now);
        }
        if call == Call::Confirm && !is_throttled(status, reason_code) {
            let has_to_be_repeated = matches!(heard.class, Some(Class::Retry));
            state.buckets.confirm.had_effect(!has_to_be_repeated);
        }
        match heard.class {
            // What nobody waits for stops nobody who is waited for: if it is the account, the other calls find out.
            _ if call == Call::Permission => (false, None),
            Some(Class::Lane) => match state.suspects.refused(subject, now) {
                Blame::Session => (true, None),
                // That it would bring the refusal again was known. On trial it makes room for the next session,
                // or one that always comes first and is always refused could stop everybody for ever.
                Blame::Repeated if state.breaker.is_on_trial() => (false, None),
                Blame::Repeated | Blame::Account => {
                    let change = state.changed_by(now, &refusal(heard.answer), |state| {
                        state.breaker.refused(begun_at, now);
                    });
                    (false, change)
                }
            },
            // Only Amazon itself, and having accepted who we are, can answer so.
            None | Some(Class::Ask | Class::Final | Class::Fix { .. })
                if call == Call::Confirm && (heard.class.is_none() || reason_code.is_some()) =>
            {
                state.suspects.passed(subject, begun_at);
                let change = state.changed_by(now, ACCEPTED, |state| {
                    state.breaker.confirmation_passed(begun_at, now);
                });
                (false, change)
            }
            None | Some(Class::Retry | Class::Slow | Class::Ask | Class::Final | Class::Fix { .. }) => {
                (false, None)
            }
        }
    }

    pub(crate) fn set_paused(&self, paused: bool, now: Timestamp) -> Option<Change> {
        let reason = if paused {
            "paused by an operator"
        } else {
            "resumed by an operator"
        };
        self.state().changed_by(now, reason, |state| {
            // Whoever ends the pause of a stopped account wants to see. Only the end itself counts: a program
            // that says again and again what is recorded must not probe each time.
            if state.paused && !paused {
                state.breaker.probe_now(now);
            }
            state.paused = paused;
        })
    }

    pub(crate) fn restore(&self, condition: Condition, now: Timestamp) {
        // The change is no news to where it came from.
        let _ = self.state().changed_by(now, "as recorded", |state| {
            state.paused = condition == Condition::Paused;
            match condition {
                Condition::Running => state.breaker.resume(now),
                Condition::Stopped if !state.breaker.is_stopped() => _ = state.breaker.stop(now),
                Condition::Stopped | Condition::Paused => {}
            }
        });
    }

    /// When to probe; none while it runs or is paused.
    pub(crate) fn probe_at(&self) -> Option<Timestamp> {
        let state = self.state();
        if state.paused {
            None
        } else {
            state.breaker.probe_at()
        }
    }

    pub(crate) fn probe_leaves(&self, now: Timestamp) {
        self.state().breaker.probe_leaves(now);
    }

    pub(crate) fn probe_passed(&self, now: Timestamp) -> Option<Change> {
        self.state()
            .changed_by(now, ACCEPTED, |state| state.breaker.probe_passed(now))
    }

    pub(crate) fn probe_refused(
        &self,
        answer: &Answer,
        begun_at: Timestamp,
        now: Timestamp,
    ) -> Option<Change> {
        self.state().changed_by(now, &refusal(answer), |state| {
            state.breaker.refused(begun_at, now);
        })
    }

    pub(crate) fn learn_date(&self, date: jiff::Timestamp, begun_at: Timestamp, ended_at: Timestamp) {
        if self.state().skew.learn(date, begun_at, ended_at) {
            tracing::warn!(
                account = self.name.as_str(),
                skew_seconds = self.skew().map(|skew| skew.as_secs()),
                "the clock of `{}`'s answers and ours are more than 15 minutes apart: is ours right?",
                self.name
            );
        }
    }

    pub(crate) fn corrected(&self, now: Timestamp) -> jiff::Timestamp {
        self.state().skew.corrected(now)
    }

    pub(crate) fn shortened(&self, amazons: jiff::Timestamp) -> Timestamp {
        self.state().skew.shortened(amazons)
    }

    pub(crate) fn skew(&self) -> Option<SignedDuration> {
        self.state().skew.learned()
    }

    pub(crate) fn share_out(&self, share: f64, now: Timestamp) {
        let mut state = self.state();
        state.share = share;
        state.share_out(now);
    }

    /// By which calls are signed and sent from now on.
    pub(crate) fn client(&self) -> Arc<Client> {
        self.state().renewable.client.clone()
    }

    pub(crate) fn take_skew_over(&self, older: &Self) {
        let skew = older.state().skew;
        self.state().skew = skew;
    }

    /// Takes key, endpoint and limits over from the same account, made anew. One that is stopped is probed at once.
    pub(crate) fn renew(&self, newer: &Self, now: Timestamp) {
        let renewable = newer.state().renewable.clone();
        let mut state = self.state();
        state.renewable = renewable;
        state.share_out(now);
        state.breaker.probe_now(now);
    }

    pub(crate) fn rate(&self, call: Call) -> f64 {
        self.state().buckets.of(call).rate()
    }

    pub(crate) fn used(&self, call: Call, now: Timestamp) -> Option<f64> {
        self.state().buckets.of(call).used(now)
    }

    pub(crate) fn average_rate(&self, call: Call) -> f64 {
        self.state().buckets.of(call).average_rate()
    }

    pub(crate) fn effective(&self) -> f64 {
        self.state().buckets.confirm.effective()
    }

    /// In what people wait for.
    pub(crate) fn is_slowed(&self) -> bool {
        let buckets = &self.state().buckets;
        buckets.confirm.is_slowed() || buckets.look_up.is_slowed() || buckets.charge.is_slowed()
    }

    pub(crate) fn since_and_reason(&self) -> (Timestamp, String) {
        let state = self.state();
        (state.since, state.reason.clone())
    }
}

/// What is left of Amazon's quota for this replica.
fn ours(quota: Quota, shop_front_share: f64, share: f64) -> Quota {
    let part = (1.0 - shop_front_share) * share.clamp(SMALLEST_SHARE, 1.0);
    Quota {
        burst: (quota.burst * part).max(1.0),
        per_second: quota.per_second * part,
    }
}

fn refusal(answer: &Answer) -> String {
    let mut text = "Amazon Pay refuses its requests:".to_owned();
    let status = answer.status.map(|status| status.to_string());
    for part in [&status, &answer.reason_code, &answer.message]
        .into_iter()
        .flatten()
    {
        text.push(' ');
        text.push_str(part);
    }
    text
}
