//! Get, update and close a charge permission.

use serde_json::Value;

use crate::api::read::{self, flag, given, refuse_unknown, short_text};
use crate::api::refusal::Refusal;
use crate::objects::permission::{PermissionKind, PermissionState};
use crate::operations::checkout::recurring;
use crate::operations::compare::check_metadata;
use crate::operations::simulation;
use crate::world::books::Effect;
use crate::world::{KnownCall, Named, Outcome, Place, World};

const CLOSURE_REASON_LIMIT: u32 = 255;

pub(crate) fn get(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let place = world.place(call, Named::Permission(call.object.unwrap_or_default()))?;
    Ok(shown(&place, call))
}

pub(crate) fn update(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    refuse_unknown("", &body, &["merchantMetadata", "recurringMetadata"])?;
    let metadata = check_metadata(body.get("merchantMetadata"), &world.unknowns)?;
    let renewed = given(&body, "recurringMetadata").map(recurring).transpose()?;
    let mut place = world.place(call, Named::Permission(call.object.unwrap_or_default()))?;
    if !place.unknowns.closed_permission_takes_metadata {
        refuse_closed(&place)?;
    }
    if renewed.is_some() && place.permission.kind != PermissionKind::Recurring {
        let why = "recurringMetadata belongs to recurring charge permissions";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    let (permission, mut posting) = place.posting(call.now);
    if let Some(given) = metadata {
        if !permission.merchant_metadata.is_object() {
            permission.merchant_metadata = Value::Object(serde_json::Map::new());
        }
        let said = given.iter().filter(|(_, value)| !value.is_null());
        for (name, value) in said {
            permission.merchant_metadata[name] = value.clone();
        }
    }
    if let Some(renewed) = renewed {
        permission.recurring_metadata = renewed;
    }
    permission.attribute_changed(&mut posting);
    Ok(shown(&place, call).with_effect(Effect::Updated))
}

pub(crate) fn close(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object_or_nothing(call.body)?;
    refuse_unknown("", &body, &["closureReason", "cancelPendingCharges"])?;
    let reason = short_text(&body, "closureReason", Some(CLOSURE_REASON_LIMIT))?;
    if reason.is_none() && world.unknowns.closure_reason_required {
        return Err(Refusal::missing_value("closureReason"));
    }
    let cancels = flag(&body, "cancelPendingCharges")?.unwrap_or(false);
    let mut place = world.place(call, Named::Permission(call.object.unwrap_or_default()))?;
    refuse_closed(&place)?;
    let code = simulation::code(call.simulation, call.operation, call.environment, place.unknowns)?;
    let (permission, mut posting) = place.posting(call.now);
    // Closed first: what is cancelled after that leaves nothing chargeable for a moment.
    let why = if code.is_some() {
        "AmazonClosed"
    } else {
        "MerchantClosed"
    };
    permission.close(why, &mut posting);
    if cancels {
        permission.cancel_open_charges(&mut posting);
    }
    place.schedule();
    Ok(shown(&place, call).with_effect(Effect::Closed))
}

fn refuse_closed(place: &Place<'_>) -> Result<(), Refusal> {
    if place.permission.state != PermissionState::Closed {
        return Ok(());
    }
    let why = format!("charge permission '{}' is Closed", place.permission.id);
    Err(place.unknowns.closed_permission_refusal.refusal(why))
}

fn shown(place: &Place<'_>, call: &KnownCall<'_>) -> Outcome {
    let permission = &place.permission;
    Outcome::done(
        200,
        permission.shown(place.seen, call.now, call.environment, place.unknowns),
    )
}
