//! Alerts, our own decision not to confirm, and what operators do.

use checkout::{AlertKind, Event, ForswornBy, KeyChoice, Refused, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn needs_repair() -> Story {
    seen().and(start(1)).and(answered(1, amount_mismatch()))
}

fn in_doubt() -> Story {
    seen().and(start(1)).and(answered(1, lost()))
}

fn at_cancel(story: Story) -> Story {
    story.at(hours(23) + mins(30)).and_alerts()
}

fn asked_at_cancel(story: Story) -> Story {
    at_cancel(story).and(look_up(open()))
}

fn confirmed() -> Story {
    seen().and(start(1)).and(answered(1, accepted()))
}

// ---- alerts

#[test]
fn an_alert_is_a_fact_with_its_number_and_its_words() {
    let near = AlertKind::DeadlineNear { before: hours(6) };
    seen()
        .at(hours(18))
        .when(alert(near))
        .then_exactly([Event::AlertRaised {
            kind: near,
            ordinal: 1,
            summary: "Still not confirmed less than 6 hours before its deadline.".to_owned(),
        }]);
}

#[test]
fn an_alert_is_raised_only_when_it_is_due_and_once() {
    let near = AlertKind::DeadlineNear { before: hours(6) };
    seen().at(hours(17)).when(alert(near)).then_nothing();
    seen()
        .at(hours(18))
        .and(alert(near))
        .when(alert(near))
        .then_nothing();
    seen()
        .at(hours(18))
        .when(alert(AlertKind::InDoubt))
        .then_nothing();
    for kind in [
        AlertKind::NeedsRepair,
        AlertKind::Conflict,
        AlertKind::Forsworn,
        AlertKind::Contradiction,
    ] {
        seen().at(hours(18)).when(alert(kind)).then_nothing();
    }
}

#[test]
fn one_alert_per_threshold() {
    let mut story = needs_repair();
    let mut at = Vec::new();
    while story.now() < t(hours(23) + mins(30)) {
        match story.step() {
            Step::Alert(AlertKind::DeadlineNear { before }) => {
                at.push((story.now(), before));
                story = story.and_alerts();
            }
            Step::WaitUntil(_) => story = story.when_due(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        at,
        [
            (t(hours(18)), hours(6)),
            (t(hours(22)), hours(2)),
            (t(hours(23) + mins(15)), mins(45))
        ]
    );
}

#[test]
fn an_alert_of_a_deadline_that_turns_out_to_be_later_is_over_and_told_again_in_time() {
    let created_long_ago = checkout::Command::Observe {
        statement: order().build(),
        said_at: t0(),
        session_created_at: Some(t0().minus(hours(23) + mins(20))),
    };
    let story = given(policy()).and(created_long_ago).and_alerts();
    assert_eq!(story.firing(), ["deadline-near"]);
    let story = story
        .when(look_up(open()))
        .then(["looked-up", "alert-resolved deadline-near"]);
    assert_eq!(
        story.at(hours(18)).step(),
        Step::Alert(AlertKind::DeadlineNear { before: hours(6) })
    );
}

/// A look-up tells that it ends so much later than was thought.
fn ends_later(by: std::time::Duration) -> Ask {
    look_up_dated(open(), Some(t0()), Some(t(hours(24) + by)))
}

#[test]
fn a_deadline_that_is_measured_anew_by_a_moment_is_not_told_again() {
    for asked_after in [secs(0), secs(1), mins(61)] {
        let told = needs_repair().at(hours(22)).and_alerts().later(asked_after);
        told.clone().when(ends_later(secs(60))).then(["looked-up"]);
        let measured = told.and(ends_later(secs(60)));
        assert_eq!(measured.firing(), ["needs-repair", "deadline-near"]);
        assert_eq!(
            measured.step(),
            Step::WaitUntil(t(hours(23) + mins(16))),
            "{asked_after:?}"
        );
    }
}

#[test]
fn what_is_told_already_stays_told_when_its_deadline_turns_out_to_be_later_and_as_near_by_then() {
    let told = needs_repair().at(hours(22)).and_alerts().later(mins(20));
    told.clone().when(ends_later(mins(10))).then(["looked-up"]);
    let measured = told.and(ends_later(mins(10)));
    assert_eq!(measured.step(), Step::WaitUntil(t(hours(23) + mins(25))));
}

#[test]
fn doubt_is_told_when_it_meets_a_threshold_although_it_is_young() {
    let begins = hours(18) - secs(10);
    let story = seen()
        .at(begins)
        .and(look_up(open()))
        .and(start(1))
        .and(answered(1, lost()));
    let story = story.at(hours(18)).and_alerts();
    assert_eq!(story.firing(), ["deadline-near", "in-doubt"]);
}

#[test]
fn doubt_that_begins_below_a_threshold_is_told_after_five_minutes() {
    let begins = hours(19);
    let story = seen().at(begins).and_alerts().and(look_up(open())).and(start(1));
    let story = story.and(answered(1, lost())).later(mins(4)).and_alerts();
    assert_eq!(story.firing(), ["deadline-near"]);
    assert_eq!(
        story.later(mins(1)).and_alerts().firing(),
        ["deadline-near", "in-doubt"]
    );
}

#[test]
fn every_alert_but_conflict_and_contradiction_is_over_with_the_outcome() {
    let story = in_doubt()
        .and(observe(order().amount("24.00")))
        .at(hours(18))
        .and_alerts();
    assert_eq!(story.firing(), ["deadline-near", "in-doubt"]);
    let story = story.when(look_up(found_completed_without_charge())).then([
        "looked-up",
        "confirmed",
        "alert-raised contradiction",
        "conflict-found",
        "alert-raised conflict",
        "alert-resolved deadline-near",
        "alert-resolved in-doubt",
    ]);
    assert_eq!(story.firing(), ["contradiction", "conflict"]);
}

// ---- forswearing

#[test]
fn the_policy_forswears_what_cannot_be_confirmed_and_tells() {
    let story = asked_at_cancel(needs_repair()).when(forswear()).then([
        "confirmation-forsworn",
        "alert-raised forsworn",
        "alert-resolved needs-repair",
        "alert-resolved deadline-near",
    ]);
    assert_eq!(story.state(), Some(StateName::Forsworn));
    story.when(forswear()).then_nothing();
}

#[test]
fn the_policy_forswears_nothing_where_the_step_is_another() {
    needs_repair().when(forswear()).then_nothing();
    at_cancel(needs_repair()).when(forswear()).then_nothing();
    asked_at_cancel(seen()).when(forswear()).then_nothing();
    at_cancel(in_doubt()).when(forswear()).then_nothing();
    asked_at_cancel(needs_repair().under(alerting()))
        .when(forswear())
        .then_nothing();
    given(policy()).when(forswear()).then_nothing();
    confirmed()
        .at(hours(23) + mins(30))
        .when(forswear())
        .then_nothing();
}

#[test]
fn no_deadline_is_told_of_what_is_forsworn() {
    let story = seen().and(operator_forswears()).at(hours(23) + mins(50));
    assert_eq!(story.step(), Step::WaitUntil(t(hours(24) + secs(10))));
}

#[test]
fn an_operator_forswears_what_is_open() {
    let story = seen()
        .when(operator_forswears())
        .then(["confirmation-forsworn", "alert-raised forsworn"]);
    assert!(matches!(
        story.open().hold,
        checkout::Hold::Forsworn {
            by: ForswornBy::Operator,
            ..
        }
    ));
    story.when(operator_forswears()).then_refused(&Refused::Forsworn);
}

#[test]
fn an_operator_takes_over_what_the_policy_forswore() {
    let story = asked_at_cancel(needs_repair()).and(forswear());
    let story = story.when(operator_forswears()).then(["confirmation-forsworn"]);
    story
        .when(observe(order().amount("24.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn nobody_forswears_what_may_have_landed() {
    in_doubt()
        .when(operator_forswears())
        .then_refused(&Refused::InDoubt);
    seen()
        .and(start(1))
        .when(operator_forswears())
        .then_refused(&Refused::InDoubt);
}

#[test]
fn nobody_forswears_what_is_over() {
    confirmed()
        .when(operator_forswears())
        .then_refused(&Refused::Over("confirmed"));
    seen()
        .at(hours(24))
        .when(operator_forswears())
        .then_refused(&Refused::TooLate);
    let pending = seen().and(look_up(found_completed()));
    pending
        .when(operator_forswears())
        .then_refused(&Refused::Over("confirmed at Amazon Pay"));
}

// ---- releasing

#[test]
fn a_release_ends_the_need_of_repair() {
    let story = needs_repair()
        .when(release())
        .then(["released", "alert-resolved needs-repair"]);
    assert_eq!(story.step(), Step::Confirm);
    // Repaired elsewhere, with nothing in doubt: a new key.
    assert_eq!(story.open().key_choice(), KeyChoice::New);
}

#[test]
fn a_release_ends_what_is_forsworn_while_there_is_time() {
    for story in [
        asked_at_cancel(needs_repair()).and(forswear()),
        seen().and(operator_forswears()),
    ] {
        let story = story
            .later(secs(30))
            .when(release())
            .then(["released", "alert-resolved forsworn"]);
        assert_eq!(story.state(), Some(StateName::Ready));
    }
    let late = seen().and(operator_forswears()).at(hours(24) - secs(60));
    late.when(release()).then_refused(&Refused::TooLate);
}

#[test]
fn a_release_in_doubt_does_not_end_the_doubt() {
    let story = in_doubt()
        .later(secs(1))
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, amount_mismatch()))
        .and(release());
    assert_eq!(story.state(), Some(StateName::InDoubt));
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn an_event_that_does_not_say_enough_is_not_released() {
    let why = flaw("chargeAmount", "is missing");
    given(policy())
        .and(observe(order().flawed()))
        .when(release())
        .then_refused(&Refused::Incomplete(why));
}

#[test]
fn a_release_acknowledges_a_conflict_or_a_contradiction() {
    let conflict = confirmed().and(observe(order().amount("24.00")));
    let story = conflict.when(release()).then(["alert-resolved conflict"]);
    story.when(release()).then_refused(&Refused::NothingToRelease);
    let contradiction = seen()
        .at(hours(24) + secs(10))
        .and(look_up(canceled("Expired")))
        .and(look_up(found_completed()));
    contradiction
        .when(release())
        .then(["alert-resolved contradiction"]);
}

#[test]
fn a_conflict_can_be_acknowledged_where_the_hold_cannot_be_released() {
    let story = seen()
        .and(operator_forswears())
        .and(observe(order().amount("24.00")))
        .at(hours(24))
        .when(release())
        .then(["alert-resolved conflict"]);
    assert_eq!(story.state(), Some(StateName::Forsworn));
}

#[test]
fn a_conflict_after_it_was_acknowledged_is_told_anew() {
    seen()
        .and(observe(order().amount("24.00")))
        .and(release())
        .when(observe(order().amount("25.00")))
        .then(["conflict-found", "alert-raised conflict"]);
}

#[test]
fn where_there_is_nothing_to_release_it_is_refused() {
    seen().when(release()).then_refused(&Refused::NothingToRelease);
    in_doubt()
        .when(release())
        .then_refused(&Refused::NothingToRelease);
    confirmed()
        .when(release())
        .then_refused(&Refused::NothingToRelease);
    given(policy()).when(release()).then_refused(&Refused::Unseen);
}

// ---- retrying

#[test]
fn a_retry_makes_the_next_step_due_and_changes_nothing_else() {
    let story = seen().and(start(1)).and(answered(1, throttled()));
    assert_eq!(
        story.when(retry()).then(["retry-requested"]).step(),
        Step::Confirm
    );
    let story = in_doubt().when(retry()).then(["retry-requested"]);
    assert_eq!(
        (story.state(), story.step()),
        (Some(StateName::InDoubt), Step::LookUp)
    );
    assert_eq!(
        seen().and(operator_forswears()).and(retry()).state(),
        Some(StateName::Forsworn)
    );
}

#[test]
fn a_retry_of_what_needs_repair_is_refused_with_what_helps() {
    let why = Refused::NeedsRepair(flaw("request", "409 AmountMismatch"));
    needs_repair().when(retry()).then_refused(&why);
    assert_eq!(
        why.to_string(),
        "it needs repair: `request`: 409 AmountMismatch; publish a corrected event, or release it"
    );
    let of_event = Refused::NeedsRepair(flaw("chargeAmount", "is missing"));
    given(policy())
        .and(observe(order().flawed()))
        .when(retry())
        .then_refused(&of_event);
}

#[test]
fn what_needs_repair_is_retried_where_a_look_up_can_still_tell_something() {
    let doubtful = in_doubt()
        .later(secs(1))
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, amount_mismatch()));
    assert_eq!(doubtful.and(retry()).step(), Step::LookUp);
    let lapsed = needs_repair().at(hours(24) + secs(10)).and(look_up_fails());
    assert_eq!(lapsed.and(retry()).state(), Some(StateName::NeedsRepair));
}

#[test]
fn what_is_over_is_not_retried() {
    confirmed()
        .when(retry())
        .then_refused(&Refused::Over("confirmed"));
    given(policy()).when(retry()).then_refused(&Refused::Unseen);
}
