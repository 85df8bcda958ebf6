//! What happens at Amazon when a request leaves, arrives, takes effect and is answered.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use checkout::{AccountName, Answer, ChargeFound, Class, ConfirmAnswer, Found, SessionId, Timestamp};
use reconciler::ports::{Attempt, Call, NoTurn};

use super::books::{Request, Told};
use super::session::{Card, Change, Checkout, End, Seen, Session, UnderWay};
use super::{Fault, Gates, Guards, Quota, Trouble, Weather};
use crate::chance::Seeded;

/// No client waits longer for what it only asks.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// What the sender of a request will be told when its wait is over.
#[derive(Clone)]
enum Verdict {
    /// Nothing at all.
    Lost,
    /// This.
    Is(ConfirmAnswer),
    /// Whatever the request comes to.
    WhatItComesTo,
}

/// Sees every request to confirm as it leaves.
type Witness = dyn Fn(&Attempt) + Send + Sync;

/// How a read fares.
pub(super) enum Reply {
    Goes,
    Fails(Class, Answer),
}

struct Wait {
    verdict: Verdict,
    answer_by: Timestamp,
    /// The request whose result is told: an earlier one under the same key, where that is still under way.
    same_as: usize,
}

pub(super) struct World {
    pub(super) sessions: BTreeMap<SessionId, Session>,
    pub(super) requests: Vec<Request>,
    pub(super) look_ups: Vec<(SessionId, Timestamp)>,
    pub(super) calls: BTreeMap<Call, usize>,
    pub(super) weather: Weather,
    pub(super) no_turns: BTreeMap<Call, NoTurn>,
    pub(super) unknown: BTreeSet<AccountName>,
    pub(super) witness: Option<Arc<Witness>>,
    waits: Vec<Wait>,
    results: BTreeMap<usize, ConfirmAnswer>,
    gates: Gates,
    chance: Seeded,
}

fn answer(status: u16, code: &str) -> Answer {
    Answer {
        status: (status != 0).then_some(status),
        reason_code: (!code.is_empty()).then(|| code.to_owned()),
        ..Answer::default()
    }
}

fn failed(class: Class, may_have_landed: bool, status: u16, code: &str) -> ConfirmAnswer {
    ConfirmAnswer::Failed {
        class,
        may_have_landed,
        retry_after: None,
        answer: answer(status, code),
    }
}

/// No byte has left.
pub(super) fn not_sent() -> ConfirmAnswer {
    ConfirmAnswer::NotSent(answer(0, ""))
}

fn lost() -> ConfirmAnswer {
    failed(Class::Retry, true, 0, "")
}

fn is_success(answer: &ConfirmAnswer) -> bool {
    matches!(answer, ConfirmAnswer::Accepted { .. })
}

/// With a status and a code of its class.
fn refused_as(class: Class) -> ConfirmAnswer {
    let (status, code) = match class {
        Class::Final => (422, "CheckoutSessionCanceled"),
        Class::Fix { content: true } => (400, "InvalidParameterValue"),
        Class::Fix { content: false } => (400, "InvalidRequest"),
        Class::Ask | Class::Retry | Class::Slow | Class::Lane => (422, "InvalidCheckoutSessionStatus"),
    };
    failed(class, false, status, code)
}

fn not_in_a_state_for_this() -> ConfirmAnswer {
    failed(Class::Ask, false, 422, "InvalidCheckoutSessionStatus")
}

impl World {
    pub(super) fn new(chance: Seeded) -> Self {
        Self {
            sessions: BTreeMap::new(),
            requests: Vec::new(),
            look_ups: Vec::new(),
            calls: BTreeMap::new(),
            weather: Weather::default(),
            no_turns: BTreeMap::new(),
            unknown: BTreeSet::new(),
            witness: None,
            waits: Vec::new(),
            results: BTreeMap::new(),
            gates: Gates::default(),
            chance,
        }
    }

    pub(super) fn open(&mut self, id: &SessionId, checkout: Checkout) {
        self.sessions.insert(id.clone(), Session::new(checkout));
    }

    pub(super) fn script(&mut self, call: Call, faults: &[Option<Fault>]) {
        self.gates.scripts.entry(call).or_default().extend(faults);
    }

    // ---- turns

    pub(super) fn set_quota(&mut self, call: Call, quota: Quota, now: Timestamp) {
        self.gates.quotas.insert(call, quota);
        for ((_, of), tokens) in &mut self.gates.tokens {
            if *of == call {
                *tokens = (quota.burst, now);
            }
        }
    }

    pub(super) fn take_turn(
        &mut self,
        account: &AccountName,
        call: Call,
        now: Timestamp,
    ) -> Result<(), NoTurn> {
        if self.unknown.contains(account) {
            return Err(NoTurn::UnknownAccount);
        }
        if let Some(because) = self.no_turns.get(&call) {
            return Err(*because);
        }
        let Some(quota) = self.gates.quotas.get(&call) else {
            return Ok(());
        };
        let tokens = self.gates.tokens.entry((account.clone(), call));
        let (left, filled_at) = tokens.or_insert((quota.burst, now));
        while *left < quota.burst && filled_at.plus(quota.every) <= now {
            *left += 1;
            *filled_at = filled_at.plus(quota.every);
        }
        if *left == quota.burst {
            *filled_at = now;
        }
        match left.checked_sub(1) {
            Some(fewer) => {
                *left = fewer;
                Ok(())
            }
            None => Err(NoTurn::Until(filled_at.plus(quota.every))),
        }
    }

    pub(super) fn give_back(&mut self, account: &AccountName, call: Call) {
        if let Some((left, _)) = self.gates.tokens.get_mut(&(account.clone(), call)) {
            *left += 1;
        }
    }

    // ---- what goes wrong

    fn draw_fault(&mut self, call: Call, now: Timestamp) -> Option<Fault> {
        *self.calls.entry(call).or_default() += 1;
        if let Some(scripted) = self.gates.scripts.get_mut(&call).and_then(VecDeque::pop_front) {
            return scripted;
        }
        let calm = self.weather.calm_from.is_some_and(|from| from <= now);
        if calm || !self.chance.percent(self.weather.rough) {
            return None;
        }
        let trouble = *self.chance.pick(&self.weather.troubles)?;
        let even = self.chance.percent(50);
        let up_to = |most: u64| Duration::from_secs(self.chance.below(most));
        Some(match trouble {
            Trouble::Connecting if even => Fault::NotSent,
            Trouble::Connecting => Fault::TooEarly,
            Trouble::Throttling => Fault::Throttled,
            Trouble::Account => Fault::AccountRefused,
            Trouble::Requests if even => Fault::LostBefore,
            Trouble::Requests => Fault::Silence,
            Trouble::Answers => Fault::LostAfter,
            Trouble::Errors if even => Fault::ErrorBefore,
            Trouble::Errors => Fault::ErrorAfter,
            Trouble::Authorization => Fault::AuthorizationTimedOut { landed: even },
            Trouble::Slowness => Fault::Slow(up_to(90)),
            Trouble::Lateness => Fault::Slow(up_to(15 * 60)),
        })
    }

    fn latency(&self) -> Duration {
        let micros = u64::try_from(self.weather.latency.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.chance.below(micros.saturating_add(1)))
    }

    /// A code. Where the key alone guards, none comes twice: who is told the same again and again tries another
    /// key, which then guards nothing.
    fn said(&self, code: &str, request: usize) -> String {
        match self.weather.guards {
            Guards::KeyAlone => format!("{code}{request}"),
            Guards::Both | Guards::SingleUseAlone => code.to_owned(),
        }
    }

    // ---- confirming

    /// The request leaves its sender, unless it does not: from here on it may land. Until when its sender waits.
    pub(super) fn leave(
        &mut self,
        attempt: &Attempt,
        now: Timestamp,
        answer_by: Timestamp,
    ) -> Option<(usize, Timestamp)> {
        let fault = self.draw_fault(Call::Confirm, now);
        if fault == Some(Fault::NotSent) {
            return None;
        }
        if let Some(witness) = &self.witness {
            witness(attempt);
        }
        let request = self.requests.len();
        self.requests.push(Request {
            account: attempt.account.clone(),
            id: attempt.id.clone(),
            key: attempt.key.clone(),
            body: attempt.body.clone(),
            left_at: now,
            told: Told::Nothing,
            told_at: None,
        });
        let soon = now.plus(self.latency());
        let late = answer_by;
        let error = failed(
            Class::Retry,
            true,
            500,
            &self.said("InternalServerError", request),
        );
        let (verdict, effect_at, ends_at) = match fault {
            Some(Fault::TooEarly) => {
                let refused = failed(Class::Retry, false, 425, "");
                (Verdict::Is(refused), None, soon)
            }
            Some(Fault::Throttled) => {
                let refused = failed(Class::Slow, false, 429, "TooManyRequests");
                (Verdict::Is(refused), None, soon)
            }
            Some(Fault::AccountRefused) => {
                let refused = failed(Class::Lane, false, 403, "InvalidAccountStatus");
                (Verdict::Is(refused), None, soon)
            }
            Some(Fault::LostBefore) => (Verdict::Lost, None, soon),
            Some(Fault::Silence) => (Verdict::Lost, None, late),
            Some(Fault::LostAfter) => (Verdict::Lost, Some(soon), soon),
            Some(Fault::ErrorBefore) => {
                let known = self
                    .sessions
                    .get_mut(&attempt.id)
                    .filter(|_| self.weather.manners.replays_errors);
                if let Some(session) = known {
                    let stored = (attempt.body.clone(), error.clone());
                    let key = attempt.key.as_str().to_owned();
                    session.keys.entry(key).or_insert(stored);
                }
                (Verdict::Is(error), None, soon)
            }
            Some(Fault::ErrorAfter) => (Verdict::Is(error), Some(soon), soon),
            Some(Fault::AuthorizationTimedOut { landed }) => {
                let timed_out = failed(
                    Class::Final,
                    true,
                    422,
                    &self.said("TransactionTimedOut", request),
                );
                (Verdict::Is(timed_out), landed.then_some(soon), soon)
            }
            Some(Fault::Slow(by)) => {
                let at = now.plus(by);
                (Verdict::WhatItComesTo, Some(at), at.min(late))
            }
            Some(Fault::NotSent) | None => (Verdict::WhatItComesTo, Some(soon), soon),
        };
        let timed_out = matches!(fault, Some(Fault::AuthorizationTimedOut { .. }));
        if let Some(session) = self.sessions.get_mut(&attempt.id).filter(|_| timed_out) {
            session.book.refused = true;
        }
        let mut wait = Wait {
            verdict,
            answer_by: late,
            same_as: request,
        };
        let mut ends_at = ends_at;
        if let Some(effect_at) = effect_at
            && let Some((same_as, at)) = self.arrive(request, attempt, now, effect_at)
        {
            wait.same_as = same_as;
            ends_at = at.clamp(ends_at, late.max(ends_at));
        }
        self.waits.push(wait);
        Some((request, ends_at))
    }

    /// It is checked now, and the effect comes later. Answers with the earlier request under the same key that is
    /// still under way, and when that one is through.
    fn arrive(
        &mut self,
        request: usize,
        attempt: &Attempt,
        now: Timestamp,
        effect_at: Timestamp,
    ) -> Option<(usize, Timestamp)> {
        let Weather { manners, guards, .. } = &self.weather;
        let Some(session) = self.sessions.get_mut(&attempt.id) else {
            let unknown = failed(Class::Fix { content: false }, false, 404, "ResourceNotFound");
            self.results.insert(request, unknown);
            return None;
        };
        let keys_count = *guards != Guards::SingleUseAlone;
        let same = session.under_way.iter().find(|one| one.key == attempt.key);
        if let Some(same) = same.filter(|_| keys_count) {
            return Some((same.request, same.effect_at));
        }
        let stored = session.keys.get(attempt.key.as_str()).filter(|_| keys_count);
        let body = String::from_utf8_lossy(&attempt.body);
        let amount_agrees = session
            .checkout
            .amount
            .is_none_or(|amount| body.contains(&format!("amount={amount};")));
        let has_address = !body.starts_with("finalize;") || body.contains("to=");
        let refused = match stored {
            Some((bytes, _)) if *bytes != attempt.body => Some(failed(
                Class::Fix { content: false },
                false,
                400,
                "DuplicateIdempotencyKey",
            )),
            Some((_, stored)) if manners.replays_confirmations || !is_success(stored) => Some(stored.clone()),
            _ if matches!(session.book.end, End::Canceled(_)) || session.lapses_at(manners) <= now => {
                Some(refused_as(manners.canceled_refusal))
            }
            _ if session.is_used_up(*guards) || !session.buyer_is_done(now) => {
                Some(not_in_a_state_for_this())
            }
            _ if !amount_agrees || !has_address => Some(refused_as(manners.content_refusal)),
            _ => None,
        };
        match refused {
            Some(refused) => {
                self.results.insert(request, refused);
            }
            None => session.under_way.push(UnderWay {
                request,
                key: attempt.key.clone(),
                effect_at,
            }),
        }
        None
    }

    fn take_effect(&mut self, id: &SessionId, place: usize) {
        let Weather { manners, guards, .. } = &self.weather;
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        let UnderWay {
            request,
            key,
            effect_at,
        } = session.under_way.swap_remove(place);
        let body = self.requests.get(request).map(|request| request.body.clone());
        let finalizes = body.as_ref().is_some_and(|body| body.starts_with(b"finalize;"));
        let lapsed = !manners.arrival_counts && session.lapses_at(manners) <= effect_at;
        let over = matches!(session.book.end, End::Canceled(_)) || lapsed;
        let result = match session.checkout.card {
            _ if over => refused_as(manners.canceled_refusal),
            _ if session.is_used_up(*guards) => not_in_a_state_for_this(),
            Card::Refused { ends } => {
                session.book.refused = true;
                if ends {
                    session.book.end = End::Canceled("Declined".to_owned());
                    refused_as(manners.ending_refusal)
                } else {
                    failed(Class::Final, false, 422, "HardDeclined")
                }
            }
            Card::Good | Card::Pending { .. } => {
                let by = Some((key.clone(), finalizes));
                let (ids, pending) = session.complete(id.as_str(), by, effect_at, manners);
                let pending = pending && (manners.finalize_answers_202 || !finalizes);
                let status = if pending { 202 } else { 200 };
                ConfirmAnswer::Accepted {
                    ids,
                    pending,
                    answer: answer(status, ""),
                }
            }
        };
        if let Some(body) = body.filter(|_| is_success(&result)) {
            session
                .keys
                .insert(key.as_str().to_owned(), (body, result.clone()));
        }
        self.results.insert(request, result);
    }

    /// What the sender of a request is told when its wait is over.
    pub(super) fn tell(&mut self, request: usize, now: Timestamp) -> ConfirmAnswer {
        let Some(wait) = self.waits.get(request) else {
            return lost();
        };
        let told = match &wait.verdict {
            _ if wait.answer_by < now => lost(),
            Verdict::Lost => lost(),
            Verdict::Is(answer) => answer.clone(),
            Verdict::WhatItComesTo => self.results.get(&wait.same_as).cloned().unwrap_or_else(lost),
        };
        if let Some(request) = self.requests.get_mut(request) {
            request.told_at = Some(now);
            request.told = match &told {
                ConfirmAnswer::Accepted { .. } => Told::Accepted,
                ConfirmAnswer::Failed {
                    may_have_landed: true,
                    answer,
                    ..
                } => Told::Unclear(
                    answer
                        .status
                        .map(|status| (status, answer.reason_code.clone().unwrap_or_default())),
                ),
                ConfirmAnswer::Failed { answer, class, .. } => Told::Refused {
                    status: answer.status.unwrap_or(0),
                    content: *class == (Class::Fix { content: true }),
                },
                ConfirmAnswer::NotSent(_) => Told::Refused {
                    status: 0,
                    content: false,
                },
            };
        }
        told
    }

    // ---- asking

    /// How a read fares, and until when it takes.
    pub(super) fn read(&mut self, call: Call, now: Timestamp) -> (Reply, Timestamp) {
        let soon = now.plus(self.latency());
        match self.draw_fault(call, now) {
            None => (Reply::Goes, soon),
            Some(Fault::Slow(by)) if by <= READ_TIMEOUT => (Reply::Goes, now.plus(by)),
            Some(Fault::Slow(_)) => (Reply::Fails(Class::Retry, answer(0, "")), now.plus(READ_TIMEOUT)),
            Some(Fault::Throttled) => (Reply::Fails(Class::Slow, answer(429, "TooManyRequests")), soon),
            Some(Fault::AccountRefused) => (
                Reply::Fails(Class::Lane, answer(403, "InvalidAccountStatus")),
                soon,
            ),
            Some(Fault::ErrorBefore | Fault::ErrorAfter) => (
                Reply::Fails(Class::Retry, answer(500, "InternalServerError")),
                soon,
            ),
            Some(
                Fault::NotSent
                | Fault::TooEarly
                | Fault::LostBefore
                | Fault::LostAfter
                | Fault::Silence
                | Fault::AuthorizationTimedOut { .. },
            ) => (Reply::Fails(Class::Retry, answer(0, "")), soon),
        }
    }

    pub(super) fn show(&self, id: &SessionId, now: Timestamp) -> Seen {
        self.sessions.get(id).map_or(
            Seen {
                found: Found::NotFound,
                created_at: None,
                expires_at: None,
                personal: None,
            },
            |session| session.seen(now, &self.weather.manners),
        )
    }

    pub(super) fn show_charge(&self, charge_id: &str) -> ChargeFound {
        self.sessions
            .values()
            .find_map(|session| session.book.charges.get(charge_id))
            .cloned()
            .unwrap_or(ChargeFound::NotFound)
    }

    // ---- time

    pub(super) fn next_change(&self) -> Option<Timestamp> {
        self.sessions
            .values()
            .filter_map(|session| session.next_change(&self.weather.manners).map(|(at, _)| at))
            .min()
    }

    /// Everything that has come about by `now`.
    pub(super) fn catch_up(&mut self, now: Timestamp) {
        let ids: Vec<SessionId> = self.sessions.keys().cloned().collect();
        for id in ids {
            while let Some((at, change)) = self
                .sessions
                .get(&id)
                .and_then(|session| session.next_change(&self.weather.manners))
                .filter(|(at, _)| *at <= now)
            {
                self.change(&id, at, change);
            }
        }
    }

    fn change(&mut self, id: &SessionId, at: Timestamp, change: Change) {
        if let Change::Effect(place) = change {
            return self.take_effect(id, place);
        }
        let Some(session) = self.sessions.get_mut(id) else {
            return;
        };
        match change {
            Change::Effect(_) => {}
            Change::Decided(charge) => session.decide(&charge),
            Change::ShopConfirms => {
                session.checkout.shop_confirms_at = None;
                session.complete(id.as_str(), None, at, &self.weather.manners);
            }
            Change::BuyerCancels => session.book.end = End::Canceled("BuyerCanceled".to_owned()),
            Change::Expires => session.book.end = End::Canceled("Expired".to_owned()),
        }
    }
}
