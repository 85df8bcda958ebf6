//! Update a charge: what a payment service provider, who processes it, says of it.
//!
//! Its body is published to such providers only. Here it follows the object: book-keeping fields, and
//! `statusDetails` with the new state, which has to be one that an arrow of the charge's states leads to.

use serde_json::{Map, Value};

use crate::api::read::{self, fields, given, one_of, refuse_unknown, required_text, text};
use crate::api::refusal::Refusal;
use crate::objects::charge::{Report, Reported};
use crate::objects::later;
use crate::operations::charges::{shown, wrong_state};
use crate::operations::compare::check_metadata;
use crate::world::books::Effect;
use crate::world::changes::ChangeKind;
use crate::world::{KnownCall, Named, Outcome, World};

/// The first is what a report without a reason means.
const DECLINED: [&str; 5] = [
    "ProcessingFailure",
    "SoftDeclined",
    "HardDeclined",
    "AmazonRejected",
    "TransactionTimedOut",
];
/// The first is what a report without a reason means.
const CANCELED: [&str; 5] = [
    "MerchantCanceled",
    "BuyerCanceled",
    "AmazonCanceled",
    "ExpiredUnused",
    "ChargePermissionCanceled",
];
const STATES: [&str; 5] = [
    "Authorized",
    "CaptureInitiated",
    "Captured",
    "Declined",
    "Canceled",
];

pub(crate) fn update(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let body = read::object(call.body)?;
    refuse_unknown(
        "",
        &body,
        &["merchantMetadata", "providerMetadata", "statusDetails"],
    )?;
    let metadata = check_metadata(body.get("merchantMetadata"), &world.unknowns)?.cloned();
    let provider = fields(
        "providerMetadata",
        body.get("providerMetadata"),
        &["providerReferenceId"],
    )?;
    let status = fields(
        "statusDetails",
        body.get("statusDetails"),
        &["state", "reasonCode", "reasonDescription"],
    )?;
    let report = status.map(report).transpose()?;
    let mut place = world.place(call, Named::Charge(call.object.unwrap_or_default()))?;
    if !place.unknowns.update_charge_for_everyone {
        let why = "Update Charge is for payment service providers";
        return Err(Refusal::new(401, "UnauthorizedAccess", why));
    }
    let index = place.charge;
    let charge = &mut place.permission.charges[index];
    if let Some(report) = &report
        && !charge.may_become(report.verdict.state())
    {
        return Err(wrong_state(charge));
    }
    for (name, value) in [
        ("merchantMetadata", metadata),
        ("providerMetadata", provider.cloned()),
    ] {
        if let Some(value) = value {
            charge.order.details.insert(name.to_owned(), Value::Object(value));
        }
    }
    let until = later(call.now, place.pending_for);
    let (permission, mut posting) = place.posting(call.now);
    let (kind, effect) = match report {
        None => (ChangeKind::AttributeChange, Effect::Updated),
        Some(report) => {
            let effect = effect(report.verdict);
            permission.charges[index].follow(report, posting.at, until);
            (ChangeKind::StateChange, effect)
        }
    };
    permission.charge_changed(index, kind, &mut posting);
    place.schedule();
    Ok(shown(&place, call).with_effect(effect))
}

fn report(status: &Map<String, Value>) -> Result<Report, Refusal> {
    let within = |mut refusal: Refusal| {
        refusal.message = format!("statusDetails.{}", refusal.message);
        refusal
    };
    let state = required_text(status, "state").map_err(within)?;
    one_of("state", &Value::from(state), &STATES).map_err(within)?;
    let code = given(status, "reasonCode");
    let verdict = match state {
        "Declined" => Reported::Declined(reason(code, &DECLINED).map_err(within)?),
        "Canceled" => Reported::Canceled(reason(code, &CANCELED).map_err(within)?),
        _ if code.is_some() => {
            let why = format!("statusDetails.reasonCode: a charge is not {state} for a reason");
            return Err(Refusal::new(400, "InvalidParameterCombination", why));
        }
        "Captured" => Reported::Captured,
        "CaptureInitiated" => Reported::CaptureInitiated,
        _ => Reported::Authorized,
    };
    let explanation = text(status, "reasonDescription").map_err(within)?;
    Ok(Report {
        verdict,
        explanation: explanation.map(str::to_owned),
    })
}

fn reason(code: Option<&Value>, known: &[&'static str; 5]) -> Result<&'static str, Refusal> {
    let Some(code) = code else { return Ok(known[0]) };
    one_of("reasonCode", code, known)?;
    let named = known.iter().copied().find(|known| code == known);
    Ok(named.unwrap_or(known[0]))
}

fn effect(reported: Reported) -> Effect {
    match reported {
        Reported::Authorized => Effect::Updated,
        Reported::CaptureInitiated | Reported::Captured => Effect::Captured,
        Reported::Declined(_) => Effect::Declined,
        Reported::Canceled(_) => Effect::Voided,
    }
}
