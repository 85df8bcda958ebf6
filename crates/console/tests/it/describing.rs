//! The OpenAPI document says what there is, all of it and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Console, OPERATE, basic};

async fn document(console: &Console) -> Value {
    let answer = console.get("/api/openapi.json", &[]).await;
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.body).unwrap()
}

/// The routes of the crate's own sources.
fn routes() -> BTreeSet<String> {
    let sources = ["src/api.rs", "src/acts.rs", "src/pages/personal.rs"].map(|file| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        std::fs::read_to_string(path).unwrap()
    });
    let text: String = sources.concat().split_whitespace().collect();
    let routes = text.split(".route(\"").skip(1);
    let paths = routes.map(|rest| rest.split('"').next().unwrap().to_owned());
    paths
        .filter(|path| !path.starts_with("/sessions") && !path.starts_with("/accounts"))
        .collect()
}

#[tokio::test]
async fn every_route_for_programs_is_described_and_every_described_one_is_there() {
    let console = Console::with(None, Some(OPERATE)).await;
    let document = document(&console).await;
    let described: BTreeSet<String> = document["paths"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(described, routes());
    for (path, methods) in document["paths"].as_object().unwrap() {
        let path = path.replace("{id}", "S-1").replace("{name}", "eu_shop").replace(
            "{act}",
            if path.contains("accounts") {
                "pause"
            } else {
                "retry"
            },
        );
        let operations = methods.as_object().unwrap().iter();
        for (method, operation) in operations.filter(|(name, _)| *name != "parameters") {
            let json = "content-type: application/json";
            let ada = basic("ada", OPERATE);
            let (more, body) = match method.as_str() {
                "post" => (vec![json, &ada], r#"{"reason": "to see"}"#),
                _ if path.ends_with("/personal") => (vec![ada.as_str()], ""),
                _ => (vec![], ""),
            };
            let answer = console.send(&method.to_uppercase(), &path, &more, body).await;
            let status = answer.status.to_string();
            assert!(
                operation["responses"][&status].is_object(),
                "{method} {path} answers {status}, which is not described"
            );
            check(&document, &operation["responses"][&status], &answer.body, &path);
        }
    }
}

/// Whether a body has what its schema requires, and nothing that the schema does not know.
fn check(document: &Value, response: &Value, body: &str, path: &str) {
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_null() {
        return;
    }
    let body: Value = serde_json::from_str(body).unwrap();
    fits(document, schema, &body, path);
}

fn fits(document: &Value, schema: &Value, value: &Value, place: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let found = document.pointer(reference.trim_start_matches('#'));
        return fits(
            document,
            found.unwrap_or_else(|| panic!("{reference} is not there")),
            value,
            place,
        );
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().map(|one| one.as_str().unwrap()).collect(),
        _ => vec![],
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_u64() => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        types.is_empty() || types.contains(&is) || (is == "integer" && types.contains(&"number")),
        "{place} is {is}, not {types:?}"
    );
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{place}: {value} is none of {values:?}");
    }
    if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
        for (n, one) in values.iter().enumerate() {
            fits(document, items, one, &format!("{place}[{n}]"));
        }
    }
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    let Some(fields) = value.as_object() else {
        return;
    };
    for (name, field) in fields {
        let known = properties.get(name);
        fits(
            document,
            known.unwrap_or_else(|| panic!("{place}.{name} is not described")),
            field,
            name,
        );
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        assert!(
            fields.contains_key(name.as_str().unwrap()),
            "{place} has no {name}"
        );
    }
}
