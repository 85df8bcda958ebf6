//! Create and Update Checkout Session, as redirect flows use them before the buyer goes to Amazon's page.

use serde_json::{Map, Value, json};

use crate::api::read::{
    as_flag, check_length, fields, given, no_flag, one_of, refuse_unknown, required_text,
};
use crate::api::refusal::Refusal;
use crate::control::new_session::{INTENTS, PERMISSION_TYPES};
use crate::objects::price::{CURRENCIES, Price};
use crate::objects::{address, sample};
use crate::operations::compare::check_metadata;
use crate::options::Environment;
use crate::unknowns::Unknowns;

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
const RECURRING_FIELDS: [&str; 2] = ["frequency", "amount"];
const FREQUENCY_FIELDS: [&str; 2] = ["unit", "value"];
const FREQUENCY_UNITS: [&str; 5] = ["Year", "Month", "Week", "Day", "Variable"];
pub(crate) const SOFT_DESCRIPTOR_LIMIT: u32 = 16;

/// The fields of `merchantMetadata`, each with the most characters that it may have.
pub(crate) fn metadata_fields(unknowns: &Unknowns) -> [(&'static str, Option<u32>); 4] {
    [
        ("merchantReferenceId", Some(256)),
        ("merchantStoreName", Some(50)),
        ("noteToBuyer", Some(255)),
        ("customInformation", unknowns.custom_information_limit),
    ]
}

/// The body of the new session while it is Open.
pub(crate) fn create(
    request: &Map<String, Value>,
    environment: Environment,
    unknowns: &Unknowns,
) -> Result<Value, Refusal> {
    refuse_unknown("", request, &CREATE_FIELDS)?;
    let web = fields(
        "webCheckoutDetails",
        request.get("webCheckoutDetails"),
        &WEB_FIELDS,
    )?
    .ok_or_else(|| Refusal::missing_value("webCheckoutDetails"))?;
    required_text(request, "storeId")?;
    let for_one_page = given(web, "checkoutResultReturnUrl").is_some()
        && given(web, "checkoutMode").is_some_and(|mode| mode == "ProcessOrder");
    if given(web, "checkoutReviewReturnUrl").is_none() && !for_one_page {
        return Err(Refusal::missing_value(
            "webCheckoutDetails.checkoutReviewReturnUrl",
        ));
    }
    let mut body = sample::session(environment);
    merge(&mut body, request, unknowns)?;
    Ok(body)
}

/// Puts the changes into an Open session's body.
pub(crate) fn update(
    body: &Value,
    request: &Map<String, Value>,
    unknowns: &Unknowns,
) -> Result<Value, Refusal> {
    refuse_unknown("", request, &UPDATE_FIELDS)?;
    let mut changed = body.clone();
    merge(&mut changed, request, unknowns)?;
    let currency = |body: &Value| body["paymentDetails"]["presentmentCurrency"].clone();
    if !currency(body).is_null() && currency(&changed) != currency(body) {
        let field = "paymentDetails.presentmentCurrency";
        let why = "is not the currency that the session was created in";
        return Err(Refusal::invalid_value(field, &currency(&changed), why));
    }
    Ok(changed)
}

/// Null says nothing, at any depth that a request knows.
fn merge(body: &mut Value, request: &Map<String, Value>, unknowns: &Unknowns) -> Result<(), Refusal> {
    for (field, value) in request.iter().filter(|(_, value)| !value.is_null()) {
        match field.as_str() {
            "webCheckoutDetails" => merge_object(body, field, value, &WEB_FIELDS)?,
            "paymentDetails" => merge_object(body, field, value, &PAYMENT_FIELDS)?,
            "merchantMetadata" => {
                check_metadata(Some(value), unknowns)?;
                merge_object(
                    body,
                    field,
                    value,
                    &metadata_fields(unknowns).map(|(name, _)| name),
                )?;
            }
            "addressDetails" => {
                let address = address::read(field, Some(value))?;
                body["shippingAddress"] = address.map_or(Value::Null, address::shown);
            }
            "recurringMetadata" => {
                body["recurringMetadata"] = recurring(value)?;
            }
            "scopes" => {}
            "storeId" | "supplementaryData" | "platformId" | "checkoutButtonText" if !value.is_string() => {
                return Err(Refusal::invalid_value(field, value, "is not text"));
            }
            "providerMetadata" | "deliverySpecifications" | "paymentMethodOnFileMetadata"
                if !value.is_object() =>
            {
                return Err(Refusal::invalid_value(field, value, "is not an object"));
            }
            _ => body[field] = value.clone(),
        }
    }
    check(body, unknowns)
}

fn merge_object(body: &mut Value, field: &str, value: &Value, known: &[&str]) -> Result<(), Refusal> {
    let Some(given) = fields(field, Some(value), known)? else {
        return Ok(());
    };
    if let Value::Object(ours) = &mut body[field] {
        let said = given.iter().filter(|(_, value)| !value.is_null());
        ours.extend(said.map(|(name, value)| (name.clone(), value.clone())));
    }
    Ok(())
}

/// `recurringMetadata` of any request.
pub(crate) fn recurring(value: &Value) -> Result<Value, Refusal> {
    let field = "recurringMetadata";
    let Some(metadata) = fields(field, Some(value), &RECURRING_FIELDS)? else {
        return Ok(Value::Null);
    };
    let name = format!("{field}.frequency");
    let frequency = fields(&name, metadata.get("frequency"), &FREQUENCY_FIELDS)?;
    if let Some(frequency) = frequency {
        let unit = given(frequency, "unit").ok_or_else(|| Refusal::missing_value(&format!("{name}.unit")))?;
        one_of(&format!("{name}.unit"), unit, &FREQUENCY_UNITS)?;
        let value_name = format!("{name}.value");
        let value = given(frequency, "value").ok_or_else(|| Refusal::missing_value(&value_name))?;
        let number = match value {
            Value::String(text) => text.parse::<u32>().is_ok(),
            Value::Number(number) => number.is_u64(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if !number {
            return Err(Refusal::invalid_value(
                &value_name,
                value,
                "is not a whole number",
            ));
        }
    }
    let amount = Price::read(&format!("{field}.amount"), metadata.get("amount"))?;
    Ok(json!({
        "frequency": metadata.get("frequency"),
        "amount": amount.as_ref().map(Price::shown),
    }))
}

fn check(body: &mut Value, unknowns: &Unknowns) -> Result<(), Refusal> {
    one_of(
        "chargePermissionType",
        &body["chargePermissionType"],
        &PERMISSION_TYPES,
    )?;
    for url in WEB_FIELDS {
        let value = &body["webCheckoutDetails"][url];
        if !value.is_null() && !value.is_string() {
            let field = format!("webCheckoutDetails.{url}");
            return Err(Refusal::invalid_value(&field, value, "is not text"));
        }
    }
    let details = &mut body["paymentDetails"];
    let intent = &details["paymentIntent"];
    if !intent.is_null() {
        one_of("paymentDetails.paymentIntent", intent, &INTENTS)?;
    }
    for flag in [
        "canHandlePendingAuthorization",
        "allowOvercharge",
        "extendExpiration",
    ] {
        let value = &details[flag];
        if !value.is_null() && as_flag(value).is_none() {
            return Err(no_flag(&format!("paymentDetails.{flag}"), value));
        }
    }
    let can_wait = as_flag(&details["canHandlePendingAuthorization"]) == Some(true);
    if details["paymentIntent"] == "AuthorizeWithCapture" && can_wait {
        let why = "canHandlePendingAuthorization 'true' cannot be combined with 'AuthorizeWithCapture'";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    check_money(details, unknowns)?;
    let descriptor = &details["softDescriptor"];
    match descriptor {
        Value::Null => Ok(()),
        Value::String(text) => {
            check_length("paymentDetails.softDescriptor", text, Some(SOFT_DESCRIPTOR_LIMIT))
        }
        other => Err(Refusal::invalid_value(
            "paymentDetails.softDescriptor",
            other,
            "is not text",
        )),
    }
}

/// Amounts as GET shows them, all in the session's currency.
fn check_money(details: &mut Value, unknowns: &Unknowns) -> Result<(), Refusal> {
    let currency = &details["presentmentCurrency"];
    if !currency.is_null() {
        one_of("paymentDetails.presentmentCurrency", currency, &CURRENCIES)?;
    }
    for field in ["chargeAmount", "totalOrderAmount"] {
        let name = format!("paymentDetails.{field}");
        let Some(price) = Price::read(&name, details.get(field))? else {
            continue;
        };
        match details["presentmentCurrency"].as_str() {
            None => details["presentmentCurrency"] = json!(price.currency_code),
            Some(currency) if currency == price.currency_code => {}
            Some(currency) => {
                let why = format!("{name}: '{price}' in a session in {currency}");
                return Err(Refusal::new(400, "CurrencyMismatch", why));
            }
        }
        price.check_maximum(&name, unknowns)?;
        details[field] = price.shown();
    }
    Ok(())
}
