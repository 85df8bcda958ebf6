//! Charges: made, captured, cancelled, and what becomes of them by themselves.

use serde_json::{Value, json};

use crate::world::{DAY, World, authorized, captured, consent, eur, is, refused, standing};

fn charging(permission: &str, amount: &str) -> Value {
    json!({"chargePermissionId": permission, "chargeAmount": eur(amount)})
}

fn with(mut body: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else {
        panic!("changes are an object");
    };
    for (name, value) in changes {
        body[name] = value;
    }
    body
}

#[tokio::test]
async fn a_charge_is_made_shown_captured_and_ends_its_permission() {
    let world = World::start().await;
    let (permission, none) = world.confirmed(consent("50.00")).await;
    assert_eq!(none, "", "nothing is charged by consent alone");
    let body = with(
        charging(&permission, "20.00"),
        json!({
            "softDescriptor": "SHOP 12", "chargeInitiator": "CITU", "channel": "Web",
            "merchantMetadata": {"merchantReferenceId": "ORD-7"}, "captureNow": "false",
        }),
    );
    let made = world.post("charges", "c1", body.clone()).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let charge = made.json();
    let id = charge["chargeId"].as_str().unwrap();
    assert!(id.starts_with(&format!("{permission}-C")), "{id}");
    assert_eq!(standing(&charge), is("Authorized", ""));
    assert_eq!(charge["merchantMetadata"]["merchantReferenceId"], "ORD-7");
    assert_eq!(
        (&charge["softDescriptor"], &charge["channel"]),
        (&json!("SHOP 12"), &json!("Web"))
    );
    assert_eq!(world.look(&format!("charges/{id}")).await, charge);
    let again = world.post("charges", "c1", body).await;
    assert_eq!((again.status, again.json()), (201, charge.clone()), "replayed");

    let path = format!("charges/{id}/capture");
    let too_much = world
        .post(&path, "k1", json!({"captureAmount": eur("20.01")}))
        .await;
    assert_eq!(too_much.verdict(), refused(400, "TransactionAmountExceeded"));
    assert!(too_much.text.contains("'20.01 EUR'"), "{}", too_much.text);
    let part = world
        .post(&path, "k2", json!({"captureAmount": eur("15.00")}))
        .await;
    assert_eq!(part.status, 200, "{}", part.text);
    assert_eq!(standing(&part.json()), is("Captured", ""));
    assert_eq!(part.json()["captureAmount"], eur("15.00"));
    let second = world
        .post(&path, "k3", json!({"captureAmount": eur("5.00")}))
        .await;
    assert_eq!(second.verdict(), refused(422, "InvalidChargeStatus"));

    let limits = world.look(&format!("chargePermissions/{permission}")).await["limits"].clone();
    assert_eq!(
        limits,
        json!({"amountLimit": eur("50.00"), "amountBalance": eur("35.00")})
    );
    let over = world.post("charges", "c2", charging(&permission, "35.01")).await;
    assert_eq!(over.verdict(), refused(400, "TransactionAmountExceeded"));
    let rest = with(charging(&permission, "35"), json!({"captureNow": true}));
    assert_eq!(
        standing(&world.post("charges", "c3", rest).await.json()),
        is("Captured", "")
    );
    let shown = world.look(&format!("chargePermissions/{permission}")).await;
    assert_eq!(standing(&shown), is("Closed", "AmazonClosed"));
    let late = world.post("charges", "c4", charging(&permission, "1")).await;
    assert_eq!(late.verdict(), refused(422, "InvalidChargePermissionStatus"));
    let totals = &world.sandbox.books().totals["EUR"];
    assert_eq!(
        (totals.captured.to_string(), totals.released.to_string()),
        ("50.00".into(), "5.00".into())
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_charge_has_its_reason_code() {
    let world = World::start().await;
    let (permission, _) = world.confirmed(consent("50.00")).await;
    for (change, status, reason, named) in [
        (
            json!({"chargePermissionId": null}),
            400,
            "MissingParameterValue",
            "chargePermissionId",
        ),
        (
            json!({"chargeAmount": null}),
            400,
            "MissingParameterValue",
            "chargeAmount",
        ),
        (
            json!({"chargePermissionId": "S01-0-0"}),
            404,
            "ResourceNotFound",
            "S01-0-0",
        ),
        (json!({"fee": 1}), 400, "UnrecognizedField", "fee"),
        (
            json!({"chargeAmount": eur("1.234")}),
            400,
            "InvalidParameterValue",
            "'1.234'",
        ),
        (
            json!({"chargeAmount": {"amount": "5", "currencyCode": "USD"}}),
            400,
            "CurrencyMismatch",
            "'5 USD'",
        ),
        (
            json!({"chargeAmount": eur("150000.01")}),
            400,
            "TransactionAmountExceeded",
            "150000",
        ),
        (
            json!({"softDescriptor": "seventeen letters"}),
            400,
            "InvalidParameterValue",
            "softDescriptor",
        ),
        (
            json!({"captureNow": "perhaps"}),
            400,
            "InvalidParameterValue",
            "'perhaps'",
        ),
        (
            json!({"channel": "Pigeon"}),
            400,
            "InvalidParameterValue",
            "'Pigeon'",
        ),
        (
            json!({"merchantMetadata": {"noteToBuyer": "x".repeat(256)}}),
            400,
            "InvalidParameterValue",
            "note",
        ),
        (
            json!({"captureNow": true, "canHandlePendingAuthorization": true}),
            400,
            "InvalidParameterCombination",
            "captureNow",
        ),
    ] {
        let body = with(charging(&permission, "5"), change.clone());
        let answer = world.post("charges", "k", body).await;
        assert_eq!(
            answer.verdict(),
            refused(status, reason),
            "{change}: {}",
            answer.text
        );
        assert!(answer.text.contains(named), "{change}: {}", answer.text);
    }
    for (path, body) in [
        ("charges", charging(&permission, "5")),
        ("charges/x/capture", json!({"captureAmount": eur("5")})),
        ("refunds", json!({"chargeId": "x", "refundAmount": eur("5")})),
    ] {
        let without = world.call("POST", path, body.clone()).await;
        assert_eq!(without.verdict(), refused(400, "MissingHeader"), "{path}");
        let empty = world.post(path, "", body).await;
        assert_eq!(empty.verdict(), refused(400, "MissingHeaderValue"), "{path}");
    }
}

#[tokio::test]
async fn a_one_time_permission_takes_25_charges_and_a_recurring_one_more() {
    let world = World::start().await;
    for (kind, last) in [("OneTime", 422), ("Recurring", 201)] {
        let mut session = consent("50.00");
        session["chargePermissionType"] = json!(kind);
        let (permission, _) = world.confirmed(session).await;
        for nth in 0..25 {
            let made = world
                .post("charges", &format!("{kind}-{nth}"), charging(&permission, "0.01"))
                .await;
            assert_eq!(made.status, 201, "{nth}: {}", made.text);
        }
        let one_more = world.post("charges", kind, charging(&permission, "0.01")).await;
        assert_eq!(one_more.status, last, "{}", one_more.text);
        if last == 422 {
            assert_eq!(one_more.reason(), "TransactionCountExceeded");
        } else {
            let shown = world.look(&format!("chargePermissions/{permission}")).await;
            assert_eq!(shown["limits"], Value::Null);
        }
    }
}

#[tokio::test]
async fn a_capture_is_decided_at_once_for_seven_days_and_later_after_that() {
    let world = World::start().await;
    let (_, early) = world.confirmed(authorized("10.00")).await;
    let (_, late) = world.confirmed(authorized("10.00")).await;
    let capture = |charge: &str| format!("charges/{charge}/capture");
    let body = json!({"captureAmount": eur("10.00")});
    world.advance(7 * DAY);
    let answer = world.post(&capture(&early), "k1", body.clone()).await;
    assert_eq!(standing(&answer.json()), is("Captured", ""));
    world.advance(1);
    let answer = world.post(&capture(&late), "k2", body).await;
    assert_eq!(
        (answer.status, standing(&answer.json())),
        (200, is("CaptureInitiated", ""))
    );
    world.advance(29);
    assert_eq!(
        standing(&world.look(&format!("charges/{late}")).await),
        is("CaptureInitiated", "")
    );
    world.advance(1);
    let shown = world.look(&format!("charges/{late}")).await;
    assert_eq!(standing(&shown), is("Captured", ""));
    assert_eq!(shown["statusDetails"]["lastUpdatedTimestamp"], "20260112T100031Z");
}

#[tokio::test]
async fn an_authorization_lapses_after_30_days() {
    let world = World::start().await;
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    world.advance(30 * DAY - 1);
    assert_eq!(
        standing(&world.look(&format!("charges/{charge}")).await),
        is("Authorized", "")
    );
    world.advance(1);
    let shown = world.look(&format!("charges/{charge}")).await;
    assert_eq!(standing(&shown), is("Canceled", "ExpiredUnused"));
    let balance =
        world.look(&format!("chargePermissions/{permission}")).await["limits"]["amountBalance"].clone();
    assert_eq!(balance, eur("10.00"), "what was not taken can be charged again");
    world.clock.set(crate::world::START.parse().unwrap());
    let shown = world.look(&format!("charges/{charge}")).await;
    assert_eq!(
        standing(&shown),
        is("Canceled", "ExpiredUnused"),
        "nothing unhappens"
    );
}

#[tokio::test]
async fn a_charge_is_cancelled_until_it_is_captured() {
    let world = World::start().await;
    let cancel = |charge: &str| format!("charges/{charge}/cancel");
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    let missing = world.call("DELETE", &cancel(&charge), json!({})).await;
    assert_eq!(missing.verdict(), refused(400, "MissingParameterValue"));
    let empty = world.call("DELETE", &cancel(&charge), Value::Null).await;
    assert_eq!(empty.verdict(), refused(400, "MissingParameterValue"));
    let long = world
        .call(
            "DELETE",
            &cancel(&charge),
            json!({"cancellationReason": "x".repeat(256)}),
        )
        .await;
    assert_eq!(long.verdict(), refused(400, "InvalidParameterValue"));
    let why = json!({"cancellationReason": "out of stock"});
    let done = world.call("DELETE", &cancel(&charge), why.clone()).await;
    assert_eq!(
        (done.status, standing(&done.json())),
        (200, is("Canceled", "MerchantCanceled"))
    );
    let again = world.call("DELETE", &cancel(&charge), why.clone()).await;
    assert_eq!(again.verdict(), refused(422, "InvalidChargeStatus"));
    let capture = world
        .post(
            &format!("charges/{charge}/capture"),
            "k",
            json!({"captureAmount": eur("1")}),
        )
        .await;
    assert_eq!(capture.verdict(), refused(422, "InvalidChargeStatus"));
    let shown = world.look(&format!("chargePermissions/{permission}")).await;
    assert_eq!(standing(&shown), is("Chargeable", ""));
    let (_, paid) = world.confirmed(captured("10.00")).await;
    let late = world.call("DELETE", &cancel(&paid), why).await;
    assert_eq!(late.verdict(), refused(422, "InvalidChargeStatus"));
}

#[tokio::test]
async fn update_charge_changes_what_is_booked_and_can_be_kept_to_providers() {
    let world = World::start().await;
    let (_, charge) = world.confirmed(authorized("10.00")).await;
    let path = format!("charges/{charge}");
    let body = json!({"merchantMetadata": {"merchantReferenceId": "ORD-8"}});
    let answer = world.call("PATCH", &path, body.clone()).await;
    assert_eq!(answer.json()["merchantMetadata"]["merchantReferenceId"], "ORD-8");
    let unknown = world
        .call("PATCH", &path, json!({"chargeAmount": eur("1")}))
        .await;
    assert_eq!(unknown.verdict(), refused(400, "UnrecognizedField"));
    world.switch(|unknowns| unknowns.update_charge_for_everyone = false);
    assert_eq!(
        world.call("PATCH", &path, body).await.verdict(),
        refused(401, "UnauthorizedAccess")
    );
}

#[tokio::test]
async fn a_provider_reports_a_charge_along_the_arrows_and_no_other_way() {
    let world = World::start().await;
    let report = async |charge: &str, details: Value| {
        let body = json!({"statusDetails": details});
        world.call("PATCH", &format!("charges/{charge}"), body).await
    };
    for (details, reason) in [
        (json!({"state": "Captured"}), ""),
        (json!({"state": "CaptureInitiated"}), ""),
        (json!({"state": "Canceled"}), "MerchantCanceled"),
        (
            json!({"state": "Canceled", "reasonCode": "BuyerCanceled"}),
            "BuyerCanceled",
        ),
    ] {
        let (_, charge) = world.confirmed(authorized("10.00")).await;
        let answer = report(&charge, details.clone()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let state = details["state"].as_str().unwrap();
        assert_eq!(standing(&answer.json()), is(state, reason));
        let back = report(&charge, json!({"state": "Authorized"})).await;
        assert_eq!(back.verdict(), refused(422, "InvalidChargeStatus"), "{state}");
    }
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    for (details, status, reason, named) in [
        (
            json!({"state": "Declined"}),
            422,
            "InvalidChargeStatus",
            "'Authorized'",
        ),
        (
            json!({"state": "Authorized"}),
            422,
            "InvalidChargeStatus",
            "'Authorized'",
        ),
        (
            json!({"reasonCode": "BuyerCanceled"}),
            400,
            "MissingParameterValue",
            "statusDetails.state",
        ),
        (json!({"state": "Paid"}), 400, "InvalidParameterValue", "'Paid'"),
        (
            json!({"state": "Canceled", "reasonCode": "Whim"}),
            400,
            "InvalidParameterValue",
            "statusDetails.reasonCode: 'Whim'",
        ),
        (
            json!({"state": "Captured", "reasonCode": "BuyerCanceled"}),
            400,
            "InvalidParameterCombination",
            "Captured",
        ),
        (
            json!({"state": "Captured", "when": "now"}),
            400,
            "UnrecognizedField",
            "statusDetails.when",
        ),
    ] {
        let answer = report(&charge, details).await;
        assert_eq!(answer.verdict(), refused(status, reason));
        assert!(answer.text.contains(named), "{}", answer.text);
    }
    let begun = report(&charge, json!({"state": "CaptureInitiated"})).await;
    assert_eq!(begun.json()["captureAmount"], eur("10.00"));
    let details = json!({"state": "Declined", "reasonCode": "AmazonRejected", "reasonDescription": "no"});
    let declined = report(&charge, details).await.json();
    assert_eq!(standing(&declined), is("Declined", "AmazonRejected"));
    assert_eq!(declined["statusDetails"]["reasonDescription"], "no");
    assert_eq!(declined["captureAmount"], Value::Null);
    let permission = world.look(&format!("chargePermissions/{permission}")).await;
    assert_eq!(standing(&permission), is("Closed", "AmazonCanceled"));
    let totals = world.sandbox.books().totals["EUR"].clone();
    assert_eq!(
        [
            totals.captured,
            totals.capturing,
            totals.canceled,
            totals.declined,
            totals.authorized
        ]
        .map(|sum| sum.to_string()),
        ["10.00", "10.00", "20.00", "10.00", "0"]
    );
}

#[tokio::test]
async fn a_simulation_code_decides_how_a_charge_goes() {
    let world = World::start().await;
    let charge = async |code: &str, changes: Value, key: &str| {
        let (permission, _) = world.confirmed(consent("50.00")).await;
        let body = with(charging(&permission, "5"), changes);
        let call = world
            .calling("POST", "charges", &body)
            .with_key(key)
            .simulating(code);
        let answer = world.eu.send(&call).await;
        (permission, answer)
    };
    for (code, permission_is) in [
        ("SoftDeclined", is("Chargeable", "")),
        ("TransactionTimedOut", is("Chargeable", "")),
        ("HardDeclined", is("NonChargeable", "PaymentMethodInvalid")),
        ("AmazonRejected", is("Closed", "AmazonCanceled")),
    ] {
        let (permission, answer) = charge(code, json!({}), code).await;
        assert_eq!(answer.verdict(), refused(422, code));
        let shown = world.look(&format!("chargePermissions/{permission}")).await;
        assert_eq!(standing(&shown), permission_is, "{code}");
    }
    let waits = json!({"canHandlePendingAuthorization": true});
    for (code, then, permission_is) in [
        (
            "AuthorizationInitiated",
            is("Authorized", ""),
            is("Chargeable", ""),
        ),
        (
            "Pending-SoftDeclined",
            is("Declined", "SoftDeclined"),
            is("Chargeable", ""),
        ),
        (
            "Pending-HardDeclined",
            is("Declined", "HardDeclined"),
            is("NonChargeable", "PaymentMethodInvalid"),
        ),
        (
            "Pending-AmazonRejected",
            is("Declined", "AmazonRejected"),
            is("Closed", "AmazonCanceled"),
        ),
    ] {
        let (permission, answer) = charge(code, waits.clone(), code).await;
        assert_eq!(
            (answer.status, standing(&answer.json())),
            (201, is("AuthorizationInitiated", ""))
        );
        let shown = world.look(&format!("chargePermissions/{permission}")).await;
        assert_eq!(standing(&shown), is("NonChargeable", "ChargeInProgress"));
        world.advance(30);
        let id = answer.json()["chargeId"].as_str().unwrap().to_owned();
        assert_eq!(
            standing(&world.look(&format!("charges/{id}")).await),
            then,
            "{code}"
        );
        let shown = world.look(&format!("chargePermissions/{permission}")).await;
        assert_eq!(standing(&shown), permission_is, "{code}");
    }
    let now = json!({"captureNow": true});
    let (_, answer) = charge("CaptureInitiated", now.clone(), "now").await;
    assert_eq!(standing(&answer.json()), is("CaptureInitiated", ""));
    for (code, changes) in [
        ("CaptureInitiated", json!({})),
        ("AuthorizationInitiated", json!({})),
        ("AuthorizationInitiated", now),
        ("BuyerCanceled", json!({})),
    ] {
        let (_, answer) = charge(code, changes, "impossible").await;
        assert_eq!(
            answer.verdict(),
            refused(400, "InvalidSandboxSimulationSpecified"),
            "{code}"
        );
    }
    world.switch(|unknowns| unknowns.pending_charge_simulation_codes = false);
    let (_, answer) = charge("Pending-SoftDeclined", waits, "off").await;
    assert_eq!(
        answer.verdict(),
        refused(400, "InvalidSandboxSimulationSpecified")
    );
}

#[tokio::test]
async fn a_capture_and_a_closing_have_simulation_codes_of_their_own() {
    let world = World::start().await;
    let simulated = async |method: &'static str, path: String, body: Value, code: &str| {
        let call = world.calling(method, &path, &body).with_key("k").simulating(code);
        world.eu.send(&call).await
    };
    let body = json!({"captureAmount": eur("10.00")});
    let (_, slow) = world.confirmed(authorized("10.00")).await;
    let answer = simulated(
        "POST",
        format!("charges/{slow}/capture"),
        body.clone(),
        "CaptureInitiated",
    )
    .await;
    assert_eq!(standing(&answer.json()), is("CaptureInitiated", ""));
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    let call = world
        .calling("POST", &format!("charges/{charge}/capture"), &body)
        .with_key("other")
        .simulating("AmazonRejected");
    assert_eq!(
        world.eu.send(&call).await.verdict(),
        refused(422, "AmazonRejected")
    );
    assert_eq!(
        standing(&world.look(&format!("charges/{charge}")).await),
        is("Declined", "AmazonRejected")
    );
    let shown = world.look(&format!("chargePermissions/{permission}")).await;
    assert_eq!(standing(&shown), is("Closed", "AmazonCanceled"));
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    let why = json!({"closureReason": "test"});
    let answer = simulated(
        "DELETE",
        format!("chargePermissions/{permission}/close"),
        why,
        "AmazonClosed",
    )
    .await;
    assert_eq!(standing(&answer.json()), is("Closed", "AmazonClosed"));
    let why = json!({"cancellationReason": "test"});
    let answer = simulated("DELETE", format!("charges/{charge}/cancel"), why, "AmazonClosed").await;
    assert_eq!(
        answer.verdict(),
        refused(400, "InvalidSandboxSimulationSpecified")
    );
    let looked = simulated("GET", format!("charges/{charge}"), Value::Null, "AmazonClosed").await;
    assert_eq!(looked.status, 200, "a look-up simulates nothing");
}

#[tokio::test]
async fn a_recurring_payment_that_may_wait_always_does() {
    let world = World::start().await;
    let (_, charge) = world
        .confirmed(json!({
            "chargePermissionType": "Recurring",
            "paymentDetails": {"paymentIntent": "Authorize", "canHandlePendingAuthorization": true},
        }))
        .await;
    assert_eq!(
        standing(&world.look(&format!("charges/{charge}")).await),
        is("AuthorizationInitiated", "")
    );
    world.advance(30);
    assert_eq!(
        standing(&world.look(&format!("charges/{charge}")).await),
        is("Authorized", "")
    );
}
