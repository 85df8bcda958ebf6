//! The books never lie: random calls, faults and moves of the clock, and after each the books against a
//! [`ledger`] that was kept beside them.
//!
//! Everything but TLS and signatures is the sandbox's own: calls go in as requests, faults strike, keys replay.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::FutureExt as _;
use http::HeaderMap;
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::api::{self, Reply, Request};
use crate::control::faults::{Fault, When};
use crate::control::new_session::NewSession;
use crate::objects::permission::PermissionState;
use crate::options::{Environment, MerchantSpec, Profile, Region};
use crate::shared::Shared;
use crate::time::clock::{SandboxClock as _, SettableClock};
use crate::wire::merchants;
use crate::world::World;
use crate::world::books::{Books, Effect};
use ledger::{Intent, Session, SessionState, Wish};
use lines::{Line, stays, sums};
use steps::{Step, step};

mod ledger;
mod lines;
mod steps;

const START: i64 = 1_767_607_200;

/// The sandbox and the ledger, side by side.
struct Run<'a> {
    shared: &'a Shared,
    clock: &'a SettableClock,
    sessions: Vec<Session>,
    /// What each answered key came with.
    keys: BTreeMap<String, (String, String)>,
    /// A fault that strikes the next call.
    broken: Option<When>,
    calls: u64,
}

/// A call, as the ledger needs to see it.
struct Sent<'a> {
    method: &'a str,
    path: String,
    body: Value,
    key: Option<String>,
    code: Option<&'a str>,
}

impl Run<'_> {
    fn now(&self) -> i64 {
        self.clock.now().as_second()
    }

    /// Sends a call; `effect` is what the ledger makes of it, if it is worked on at all.
    fn call(&mut self, sent: &Sent<'_>, effect: impl FnOnce(&mut Vec<Session>, i64) -> bool) {
        let broken = self.broken.take();
        let values = (sent.path.clone(), sent.body.to_string());
        let known = sent.key.as_ref().is_some_and(|key| self.keys.contains_key(key));
        if broken != Some(When::Before) && !known {
            let now = self.now();
            self.sessions.iter_mut().for_each(|session| session.advance(now));
            let done = effect(&mut self.sessions, now);
            if let Some(key) = sent.key.clone().filter(|_| done) {
                self.keys.insert(key, values);
            }
        }
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("x-amz-pay-idempotency-key", sent.key.as_deref()),
            ("x-amz-pay-simulation-code", sent.code),
        ] {
            if let Some(value) = value {
                headers.insert(name, value.parse().unwrap());
            }
        }
        let request = Request {
            method: sent.method.to_owned(),
            path: sent.path.clone(),
            query: String::new(),
            headers,
            body: Bytes::from(sent.body.to_string()),
        };
        let reply = api::answer_for_merchant(self.shared, &request, 0)
            .now_or_never()
            .expect("no fault here delays");
        assert!(!matches!(reply, Reply::Hang));
        self.calls += 1;
    }

    /// `books` name what there is; between a move of the clock and a call nobody looks at them.
    fn step(&mut self, step: &Step, books: &Books) {
        match *step {
            Step::Make {
                cents,
                more,
                intent,
                can_wait,
                recurring,
                card,
            } => self.make(
                cents,
                more.map(|more| cents + more),
                intent,
                can_wait,
                recurring,
                card,
            ),
            Step::Confirm {
                session,
                finalize,
                right,
                key,
            } => {
                let Some(index) = pick(session, self.sessions.len()) else {
                    return;
                };
                let id = &books.sessions[index].checkout_session_id;
                let (word, body) = confirmation(&self.sessions[index], finalize, right);
                let sent = Sent {
                    method: "POST",
                    path: format!("/v2/checkoutSessions/{id}/{word}"),
                    body,
                    key: key.map(|key| format!("confirm-{key}")),
                    code: None,
                };
                self.call(&sent, |sessions, now| sessions[index].confirm(right, now));
            }
            Step::Charge { session, wish, key } => self.charge(books, session, wish, key),
            Step::Close { session, cancels } => {
                let Some((permission, index)) = self.permission(books, session) else {
                    return;
                };
                let sent = Sent {
                    method: "DELETE",
                    path: format!("/v2/chargePermissions/{permission}/close"),
                    body: json!({"closureReason": "done", "cancelPendingCharges": cancels}),
                    key: None,
                    code: None,
                };
                self.call(&sent, |sessions, _| {
                    sessions[index].permission.as_mut().unwrap().close(cancels)
                });
            }
            Step::Capture { charge, .. } | Step::Cancel { charge } | Step::Refund { charge, .. } => {
                self.of_charge(books, charge, step);
            }
            Step::Move { seconds } => {
                let to = Timestamp::from_second(self.now() + seconds).unwrap();
                self.clock.set(to);
            }
            Step::Break { when, kind } => {
                if self.broken.is_none() {
                    let fault = Fault {
                        times: Some(1),
                        ..Fault::new("*", when, Some(kind))
                    };
                    self.shared.post_fault(fault).unwrap();
                    self.broken = Some(when);
                }
            }
        }
    }

    fn make(
        &mut self,
        cents: i64,
        total: Option<i64>,
        intent: Intent,
        can_wait: bool,
        recurring: bool,
        card: &'static str,
    ) {
        let new = json!({
            "card": card,
            "chargePermissionType": if recurring { "Recurring" } else { "OneTime" },
            "paymentDetails": {
                "paymentIntent": word(intent),
                "canHandlePendingAuthorization": can_wait,
                "chargeAmount": euros(cents),
                "totalOrderAmount": total.map(euros),
            },
        });
        let new: NewSession = serde_json::from_value(new).unwrap();
        self.shared.make_session(new).unwrap();
        self.sessions.push(Session {
            cents,
            total,
            intent,
            can_wait,
            recurring,
            card,
            made: self.now(),
            state: SessionState::Open,
            permission: None,
        });
    }

    fn permission(&self, books: &Books, session: usize) -> Option<(String, usize)> {
        let index = pick(session, self.sessions.len())?;
        let id = books.sessions[index].charge_permission_id.clone()?;
        Some((id, index))
    }

    fn charge(&mut self, books: &Books, session: usize, wish: Wish, key: u8) {
        let Some((permission, index)) = self.permission(books, session) else {
            return;
        };
        let sent = Sent {
            method: "POST",
            path: "/v2/charges".to_owned(),
            body: json!({
                "chargePermissionId": permission,
                "chargeAmount": euros(wish.cents),
                "captureNow": wish.capture_now,
                "canHandlePendingAuthorization": wish.can_wait,
            }),
            key: Some(format!("charge-{key}")),
            code: wish.code,
        };
        self.call(&sent, |sessions, now| {
            sessions[index].permission.as_mut().unwrap().charge(wish, now)
        });
    }

    fn of_charge(&mut self, books: &Books, charge: usize, step: &Step) {
        let charges: Vec<(usize, usize, &str)> = books
            .sessions
            .iter()
            .enumerate()
            .flat_map(|(session, book)| {
                let charges = book.charges.iter().enumerate();
                charges.map(move |(index, charge)| (session, index, charge.charge_id.as_str()))
            })
            .collect();
        let Some(nth) = pick(charge, charges.len()) else {
            return;
        };
        let (session, index, id) = charges[nth];
        match *step {
            Step::Capture { cents, code, key, .. } => {
                let sent = Sent {
                    method: "POST",
                    path: format!("/v2/charges/{id}/capture"),
                    body: json!({"captureAmount": euros(cents)}),
                    key: Some(format!("capture-{key}")),
                    code,
                };
                self.call(&sent, |sessions, now| {
                    sessions[session]
                        .permission
                        .as_mut()
                        .unwrap()
                        .capture(index, cents, code, now)
                });
            }
            Step::Refund { cents, goes, key, .. } => {
                let sent = Sent {
                    method: "POST",
                    path: "/v2/refunds".to_owned(),
                    body: json!({"chargeId": id, "refundAmount": euros(cents)}),
                    key: Some(format!("refund-{key}")),
                    code: (!goes).then_some("AmazonRejected"),
                };
                self.call(&sent, |sessions, now| {
                    sessions[session]
                        .permission
                        .as_mut()
                        .unwrap()
                        .refund(index, cents, goes, now)
                });
            }
            _ => {
                let sent = Sent {
                    method: "DELETE",
                    path: format!("/v2/charges/{id}/cancel"),
                    body: json!({"cancellationReason": "no"}),
                    key: None,
                    code: None,
                };
                self.call(&sent, |sessions, _| {
                    sessions[session].permission.as_mut().unwrap().cancel(index)
                });
            }
        }
    }

    /// The books against the ledger.
    fn check(&mut self) -> Result<Books, TestCaseError> {
        let now = self.now();
        self.sessions.iter_mut().for_each(|session| session.advance(now));
        let books = self.shared.books();
        let mut permissions = books.permissions.iter();
        for (session, book) in self.sessions.iter().zip(&books.sessions) {
            prop_assert_eq!(format!("{:?}", session.state), book.state);
            let completed = session.state == SessionState::Completed;
            prop_assert_eq!(book.times_completed(), usize::from(completed));
            let Some(permission) = &session.permission else {
                prop_assert_eq!(&book.charge_permission_id, &None);
                continue;
            };
            let in_books = permissions.next().unwrap();
            prop_assert_eq!(&in_books.checkout_session_id, &book.checkout_session_id);
            prop_assert_eq!(
                in_books.state == PermissionState::Closed,
                permission.closed,
                "{:?}",
                in_books
            );
            prop_assert_eq!(
                in_books.state == PermissionState::Chargeable,
                permission.takes(),
                "{:?}",
                in_books
            );
            let ours: Vec<Line> = permission.charges.iter().map(Line::of_ledger).collect();
            let theirs: Vec<Line> = in_books.charges.iter().map(Line::of_books).collect();
            prop_assert_eq!(ours, theirs);
            let own = usize::from(session.intent != Intent::Confirm);
            let charged = book
                .calls
                .iter()
                .filter(|call| call.effect == Some(Effect::Charged));
            prop_assert_eq!(charged.count(), permission.charges.len() - own);
        }
        prop_assert!(permissions.next().is_none());
        prop_assert_eq!(
            self.totals(),
            books.totals.get("EUR").map(sums).unwrap_or_default()
        );
        let answers: u64 = books.answers.values().flat_map(BTreeMap::values).sum();
        prop_assert_eq!(answers, self.calls);
        Ok(books)
    }

    fn totals(&self) -> [i64; 9] {
        let mut sums = [0; 9];
        let permissions = self
            .sessions
            .iter()
            .filter_map(|session| session.permission.as_ref());
        for charge in permissions.flat_map(|permission| &permission.charges) {
            let rest = charge.cents - charge.taken;
            match charge.state {
                ledger::ChargeState::Captured => {
                    sums[0] += charge.taken;
                    sums[6] += rest;
                }
                ledger::ChargeState::Capturing => {
                    sums[1] += charge.taken;
                    sums[6] += rest;
                }
                ledger::ChargeState::Authorized => sums[2] += charge.cents,
                ledger::ChargeState::Pending(_) => sums[3] += charge.cents,
                ledger::ChargeState::Declined => sums[4] += charge.cents,
                ledger::ChargeState::Canceled => sums[5] += charge.cents,
            }
            for refund in &charge.refunds {
                match refund.given {
                    Some(true) => sums[7] += refund.cents,
                    None => sums[8] += refund.cents,
                    Some(false) => {}
                }
            }
        }
        sums
    }
}

fn euros(cents: i64) -> Value {
    json!({"amount": format!("{}.{:02}", cents / 100, cents % 100), "currencyCode": "EUR"})
}

fn word(intent: Intent) -> &'static str {
    match intent {
        Intent::Confirm => "Confirm",
        Intent::Authorize => "Authorize",
        Intent::Capture => "AuthorizeWithCapture",
    }
}

fn pick(index: usize, of: usize) -> Option<usize> {
    index.checked_rem(of)
}

fn confirmation(session: &Session, finalize: bool, right: bool) -> (&'static str, Value) {
    let cents = if right { session.cents } else { session.cents + 1 };
    let mut body = json!({"chargeAmount": euros(cents)});
    if let Some(total) = session.total {
        body["totalOrderAmount"] = euros(total);
    }
    if finalize {
        body["paymentIntent"] = json!(word(session.intent));
        body["shippingAddress"] = json!({
            "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Berlin",
            "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
        });
    }
    (if finalize { "finalize" } else { "complete" }, body)
}

#[test]
fn the_books_never_lie() {
    let folder = tempfile::tempdir().unwrap();
    let shop = MerchantSpec {
        account: "eu_shop".to_owned(),
        region: Region::Eu,
        environment: Environment::Sandbox,
    };
    let merchants = merchants::open(vec![shop], folder.path()).unwrap();
    let start = Timestamp::from_second(START).unwrap();
    let clock = SettableClock::stopped_at(start);
    let world = World::new(Profile::Unlimited, 1);
    let shared = Shared::new(
        merchants,
        Arc::new(clock.clone()),
        Some(clock.clone()),
        world,
        PathBuf::new(),
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    };
    proptest!(config, |(steps in prop::collection::vec(step(), 1..60), seed in any::<u64>())| {
        clock.set(start);
        *shared.world() = World::new(Profile::Unlimited, seed);
        let mut run = Run {
            shared: &shared,
            clock: &clock,
            sessions: Vec::new(),
            keys: BTreeMap::new(),
            broken: None,
            calls: 0,
        };
        let mut before = run.check()?;
        for step in &steps {
            run.step(step, &before);
            if matches!(step, Step::Move { .. }) {
                continue;
            }
            let after = run.check()?;
            stays(&before, &after)?;
            before = after;
        }
    });
}
