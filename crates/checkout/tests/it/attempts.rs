//! What starting an attempt and its answer add.

use checkout::{
    Answer, BodyRef, Class, ConfirmAnswer, Event, Evidence, KeyChoice, Outcome, Payment, PaymentIntent,
    Policy, Refused, StateName, Step,
};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn in_flight() -> Story {
    seen().and(start(1)).later(secs(1))
}

fn in_doubt() -> Story {
    in_flight().and(answered(1, lost()))
}

fn confirmed(payment: Payment) -> Outcome {
    Outcome::Confirmed {
        ids: told(if payment == Payment::None {
            ids_without_charge()
        } else {
            ids()
        }),
        payment,
        evidence: Evidence::Answer,
    }
}

// ---- starting

#[test]
fn the_intent_is_on_record_with_its_key_its_bytes_and_its_last_moment() {
    seen().when(start(7)).then_exactly([Event::ConfirmationStarted {
        attempt: 1,
        key: key(7),
        body: BodyRef(7),
        send_by: t(secs(2)),
    }]);
}

#[test]
fn a_second_worker_does_not_start_another_attempt() {
    in_flight().when(start(2)).then_nothing();
}

#[test]
fn nothing_is_started_where_the_step_is_another() {
    in_doubt().when(start(1)).then_nothing();
    seen().at(mins(2)).when(start(1)).then_nothing();
    given(watching()).and(completed()).when(start(1)).then_nothing();
    given(policy()).when(start(1)).then_nothing();
}

// ---- success

#[test]
fn finalize_with_its_ids_is_the_outcome_of_its_intent() {
    for (intent, answer, payment) in [
        (PaymentIntent::AuthorizeWithCapture, accepted(), Payment::Captured),
        (PaymentIntent::Authorize, accepted(), Payment::Authorized),
        (PaymentIntent::Confirm, accepted_without_charge(), Payment::None),
    ] {
        let story = given(policy()).and(observe(order().intent(intent))).and(start(1));
        let story = story.when(answered(1, answer)).then(["confirmed"]);
        assert_eq!(story.outcome(), Some(&confirmed(payment)), "{intent:?}");
        assert_eq!(story.step(), Step::Rest);
    }
}

#[test]
fn what_was_not_asked_for_is_asked_about() {
    // No charge was intended, and there is one: its state is not known.
    let story = given(policy())
        .and(observe(order().intent(PaymentIntent::Confirm)))
        .and(start(1));
    let story = story
        .when(answered(1, accepted()))
        .then(["confirmation-accepted"]);
    assert_eq!(story.step(), Step::LookUpCharge);
}

#[test]
fn a_success_without_the_charge_that_was_asked_for_is_in_doubt() {
    let story = in_flight()
        .when(answered(1, accepted_without_charge()))
        .then(["confirmation-unclear"]);
    assert_eq!(story.state(), Some(StateName::InDoubt));
}

#[test]
fn complete_with_a_charge_is_followed_by_get_charge_before_anything_is_announced() {
    for answer in [accepted(), accepted_pending()] {
        let story = given(policy()).and(observe(order().complete())).and(start(1));
        let story = story.when(answered(1, answer)).then(["confirmation-accepted"]);
        assert_eq!(story.step(), Step::LookUpCharge);
    }
}

#[test]
fn complete_without_a_charge_moved_no_money() {
    let story = given(policy()).and(observe(order().complete())).and(start(1));
    let story = story
        .when(answered(1, accepted_without_charge()))
        .then(["confirmed"]);
    assert_eq!(story.outcome(), Some(&confirmed(Payment::None)));
}

#[test]
fn a_saved_wallet_setup_without_a_charge_is_confirmed() {
    let story = given(policy())
        .and(observe(order().sets_up_wallet()))
        .and(start(1));
    let story = story
        .when(answered(1, accepted_without_charge()))
        .then(["confirmed"]);
    let Some(Outcome::Confirmed { ids, payment, .. }) = story.outcome() else {
        panic!("{story:?}")
    };
    assert_eq!(*payment, Payment::None);
    assert_eq!(
        ids.charge_permission_type,
        Some(checkout::ChargePermissionType::PaymentMethodOnFile)
    );
}

#[test]
fn a_saved_wallet_setup_with_a_charge_id_asks_about_it_first() {
    let story = given(policy())
        .and(observe(order().sets_up_wallet()))
        .and(start(1));
    let story = story
        .when(answered(1, accepted()))
        .then(["confirmation-accepted"]);
    assert_eq!(story.step(), Step::LookUpCharge);
}

#[test]
fn a_pending_finalize_is_told_as_pending_and_not_as_an_outcome() {
    let story = given(policy())
        .and(observe(order().intent(PaymentIntent::Authorize)))
        .and(start(1))
        .when(answered(1, accepted_pending()))
        .then(["confirmation-accepted", "payment-pending"]);
    assert_eq!(story.state(), Some(StateName::PaymentPending));
    assert_eq!(story.outcome(), None);
}

#[test]
fn a_plain_success_of_what_may_pend_is_asked_about() {
    // That Finalize answers 202 while a payment is pending is a guess.
    let story = given(policy())
        .and(observe(order().intent(PaymentIntent::Authorize).may_pend()))
        .and(start(1))
        .when(answered(1, accepted()))
        .then(["confirmation-accepted"]);
    assert_eq!(story.step(), Step::LookUpCharge);
}

#[test]
fn a_permission_type_in_the_answer_is_told_and_one_that_is_missing_comes_from_the_event() {
    let mut saved = ids();
    saved.charge_permission_type = Some(checkout::ChargePermissionType::PaymentMethodOnFile);
    let answer = ConfirmAnswer::Accepted {
        ids: saved.clone(),
        pending: false,
        answer: answer(200, ""),
    };
    let story = in_flight().and(answered(1, answer));
    let Some(Outcome::Confirmed { ids, .. }) = story.outcome() else {
        panic!("{story:?}")
    };
    assert_eq!(*ids, saved);
}

// ---- nothing happened

#[test]
fn what_never_left_sets_no_doubt_and_is_tried_again() {
    let story = in_flight()
        .when(answered(1, not_sent()))
        .then_exactly([Event::ConfirmationNotSent {
            attempt: 1,
            answer: answer(0, ""),
            retry_at: t(secs(2)),
        }]);
    assert_eq!(story.state(), Some(StateName::Waiting));
    assert_eq!(story.later(secs(1)).step(), Step::Confirm);
}

#[test]
fn a_throttled_attempt_is_deferred_and_sets_no_doubt() {
    let story = in_flight()
        .when(answered(1, throttled()))
        .then(["confirmation-deferred"]);
    assert_eq!(story.state(), Some(StateName::Waiting));
    assert_eq!(story.open().key_choice(), KeyChoice::New);
}

#[test]
fn a_wait_that_amazon_asks_for_is_kept_where_it_is_the_longer_one() {
    let asks = |wait| ConfirmAnswer::Failed {
        class: Class::Slow,
        may_have_landed: false,
        retry_after: Some(wait),
        answer: Answer::default(),
    };
    let longer = in_flight().and(answered(1, asks(secs(20))));
    assert_eq!(longer.step(), Step::WaitUntil(t(secs(21))));
    let shorter = in_flight().and(answered(1, asks(mins(0))));
    assert_eq!(shorter.step(), Step::WaitUntil(t(secs(2))));
}

#[test]
fn a_refused_account_loses_nothing() {
    let story = in_flight()
        .when(answered(1, account_refused()))
        .then(["confirmation-deferred"]);
    assert_eq!(story.state(), Some(StateName::Waiting));
}

#[test]
fn waits_double_from_one_failure_to_the_next_also_where_look_ups_come_between() {
    let mut story = seen();
    let mut waits = Vec::new();
    for attempt in 1..=11 {
        while story.step() == Step::LookUp {
            story = story.and(look_up(open()));
        }
        story = story.and(start(attempt)).and(answered(attempt, throttled()));
        waits.push(story.open().not_before.since(story.now()).as_secs());
        story = story.when_due();
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
}

#[test]
fn waits_double_also_while_it_may_have_landed() {
    let mut story = seen();
    let mut waits = Vec::new();
    for attempt in 1..=5 {
        story = story.and(start_with(1, 1)).and(answered(attempt, lost()));
        waits.push(story.open().not_before.since(story.now()).as_secs());
        story = story.when_due();
        assert_eq!(story.step(), Step::LookUp);
        story = story.and(look_up(open()));
    }
    assert_eq!(waits, [1, 2, 4, 8, 16]);
}

#[test]
fn an_answer_about_the_session_ends_the_row_of_failures() {
    let story = in_flight()
        .and(answered(1, throttled()))
        .when_due()
        .and(start(2))
        .and(answered(2, not_in_a_state_for_this()))
        .and(look_up(open()))
        .later(mins(1))
        .and(look_up(open()))
        .and(start(3))
        .and(answered(3, throttled()));
    assert_eq!(story.open().not_before.since(story.now()), secs(1));
}

#[test]
fn no_wait_keeps_the_first_look_up_after_the_deadline_waiting() {
    let last = hours(24) - secs(61);
    let asks = ConfirmAnswer::Failed {
        class: Class::Slow,
        may_have_landed: false,
        retry_after: Some(hours(2)),
        answer: Answer::default(),
    };
    for answer in [asks, lost(), not_sent(), amount_mismatch()] {
        let story = seen().at(last).and_alerts().and(look_up(open())).and(start(1));
        let story = story
            .later(secs(2))
            .and(answered(1, answer))
            .at(hours(24) + secs(10));
        assert!(matches!(story.and_alerts().step(), Step::LookUp));
    }
}

// ---- refusals

#[test]
fn not_in_a_state_for_this_is_a_question() {
    let story = in_flight()
        .when(answered(1, not_in_a_state_for_this()))
        .then(["confirmation-refused"]);
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn a_payment_refused_for_good_is_looked_up_at_once() {
    let story = in_flight()
        .when(answered(1, hard_declined()))
        .then(["confirmation-refused"]);
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn a_wrong_request_stops_the_session_and_is_told_with_amazons_words() {
    let told_so = failed(
        Class::Fix { content: true },
        false,
        Answer {
            message: Some("chargeAmount is not that of the session".to_owned()),
            ..answer(409, "AmountMismatch")
        },
    );
    let story = in_flight()
        .when(answered(1, told_so))
        .then(["repair-needed", "alert-raised needs-repair"]);
    assert_eq!(story.state(), Some(StateName::NeedsRepair));
    let alert = story
        .open()
        .subject
        .alerts
        .get(1)
        .map(|alert| alert.summary.clone());
    assert!(
        alert.is_some_and(|text| text.contains("409 AmountMismatch chargeAmount is not that of the session"))
    );
}

// ---- late and repeated answers

#[test]
fn an_answer_that_is_on_record_already_adds_nothing() {
    for answer in [
        lost(),
        throttled(),
        not_sent(),
        not_in_a_state_for_this(),
        hard_declined(),
        amount_mismatch(),
        account_refused(),
    ] {
        let story = in_flight().and(answered(1, answer.clone()));
        story.when(answered(1, answer)).then_nothing();
    }
}

#[test]
fn a_late_refusal_says_nothing_after_the_attempt_is_in_doubt() {
    let looked = in_flight().when_due().and(look_up(open()));
    for answer in [
        lost(),
        throttled(),
        not_sent(),
        hard_declined(),
        amount_mismatch(),
    ] {
        looked.clone().when(answered(1, answer)).then_nothing();
    }
}

#[test]
fn a_late_success_is_a_success() {
    let looked = in_flight().when_due().and(look_up(open()));
    looked.when(answered(1, accepted())).then(["confirmed"]);
}

#[test]
fn a_late_success_after_another_outcome_is_a_contradiction() {
    let expired = in_flight()
        .at(hours(24) + secs(10))
        .and_alerts()
        .and(look_up(canceled("Expired")));
    expired
        .when(answered(1, accepted()))
        .then(["alert-raised contradiction"])
        .when(answered(1, accepted()))
        .then_nothing();
}

#[test]
fn a_late_success_after_its_charge_was_declined_contradicts_nothing() {
    let declined = in_flight()
        .when_due()
        .and(look_up(found_completed()))
        .and(charge(checkout::ChargeFound::Declined { reason: None }));
    declined.when(answered(1, accepted())).then_nothing();
}

#[test]
fn a_late_pending_after_its_session_was_declined_contradicts_nothing() {
    let declined = in_flight().and(look_up(canceled("Declined")));
    declined
        .clone()
        .when(answered(1, accepted_pending()))
        .then_nothing();
    declined
        .when(answered(1, accepted()))
        .then(["alert-raised contradiction"]);
}

#[test]
fn a_success_is_told_once() {
    let story = in_flight().and(answered(1, accepted()));
    story.when(answered(1, accepted())).then_nothing();
}

#[test]
fn in_flight_is_in_doubt_when_its_worker_must_be_gone() {
    let until = Policy::SEND_WITHIN + secs(30);
    let story = seen().and(start(1));
    assert_eq!(story.clone().at(until - secs(1)).state(), Some(StateName::Ready));
    assert_eq!(story.at(until).state(), Some(StateName::InDoubt));
}

#[test]
fn an_unseen_session_has_no_answers() {
    given(policy()).when(answered(1, accepted())).then_nothing();
    given(policy()).when(look_up(found_completed())).then_nothing();
    given(policy())
        .when(operator_forswears())
        .then_refused(&Refused::Unseen);
}
