//! What each step does on both sides.

use std::rc::Rc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::calls::{Call, Effect};
use super::ledger::{Did, Moment, Permission, REFUSED, Report};
use super::sessions::{Details, Intent, Session, SessionState};
use super::steps::Step;
use super::{ACCOUNTS, Checked, Run};
use crate::control::new_session::{Buyer, NewSession, PermissionBuyer, PermissionBuyerAction, Route};
use crate::unknowns::Unknowns;
use crate::world::books::{self, Books};

impl Run<'_> {
    /// `books` name what there is. Whoever does it is now and then not the one whose object it is.
    pub(super) fn step(&mut self, step: &Step, by_stranger: bool, books: &Books) -> Checked<()> {
        let session = match *step {
            Step::Break(broken) => {
                self.post_fault(broken);
                return Ok(());
            }
            Step::Move { seconds } => {
                self.clock
                    .set(Timestamp::from_second(self.now() + seconds).unwrap());
                return Ok(());
            }
            Step::Again { back } => {
                let call = self.last.iter().rev().nth(back).cloned();
                return call.map_or(Ok(()), |call| self.call(call).map(|_| ()));
            }
            Step::Make { .. } => {
                self.make(step);
                return Ok(());
            }
            Step::Create { .. } => return self.create(step),
            Step::Capture { charge, .. }
            | Step::Cancel { charge }
            | Step::Report { charge, .. }
            | Step::Refund { charge, .. } => return self.of_charge(charge, step, by_stranger, books),
            Step::Update { session, .. }
            | Step::Buyer { session, .. }
            | Step::Confirm { session, .. }
            | Step::Charge { session, .. }
            | Step::Note { session, .. }
            | Step::Close { session, .. }
            | Step::NewCard { session, .. }
            | Step::Look { session } => session,
        };
        let Some(index) = from_newest(session, self.sessions.len()) else {
            return Ok(());
        };
        match *step {
            Step::Look { .. } => self.look(index, by_stranger, books),
            Step::Charge { .. } | Step::Note { .. } | Step::Close { .. } | Step::NewCard { .. } => {
                let permission = books.sessions[index].charge_permission_id.as_deref();
                permission.map_or(Ok(()), |id| self.of_permission(index, id, step, by_stranger))
            }
            _ => self.of_session(
                index,
                &books.sessions[index].checkout_session_id,
                step,
                by_stranger,
            ),
        }
    }

    pub(super) fn permission(&self, session: usize) -> &Permission {
        self.sessions[session].permission.as_ref().unwrap()
    }

    fn caller(&self, session: usize, by_stranger: bool) -> usize {
        let owner = self.sessions[session].merchant;
        if by_stranger { 1 - owner } else { owner }
    }

    fn make(&mut self, step: &Step) {
        let Step::Make {
            merchant,
            details,
            recurring,
            card,
            route,
        } = *step
        else {
            return;
        };
        let new = json!({
            "account": ACCOUNTS[merchant],
            "card": card,
            "operation": route,
            "chargePermissionType": kind(recurring),
            "paymentDetails": payment_details(details),
        });
        let new: NewSession = serde_json::from_value(new).unwrap();
        self.shared.make_session(new).unwrap();
        self.sessions.push(Session {
            card,
            route,
            finished: true,
            ..begun(merchant, details, recurring, self.now())
        });
    }

    fn create(&mut self, step: &Step) -> Checked<()> {
        let Step::Create {
            merchant,
            details,
            recurring,
            key,
        } = *step
        else {
            return Ok(());
        };
        let body = json!({
            "webCheckoutDetails": {"checkoutReviewReturnUrl": "https://shop.example/review"},
            "storeId": "amzn1.application-oa2-client.shop",
            "chargePermissionType": kind(recurring),
            "addressDetails": address(),
            "paymentDetails": payment_details(details),
        });
        let effect: Effect = Rc::new(move |sessions, moment, _| {
            if !details.fits_together() {
                return REFUSED;
            }
            sessions.push(begun(merchant, details, recurring, moment.now));
            Did::Done(Some(books::Effect::Created))
        });
        let call = Call {
            caller: merchant,
            method: "POST",
            path: "/v2/checkoutSessions".to_owned(),
            body,
            key: Some(format!("create-{key}")),
            code: None,
            session: None,
            effect,
        };
        self.call(call).map(|_| ())
    }

    fn of_session(&mut self, index: usize, id: &str, step: &Step, by_stranger: bool) -> Checked<()> {
        let path = format!("/v2/checkoutSessions/{id}");
        let call = Call {
            caller: self.caller(index, by_stranger),
            method: "PATCH",
            path,
            body: Value::Null,
            key: None,
            code: None,
            session: Some(index),
            effect: Rc::new(|_, _, _| REFUSED),
        };
        let call = match *step {
            Step::Update { change, .. } => Call {
                body: json!({"paymentDetails": payment_details(change)}),
                effect: Rc::new(move |sessions, moment, rules| sessions[index].update(change, moment, rules)),
                ..call
            },
            Step::Confirm {
                finalize,
                right,
                code,
                key,
                ..
            } => {
                let mut sent = self.sessions[index].details;
                sent.cents = sent.cents.map(|cents| if right { cents } else { cents + 1 });
                let (route, verb) = if finalize {
                    (Route::Finalize, "finalize")
                } else {
                    (Route::Complete, "complete")
                };
                Call {
                    method: "POST",
                    path: format!("{}/{verb}", call.path),
                    body: confirmation(sent, route),
                    key: key.map(|key| format!("confirm-{key}")),
                    code,
                    effect: Rc::new(move |sessions, moment, rules| {
                        sessions[index].confirm(route, sent, code, moment, rules)
                    }),
                    ..call
                }
            }
            Step::Buyer { action, card, .. } => {
                self.advance();
                let buyer = Buyer {
                    action,
                    card: card.map(str::to_owned),
                };
                let done = self.sessions[index].buyer(action, card, &self.rules);
                prop_assert_eq!(self.shared.buyer(id, buyer).is_ok(), done);
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.call(call).map(|_| ())
    }

    fn of_permission(&mut self, index: usize, id: &str, step: &Step, by_stranger: bool) -> Checked<()> {
        let call = Call {
            caller: self.caller(index, by_stranger),
            method: "POST",
            path: format!("/v2/chargePermissions/{id}"),
            body: Value::Null,
            key: None,
            code: None,
            session: Some(index),
            effect: Rc::new(|_, _, _| REFUSED),
        };
        let call = match *step {
            Step::Charge { mut wish, key, .. } => {
                // What is no request at all is refused before anybody asks whose permission it is.
                wish.can_wait &= !(by_stranger && wish.capture_now);
                Call {
                    path: "/v2/charges".to_owned(),
                    body: json!({
                        "chargePermissionId": id,
                        "chargeAmount": euros(wish.cents),
                        "captureNow": wish.capture_now,
                        "canHandlePendingAuthorization": wish.can_wait,
                    }),
                    key: Some(format!("charge-{key}")),
                    code: wish.code,
                    effect: of(index, move |permission, now, rules| {
                        permission.charge(wish, now, rules)
                    }),
                    ..call
                }
            }
            Step::Note { reference, .. } => {
                let reference = format!("order {reference}");
                Call {
                    method: "PATCH",
                    body: json!({"merchantMetadata": {"merchantReferenceId": reference}}),
                    effect: of(index, move |permission, _, rules| {
                        permission.note(&reference, rules)
                    }),
                    ..call
                }
            }
            Step::Close { cancels, .. } => Call {
                method: "DELETE",
                path: format!("{}/close", call.path),
                body: json!({"closureReason": "done", "cancelPendingCharges": cancels}),
                effect: of(index, move |permission, _, rules| {
                    permission.close(cancels, rules)
                }),
                ..call
            },
            Step::NewCard { card, .. } => {
                self.advance();
                let buyer = PermissionBuyer {
                    action: PermissionBuyerAction::Update,
                    card: Some(card.to_owned()),
                };
                let permission = self.sessions[index].permission.as_mut().unwrap();
                let done = permission.replace_card(card);
                prop_assert_eq!(self.shared.buyer_of_permission(id, buyer).is_ok(), done);
                return Ok(());
            }
            _ => return Ok(()),
        };
        self.call(call).map(|_| ())
    }

    fn of_charge(&mut self, charge: usize, step: &Step, by_stranger: bool, books: &Books) -> Checked<()> {
        let sessions = books.sessions.iter().enumerate();
        let charges: Vec<(usize, usize, &str)> = sessions
            .flat_map(|(session, book)| {
                let charges = book.charges.iter().enumerate();
                charges.map(move |(nth, charge)| (session, nth, charge.charge_id.as_str()))
            })
            .collect();
        let Some(place) = from_newest(charge, charges.len()) else {
            return Ok(());
        };
        let (index, nth, id) = charges[place];
        let call = Call {
            caller: self.caller(index, by_stranger),
            method: "POST",
            path: format!("/v2/charges/{id}"),
            body: Value::Null,
            key: None,
            code: None,
            session: Some(index),
            effect: Rc::new(|_, _, _| REFUSED),
        };
        let call = match *step {
            Step::Capture { cents, code, key, .. } => Call {
                path: format!("{}/capture", call.path),
                body: json!({"captureAmount": euros(cents)}),
                key: Some(format!("capture-{key}")),
                code,
                effect: of(index, move |permission, now, rules| {
                    permission.capture(nth, cents, code, now, rules)
                }),
                ..call
            },
            Step::Refund { cents, goes, key, .. } => Call {
                path: "/v2/refunds".to_owned(),
                body: json!({"chargeId": id, "refundAmount": euros(cents)}),
                key: Some(format!("refund-{key}")),
                code: (!goes).then_some("AmazonRejected"),
                effect: of(index, move |permission, now, rules| {
                    permission.refund(nth, cents, goes, now, rules)
                }),
                ..call
            },
            Step::Report { report, .. } => Call {
                method: "PATCH",
                body: reported(report),
                effect: of(index, move |permission, now, rules| {
                    permission.report(nth, report, now, rules)
                }),
                ..call
            },
            _ => Call {
                method: "DELETE",
                path: format!("{}/cancel", call.path),
                body: json!({"cancellationReason": "no"}),
                effect: of(index, move |permission, _, rules| permission.cancel(nth, rules)),
                ..call
            },
        };
        self.call(call).map(|_| ())
    }
}

fn from_newest(back: usize, of: usize) -> Option<usize> {
    back.checked_rem(of).map(|back| of - 1 - back)
}

/// What is done to a session's permission.
fn of(session: usize, act: impl Fn(&mut Permission, i64, &Unknowns) -> Did + 'static) -> Effect {
    Rc::new(
        move |sessions: &mut Vec<Session>, moment: Moment, rules: &Unknowns| {
            let permission = sessions[session].permission.as_mut();
            act(permission.unwrap(), moment.now, rules)
        },
    )
}

fn begun(merchant: usize, details: Details, recurring: bool, made: i64) -> Session {
    Session {
        merchant,
        details,
        recurring,
        card: "1111",
        route: None,
        finished: false,
        made,
        state: SessionState::Open,
        permission: None,
        effects: Vec::new(),
    }
}

fn kind(recurring: bool) -> &'static str {
    if recurring { "Recurring" } else { "OneTime" }
}

fn payment_details(details: Details) -> Value {
    json!({
        "paymentIntent": details.intent.map(word),
        "canHandlePendingAuthorization": details.can_wait,
        "chargeAmount": details.cents.map(euros),
        "totalOrderAmount": details.total.map(euros),
    })
}

fn confirmation(sent: Details, route: Route) -> Value {
    let mut body = json!({
        "chargeAmount": sent.cents.map(euros),
        "totalOrderAmount": sent.total.map(euros),
    });
    if route == Route::Finalize {
        body["paymentIntent"] = json!(sent.intent.map(word));
        body["shippingAddress"] = address();
    }
    body
}

fn reported(report: Report) -> Value {
    let (state, reason) = match report {
        Report::Nothing => return json!({"providerMetadata": {"providerReferenceId": "P-1"}}),
        Report::Authorized => ("Authorized", None),
        Report::CaptureInitiated => ("CaptureInitiated", None),
        Report::Captured => ("Captured", None),
        Report::Declined(reason) => ("Declined", Some(reason)),
        Report::Canceled => ("Canceled", None),
    };
    json!({"statusDetails": {"state": state, "reasonCode": reason}})
}

fn address() -> Value {
    json!({
        "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Berlin",
        "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
    })
}

pub(super) fn euros(cents: i64) -> Value {
    json!({"amount": format!("{}.{:02}", cents / 100, cents % 100), "currencyCode": "EUR"})
}

pub(super) fn word(intent: Intent) -> &'static str {
    match intent {
        Intent::Confirm => "Confirm",
        Intent::Authorize => "Authorize",
        Intent::Capture => "AuthorizeWithCapture",
    }
}
