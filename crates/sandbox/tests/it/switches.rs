//! Each switch in both positions: what it changes can be seen.

use sandbox::{AddressComparison, Mismatch, Span, Unknowns};
use serde_json::{Value, json};

use crate::client::{Call, Client};
use crate::world::{
    DAY, World, authorized, captured, consent, eur, is, order, order_with, refused, standing,
};

fn odd() -> Mismatch {
    Mismatch {
        status: 418,
        reason_code: "Odd".to_owned(),
    }
}

/// A world with some switches set.
async fn with(change: impl FnOnce(&mut Unknowns)) -> World {
    let world = World::start().await;
    world.switch(change);
    world
}

#[tokio::test]
async fn who_is_let_in_is_switched() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let status = async |client: &Client, prefix: &str, suffix: &str, date: &str| {
        let path = format!("{prefix}/v2/checkoutSessions/{session}{suffix}");
        let mut call = Call::get(path, world.now());
        if !date.is_empty() {
            call.date = date.to_owned();
        }
        client.send(&call).await.status
    };
    let late = "20260105T120000Z";
    let mut capitals = Client::new(&world.sandbox, "eu_shop");
    capitals.region = "EU".to_owned();
    assert_eq!(status(&world.eu, "", "/", "").await, 200);
    assert_eq!(status(&capitals, "", "", "").await, 200);
    assert_eq!(status(&world.eu, "/sandbox", "", "").await, 200);
    assert_eq!(status(&world.eu, "/live", "", "").await, 403);
    assert_eq!(status(&world.eu, "", "", late).await, 403);
    world.switch(|unknowns| {
        unknowns.trailing_slash_accepted = false;
        unknowns.region_in_any_case = false;
        unknowns.wrong_environment = odd();
        unknowns.clock_skew_refusal = odd();
    });
    assert_eq!(status(&world.eu, "", "/", "").await, 404);
    assert_eq!(status(&capitals, "", "", "").await, 403);
    assert_eq!(status(&world.eu, "/live", "", "").await, 418);
    assert_eq!(status(&world.eu, "", "", late).await, 418);
    world.switch(|unknowns| unknowns.prefixed_key_may_name_environment = false);
    assert_eq!(status(&world.eu, "/sandbox", "", "").await, 404);
    assert_eq!(status(&world.eu, "", "", "").await, 200);
}

#[tokio::test]
async fn a_key_of_the_older_kind_works_where_the_path_names_its_environment() {
    let world = World::start().await;
    let session = world.session(json!({}));
    let mut older = Client::new(&world.sandbox, "eu_shop");
    older
        .key_id
        .clone_from(&world.sandbox.info().merchants[0].older_public_key_id);
    assert!(
        older.key_id.len() == 24 && !older.key_id.contains('-'),
        "{}",
        older.key_id
    );
    world.switch(|unknowns| unknowns.prefixed_key_may_name_environment = false);
    for (prefix, status) in [("/sandbox", 200), ("", 403), ("/live", 403)] {
        let call = Call::get(format!("{prefix}/v2/checkoutSessions/{session}"), world.now());
        assert_eq!(older.send(&call).await.status, status, "{prefix}");
    }
}

#[tokio::test]
async fn what_answers_tell_besides_is_switched() {
    let world = with(|unknowns| {
        unknowns.answers_have_new_fields = true;
        unknowns.describe_reasons = true;
        unknowns.canceled_keeps_creation = false;
        unknowns.recurring_ids_have_own_letter = true;
        unknowns.clear_constraints_are_null = true;
    })
    .await;
    let session = world.session(json!({}));
    let open = world.get(&session).await.json();
    assert_eq!(
        (&open["fieldOfTheFuture"], &open["constraints"]),
        (&json!("2031"), &json!([null]))
    );
    let (permission, _) = world
        .confirmed(json!({"chargePermissionType": "Recurring"}))
        .await;
    assert!(permission.starts_with("B01-"), "{permission}");
    world.advance(DAY);
    let lapsed = world.get(&session).await.json();
    assert!(lapsed["statusDetails"]["reasonDescription"].is_string());
    assert_eq!(lapsed["creationTimestamp"], Value::Null);
    let (permission, _) = world.confirmed(captured("1.00")).await;
    let shown = world.look(&format!("chargePermissions/{permission}")).await;
    assert!(shown["statusDetails"]["reasons"][0]["reasonDescription"].is_string());
}

#[tokio::test]
async fn what_a_key_that_comes_again_means_is_switched() {
    let world = with(|unknowns| unknowns.replayed_creation_answers_200 = true).await;
    let (permission, _) = world.confirmed(consent("9.00")).await;
    let body = json!({"chargePermissionId": permission, "chargeAmount": eur("1.00")});
    assert_eq!(world.post("charges", "k", body.clone()).await.status, 201);
    assert_eq!(world.post("charges", "k", body).await.status, 200);
    let (one, other) = (world.session(json!({})), world.session(json!({})));
    let finalize = async |session: &str| {
        let call = world.finalizing(session, &order()).with_key("same");
        world.eu.send(&call).await.verdict()
    };
    world.switch(|unknowns| unknowns.key_is_bound_to_path = false);
    assert_eq!(finalize(&one).await.0, 200);
    assert_eq!(finalize(&other).await.0, 200);
    assert_eq!(finalize(&other).await.0, 200, "replayed");
}

#[tokio::test]
async fn limits_of_new_sessions_are_switched() {
    let world = World::start().await;
    let creation = |extra: Value| {
        let mut body = json!({
            "webCheckoutDetails": {"checkoutReviewReturnUrl": "https://shop.example/review"},
            "storeId": "amzn1.application-oa2-client.shop",
        });
        body.as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        body
    };
    let long = creation(json!({"merchantMetadata": {"customInformation": "x".repeat(4097)}}));
    let much = creation(json!({"paymentDetails": {"chargeAmount": eur("150000.01")}}));
    let create =
        async |key: &str, body: &Value| world.post("checkoutSessions", key, body.clone()).await.verdict();
    assert_eq!(create("a", &long).await, refused(400, "InvalidParameterValue"));
    assert_eq!(
        create("b", &much).await,
        refused(400, "TransactionAmountExceeded")
    );
    world.switch(|unknowns| {
        unknowns.custom_information_limit = None;
        unknowns.amount_above_maximum = odd();
    });
    assert_eq!(create("c", &long).await.0, 201);
    assert_eq!(create("d", &much).await, refused(418, "Odd"));

    let session = world.session(json!({}));
    let update = world
        .calling(
            "PATCH",
            &format!("checkoutSessions/{session}"),
            &json!({"supplementaryData": "x"}),
        )
        .simulating("Declined");
    assert_eq!(world.eu.send(&update).await.status, 200);
    world.switch(|unknowns| unknowns.update_takes_simulation_codes = false);
    let verdict = world.eu.send(&update).await.verdict();
    assert_eq!(verdict, refused(400, "InvalidSandboxSimulationSpecified"));

    world.switch(|unknowns| unknowns.bad_cards_cancel_on_return = true);
    let session = world.session(json!({"card": "3064", "buyerFinished": false}));
    world
        .sandbox
        .buyer(&session, sandbox::BuyerAction::Finish)
        .unwrap();
    assert_eq!(
        standing(&world.get(&session).await.json()),
        is("Canceled", "BuyerCanceled")
    );
}

#[tokio::test]
async fn how_a_confirmation_is_answered_is_switched() {
    let world = with(|unknowns| {
        unknowns.finalize_answers_202 = false;
        unknowns.finalize_confirm_shows_charge_id = true;
        unknowns.look_up_lag = Span::parse("5s").unwrap();
        unknowns.canceled_session_refusal = odd();
        unknowns.session_canceled_reason_code = "InvalidCheckoutSessionStatus".to_owned();
    })
    .await;
    let details = json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": true});
    let pending = world.session(json!({"card": "0701", "paymentDetails": details}));
    let body = order_with(json!({"paymentIntent": "Authorize"}));
    let answer = world.finalize(&pending, &body).await;
    assert_eq!(
        (answer.status, standing(&answer.json())),
        (200, is("Completed", ""))
    );
    assert_eq!(standing(&world.get(&pending).await.json()), is("Open", ""));
    assert_eq!(
        world.finalize(&pending, &body).await.status,
        422,
        "it is Completed all the same"
    );
    world.advance(5);
    assert_eq!(standing(&world.get(&pending).await.json()), is("Completed", ""));

    let consent = world.session(json!({"paymentDetails": {"paymentIntent": "Confirm"}}));
    let answer = world
        .finalize(&consent, &order_with(json!({"paymentIntent": "Confirm"})))
        .await;
    let phantom = answer.json()["chargeId"].as_str().unwrap().to_owned();
    assert_eq!(world.get_charge(&phantom).await.status, 404);

    let session = world.session(json!({"card": "3434"}));
    let first = world.finalize(&session, &order()).await.verdict();
    assert_eq!(first, refused(422, "InvalidCheckoutSessionStatus"));
    assert_eq!(
        world.finalize(&session, &order()).await.verdict(),
        refused(418, "Odd")
    );
}

#[tokio::test]
async fn what_a_confirmation_is_held_against_is_switched() {
    let world = World::start().await;
    let full = json!({
        "supplementaryData": "echo", "paymentDetails": {"totalOrderAmount": eur("60.00")},
    });
    let right = json!({"supplementaryData": "echo", "totalOrderAmount": eur("60.00")});
    let finalize = async |change: Value| {
        let session = world.session(full.clone());
        let mut body = order_with(right.clone());
        body.as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        world.finalize(&session, &body).await.verdict()
    };
    let mut shouted = order()["shippingAddress"].clone();
    shouted["city"] = json!("BERLIN ");
    let mut empty = order()["shippingAddress"].clone();
    empty["county"] = json!("");
    let short =
        json!({"chargeAmount": {"amount": "23.45", "currencyCode": "EUR"}, "totalOrderAmount": eur("60")});
    let other_currency = json!({"chargeAmount": {"amount": "23.45", "currencyCode": "USD"}});
    for (change, status) in [
        (json!({"paymentIntent": "Authorize"}), 400),
        (json!({"supplementaryData": "other"}), 400),
        (json!({"shippingAddress": shouted}), 400),
        (json!({"shippingAddress": empty}), 200),
        (short.clone(), 200),
        (other_currency.clone(), 400),
        (json!({"shippingAddress": null}), 400),
        (json!({"totalOrderAmount": null}), 400),
        (json!({"supplementaryData": null}), 400),
    ] {
        assert_eq!(finalize(change.clone()).await.0, status, "{change}");
    }
    world.switch(|unknowns| {
        unknowns.address_comparison = AddressComparison::Literal;
        unknowns.amounts_compare_as_text = true;
        unknowns.currency_mismatch = odd();
        unknowns.missing_address = odd();
        unknowns.missing_total_order_amount = odd();
        unknowns.missing_supplementary_data = odd();
    });
    assert_eq!(
        finalize(json!({"shippingAddress": empty})).await,
        refused(400, "InvalidParameterValue")
    );
    assert_eq!(finalize(short).await, refused(409, "AmountMismatch"));
    for change in [
        other_currency,
        json!({"shippingAddress": null}),
        json!({"totalOrderAmount": null}),
        json!({"supplementaryData": null}),
    ] {
        assert_eq!(finalize(change.clone()).await, refused(418, "Odd"), "{change}");
    }
    world.switch(|unknowns| {
        unknowns.address_comparison = AddressComparison::Loose;
        unknowns.check_payment_intent = false;
        unknowns.check_supplementary_data = false;
    });
    for change in [
        json!({"shippingAddress": shouted}),
        json!({"paymentIntent": "Authorize"}),
        json!({"supplementaryData": "other"}),
    ] {
        assert_eq!(finalize(change.clone()).await.0, 200, "{change}");
    }
    let states: Vec<_> = world
        .sandbox
        .books()
        .permissions
        .iter()
        .map(|p| p.charges[0].state)
        .collect();
    assert!(
        states
            .iter()
            .all(|state| *state == sandbox::ChargeState::Captured),
        "the session's intent is what counts: {states:?}"
    );
}

#[tokio::test]
async fn when_a_permission_closes_and_what_that_needs_is_switched() {
    let world = with(|unknowns| {
        unknowns.closes_when_authorized = true;
        unknowns.closure_reason_required = false;
        unknowns.closed_permission_refusal = odd();
    })
    .await;
    let look = async |permission: &str| world.look(&format!("chargePermissions/{permission}")).await;
    let (used_up, charge) = world.confirmed(authorized("10.00")).await;
    assert_eq!(standing(&look(&used_up).await), is("Closed", "AmazonClosed"));
    let part = json!({"captureAmount": eur("6.00")});
    assert_eq!(
        world
            .post(&format!("charges/{charge}/capture"), "k", part.clone())
            .await
            .status,
        200
    );
    let (permission, _) = world.confirmed(consent("10.00")).await;
    let close = format!("chargePermissions/{permission}/close");
    assert_eq!(world.call("DELETE", &close, json!({})).await.status, 200);
    assert_eq!(
        world.call("DELETE", &close, json!({})).await.verdict(),
        refused(418, "Odd")
    );

    world.switch(|unknowns| {
        unknowns.closes_when_authorized = false;
        unknowns.uncaptured_rest_returns = false;
    });
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    assert_eq!(standing(&look(&permission).await), is("Chargeable", ""));
    world.post(&format!("charges/{charge}/capture"), "k2", part).await;
    let shown = look(&permission).await;
    assert_eq!(
        (standing(&shown), &shown["limits"]["amountBalance"]),
        (is("Closed", "AmazonClosed"), &eur("0.00"))
    );
}

#[tokio::test]
async fn what_can_be_done_with_a_charge_is_switched() {
    let world = with(|unknowns| {
        unknowns.one_capture_per_charge = false;
        unknowns.cancellation_reason_required = false;
        unknowns.cancellation_reason_limit = None;
        unknowns.rejected_capture = odd();
    })
    .await;
    let (permission, charge) = world.confirmed(authorized("10.00")).await;
    let capture = async |key: &str, amount: &str| {
        let path = format!("charges/{charge}/capture");
        world
            .post(&path, key, json!({"captureAmount": eur(amount)}))
            .await
    };
    assert_eq!(capture("k1", "4.00").await.status, 200);
    assert_eq!(
        capture("k2", "6.01").await.verdict(),
        refused(400, "TransactionAmountExceeded")
    );
    assert_eq!(capture("k3", "6.00").await.json()["captureAmount"], eur("10.00"));
    assert_eq!(
        capture("k4", "0.01").await.verdict(),
        refused(422, "InvalidChargeStatus")
    );
    let shown = world.look(&format!("chargePermissions/{permission}")).await;
    assert_eq!(standing(&shown), is("Closed", "AmazonClosed"));

    let (_, charge) = world.confirmed(authorized("10.00")).await;
    let call = world
        .calling(
            "POST",
            &format!("charges/{charge}/capture"),
            &json!({"captureAmount": eur("1")}),
        )
        .with_key("k5")
        .simulating("AmazonRejected");
    assert_eq!(world.eu.send(&call).await.verdict(), refused(418, "Odd"));
    for reason in [json!({}), json!({"cancellationReason": "x".repeat(256)})] {
        let (_, charge) = world.confirmed(authorized("10.00")).await;
        let path = format!("charges/{charge}/cancel");
        assert_eq!(world.call("DELETE", &path, reason).await.status, 200);
    }
}

#[tokio::test]
async fn what_a_refund_may_be_is_switched() {
    let world = World::start().await;
    let yen = |amount: &str| json!({"amount": amount, "currencyCode": "JPY"});
    let (_, charge) = world
        .confirmed(json!({"paymentDetails": {"chargeAmount": yen("1000")}}))
        .await;
    let refund = |amount: &str| json!({"chargeId": charge, "refundAmount": yen(amount)});
    assert_eq!(world.post("refunds", "r1", refund("1001")).await.status, 400);
    world.switch(|unknowns| {
        unknowns.refund_surplus_elsewhere = true;
        unknowns.refunded_amount_counts_pending = true;
        unknowns.refund_simulation_codes = false;
    });
    assert_eq!(world.post("refunds", "r2", refund("1150")).await.status, 201);
    let shown = world.look(&format!("charges/{charge}")).await;
    assert_eq!(shown["refundedAmount"], yen("1150"));
    let (_, charge) = world.confirmed(captured("5.00")).await;
    let body = json!({"chargeId": charge, "refundAmount": eur("1")});
    let call = world
        .calling("POST", "refunds", &body)
        .with_key("r4")
        .simulating("AmazonRejected");
    let verdict = world.eu.send(&call).await.verdict();
    assert_eq!(verdict, refused(400, "InvalidSandboxSimulationSpecified"));
}

#[tokio::test]
async fn how_a_difference_is_refused_is_switched_for_each_field() {
    let world = with(|unknowns| {
        unknowns.charge_amount_mismatch = odd();
        unknowns.address_mismatch = odd();
        unknowns.supplementary_data_mismatch = odd();
        unknowns.payment_intent_mismatch = odd();
        unknowns.finalize_takes_simulation_codes = false;
    })
    .await;
    let mut moved = order()["shippingAddress"].clone();
    moved["city"] = json!("Hamburg");
    for change in [
        json!({"chargeAmount": eur("23.46")}),
        json!({"shippingAddress": moved}),
        json!({"supplementaryData": "more"}),
        json!({"paymentIntent": "Authorize"}),
    ] {
        let session = world.session(json!({}));
        let answer = world.finalize(&session, &order_with(change.clone())).await;
        assert_eq!(answer.verdict(), refused(418, "Odd"), "{change}");
    }
    let session = world.session(json!({}));
    let call = world.finalizing(&session, &order()).simulating("Declined");
    let verdict = world.eu.send(&call).await.verdict();
    assert_eq!(verdict, refused(400, "InvalidSandboxSimulationSpecified"));
}
