//! The books never lie: two merchants' random calls, faults and moves of the clock, under random switches, and
//! after each the books against a [`ledger`] that was kept beside them.
//!
//! Everything but TLS and signatures is the sandbox's own: calls go in as requests, faults strike, keys replay.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;

use crate::options::{Environment, MerchantSpec, Profile, Region};
use crate::shared::Shared;
use crate::time::clock::{SandboxClock as _, SettableClock};
use crate::unknowns::Unknowns;
use crate::wire::merchants;
use crate::world::World;
use crate::world::books::{Books, Effect};
use calls::{Call, Held, Saved, Slot};
use lines::{Line, stays, sums};
use sessions::Session;
use steps::{Break, Step, step, switches};

mod acts;
mod calls;
mod ledger;
mod lines;
mod looks;
mod sessions;
mod steps;

const START: i64 = 1_767_607_200;

type Checked<T> = Result<T, TestCaseError>;

/// The sandbox and the ledger, side by side.
struct Run<'a> {
    shared: &'a Shared,
    clock: &'a SettableClock,
    rules: Unknowns,
    sessions: Vec<Session>,
    keys: BTreeMap<Slot, Saved>,
    /// A fault that strikes the next call.
    broken: Option<Break>,
    held: Option<Held<'a>>,
    /// Every call that was more than a look-up.
    last: Vec<Call>,
    /// How many were answered, or lost.
    calls: u64,
}

impl Run<'_> {
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// The ledger at this moment.
    fn advance(&mut self) {
        let now = self.now();
        let moment = ledger::Moment { arrived: now, now };
        for session in &mut self.sessions {
            session.advance(moment, &self.rules);
        }
    }

    /// The books against the ledger.
    fn check(&mut self) -> Checked<Books> {
        self.advance();
        let books = self.shared.books();
        prop_assert_eq!(self.sessions.len(), books.sessions.len());
        let mut permissions = books.permissions.iter();
        for (session, book) in self.sessions.iter().zip(&books.sessions) {
            prop_assert_eq!(session.word(), book.state);
            prop_assert_eq!(ACCOUNTS[session.merchant], &book.account);
            let effects = book.calls.iter().filter_map(|call| call.effect);
            prop_assert_eq!(
                counted(session.effects.iter().copied()),
                counted(effects),
                "{:?}",
                book.calls
            );
            let Some(permission) = &session.permission else {
                prop_assert_eq!(&book.charge_permission_id, &None);
                continue;
            };
            let in_books = permissions.next().unwrap();
            prop_assert_eq!(&in_books.checkout_session_id, &book.checkout_session_id);
            prop_assert_eq!(
                Some(&in_books.charge_permission_id),
                book.charge_permission_id.as_ref()
            );
            prop_assert_eq!(in_books.state, lines::standing(permission), "{:?}", in_books);
            let balance = in_books.amount_balance.as_ref();
            let balance = balance.map(|price| lines::in_cents(price.amount));
            prop_assert_eq!(balance, permission.balance(&self.rules), "{:?}", in_books);
            let ours: Vec<Line> = permission.charges.iter().map(Line::of_ledger).collect();
            let theirs: Vec<Line> = in_books.charges.iter().map(Line::of_books).collect();
            prop_assert_eq!(ours, theirs);
        }
        prop_assert!(permissions.next().is_none());
        let totals = books.totals.get("EUR").map(sums).unwrap_or_default();
        prop_assert_eq!(self.totals(), totals);
        let charges = self.permissions().flat_map(|permission| &permission.charges);
        let charged: i64 = charges.map(|charge| charge.cents).sum();
        prop_assert_eq!(totals[..7].iter().sum::<i64>(), charged);
        let answers: u64 = books.answers.values().flat_map(BTreeMap::values).sum();
        prop_assert_eq!(answers, self.calls);
        Ok(books)
    }

    fn permissions(&self) -> impl Iterator<Item = &ledger::Permission> {
        self.sessions
            .iter()
            .filter_map(|session| session.permission.as_ref())
    }

    fn totals(&self) -> [i64; 9] {
        let mut sums = [0; 9];
        for charge in self.permissions().flat_map(|permission| &permission.charges) {
            let rest = charge.cents - charge.captured - charge.capturing;
            let place = match charge.state {
                ledger::ChargeState::Authorized => 2,
                ledger::ChargeState::Pending(_) => 3,
                ledger::ChargeState::Declined => 4,
                ledger::ChargeState::Canceled => 5,
                ledger::ChargeState::Captured | ledger::ChargeState::Capturing => 6,
            };
            sums[0] += charge.captured;
            sums[1] += charge.capturing;
            sums[place] += rest;
            sums[7] += charge.refunded(|given| given == Some(true));
            sums[8] += charge.refunded(|given| given.is_none());
        }
        sums
    }
}

/// How often each: calls that a fault holds up take effect in another order than they came in.
fn counted(effects: impl Iterator<Item = Effect>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for effect in effects {
        *counts.entry(format!("{effect:?}")).or_default() += 1;
    }
    counts
}

const ACCOUNTS: [&str; 2] = ["eu_shop", "eu_other"];

/// A world of its own for each case; keys are made once.
fn sandbox(folder: PathBuf, clock: &SettableClock) -> Shared {
    let shops = ACCOUNTS.map(|account| MerchantSpec {
        account: account.to_owned(),
        region: Region::Eu,
        environment: Environment::Sandbox,
    });
    let merchants = merchants::open(shops.to_vec(), &folder).unwrap();
    let world = World::new(Profile::Unlimited, 1);
    Shared::new(
        merchants,
        Arc::new(clock.clone()),
        Some(clock.clone()),
        world,
        folder,
    )
}

#[test]
fn the_books_never_lie() {
    let folder = tempfile::tempdir().unwrap();
    let start = Timestamp::from_second(START).unwrap();
    let clock = SettableClock::stopped_at(start);
    let shared = sandbox(folder.path().to_owned(), &clock);
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(300)
    };
    let steps = || prop::collection::vec((step(), prop::bool::weighted(0.08)), 1..60);
    proptest!(config, |(steps in steps(), rules in switches(), seed in any::<u64>())| {
        clock.set(start);
        *shared.world() = World::new(Profile::Unlimited, seed);
        shared.set_unknowns(rules.clone());
        let mut run = Run {
            shared: &shared,
            clock: &clock,
            rules,
            sessions: Vec::new(),
            keys: BTreeMap::new(),
            broken: None,
            held: None,
            last: Vec::new(),
            calls: 0,
        };
        let mut before = run.check()?;
        for (step, by_stranger) in &steps {
            run.step(step, *by_stranger, &before)?;
            // Between a move of the clock and the next call nobody looks at anything.
            let woken = matches!(step, Step::Move { .. }) && run.wake()?;
            if matches!(step, Step::Move { .. }) && !woken {
                continue;
            }
            let after = run.check()?;
            stays(&before, &after, &run.rules)?;
            before = after;
        }
        let after = run.check()?;
        stays(&before, &after, &run.rules)?;
        for session in 0..run.sessions.len() {
            run.look(session, false, &after)?;
            run.look(session, true, &after)?;
        }
    });
}
