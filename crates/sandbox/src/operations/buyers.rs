//! Get Buyer: who has signed in.
//!
//! Amazon gives a token to the page that the buyer comes back to. There is no such page here, so the buyer's own
//! id serves as one.

use serde_json::{Value, json};

use crate::api::refusal::Refusal;
use crate::world::{KnownCall, Outcome, World};

pub(crate) fn get(world: &mut World, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
    let unknown = || Refusal::not_found("buyer token", call.object);
    let token = call.object.ok_or_else(unknown)?;
    let session = world.latest_session_of_buyer(call, token).ok_or_else(unknown)?;
    let seen = &session.open_body;
    let mut body = seen["buyer"].clone();
    for field in ["shippingAddress", "billingAddress"] {
        body[field] = seen[field].clone();
    }
    let address = match &seen["shippingAddress"] {
        Value::Null => &seen["billingAddress"],
        address => address,
    };
    body["postalCode"] = json!(address["postalCode"]);
    body["countryCode"] = json!(address["countryCode"]);
    Ok(Outcome::done(200, body))
}
