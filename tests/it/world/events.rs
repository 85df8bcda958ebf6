//! The events of a shop.

use serde_json::{Map, Value, json};

/// What the shop says of a session that it has made as the sandbox shows it, with `changes` laid over it; a
/// null there removes the field.
pub(crate) fn of_session(session: &Value, changes: Value) -> Value {
    let details = &session["paymentDetails"];
    let mut event = Map::from_iter([
        (
            "checkoutSessionId".to_owned(),
            session["checkoutSessionId"].clone(),
        ),
        ("account".to_owned(), json!("eu_shop")),
        ("merchantReferenceId".to_owned(), json!("ORDER-1001")),
        ("operation".to_owned(), json!("Finalize")),
        ("productType".to_owned(), session["productType"].clone()),
        ("paymentIntent".to_owned(), details["paymentIntent"].clone()),
        (
            "chargePermissionType".to_owned(),
            session["chargePermissionType"].clone(),
        ),
        ("chargeAmount".to_owned(), details["chargeAmount"].clone()),
        ("totalOrderAmount".to_owned(), details["totalOrderAmount"].clone()),
        (
            "canHandlePendingAuthorization".to_owned(),
            details["canHandlePendingAuthorization"].clone(),
        ),
        (
            "supplementaryData".to_owned(),
            session["supplementaryData"].clone(),
        ),
        ("shippingAddress".to_owned(), session["shippingAddress"].clone()),
        ("billingAddress".to_owned(), session["billingAddress"].clone()),
    ]);
    if let Value::Object(changes) = changes {
        for (field, value) in changes {
            match value {
                Value::Null => event.remove(&field),
                value => event.insert(field, value),
            };
        }
    }
    Value::Object(event)
}

/// Where the sandbox's buyers of `eu_shop` live; a session tells it once its buyer has finished.
pub(crate) fn address() -> Value {
    json!({
        "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Berlin",
        "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
    })
}
