//! Sessions: how they are made, shown, changed, and how they end by themselves.

use sandbox::BuyerAction;
use serde_json::{Value, json};

use crate::client::{Answer, Call, Client};
use crate::world::{World, order};

const DAY: u64 = 24 * 3600;

fn creation() -> Value {
    json!({
        "webCheckoutDetails": {"checkoutReviewReturnUrl": "https://shop.example/review"},
        "storeId": "amzn1.application-oa2-client.shop",
        "paymentDetails": {"chargeAmount": {"amount": "10.00", "currencyCode": "EUR"}},
    })
}

async fn create(world: &World, body: &Value, key: &str) -> Answer {
    let call = Call::new("POST", "/v2/checkoutSessions", body.to_string(), world.now());
    let call = if key.is_empty() { call } else { call.with_key(key) };
    world.eu.send(&call).await
}

async fn update(world: &World, session: &str, body: Value) -> Answer {
    let path = format!("/v2/checkoutSessions/{session}");
    world
        .eu
        .send(&Call::new("PATCH", path, body.to_string(), world.now()))
        .await
}

#[tokio::test]
async fn an_open_session_shows_everything_that_finalize_needs() {
    let world = World::start().await;
    let session = world.session(json!({
        "account": "us_shop", "merchantMetadata": {"merchantReferenceId": "ORD-1", "merchantStoreName": "Shop"},
    }));
    let us = Client::new(&world.sandbox, "us_shop");
    let shown = us
        .send(&Call::get(format!("/v2/checkoutSessions/{session}"), world.now()))
        .await
        .json();
    let expected = json!({
        "checkoutSessionId": session, "chargePermissionType": "OneTime", "recurringMetadata": null,
        "webCheckoutDetails": {
            "checkoutReviewReturnUrl": null, "checkoutResultReturnUrl": "https://shop.example/pay/result",
            "checkoutCancelUrl": "https://shop.example/cart", "amazonPayRedirectUrl": null,
        },
        "productType": "PayAndShip",
        "paymentDetails": {
            "paymentIntent": "AuthorizeWithCapture", "canHandlePendingAuthorization": false,
            "chargeAmount": {"amount": "23.45", "currencyCode": "USD"}, "totalOrderAmount": null,
            "presentmentCurrency": "USD", "softDescriptor": null, "allowOvercharge": null, "extendExpiration": null,
        },
        "merchantMetadata": {
            "merchantReferenceId": "ORD-1", "merchantStoreName": "Shop", "noteToBuyer": null,
            "customInformation": null,
        },
        "supplementaryData": null,
        "buyer": {
            "buyerId": "amzn1.account.SANDBOXBUYER000000000000", "name": "Robin Example",
            "email": "robin@shop.example", "phoneNumber": null, "primeMembershipTypes": null,
        },
        "billingAddress": null,
        "paymentPreferences": [{"paymentDescriptor": "Visa ****1111 (Amazon Pay)"}],
        "statusDetails": {
            "state": "Open", "reasonCode": null, "reasonDescription": null,
            "lastUpdatedTimestamp": "20260105T100000Z",
        },
        "shippingAddress": {
            "name": "Robin Example", "addressLine1": "12 Sample Street", "addressLine2": null, "addressLine3": null,
            "city": "Springfield", "county": null, "district": null, "stateOrRegion": "IL", "postalCode": "62701",
            "countryCode": "US", "phoneNumber": "2175550100",
        },
        "platformId": null, "chargePermissionId": null, "chargeId": null, "constraints": [],
        "creationTimestamp": "20260105T100000Z", "expirationTimestamp": "20260106T100000Z",
        "storeId": "amzn1.application-oa2-client.sandboxstore",
        "providerMetadata": {"providerReferenceId": null}, "releaseEnvironment": "Sandbox",
        "checkoutButtonText": null, "deliverySpecifications": null,
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_session_lapses_24_hours_after_its_creation_and_is_gone_after_30_days() {
    let world = World::start().await;
    let session = world.session(json!({"creationTimestamp": "2026-01-05T08:00:00Z"}));
    world.advance(22 * 3600 - 1);
    assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], "Open");
    world.advance(1);
    let shown = world.get(&session).await.json();
    let expected = json!({
        "checkoutSessionId": session, "webCheckoutDetails": null, "chargePermissionType": null, "productType": null,
        "paymentDetails": null, "merchantMetadata": null, "buyer": null, "billingAddress": null,
        "paymentPreferences": [null],
        "statusDetails": {
            "state": "Canceled", "reasonCode": "Expired", "reasonDescription": null,
            "lastUpdatedTimestamp": "20260106T080000Z",
        },
        "shippingAddress": null, "chargePermissionId": null, "chargeId": null, "constraints": [null],
        "creationTimestamp": "20260105T080000Z", "expirationTimestamp": null, "releaseEnvironment": null,
    });
    assert_eq!(shown, expected);
    let late = world.finalize(&session, &order()).await;
    assert_eq!(late.verdict(), (422, "InvalidCheckoutSessionStatus".to_owned()));
    world.advance(29 * DAY - 1);
    assert_eq!(world.get(&session).await.status, 200);
    world.advance(1);
    assert_eq!(
        world.get(&session).await.verdict(),
        (404, "ResourceNotFound".to_owned())
    );
}

#[tokio::test]
async fn the_lapse_may_lag_and_may_keep_its_timestamp() {
    let world = World::start().await;
    world.switch(|unknowns| {
        unknowns.expiry_lag = sandbox::Span::parse("10m").unwrap();
        unknowns.canceled_keeps_expiration = true;
    });
    let session = world.session(json!({}));
    world.advance(DAY + 599);
    assert_eq!(world.get(&session).await.json()["statusDetails"]["state"], "Open");
    world.advance(1);
    let shown = world.get(&session).await.json();
    assert_eq!(shown["statusDetails"]["state"], "Canceled");
    assert_eq!(shown["expirationTimestamp"], "20260106T100000Z");
}

#[tokio::test]
async fn a_session_of_another_account_does_not_exist() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let charge = world.finalize(&session, &order()).await.json()["chargeId"]
        .as_str()
        .unwrap()
        .to_owned();
    let permission = charge.rsplit_once('-').unwrap().0;
    let us = Client::new(&world.sandbox, "us_shop");
    for path in [
        format!("checkoutSessions/{session}"),
        format!("charges/{charge}"),
        format!("chargePermissions/{permission}"),
    ] {
        let call = Call::get(format!("/v2/{path}"), world.now());
        assert_eq!(
            us.send(&call).await.verdict(),
            (404, "ResourceNotFound".to_owned()),
            "{path}"
        );
        assert_eq!(world.eu.send(&call).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_charge_permission_tells_what_is_left_and_forgets_the_buyer_after_30_days() {
    let world = World::start().await;
    let total = json!({"amount": "60.00", "currencyCode": "EUR"});
    let session = world.session(json!({"paymentDetails": {"totalOrderAmount": total}}));
    let mut body = order();
    body["totalOrderAmount"] = total;
    let answer = world.finalize(&session, &body).await.json();
    let path = format!(
        "/v2/chargePermissions/{}",
        answer["chargePermissionId"].as_str().unwrap()
    );
    let shown = world.eu.send(&Call::get(path.clone(), world.now())).await.json();
    assert_eq!(shown["limits"]["amountLimit"]["amount"], "60.00");
    assert_eq!(shown["limits"]["amountBalance"]["amount"], "36.55");
    assert_eq!(shown["statusDetails"]["state"], "Chargeable");
    assert_eq!(shown["buyer"]["name"], "Robin Example");
    world.advance(30 * DAY);
    let shown = world.eu.send(&Call::get(path, world.now())).await.json();
    assert_eq!(
        (&shown["buyer"], &shown["shippingAddress"]),
        (&Value::Null, &Value::Null)
    );

    let session = world.session(json!({}));
    let answer = world.finalize(&session, &order()).await.json();
    let path = format!(
        "/v2/chargePermissions/{}",
        answer["chargePermissionId"].as_str().unwrap()
    );
    let shown = world.eu.send(&Call::get(path, world.now())).await.json();
    assert_eq!(shown["statusDetails"]["state"], "Closed");
    assert_eq!(shown["statusDetails"]["reasons"][0]["reasonCode"], "AmazonClosed");
}

#[tokio::test]
async fn a_session_made_through_the_api_goes_from_creation_to_completion() {
    let world = World::start().await;
    let created = create(&world, &creation(), "create-1").await;
    assert_eq!(created.status, 201, "{}", created.text);
    let body = created.json();
    let session = body["checkoutSessionId"].as_str().unwrap();
    assert_eq!(
        (&body["buyer"], &body["shippingAddress"]),
        (&Value::Null, &Value::Null)
    );
    let missing: Vec<&str> = body["constraints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["constraintId"].as_str().unwrap())
        .collect();
    assert_eq!(
        missing,
        [
            "BuyerNotAssociated",
            "CheckoutResultReturnUrlNotSet",
            "PaymentIntentNotSet"
        ]
    );
    assert_eq!(
        create(&world, &creation(), "create-1").await.json(),
        body,
        "replayed"
    );

    let updated = update(&world, session, json!({
        "webCheckoutDetails": {"checkoutResultReturnUrl": "https://shop.example/result"},
        "paymentDetails": {"paymentIntent": "Authorize", "chargeAmount": {"amount": "12.00", "currencyCode": "EUR"}},
    }))
    .await;
    assert_eq!(updated.status, 200, "{}", updated.text);
    assert!(updated.json()["webCheckoutDetails"]["amazonPayRedirectUrl"].is_string());

    let amount = json!({"chargeAmount": {"amount": "12.00", "currencyCode": "EUR"}});
    assert_eq!(
        world.complete(session, &amount).await.status,
        422,
        "the buyer is not done"
    );
    world.sandbox.buyer(session, BuyerAction::Finish).unwrap();
    assert_eq!(world.get(session).await.json()["buyer"]["name"], "Robin Example");
    assert_eq!(world.complete(session, &amount).await.status, 200);
    let after = update(&world, session, json!({"supplementaryData": "x"})).await;
    assert_eq!(after.verdict(), (422, "InvalidCheckoutSessionStatus".to_owned()));
    assert_eq!(world.book(session)["calls"][0]["effect"], "created");
    assert_eq!(world.book(session)["calls"][1]["replayed"], true);
    assert_eq!(world.book(session)["calls"][2]["effect"], "updated");
}

#[tokio::test]
async fn what_a_new_session_lacks_or_has_too_much_of_is_refused() {
    let world = World::start().await;
    assert_eq!(
        create(&world, &creation(), "").await.verdict(),
        (400, "MissingHeader".to_owned())
    );
    for (change, reason) in [
        (json!({"storeId": null}), "MissingParameterValue"),
        (json!({"webCheckoutDetails": {}}), "MissingParameterValue"),
        (json!({"colour": "red"}), "UnrecognizedField"),
        (json!({"paymentDetails": {"fee": 1}}), "UnrecognizedField"),
        (
            json!({"paymentDetails": {"paymentIntent": "Pay"}}),
            "InvalidParameterValue",
        ),
        (
            json!({"paymentDetails": {"softDescriptor": "seventeen letters"}}),
            "InvalidParameterValue",
        ),
        (
            json!({"merchantMetadata": {"merchantStoreName": "x".repeat(51)}}),
            "InvalidParameterValue",
        ),
        (
            json!({"chargePermissionType": "Forever"}),
            "InvalidParameterValue",
        ),
    ] {
        let mut body = creation();
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        assert_eq!(
            create(&world, &body, "k").await.verdict(),
            (400, reason.to_owned()),
            "{change}"
        );
    }
    let session = create(&world, &creation(), "k").await.json()["checkoutSessionId"]
        .as_str()
        .unwrap()
        .to_owned();
    let yen = json!({"chargeAmount": {"amount": "5", "currencyCode": "JPY"}});
    let other = update(&world, &session, json!({"paymentDetails": yen})).await;
    assert_eq!(other.verdict(), (400, "CurrencyMismatch".to_owned()));
    let set_again = update(
        &world,
        &session,
        json!({"paymentDetails": {"presentmentCurrency": "USD"}}),
    )
    .await;
    assert_eq!(set_again.status, 400);
}

#[tokio::test]
async fn a_recurring_session_waits_for_its_frequency_and_is_sent_on_once_nothing_is_missing() {
    let world = World::start().await;
    let mut body = creation();
    body["chargePermissionType"] = json!("Recurring");
    body["webCheckoutDetails"]["checkoutResultReturnUrl"] = json!("https://shop.example/result");
    body["paymentDetails"]["paymentIntent"] = json!("AuthorizeWithCapture");
    let created = create(&world, &body, "k").await.json();
    let missing = |body: &Value| -> Vec<String> {
        let constraints = body["constraints"].as_array().unwrap().iter();
        constraints
            .map(|c| c["constraintId"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        missing(&created),
        ["BuyerNotAssociated", "RecurringFrequencyNotSet"]
    );
    assert_eq!(created["webCheckoutDetails"]["amazonPayRedirectUrl"], Value::Null);
    let session = created["checkoutSessionId"].as_str().unwrap();
    for (frequency, status) in [
        (json!({"unit": "Fortnight", "value": "1"}), 400),
        (json!({"unit": "Month", "value": "often"}), 400),
        (json!({"unit": "Month"}), 400),
        (json!({"unit": "Variable", "value": "0"}), 200),
    ] {
        let change = json!({"recurringMetadata": {"frequency": frequency, "amount": null}});
        assert_eq!(
            update(&world, session, change).await.status,
            status,
            "{frequency}"
        );
    }
    let shown = world.get(session).await.json();
    assert_eq!(missing(&shown), ["BuyerNotAssociated"]);
    assert!(shown["webCheckoutDetails"]["amazonPayRedirectUrl"].is_string());
    world.sandbox.buyer(session, BuyerAction::Finish).unwrap();
    assert_eq!(world.get(session).await.json()["constraints"], json!([]));
}

#[tokio::test]
async fn null_in_a_new_session_is_as_if_it_were_absent() {
    let world = World::start().await;
    let mut body = creation();
    for field in [
        "paymentDetails",
        "merchantMetadata",
        "chargePermissionType",
        "recurringMetadata",
        "scopes",
    ] {
        body[field] = Value::Null;
    }
    body["webCheckoutDetails"]["checkoutCancelUrl"] = Value::Null;
    let created = create(&world, &body, "k").await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.json()["chargePermissionType"], "OneTime");
    let session = created.json()["checkoutSessionId"].as_str().unwrap().to_owned();
    for (change, reason) in [
        (
            json!({"webCheckoutDetails": {"checkoutCancelUrl": 5}}),
            "InvalidParameterValue",
        ),
        (
            json!({"paymentDetails": {"extendExpiration": "maybe"}}),
            "InvalidParameterValue",
        ),
        (
            json!({"paymentDetails": {"presentmentCurrency": "XXX"}}),
            "InvalidParameterValue",
        ),
        (json!({"supplementaryData": {}}), "InvalidParameterValue"),
        (
            json!({"merchantMetadata": {"merchantReferenceId": 5}}),
            "InvalidParameterValue",
        ),
        (json!({"merchantMetadata": {"orderId": "5"}}), "UnrecognizedField"),
    ] {
        let answer = update(&world, &session, change.clone()).await;
        assert_eq!(answer.verdict(), (400, reason.to_owned()), "{change}");
    }
}

#[tokio::test]
async fn the_permission_and_its_charges_outlive_the_session() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let body = world.finalize(&session, &order()).await.json();
    world.advance(40 * DAY);
    assert_eq!(world.get(&session).await.status, 404);
    assert_eq!(
        world.get_charge(body["chargeId"].as_str().unwrap()).await.status,
        200
    );
}
