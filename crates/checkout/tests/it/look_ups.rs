//! What a look-up of the session adds, and what only a look-up may say.

use checkout::{Answer, DeadlineFrom, Evidence, LookUpAnswer, Outcome, Payment, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn in_doubt() -> Story {
    seen().and(start(1)).later(secs(1)).and(answered(1, lost()))
}

fn forsworn() -> Story {
    seen()
        .and(start(1))
        .and(answered(1, amount_mismatch()))
        .at(hours(23) + mins(30))
        .and_alerts()
        .and(look_up(open()))
        .and(forswear())
}

fn declined(reason: &str) -> Outcome {
    Outcome::Declined {
        reason_code: (!reason.is_empty()).then(|| reason.to_owned()),
    }
}

// ---- success

#[test]
fn completed_with_a_charge_is_followed_by_get_charge_before_anything_is_announced() {
    let story = in_doubt()
        .when(look_up(found_completed()))
        .then(["looked-up", "confirmation-accepted"]);
    assert_eq!(story.step(), Step::LookUpCharge);
}

#[test]
fn completed_without_a_charge_is_confirmed_by_look_up_where_none_was_asked_for() {
    let to_be_charged_later = order().intent(checkout::PaymentIntent::Confirm);
    let story = given(policy())
        .and(observe(to_be_charged_later))
        .and(start(1))
        .later(secs(1))
        .and(answered(1, lost()))
        .when(look_up(found_completed_without_charge()))
        .then(["looked-up", "confirmed"]);
    assert_eq!(
        story.outcome(),
        Some(&Outcome::Confirmed {
            ids: told(ids_without_charge()),
            payment: Payment::None,
            evidence: Evidence::LookUp
        })
    );
}

#[test]
fn completed_without_the_charge_that_was_asked_for_is_a_contradiction_too() {
    in_doubt().when(look_up(found_completed_without_charge())).then([
        "looked-up",
        "confirmed",
        "alert-raised contradiction",
    ]);
}

#[test]
fn completed_by_the_shop_front_is_success_too() {
    seen()
        .at(hours(2))
        .when(look_up(found_completed()))
        .then(["looked-up", "confirmation-accepted"]);
}

#[test]
fn open_with_ids_is_confirmed_with_a_pending_payment() {
    let story = in_doubt()
        .when(look_up(open_with_ids()))
        .then(["looked-up", "confirmation-accepted"]);
    assert_eq!(story.state(), Some(StateName::PaymentPending));
    story
        .when(charge(checkout::ChargeFound::Pending))
        .then(["charge-looked-up", "payment-pending"]);
}

#[test]
fn open_with_a_permission_and_no_charge_is_no_success_and_is_not_asked_without_end() {
    let found = checkout::Found::Open {
        ids: Some(ids_without_charge()),
        has_address: true,
    };
    let story = seen()
        .and(start(1))
        .and(answered(1, not_in_a_state_for_this()))
        .when(look_up(found))
        .then(["looked-up"]);
    assert_eq!(story.step(), Step::WaitUntil(t(mins(1))));
}

// ---- Canceled

#[test]
fn canceled_is_told_by_its_reason_and_by_our_own_decision() {
    let lapsed = hours(24) + secs(10);
    let cases = [
        ("Expired", hours(2), false, Outcome::Expired),
        ("Expired", lapsed, false, Outcome::Expired),
        ("Expired", lapsed, true, cancelled()),
        ("", lapsed, false, Outcome::Expired),
        ("", lapsed, true, cancelled()),
        ("", hours(2), false, declined("")),
        ("", hours(23) + mins(45), true, declined("")),
        ("Declined", lapsed, true, declined("Declined")),
        ("Declined", lapsed, false, declined("Declined")),
        ("BuyerCanceled", hours(2), false, declined("BuyerCanceled")),
        ("BuyerCanceled", lapsed, true, declined("BuyerCanceled")),
        ("AmazonCanceled", hours(3), false, declined("AmazonCanceled")),
    ];
    for (reason, at, forswear_first, outcome) in cases {
        let story = if forswear_first { forsworn() } else { seen() };
        let story = story.at(at).and(look_up(canceled(reason)));
        assert_eq!(
            story.outcome(),
            Some(&outcome),
            "{reason:?} at {at:?}, forsworn: {forswear_first}"
        );
    }
}

fn cancelled() -> Outcome {
    Outcome::Cancelled {
        decided_at: t(hours(23) + mins(30)),
    }
}

#[test]
fn canceled_without_a_reason_is_judged_by_that_look_ups_own_times_where_it_has_them() {
    let hour_earlier = || t0().minus(hours(1));
    let at = hours(23) + mins(30);
    let by_creation = look_up_dated(canceled(""), Some(hour_earlier()), None);
    assert_eq!(seen().at(at).and(by_creation).outcome(), Some(&Outcome::Expired));
    let by_expiration = look_up_dated(canceled(""), None, Some(hour_earlier().plus(hours(24))));
    assert_eq!(
        seen().at(at).and(by_expiration).outcome(),
        Some(&Outcome::Expired)
    );
    let created_later = look_up_dated(canceled(""), Some(t(hours(1))), None);
    let story = seen().at(hours(24) + mins(5)).and(created_later);
    assert_eq!(story.outcome(), Some(&declined("")));
}

#[test]
fn canceled_without_a_reason_is_judged_by_when_the_look_up_was_sent() {
    let sent_before = look_up_begun(secs(20), canceled(""), None, None);
    let story = seen().at(hours(24) + secs(10)).and(sent_before);
    assert_eq!(story.outcome(), Some(&declined("")));
}

#[test]
fn the_refusing_answer_tells_why_where_the_look_up_does_not() {
    let refused = seen().and(start(1)).and(answered(1, hard_declined()));
    let story = refused
        .clone()
        .when(look_up(canceled("")))
        .then(["looked-up", "declined"]);
    assert_eq!(story.outcome(), Some(&declined("HardDeclined")));
    let story = refused.and(look_up(canceled("Declined")));
    assert_eq!(story.outcome(), Some(&declined("Declined")));
}

#[test]
fn canceled_ends_the_doubt() {
    let story = in_doubt().later(mins(6)).and_alerts();
    assert_eq!(story.firing(), ["in-doubt"]);
    story
        .when(look_up(canceled("Declined")))
        .then(["looked-up", "declined", "alert-resolved in-doubt"]);
}

#[test]
fn a_session_that_we_forswore_and_that_is_completed_is_confirmed_and_a_contradiction() {
    let story = forsworn()
        .at(hours(24) + secs(10))
        .when(look_up(found_completed_without_charge()))
        .then([
            "looked-up",
            "confirmed",
            "alert-raised contradiction",
            "alert-resolved forsworn",
        ]);
    assert_eq!(story.firing(), ["contradiction"]);
    forsworn()
        .at(hours(24) + secs(10))
        .when(look_up(found_completed()))
        .then([
            "looked-up",
            "confirmation-accepted",
            "alert-raised contradiction",
            "alert-resolved forsworn",
        ])
        .when(charge(checkout::ChargeFound::Captured))
        .then(["charge-looked-up", "confirmed"]);
}

// ---- Open

#[test]
fn a_refused_payment_with_the_session_still_open_is_told_to_the_shop_and_not_tried_again() {
    let story = seen()
        .and(start(1))
        .and(answered(1, hard_declined()))
        .when(look_up(open()))
        .then(["looked-up", "attempt-declined"]);
    assert_eq!(story.outcome(), None);
    let mut gaps = Vec::new();
    let mut story = story;
    for _ in 0..7 {
        let due = story.clone().when_due();
        gaps.push(due.now().since(story.now()).as_secs() / 60);
        assert_eq!(due.step(), Step::LookUp);
        story = due.when(look_up(open())).then(["looked-up"]);
    }
    assert_eq!(gaps, [1, 2, 5, 10, 20, 30, 30]);
}

#[test]
fn a_refused_payment_is_never_told_while_the_attempt_may_have_landed() {
    let story = seen()
        .and(start(1))
        .and(answered(1, authorization_timed_out()))
        .when(look_up(open()))
        .then(["looked-up"]);
    assert_eq!(story.state(), Some(StateName::InDoubt));
    let story = in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, hard_declined()))
        .when(look_up(open()))
        .then(["looked-up"]);
    assert_eq!(story.state(), Some(StateName::InDoubt));
}

#[test]
fn a_payment_refused_while_in_doubt_is_not_tried_again_even_if_a_look_up_fails_in_between() {
    let story = in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, hard_declined()))
        .and(look_up_fails())
        .when_due()
        .and(look_up(open()));
    assert!(matches!(story.step(), Step::WaitUntil(_)), "{:?}", story.step());
    assert_eq!(story.when_due().step(), Step::LookUp);
}

#[test]
fn a_buyer_who_is_not_done_is_tried_again_when_a_gap_has_passed() {
    let mut story = seen();
    let mut gaps = Vec::new();
    for attempt in 1..=7 {
        story = story
            .and(start(attempt))
            .and(answered(attempt, not_in_a_state_for_this()));
        story = story.when(look_up(open())).then(["looked-up"]);
        assert_eq!(story.state(), Some(StateName::Waiting));
        let due = story.clone().when_due();
        gaps.push(due.now().since(story.now()).as_secs() / 60);
        story = due;
        if story.step() == Step::LookUp {
            story = story.and(look_up(open()));
        }
    }
    assert_eq!(gaps, [1, 2, 5, 10, 20, 30, 30]);
}

#[test]
fn the_address_may_come_from_the_look_up() {
    let story = given(policy()).and(observe(order().without_address()));
    let story = story.when(look_up(open())).then(["looked-up"]);
    assert_eq!(story.step(), Step::Confirm);
}

#[test]
fn an_address_that_nobody_has_yet_is_waited_for_like_the_buyer() {
    let mut story = given(policy()).and(observe(order().without_address()));
    let mut gaps = Vec::new();
    for _ in 0..7 {
        assert_eq!(story.step(), Step::LookUp);
        story = story.when(look_up(open_without_address())).then(["looked-up"]);
        assert_eq!(story.state(), Some(StateName::Waiting));
        let due = story.clone().when_due();
        gaps.push(due.now().since(story.now()).as_secs() / 60);
        story = due;
    }
    assert_eq!(gaps, [1, 2, 5, 10, 20, 30, 30]);
}

#[test]
fn an_address_that_comes_later_makes_it_ready() {
    let story = given(policy())
        .and(observe(order().without_address()))
        .and(look_up(open_without_address()))
        .when_due()
        .and(look_up(open_without_address()))
        .when_due()
        .when(look_up(open()))
        .then(["looked-up"]);
    assert_eq!(story.state(), Some(StateName::Ready));
    assert_eq!(story.step(), Step::Confirm);
}

#[test]
fn an_address_that_comes_when_only_last_moments_are_left_is_confirmed_and_not_forsworn() {
    let story = given(policy())
        .and(observe(order().without_address()))
        .and(look_up(open_without_address()))
        .at(hours(23) + mins(29))
        .and_alerts()
        .and(look_up(open_without_address()))
        .at(hours(23) + mins(31));
    assert_eq!(story.step(), Step::LookUp);
    let found = story.clone().and(look_up(open()));
    assert_eq!(found.step(), Step::Confirm);
    let lacking = story.and(look_up(open_without_address()));
    assert_eq!(lacking.step(), Step::Forswear);
}

#[test]
fn a_session_whose_address_never_comes_is_forsworn_near_its_deadline_and_only_then() {
    let mut story = given(policy()).and(observe(order().without_address()));
    while story.step() != Step::Forswear {
        story = match story.step() {
            Step::LookUp => story.when(look_up(open_without_address())).then(["looked-up"]),
            Step::Alert(kind) => story.and(alert(kind)),
            Step::WaitUntil(_) => story.when_due(),
            other => panic!("{other:?} at {}", story.now()),
        };
    }
    assert_eq!(
        story.firing(),
        ["deadline-near", "deadline-near", "deadline-near"]
    );
    assert_eq!(story.now(), t(hours(23) + mins(30)));
}

#[test]
fn an_address_that_the_shop_says_later_is_an_amendment() {
    let story = given(policy())
        .and(observe(order().without_address()))
        .and(look_up(open_without_address()))
        .when(observe(order()))
        .then(["checkout-amended"]);
    assert_eq!(story.step(), Step::Confirm);
}

#[test]
fn without_an_address_nobody_is_forsworn_where_the_policy_only_alerts() {
    let story = given(alerting())
        .and(observe(order().without_address()))
        .and(look_up(open_without_address()))
        .at(hours(23) + mins(40))
        .and_alerts();
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn a_look_up_without_an_address_does_no_harm_where_the_event_had_one() {
    let story = seen().at(mins(2)).and(look_up(open_without_address()));
    assert_eq!(story.step(), Step::Confirm);
}

// ---- the deadline

#[test]
fn the_deadline_is_what_the_look_up_says() {
    let sooner = look_up_dated(open(), None, Some(t(hours(20))));
    let story = seen().at(mins(2)).and(sooner);
    let deadline = story.open().subject.deadline;
    assert_eq!((deadline.at, deadline.from), (t(hours(20)), DeadlineFrom::LookUp));
}

#[test]
fn a_creation_time_gives_the_deadline_where_no_expiration_is_told() {
    let created = look_up_dated(open(), Some(t0().minus(hours(3))), None);
    let story = given(policy())
        .and(observe_undated(order()))
        .at(mins(2))
        .and(created);
    assert_eq!(story.open().subject.deadline.at, t(hours(21)));
}

#[test]
fn an_expiration_that_was_told_is_not_moved_by_a_creation_time() {
    // The expiration was shortened by the measured skew; the creation is Amazon's bare word.
    let shortened = look_up_dated(open(), Some(t0()), Some(t(hours(24)).minus(secs(5))));
    let bare = look_up_dated(open(), Some(t0()), None);
    let story = seen().at(mins(2)).and(shortened).later(mins(2)).and(bare);
    assert_eq!(story.open().subject.deadline.at, t(hours(24)).minus(secs(5)));
}

#[test]
fn look_ups_after_the_deadline_come_at_ten_seconds_one_five_and_fifteen_minutes_then_hourly() {
    for look in [look_up(open()), look_up_fails()] {
        let mut story = seen().at(hours(24)).and_alerts();
        let mut at = Vec::new();
        for _ in 0..7 {
            story = story.when_due();
            assert_eq!(story.step(), Step::LookUp);
            at.push(story.now().since(t(hours(24))));
            let now = story.now();
            story = story.and(look.at(now));
        }
        assert_eq!(
            at,
            [secs(10), mins(1), mins(5), mins(15), hours(1), hours(2), hours(3)]
        );
    }
}

#[test]
fn open_after_the_deadline_is_asked_again_and_never_confirmed() {
    let story = seen().at(hours(24) + secs(10)).and(look_up(open()));
    assert_eq!(story.step(), Step::WaitUntil(t(hours(24) + mins(1))));
}

// ---- not found

#[test]
fn not_found_before_the_deadline_needs_repair() {
    let story = seen().at(mins(2)).when(look_up(checkout::Found::NotFound)).then([
        "looked-up",
        "repair-needed",
        "alert-raised needs-repair",
    ]);
    assert_eq!(story.step(), Step::WaitUntil(t(hours(18))));
}

#[test]
fn not_found_while_in_doubt_keeps_the_doubt_and_keeps_asking() {
    let story = in_doubt().when_due().and(look_up(checkout::Found::NotFound));
    assert_eq!(story.state(), Some(StateName::InDoubt));
    assert_eq!(story.when_due().step(), Step::LookUp);
}

fn not_found_at(times: &[std::time::Duration]) -> Story {
    let mut story = seen();
    for at in times {
        story = story.at(hours(24) + *at).and(look_up(checkout::Found::NotFound));
    }
    story
}

#[test]
fn three_times_not_found_an_hour_apart_past_the_deadline_is_unresolved() {
    let story = not_found_at(&[secs(10), hours(1) + secs(10)]);
    assert_eq!(story.outcome(), None);
    let story = story
        .at(hours(26) + secs(10))
        .when(look_up(checkout::Found::NotFound))
        .then(["looked-up", "unresolved"]);
    assert_eq!(story.state(), Some(StateName::Unresolved));
}

#[test]
fn not_found_counts_only_an_hour_apart() {
    let story = not_found_at(&[secs(10), mins(1), mins(5), mins(15), mins(59)]);
    assert_eq!(story.outcome(), None);
    assert_eq!(story.open().not_found.map(|(times, _)| times), Some(1));
}

#[test]
fn not_found_counts_only_past_the_deadline() {
    let early = |at| seen().at(at).and(look_up(checkout::Found::NotFound));
    let story = early(hours(20))
        .at(hours(21))
        .and(release())
        .and(look_up(checkout::Found::NotFound))
        .at(hours(24) + secs(10))
        .and(look_up(checkout::Found::NotFound));
    assert_eq!(story.outcome(), None);
}

#[test]
fn not_found_begins_anew_when_amazon_knows_the_session_in_between() {
    let story = not_found_at(&[secs(10), hours(2)])
        .at(hours(27))
        .and(look_up(open()))
        .at(hours(28))
        .and(look_up(checkout::Found::NotFound));
    assert_eq!(story.outcome(), None);
}

#[test]
fn what_cannot_be_learned_in_thirty_days_is_unresolved_and_not_a_day_sooner() {
    let almost = seen()
        .at(hours(24 * 30) - secs(1))
        .when(look_up_fails())
        .then(["look-up-deferred"]);
    let story = almost
        .at(hours(24 * 30))
        .when(look_up_fails())
        .then(["look-up-deferred", "unresolved"]);
    assert_eq!(story.state(), Some(StateName::Unresolved));
}

#[test]
fn a_look_up_that_brings_nothing_settles_nothing() {
    for at in [secs(1), hours(12), hours(24), hours(25), hours(200)] {
        let story = seen().at(at).when(look_up_fails()).then(["look-up-deferred"]);
        assert_eq!(story.outcome(), None);
    }
}

#[test]
fn a_wait_that_amazon_asks_for_is_kept_for_look_ups_too() {
    let asks = checkout::Command::LookedUp {
        answer: LookUpAnswer::Failed {
            class: checkout::Class::Slow,
            retry_after: Some(secs(90)),
            answer: Answer::default(),
        },
        spread: 1.0,
    };
    let story = in_doubt().and(asks);
    assert_eq!(story.open().not_before, t(secs(91)));
}
