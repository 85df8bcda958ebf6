//! Finalize and Complete Checkout Session: when they may, and what they book.
//!
//! ```text
//!   read the body ─► where does the session stand ─► compare ─► card, simulation, ordered refusal ─► book
//!    400                404, 405, 422                 400, 409     400, 422                          200, 202
//! ```

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::api::operation::Operation;
use crate::api::read;
use crate::api::refusal::Refusal;
use crate::control::new_session::{Refuse, Route, SessionAfter, canceling_card};
use crate::objects::charge::{Charge, ChargeOrder, ChargeState, Course};
use crate::objects::permission::{Permission, Posting};
use crate::objects::price::Price;
use crate::objects::session::{End, Session, Standing};
use crate::operations::compare::{self, Asked};
use crate::operations::simulation::{self, Circumstances};
use crate::time::stamp::whole_seconds;
use crate::unknowns::{PendingState, Unknowns};
use crate::world::books::Effect;
use crate::world::ids::Ids;
use crate::world::{KnownCall, Outcome, World};

/// Confirms the session in the path, or says why not; either may end it.
pub(crate) fn confirm(world: &mut World, call: &KnownCall<'_>, route: Route) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    let session = world.session_mut(call)?;
    let confirmation = Confirmation {
        call,
        route,
        body: &body,
        // The moment at which the session's 24 hours are judged.
        judged_at: if session.unknowns.arrival_counts {
            call.arrived
        } else {
            call.now
        },
    };
    let fate = confirmation.check(session.session, session.unknowns)?;
    let at = whole_seconds(call.now);
    let mut posting = Posting {
        at,
        unknowns: session.unknowns,
        changes: session.changes,
    };
    match fate {
        Fate::Refused => Ok(refused(session.session, at)),
        Fate::Ends(reason) => {
            session.session.end = Some(End::Canceled {
                at,
                reason: Some(reason.to_owned()),
            });
            let unknowns = session.unknowns;
            let refusal = Refusal::new(
                unknowns.session_canceled_status,
                unknowns.session_canceled_reason_code.clone(),
                format!("the session was canceled: {reason}"),
            );
            Ok(Outcome::from(refusal).with_effect(Effect::Canceled))
        }
        Fate::Goes(course) => {
            let outcome = confirmation.book(session.session, course, &mut posting, session.ids);
            session.index.take_in(session.session);
            Ok(outcome)
        }
    }
}

struct Confirmation<'a> {
    call: &'a KnownCall<'a>,
    route: Route,
    body: &'a Map<String, Value>,
    judged_at: Timestamp,
}

enum Fate {
    Goes(Course),
    /// The session is Canceled for this reason.
    Ends(&'static str),
    /// As was ordered when the session was made.
    Refused,
}

impl Confirmation<'_> {
    fn check(&self, session: &Session, unknowns: &Unknowns) -> Result<Fate, Refusal> {
        let asked = compare::read(self.route, self.body, unknowns)?;
        if !unknowns.either_operation_confirms && session.route.is_some_and(|route| route != self.route) {
            return Err(Refusal::new(
                405,
                "UnsupportedOperation",
                "this session is confirmed by the other operation",
            ));
        }
        let wrong = |why: &str| {
            Err(Refusal::wrong_state(&format!(
                "checkout session '{}' {why}",
                session.id
            )))
        };
        match session.standing(self.judged_at, unknowns) {
            Standing::Completed { .. } => return wrong("is Completed already"),
            Standing::Canceled { .. } => {
                let why = format!("checkout session '{}' is Canceled", session.id);
                return Err(unknowns.canceled_session_refusal.refusal(why));
            }
            Standing::OpenPending => return wrong("has a payment that is being decided"),
            Standing::Open if !session.buyer_finished => {
                return wrong("waits for its buyer, who has not finished on Amazon's page");
            }
            Standing::Open => {}
        }
        if let Some(missing) = session.lacks() {
            return wrong(&format!("cannot be confirmed yet: {missing}"));
        }
        compare::compare(self.route, &asked, session, unknowns)?;
        self.fate(&asked, session, unknowns)
    }

    fn fate(&self, asked: &Asked<'_>, session: &Session, unknowns: &Unknowns) -> Result<Fate, Refusal> {
        let (call, operation) = (self.call, self.operation());
        let code = simulation::code(call.simulation, operation, call.environment, unknowns)?;
        match code {
            Some("BuyerCanceled") => return Ok(Fate::Ends("BuyerCanceled")),
            Some("AmazonCanceled") => return Ok(Fate::Ends("AmazonCanceled")),
            Some("Declined") => return Ok(Fate::Ends("Declined")),
            None if session.refuse.is_some() => return Ok(Fate::Refused),
            None => {
                if let Some(reason) = canceling_card(&session.card) {
                    return Ok(Fate::Ends(reason));
                }
            }
            Some(_) => {}
        }
        let details = &session.open_body["paymentDetails"];
        let can_wait = match asked.can_wait {
            Some(asked) => asked,
            None => read::as_flag(&details["canHandlePendingAuthorization"]).unwrap_or(false),
        };
        let circumstances = Circumstances {
            code,
            card: &session.card,
            // What is not even authorized cannot pend either.
            capture_now: details["paymentIntent"] != "Authorize",
            can_wait,
            recurring: session.open_body["chargePermissionType"] == "Recurring",
            now: call.now,
            pending_for: session.pending_for,
        };
        simulation::course(&circumstances).map(Fate::Goes)
    }

    fn operation(&self) -> Operation {
        match self.route {
            Route::Finalize => Operation::Finalize,
            Route::Complete => Operation::Complete,
        }
    }

    fn book(
        &self,
        session: &mut Session,
        course: Course,
        posting: &mut Posting<'_>,
        ids: &mut Ids,
    ) -> Outcome {
        let (at, unknowns, call) = (posting.at, posting.unknowns, self.call);
        let details = &session.open_body["paymentDetails"];
        let price = |field: &str| Price::read(field, details.get(field)).ok().flatten();
        let setup = session.is_wallet_setup();
        let amount = price("chargeAmount").filter(|_| !setup);
        let limit = price("totalOrderAmount").or_else(|| amount.clone());
        let recurring = session.open_body["chargePermissionType"] == "Recurring";
        let own_letter = (recurring && unknowns.recurring_ids_have_own_letter).then_some('B');
        let id = ids.permission(own_letter.unwrap_or(call.environment.permission_letter()));
        let mut permission = Permission::new(id, call.merchant, &session.open_body, limit, at);
        permission.open(posting);
        let confirm_only = details["paymentIntent"] == "Confirm";
        let mut charge = None;
        if let Some(amount) = amount.filter(|_| !confirm_only) {
            let order = ChargeOrder {
                amount,
                capture_now: details["paymentIntent"] == "AuthorizeWithCapture",
                can_wait: read::as_flag(&details["canHandlePendingAuthorization"]).unwrap_or(false),
                soft_descriptor: details["softDescriptor"].as_str().map(str::to_owned),
                details: Map::new(),
            };
            let made = Charge::new(ids.charge(&permission.id), order, course, at);
            charge = Some(permission.add(made, posting));
        }
        let pending = charge.is_some_and(|charge| charge.state == ChargeState::AuthorizationInitiated);
        let phantom = (setup && unknowns.setup_shows_charge_id)
            || (confirm_only && self.route == Route::Finalize && unknowns.finalize_confirm_shows_charge_id);
        let shown_charge = match charge {
            Some(charge) => Some(charge.id.clone()),
            None if phantom => Some(ids.charge(&permission.id)),
            None => None,
        };
        session.permission = Some(permission);
        session.end = Some(End::Completed {
            at,
            shown_charge,
            open_while_pending: pending && unknowns.pending_session_state == PendingState::Open,
        });
        let mut body = session.shown(call.now, unknowns);
        if self.route == Route::Finalize && unknowns.finalize_answers_in_full {
            for field in ["paymentDetails", "billingAddress", "buyer"] {
                body[field] = session.open_body[field].clone();
            }
        }
        let answers_202 = pending && (self.route == Route::Complete || unknowns.finalize_answers_202);
        Outcome::done(if answers_202 { 202 } else { 200 }, body).with_effect(Effect::Completed)
    }
}

fn refused(session: &mut Session, at: Timestamp) -> Outcome {
    // Only a session with an ordered refusal comes here; without one the plain answer of a refusal is right too.
    let Some(order) = session.refuse.take() else {
        return Refusal::wrong_state("the session cannot be confirmed").into();
    };
    let why = format!("checkout session '{}' is refused as ordered for it", session.id);
    let outcome = Outcome::from(Refusal::new(order.status, order.reason_code.clone(), why));
    let left = order.times.map(|times| times.saturating_sub(1));
    let canceled = order.session_after == SessionAfter::Canceled;
    if canceled {
        session.end = Some(End::Canceled {
            at,
            reason: order.session_reason_code.clone(),
        });
    }
    if left != Some(0) {
        session.refuse = Some(Refuse { times: left, ..order });
    }
    if canceled {
        outcome.with_effect(Effect::Canceled)
    } else {
        outcome
    }
}
