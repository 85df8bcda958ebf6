//! Create and Update Checkout Session, as redirect flows use them before the buyer goes to Amazon's page.

use serde_json::{Map, Value, json};

use crate::api::refusal::Refusal;
use crate::control::new_session::{INTENTS, PERMISSION_TYPES};
use crate::objects::address;
use crate::objects::price::{Price, refuse_unknown};
use crate::options::Environment;

const CREATE_FIELDS: [&str; 14] = [
    "webCheckoutDetails",
    "storeId",
    "scopes",
    "chargePermissionType",
    "recurringMetadata",
    "deliverySpecifications",
    "paymentDetails",
    "merchantMetadata",
    "addressDetails",
    "platformId",
    "providerMetadata",
    "supplementaryData",
    "paymentMethodOnFileMetadata",
    "checkoutButtonText",
];
const UPDATE_FIELDS: [&str; 7] = [
    "webCheckoutDetails",
    "paymentDetails",
    "merchantMetadata",
    "supplementaryData",
    "recurringMetadata",
    "providerMetadata",
    "platformId",
];
const WEB_FIELDS: [&str; 4] = [
    "checkoutReviewReturnUrl",
    "checkoutResultReturnUrl",
    "checkoutCancelUrl",
    "checkoutMode",
];
const PAYMENT_FIELDS: [&str; 8] = [
    "paymentIntent",
    "canHandlePendingAuthorization",
    "chargeAmount",
    "totalOrderAmount",
    "presentmentCurrency",
    "softDescriptor",
    "allowOvercharge",
    "extendExpiration",
];
/// Each with the most characters that it may have; Amazon sets no limit for the last that we could read.
const METADATA_FIELDS: [(&str, usize); 4] = [
    ("merchantReferenceId", 256),
    ("merchantStoreName", 50),
    ("noteToBuyer", 255),
    ("customInformation", 4096),
];

/// The body of the new session while it is Open.
pub(crate) fn create(request: &Map<String, Value>, environment: Environment) -> Result<Value, Refusal> {
    refuse_unknown("", request, &CREATE_FIELDS)?;
    let web = request
        .get("webCheckoutDetails")
        .ok_or_else(|| Refusal::missing_value("webCheckoutDetails"))?;
    if request
        .get("storeId")
        .is_none_or(|id| id.as_str().is_none_or(str::is_empty))
    {
        return Err(Refusal::missing_value("storeId"));
    }
    let for_one_page = !web["checkoutResultReturnUrl"].is_null() && web["checkoutMode"] == "ProcessOrder";
    if web["checkoutReviewReturnUrl"].is_null() && !for_one_page {
        return Err(Refusal::missing_value(
            "webCheckoutDetails.checkoutReviewReturnUrl",
        ));
    }
    let mut body = empty(environment);
    merge(&mut body, request)?;
    Ok(body)
}

/// Puts the changes into an Open session's body.
pub(crate) fn update(body: &Value, request: &Map<String, Value>) -> Result<Value, Refusal> {
    refuse_unknown("", request, &UPDATE_FIELDS)?;
    let mut changed = body.clone();
    merge(&mut changed, request)?;
    let currency = |body: &Value| body["paymentDetails"]["presentmentCurrency"].clone();
    if !currency(body).is_null() && currency(&changed) != currency(body) {
        let field = "paymentDetails.presentmentCurrency";
        return Err(Refusal::invalid_value(
            field,
            "is set when the session is created",
        ));
    }
    Ok(changed)
}

fn merge(body: &mut Value, request: &Map<String, Value>) -> Result<(), Refusal> {
    for (field, value) in request {
        match field.as_str() {
            "webCheckoutDetails" => merge_object(body, field, value, &WEB_FIELDS)?,
            "paymentDetails" => merge_object(body, field, value, &PAYMENT_FIELDS)?,
            "merchantMetadata" => merge_object(body, field, value, &METADATA_FIELDS.map(|(name, _)| name))?,
            "addressDetails" => {
                let address = address::read(field, Some(value))?;
                body["shippingAddress"] = address.map_or(Value::Null, address::shown);
            }
            "scopes" => {}
            _ => body[field] = value.clone(),
        }
    }
    check(body)?;
    put_redirect_url(body);
    Ok(())
}

fn merge_object(body: &mut Value, field: &str, value: &Value, known: &[&str]) -> Result<(), Refusal> {
    let Value::Object(given) = value else {
        return Err(Refusal::invalid_value(field, "is not an object"));
    };
    refuse_unknown(field, given, known)?;
    if let Value::Object(ours) = &mut body[field] {
        ours.extend(given.clone());
    }
    Ok(())
}

fn check(body: &mut Value) -> Result<(), Refusal> {
    if !PERMISSION_TYPES
        .iter()
        .any(|kind| body["chargePermissionType"] == *kind)
    {
        return Err(Refusal::invalid_value(
            "chargePermissionType",
            "is not a charge permission type",
        ));
    }
    let intent = &body["paymentDetails"]["paymentIntent"];
    if !intent.is_null() && !INTENTS.iter().any(|known| intent == *known) {
        return Err(Refusal::invalid_value(
            "paymentDetails.paymentIntent",
            "is not a payment intent",
        ));
    }
    let can_wait = &body["paymentDetails"]["canHandlePendingAuthorization"];
    if intent == "AuthorizeWithCapture" && (can_wait == true || can_wait == "true") {
        let why = "canHandlePendingAuthorization cannot be combined with AuthorizeWithCapture";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    for field in ["chargeAmount", "totalOrderAmount"] {
        let name = format!("paymentDetails.{field}");
        let details = &mut body["paymentDetails"];
        let Some(price) = Price::read(&name, details.get(field))? else {
            continue;
        };
        match details["presentmentCurrency"].as_str() {
            None => details["presentmentCurrency"] = json!(price.currency_code),
            Some(currency) if currency == price.currency_code => {}
            Some(currency) => {
                return Err(Refusal::new(
                    400,
                    "CurrencyMismatch",
                    format!("{name}: the session is in {currency}"),
                ));
            }
        }
        details[field] = price.shown();
    }
    let too_long = |text: &Value, most: usize| text.as_str().is_some_and(|text| text.chars().count() > most);
    if too_long(&body["paymentDetails"]["softDescriptor"], 16) {
        return Err(Refusal::invalid_value(
            "paymentDetails.softDescriptor",
            "has more than 16 characters",
        ));
    }
    match METADATA_FIELDS
        .iter()
        .find(|(name, most)| too_long(&body["merchantMetadata"][*name], *most))
    {
        Some((name, most)) => {
            let why = format!("has more than {most} characters");
            Err(Refusal::invalid_value(&format!("merchantMetadata.{name}"), &why))
        }
        None => Ok(()),
    }
}

/// Where to send the buyer, once nothing but the buyer is missing.
fn put_redirect_url(body: &mut Value) {
    let details = &body["paymentDetails"];
    let web = &body["webCheckoutDetails"];
    let ready = !details["chargeAmount"].is_null()
        && !details["paymentIntent"].is_null()
        && !web["checkoutResultReturnUrl"].is_null();
    let url = ready.then_some("https://payments.sandbox.example/checkout");
    body["webCheckoutDetails"]["amazonPayRedirectUrl"] = json!(url);
}

fn empty(environment: Environment) -> Value {
    json!({
        "checkoutSessionId": null,
        "chargePermissionType": "OneTime",
        "recurringMetadata": null,
        "webCheckoutDetails": {
            "checkoutReviewReturnUrl": null,
            "checkoutResultReturnUrl": null,
            "checkoutCancelUrl": null,
            "amazonPayRedirectUrl": null,
        },
        "productType": "PayAndShip",
        "paymentDetails": {
            "paymentIntent": null,
            "canHandlePendingAuthorization": false,
            "chargeAmount": null,
            "totalOrderAmount": null,
            "presentmentCurrency": null,
            "softDescriptor": null,
            "allowOvercharge": null,
            "extendExpiration": null,
        },
        "merchantMetadata": {
            "merchantReferenceId": null,
            "merchantStoreName": null,
            "noteToBuyer": null,
            "customInformation": null,
        },
        "supplementaryData": null,
        "buyer": {
            "buyerId": "amzn1.account.SANDBOXBUYER000000000000",
            "name": "Robin Example",
            "email": "robin@shop.example",
            "phoneNumber": null,
            "primeMembershipTypes": null,
        },
        "billingAddress": null,
        "paymentPreferences": [{"paymentDescriptor": "Visa ****1111 (Amazon Pay)"}],
        "statusDetails": null,
        "shippingAddress": {
            "name": "Robin Example", "addressLine1": "12 Sample Street", "addressLine2": null, "addressLine3": null,
            "city": "Springfield", "county": null, "district": null, "stateOrRegion": "IL",
            "postalCode": "62701", "countryCode": "US", "phoneNumber": "2175550100",
        },
        "platformId": null,
        "chargePermissionId": null,
        "chargeId": null,
        "constraints": [],
        "creationTimestamp": null,
        "expirationTimestamp": null,
        "storeId": null,
        "providerMetadata": {"providerReferenceId": null},
        "releaseEnvironment": environment.release(),
        "checkoutButtonText": null,
        "deliverySpecifications": null,
    })
}
