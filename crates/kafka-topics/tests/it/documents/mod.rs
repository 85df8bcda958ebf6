//! What `docs/topics` says to others, held to what is read and told.
//!
//! The schemas are written by hand. What comes in has no type to derive them from: it is read field by field, so that each
//! flaw has its name. What is told has, but its words are chosen by functions, and a derived schema would say "a string"
//! of each. So these tests do what deriving would: every field and every word is there, and none else.

mod asyncapi;
mod intake;
mod promised;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use checkout::{AlertKind, Amount, ChargePermissionType, Evidence, Operation, Payment, PaymentIntent};
use jsonschema::Validator;
use kafka_topics::clients::TopicReader;
use kafka_topics::{Publisher, told};
use reconciler::{Content, Notice, NoticeKind, PublishNotice};
use serde_json::Value;

use crate::fixture::{broker, soon};
use crate::publish::{alert, announcement, confirmed, declined, time};

const ID: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
const DEADLINE: &str = "2026-01-06T10:00:00Z";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/topics")
}

fn json(file: &Path) -> Value {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The schemas in a folder, by the type of their event.
fn schemas(folder: &Path) -> BTreeMap<String, Value> {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let schemas = files.filter_map(|file| {
        let name = file.file_name()?.to_str()?;
        let event_type = name.strip_suffix(".schema.json")?.to_owned();
        Some((event_type, json(&file)))
    });
    schemas.collect()
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).unwrap()
}

/// What a schema has against a value.
fn complaints(validator: &Validator, value: &Value) -> Vec<String> {
    let errors = validator.iter_errors(value);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The names in a list, or those of an object's fields.
fn names(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::Object(object) => object.keys().map(String::as_str).collect(),
        list => {
            let list = list.as_array().unwrap().iter();
            list.map(|name| name.as_str().unwrap()).collect()
        }
    }
}

/// The messages that the tests of what is told compare byte for byte.
fn goldens() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|file| {
            (
                file.file_stem().unwrap().to_string_lossy().into_owned(),
                json(&file),
            )
        })
        .collect()
}

#[test]
fn every_schema_is_one_and_says_of_what() {
    let schemas = schemas(&folder());
    assert_eq!(schemas.len(), 9);
    for (event_type, schema) in schemas {
        assert!(jsonschema::meta::is_valid(&schema), "{event_type}");
        assert_eq!(schema["$id"], format!("urn:confirmd:{event_type}"));
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        for (field, said) in schema["properties"].as_object().unwrap() {
            assert!(said["description"].is_string(), "{event_type}: {field}");
        }
    }
}

#[test]
fn every_golden_message_has_the_fields_of_its_schema_and_no_others() {
    let schemas = schemas(&folder());
    let mut seen = BTreeSet::from(["checkout.completed.v1".to_owned()]);
    for (name, message) in goldens() {
        let event_type = message["headers"]["ce_type"].as_str().unwrap();
        let (schema, body) = (&schemas[event_type], &message["body"]);
        assert_eq!(complaints(&validator(schema), body), [""; 0], "{name}");
        assert_eq!(names(body), names(&schema["properties"]), "{name}");
        assert_eq!(names(body), names(&schema["required"]), "{name}");
        seen.insert(event_type.to_owned());
    }
    let all: BTreeSet<String> = schemas.into_keys().collect();
    assert_eq!(seen, all, "left: with a golden message; right: with a schema");
}

/// Every variant of everything that is told of a session.
fn everything_told() -> Vec<Content> {
    let deadline = time(DEADLINE);
    let mut told = vec![
        Content::Cancelled {
            decided_at: deadline,
            deadline,
        },
        Content::Expired { deadline },
        Content::Unresolved {
            because: "Amazon Pay does not know it.".to_owned(),
        },
        Content::AttemptDeclined {
            reason_code: None,
            sets_up_wallet: true,
        },
    ];
    let Content::Confirmed {
        ids,
        permission_details_until,
        ..
    } = confirmed()
    else {
        panic!("it is confirmed")
    };
    for evidence in [Evidence::Answer, Evidence::LookUp] {
        told.push(Content::PaymentPending {
            evidence,
            ids: ids.clone(),
        });
        let Content::Declined { reason_code, .. } = declined(false) else {
            panic!("it is declined")
        };
        told.push(Content::Declined {
            evidence,
            reason_code,
            sets_up_wallet: false,
        });
        for (operation, payment, payment_intent, permission) in [
            (
                Some(Operation::Finalize),
                Payment::Captured,
                Some(PaymentIntent::AuthorizeWithCapture),
                Some(ChargePermissionType::OneTime),
            ),
            (
                Some(Operation::Complete),
                Payment::Authorized,
                Some(PaymentIntent::Authorize),
                Some(ChargePermissionType::Recurring),
            ),
            (
                Some(Operation::Complete),
                Payment::None,
                Some(PaymentIntent::Confirm),
                Some(ChargePermissionType::PaymentMethodOnFile),
            ),
            (None, Payment::None, None, None),
        ] {
            let mut ids = ids.clone();
            ids.charge_permission_type = permission;
            ids.charge_id = ids.charge_id.filter(|_| payment != Payment::None);
            told.push(Content::Confirmed {
                evidence,
                operation,
                payment_intent,
                ids,
                payment,
                charge_amount: Amount::parse("0.50", "GBP").ok(),
                total_order_amount: Amount::parse("999999999999", "JPY").ok(),
                permission_details_until,
            });
        }
    }
    let near = |minutes: u64| AlertKind::DeadlineNear {
        before: Duration::from_secs(minutes * 60),
    };
    for kind in [
        near(360),
        near(45),
        AlertKind::InDoubt,
        AlertKind::NeedsRepair,
        AlertKind::Conflict,
        AlertKind::Forsworn,
        AlertKind::Contradiction,
        AlertKind::PaymentOverdue,
    ] {
        told.extend([true, false].map(|firing| alert(kind, firing)));
    }
    told
}

/// What is told of no session, as it stands in the topic.
async fn every_notice() -> Vec<Value> {
    let (_broker, settings) = broker(1);
    let publisher = Publisher::new(&settings).unwrap();
    let mut told = Vec::new();
    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.alerts_topic)
        .await
        .unwrap();
    for kind in NoticeKind::ALL {
        let notice = Notice {
            alert_id: format!("{}/eu_shop/1", kind.name()),
            kind,
            firing: true,
            summary: "Look at it.".to_owned(),
            account: None,
            key: "eu_shop".to_owned(),
            at: time(DEADLINE),
        };
        publisher.publish_notice(&notice).await.unwrap();
        let record = soon("a notice", reader.next()).await;
        told.push(serde_json::from_slice(record.payload.as_deref().unwrap()).unwrap());
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_word_that_is_told_is_in_its_schema_and_no_other_is() {
    let mut bodies: Vec<(&str, Value)> = every_notice()
        .await
        .into_iter()
        .map(|body| ("checkout.alert.v1", body))
        .collect();
    let facts = everything_told().into_iter();
    bodies.extend(facts.map(|content| told(&announcement(ID, 3, content))));
    let schemas = schemas(&folder());
    let mut words: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (event_type, body) in &bodies {
        assert_eq!(
            complaints(&validator(&schemas[*event_type]), body),
            [""; 0],
            "{body}"
        );
        for (field, value) in body.as_object().unwrap() {
            let of_field = words
                .entry(((*event_type).to_owned(), field.clone()))
                .or_default();
            of_field.insert(value.to_string());
        }
    }
    for (event_type, schema) in schemas {
        if event_type == "checkout.completed.v1" {
            continue;
        }
        for (field, said) in schema["properties"].as_object().unwrap() {
            let Some(known) = said.get("enum").or(said.get("examples")) else {
                continue;
            };
            let known: BTreeSet<String> = known.as_array().unwrap().iter().map(Value::to_string).collect();
            let told = &words[&(event_type.clone(), field.clone())];
            assert_eq!(
                told, &known,
                "{event_type}: {field}; left: told; right: in the schema"
            );
        }
    }
}
