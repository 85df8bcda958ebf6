//! Create and get a refund.

use crate::api::read::{self, refuse_unknown, required_text, short_text};
use crate::api::refusal::Refusal;
use crate::objects::charge::ChargeState;
use crate::objects::later;
use crate::objects::price::Price;
use crate::objects::refund::{Decision, Refund, RefundState};
use crate::operations::charges::{refundable, wrong_state};
use crate::operations::checkout::SOFT_DESCRIPTOR_LIMIT;
use crate::operations::simulation;
use crate::time::stamp::whole_seconds;
use crate::world::books::Effect;
use crate::world::{KnownCall, Named, Outcome, World};

pub(crate) fn create(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    refuse_unknown("", &body, &["chargeId", "refundAmount", "softDescriptor"])?;
    let charge_id = required_text(&body, "chargeId")?;
    let amount = Price::required("refundAmount", body.get("refundAmount"))?;
    let soft_descriptor = short_text(&body, "softDescriptor", Some(SOFT_DESCRIPTOR_LIMIT))?;
    let mut place = world.place(call, Named::Charge(charge_id))?;
    let index = place.charge;
    let charge = &place.permission.charges[index];
    if charge.state != ChargeState::Captured {
        return Err(wrong_state(charge));
    }
    if amount.currency_code != charge.order.amount.currency_code {
        let why = format!("refundAmount: '{amount}' is not in the currency of the charge");
        return Err(place.unknowns.currency_mismatch.refusal(why));
    }
    let given = charge.refunded(|state| state != RefundState::Declined);
    let left = refundable(charge, place.unknowns.refund_surplus_elsewhere) - given;
    if amount.amount > left {
        let why = format!("refundAmount: '{amount}' is more than {}", amount.with(left));
        return Err(Refusal::new(400, "TransactionAmountExceeded", why));
    }
    let declined = match simulation::code(call.simulation, call.operation, call.environment, place.unknowns)?
    {
        Some("AmazonRejected") => Some("AmazonRejected"),
        Some("ProcessingFailure") => Some("ProcessingFailure"),
        Some(_) | None => None,
    };
    let at = whole_seconds(call.now);
    let refund = Refund {
        id: place.ids.refund(&place.permission.id),
        amount,
        soft_descriptor: soft_descriptor.map(str::to_owned),
        made: at,
        state: RefundState::RefundInitiated,
        reason: None,
        since: at,
        decided: Some(Decision {
            at: later(call.now, place.pending_for),
            declined,
        }),
    };
    place.index.add_refund(refund.id.clone(), place.session);
    let shown = refund.shown(charge_id, place.permission, call.environment, place.unknowns);
    let (permission, mut posting) = place.posting(call.now);
    permission.refund(index, refund, &mut posting);
    place.schedule();
    Ok(Outcome::done(201, shown).with_effect(Effect::Refunded))
}

pub(crate) fn get(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let id = call.object.unwrap_or_default();
    let place = world.place(call, Named::Refund(id))?;
    let refunds = place.permission.charges.iter();
    let found = refunds
        .flat_map(|charge| charge.refunds.iter().map(move |refund| (charge, refund)))
        .find(|(_, refund)| refund.id == id);
    let (charge, refund) = found.ok_or_else(|| Refusal::not_found("refund", Some(id)))?;
    let shown = refund.shown(&charge.id, place.permission, call.environment, place.unknowns);
    Ok(Outcome::done(200, shown))
}
