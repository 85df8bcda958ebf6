//! Reading answers that may change shape: Amazon adds fields without a version change, writes `null` and
//! `[null]` for absent, and sends strings where its pages show booleans or numbers. What describes is dropped
//! when it cannot be understood. What identifies a payment is read strictly, in the structs themselves.

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Anything that fits `T`; whatever else is as good as absent.
pub(super) fn or_none<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(from)?).ok())
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

/// UTC in basic form (`20260105T100755Z`); the extended form is read as well.
pub(super) fn timestamp<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}
