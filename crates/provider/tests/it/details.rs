//! What Get Charge Permission tells of the buyer, and that it harms nobody when it does not.

use std::time::Duration;

use reconciler::ports::{Call, NoTurn, PermissionAnswer, PermissionDetails, Turns};
use reconciler::{BuyerDetails, Condition};

use crate::fixtures::{World, account};
use crate::server::Answer;

const PERMISSION: &str = "S01-4419027-6630185";

fn permission(fields: &str) -> Answer {
    let body = format!(
        r#"{{"chargePermissionId":"{PERMISSION}","statusDetails":{{"state":"Chargeable","reasons":[]}}{fields}}}"#
    );
    Answer::json(200, &body)
}

async fn asked(world: &World, answer: Answer) -> PermissionAnswer {
    world.server.answers(answer);
    ask(world, PERMISSION).await
}

async fn ask(world: &World, id: &str) -> PermissionAnswer {
    world
        .accounts
        .permission_details(world.turn(Call::Permission), &account(), id)
        .await
}

#[tokio::test]
async fn a_charge_permission_tells_who_the_buyer_is() {
    let world = World::start().await;
    let fields = r#","buyer":{"buyerId":"B-1","name":"Robin Example","email":"robin@example.com","phoneNumber":""},
        "shippingAddress":{"name":"Robin Example","city":"Berlin"},"billingAddress":null,
        "paymentPreferences":[null,{"paymentDescriptor":"Visa ****1111 (Amazon Pay)"}]"#;
    let PermissionAnswer::Told(details) = asked(&world, permission(fields)).await else {
        panic!("it was told")
    };
    let address = details.shipping_address.clone().unwrap();
    assert_eq!(address.city.as_deref(), Some("Berlin"));
    let expected = BuyerDetails {
        buyer_id: Some("B-1".to_owned()),
        name: Some("Robin Example".to_owned()),
        email: Some("robin@example.com".to_owned()),
        shipping_address: Some(address),
        payment_descriptors: vec!["Visa ****1111 (Amazon Pay)".to_owned()],
        ..BuyerDetails::default()
    };
    // Personal data do not print themselves, so no `assert_eq!`.
    assert!(*details == expected);
    assert_eq!(format!("{details:?}"), "BuyerDetails(…)");
    let sent = &world.server.received()[0];
    assert_eq!(
        sent.line,
        format!("GET /v2/chargePermissions/{PERMISSION} HTTP/1.1")
    );
    assert_eq!(world.heard.calls.lock().unwrap()[..], ["eu_shop permission ok 0"]);
}

#[tokio::test]
async fn after_its_time_a_charge_permission_tells_nothing() {
    let world = World::start().await;
    let fields = r#","buyer":null,"shippingAddress":null,"billingAddress":null,"paymentPreferences":[null]"#;
    for nothing in [fields, ""] {
        let answer = asked(&world, permission(nothing)).await;
        assert!(
            matches!(&answer, PermissionAnswer::Told(told) if told.is_empty()),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn what_is_refused_every_time_is_gone_and_what_passes_is_not() {
    let world = World::start().await;
    for (answer, gone) in [
        (Answer::refusal(404, "ResourceNotFound", "no"), true),
        (Answer::refusal(400, "InvalidRequest", "no"), true),
        (Answer::refusal(405, "UnsupportedOperation", "no"), true),
        (Answer::refusal(503, "ServiceUnavailable", "no"), false),
        (Answer::refusal(500, "ProcessingFailure", "no"), false),
        (Answer::refusal(403, "InvalidAuthentication", "no"), false),
        (Answer::html(404), false),
        (Answer::json(200, "{}"), false),
        (
            Answer::json(
                200,
                r#"{"chargePermissionId":"S01-0000000-0000000","statusDetails":{"state":"Closed"}}"#,
            ),
            false,
        ),
    ] {
        world.advance(1);
        let expected = if gone {
            PermissionAnswer::Gone
        } else {
            PermissionAnswer::NotNow { retry_after: None }
        };
        assert_eq!(asked(&world, answer).await, expected);
    }
    let later = Answer::refusal(429, "TooManyRequests", "no").with("retry-after", "7");
    let retry_after = Some(Duration::from_secs(7));
    assert_eq!(
        asked(&world, later).await,
        PermissionAnswer::NotNow { retry_after }
    );
}

#[tokio::test]
async fn whatever_it_is_answered_it_neither_stops_the_account_nor_slows_its_other_calls() {
    let world = World::start().await;
    for (status, code) in [(403, "InvalidAuthentication"), (429, "TooManyRequests")] {
        asked(&world, Answer::refusal(status, code, "no")).await;
    }
    assert_eq!(world.condition(), Condition::Running);
    assert!(world.heard.conditions().is_empty());
    assert!(!world.accounts.conditions()[0].slowed);
    let rate = |call| world.accounts.quota_per_second(&account(), call);
    assert_eq!(
        [Call::Confirm, Call::LookUp, Call::Charge, Call::Permission].map(rate),
        [Some(4.0), Some(8.0), Some(4.0), Some(2.0)]
    );
}

#[tokio::test]
async fn an_account_that_does_not_run_is_left_alone_with_it() {
    let world = World::start().await;
    let from_before = world.turn(Call::Permission);
    let name = account();
    let turn = || world.accounts.turn(&name, Call::Permission).err();
    world.accounts.set_paused(&name, true).unwrap();
    assert_eq!(turn(), Some(NoTurn::Halted));
    world.accounts.set_paused(&name, false).unwrap();
    assert_eq!(turn(), None);
    // Stopped, and on trial too.
    world
        .server
        .answers(Answer::refusal(403, "InvalidAuthentication", "no"));
    world.look_up().await;
    assert_eq!(turn(), Some(NoTurn::Halted));
    world.advance(30);
    world
        .server
        .answers(Answer::refusal(404, "ResourceNotFound", "no"));
    world.accounts.probe(&name).await.unwrap();
    assert!(world.accounts.turn(&name, Call::LookUp).is_ok());
    assert_eq!(turn(), Some(NoTurn::Halted));
    let before = world.server.received().len();
    let answer = world
        .accounts
        .permission_details(from_before, &name, PERMISSION)
        .await;
    assert_eq!(answer, PermissionAnswer::NotNow { retry_after: None });
    assert_eq!(world.server.received().len(), before);
}

#[tokio::test]
async fn what_is_no_permission_id_is_not_put_into_a_path() {
    let world = World::start().await;
    let answer = ask(&world, "../refunds").await;
    assert_eq!(answer, PermissionAnswer::NotNow { retry_after: None });
    assert_eq!(world.server.received().len(), 0);
}
