//! What leaves, and what its answer means.

use std::time::Duration;

use checkout::{Answer as Recorded, ChargePermissionType, Class, ConfirmAnswer, Operation};
use reconciler::Condition;
use reconciler::ports::{Attempt, Call, Clock, ConfirmCheckout, Turns};

use crate::fixtures::{BODY, CHARGE, COMPLETED, SESSION, World, account};
use crate::server::{Act, Answer};

/// Class, doubt and record of a call that was sent and failed.
fn failed(answer: ConfirmAnswer) -> (Class, bool, Recorded) {
    match answer {
        ConfirmAnswer::Failed {
            class,
            may_have_landed,
            answer,
            ..
        } => (class, may_have_landed, answer),
        other => panic!("it should have failed: {other:?}"),
    }
}

#[tokio::test]
async fn an_attempt_leaves_as_it_was_stored_and_its_success_is_read() {
    let world = World::start().await;
    let answer = world.confirmed_with(Answer::json(200, COMPLETED)).await;
    let ConfirmAnswer::Accepted { ids, pending, answer } = answer else {
        panic!("it was accepted: {answer:?}");
    };
    assert_eq!(ids.charge_permission_id, "S01-4419027-6630185");
    assert_eq!(ids.charge_permission_type, Some(ChargePermissionType::OneTime));
    assert_eq!(ids.charge_id.as_deref(), Some(CHARGE));
    assert!(!pending);
    assert_eq!(
        (answer.status, answer.request_id.as_deref()),
        (Some(200), Some("REQ-1"))
    );

    let sent = &world.server.received()[0];
    assert_eq!(
        sent.line,
        format!("POST /v2/checkoutSessions/{SESSION}/finalize HTTP/1.1")
    );
    assert_eq!(sent.body, BODY.as_bytes());
    assert_eq!(
        sent.header("x-amz-pay-idempotency-key"),
        "fin7c0a6d1e52f44b7b9b1c2f3d0e8a4"
    );
    assert_eq!(sent.header("x-amz-pay-date"), "20260105T101530Z");
    assert_eq!(world.heard.calls.lock().unwrap()[..], ["eu_shop finalize ok 0"]);
}

#[tokio::test]
async fn complete_goes_to_its_own_path() {
    let world = World::start().await;
    world.server.answers(Answer::json(200, COMPLETED));
    let attempt = Attempt {
        operation: Operation::Complete,
        ..world.attempt()
    };
    world.accounts.confirm(world.turn(Call::Confirm), attempt).await;
    let sent = &world.server.received()[0];
    assert_eq!(
        sent.line,
        format!("POST /v2/checkoutSessions/{SESSION}/complete HTTP/1.1")
    );
}

#[tokio::test]
async fn only_a_202_is_pending_whatever_the_state_says() {
    let world = World::start().await;
    let open = COMPLETED.replace("Completed", "Open");
    for (status, body, expected) in [(202, COMPLETED, true), (202, &open, true), (200, &open, false)] {
        let answer = world.confirmed_with(Answer::json(status, body)).await;
        let ConfirmAnswer::Accepted { pending, .. } = answer else {
            panic!("it was accepted: {answer:?}");
        };
        assert_eq!(pending, expected, "{status} {body}");
    }
}

#[tokio::test]
async fn a_success_that_does_not_say_so_is_in_doubt() {
    let world = World::start().await;
    let without_permission = COMPLETED.replace(r#""S01-4419027-6630185","#, "null,");
    let of_another = COMPLETED.replace("7c0a6d1e", "00000000");
    for answer in [
        Answer::json(200, &without_permission),
        Answer::json(200, &of_another),
        Answer::json(200, "{"),
        Answer::html(202),
    ] {
        let (class, may_have_landed, recorded) = failed(world.confirmed_with(answer).await);
        assert_eq!((class, may_have_landed), (Class::Ask, true), "{recorded:?}");
        assert!(recorded.status.is_some() && recorded.message.is_some());
    }
}

#[tokio::test]
async fn refusals_go_by_the_table() {
    let world = World::start().await;
    for (answer, class, may_have_landed) in [
        (
            Answer::refusal(409, "AmountMismatch", "differs"),
            Class::Fix { content: true },
            false,
        ),
        (
            Answer::refusal(422, "InvalidCheckoutSessionStatus", "no"),
            Class::Ask,
            false,
        ),
        (Answer::refusal(422, "HardDeclined", "no"), Class::Final, false),
        (Answer::refusal(404, "ResourceNotFound", "no"), Class::Ask, false),
        (
            Answer::refusal(429, "TooManyRequests", "slow down"),
            Class::Slow,
            false,
        ),
        (Answer::html(502), Class::Retry, true),
        // Whose reason code is lost.
        (Answer::json(422, r#"{"reasonCode":"Transacti"#), Class::Ask, true),
        (Answer::html(400), Class::Ask, true),
        (Answer::html(302), Class::Ask, true),
    ] {
        world.advance(60);
        let (got, doubt, recorded) = failed(world.confirmed_with(answer).await);
        assert_eq!((got, doubt), (class, may_have_landed), "{recorded:?}");
    }
}

#[tokio::test]
async fn after_send_by_not_a_byte_leaves_and_the_turn_goes_to_the_next() {
    let world = World::with(|settings| settings.quotas.confirm.burst = 1.0).await;
    world.server.answers(Answer::json(200, COMPLETED));
    let attempt = world.attempt();
    let turn = world.turn(Call::Confirm);
    world.clock.set(attempt.send_by.plus(Duration::from_micros(1)));
    let late = world.accounts.confirm(turn, attempt).await;
    let ConfirmAnswer::NotSent(answer) = late else {
        panic!("it was too late: {late:?}");
    };
    assert_eq!(answer.message.as_deref(), Some("too late to send it"));
    assert_eq!(world.server.received().len(), 0);

    let attempt = world.attempt();
    let turn = world.turn(Call::Confirm);
    assert!(
        world.accounts.turn(&account(), Call::Confirm).is_err(),
        "the burst is 1"
    );
    world.clock.set(attempt.send_by);
    let in_time = world.accounts.confirm(turn, attempt).await;
    assert!(matches!(in_time, ConfirmAnswer::Accepted { .. }), "{in_time:?}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_in_time_is_in_doubt() {
    let world = World::start().await;
    world.server.does(Act::Hang);
    let attempt = world.attempt();
    let answer_by = attempt.answer_by;
    let (answer, ()) = tokio::join!(
        world.accounts.confirm(world.turn(Call::Confirm), attempt),
        async {
            world.server.has_received(1).await;
            world.clock.set(answer_by);
        }
    );
    let (class, may_have_landed, recorded) = failed(answer);
    assert_eq!((class, may_have_landed), (Class::Retry, true));
    assert_eq!(recorded.message.as_deref(), Some("no answer in time"));
    assert_eq!(
        world.heard.calls.lock().unwrap()[..],
        ["eu_shop finalize retry 30"]
    );
}

#[tokio::test]
async fn a_broken_connection_is_in_doubt_and_one_that_never_was_is_not() {
    let world = World::start().await;
    world.server.does(Act::Close);
    let (class, may_have_landed, _) = failed(world.confirm().await);
    assert_eq!((class, may_have_landed), (Class::Retry, true));

    // A port that was free a moment ago.
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let world = World::with(|settings| settings.endpoint = Some(endpoint)).await;
    let answer = world.confirm().await;
    assert!(matches!(answer, ConfirmAnswer::NotSent(_)), "{answer:?}");
    assert_eq!(
        world.heard.calls.lock().unwrap()[..],
        ["eu_shop finalize not-sent 0"]
    );
}

#[tokio::test]
async fn amazons_message_is_kept_without_what_was_sent_of_a_person() {
    let world = World::start().await;
    let refusal = Answer::refusal(
        400,
        "InvalidParameterValue",
        "name ROBIN EXAMPLE: no; paymentIntent: no",
    );
    let (_, _, recorded) = failed(world.confirmed_with(refusal).await);
    assert_eq!(recorded.message.as_deref(), Some("name …: no; paymentIntent: no"));
    assert_eq!(recorded.reason_code.as_deref(), Some("InvalidParameterValue"));
    assert_eq!(recorded.request_id.as_deref(), Some("REQ-1"));
}

#[tokio::test]
async fn how_long_to_wait_is_passed_on_but_no_endless_wait() {
    let world = World::start().await;
    for (text, seconds) in [("7", 7), ("999999999", 300)] {
        world.advance(3600);
        let refusal = Answer::refusal(503, "ServiceUnavailable", "no").with("retry-after", text);
        let answer = world.confirmed_with(refusal).await;
        let ConfirmAnswer::Failed { retry_after, .. } = answer else {
            panic!("it failed: {answer:?}");
        };
        assert_eq!(retry_after, Some(Duration::from_secs(seconds)), "{text}");
    }
}

#[tokio::test]
async fn requests_are_signed_by_amazons_clock_once_two_answers_agree_on_it() {
    let world = World::start().await;
    assert_eq!(world.accounts.skew(&account()), None);
    let signed_at = |n: usize| world.server.received()[n].header("x-amz-pay-date").to_owned();
    // Five minutes ahead of ours, both of them.
    for (date, skew) in [
        ("Mon, 05 Jan 2026 10:20:30 GMT", None),
        ("Mon, 05 Jan 2026 10:20:40 GMT", Some(300)),
    ] {
        let refusal = Answer::refusal(403, "InvalidRequestSignature", "the date is off");
        let (class, ..) = failed(world.confirmed_with(refusal.with("date", date)).await);
        assert_eq!(class, Class::Lane);
        let learned = world.accounts.skew(&account());
        assert_eq!(learned.map(|skew| skew.as_secs()), skew);
        world.accounts.restore(&account(), Condition::Running).unwrap();
        world.advance(10);
    }
    assert_eq!(signed_at(1), "20260105T101540Z");
    world.confirmed_with(Answer::json(200, COMPLETED)).await;
    assert_eq!(signed_at(2), "20260105T102050Z");
    assert_eq!(world.clock.now().to_string(), "2026-01-05T10:15:50Z");
}
