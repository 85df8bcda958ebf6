//! Addresses as Amazon compares them: field by field, where null, empty and absent are the same.

use serde_json::{Map, Value};

use crate::api::refusal::Refusal;
use crate::objects::price::refuse_unknown;

const FIELDS: [&str; 11] = [
    "name",
    "addressLine1",
    "addressLine2",
    "addressLine3",
    "city",
    "county",
    "district",
    "stateOrRegion",
    "postalCode",
    "countryCode",
    "phoneNumber",
];

/// Reads the address under `field` of a request; null is none.
pub(crate) fn read<'a>(
    field: &str,
    value: Option<&'a Value>,
) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    let address = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(address)) => address,
        Some(_) => return Err(Refusal::invalid_value(field, "is not an address")),
    };
    refuse_unknown(field, address, &FIELDS)?;
    let wrong = address
        .iter()
        .find(|(_, value)| !value.is_string() && !value.is_null());
    wrong.map_or(Ok(Some(address)), |(name, _)| {
        Err(Refusal::invalid_value(&format!("{field}.{name}"), "is not text"))
    })
}

/// The name of the first field in which two addresses differ. Never the values: they are personal.
pub(crate) fn difference(ours: &Map<String, Value>, theirs: &Map<String, Value>) -> Option<&'static str> {
    FIELDS
        .into_iter()
        .find(|field| text(ours, field) != text(theirs, field))
}

fn text<'a>(address: &'a Map<String, Value>, field: &str) -> &'a str {
    address.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// As GET shows an address: every field is there, null where it has no value.
pub(crate) fn shown(address: &Map<String, Value>) -> Value {
    let field = |name: &str| (name.to_owned(), address.get(name).cloned().unwrap_or(Value::Null));
    Value::Object(FIELDS.into_iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn null_empty_and_absent_are_the_same_and_anything_else_is_not() {
        let object = |value: Value| value.as_object().unwrap().clone();
        let ours = object(json!({"name": "Kim Muster", "addressLine2": null, "city": "Berlin"}));
        let same = object(json!({"name": "Kim Muster", "county": "", "city": "Berlin"}));
        assert_eq!(difference(&ours, &same), None);
        let other = object(json!({"name": "Kim Muster", "city": "berlin"}));
        assert_eq!(difference(&ours, &other), Some("city"));
        let less = object(json!({"city": "Berlin"}));
        assert_eq!(difference(&ours, &less), Some("name"));
    }
}
