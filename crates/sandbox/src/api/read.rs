//! Reads request bodies: null is absent, what is unknown is refused, and booleans may come as text.

use serde_json::{Map, Value};

use crate::api::refusal::{Refusal, quoted};

/// An empty body counts as no JSON. So does one nested deeper than anyone means.
pub(crate) fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let object: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| Refusal::new(400, "InvalidRequestFormat", "the body is not a JSON object"))?;
    for (field, value) in &object {
        refuse_nul(field, value)?;
    }
    Ok(object)
}

/// The body of a DELETE; one that is empty says nothing.
pub(crate) fn object_or_nothing(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    object(body)
}

/// No field of the API holds a NUL, and half of what text is handed on to would end at it.
fn refuse_nul(field: &str, value: &Value) -> Result<(), Refusal> {
    match value {
        Value::String(text) if text.contains('\0') => {
            Err(Refusal::invalid_value(field, value, "holds a NUL character"))
        }
        Value::Array(items) => items.iter().try_for_each(|item| refuse_nul(field, item)),
        Value::Object(object) => object
            .iter()
            .try_for_each(|(name, value)| refuse_nul(&format!("{field}.{name}"), value)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Amazon refuses what it does not know instead of passing it over.
pub(crate) fn refuse_unknown(
    within: &str,
    object: &Map<String, Value>,
    known: &[&str],
) -> Result<(), Refusal> {
    let unknown = object.keys().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| {
        let field = qualified(within, name);
        Err(Refusal::new(
            400,
            "UnrecognizedField",
            format!("{field} is not a field of this request"),
        ))
    })
}

fn qualified(within: &str, name: &str) -> String {
    if within.is_empty() {
        name.to_owned()
    } else {
        format!("{within}.{name}")
    }
}

/// A field's value; null is none.
pub(crate) fn given<'a>(object: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    object.get(field).filter(|value| !value.is_null())
}

pub(crate) fn text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<Option<&'a str>, Refusal> {
    match given(object, field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(Refusal::invalid_value(field, other, "is not text")),
    }
}

/// Text of at most `most` characters.
pub(crate) fn short_text<'a>(
    object: &'a Map<String, Value>,
    field: &str,
    most: Option<u32>,
) -> Result<Option<&'a str>, Refusal> {
    let text = text(object, field)?;
    match text {
        Some(long) => check_length(field, long, most).map(|()| text),
        None => Ok(None),
    }
}

pub(crate) fn check_length(field: &str, text: &str, most: Option<u32>) -> Result<(), Refusal> {
    let Some(most) = most else { return Ok(()) };
    if u32::try_from(text.chars().count()).is_ok_and(|length| length <= most) {
        return Ok(());
    }
    let why = format!("has more than {most} characters");
    Err(Refusal::invalid_value(
        field,
        &Value::String(text.to_owned()),
        &why,
    ))
}

pub(crate) fn required_text<'a>(object: &'a Map<String, Value>, field: &str) -> Result<&'a str, Refusal> {
    text(object, field)?
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Refusal::missing_value(field))
}

/// Half of the SDKs send booleans as text.
pub(crate) fn flag(object: &Map<String, Value>, field: &str) -> Result<Option<bool>, Refusal> {
    given(object, field)
        .map(|value| as_flag(value).ok_or_else(|| no_flag(field, value)))
        .transpose()
}

pub(crate) fn no_flag(field: &str, value: &Value) -> Refusal {
    Refusal::invalid_value(field, value, "is neither true nor false")
}

pub(crate) fn as_flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text == "true" => Some(true),
        Value::String(text) if text == "false" => Some(false),
        Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object's fields, all of them known; null is none.
pub(crate) fn fields<'a>(
    field: &str,
    value: Option<&'a Value>,
    known: &[&str],
) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => refuse_unknown(field, object, known).map(|()| Some(object)),
        Some(other) => Err(Refusal::invalid_value(field, other, "is not an object")),
    }
}

pub(crate) fn one_of(field: &str, value: &Value, allowed: &[&str]) -> Result<(), Refusal> {
    if allowed.iter().any(|allowed| value == allowed) {
        return Ok(());
    }
    Err(Refusal::new(
        400,
        "InvalidParameterValue",
        format!("{field}: {} is none of {}", quoted(value), allowed.join(", ")),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_json_object_is_a_wrong_format_and_a_nul_a_wrong_value() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
        for body in [
            "",
            "[]",
            "{\"a\":",
            "null",
            "{\"a\":\"\u{0}\"}",
            "{\"a\":NaN}",
            &deep,
        ] {
            let refusal = object(body.as_bytes()).unwrap_err();
            assert_eq!(refusal.reason, "InvalidRequestFormat");
        }
        assert_eq!(
            object(&[b'{', 0xff, b'}']).unwrap_err().reason,
            "InvalidRequestFormat"
        );
        let escaped = object(br#"{"a": {"b": ["x\u0000y"]}}"#).unwrap_err();
        assert_eq!(escaped.reason, "InvalidParameterValue");
        assert!(escaped.message.starts_with("a.b:"), "{}", escaped.message);
    }
}
