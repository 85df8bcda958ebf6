//! What a shop may want of a checkout: intents, product types, operations, currencies.

use sandbox::{ChargeState, Unknowns};
use serde_json::{Value, json};

use crate::world::{World, confirmations, operations};

/// SHA-256 of the two bytes `{}`.
const OF_AN_EMPTY_OBJECT: &str = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// The overrides of a Saved Wallet setup.
fn saved_wallet() -> Value {
    json!({"chargePermissionType": "PaymentMethodOnFile"})
}

#[tokio::test(flavor = "multi_thread")]
async fn each_intent_tells_what_became_of_the_money() {
    let Some(mut world) = World::new("intents").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for (intent, payment, charge) in [
        ("AuthorizeWithCapture", "Captured", Some(ChargeState::Captured)),
        ("Authorize", "Authorized", Some(ChargeState::Authorized)),
        ("Confirm", "None", None),
    ] {
        let session = json!({"paymentDetails": {"paymentIntent": intent}});
        let id = world.completed(session, json!({})).await;
        let told = world.outcome(&id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{intent}: {told:?}");
        assert_eq!(told.body["payment"], payment);
        assert_eq!(told.body["paymentIntent"], intent);
        assert_eq!(told.body["operation"], "Finalize");
        assert_eq!(told.body["evidence"], "answer");
        assert_eq!(told.body["chargePermissionType"], "OneTime");
        assert_eq!(
            told.body["chargeAmount"],
            json!({"amount": "23.45", "currencyCode": "EUR"})
        );
        let book = world.book(&id);
        assert_eq!(
            told.body["chargePermissionId"],
            json!(book.charge_permission_id),
            "{intent}"
        );
        assert_eq!(
            book.charges.first().map(|charge| charge.state),
            charge,
            "{intent}"
        );
        let charge_id = book.charges.first().map(|charge| charge.charge_id.clone());
        assert_eq!(told.body["chargeId"], json!(charge_id), "{intent}");
        assert_eq!(confirmations(&book).len(), 1, "{intent}: {book:#?}");
    }
    let totals = world.sandbox.books().totals["EUR"].clone();
    assert_eq!(
        (totals.captured, totals.authorized),
        ("23.45".parse().unwrap(), "23.45".parse().unwrap())
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_that_the_product_type_needs_comes_from_the_event_or_from_a_look_up() {
    let Some(mut world) = World::new("addresses").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let without = json!({"shippingAddress": null, "billingAddress": null});
    for product in ["PayAndShip", "PayOnly"] {
        // The sandbox refuses an address that differs from the session's.
        let given = world.completed(json!({"productType": product}), json!({})).await;
        let left_out = world
            .completed(json!({"productType": product}), without.clone())
            .await;
        for id in [&given, &left_out] {
            let told = world.outcome(id).await;
            assert_eq!(told.event_type, "checkout.confirmed.v1", "{product}: {told:?}");
            assert_eq!(told.body["payment"], "Captured");
            assert_eq!(told.body["evidence"], "answer");
        }
        let (given, left_out) = (world.book(&given), world.book(&left_out));
        assert_eq!(operations(&left_out), ["get", "finalize"], "{product}");
        assert_eq!(
            confirmations(&given)[0].body_sha256,
            confirmations(&left_out)[0].body_sha256,
            "{product}: the address that Amazon told is sent as the one that the event told"
        );
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_completed_one_time_checkout_tells_what_its_charge_says() {
    let Some(mut world) = World::new("complete").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    // Complete sends no intent, so that the event does not have to know it.
    let event = json!({"operation": "Complete", "paymentIntent": null, "productType": null});
    for (intent, payment, calls) in [
        ("AuthorizeWithCapture", "Captured", 2),
        ("Authorize", "Authorized", 2),
        ("Confirm", "None", 1),
    ] {
        let session = json!({"paymentDetails": {"paymentIntent": intent}});
        let id = world.completed(session, event.clone()).await;
        let told = world.outcome(&id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{intent}: {told:?}");
        assert_eq!(told.body["operation"], "Complete");
        assert_eq!(told.body["paymentIntent"], Value::Null);
        assert_eq!(told.body["payment"], payment, "{intent}");
        assert_eq!(told.body["evidence"], "answer");
        let book = world.book(&id);
        assert_eq!(
            told.body["chargeId"].is_null(),
            book.charges.is_empty(),
            "{intent}"
        );
        assert_eq!(operations(&book), ["complete", "charge"][..calls], "{intent}");
    }
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_saved_wallet_is_set_up_with_an_empty_body_and_pays_nothing() {
    let Some(mut world) = World::new("saved_wallet").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    let event = json!({"operation": "Complete", "chargeAmount": null, "paymentIntent": null});
    let id = world.completed(saved_wallet(), event.clone()).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(told.body["payment"], "None");
    assert_eq!(told.body["chargePermissionType"], "PaymentMethodOnFile");
    assert_eq!(told.body["chargeAmount"], Value::Null);
    assert_eq!(told.body["chargeId"], Value::Null);
    let book = world.book(&id);
    let calls = confirmations(&book);
    assert_eq!(
        (calls.len(), calls[0].body_sha256.as_str()),
        (1, OF_AN_EMPTY_OBJECT)
    );
    assert!(book.charges.is_empty(), "{book:#?}");

    // As Amazon's page about Saved Wallet shows it: a charge id, though nothing was charged.
    world.sandbox.set_unknowns(Unknowns {
        setup_shows_charge_id: true,
        ..Unknowns::default()
    });
    let id = world.completed(saved_wallet(), event).await;
    let told = world.outcome(&id).await;
    assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
    assert_eq!(
        told.body["payment"], "None",
        "a charge that is not found is no payment"
    );
    let charge_id = told.body["chargeId"]
        .as_str()
        .expect("the id that Amazon showed is kept");
    let permission = told.body["chargePermissionId"].as_str().unwrap();
    assert!(charge_id.starts_with(permission), "{charge_id}");
    let books = world.sandbox.books();
    assert!(books.session(&id).unwrap().charges.is_empty());
    assert_eq!(
        books.answers["charge"],
        [("404".to_owned(), 1)].into(),
        "it was asked for, once"
    );
    world.end(daemon).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yen_have_no_decimals_and_every_region_its_own_signature() {
    let Some(mut world) = World::new("regions").await else {
        return;
    };
    let daemon = world.daemon_at_work().await;
    for (account, amount) in [
        ("jp_shop", json!({"amount": "2345", "currencyCode": "JPY"})),
        ("us_shop", json!({"amount": "23.45", "currencyCode": "USD"})),
    ] {
        let id = world
            .completed(json!({"account": account}), json!({"account": account}))
            .await;
        let told = world.outcome(&id).await;
        assert_eq!(told.event_type, "checkout.confirmed.v1", "{told:?}");
        assert_eq!(told.body["account"], account);
        assert_eq!(told.body["chargeAmount"], amount);
        assert_eq!(told.body["payment"], "Captured");
        let book = world.book(&id);
        assert_eq!(book.account, account);
        assert_eq!(
            serde_json::to_value(&book.charges[0].charge_amount).unwrap(),
            amount
        );
    }
    world.end(daemon).await;
}
