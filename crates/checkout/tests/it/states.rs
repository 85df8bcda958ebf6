//! What users call things: the names of the contract.

use checkout::{AlertKind, ChargeFound, Event, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn refused(answer: checkout::ConfirmAnswer) -> Story {
    seen().and(start(1)).and(answered(1, answer))
}

#[test]
fn every_history_has_its_state() {
    let d = hours(24) + secs(10);
    let forsworn = || seen().and(operator_forswears());
    let not_found = |story: Story, at| story.at(at).and(look_up(checkout::Found::NotFound));
    for (story, state) in [
        (seen(), "ready"),
        (seen().and(start(1)), "ready"),
        (refused(throttled()), "waiting"),
        (refused(throttled()).later(secs(1)), "ready"),
        (
            refused(not_in_a_state_for_this())
                .and(look_up(open()))
                .later(hours(1)),
            "waiting",
        ),
        (refused(lost()), "in-doubt"),
        (refused(lost()).later(secs(1)).and(look_up(open())), "in-doubt"),
        (refused(amount_mismatch()), "needs-repair"),
        (given(policy()).and(observe(order().flawed())), "needs-repair"),
        (forsworn(), "forsworn"),
        (seen().and(look_up(found_completed())), "payment-pending"),
        (refused(accepted()), "confirmed"),
        (seen().and(look_up(canceled("Declined"))), "declined"),
        (
            seen()
                .and(look_up(found_completed()))
                .and(charge(ChargeFound::Declined { reason: None })),
            "declined",
        ),
        (forsworn().at(d).and(look_up(canceled("Expired"))), "cancelled"),
        (seen().at(d).and(look_up(canceled("Expired"))), "expired"),
        (
            not_found(not_found(not_found(seen(), d), d + hours(1)), d + hours(2)),
            "unresolved",
        ),
    ] {
        assert_eq!(
            story.state().map(StateName::as_str),
            Some(state),
            "{:#?}",
            story.session()
        );
        assert_eq!(
            story.outcome().is_some(),
            story.state().is_some_and(StateName::is_settled)
        );
    }
    assert_eq!(given(policy()).state(), None);
}

#[test]
fn states_are_read_by_the_names_they_print() {
    for state in StateName::ALL {
        assert_eq!(StateName::parse(state.as_str()), Some(state));
    }
    assert_eq!(StateName::parse("Ready"), None);
    assert_eq!(StateName::parse("all"), None);
}

#[test]
fn steps_and_alerts_have_the_names_of_the_contract() {
    let steps = [
        Step::Confirm,
        Step::LookUp,
        Step::LookUpCharge,
        Step::WaitUntil(t0()),
        Step::Forswear,
        Step::Alert(AlertKind::InDoubt),
        Step::Rest,
    ];
    let names = [
        "confirm",
        "look-up",
        "look-up-charge",
        "wait",
        "forswear",
        "alert",
        "rest",
    ];
    assert_eq!(steps.map(Step::name), names);
    let kinds = [
        AlertKind::DeadlineNear { before: hours(6) },
        AlertKind::InDoubt,
        AlertKind::NeedsRepair,
        AlertKind::Conflict,
        AlertKind::Forsworn,
        AlertKind::Contradiction,
        AlertKind::PaymentOverdue,
    ];
    let names = [
        "deadline-near",
        "in-doubt",
        "needs-repair",
        "conflict",
        "forsworn",
        "contradiction",
        "payment-overdue",
    ];
    assert_eq!(kinds.map(AlertKind::name), names);
}

#[test]
fn only_outcomes_notices_and_alerts_are_told_to_the_world() {
    let story = given(policy())
        .and(observe(order().complete()))
        .and(start(1))
        .and(answered(1, hard_declined()))
        .and(look_up(open()))
        .and(observe(order().amount("24.00")))
        .later(mins(1))
        .and(look_up(found_completed()))
        .and(charge(ChargeFound::Pending))
        .and(release())
        .and(charge(ChargeFound::Captured));
    let told: Vec<_> = story
        .history()
        .iter()
        .map(|(_, event)| event)
        .filter(|event| event.is_announced())
        .map(Event::name)
        .collect();
    assert_eq!(
        told,
        [
            "attempt-declined",
            "alert-raised",
            "payment-pending",
            "alert-resolved",
            "confirmed"
        ]
    );
}
