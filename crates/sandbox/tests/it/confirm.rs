//! Finalize and Complete: what they book, and what they refuse.

use sandbox::{BuyerAction, Mismatch};
use serde_json::{Value, json};

use crate::world::{World, order, order_with};

#[tokio::test]
async fn finalize_charges_the_buyer_once_and_completes_the_session() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let answer = world.finalize(&session, &order()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    let permission = body["chargePermissionId"].as_str().unwrap();
    let charge = body["chargeId"].as_str().unwrap();
    assert!(
        permission.starts_with("S01-") && permission.len() == 19,
        "{permission}"
    );
    assert_eq!(charge.strip_prefix(permission).unwrap().len(), "-C123456".len());
    let expected = json!({
        "checkoutSessionId": session, "webCheckoutDetails": null, "chargePermissionType": "OneTime",
        "recurringMetadata": null, "productType": null, "paymentDetails": null, "merchantMetadata": null,
        "supplementaryData": null, "buyer": null, "billingAddress": null, "paymentPreferences": [null],
        "statusDetails": {
            "state": "Completed", "reasonCode": null, "reasonDescription": null,
            "lastUpdatedTimestamp": "20260105T100000Z",
        },
        "shippingAddress": null, "platformId": null, "chargePermissionId": permission, "chargeId": charge,
        "constraints": [null], "creationTimestamp": "20260105T100000Z", "expirationTimestamp": null,
        "storeId": null, "deliverySpecifications": null, "providerMetadata": null, "releaseEnvironment": null,
    });
    assert_eq!(body, expected);
    assert_eq!(world.get(&session).await.json(), expected);
    let repeated = world.finalize(&session, &order()).await;
    assert_eq!(
        repeated.verdict(),
        (422, "InvalidCheckoutSessionStatus".to_owned())
    );
    assert_eq!(
        world.sandbox.books().session(&session).unwrap().times_completed(),
        1
    );
}

#[tokio::test]
async fn the_intent_decides_what_becomes_of_the_money() {
    let world = World::start().await;
    for (intent, charge) in [
        ("AuthorizeWithCapture", Some("Captured")),
        ("Authorize", Some("Authorized")),
        ("Confirm", None),
    ] {
        let session = world.session(json!({"paymentDetails": {"paymentIntent": intent}}));
        let answer = world
            .finalize(&session, &order_with(json!({"paymentIntent": intent})))
            .await;
        assert_eq!(answer.status, 200, "{intent}: {}", answer.text);
        let body = answer.json();
        assert!(body["chargePermissionId"].is_string(), "{intent}");
        match charge {
            None => assert_eq!(body["chargeId"], Value::Null, "{intent}"),
            Some(state) => {
                let shown = world.get_charge(body["chargeId"].as_str().unwrap()).await.json();
                assert_eq!(shown["statusDetails"]["state"], state, "{intent}");
                assert_eq!(
                    shown["chargeAmount"],
                    json!({"amount": "23.45", "currencyCode": "EUR"})
                );
                assert_eq!(shown["chargePermissionId"], body["chargePermissionId"]);
            }
        }
    }
}

#[tokio::test]
async fn complete_takes_the_amount_and_the_session_s_intent() {
    let world = World::start().await;
    let session = world.session(json!({"paymentDetails": {"paymentIntent": "Authorize"}}));
    let missing = world.complete(&session, &json!({})).await;
    assert_eq!(missing.verdict(), (400, "MissingParameterValue".to_owned()));
    let answer = world
        .complete(&session, &json!({"chargeAmount": order()["chargeAmount"]}))
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(world.book(&session)["charges"][0]["state"], "Authorized");
}

#[tokio::test]
async fn a_saved_wallet_setup_is_completed_with_an_empty_body_and_has_no_charge() {
    let world = World::start().await;
    let setup = json!({"chargePermissionType": "PaymentMethodOnFile", "paymentMethodOnFileMetadata": {"setupOnly": true}});
    let session = world.session(setup.clone());
    let body = world.complete(&session, &json!({})).await.json();
    assert_eq!(body["chargePermissionType"], "PaymentMethodOnFile");
    assert_eq!(
        (body["chargePermissionId"].is_string(), &body["chargeId"]),
        (true, &Value::Null)
    );

    world.switch(|unknowns| unknowns.setup_shows_charge_id = true);
    let session = world.session(setup);
    let body = world.complete(&session, &json!({})).await.json();
    let phantom = world.get_charge(body["chargeId"].as_str().unwrap()).await;
    assert_eq!(phantom.verdict(), (404, "ResourceNotFound".to_owned()));
    assert_eq!(world.book(&session)["charges"], json!([]));
}

#[tokio::test]
async fn each_difference_from_the_session_has_its_own_refusal() {
    let world = World::start().await;
    let full = json!({
        "paymentDetails": {"totalOrderAmount": {"amount": "60.00", "currencyCode": "EUR"}},
        "supplementaryData": "echo",
    });
    let right =
        json!({"totalOrderAmount": {"amount": 60, "currencyCode": "EUR"}, "supplementaryData": "echo"});
    let eur = |amount: &str| json!({"amount": amount, "currencyCode": "EUR"});
    let mut moved = order()["shippingAddress"].clone();
    moved["city"] = json!("Hamburg");
    let mut unknown_line = order()["shippingAddress"].clone();
    unknown_line["addressLine4"] = json!("x");
    for (change, status, reason, named) in [
        (
            json!({"chargeAmount": eur("23.46")}),
            409,
            "AmountMismatch",
            "chargeAmount: '23.46 EUR'",
        ),
        (
            json!({"chargeAmount": {"amount": "23.45", "currencyCode": "USD"}}),
            400,
            "CurrencyMismatch",
            "chargeAmount: '23.45 USD'",
        ),
        (
            json!({"chargeAmount": eur("23.450")}),
            400,
            "InvalidParameterValue",
            "chargeAmount.amount: '23.450'",
        ),
        (
            json!({"chargeAmount": null}),
            400,
            "MissingParameterValue",
            "chargeAmount",
        ),
        (
            json!({"totalOrderAmount": eur("60.01")}),
            409,
            "AmountMismatch",
            "totalOrderAmount: '60.01 EUR'",
        ),
        (
            json!({"totalOrderAmount": null}),
            400,
            "MissingParameterValue",
            "totalOrderAmount",
        ),
        (
            json!({"supplementaryData": "other"}),
            400,
            "InvalidParameterValue",
            "supplementaryData: 'other'",
        ),
        (
            json!({"supplementaryData": null}),
            400,
            "MissingParameterValue",
            "supplementaryData",
        ),
        (
            json!({"paymentIntent": "Authorize"}),
            400,
            "InvalidParameterValue",
            "paymentIntent: 'Authorize'",
        ),
        (
            json!({"paymentIntent": "Charge"}),
            400,
            "InvalidParameterValue",
            "paymentIntent: 'Charge'",
        ),
        (
            json!({"paymentIntent": null}),
            400,
            "MissingParameterValue",
            "paymentIntent",
        ),
        (
            json!({"shippingAddress": null}),
            400,
            "MissingParameterValue",
            "shippingAddress",
        ),
        (
            json!({"shippingAddress": moved}),
            400,
            "InvalidParameterValue",
            "shippingAddress.city: 'Hamburg'",
        ),
        (
            json!({"shippingAddress": unknown_line}),
            400,
            "UnrecognizedField",
            "shippingAddress.addressLine4",
        ),
        (
            json!({"billingAddress": {"name": "Kim"}}),
            400,
            "InvalidParameterValue",
            "billingAddress.name: 'Kim'",
        ),
        (
            json!({"merchantMetadata": {}}),
            400,
            "UnrecognizedField",
            "merchantMetadata",
        ),
        (
            json!({"canHandlePendingAuthorization": "maybe"}),
            400,
            "InvalidParameterValue",
            "canHandlePendingAuthorization: 'maybe'",
        ),
        (
            json!({"canHandlePendingAuthorization": "true"}),
            400,
            "InvalidParameterCombination",
            "canHandlePendingAuthorization 'true'",
        ),
    ] {
        let session = world.session(full.clone());
        let mut body = order_with(right.clone());
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = world.finalize(&session, &body).await;
        assert_eq!(
            answer.verdict(),
            (status, reason.to_owned()),
            "{change}: {}",
            answer.text
        );
        assert!(answer.text.contains(named), "{change}: {}", answer.text);
        assert_eq!(world.book(&session)["state"], "Open", "{change}");
    }
    let session = world.session(full);
    assert_eq!(world.finalize(&session, &order_with(right)).await.status, 200);
}

#[tokio::test]
async fn what_is_written_differently_but_means_the_same_is_accepted() {
    let world = World::start().await;
    let mut address = order()["shippingAddress"].clone();
    address.as_object_mut().unwrap().extend(
        json!({"addressLine2": "", "county": null})
            .as_object()
            .unwrap()
            .clone(),
    );
    for change in [
        json!({"chargeAmount": {"amount": 23.45, "currencyCode": "EUR"}}),
        json!({"shippingAddress": address}),
        json!({"billingAddress": null, "totalOrderAmount": null, "supplementaryData": null}),
        json!({"canHandlePendingAuthorization": "false"}),
        json!({"canHandlePendingAuthorization": false}),
    ] {
        let session = world.session(json!({}));
        let answer = world.finalize(&session, &order_with(change.clone())).await;
        assert_eq!(answer.status, 200, "{change}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_product_type_says_which_address_is_needed() {
    let world = World::start().await;
    let session = world.session(json!({"productType": "PayOnly"}));
    let mut body = order();
    let address = body.as_object_mut().unwrap().remove("shippingAddress").unwrap();
    let answer = world.finalize(&session, &body).await;
    assert_eq!(answer.verdict(), (400, "MissingParameterValue".to_owned()));
    body["billingAddress"] = address;
    assert_eq!(world.finalize(&session, &body).await.status, 200);
}

#[tokio::test]
async fn yen_have_no_decimals() {
    let world = World::start().await;
    let yen = |amount: &str| json!({"chargeAmount": {"amount": amount, "currencyCode": "JPY"}});
    let session = world.session(json!({"paymentDetails": yen("705")}));
    let answer = world.complete(&session, &yen("705.00")).await;
    assert_eq!(answer.verdict(), (400, "InvalidParameterValue".to_owned()));
    assert_eq!(world.complete(&session, &yen("705")).await.status, 200);
}

#[tokio::test]
async fn a_body_that_is_no_json_object_is_a_wrong_format() {
    let world = World::start().await;
    let session = world.session(json!({}));
    for body in ["", "[]", "{\"chargeAmount\":", "null"] {
        let mut call = world.finalizing(&session, &order());
        call.body = body.to_owned();
        assert_eq!(
            world.eu.send(&call).await.verdict(),
            (400, "InvalidRequestFormat".to_owned()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_buyer_who_has_not_finished_or_has_backed_out_cannot_be_charged() {
    let world = World::start().await;
    let session = world.session(json!({"buyerFinished": false}));
    let refused = (422, "InvalidCheckoutSessionStatus".to_owned());
    assert_eq!(world.finalize(&session, &order()).await.verdict(), refused);
    assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], "Open");
    world.sandbox.buyer(&session, BuyerAction::Finish).unwrap();
    assert_eq!(world.finalize(&session, &order()).await.status, 200);

    for (action, reason) in [
        (BuyerAction::Cancel, "BuyerCanceled"),
        (BuyerAction::Decline, "Declined"),
    ] {
        let session = world.session(json!({}));
        world.sandbox.buyer(&session, action).unwrap();
        assert_eq!(world.finalize(&session, &order()).await.verdict(), refused);
        assert_eq!(world.book(&session)["reasonCode"], reason);
    }
}

#[tokio::test]
async fn a_bad_card_cancels_the_session_when_it_is_confirmed() {
    let world = World::start().await;
    for (status, card, reason) in [(422, "3434", "Declined"), (400, "3064", "BuyerCanceled")] {
        world.switch(|unknowns| unknowns.session_canceled_status = status);
        let session = world.session(json!({"card": card}));
        assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], "Open");
        let answer = world.finalize(&session, &order()).await;
        assert_eq!(answer.verdict(), (status, "CheckoutSessionCanceled".to_owned()));
        let shown = world.get(&session).await.json();
        assert_eq!(shown["statusDetails"]["state"], "Canceled");
        assert_eq!(shown["statusDetails"]["reasonCode"], reason);
        assert_eq!(world.book(&session)["calls"][1]["effect"], "canceled");
        let again = world.finalize(&session, &order()).await;
        assert_eq!(again.verdict(), (422, "InvalidCheckoutSessionStatus".to_owned()));
    }
    for card in ["1111", "0005", "4444", "9424", "0000"] {
        let session = world.session(json!({"card": card}));
        assert_eq!(world.finalize(&session, &order()).await.status, 200, "{card}");
    }
}

#[tokio::test]
async fn a_confirmation_is_refused_as_it_was_ordered() {
    let world = World::start().await;
    let order_for =
        |after: &str| json!({"refuse": {"status": 422, "reasonCode": "HardDeclined", "sessionAfter": after}});
    let hard = (422, "HardDeclined".to_owned());
    let canceled = world.session(order_for("Canceled"));
    assert_eq!(world.finalize(&canceled, &order()).await.verdict(), hard);
    assert_eq!(
        (
            world.book(&canceled)["state"].clone(),
            world.book(&canceled)["reasonCode"].clone()
        ),
        (json!("Canceled"), json!("Declined"))
    );

    let open = world.session(order_for("Open"));
    for _ in 0..2 {
        assert_eq!(world.finalize(&open, &order()).await.verdict(), hard);
        assert_eq!(world.book(&open)["state"], "Open");
    }
    world.sandbox.buyer(&open, BuyerAction::Finish).unwrap();
    assert_eq!(
        world.finalize(&open, &order()).await.status,
        200,
        "the buyer took another card"
    );

    let once =
        world.session(json!({"refuse": {"status": 500, "reasonCode": "ProcessingFailure", "times": 1}}));
    assert_eq!(
        world.finalize(&once, &order()).await.verdict(),
        (500, "ProcessingFailure".to_owned())
    );
    assert_eq!(world.finalize(&once, &order()).await.status, 200);
}

#[tokio::test]
async fn a_simulation_code_overrides_the_card() {
    let world = World::start().await;
    for code in ["BuyerCanceled", "AmazonCanceled", "Declined"] {
        let session = world.session(json!({}));
        let call = world.finalizing(&session, &order()).simulating(code);
        assert_eq!(
            world.eu.send(&call).await.verdict(),
            (422, "CheckoutSessionCanceled".to_owned())
        );
        assert_eq!(world.book(&session)["reasonCode"], code);
    }
    let session = world.session(json!({"card": "3434"}));
    for code in ["Nonsense", "AuthorizationInitiated"] {
        let call = world.finalizing(&session, &order()).simulating(code);
        let refused = (400, "InvalidSandboxSimulationSpecified".to_owned());
        assert_eq!(world.eu.send(&call).await.verdict(), refused, "{code}");
    }
    assert_eq!(world.book(&session)["state"], "Open");
}

#[tokio::test]
async fn what_amazon_does_not_document_about_confirmations_is_a_switch() {
    let world = World::start().await;
    let surplus = order_with(json!({"totalOrderAmount": {"amount": "60.00", "currencyCode": "EUR"}}));
    let session = world.session(json!({}));
    assert_eq!(
        world.finalize(&session, &surplus).await.verdict(),
        (409, "AmountMismatch".to_owned())
    );
    world.switch(|unknowns| {
        unknowns.total_order_amount_mismatch = Mismatch {
            status: 400,
            reason_code: "InvalidParameterValue".to_owned(),
        };
    });
    assert_eq!(
        world.finalize(&session, &surplus).await.verdict(),
        (400, "InvalidParameterValue".to_owned())
    );
    world.switch(|unknowns| {
        unknowns.ignore_what_session_lacks = true;
        unknowns.finalize_answers_in_full = true;
        unknowns.completed_shows_permission_type = false;
    });
    let body = world.finalize(&session, &surplus).await.json();
    assert_eq!(body["paymentDetails"]["chargeAmount"]["amount"], "23.45");
    assert_eq!(
        (&body["chargePermissionType"], body["buyer"].is_object()),
        (&Value::Null, true)
    );

    world.switch(|unknowns| unknowns.finalize_takes_merchant_metadata = true);
    let session = world.session(json!({}));
    let body = order_with(json!({"merchantMetadata": {"merchantReferenceId": "ORDER-1"}}));
    assert_eq!(world.finalize(&session, &body).await.status, 200);

    world.switch(|unknowns| unknowns.either_operation_confirms = false);
    let session = world.session(json!({"operation": "Complete"}));
    assert_eq!(
        world.finalize(&session, &order()).await.verdict(),
        (405, "UnsupportedOperation".to_owned())
    );
    assert_eq!(
        world
            .complete(&session, &json!({"chargeAmount": order()["chargeAmount"]}))
            .await
            .status,
        200
    );
}
