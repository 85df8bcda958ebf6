//! `mode = "watch"`: outcomes by look-up only, never a confirmation, never our own decision.

use checkout::{AlertKind, Found, Outcome, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(watching()).and(completed())
}

fn looked() -> Story {
    seen().and(look_up(open()))
}

#[test]
fn it_looks_up_when_it_first_sees_a_session_at_each_threshold_and_after_the_deadline() {
    let mut story = seen();
    let mut at = Vec::new();
    while story.now() < t(hours(26)) {
        match story.step() {
            Step::LookUp => {
                at.push(story.now().since(t0()));
                story = story.and(look_up(open()));
            }
            Step::Alert(kind) => story = story.and(alert(kind)),
            Step::WaitUntil(_) => story = story.when_due(),
            other => panic!("{other:?} in watch mode"),
        }
    }
    let d = hours(24);
    assert_eq!(
        at,
        [
            secs(0),
            hours(18),
            hours(22),
            hours(23) + mins(15),
            d + secs(10),
            d + mins(1),
            d + mins(5),
            d + mins(15),
            d + hours(1)
        ]
    );
    assert_eq!(story.firing().len(), 3);
}

#[test]
fn a_threshold_is_told_after_its_look_up() {
    let story = looked().at(hours(18));
    assert_eq!(story.step(), Step::LookUp);
    let story = story.and(look_up(open()));
    assert_eq!(
        story.step(),
        Step::Alert(AlertKind::DeadlineNear { before: hours(6) })
    );
}

#[test]
fn a_threshold_is_told_also_where_its_look_up_fails() {
    let story = looked().at(hours(18)).and(look_up_fails());
    assert_eq!(
        story.step(),
        Step::Alert(AlertKind::DeadlineNear { before: hours(6) })
    );
}

#[test]
fn a_session_that_is_not_found_is_told_and_not_asked_about_without_end() {
    let story = seen().when(look_up(Found::NotFound)).then([
        "looked-up",
        "repair-needed",
        "alert-raised needs-repair",
    ]);
    assert_eq!(story.step(), Step::WaitUntil(t(hours(18))));
}

#[test]
fn an_address_that_is_lacking_brings_it_up_at_its_thresholds_and_not_in_between() {
    let story = given(watching()).and(observe(order().without_address()));
    let story = story.when(look_up(open_without_address())).then(["looked-up"]);
    assert_eq!(story.state(), Some(StateName::Waiting));
    assert_eq!(story.step(), Step::WaitUntil(t(hours(18))));
    let at_threshold = story.at(hours(18)).and(look_up(open_without_address()));
    assert_eq!(at_threshold.open().not_before, t(hours(18)));
}

#[test]
fn outcomes_come_from_look_ups() {
    let story = looked()
        .at(hours(18))
        .when(look_up(found_completed_without_charge()))
        .then(["looked-up", "confirmed", "alert-raised contradiction"]);
    assert!(matches!(story.outcome(), Some(Outcome::Confirmed { .. })));
    let story = looked()
        .at(hours(24) + secs(10))
        .and(look_up(canceled("Expired")));
    assert_eq!(story.outcome(), Some(&Outcome::Expired));
}

#[test]
fn nothing_is_started_and_nothing_is_forsworn() {
    for at in [secs(1), hours(18), hours(23) + mins(30), hours(24) - secs(30)] {
        looked().at(at).when(start(1)).then_nothing();
        looked().at(at).when(forswear()).then_nothing();
    }
    let flawed = given(watching())
        .and(observe(order().flawed()))
        .at(hours(23) + mins(30));
    flawed
        .and(look_up(open()))
        .and_alerts()
        .when(forswear())
        .then_nothing();
}

#[test]
fn what_was_in_doubt_before_is_asked_about_first() {
    let story = given(policy())
        .and(completed())
        .and(start(1))
        .and(answered(1, lost()))
        .under(watching())
        .later(secs(1));
    assert_eq!(story.step(), Step::LookUp);
    assert_eq!(story.and(look_up(open())).step(), Step::WaitUntil(t(mins(5))));
}
