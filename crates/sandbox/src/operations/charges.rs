//! Create, get, capture and cancel a charge.

use rust_decimal::Decimal;

use crate::api::read::{self, fields, flag, given, one_of, refuse_unknown, required_text, short_text};
use crate::api::refusal::{Refusal, quoted};
use crate::objects::charge::{Charge, ChargeOrder, ChargeState};
use crate::objects::later;
use crate::objects::permission::{PermissionKind, PermissionState};
use crate::objects::price::Price;
use crate::operations::checkout::SOFT_DESCRIPTOR_LIMIT;
use crate::operations::compare::check_metadata;
use crate::operations::simulation::{self, Circumstances};
use crate::world::books::Effect;
use crate::world::changes::ChangeKind;
use crate::world::{KnownCall, Named, Outcome, Place, World};

const CREATE_FIELDS: [&str; 11] = [
    "chargePermissionId",
    "chargeAmount",
    "captureNow",
    "softDescriptor",
    "canHandlePendingAuthorization",
    "merchantMetadata",
    "providerMetadata",
    "platformId",
    "chargeInitiator",
    "channel",
    "webCheckoutDetails",
];
/// Of these, what is shown as it came.
const DETAILS: [&str; 6] = [
    "merchantMetadata",
    "providerMetadata",
    "platformId",
    "chargeInitiator",
    "channel",
    "webCheckoutDetails",
];
const INITIATORS: [&str; 4] = ["CITU", "MITU", "CITR", "MITR"];
const CHANNELS: [&str; 8] = [
    "Web",
    "Phone",
    "App",
    "Alexa",
    "PointOfSale",
    "FireTv",
    "Offline",
    "Amazon",
];

pub(crate) fn create(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    refuse_unknown("", &body, &CREATE_FIELDS)?;
    let permission_id = required_text(&body, "chargePermissionId")?;
    let amount = Price::required("chargeAmount", body.get("chargeAmount"))?;
    let capture_now = flag(&body, "captureNow")?.unwrap_or(false);
    let can_wait = flag(&body, "canHandlePendingAuthorization")?.unwrap_or(false);
    if capture_now && can_wait {
        let why = "canHandlePendingAuthorization 'true' cannot be combined with captureNow 'true'";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    let soft_descriptor = short_text(&body, "softDescriptor", Some(SOFT_DESCRIPTOR_LIMIT))?;
    check_metadata(body.get("merchantMetadata"), &world.unknowns)?;
    fields(
        "providerMetadata",
        body.get("providerMetadata"),
        &["providerReferenceId"],
    )?;
    read::text(&body, "platformId")?;
    for (field, allowed) in [("chargeInitiator", &INITIATORS[..]), ("channel", &CHANNELS[..])] {
        if let Some(value) = given(&body, field) {
            one_of(field, value, allowed)?;
        }
    }
    amount.check_maximum("chargeAmount", &world.unknowns)?;
    let details = body.iter().filter(|(name, _)| DETAILS.contains(&name.as_str()));
    let order = ChargeOrder {
        amount,
        capture_now,
        can_wait,
        soft_descriptor: soft_descriptor.map(str::to_owned),
        details: details
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    };

    let mut place = world.place(call, Named::Permission(permission_id))?;
    check(&place, &order)?;
    let operation = call.operation;
    let code = simulation::code(call.simulation, operation, call.environment, place.unknowns)?;
    if let Some(reason @ ("SoftDeclined" | "HardDeclined" | "AmazonRejected" | "TransactionTimedOut")) = code
    {
        // Amazon shows no charge for a payment that it refuses on the spot.
        let (permission, mut posting) = place.posting(call.now);
        permission.refused(Some(reason), &mut posting);
        place.schedule();
        let refusal = Refusal::new(
            422,
            reason.to_owned(),
            format!("the charge was refused: {reason}"),
        );
        return Ok(Outcome::from(refusal).with_effect(Effect::Declined));
    }
    let course = simulation::course(&Circumstances {
        code,
        card: place.card,
        capture_now,
        can_wait,
        recurring: place.permission.kind == PermissionKind::Recurring,
        now: call.now,
        pending_for: place.pending_for,
    })?;
    let id = place.ids.charge(&place.permission.id);
    let charge = Charge::new(
        id.clone(),
        order,
        course,
        crate::time::stamp::whole_seconds(call.now),
    );
    let (permission, mut posting) = place.posting(call.now);
    permission.add(charge, &mut posting);
    place.index.add_charge(id, place.session);
    place.schedule();
    let shown = place
        .last_charge()
        .shown(place.permission, call.environment, place.unknowns);
    Ok(Outcome::done(201, shown).with_effect(Effect::Charged))
}

/// Whether the permission still takes this charge.
fn check(place: &Place<'_>, order: &ChargeOrder) -> Result<(), Refusal> {
    let permission = &place.permission;
    let held = place.seen["paymentDetails"]["presentmentCurrency"].as_str();
    let amount = &order.amount;
    if held.is_some_and(|held| held != amount.currency_code) {
        let why = format!("chargeAmount: '{amount}' is not in the currency of the checkout");
        return Err(place.unknowns.currency_mismatch.refusal(why));
    }
    if permission.state != PermissionState::Chargeable {
        let reason = permission.reason.unwrap_or_default();
        let why = format!(
            "charge permission '{}' is {:?}: {reason}",
            permission.id, permission.state
        );
        return Err(Refusal::new(422, "InvalidChargePermissionStatus", why));
    }
    if !permission.takes_another_charge() {
        let why = format!(
            "charge permission '{}' has as many charges as it can have",
            permission.id
        );
        return Err(Refusal::new(422, "TransactionCountExceeded", why));
    }
    match permission.balance(place.unknowns) {
        Some(left) if amount.amount > left.amount => {
            let why = format!("chargeAmount: '{amount}' is more than the balance of {left}");
            Err(Refusal::new(400, "TransactionAmountExceeded", why))
        }
        Some(_) | None => Ok(()),
    }
}

pub(crate) fn get(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let id = call.object.unwrap_or_default();
    let place = world.place(call, Named::Charge(id))?;
    Ok(shown(&place, call))
}

pub(crate) fn capture(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    refuse_unknown("", &body, &["captureAmount", "softDescriptor"])?;
    let amount = Price::required("captureAmount", body.get("captureAmount"))?;
    let soft_descriptor = short_text(&body, "softDescriptor", Some(SOFT_DESCRIPTOR_LIMIT))?;
    let mut place = world.place(call, Named::Charge(call.object.unwrap_or_default()))?;
    let index = place.charge;
    let charge = &place.permission.charges[index];
    let again = charge.state == ChargeState::Captured
        && !place.unknowns.one_capture_per_charge
        && charge.captured < charge.order.amount.amount;
    if charge.state != ChargeState::Authorized && !again {
        return Err(wrong_state(charge));
    }
    let whole = &charge.order.amount;
    if amount.currency_code != whole.currency_code {
        let why = format!("captureAmount: '{amount}' is not in the currency of the charge");
        return Err(place.unknowns.currency_mismatch.refusal(why));
    }
    let left = whole.amount - charge.captured;
    if amount.amount > left {
        let why = format!("captureAmount: '{amount}' is more than {}", whole.with(left));
        return Err(Refusal::new(400, "TransactionAmountExceeded", why));
    }
    let at_once = charge.is_captured_at_once(call.now);
    let code = simulation::code(call.simulation, call.operation, call.environment, place.unknowns)?;
    let until = later(call.now, place.pending_for);
    let (permission, mut posting) = place.posting(call.now);
    let at = posting.at;
    let charge = &mut permission.charges[index];
    if let Some(text) = soft_descriptor {
        charge.order.soft_descriptor = Some(text.to_owned());
    }
    let effect = match code {
        Some("AmazonRejected") => {
            charge.decline("AmazonRejected", at);
            Effect::Declined
        }
        Some(_) => {
            charge.capture_later(amount.amount, at, until);
            Effect::Captured
        }
        None if at_once => {
            charge.capture(amount.amount, at);
            Effect::Captured
        }
        None => {
            charge.capture_later(amount.amount, at, until);
            Effect::Captured
        }
    };
    permission.charge_changed(index, ChangeKind::StateChange, &mut posting);
    place.schedule();
    if effect == Effect::Declined {
        let why = "the capture was refused: AmazonRejected".to_owned();
        let refusal = place.unknowns.rejected_capture.refusal(why);
        return Ok(Outcome::from(refusal).with_effect(effect));
    }
    Ok(shown(&place, call).with_effect(effect))
}

pub(crate) fn cancel(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object_or_nothing(call.body)?;
    refuse_unknown("", &body, &["cancellationReason"])?;
    let reason = short_text(
        &body,
        "cancellationReason",
        world.unknowns.cancellation_reason_limit,
    )?;
    if reason.is_none() && world.unknowns.cancellation_reason_required {
        return Err(Refusal::missing_value("cancellationReason"));
    }
    let mut place = world.place(call, Named::Charge(call.object.unwrap_or_default()))?;
    let index = place.charge;
    let charge = &place.permission.charges[index];
    if !matches!(
        charge.state,
        ChargeState::AuthorizationInitiated | ChargeState::Authorized
    ) {
        return Err(wrong_state(charge));
    }
    let (permission, mut posting) = place.posting(call.now);
    permission.charges[index].cancel("MerchantCanceled", posting.at);
    permission.charge_changed(index, ChangeKind::StateChange, &mut posting);
    place.schedule();
    Ok(shown(&place, call).with_effect(Effect::Voided))
}

pub(crate) fn shown(place: &Place<'_>, call: &KnownCall<'_>) -> Outcome {
    let charge = &place.permission.charges[place.charge];
    Outcome::done(
        200,
        charge.shown(place.permission, call.environment, place.unknowns),
    )
}

pub(crate) fn wrong_state(charge: &Charge) -> Refusal {
    let state = serde_json::to_value(charge.state).unwrap_or_default();
    let why = format!("charge '{}' is {}", charge.id, quoted(&state));
    Refusal::new(422, "InvalidChargeStatus", why)
}

/// How much of a charge may be given back in all.
pub(crate) fn refundable(charge: &Charge, elsewhere: bool) -> Decimal {
    let captured = charge.order.amount.with(charge.captured);
    captured.amount + captured.refund_surplus(elsewhere)
}
