//! Charge permissions and refunds, and the list of changes.

use sandbox::{ChangeKind, ObjectType};
use serde_json::{Value, json};

use crate::client::control;
use crate::world::{DAY, World, authorized, captured, consent, eur, is, refused, standing};

#[tokio::test]
async fn a_permission_s_metadata_is_changed_while_it_is_not_closed() {
    let world = World::start().await;
    let (permission, _) = world.confirmed(consent("50.00")).await;
    let path = format!("chargePermissions/{permission}");
    let body = json!({"merchantMetadata": {"merchantReferenceId": "ORD-9", "noteToBuyer": null}});
    let answer = world.call("PATCH", &path, body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let metadata = &answer.json()["merchantMetadata"];
    assert_eq!(
        (&metadata["merchantReferenceId"], &metadata["merchantStoreName"]),
        (&json!("ORD-9"), &json!("eu_shop")),
        "the rest is kept"
    );
    let long = json!({"merchantMetadata": {"merchantReferenceId": "x".repeat(257)}});
    assert_eq!(
        world.call("PATCH", &path, long).await.verdict(),
        refused(400, "InvalidParameterValue")
    );
    let rhythm = json!({"recurringMetadata": {"frequency": {"unit": "Month", "value": "1"}}});
    let wrong = world.call("PATCH", &path, rhythm.clone()).await;
    assert_eq!(wrong.verdict(), refused(400, "InvalidParameterCombination"));
    let (recurring, _) = world
        .confirmed(json!({"chargePermissionType": "Recurring"}))
        .await;
    let answer = world
        .call("PATCH", &format!("chargePermissions/{recurring}"), rhythm)
        .await;
    assert_eq!(answer.json()["recurringMetadata"]["frequency"]["unit"], "Month");

    let (closed, _) = world.confirmed(captured("5.00")).await;
    let path = format!("chargePermissions/{closed}");
    let late = world.call("PATCH", &path, body.clone()).await;
    assert_eq!(late.verdict(), refused(422, "ChargePermissionNotModifiable"));
    world.switch(|unknowns| unknowns.closed_permission_takes_metadata = true);
    assert_eq!(world.call("PATCH", &path, body).await.status, 200);
}

#[tokio::test]
async fn closing_ends_what_may_be_charged_and_on_request_what_is_open() {
    let world = World::start().await;
    let close = |permission: &str| format!("chargePermissions/{permission}/close");
    for (cancels, charge_is) in [
        (json!(null), is("Authorized", "")),
        (json!("true"), is("Canceled", "ChargePermissionCanceled")),
    ] {
        let mut session = authorized("10.00");
        session["paymentDetails"]["totalOrderAmount"] = eur("50.00");
        let (permission, charge) = world.confirmed(session).await;
        assert_eq!(
            world
                .call("DELETE", &close(&permission), json!({}))
                .await
                .verdict(),
            refused(400, "MissingParameterValue")
        );
        let body = json!({"closureReason": "done", "cancelPendingCharges": cancels});
        let answer = world.call("DELETE", &close(&permission), body.clone()).await;
        assert_eq!(
            (answer.status, standing(&answer.json())),
            (200, is("Closed", "MerchantClosed"))
        );
        assert_eq!(
            standing(&world.look(&format!("charges/{charge}")).await),
            charge_is
        );
        let again = world.call("DELETE", &close(&permission), body).await;
        assert_eq!(again.verdict(), refused(422, "ChargePermissionNotModifiable"));
        let capture = json!({"captureAmount": eur("10.00")});
        let captured = world
            .post(&format!("charges/{charge}/capture"), &permission, capture)
            .await;
        assert_eq!(captured.status, if cancels.is_null() { 200 } else { 422 });
    }
    let long = json!({"closureReason": "x".repeat(256)});
    let (permission, _) = world.confirmed(consent("5.00")).await;
    let answer = world.call("DELETE", &close(&permission), long).await;
    assert_eq!(answer.verdict(), refused(400, "InvalidParameterValue"));
}

#[tokio::test]
async fn a_permission_expires_after_180_days_or_13_months() {
    let world = World::start().await;
    let extended = json!({"paymentDetails": {"paymentIntent": "Confirm", "extendExpiration": true}});
    let (plain, _) = world.confirmed(consent("5.00")).await;
    let (long, _) = world.confirmed(extended).await;
    let recurring = json!({"chargePermissionType": "Recurring"});
    let (renewed, _) = world.confirmed(recurring.clone()).await;
    let (forgotten, _) = world.confirmed(recurring).await;
    let wallet = json!({"chargePermissionType": "PaymentMethodOnFile"});
    let session = world.session(wallet);
    let setup = world.complete(&session, &json!({})).await.json();
    let wallet = setup["chargePermissionId"].as_str().unwrap().to_owned();
    let look = async |id: &str| world.look(&format!("chargePermissions/{id}")).await;
    assert_eq!(look(&long).await["expirationTimestamp"], "20270205T100000Z");
    world.advance(180 * DAY - 1);
    assert_eq!(standing(&look(&plain).await), is("Chargeable", ""));
    world.advance(1);
    assert_eq!(standing(&look(&plain).await), is("Closed", "Expired"));
    assert_eq!(look(&plain).await["buyer"], Value::Null);
    assert_eq!(
        look(&renewed).await["buyer"]["name"],
        "Robin Example",
        "while it is open"
    );
    let charge = json!({"chargePermissionId": renewed, "chargeAmount": eur("5.00"), "captureNow": true});
    assert_eq!(world.post("charges", "k", charge).await.status, 201);
    world.advance(220 * DAY);
    assert_eq!(standing(&look(&long).await), is("Closed", "Expired"));
    assert_eq!(standing(&look(&forgotten).await), is("Closed", "Expired"));
    assert_eq!(
        standing(&look(&renewed).await),
        is("Chargeable", ""),
        "a charge renews it"
    );
    assert_eq!(
        standing(&look(&wallet).await),
        is("Chargeable", ""),
        "until it is closed"
    );
}

#[tokio::test]
async fn a_refund_is_decided_later_and_never_gives_back_too_much() {
    let world = World::start().await;
    let (_, charge) = world.confirmed(captured("20.00")).await;
    let refund =
        |amount: &str| json!({"chargeId": charge, "refundAmount": eur(amount), "softDescriptor": "BACK"});
    let made = world.post("refunds", "r1", refund("8.00")).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let body = made.json();
    let id = body["refundId"].as_str().unwrap();
    assert!(id.contains("-R"), "{id}");
    assert_eq!(
        (standing(&body), &body["chargeId"]),
        (is("RefundInitiated", ""), &json!(charge))
    );
    let again = world.post("refunds", "r1", refund("8.00")).await;
    assert_eq!(again.json(), body, "replayed");
    let other = world.post("refunds", "r1", refund("9.00")).await;
    assert_eq!(other.verdict(), refused(400, "DuplicateIdempotencyKey"));
    assert_eq!(
        world.look(&format!("charges/{charge}")).await["refundedAmount"],
        Value::Null
    );
    world.advance(30);
    assert_eq!(
        standing(&world.look(&format!("refunds/{id}")).await),
        is("Refunded", "")
    );
    assert_eq!(
        world.look(&format!("charges/{charge}")).await["refundedAmount"],
        eur("8.00")
    );
    // 15 % of 20 more.
    let too_much = world.post("refunds", "r2", refund("15.01")).await;
    assert_eq!(too_much.verdict(), refused(400, "TransactionAmountExceeded"));
    let call = world
        .calling("POST", "refunds", &refund("15.00"))
        .with_key("r3")
        .simulating("ProcessingFailure");
    let failing = world.eu.send(&call).await.json();
    assert_eq!(
        world.post("refunds", "r4", refund("0.01")).await.status,
        400,
        "all of it is being given back"
    );
    world.advance(30);
    let failed = world
        .look(&format!("refunds/{}", failing["refundId"].as_str().unwrap()))
        .await;
    assert_eq!(standing(&failed), is("Declined", "ProcessingFailure"));
    assert_eq!(world.post("refunds", "r5", refund("15.00")).await.status, 201);
    // 75 at most.
    let (_, large) = world.confirmed(captured("1000.00")).await;
    let large = |amount: &str| json!({"chargeId": large, "refundAmount": eur(amount)});
    assert_eq!(world.post("refunds", "r6", large("1075.01")).await.status, 400);
    assert_eq!(world.post("refunds", "r7", large("1075.00")).await.status, 201);
    let (_, open) = world.confirmed(authorized("10.00")).await;
    let early = world
        .post(
            "refunds",
            "r8",
            json!({"chargeId": open, "refundAmount": eur("1")}),
        )
        .await;
    assert_eq!(early.verdict(), refused(422, "InvalidChargeStatus"));
    assert_eq!(
        world.call("GET", "refunds/S01-R0", Value::Null).await.verdict(),
        refused(404, "ResourceNotFound")
    );
    let books = world.sandbox.books();
    let totals = &books.totals["EUR"];
    assert_eq!(
        (totals.refunded.to_string(), totals.refunding.to_string()),
        ("8.00".into(), "1090.00".into())
    );
    assert_eq!(books.permissions[0].charges[0].refunds.len(), 3);
}

#[tokio::test]
async fn after_a_refusal_the_buyer_takes_another_card_or_leaves() {
    let world = World::start().await;
    let (permission, _) = world
        .confirmed(json!({"chargePermissionType": "Recurring"}))
        .await;
    let look = async || standing(&world.look(&format!("chargePermissions/{permission}")).await);
    let body = json!({"chargePermissionId": permission, "chargeAmount": eur("5.00")});
    let call = world
        .calling("POST", "charges", &body)
        .with_key("k1")
        .simulating("HardDeclined");
    assert_eq!(world.eu.send(&call).await.status, 422);
    assert_eq!(look().await, is("NonChargeable", "PaymentMethodInvalid"));
    let refused_still = world.post("charges", "k2", body.clone()).await;
    assert_eq!(
        refused_still.verdict(),
        refused(422, "InvalidChargePermissionStatus")
    );
    let act = async |body: &str| {
        let path = format!("/permissions/{permission}/buyer");
        control(world.sandbox.info(), "POST", &path, body).await.status
    };
    assert_eq!(act(r#"{"action": "update", "card": "1111"}"#).await, 204);
    assert_eq!(look().await, is("Chargeable", ""));
    assert_eq!(world.post("charges", "k3", body).await.status, 201);
    assert_eq!(act(r#"{"action": "close"}"#).await, 204);
    assert_eq!(look().await, is("Closed", "BuyerClosed"));
    assert_eq!(act(r#"{"action": "update"}"#).await, 404);
}

#[tokio::test]
async fn a_note_on_a_declined_charge_does_not_refuse_the_new_card() {
    let world = World::start().await;
    let (permission, _) = world
        .confirmed(json!({"chargePermissionType": "Recurring"}))
        .await;
    let body = json!({
        "chargePermissionId": permission, "chargeAmount": eur("5.00"), "canHandlePendingAuthorization": true,
    });
    let call = world
        .calling("POST", "charges", &body)
        .with_key("k1")
        .simulating("Pending-HardDeclined");
    let charge = world.eu.send(&call).await.json()["chargeId"].clone();
    world.advance(30);
    let look = async || standing(&world.look(&format!("chargePermissions/{permission}")).await);
    assert_eq!(look().await, is("NonChargeable", "PaymentMethodInvalid"));
    let path = format!("/permissions/{permission}/buyer");
    control(world.sandbox.info(), "POST", &path, r#"{"action": "update"}"#).await;
    let path = format!("charges/{}", charge.as_str().unwrap());
    let note = json!({"providerMetadata": {"providerReferenceId": "P-1"}});
    assert_eq!(world.call("PATCH", &path, note).await.status, 200);
    assert_eq!(look().await, is("Chargeable", ""));
}

#[tokio::test]
async fn a_buyer_is_known_by_the_id_that_serves_as_a_token() {
    let world = World::start().await;
    let session = world.session(json!({"buyer": {"buyerId": "amzn1.account.KIM", "name": "Kim Muster"}}));
    assert_eq!(
        world.get(&session).await.json()["buyer"]["buyerId"],
        "amzn1.account.KIM"
    );
    let buyer = world.call("GET", "buyers/amzn1.account.KIM", Value::Null).await;
    assert_eq!(buyer.status, 200, "{}", buyer.text);
    assert_eq!(
        (&buyer.json()["name"], &buyer.json()["postalCode"]),
        (&json!("Kim Muster"), &json!("10115"))
    );
    let unknown = world
        .call("GET", "buyers/amzn1.account.NOBODY", Value::Null)
        .await;
    assert_eq!(unknown.verdict(), refused(404, "ResourceNotFound"));
}

#[tokio::test]
async fn every_change_is_listed_once_at_its_own_moment() {
    let world = World::start().await;
    let mut count = world.sandbox.count_of_changes();
    let mut session = authorized("10.00");
    session["card"] = json!("0701");
    session["paymentDetails"]["canHandlePendingAuthorization"] = json!(true);
    let (permission, charge) = world.confirmed(session).await;
    assert!(count.has_changed().unwrap());
    let due = world.sandbox.next_due().unwrap();
    assert_eq!(due.to_string(), "2026-01-05T10:00:30Z");
    world.advance(3600);
    let capture = json!({"captureAmount": eur("10.00")});
    world
        .post(&format!("charges/{charge}/capture"), "k", capture)
        .await;
    let body = json!({"chargeId": charge, "refundAmount": eur("1.00")});
    let refund = world.post("refunds", "r", body).await.json()["refundId"]
        .as_str()
        .unwrap()
        .to_owned();
    world.advance(30);
    let (made, decided, later, last) = (
        "2026-01-05T10:00:00Z",
        "2026-01-05T10:00:30Z",
        "2026-01-05T11:00:00Z",
        "2026-01-05T11:00:30Z",
    );
    let changes = world.sandbox.changes(0);
    let told: Vec<(String, ObjectType, &str, ChangeKind)> = changes
        .iter()
        .map(|change| {
            (
                change.at.to_string(),
                change.object_type,
                change.object_id.as_str(),
                change.kind,
            )
        })
        .collect();
    let state = ChangeKind::StateChange;
    let expected = [
        (made, ObjectType::ChargePermission, &permission, state),
        (made, ObjectType::Charge, &charge, state),
        (made, ObjectType::ChargePermission, &permission, state),
        (decided, ObjectType::Charge, &charge, state),
        (decided, ObjectType::ChargePermission, &permission, state),
        (later, ObjectType::Charge, &charge, state),
        (later, ObjectType::ChargePermission, &permission, state),
        (later, ObjectType::Refund, &refund, state),
        (last, ObjectType::Refund, &refund, state),
        (last, ObjectType::Charge, &charge, ChangeKind::AttributeChange),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(at, object, id, kind)| (at.to_owned(), object, id.as_str(), kind))
        .collect();
    assert_eq!(told, expected);
    assert!(
        changes
            .iter()
            .all(|change| change.charge_permission_id == permission && change.merchant == 0)
    );
    assert_eq!(world.sandbox.changes(changes.len()), []);
    assert_eq!(*count.borrow_and_update(), changes.len());
}
