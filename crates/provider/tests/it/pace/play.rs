//! One day under three orders: the allocator's, first in first out, and the earliest deadline with full knowledge.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use checkout::{AccountName, Amount, Currency, SessionId, Timestamp};
use provider::{Bucket, Quota};
use reconciler::ports::{Call, Due};
use reconciler::turns::{Capacity, Cell, Claim, Plan, WhenNotAll, Window};

use super::day::{AGAIN_AFTER, Amazon, BURST, CLOSING, Case, Checkout, DAY, HOUR, again, midnight};

/// Sessions that the allocator holds in memory; there are a hundred times as many.
const WINDOW: usize = 2_000;
const PLANNED_EVERY: Duration = Duration::from_secs(120);
/// What was throttled is tried again after this.
const AFTER_THROTTLING: Duration = Duration::from_secs(1);
const FRESH_FOR: Duration = Duration::from_secs(60);
const FRESH_SHARE: f64 = 0.25;

/// What was foretold for one hour.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Foretold {
    pub(crate) from: Timestamp,
    /// Money that was to be lost, in EUR.
    pub(crate) lost: f64,
}

/// How a day ended.
pub(crate) struct Played {
    /// In the order of the checkouts.
    pub(crate) confirmed: Vec<bool>,
    pub(crate) foretold: Vec<Foretold>,
    /// The part of our calls that were answered with 429.
    pub(crate) throttled: f64,
}

/// The checkouts of a day on their way, from the end of the outage on.
struct Field<'a> {
    case: &'a Case,
    checkouts: &'a [Checkout],
    next_arrival: usize,
    attempts: Vec<usize>,
    confirmed: Vec<bool>,
    /// Those that have failed, by when they are due again.
    asleep: BTreeSet<(Timestamp, usize)>,
    bucket: Bucket,
    /// None where nothing is shared with anybody.
    amazon: Option<Amazon>,
    calls: f64,
    throttled: f64,
}

impl<'a> Field<'a> {
    fn new(case: &'a Case, checkouts: &'a [Checkout], per_second: f64, amazon: Option<Amazon>) -> Self {
        let quota = Quota {
            burst: BURST,
            per_second,
        };
        Self {
            case,
            checkouts,
            next_arrival: 0,
            attempts: vec![0; checkouts.len()],
            confirmed: vec![false; checkouts.len()],
            asleep: BTreeSet::new(),
            bucket: Bucket::new(quota, midnight().plus(case.outage)),
            amazon,
            calls: 0.0,
            throttled: 0.0,
        }
    }

    /// Who has become due by now: those that have arrived, and those that may be tried again.
    fn become_due(&mut self, now: Timestamp) -> Vec<usize> {
        let arrived = self.checkouts[self.next_arrival..].partition_point(|checkout| checkout.arrives <= now);
        let mut due: Vec<usize> = (self.next_arrival..self.next_arrival + arrived).collect();
        self.next_arrival += arrived;
        while let Some((_, number)) = self.asleep.first().copied().filter(|(until, _)| *until <= now) {
            self.asleep.pop_first();
            due.push(number);
        }
        due
    }

    fn next_due(&self) -> Option<Timestamp> {
        let arrives = self.checkouts.get(self.next_arrival).map(|next| next.arrives);
        let again = self.asleep.first().map(|(until, _)| *until);
        arrives.into_iter().chain(again).min()
    }

    /// Whether it is over for this one.
    fn attempt(&mut self, number: usize, now: Timestamp) -> bool {
        self.calls += 1.0;
        if self.amazon.as_mut().is_some_and(|amazon| !amazon.call(now)) {
            self.throttled += 1.0;
            self.bucket.throttled(now, now, None);
            self.asleep.insert((now.plus(AFTER_THROTTLING), number));
            return false;
        }
        self.bucket.succeeded(now);
        let attempt = self.attempts[number];
        self.attempts[number] += 1;
        let fails = self.checkouts[number].fails(attempt, self.case.failing);
        self.bucket.had_effect(!fails);
        if fails {
            self.asleep.insert((again(attempt, now), number));
        } else {
            self.confirmed[number] = true;
        }
        !fails
    }

    fn played(self, foretold: Vec<Foretold>) -> Played {
        Played {
            confirmed: self.confirmed,
            foretold,
            throttled: self.throttled / self.calls,
        }
    }

    /// From here on nothing is counted any more.
    fn end(&self) -> Timestamp {
        midnight().plus(self.case.outage).plus(DAY)
    }
}

/// Everybody in one queue, by `place`, which is told since when a checkout is due.
fn queued(mut field: Field<'_>, place: impl Fn(&Checkout, Timestamp) -> Timestamp) -> Played {
    let mut now = midnight().plus(field.case.outage);
    let mut queue: BTreeSet<(Timestamp, usize)> = BTreeSet::new();
    while now < field.end() {
        for number in field.become_due(now) {
            let since = if field.attempts[number] == 0 {
                field.checkouts[number].arrives
            } else {
                now
            };
            queue.insert((place(&field.checkouts[number], since), number));
        }
        let mut token_at = None;
        while let Some((_, number)) = queue.first().copied() {
            if field.checkouts[number].can_be_tried(now) {
                match field.bucket.take(now) {
                    Ok(()) => field.attempt(number, now),
                    Err(at) => {
                        token_at = Some(at);
                        break;
                    }
                };
            }
            queue.pop_first();
        }
        let Some(next) = field.next_due().into_iter().chain(token_at).min() else {
            break;
        };
        now = next;
    }
    field.played(Vec::new())
}

/// As the first to come would be served first, under the rate that is learned.
pub(crate) fn first_in_first_out(case: &Case, checkouts: &[Checkout]) -> Played {
    let amazon = Amazon::new(case, midnight().plus(case.outage));
    let field = Field::new(case, checkouts, case.quota, Some(amazon));
    queued(field, |_, due_since| due_since)
}

/// Everybody known, and the rate too.
pub(crate) fn earliest_deadline_first(case: &Case, checkouts: &[Checkout]) -> Played {
    let field = Field::new(case, checkouts, case.quota - case.shop_front, None);
    queued(field, |checkout, _| checkout.deadline)
}

/// Sessions of one deadline and one class of worth that are still to be confirmed: how many, and what they are worth.
type Backlog = BTreeMap<(i64, i32), (u32, f64)>;

fn cell_of(case: &Case, checkout: &Checkout) -> (i64, i32) {
    let minute = checkout.deadline.as_micros() / 60_000_000;
    match case.when_not_all {
        WhenNotAll::MostSessions => (minute, 0),
        #[expect(clippy::cast_possible_truncation, reason = "values are small")]
        WhenNotAll::MostValue => (minute, (checkout.value.log2() * 4.0).floor() as i32),
    }
}

/// By the minute where it is near, by ten minutes where it is not.
fn cells(backlog: &Backlog, now: Timestamp) -> Vec<Cell> {
    let near = now.plus(HOUR * 2).as_micros() / 60_000_000;
    let mut cells: BTreeMap<(i64, i64, i32), (u32, f64)> = BTreeMap::new();
    for (&(minute, class), &(count, money)) in backlog {
        let (from, minutes) = if minute < near {
            (minute, 1)
        } else {
            (minute - minute % 10, 10)
        };
        let cell = cells.entry((from, minutes, class)).or_default();
        *cell = (cell.0 + count, cell.1 + money);
    }
    let cell = |((from, minutes, _), (count, money))| Cell {
        from: Timestamp::from_micros(from * 60_000_000),
        until: Timestamp::from_micros((from + minutes) * 60_000_000),
        currency: Some(Currency::EUR),
        money,
        count,
    };
    cells.into_iter().map(cell).collect()
}

fn id(number: usize) -> SessionId {
    SessionId::parse(&number.to_string()).unwrap()
}

fn number(id: &SessionId) -> usize {
    id.as_str().parse().unwrap()
}

fn account() -> AccountName {
    AccountName::parse("eu_shop").unwrap()
}

fn claim(checkout: &Checkout) -> Claim {
    let amount = format!("{:.2}", checkout.value.max(0.01));
    Claim {
        deadline: checkout.deadline,
        amount: Some(Amount::parse(&amount, "EUR").unwrap()),
        fresh_until: checkout.arrives.plus(FRESH_FOR),
    }
}

/// The order of confirmd: its window, its plan and its bucket, which knows neither the shop front nor what fails.
struct Allocated<'a> {
    field: Field<'a>,
    window: Window,
    account: AccountName,
    backlog: Backlog,
    claims: Vec<Claim>,
    /// The log's due index: due and open.
    due: BTreeSet<(Timestamp, usize)>,
    planned_at: Option<Timestamp>,
    foretold: Vec<Foretold>,
}

impl Allocated<'_> {
    fn checkout(&self, number: usize) -> &Checkout {
        &self.field.checkouts[number]
    }

    fn want(&mut self, number: usize) {
        let claim = self.claims[number];
        self.window
            .want(&id(number), &self.account, claim, Call::Confirm, None);
    }

    fn attempt(&mut self, number: usize, now: Timestamp) {
        let deadline = self.checkout(number).deadline;
        self.due.remove(&(deadline, number));
        if self.field.attempt(number, now) {
            let key = cell_of(self.field.case, self.checkout(number));
            let value = self.checkout(number).value;
            if let Some((count, money)) = self.backlog.get_mut(&key) {
                *count -= 1;
                *money -= value;
            }
        }
    }

    fn become_due(&mut self, now: Timestamp) {
        for number in self.field.become_due(now) {
            let deadline = self.checkout(number).deadline;
            self.due.insert((deadline, number));
            if self.field.attempts[number] == 0 {
                let key = cell_of(self.field.case, self.checkout(number));
                let value = self.checkout(number).value;
                let (count, money) = self.backlog.entry(key).or_default();
                *count += 1;
                *money += value;
            }
            // Those from before are for the sweep.
            if now <= self.checkout(number).arrives || 0 < self.field.attempts[number] {
                self.want(number);
            }
        }
    }

    fn plan(&mut self, now: Timestamp) {
        let capacity = Capacity {
            now,
            per_second: self.field.bucket.average_rate(),
            effective: self.field.bucket.effective(),
            repeated_after: AGAIN_AFTER[AGAIN_AFTER.len() - 1],
            closing: CLOSING,
        };
        let plan = Plan::of(cells(&self.backlog, now), &capacity, self.field.case.when_not_all);
        if now.since(midnight()).as_secs().is_multiple_of(3600) {
            let within = plan.losses().iter().filter(|loss| loss.until <= now.plus(HOUR));
            self.foretold.push(Foretold {
                from: now,
                lost: within.flat_map(|loss| loss.money.values()).sum(),
            });
        }
        self.window.set_plan(&self.account, plan);
    }

    /// The most urgent that are due, but for those that are given up.
    fn sweep(&mut self, now: Timestamp) {
        let plan = self.window.plan(&self.account).unwrap();
        let kept = self.due.range((now, 0)..).filter(|(_, number)| {
            let claim = &self.claims[*number];
            !plan.gives_up(claim.deadline, claim.amount.as_ref())
        });
        for (deadline, number) in kept.take(WINDOW).copied().collect::<Vec<_>>() {
            self.window.note_due(&Due {
                id: id(number),
                account: Some(self.account.clone()),
                due_at: now,
                deadline,
            });
        }
        while let Some(id) = self.window.wake(now) {
            self.want(number(&id));
        }
    }

    /// When the next token is there for somebody who waits for it.
    fn spend(&mut self, now: Timestamp) -> Option<Timestamp> {
        while self.window.wanted().next().is_some() {
            if let Err(at) = self.field.bucket.take(now) {
                return Some(at);
            }
            let Some(id) = self.window.pull(&self.account, Call::Confirm, now) else {
                self.field.bucket.give_back();
                break;
            };
            if self.checkout(number(&id)).can_be_tried(now) {
                self.attempt(number(&id), now);
            } else {
                self.field.bucket.give_back();
            }
        }
        None
    }
}

/// As confirmd does it.
pub(crate) fn allocated(case: &Case, checkouts: &[Checkout]) -> Played {
    let mut now = midnight().plus(case.outage);
    let mut window = Window::new(WINDOW);
    window.set_fresh_share(&account(), FRESH_SHARE);
    let mut played = Allocated {
        field: Field::new(case, checkouts, case.quota, Some(Amazon::new(case, now))),
        window,
        backlog: Backlog::new(),
        claims: checkouts.iter().map(claim).collect(),
        account: account(),
        due: BTreeSet::new(),
        planned_at: None,
        foretold: Vec::new(),
    };
    while now < played.field.end() {
        played.become_due(now);
        let plan_at = played.planned_at.map_or(now, |at| at.plus(PLANNED_EVERY));
        if plan_at <= now {
            played.planned_at = Some(now);
            played.plan(now);
            played.sweep(now);
        }
        let token_at = played.spend(now);
        let plan_at = played.planned_at.map(|at| at.plus(PLANNED_EVERY));
        let next = played
            .field
            .next_due()
            .into_iter()
            .chain(token_at)
            .chain(plan_at)
            .min();
        now = next.unwrap_or(played.field.end());
    }
    let foretold = std::mem::take(&mut played.foretold);
    played.field.played(foretold)
}
