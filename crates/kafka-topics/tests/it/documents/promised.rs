//! Version 1 as it was promised (`tests/it/promised`), against the schemas as they are. A field may come; none may go or be
//! of another type, and none that comes in may be needed all at once. What shops and fulfilment have written goes on working.
//!
//! The copy is changed for a written reason only: by whoever finds that a difference breaks nobody.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{folder, schemas};

/// Which way the events go, and so whom a change could break.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Producers have been written against it: it may ask for no more.
    In,
    /// Consumers have been written against it: it may promise no less.
    Out,
}

/// They explain, and ask for nothing.
const WORDS: [&str; 7] = [
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "examples",
    "default",
];

/// What `new` breaks of what `old` has promised, each with its place.
fn breaks(way: Way, old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(way, old, new, "", &mut found);
    found
}

fn compare(way: Way, old: &Value, new: &Value, place: &str, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => compare_schemas(way, old, new, place, found),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                compare(way, old, new, &format!("{place}/{index}"), found);
            }
        }
        _ if old == new => {}
        _ => found.push(format!("{place}: was {old}, is {new}")),
    }
}

fn compare_schemas(
    way: Way,
    old: &Map<String, Value>,
    new: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (keyword, said) in old {
        let here = format!("{place}/{keyword}");
        match (keyword.as_str(), new.get(keyword)) {
            (word, _) if WORDS.contains(&word) => {}
            ("properties" | "$defs", is) => {
                for (name, field) in said.as_object().unwrap() {
                    match is.and_then(|is| is.get(name)) {
                        Some(is) => compare(way, field, is, &format!("{here}/{name}"), found),
                        None => found.push(format!("{here}/{name}: is gone")),
                    }
                }
            }
            // It asks for less, or promises less.
            (_, None) if way == Way::In => {}
            (_, None) => found.push(format!("{here}: is gone")),
            ("required" | "enum", Some(is)) => compare_sets(way, keyword, said, is, &here, found),
            (_, Some(is)) => compare(way, said, is, &here, found),
        }
    }
    for (keyword, said) in new {
        let explains =
            WORDS.contains(&keyword.as_str()) || matches!(keyword.as_str(), "properties" | "$defs");
        if way == Way::In && !old.contains_key(keyword) && !explains {
            found.push(format!("{place}/{keyword}: asks for more: {said}"));
        }
    }
}

/// Of what is needed there may be less on the way in and more on the way out; of the words the other way round.
fn compare_sets(way: Way, keyword: &str, old: &Value, new: &Value, here: &str, found: &mut Vec<String>) {
    let may_grow = (keyword == "enum") == (way == Way::In);
    let (all, some) = if may_grow { (new, old) } else { (old, new) };
    let all = all.as_array().unwrap();
    for one in some.as_array().unwrap() {
        if !all.contains(one) {
            let what = if may_grow { "is gone" } else { "is new" };
            found.push(format!("{here}: {one} {what}"));
        }
    }
}

fn way(event_type: &str) -> Way {
    if event_type == "checkout.completed.v1" {
        Way::In
    } else {
        Way::Out
    }
}

#[test]
fn what_version_1_has_promised_still_holds() {
    let now = schemas(&folder());
    let promised = schemas(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/promised"));
    assert_eq!(promised.len(), 9);
    for (event_type, old) in promised {
        let new = now
            .get(&event_type)
            .unwrap_or_else(|| panic!("{event_type} is gone"));
        let broken = breaks(way(&event_type), &old, new);
        assert!(broken.is_empty(), "{event_type}: {broken:#?}");
    }
}

/// A schema with one place set to something else; null takes away what is there.
fn changed(schema: &Value, place: &str, to: Value) -> Value {
    let mut schema = schema.clone();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = schema.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    if to.is_null() {
        parent.remove(key).unwrap();
    } else {
        parent.insert(key.to_owned(), to);
    }
    schema
}

#[test]
fn a_field_that_goes_or_changes_its_type_is_found() {
    for (event_type, schema) in schemas(&folder()) {
        for (field, said) in schema["properties"].as_object().unwrap() {
            let place = format!("/properties/{field}");
            let found = |new: Value| breaks(way(&event_type), &schema, &new);
            let gone = found(changed(&schema, &place, json!(null)));
            assert_eq!(gone, [format!("{place}: is gone")], "{event_type}");
            let other_type = match said["type"].as_str() {
                Some("string") => json!({"type": "number"}),
                _ => json!({"type": "string", "pattern": "^never$", "enum": ["never"]}),
            };
            assert_ne!(
                found(changed(&schema, &place, other_type)),
                [""; 0],
                "{event_type}: {field}"
            );
        }
    }
}

#[test]
fn what_is_needed_all_at_once_on_the_way_in_is_found_and_what_is_new_and_needless_is_not() {
    let schema = &schemas(&folder())["checkout.completed.v1"];
    let found = |place: &str, to: Value| breaks(Way::In, schema, &changed(schema, place, to));
    let needed = json!(["checkoutSessionId", "operation", "account"]);
    assert_eq!(found("/required", needed), [r#"/required: "account" is new"#]);
    let needed = json!(["productType", "paymentIntent", "chargeAmount", "sessionCreatedAt"]);
    assert_eq!(
        found("/allOf/0/then/required", needed),
        [r#"/allOf/0/then/required: "sessionCreatedAt" is new"#]
    );
    assert_eq!(
        found("/$defs/address/required", json!(["city"])),
        [r#"/$defs/address/required: asks for more: ["city"]"#]
    );
    assert_eq!(
        found("/properties/operation/enum", json!(["Finalize"])),
        [r#"/properties/operation/enum: "Complete" is gone"#]
    );
    assert_eq!(
        found("/minProperties", json!(3)),
        ["/minProperties: asks for more: 3"]
    );
    let more = json!(["Finalize", "Complete", "Later"]);
    assert_eq!(found("/properties/operation/enum", more), [""; 0]);
    assert_eq!(found("/properties/colour", json!({"type": "string"})), [""; 0]);
    assert_eq!(found("/properties/account/description", json!("Whose.")), [""; 0]);
    assert_eq!(found("/required", json!(["operation"])), [""; 0]);
}

#[test]
fn what_is_no_longer_always_told_is_found_and_what_is_told_besides_is_not() {
    let schema = &schemas(&folder())["checkout.expired.v1"];
    let found = |place: &str, to: Value| breaks(Way::Out, schema, &changed(schema, place, to));
    let mut fewer = schema["required"].as_array().unwrap().clone();
    fewer.retain(|field| field != "deadline");
    assert_eq!(
        found("/required", json!(fewer)),
        [r#"/required: "deadline" is gone"#]
    );
    assert_eq!(
        found("/properties/deadline/format", json!(null)),
        ["/properties/deadline/format: is gone"]
    );
    assert_eq!(
        found("/properties/evidence/enum", json!(["look-up", "guess"])),
        [r#"/properties/evidence/enum: "guess" is new"#]
    );
    let mut more = schema["required"].as_array().unwrap().clone();
    more.push(json!("colour"));
    assert_eq!(found("/required", json!(more)), [""; 0]);
    assert_eq!(found("/properties/colour", json!({"type": "string"})), [""; 0]);
}
