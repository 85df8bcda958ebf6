//! Finalize and Complete Checkout Session: what they check, and what they book.
//!
//! ```text
//!   read the body ─► where does the session stand ─► compare ─► card, simulation, ordered refusal ─► book
//!    400                404, 405, 422                 400, 409     400, 422                          200, 202
//! ```

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::api::refusal::Refusal;
use crate::control::new_session::{INTENTS, Route, SessionAfter};
use crate::objects::address;
use crate::objects::charge::{Charge, Pending, Permission, Verdict, later};
use crate::objects::price::{Price, refuse_unknown};
use crate::objects::session::{End, Session, Standing};
use crate::options::Environment;
use crate::time::stamp::whole_seconds;
use crate::unknowns::{Mismatch, PendingState, Unknowns};
use crate::world::books::Effect;
use crate::world::{Ids, Outcome};

/// What a confirmation says, read from its body.
struct Asked<'a> {
    intent: Option<&'a str>,
    charge: Option<Price>,
    total: Option<Price>,
    supplementary: Option<&'a str>,
    shipping: Option<&'a Map<String, Value>>,
    billing: Option<&'a Map<String, Value>>,
    can_wait: Option<bool>,
}

/// A confirmation call, its caller known.
pub(crate) struct Confirmation<'a> {
    pub(crate) route: Route,
    pub(crate) body: &'a Map<String, Value>,
    pub(crate) simulation: Option<&'a str>,
    pub(crate) environment: Environment,
    /// The moment at which the session's 24 hours are judged.
    pub(crate) judged_at: Timestamp,
    pub(crate) now: Timestamp,
}

/// Confirms `session`, or says why not; either may end it.
pub(crate) fn confirm(
    call: &Confirmation<'_>,
    session: &mut Session,
    unknowns: &Unknowns,
    ids: &mut Ids,
) -> Outcome {
    let fate = check(call, session, unknowns);
    let at = whole_seconds(call.now);
    match fate {
        Err(refusal) => refusal.into(),
        Ok(Fate::Refused) => refused(session, at),
        Ok(Fate::Ends(reason)) => {
            session.end = Some(End::Canceled {
                at,
                reason: Some(reason.to_owned()),
            });
            let why = format!("the session was canceled: {reason}");
            let refusal = Refusal::new(unknowns.session_canceled_status, "CheckoutSessionCanceled", why);
            Outcome::from(refusal).with_effect(Effect::Canceled)
        }
        Ok(Fate::Pays) => book(call, session, None, unknowns, ids),
        Ok(Fate::Pends(verdict)) => book(call, session, Some(verdict), unknowns, ids),
    }
}

enum Fate {
    Pays,
    Pends(Verdict),
    /// The session is Canceled for this reason.
    Ends(&'static str),
    /// As was ordered when the session was made.
    Refused,
}

fn check(call: &Confirmation<'_>, session: &Session, unknowns: &Unknowns) -> Result<Fate, Refusal> {
    let asked = match call.route {
        Route::Finalize => read_finalize(call.body, unknowns)?,
        Route::Complete => read_complete(call.body)?,
    };
    if !unknowns.either_operation_confirms && session.route.is_some_and(|route| route != call.route) {
        return Err(Refusal::new(
            405,
            "UnsupportedOperation",
            "this session is confirmed by the other operation",
        ));
    }
    match session.standing(call.judged_at, unknowns) {
        Standing::Completed { .. } => return Err(Refusal::wrong_state("the session is Completed already")),
        Standing::Canceled { .. } => return Err(Refusal::wrong_state("the session is Canceled")),
        Standing::OpenPending => return Err(Refusal::wrong_state("the session's payment is being decided")),
        Standing::Open if !session.buyer_finished => {
            return Err(Refusal::wrong_state(
                "the buyer has not finished on Amazon's page",
            ));
        }
        Standing::Open => {}
    }
    compare(call.route, &asked, session, unknowns)?;
    fate(call, &asked, session, unknowns)
}

const FINALIZE_FIELDS: [&str; 7] = [
    "shippingAddress",
    "billingAddress",
    "chargeAmount",
    "totalOrderAmount",
    "supplementaryData",
    "paymentIntent",
    "canHandlePendingAuthorization",
];

fn read_finalize<'a>(body: &'a Map<String, Value>, unknowns: &Unknowns) -> Result<Asked<'a>, Refusal> {
    let mut known = FINALIZE_FIELDS.to_vec();
    if unknowns.finalize_takes_merchant_metadata {
        known.push("merchantMetadata");
    }
    refuse_unknown("", body, &known)?;
    let intent = text(body, "paymentIntent")?.ok_or_else(|| Refusal::missing_value("paymentIntent"))?;
    if !INTENTS.contains(&intent) {
        return Err(Refusal::invalid_value("paymentIntent", "is not a payment intent"));
    }
    let charge = Price::read("chargeAmount", body.get("chargeAmount"))?;
    let can_wait = flag(body, "canHandlePendingAuthorization")?;
    if can_wait == Some(true) && intent == "AuthorizeWithCapture" {
        let why = "canHandlePendingAuthorization cannot be combined with AuthorizeWithCapture";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    Ok(Asked {
        intent: Some(intent),
        charge: Some(charge.ok_or_else(|| Refusal::missing_value("chargeAmount"))?),
        total: Price::read("totalOrderAmount", body.get("totalOrderAmount"))?,
        supplementary: text(body, "supplementaryData")?,
        shipping: address::read("shippingAddress", body.get("shippingAddress"))?,
        billing: address::read("billingAddress", body.get("billingAddress"))?,
        can_wait,
    })
}

fn read_complete(body: &Map<String, Value>) -> Result<Asked<'_>, Refusal> {
    refuse_unknown("", body, &["chargeAmount", "totalOrderAmount"])?;
    Ok(Asked {
        intent: None,
        charge: Price::read("chargeAmount", body.get("chargeAmount"))?,
        total: Price::read("totalOrderAmount", body.get("totalOrderAmount"))?,
        supplementary: None,
        shipping: None,
        billing: None,
        can_wait: None,
    })
}

fn text<'a>(body: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid_value(field, "is not text")),
    }
}

/// Half of the SDKs send booleans as text.
fn flag(body: &Map<String, Value>, field: &str) -> Result<Option<bool>, Refusal> {
    match body.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        Some(_) => Err(Refusal::invalid_value(field, "is neither true nor false")),
    }
}

fn compare(route: Route, asked: &Asked<'_>, session: &Session, unknowns: &Unknowns) -> Result<(), Refusal> {
    let seen = &session.open_body;
    let details = &seen["paymentDetails"];
    let held =
        Price::read("chargeAmount", details.get("chargeAmount"))?.filter(|_| !session.is_wallet_setup());
    let charge = (asked.charge.as_ref(), held);
    compare_price("chargeAmount", charge, &unknowns.charge_amount_mismatch, false)?;
    let total = (
        asked.total.as_ref(),
        Price::read("totalOrderAmount", details.get("totalOrderAmount"))?,
    );
    compare_price(
        "totalOrderAmount",
        total,
        &unknowns.total_order_amount_mismatch,
        unknowns.ignore_what_session_lacks,
    )?;
    if route == Route::Complete {
        return Ok(());
    }
    if asked.intent != details["paymentIntent"].as_str() {
        return Err(unknowns.payment_intent_mismatch.refusal("paymentIntent"));
    }
    match (asked.supplementary, seen["supplementaryData"].as_str()) {
        (None, Some(_)) => return Err(Refusal::missing_value("supplementaryData")),
        (Some(_), None) if unknowns.ignore_what_session_lacks => {}
        (ours, theirs) if ours != theirs => {
            return Err(unknowns.supplementary_data_mismatch.refusal("supplementaryData"));
        }
        _ => {}
    }
    let product = seen["productType"].as_str().unwrap_or_default();
    for (field, given, required) in [
        ("shippingAddress", asked.shipping, product == "PayAndShip"),
        ("billingAddress", asked.billing, product == "PayOnly"),
    ] {
        compare_address(field, given, seen[field].as_object(), required, unknowns)?;
    }
    Ok(())
}

fn compare_price(
    field: &str,
    (given, held): (Option<&Price>, Option<Price>),
    mismatch: &Mismatch,
    ignore_surplus: bool,
) -> Result<(), Refusal> {
    match (given, held) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Refusal::missing_value(field)),
        (Some(_), None) if ignore_surplus => Ok(()),
        (Some(_), None) => Err(mismatch.refusal(field)),
        (Some(given), Some(held)) if given.currency_code != held.currency_code => Err(Refusal::new(
            400,
            "CurrencyMismatch",
            format!("{field}: the session is in {}", held.currency_code),
        )),
        (Some(given), Some(held)) if given.amount != held.amount => Err(mismatch.refusal(field)),
        (Some(_), Some(_)) => Ok(()),
    }
}

fn compare_address(
    field: &str,
    given: Option<&Map<String, Value>>,
    held: Option<&Map<String, Value>>,
    required: bool,
    unknowns: &Unknowns,
) -> Result<(), Refusal> {
    match (given, held) {
        (None, _) if required => Err(Refusal::missing_value(field)),
        (None, _) => Ok(()),
        (Some(_), None) if unknowns.ignore_what_session_lacks => Ok(()),
        (Some(_), None) => Err(unknowns.address_mismatch.refusal(field)),
        (Some(given), Some(held)) => address::difference(given, held).map_or(Ok(()), |name| {
            Err(unknowns.address_mismatch.refusal(&format!("{field}.{name}")))
        }),
    }
}

impl Mismatch {
    fn refusal(&self, field: &str) -> Refusal {
        Refusal::new(
            self.status,
            self.reason_code.clone(),
            format!("{field} differs from the session's"),
        )
    }
}

fn fate(
    call: &Confirmation<'_>,
    asked: &Asked<'_>,
    session: &Session,
    unknowns: &Unknowns,
) -> Result<Fate, Refusal> {
    let impossible = |why: &str| Refusal::new(400, "InvalidSandboxSimulationSpecified", why);
    let fate = match call.simulation {
        Some(_) if call.environment == Environment::Live => {
            return Err(impossible("simulation codes belong to the sandbox environment"));
        }
        Some(_) if call.route == Route::Finalize && !unknowns.finalize_takes_simulation_codes => {
            return Err(impossible("Finalize takes no simulation codes"));
        }
        Some("BuyerCanceled") => Fate::Ends("BuyerCanceled"),
        Some("AmazonCanceled") => Fate::Ends("AmazonCanceled"),
        Some("Declined") => Fate::Ends("Declined"),
        Some("AuthorizationInitiated") => Fate::Pends(Verdict::Authorized),
        Some(_) => return Err(impossible("this simulation code is not known for this operation")),
        None if session.refuse.is_some() => Fate::Refused,
        None if session.card.ends_with("3434") => Fate::Ends("Declined"),
        None if session.card.ends_with("3064") => Fate::Ends("BuyerCanceled"),
        None if session.card.ends_with("0701") => Fate::Pends(Verdict::Authorized),
        None if session.card.ends_with("4354") => Fate::Pends(Verdict::HardDeclined),
        None => Fate::Pays,
    };
    if matches!(fate, Fate::Pends(_)) {
        let details = &session.open_body["paymentDetails"];
        let can_wait = match asked.can_wait {
            Some(asked) => asked,
            None => flag_of(&details["canHandlePendingAuthorization"]),
        };
        if !can_wait || details["paymentIntent"] != "Authorize" {
            return Err(impossible(
                "a pending payment needs Authorize and canHandlePendingAuthorization",
            ));
        }
    }
    Ok(fate)
}

fn flag_of(value: &Value) -> bool {
    value.as_bool().unwrap_or(value == "true")
}

fn refused(session: &mut Session, at: Timestamp) -> Outcome {
    // Only a session with an ordered refusal comes here; without one the plain answer of a refusal is right too.
    let Some(order) = session.refuse.take() else {
        return Refusal::wrong_state("the session cannot be confirmed").into();
    };
    let refusal = Refusal::new(
        order.status,
        order.reason_code.clone(),
        "refused as ordered for this session",
    );
    let left = order.times.map(|times| times.saturating_sub(1));
    let canceled = order.session_after == SessionAfter::Canceled;
    if canceled {
        session.end = Some(End::Canceled {
            at,
            reason: order.session_reason_code.clone(),
        });
    }
    if left != Some(0) {
        session.refuse = Some(crate::control::new_session::Refuse { times: left, ..order });
    }
    let outcome = Outcome::from(refusal);
    if canceled {
        outcome.with_effect(Effect::Canceled)
    } else {
        outcome
    }
}

fn book(
    call: &Confirmation<'_>,
    session: &mut Session,
    pending: Option<Verdict>,
    unknowns: &Unknowns,
    ids: &mut Ids,
) -> Outcome {
    let at = whole_seconds(call.now);
    let details = &session.open_body["paymentDetails"];
    let price = |field: &str| Price::read(field, details.get(field)).ok().flatten();
    let setup = session.is_wallet_setup();
    let amount = price("chargeAmount").filter(|_| !setup);
    let permission = Permission {
        id: ids.permission(call.environment),
        made: at,
        limit: price("totalOrderAmount").or_else(|| amount.clone()),
    };
    let capture_now = details["paymentIntent"] == "AuthorizeWithCapture";
    let charged = amount.filter(|_| details["paymentIntent"] != "Confirm");
    session.charge = charged.map(|amount| Charge {
        id: ids.charge(&permission.id),
        amount,
        made: at,
        capture_now,
        pending: pending.map(|verdict| Pending {
            until: later(call.now, session.pending_for),
            verdict,
        }),
    });
    let shown_charge = match &session.charge {
        Some(charge) => Some(charge.id.clone()),
        None if setup && unknowns.setup_shows_charge_id => Some(ids.charge(&permission.id)),
        None => None,
    };
    session.permission = Some(permission);
    session.end = Some(End::Completed {
        at,
        shown_charge,
        open_while_pending: pending.is_some() && unknowns.pending_session_state == PendingState::Open,
    });
    let mut body = session.shown(call.now, unknowns);
    if call.route == Route::Finalize && unknowns.finalize_answers_in_full {
        for field in ["paymentDetails", "billingAddress", "buyer"] {
            body[field] = session.open_body[field].clone();
        }
    }
    Outcome::done(if pending.is_some() { 202 } else { 200 }, body).with_effect(Effect::Completed)
}

/// An empty body counts as no JSON.
pub(crate) fn read_object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    serde_json::from_slice(body)
        .map_err(|_| Refusal::new(400, "InvalidRequestFormat", "the body is not a JSON object"))
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let body = refusal.body();
        let mut outcome = Self::done(refusal.status, body);
        outcome.reason = Some(refusal.reason.into_owned());
        outcome
    }
}
