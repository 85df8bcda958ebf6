//! What a look-up of the charge adds: until Amazon decides, nothing is shipped and nothing is over.

use checkout::{ChargeFound, Evidence, Outcome, Payment, PaymentIntent, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn told_pending() -> Story {
    given(policy())
        .and(observe(order().intent(PaymentIntent::Authorize)))
        .and(start(1))
        .and(answered(1, accepted_pending()))
}

fn completed_with_a_charge() -> Story {
    given(policy())
        .and(observe(order().complete()))
        .and(start(1))
        .and(answered(1, accepted()))
}

fn setup_with_a_charge_id() -> Story {
    given(policy())
        .and(observe(order().sets_up_wallet()))
        .and(start(1))
        .and(answered(1, accepted()))
}

#[test]
fn the_charge_says_what_became_of_the_money() {
    for (found, payment) in [
        (ChargeFound::Authorized, Payment::Authorized),
        (ChargeFound::Captured, Payment::Captured),
    ] {
        let story = completed_with_a_charge()
            .when(charge(found))
            .then(["charge-looked-up", "confirmed"]);
        assert_eq!(
            story.outcome(),
            Some(&Outcome::Confirmed {
                ids: told(ids()),
                payment,
                evidence: Evidence::Answer
            })
        );
    }
}

#[test]
fn a_charge_refused_at_the_first_look_is_declined_at_once() {
    for found in [
        ChargeFound::Declined {
            reason: Some("SoftDeclined".to_owned()),
        },
        ChargeFound::Canceled {
            reason: Some("SoftDeclined".to_owned()),
        },
    ] {
        let story = completed_with_a_charge()
            .when(charge(found))
            .then(["charge-looked-up", "declined"]);
        assert_eq!(
            story.outcome(),
            Some(&Outcome::Declined {
                reason_code: Some("SoftDeclined".to_owned())
            })
        );
    }
}

#[test]
fn a_lost_202_is_not_captured() {
    let story = given(policy())
        .and(completed())
        .and(start(1))
        .and(answered(1, lost()))
        .and(look_up(found_completed()))
        .when(charge(ChargeFound::Pending))
        .then(["charge-looked-up", "payment-pending"]);
    assert_eq!(story.state(), Some(StateName::PaymentPending));
    let story = story.and(charge(ChargeFound::Authorized));
    assert_eq!(
        story.outcome(),
        Some(&Outcome::Confirmed {
            ids: told(ids()),
            payment: Payment::Authorized,
            evidence: Evidence::LookUp
        })
    );
}

#[test]
fn pending_is_told_once() {
    told_pending()
        .when(charge(ChargeFound::Pending))
        .then(["charge-looked-up"])
        .when(charge(ChargeFound::Pending))
        .then(["charge-looked-up"]);
}

#[test]
fn a_pending_payment_is_asked_about_less_and_less_often() {
    let mut story = told_pending();
    let mut gaps = Vec::new();
    for _ in 0..7 {
        assert_eq!(story.step(), Step::LookUpCharge);
        let looked = story.and(charge(ChargeFound::Pending));
        story = looked.clone().when_due();
        gaps.push(story.now().since(looked.now()).as_secs() / 60);
    }
    assert_eq!(gaps, [1, 2, 5, 10, 20, 30, 30]);
}

#[test]
fn a_payment_undecided_after_a_day_is_an_alert_and_still_asked_about() {
    let story = told_pending().and(charge(ChargeFound::Pending)).at(hours(24));
    let overdue = checkout::AlertKind::PaymentOverdue;
    assert_eq!(story.step(), Step::Alert(overdue));
    let story = story.when(alert(overdue)).then(["alert-raised payment-overdue"]);
    assert_eq!(story.step(), Step::LookUpCharge);
    story.when(charge(ChargeFound::Captured)).then([
        "charge-looked-up",
        "confirmed",
        "alert-resolved payment-overdue",
    ]);
}

#[test]
fn nothing_is_overdue_before_a_day_has_passed() {
    let story = told_pending()
        .and(charge(ChargeFound::Pending))
        .at(hours(24) - secs(1));
    assert_eq!(story.step(), Step::LookUpCharge);
    story
        .when(alert(checkout::AlertKind::PaymentOverdue))
        .then_nothing();
}

#[test]
fn a_look_up_of_the_charge_that_brings_nothing_is_repeated_with_growing_waits() {
    let mut story = told_pending();
    let mut waits = Vec::new();
    for _ in 0..4 {
        let failed = story
            .when(charge_look_up_fails())
            .then(["charge-look-up-deferred"]);
        story = failed.clone().when_due();
        waits.push(story.now().since(failed.now()).as_secs());
    }
    assert_eq!(waits, [1, 2, 4, 8]);
}

#[test]
fn where_no_money_moves_a_charge_id_may_name_no_charge() {
    let confirm_only = given(policy())
        .and(observe(order().intent(PaymentIntent::Confirm)))
        .and(start(1))
        .and(answered(1, accepted()));
    // Amazon's own sample of a setup has one.
    for story in [setup_with_a_charge_id(), confirm_only] {
        let story = story
            .when(charge(ChargeFound::NotFound))
            .then(["charge-looked-up", "confirmed"]);
        assert!(matches!(
            story.outcome(),
            Some(Outcome::Confirmed {
                payment: Payment::None,
                ..
            })
        ));
    }
}

#[test]
fn a_charge_not_found_three_times_an_hour_apart_past_its_day_is_unresolved() {
    let mut story = told_pending();
    for at in [secs(1), hours(2), hours(23)] {
        story = story
            .at(at)
            .when(charge(ChargeFound::NotFound))
            .then(["charge-looked-up"]);
    }
    for at in [hours(24), hours(24) + mins(30), hours(25)] {
        story = story
            .at(at)
            .when(charge(ChargeFound::NotFound))
            .then(["charge-looked-up"]);
    }
    story
        .at(hours(26))
        .when(charge(ChargeFound::NotFound))
        .then(["charge-looked-up", "unresolved"]);
}

#[test]
fn a_charge_that_is_found_in_between_begins_the_count_anew() {
    let mut story = told_pending();
    for (at, found) in [
        (hours(24), ChargeFound::NotFound),
        (hours(26), ChargeFound::NotFound),
        (hours(27), ChargeFound::Pending),
        (hours(28), ChargeFound::NotFound),
    ] {
        story = story.at(at).and(charge(found));
    }
    assert_eq!(story.outcome(), None);
}

#[test]
fn what_a_charge_does_not_tell_in_thirty_days_is_unresolved() {
    let almost = told_pending().at(hours(24 * 30) - secs(1));
    let almost = almost
        .when(charge_look_up_fails())
        .then(["charge-look-up-deferred"]);
    almost
        .at(hours(24 * 30))
        .when(charge_look_up_fails())
        .then(["charge-look-up-deferred", "unresolved"]);
}

#[test]
fn a_charge_of_a_session_that_is_not_pending_is_nothing() {
    for story in [
        given(policy()),
        given(policy()).and(completed()),
        completed_with_a_charge().and(charge(ChargeFound::Captured)),
    ] {
        story
            .clone()
            .when(charge(ChargeFound::Declined { reason: None }))
            .then_nothing();
        story.when(charge_look_up_fails()).then_nothing();
    }
}

#[test]
fn the_deadline_of_the_session_is_over_with_its_confirmation() {
    let story = told_pending()
        .and(charge(ChargeFound::Pending))
        .at(hours(23) + mins(50));
    assert_eq!(story.firing(), Vec::<&str>::new());
    assert_eq!(story.step(), Step::LookUpCharge);
}
