//! Reading answers that may change shape: Amazon adds fields without a version change, writes `null` and
//! `[null]` for absent, and sends strings where its pages show booleans or numbers. What describes is dropped
//! when it cannot be understood. What identifies or measures a payment, and what Finalize has to repeat, is
//! read strictly: an answer in which it cannot be understood is no answer.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Address;
use super::money::Price;

/// All the ways in which Amazon writes that there is nothing.
fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.iter().all(Value::is_null),
        _ => false,
    }
}

/// `T`, or one of the ways to say nothing. The error says nothing of the value.
pub(super) fn strict<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    if is_absent(&value) {
        return Ok(None);
    }
    serde_json::from_value(value)
        .map(Some)
        .map_err(|_| D::Error::custom("of another shape"))
}

/// An identifier. Empty text is as good as none.
pub(super) fn id<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(from)?;
    if value == "" {
        return Ok(None);
    }
    strict(value).map_err(|_| D::Error::custom("not an identifier"))
}

/// Money. An amount that is `null` is as good as no money.
pub(super) fn price<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Price>, D::Error> {
    let value = Value::deserialize(from)?;
    if value.get("amount").is_some_and(Value::is_null) {
        return Ok(None);
    }
    strict(value).map_err(|_| D::Error::custom("not an amount of money"))
}

/// Anything that fits `T`; whatever else is as good as absent.
pub(super) fn or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
}

/// Any JSON but the ways to say nothing.
pub(super) fn json<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    Ok(Some(Value::deserialize(from)?).filter(|value| !is_absent(value)))
}

/// The elements that fit `T`: none for `null`, `[null]` and what is not an array.
pub(super) fn elements<'de, D: Deserializer<'de>, T: DeserializeOwned>(from: D) -> Result<Vec<T>, D::Error> {
    let Value::Array(elements) = Value::deserialize(from)? else {
        return Ok(Vec::new());
    };
    Ok(elements
        .into_iter()
        .filter_map(|element| serde_json::from_value(element).ok())
        .collect())
}

/// Addresses, each as an object or as a string that holds the object's JSON. Strict, as addresses are.
pub(super) fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Address>, D::Error> {
    let value = Value::deserialize(from)?;
    if is_absent(&value) {
        return Ok(Vec::new());
    }
    let read = |value: Value| match value {
        Value::Array(elements) => elements
            .into_iter()
            .filter(|element| !element.is_null())
            .map(|element| match element {
                Value::String(json) => serde_json::from_str(&json),
                other => serde_json::from_value(other),
            })
            .collect(),
        other => serde_json::from_value(other).map(|address| vec![address]),
    };
    read(value).map_err(|_| D::Error::custom("not a list of addresses"))
}

/// `true`, `"true"`, `false` or `"false"`.
pub(super) fn boolean<'de, D: Deserializer<'de>>(from: D) -> Result<Option<bool>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::Bool(value) => Some(value),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    })
}

/// A string, or the decimal text of a number.
pub(super) fn text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// An exact decimal, from text or from a number.
pub(super) fn decimal<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Decimal>, D::Error> {
    Ok(text(from)?.and_then(|text| decimal_of(&text)))
}

/// The decimal that a text says; a large or small JSON number comes in scientific form.
pub(super) fn decimal_of(text: &str) -> Option<Decimal> {
    let text = text.trim();
    // The library reads them as if they were not there, and who knows what somebody means by them.
    if text.contains('_') {
        return None;
    }
    Decimal::from_str_exact(text)
        .or_else(|_| Decimal::from_scientific(text))
        .ok()
}

/// UTC in basic form (`20260105T100755Z`); the extended form is read as well.
pub(super) fn timestamp<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}
