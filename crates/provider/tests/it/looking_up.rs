//! What look-ups say, in the model's words.

use std::time::Duration;

use checkout::{ChargeAnswer, ChargeFound, Class, Found, Ids, LookUp as Told, LookUpAnswer, Timestamp};
use reconciler::Condition;
use reconciler::ports::{Call, LookUp};

use crate::fixtures::{CHARGE, COMPLETED, SESSION, World, account, session, start};
use crate::server::{Act, Answer};

fn open(fields: &str) -> Answer {
    let body = format!(
        r#"{{"checkoutSessionId":"{SESSION}","statusDetails":{{"state":"Open"}},
        "creationTimestamp":"20260105T100755Z","expirationTimestamp":"20260106T100755Z"{fields}}}"#
    );
    Answer::json(200, &body)
}

fn told(answer: LookUpAnswer) -> Told {
    match answer {
        LookUpAnswer::Told(told) => told,
        LookUpAnswer::Failed { .. } => panic!("it was told: {answer:?}"),
    }
}

fn class(answer: &LookUpAnswer) -> Class {
    match answer {
        LookUpAnswer::Failed { class, .. } => *class,
        LookUpAnswer::Told(_) => panic!("it was not told: {answer:?}"),
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[tokio::test]
async fn an_open_session_tells_its_times_and_its_personal_data_apart() {
    let world = World::start().await;
    let fields = r#","productType":"PayAndShip","supplementaryData":"airline","billingAddress":null,
        "shippingAddress":{"name":"Robin Example","city":"","postalCode":"62701","county":null}"#;
    let (answer, personal) = world.looked_up_with(open(fields)).await;
    let told = told(answer);
    assert_eq!(told.begun_at, start());
    assert_eq!(
        told.found,
        Found::Open {
            ids: None,
            has_address: true
        }
    );
    assert_eq!(told.created_at, Some(at("2026-01-05T10:07:55Z")));
    assert_eq!(told.expires_at, Some(at("2026-01-06T10:07:55Z")));
    assert_eq!(told.answer.status, Some(200));

    let personal = personal.unwrap();
    let address = personal.shipping_address.unwrap();
    assert_eq!(address.name.as_deref(), Some("Robin Example"));
    assert_eq!((address.city, address.county), (None, None));
    assert_eq!(personal.billing_address, None);
    assert_eq!(personal.supplementary_data.as_deref(), Some("airline"));

    let sent = &world.server.received()[0];
    assert_eq!(sent.line, format!("GET /v2/checkoutSessions/{SESSION} HTTP/1.1"));
    assert_eq!(world.heard.calls.lock().unwrap()[..], ["eu_shop look-up ok 0"]);
}

#[tokio::test]
async fn the_sessions_product_type_says_which_address_it_needs() {
    let world = World::start().await;
    let address = r#"{"name":"Robin"}"#;
    for (product, shipping, billing, has) in [
        (r#""PayAndShip""#, address, "null", true),
        (r#""PayAndShip""#, "null", address, false),
        (r#""PayAndShip""#, "{}", "null", false),
        (r#""PayOnly""#, "null", address, true),
        (r#""PayOnly""#, address, "null", false),
        ("null", address, "null", true),
        ("null", "null", address, true),
        ("null", "null", "null", false),
        (r#""BornYesterday""#, address, "null", true),
    ] {
        let fields =
            format!(r#","productType":{product},"shippingAddress":{shipping},"billingAddress":{billing}"#);
        let (answer, _) = world.looked_up_with(open(&fields)).await;
        let found = told(answer).found;
        assert_eq!(
            found,
            Found::Open {
                ids: None,
                has_address: has
            },
            "{fields}"
        );
    }
}

#[tokio::test]
async fn an_open_session_with_ids_is_confirmed_and_pending() {
    let world = World::start().await;
    let (answer, personal) = world
        .looked_up_with(open(r#","chargePermissionId":"S01-1","chargeId":"S01-1-C1""#))
        .await;
    let ids = Ids {
        charge_permission_id: "S01-1".to_owned(),
        charge_permission_type: None,
        charge_id: Some("S01-1-C1".to_owned()),
    };
    let found = told(answer).found;
    assert_eq!(
        found,
        Found::Open {
            ids: Some(ids),
            has_address: false
        }
    );
    assert_eq!(personal, None);
}

#[tokio::test]
async fn the_other_states_are_told_and_unknown_ones_are_asked_again() {
    let world = World::start().await;
    let (answer, personal) = world.looked_up_with(Answer::json(200, COMPLETED)).await;
    assert!(matches!(told(answer).found, Found::Completed(ids) if ids.charge_id.as_deref() == Some(CHARGE)));
    assert_eq!(personal, None);

    let canceled = format!(
        r#"{{"checkoutSessionId":"{SESSION}","statusDetails":{{"state":"Canceled","reasonCode":"Expired"}}}}"#
    );
    let told = told(world.looked_up_with(Answer::json(200, &canceled)).await.0);
    let reason = Some("Expired".to_owned());
    assert_eq!(told.found, Found::Canceled { reason });
    assert_eq!((told.created_at, told.expires_at), (None, None));

    let no_permission = COMPLETED.replace(r#""S01-4419027-6630185","#, "null,");
    let unknown = COMPLETED.replace("Completed", "Paused");
    let of_another = COMPLETED.replace("7c0a6d1e", "00000000");
    for body in [&no_permission, &unknown, &of_another, "{}", ""] {
        let (answer, _) = world.looked_up_with(Answer::json(200, body)).await;
        assert_eq!(class(&answer), Class::Ask, "{body}");
    }
}

#[tokio::test]
async fn not_found_is_an_answer_and_a_gateways_page_is_none() {
    let world = World::start().await;
    let (answer, _) = world
        .looked_up_with(Answer::refusal(404, "ResourceNotFound", "no"))
        .await;
    assert_eq!(told(answer).found, Found::NotFound);
    for (answer, expected) in [
        (Answer::html(404), Class::Ask),
        (Answer::html(503), Class::Retry),
        (Answer::refusal(429, "TooManyRequests", "slow down"), Class::Slow),
        (Answer::refusal(422, "HardDeclined", "odd"), Class::Ask),
    ] {
        let (answer, _) = world.looked_up_with(answer).await;
        assert_eq!(class(&answer), expected);
        world.advance(60);
    }
}

#[tokio::test]
async fn a_look_up_waits_no_longer_than_the_account_allows() {
    let world = World::start().await;
    world.server.does(Act::Hang);
    let (answer, ()) = tokio::join!(world.look_up(), async {
        world.server.has_received(1).await;
        world.advance(30);
    });
    assert_eq!(class(&answer.0), Class::Retry);
}

#[tokio::test]
async fn a_clock_of_amazons_that_is_ahead_shortens_the_deadline_and_one_behind_does_not_lengthen_it() {
    for (date, expires_at) in [
        ("Mon, 05 Jan 2026 10:20:30 GMT", "2026-01-06T10:02:55Z"),
        ("Mon, 05 Jan 2026 10:10:30 GMT", "2026-01-06T10:07:55Z"),
        ("Mon, 05 Jan 2026 22:15:30 GMT", "2026-01-06T09:52:55Z"),
    ] {
        let world = World::start().await;
        let (first, _) = world.looked_up_with(open("").with("date", date)).await;
        assert_eq!(told(first).expires_at, Some(at("2026-01-06T10:07:55Z")), "{date}");
        let (second, _) = world.looked_up_with(open("").with("date", date)).await;
        assert_eq!(told(second).expires_at, Some(at(expires_at)), "{date}");
    }
}

#[tokio::test]
async fn an_open_session_tells_how_long_it_has_by_amazons_clock_alone() {
    let left = async |date: Option<&str>| {
        let world = World::start().await;
        let answer = date
            .iter()
            .fold(open(""), |answer, date| answer.with("date", date));
        told(world.looked_up_with(answer).await.0).left
    };
    // It ends at 10:07:55; ours shows 10:15:30 of the day before, whatever Amazon's does.
    for (date, seconds) in [
        ("Mon, 05 Jan 2026 10:15:30 GMT", 23 * 3600 + 52 * 60 + 24),
        ("Tue, 06 Jan 2026 10:06:55 GMT", 59),
        ("Tue, 06 Jan 2026 10:07:54 GMT", 0),
        ("Tue, 06 Jan 2026 10:07:56 GMT", 0),
        ("Wed, 07 Jan 2026 10:00:00 GMT", 0),
    ] {
        assert_eq!(
            left(Some(date)).await,
            Some(Duration::from_secs(seconds)),
            "{date}"
        );
    }
    assert_eq!(left(None).await, None);
}

#[tokio::test]
async fn every_state_of_a_charge_is_told() {
    let world = World::start().await;
    let reason = || Some("SoftDeclined".to_owned());
    for (state, expected) in [
        ("AuthorizationInitiated", Some(ChargeFound::Pending)),
        ("CaptureInitiated", Some(ChargeFound::Pending)),
        ("Authorized", Some(ChargeFound::Authorized)),
        ("Captured", Some(ChargeFound::Captured)),
        ("Declined", Some(ChargeFound::Declined { reason: reason() })),
        ("Canceled", Some(ChargeFound::Canceled { reason: reason() })),
        ("BornYesterday", None),
    ] {
        world.advance(60);
        let body = format!(
            r#"{{"chargeId":"{CHARGE}","statusDetails":{{"state":"{state}","reasonCode":"SoftDeclined"}}}}"#
        );
        world.server.answers(Answer::json(200, &body));
        match (charge(&world, CHARGE).await, expected) {
            (ChargeAnswer::Told { found, .. }, Some(expected)) => assert_eq!(found, expected),
            (ChargeAnswer::Failed { class, .. }, None) => assert_eq!(class, Class::Ask),
            (answer, _) => panic!("{state}: {answer:?}"),
        }
    }
    world
        .server
        .answers(Answer::refusal(404, "ResourceNotFound", "no"));
    let answer = charge(&world, CHARGE).await;
    assert!(
        matches!(
            answer,
            ChargeAnswer::Told {
                found: ChargeFound::NotFound,
                ..
            }
        ),
        "{answer:?}"
    );
    world.server.answers(Answer::html(500));
    let answer = charge(&world, CHARGE).await;
    assert!(
        matches!(
            answer,
            ChargeAnswer::Failed {
                class: Class::Retry,
                ..
            }
        ),
        "{answer:?}"
    );
}

#[tokio::test]
async fn what_is_no_charge_id_is_not_put_into_a_path() {
    let world = World::start().await;
    let answer = charge(&world, "../refunds").await;
    assert!(matches!(answer, ChargeAnswer::Failed { .. }), "{answer:?}");
    assert_eq!(world.server.received().len(), 0);
}

async fn charge(world: &World, id: &str) -> ChargeAnswer {
    world
        .accounts
        .look_up_charge(world.turn(Call::Charge), &account(), id, None)
        .await
}

#[tokio::test]
async fn a_look_up_of_a_refused_account_is_the_accounts_trouble() {
    let world = World::start().await;
    world
        .server
        .answers(Answer::refusal(403, "InvalidAuthentication", "no"));
    let turn = world.turn(Call::LookUp);
    let (answer, _) = world.accounts.look_up(turn, &account(), &session(), None).await;
    assert_eq!(class(&answer), Class::Lane);
    assert_eq!(world.condition(), Condition::Stopped);
}

#[tokio::test]
async fn of_a_look_ups_refusal_no_sentence_is_kept_because_it_may_quote_the_buyer() {
    for (status, code) in [
        (400, "InvalidParameterValue"),
        (404, "ResourceNotFound"),
        (403, "InvalidAuthentication"),
    ] {
        let world = World::start().await;
        let echo = "shippingAddress: Robin Example, 12 Sample Street";
        let refusal = || Answer::refusal(status, code, echo);
        let (looked_up, _) = world.looked_up_with(refusal()).await;
        world.accounts.restore(&account(), Condition::Running).unwrap();
        world.server.answers(refusal());
        let of_charge = charge(&world, CHARGE).await;
        for kept in [
            match looked_up {
                LookUpAnswer::Told(told) => told.answer,
                LookUpAnswer::Failed { answer, .. } => answer,
            },
            match of_charge {
                ChargeAnswer::Told { answer, .. } | ChargeAnswer::Failed { answer, .. } => answer,
            },
        ] {
            assert_eq!(kept.message, None);
            assert_eq!(kept.status, Some(status));
            assert_eq!(kept.reason_code.as_deref(), Some(code));
            assert_eq!(kept.request_id.as_deref(), Some("REQ-1"));
        }
        let heard = world.heard.conditions.lock().unwrap();
        assert!(
            heard.iter().all(|(_, reason)| !reason.contains("Robin")),
            "{heard:?}"
        );
    }
}
