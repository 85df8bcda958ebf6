//! Our clock and Amazon's disagree: the recorded deadline is 24:00 by ours, and Amazon says how long is left by its own.

use checkout::{AlertKind, Event, KeyChoice, Policy, Session, Step, Timestamp, next_step};
use testkit::model::*;
use testkit::story::{Story, given};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn needs_repair() -> Story {
    seen()
        .and(start(1))
        .and(answered(1, amount_mismatch()))
        .and(look_up(open()))
}

/// Its buyer is not done.
fn unfinished() -> Story {
    seen()
        .and(start(1))
        .and(answered(1, hard_declined()))
        .and(look_up(open()))
}

/// What Amazon answers to the look-up that is to be made now.
fn asked(story: Story, left: std::time::Duration) -> Story {
    let story = story.and_alerts();
    assert_eq!(story.step(), Step::LookUp, "at {}", story.now());
    story.and(open_with_left(left)).and_alerts()
}

fn wait(after: std::time::Duration) -> Step {
    Step::WaitUntil(t(after))
}

// ---- giving up

#[test]
fn by_a_clock_that_is_ahead_nothing_is_forsworn_before_so_little_is_left_at_amazon() {
    for begun in [needs_repair(), unfinished()] {
        let early = asked(begun.at(hours(23) + mins(30)), mins(40));
        early.clone().when(forswear()).then_nothing();
        let due = asked(early.at(hours(23) + mins(40)), mins(30));
        assert_eq!(due.step(), Step::Forswear);
        assert!(due.and(forswear()).open().forsworn_at().is_some());
    }
}

#[test]
fn what_is_waited_for_ends_when_amazon_has_said_that_so_little_is_left() {
    let early = asked(needs_repair().at(hours(23) + mins(30)), mins(40));
    assert_eq!(early.step(), wait(hours(23) + mins(40)));
}

#[test]
fn a_clock_that_jumps_gives_nothing_up_that_has_time() {
    for begun in [needs_repair(), unfinished()] {
        let jumped = asked(begun.clone().at(hours(23) + mins(40)), mins(50));
        assert_ne!(jumped.step(), Step::Forswear);
        let past_the_deadline = asked(begun.clone().at(hours(24) + mins(5)), mins(40));
        assert_ne!(past_the_deadline.step(), Step::Forswear);
        let late = asked(begun.at(hours(24) + mins(5)), mins(20));
        assert_eq!(late.step(), Step::Forswear);
    }
}

#[test]
fn what_another_clock_saw_or_this_one_before_it_was_set_back_gives_nothing_up() {
    let by_another = asked(needs_repair().at(hours(23) + mins(50)), mins(10)).at(hours(23) + mins(40));
    assert_eq!(by_another.step(), Step::LookUp);
    by_another.when(forswear()).then_nothing();
}

#[test]
fn without_amazons_time_our_clock_decides() {
    let story = needs_repair().at(hours(23) + mins(30)).and_alerts();
    assert_eq!(story.and(look_up(open())).step(), Step::Forswear);
}

#[test]
fn an_operator_may_forswear_and_release_as_long_as_amazon_gives_time() {
    let late = asked(needs_repair().at(hours(24) + mins(5)), mins(40));
    let forsworn = late.clone().and(operator_forswears());
    assert_eq!(forsworn.and(release()).step(), Step::Confirm);
    let amended = late.when(observe(order().amount("24.00")));
    amended.then(["checkout-amended", "alert-resolved needs-repair"]);
}

// ---- trying

#[test]
fn what_amazon_still_gives_time_is_confirmed_though_its_deadline_has_passed_by_our_clock() {
    // A jump of half an hour, with 25 minutes left.
    let jumped = asked(seen().at(hours(24) + mins(5)), mins(25));
    assert_eq!(jumped.step(), Step::Confirm);
    jumped
        .and(start(1))
        .later(secs(1))
        .when(answered(1, accepted()))
        .then(["confirmed", "alert-resolved deadline-near"]);
}

#[test]
fn at_the_last_moment_by_our_clock_amazon_is_asked_and_its_time_counts() {
    let last = hours(24) - secs(60);
    assert_eq!(asked(seen().at(last), mins(11)).step(), Step::Confirm);
    let too_late = |left| asked(seen().at(last), left).step();
    assert_eq!(too_late(secs(60)), wait(hours(24) + secs(10)));
    assert_eq!(too_late(secs(61)), Step::Confirm);
}

#[test]
fn past_the_deadline_by_our_clock_only_what_amazon_said_within_the_last_minute_allows_an_attempt() {
    let told = asked(seen().at(hours(24) + mins(5)), mins(25));
    let may = |story: &Story| story.open().may_be_tried(story.now(), &policy());
    assert!(may(&told.clone().later(secs(59))));
    let stale = told.clone().later(secs(60));
    assert!(!may(&stale));
    assert_eq!(stale.step(), Step::LookUp);
    stale.when(start(1)).then_nothing();
    let set_back = told.clone().at(hours(24) + mins(4));
    assert!(!may(&set_back));
    set_back.when(start(1)).then_nothing();
    let over = asked(told.at(hours(24) + mins(28)), secs(60));
    assert!(!may(&over));
    assert_eq!(over.step(), wait(hours(24) + mins(29) + secs(10)));
}

#[test]
fn what_may_have_landed_is_asked_about_and_repeated_until_the_end_by_amazons_clock() {
    let lost = asked(seen().at(hours(24) + mins(5)), mins(25))
        .and(start(1))
        .later(secs(1))
        .and(answered(1, lost()));
    // Not only when the proof is looked up.
    assert_eq!(lost.step(), wait(hours(24) + mins(5) + secs(2)));
    let due = lost.when_due();
    assert_eq!(due.step(), Step::LookUp);
    let known = due.clone().and(open_with_left(mins(24)));
    assert_eq!(known.step(), Step::Confirm);
    assert!(matches!(known.open().key_choice(), KeyChoice::Repeat(..)));
    let too_late = due.and(open_with_left(secs(50)));
    assert!(
        matches!(too_late.step(), Step::WaitUntil(_)),
        "{:?}",
        too_late.step()
    );
}

// ---- people

#[test]
fn people_are_told_by_the_earlier_clock_and_once() {
    let near = |before| Step::Alert(AlertKind::DeadlineNear { before });
    let story = needs_repair().at(hours(22));
    assert_eq!(story.step(), near(hours(2)));
    let story = story.and_alerts();
    // By Amazon's clock the last threshold is still to come; by ours it is met.
    let jumped = asked_if_due(story.at(hours(24) + mins(5)), mins(50));
    let told = jumped.and_alerts();
    let raised = told.history().iter().filter(|(_, event)| {
        matches!(
            event,
            Event::AlertRaised {
                kind: AlertKind::DeadlineNear { .. },
                ..
            }
        )
    });
    assert_eq!(raised.count(), 2);
    assert_eq!(told.firing(), ["needs-repair", "deadline-near", "deadline-near"]);
}

fn asked_if_due(story: Story, left: std::time::Duration) -> Story {
    assert_eq!(story.step(), Step::LookUp);
    story.and(open_with_left(left))
}

// ---- and never without end

/// Works on it for a week, with `left` as what Amazon answers, and counts the questions.
fn questions(mut story: Story, left: impl Fn(Timestamp) -> std::time::Duration) -> usize {
    let end = t(hours(24 * 8));
    let mut asked = 0;
    loop {
        let policy = Policy {
            retry: checkout::Backoff {
                first: secs(1),
                max: mins(5),
            },
            ..policy()
        };
        match next_step(story.session(), story.now(), &policy) {
            Step::WaitUntil(at) if at < end => {
                let wait = at.since(story.now());
                story = story.later(wait);
            }
            Step::LookUp => {
                asked += 1;
                assert!(asked < 10_000, "{:#?}", story.session());
                let left = left(story.now());
                story = story.and(open_with_left(left));
            }
            Step::Confirm => {
                let attempt = story.open().subject.attempts + 1;
                story = story
                    .and(start(attempt))
                    .later(secs(1))
                    .and(answered(attempt, throttled()));
            }
            Step::Forswear => story = story.and(forswear()),
            Step::Alert(kind) => story = story.and(alert(kind)),
            Step::WaitUntil(_) | Step::Rest | Step::LookUpCharge => return asked,
        }
        if let Session::Settled(_) = story.session() {
            return asked;
        }
    }
}

#[test]
fn giving_up_takes_two_questions_and_the_proofs_come_as_seldom_as_ever() {
    let amazons_end = |ahead: u64| move |now: Timestamp| t(hours(24) + mins(ahead)).since(now);
    let of = |ahead| questions(needs_repair().at(hours(20)).and_alerts(), amazons_end(ahead));
    let proofs = 3 + 24 * 7;
    assert!((proofs..proofs + 3).contains(&(of(0) - 1)), "{}", of(0));
    assert!((proofs..proofs + 3).contains(&(of(10) - 2)), "{}", of(10));
}

#[test]
fn a_date_that_stands_still_keeps_nothing_open_for_ever() {
    let stands_still = |left| questions(needs_repair().at(hours(20)).and_alerts(), move |_| left);
    assert!(stands_still(mins(1)) < 2_000, "{}", stands_still(mins(1)));
    assert!(stands_still(hours(3)) < 300, "{}", stands_still(hours(3)));
}
