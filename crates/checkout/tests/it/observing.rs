//! What an event of the shop adds: first events, repetitions, amendments, conflicts.

use checkout::{Command, DeadlineFrom, Event, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn needing_repair() -> Story {
    seen()
        .and(start(1))
        .later(secs(1))
        .and(answered(1, amount_mismatch()))
}

fn in_doubt() -> Story {
    seen().and(start(1)).later(secs(1)).and(answered(1, lost()))
}

fn forsworn_by_policy() -> Story {
    needing_repair()
        .at(hours(23) + mins(30))
        .and_alerts()
        .and(look_up(open()))
        .and(forswear())
}

#[test]
fn a_first_event_is_recorded_as_it_was_said() {
    given(policy())
        .when(completed())
        .then_exactly([Event::CheckoutCompleted {
            statement: order().build(),
            said_at: t0(),
            session_created_at: Some(t0()),
        }]);
}

#[test]
fn a_redelivered_checkout_is_recorded_once() {
    seen().when(completed()).then_nothing();
}

#[test]
fn an_event_that_says_the_same_at_another_time_changes_nothing() {
    seen()
        .at(hours(1))
        .when(Command::Observe {
            statement: order().build(),
            said_at: t(hours(1)),
            session_created_at: None,
        })
        .then_nothing();
}

#[test]
fn amounts_are_compared_as_numbers() {
    given(policy())
        .and(observe(order().amount("14")))
        .when(observe(order().amount("14.00")))
        .then_nothing();
}

#[test]
fn an_event_that_says_the_same_as_any_earlier_one_changes_nothing() {
    let corrected = needing_repair().and(observe(order().amount("24.00")));
    let again = corrected.when(completed()).then_nothing();
    again.when(observe(order().amount("24.00"))).then_nothing();
}

#[test]
fn a_flawed_event_needs_repair_at_once_and_keeps_its_clock() {
    let story = given(policy())
        .when(observe(order().flawed()))
        .then(["checkout-completed", "alert-raised needs-repair"]);
    assert_eq!(story.state(), Some(StateName::NeedsRepair));
    assert_eq!(story.open().subject.deadline.at, t(hours(24)));
}

#[test]
fn a_whole_order_of_an_unknown_account_needs_repair_too() {
    let story = given(policy())
        .when(observe(order().of_an_unknown_account()))
        .then(["checkout-completed", "alert-raised needs-repair"]);
    assert_eq!(story.state(), Some(StateName::NeedsRepair));
}

#[test]
fn a_corrected_event_makes_a_flawed_session_ready_at_once() {
    let story = given(policy())
        .and(observe(order().flawed()))
        .later(secs(5))
        .when(completed())
        .then(["checkout-amended", "alert-resolved needs-repair"]);
    assert_eq!(story.step(), Step::Confirm);
}

#[test]
fn a_correction_that_is_flawed_itself_leaves_the_session_in_need_of_repair() {
    let mut still_flawed = order().flawed().build();
    still_flawed.flaw = Some(flaw("operation", "is neither Finalize nor Complete"));
    let story = given(policy())
        .and(observe(order().flawed()))
        .when(Command::Observe {
            statement: still_flawed,
            said_at: t0(),
            session_created_at: None,
        });
    let story = story.then(["checkout-amended"]);
    assert_eq!(story.firing(), ["needs-repair"]);
}

#[test]
fn an_amendment_may_change_the_account() {
    let story = given(policy())
        .and(observe(order().of_an_unknown_account()))
        .when(observe(order().account("uk_shop")))
        .then(["checkout-amended", "alert-resolved needs-repair"]);
    assert_eq!(
        story.open().subject.account().map(ToString::to_string).as_deref(),
        Some("uk_shop")
    );
}

#[test]
fn another_event_amends_what_amazon_refused() {
    let story = needing_repair()
        .when(observe(order().amount("24.00")))
        .then(["checkout-amended", "alert-resolved needs-repair"]);
    assert_eq!(story.state(), Some(StateName::Ready));
}

#[test]
fn an_amount_written_otherwise_amends_what_amazon_refused_and_nothing_else() {
    let as_written = |amount| observe(order().amount(amount));
    let refused = given(policy())
        .and(as_written("14"))
        .and(start(1))
        .later(secs(1))
        .and(answered(1, amount_mismatch()));
    refused.clone().when(as_written("14")).then_nothing();
    let amended = refused
        .when(as_written("14.00"))
        .then(["checkout-amended", "alert-resolved needs-repair"]);
    // Refused again: what was said before is no news, however it is written.
    let refused = amended
        .and(start(2))
        .later(secs(1))
        .and(answered(2, amount_mismatch()));
    for amount in ["14", "14.00"] {
        refused.clone().when(as_written(amount)).then_nothing();
    }
}

#[test]
fn another_event_amends_what_the_policy_forswore_while_there_is_time() {
    let story = forsworn_by_policy().at(hours(23) + mins(50));
    let story = story
        .when(observe(order().amount("24.00")))
        .then(["checkout-amended", "alert-resolved forsworn"]);
    // Its threshold was told before.
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn an_amount_written_otherwise_amends_what_the_policy_forswore_while_there_is_time() {
    let as_written = |amount| observe(order().amount(amount));
    // Refused under a code that says nothing of the amount: waited for like a buyer, until it is forsworn.
    let forsworn = given(policy())
        .and(as_written("14"))
        .and(start(1))
        .later(secs(1))
        .and(answered(1, not_in_a_state_for_this()))
        .and(look_up(open()))
        .at(hours(23) + mins(45))
        .and_alerts()
        .and(look_up(open()))
        .and(forswear());
    assert_eq!(forsworn.state(), Some(StateName::Forsworn));
    forsworn.clone().when(as_written("14")).then_nothing();
    let amended = forsworn
        .clone()
        .when(as_written("14.00"))
        .then(["checkout-amended", "alert-resolved forsworn"]);
    amended.when(as_written("14.00")).then_nothing();
    forsworn
        .at(hours(24) - secs(60))
        .when(as_written("14.00"))
        .then_nothing();
}

#[test]
fn another_event_amends_nothing_when_it_is_too_late() {
    forsworn_by_policy()
        .at(hours(24) - secs(60))
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn what_an_operator_forswore_is_not_amended() {
    let story = seen()
        .and(operator_forswears())
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
    assert_eq!(story.state(), Some(StateName::Forsworn));
}

#[test]
fn another_event_for_a_session_that_needs_nothing_changes_nothing_and_is_a_conflict() {
    let story = seen()
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
    assert_eq!(story.open().subject.statement, order().build());
    story.when(observe(order().amount("24.00"))).then_nothing();
}

#[test]
fn a_correction_that_came_too_early_is_taken_when_it_comes_again_and_is_needed() {
    let correction = || observe(order().amount("24.00"));
    let refused = seen()
        .and(correction())
        .and(start(1))
        .later(secs(1))
        .and(answered(1, amount_mismatch()));
    assert_eq!(refused.state(), Some(StateName::NeedsRepair));
    let amended = refused
        .when(correction())
        .then(["checkout-amended", "alert-resolved needs-repair"]);
    assert_eq!(amended.open().subject.statement, order().amount("24.00").build());
    // Refused itself, it has held: neither of the two is news any more.
    let refused = amended
        .and(start(2))
        .later(secs(1))
        .and(answered(2, amount_mismatch()));
    refused.clone().when(correction()).then_nothing();
    refused.when(observe(order())).then_nothing();
}

#[test]
fn a_second_conflict_is_recorded_and_its_alert_fires_already() {
    seen()
        .and(observe(order().amount("24.00")))
        .when(observe(order().amount("25.00")))
        .then(["conflict-found"]);
}

#[test]
fn another_event_while_the_buyer_is_not_done_is_a_conflict() {
    seen()
        .and(start(1))
        .and(answered(1, not_in_a_state_for_this()))
        .and(look_up(open()))
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn another_event_after_the_outcome_is_a_conflict() {
    seen()
        .and(start(1))
        .and(answered(1, accepted()))
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn another_event_while_the_payment_is_pending_is_a_conflict() {
    given(policy())
        .and(observe(order().complete()))
        .and(start(1))
        .and(answered(1, accepted_pending()))
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn another_event_while_an_attempt_is_in_flight_is_kept() {
    seen()
        .and(start(1))
        .when(observe(order().amount("24.00")))
        .then(["amendment-kept"]);
}

#[test]
fn another_event_while_it_may_have_landed_is_kept_once() {
    in_doubt()
        .when(observe(order().amount("24.00")))
        .then(["amendment-kept"])
        .when(observe(order().amount("24.00")))
        .then_nothing();
}

#[test]
fn what_was_kept_amends_the_session_when_amazon_refuses_the_attempt_for_its_content() {
    let story = seen()
        .and(start(1))
        .and(observe(order().amount("24.00")))
        .when(answered(1, amount_mismatch()))
        .then([
            "repair-needed",
            "alert-raised needs-repair",
            "checkout-amended",
            "alert-resolved needs-repair",
        ]);
    assert_eq!(story.open().subject.statement, order().amount("24.00").build());
}

#[test]
fn what_was_kept_is_a_conflict_when_the_attempt_never_left() {
    seen()
        .and(start(1))
        .and(observe(order().amount("24.00")))
        .when(answered(1, not_sent()))
        .then(["confirmation-not-sent", "conflict-found", "alert-raised conflict"]);
}

#[test]
fn what_was_kept_is_a_conflict_when_the_attempt_succeeds() {
    seen()
        .and(start(1))
        .and(observe(order().amount("24.00")))
        .when(answered(1, accepted()))
        .then(["confirmed", "conflict-found", "alert-raised conflict"]);
}

#[test]
fn what_was_kept_is_a_conflict_when_the_session_turns_out_to_be_over() {
    in_doubt()
        .and(observe(order().amount("24.00")))
        .when(look_up(canceled("Declined")))
        .then(["looked-up", "declined", "conflict-found", "alert-raised conflict"]);
}

#[test]
fn what_was_kept_waits_until_the_doubt_is_over_and_not_only_until_a_look_up() {
    let doubtful = in_doubt()
        .and(observe(order().amount("24.00")))
        .later(secs(1))
        .when(look_up(open()))
        .then(["looked-up"]);
    let refused = doubtful
        .and(start_with(1, 1))
        .when(answered(2, amount_mismatch()))
        .then(["repair-needed", "alert-raised needs-repair"]);
    refused
        .when_due()
        .and_alerts()
        .when_due()
        .when(look_up(open()))
        .then([
            "looked-up",
            "checkout-amended",
            "alert-resolved needs-repair",
            "alert-resolved in-doubt",
        ]);
}

#[test]
fn without_a_creation_time_the_deadline_is_an_upper_bound() {
    let story = given(policy()).at(secs(30)).and(observe_undated(order()));
    let deadline = story.open().subject.deadline;
    assert_eq!(
        (deadline.at, deadline.from),
        (t(hours(24)), DeadlineFrom::UpperBound)
    );
}

#[test]
fn a_clock_that_runs_ahead_does_not_move_the_deadline_out() {
    let ahead = Command::Observe {
        statement: order().build(),
        said_at: t(hours(2)),
        session_created_at: Some(t(hours(3))),
    };
    assert_eq!(
        given(policy()).and(ahead).open().subject.deadline.at,
        t(hours(24))
    );
}

#[test]
fn a_session_is_not_created_after_its_event() {
    let odd = Command::Observe {
        statement: order().build(),
        said_at: t0(),
        session_created_at: Some(t(hours(3))),
    };
    let story = given(policy()).at(hours(4)).and(odd);
    assert_eq!(story.open().subject.deadline.at, t(hours(24)));
}
