//! The AsyncAPI document: its channels are the topics, its messages are what is told, and its references lead somewhere.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Map, Value, json};

use super::{complaints, folder, goldens, names, schemas, validator};

fn document() -> Value {
    let text = fs::read_to_string(folder().join("asyncapi.yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

/// What a `$ref` stands for; anything else stands for itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str().and_then(|to| to.strip_prefix('#')) {
        Some(place) => document
            .pointer(place)
            .unwrap_or_else(|| panic!("{place} is nowhere")),
        None => value,
    }
}

/// Every `$ref` below a value.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(object) => {
            for (key, value) in object {
                match (key.as_str(), value.as_str()) {
                    ("$ref", Some(to)) => found.push(to),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_to_what_is_there_and_every_part_is_referred_to() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    let found: BTreeSet<&str> = found.into_iter().collect();
    let mut files = BTreeSet::new();
    for to in &found {
        match to.strip_prefix('#') {
            Some(place) => assert!(document.pointer(place).is_some(), "{to}"),
            None => {
                let name = to.strip_prefix("./").unwrap();
                files.insert(name.strip_suffix(".schema.json").unwrap().to_owned());
            }
        }
    }
    let schemas: BTreeSet<String> = schemas(&folder()).into_keys().collect();
    assert_eq!(files, schemas, "left: referred to; right: there");
    for (kind, parts) in document["components"].as_object().unwrap() {
        for part in names(parts) {
            let place = format!("#/components/{kind}/{part}");
            assert!(found.contains(place.as_str()), "nothing refers to {place}");
        }
    }
}

#[test]
fn the_channels_are_the_topics_by_their_default_names_and_each_is_used_one_way() {
    let document = document();
    assert_eq!(document["asyncapi"], "3.0.0");
    let example = fs::read_to_string(folder().join("../../deploy/confirmd.example.toml")).unwrap();
    let operations = document["operations"].as_object().unwrap();
    for (channel, key, action) in [
        ("completed", "completed_topic", "receive"),
        ("outcomes", "outcomes_topic", "send"),
        ("alerts", "alerts_topic", "send"),
        ("deadLetters", "dead_letter_topic", "send"),
    ] {
        let address = document["channels"][channel]["address"].as_str().unwrap();
        assert!(
            example.contains(&format!("{key} = \"{address}\"")),
            "{key}: {address}"
        );
        let here = json!({"$ref": format!("#/channels/{channel}")});
        let uses: Vec<&Value> = operations
            .values()
            .filter(|operation| operation["channel"] == here)
            .map(|operation| &operation["action"])
            .collect();
        assert_eq!(uses, [action], "{channel}");
    }
    assert_eq!(document["channels"].as_object().unwrap().len(), 4);
    assert_eq!(operations.len(), 4);
}

#[test]
fn every_message_is_named_as_its_type_and_has_its_schema() {
    let document = document();
    for (name, message) in document["components"]["messages"].as_object().unwrap() {
        assert_eq!(message["name"], *name);
        assert!(
            resolved(&document, &message["bindings"])["kafka"]["key"].is_object(),
            "{name}"
        );
        if name != "deadLetter" {
            assert_eq!(message["payload"]["$ref"], format!("./{name}.schema.json"));
        }
    }
}

#[test]
fn every_golden_message_is_in_its_channel_with_the_headers_and_the_key_that_are_told() {
    let document = document();
    for (golden, told) in goldens() {
        let event_type = told["headers"]["ce_type"].as_str().unwrap();
        let channel = if golden.starts_with("alert-") {
            "alerts"
        } else {
            "outcomes"
        };
        let message = resolved(&document, &document["channels"][channel]["messages"][event_type]);
        assert_eq!(message["name"], event_type, "{golden}");
        // With the parts that it refers to.
        let headers =
            validator(&json!({"components": document["components"], "allOf": [message["headers"]]}));
        assert_eq!(complaints(&headers, &told["headers"]), [""; 0], "{golden}");
        let known = names(&document["components"]["schemas"]["headersOut"]["properties"]);
        let unknown: Vec<&str> = names(&told["headers"]).difference(&known).copied().collect();
        assert!(unknown.is_empty(), "{golden}: {unknown:?}");
        // What is needed is needed: a message without it is refused.
        for needed in ["ce_id", "ce_source", "ce_time", "ce_type"] {
            let mut without: Map<String, Value> = told["headers"].as_object().unwrap().clone();
            without.remove(needed);
            assert_ne!(
                complaints(&headers, &without.into()),
                [""; 0],
                "{golden} without {needed}"
            );
        }
        if let Some(subject) = told["headers"].get("ce_subject") {
            assert_eq!(told["key"], *subject, "{golden}");
        }
    }
}
