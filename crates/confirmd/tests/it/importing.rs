//! `confirmd sessions import`.

use serde_json::{Value, json};

use crate::support::{Place, id_of};

#[tokio::test(flavor = "multi_thread")]
async fn each_line_of_an_import_is_said_to_be_new_known_changed_or_in_need_of_repair() {
    let place = Place::migrated().await;
    let price = |amount: &str| json!({"chargeAmount": {"amount": amount, "currencyCode": "EUR"}});
    let fine = place.checkout(json!({}));
    let mut other = fine.clone();
    other["chargeAmount"]["amount"] = json!("99.00");
    let flawed = place.checkout(json!({"chargeAmount": null}));
    let mut repaired = flawed.clone();
    repaired["chargeAmount"] = price("23.45")["chargeAmount"].clone();
    let lines: Vec<String> = [&fine, &flawed, &fine, &other, &repaired]
        .map(Value::to_string)
        .to_vec();
    let imported = place.import(&lines, &["--json"]).await;
    assert_eq!(imported.code(), Some(3), "{imported:?}");
    let said = imported.json();
    let (fine, flawed) = (id_of(&fine), id_of(&flawed));
    assert_eq!(
        said,
        json!({
            "taken": 5,
            "new": 1,
            "known": 1,
            "amended": [{"line": 5, "checkoutSessionId": flawed}],
            "kept": [],
            "conflicts": [{"line": 4, "checkoutSessionId": fine}],
            "needsRepair": [{
                "line": 2, "checkoutSessionId": flawed,
                "field": "chargeAmount", "reason": said["needsRepair"][0]["reason"],
            }],
            "bad": [],
        })
    );

    // For people: the file, the line, and why; what is as it was is not listed.
    let again = place.import(&lines, &[]).await;
    assert!(again.stdout.contains("5 taken, 0 bad: 0 new"), "{again:?}");
    let imported = place.import(&lines[..1], &[]).await;
    assert_eq!(imported.code(), Some(0), "{imported:?}");
    assert!(imported.stdout.contains("1 known already"), "{imported:?}");
    let flawed = place.checkout(json!({"chargeAmount": null})).to_string();
    let imported = place.import(&[String::new(), flawed.clone()], &[]).await;
    assert_eq!(imported.code(), Some(3), "{imported:?}");
    assert!(
        imported.stderr.contains("orders.jsonl:2: ")
            && imported.stderr.contains("needs repair: `chargeAmount`"),
        "{imported:?}"
    );
    // Saying it again does not repair it.
    let again = place.import(&[flawed], &[]).await;
    assert_eq!(again.code(), Some(3), "{again:?}");
    assert!(again.stderr.contains("needs repair"), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_array_is_refused_once_and_as_a_whole() {
    let place = Place::migrated().await;
    let checkouts = [0, 1].map(|_| place.checkout(json!({})));
    let lines = json!(checkouts);
    let pretty = serde_json::to_string_pretty(&lines).unwrap();
    let by_line = format!("[\n{},\n{}\n]", checkouts[0], checkouts[1]);
    for array in [lines.to_string(), pretty, by_line] {
        let imported = place.import(&[array], &[]).await;
        assert_eq!(imported.code(), Some(3), "{imported:?}");
        assert_eq!(imported.stderr.lines().count(), 1, "{imported:?}");
        assert!(imported.stderr.contains("one JSON object a line"), "{imported:?}");
        assert!(imported.stdout.contains("0 taken, 1 bad"), "{imported:?}");
    }
    // A line that is one among others is a bad line, and the others are taken.
    let imported = place
        .import(&["[1]".to_owned(), checkouts[0].to_string()], &[])
        .await;
    assert_eq!(imported.code(), Some(3), "{imported:?}");
    assert!(imported.stdout.contains("1 taken, 1 bad"), "{imported:?}");
}
