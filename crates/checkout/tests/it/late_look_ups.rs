//! Look-ups that come late: sent before what they would have to speak of, or brought after the outcome.

use checkout::{Outcome, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

#[test]
fn a_look_up_that_was_sent_before_the_attempt_says_nothing_of_it() {
    let sent_before = || look_up_begun(secs(20), open(), None, None);
    let story = seen().at(secs(30)).and(start(1)).later(secs(1));
    // Its attempt is in flight, and stays so.
    story.clone().when(sent_before()).then_nothing();
    // Its attempt is in doubt: the question stands.
    let doubtful = story.and(answered(1, lost())).when(sent_before()).then_nothing();
    assert_eq!(doubtful.when_due().step(), Step::LookUp);
}

#[test]
fn a_look_up_that_was_sent_before_the_attempt_had_left_for_sure_says_nothing_of_it() {
    // Sent between the intent and its request, say: by a worker that had read the session before.
    let story = seen()
        .and(start(1))
        .later(secs(1))
        .and(answered(1, lost()))
        .when_due();
    let asked_within = look_up_begun(secs(1) + std::time::Duration::from_millis(1), open(), None, None);
    // It is asked again, though not at once: by a clock that is behind, that would be too early again.
    let doubtful = story.clone().when(asked_within).then(["look-up-deferred"]);
    assert!(matches!(doubtful.step(), Step::WaitUntil(_)));
    assert_eq!(doubtful.when_due().step(), Step::LookUp);
    let asked_after = look_up_begun(secs(1), open(), None, None);
    story.when(asked_after).then(["looked-up"]);
    // Its worker is gone: it may have left at any time until its `send_by`.
    let left_lying = || seen().and(start(1)).later(secs(40));
    let asked_within = look_up_begun(secs(39), open(), None, None);
    left_lying().when(asked_within).then(["look-up-deferred"]);
    let asked_after = look_up_begun(secs(38), open(), None, None);
    left_lying().when(asked_after).then(["looked-up"]);
}

#[test]
fn hands_are_off_while_an_attempt_is_in_flight_and_evidence_counts_all_the_same() {
    let story = seen().and(start(1)).later(secs(1));
    story.clone().when(look_up(open())).then_nothing();
    story
        .clone()
        .when(look_up(checkout::Found::NotFound))
        .then_nothing();
    story.clone().when(look_up_fails()).then_nothing();
    story.when(look_up(found_completed_without_charge())).then([
        "looked-up",
        "confirmed",
        "alert-raised contradiction",
    ]);
}

#[test]
fn an_attempt_that_was_left_lying_is_told_of_while_its_look_up_waits_for_a_turn() {
    let story = seen().and(start(1)).at(mins(5));
    assert_eq!(story.step(), Step::Alert(checkout::AlertKind::InDoubt));
    let told = story.and(alert(checkout::AlertKind::InDoubt));
    assert_eq!(told.step(), Step::LookUp);
    told.when(look_up(open())).then(["looked-up"]);
}

#[test]
fn nothing_that_a_look_up_brings_changes_an_outcome() {
    let story = seen().and(start(1)).and(answered(1, accepted()));
    for found in [
        open(),
        open_with_ids(),
        found_completed(),
        canceled("Expired"),
        checkout::Found::NotFound,
    ] {
        story.clone().when(look_up(found)).then_nothing();
    }
    story.when(look_up_fails()).then_nothing();
}

#[test]
fn completed_after_another_outcome_is_a_contradiction_told_once() {
    let expired = seen().at(hours(24) + secs(10)).and(look_up(canceled("Expired")));
    let story = expired
        .when(look_up(found_completed()))
        .then(["alert-raised contradiction"]);
    assert_eq!(story.outcome(), Some(&Outcome::Expired));
    story.when(look_up(found_completed())).then_nothing();
}
