//! Addresses as Amazon compares them: field by field, where null, empty and absent are the same.

use serde_json::{Map, Value};

use crate::api::read::refuse_unknown;
use crate::api::refusal::Refusal;
use crate::unknowns::AddressComparison;

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
        Some(other) => return Err(Refusal::invalid_value(field, other, "is not an address")),
    };
    refuse_unknown(field, address, &FIELDS)?;
    let wrong = address
        .iter()
        .find(|(_, value)| !value.is_string() && !value.is_null());
    wrong.map_or(Ok(Some(address)), |(name, value)| {
        Err(Refusal::invalid_value(
            &format!("{field}.{name}"),
            value,
            "is not text",
        ))
    })
}

/// The name of the first field in which two addresses differ.
pub(crate) fn difference(
    ours: &Map<String, Value>,
    theirs: &Map<String, Value>,
    how: AddressComparison,
) -> Option<&'static str> {
    FIELDS.into_iter().find(|field| {
        let (ours, theirs) = (text(ours, field), text(theirs, field));
        match how {
            AddressComparison::Literal => ours != theirs,
            AddressComparison::Values => ours.unwrap_or_default() != theirs.unwrap_or_default(),
            AddressComparison::Loose => loose(ours) != loose(theirs),
        }
    })
}

fn text<'a>(address: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    address.get(field).and_then(Value::as_str)
}

/// Letters and digits alone, in one case.
fn loose(text: Option<&str>) -> String {
    let kept = text.unwrap_or_default().chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
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

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(object) = value else {
            panic!("{value}");
        };
        object
    }

    #[test]
    fn null_empty_and_absent_are_the_same_and_anything_else_is_not() {
        let difference = |ours, theirs| difference(ours, theirs, AddressComparison::Values);
        let ours = object(json!({"name": "Kim Muster", "addressLine2": null, "city": "Berlin"}));
        let same = object(json!({"name": "Kim Muster", "county": "", "city": "Berlin"}));
        assert_eq!(difference(&ours, &same), None);
        let other = object(json!({"name": "Kim Muster", "city": "berlin"}));
        assert_eq!(difference(&ours, &other), Some("city"));
        let less = object(json!({"city": "Berlin"}));
        assert_eq!(difference(&ours, &less), Some("name"));
    }

    #[test]
    fn addresses_compare_more_strictly_or_more_loosely_on_request() {
        let ours = object(json!({"city": "Berlin", "phoneNumber": "030 555-010", "county": ""}));
        let theirs = object(json!({"city": "BERLIN ", "phoneNumber": "030555010"}));
        assert_eq!(
            difference(&ours, &theirs, AddressComparison::Values),
            Some("city")
        );
        assert_eq!(difference(&ours, &theirs, AddressComparison::Loose), None);
        let absent = object(json!({"city": "Berlin", "phoneNumber": "030 555-010"}));
        assert_eq!(difference(&ours, &absent, AddressComparison::Values), None);
        assert_eq!(
            difference(&ours, &absent, AddressComparison::Literal),
            Some("county")
        );
    }
}
