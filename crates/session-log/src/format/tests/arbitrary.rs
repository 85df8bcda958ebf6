//! Whatever a column holds, reading it back is an answer and no panic. `FUZZ_INPUTS=1000000` has a million inputs.

use proptest::prelude::*;

use super::super::{read_event, read_personal, store_event, store_personal};
use super::{GOLDEN, golden};

/// What is read stands for the same when it is stored anew; what is not says of which kind of fact.
fn stored_event(kind: &str, format: i64, body: &str) {
    match read_event(kind, format, body) {
        Ok(event) => {
            let again = store_event(&event);
            assert_eq!(again.kind, event.name());
            let read = read_event(again.kind, i64::from(again.format), &again.body);
            assert_eq!(read.unwrap(), event);
        }
        Err(error) => assert!(error.to_string().contains(kind), "{error}"),
    }
}

fn stored_personal(format: i64, content: &str) {
    if let Ok(personal) = read_personal(format, content) {
        assert!(read_personal(format, &store_personal(&personal)).unwrap() == personal);
    }
}

/// A fact of the golden file, its body with a few characters changed, dropped or doubled, under its own name or
/// another one's.
fn damaged() -> impl Strategy<Value = (String, String)> {
    let facts: Vec<(String, String)> = golden()
        .iter()
        .map(|fact| {
            (
                fact["type"].as_str().unwrap().to_owned(),
                fact["body"].to_string(),
            )
        })
        .collect();
    let kinds: Vec<String> = facts.iter().map(|(kind, _)| kind.clone()).collect();
    let damage = proptest::collection::vec((any::<proptest::sample::Index>(), any::<Option<char>>()), 0..4);
    let kind = proptest::option::weighted(0.2, proptest::sample::select(kinds));
    (proptest::sample::select(facts), damage, kind).prop_map(|((own, body), damage, kind)| {
        let mut body: Vec<char> = body.chars().collect();
        for (at, character) in damage {
            if body.is_empty() {
                break;
            }
            let at = at.index(body.len());
            match character {
                Some(character) => body[at] = character,
                None => drop(body.remove(at)),
            }
        }
        (kind.unwrap_or(own), body.into_iter().collect())
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(testkit::arbitrary_inputs()) })]

    #[test]
    fn whatever_a_fact_is_stored_as_it_is_read_or_its_kind_is_named(
        (kind, body) in damaged(),
        format in prop_oneof![9 => Just(1), 1 => any::<i64>()],
    ) {
        stored_event(&kind, format, &body);
    }

    #[test]
    fn whatever_personal_data_are_stored_as_they_are_read_or_refused(
        content in prop_oneof![
            ".{0,60}",
            r#"\{"(shippingAddress|billingAddress)": ?(\{"(name|city|addressLine1)": ?("[^"]{0,8}"|null|7)\}|null|\[\])(, ?"supplementaryData": ?"x")?\}"#,
        ],
        format in prop_oneof![9 => Just(1), 1 => any::<i64>()],
    ) {
        stored_personal(format, &content);
    }
}

/// Else the first might only ever see what is refused at the first character.
#[test]
fn the_facts_that_are_damaged_are_read_while_they_are_whole() {
    assert!(GOLDEN.len() > 1000);
    for fact in golden() {
        stored_event(fact["type"].as_str().unwrap(), 1, &fact["body"].to_string());
        assert!(read_event(fact["type"].as_str().unwrap(), 1, &fact["body"].to_string()).is_ok());
    }
}
