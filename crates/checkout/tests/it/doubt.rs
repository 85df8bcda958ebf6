//! It may have landed: what begins the doubt, what goes on meanwhile, and the little that ends it.

use checkout::{BodyRef, Class, Command, ConfirmAnswer, KeyChoice, StateName, Step};
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

#[test]
fn whatever_may_have_landed_is_in_doubt_whatever_its_class() {
    for class in [
        Class::Retry,
        Class::Slow,
        Class::Ask,
        Class::Final,
        Class::Fix { content: true },
        Class::Fix { content: false },
        Class::Lane,
    ] {
        let story = in_flight().and(answered(1, failed(class, true, answer(500, "Odd"))));
        assert_eq!(story.state(), Some(StateName::InDoubt), "{class:?}");
        assert_eq!(story.when_due().step(), Step::LookUp, "{class:?}");
    }
}

#[test]
fn a_throttled_repeat_does_not_clear_the_doubt() {
    let story = in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, throttled()));
    assert_eq!(story.state(), Some(StateName::InDoubt));
    let due = story.when_due();
    assert_eq!(due.step(), Step::LookUp);
    assert_eq!(due.open().key_choice(), KeyChoice::Repeat(key(1), BodyRef(1)));
}

#[test]
fn a_repeat_that_never_left_does_not_clear_the_doubt_either() {
    let story = in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, not_sent()))
        .when_due();
    assert_eq!(story.state(), Some(StateName::InDoubt));
    assert_eq!(story.step(), Step::LookUp);
}

fn repeated(answer: &ConfirmAnswer, times: u32) -> Story {
    let mut story = seen();
    for attempt in 1..=times {
        story = story
            .and(start_with(1, 1))
            .and(answered(attempt, answer.clone()))
            .when_due()
            .and(look_up(open()))
            .when_due();
        if story.step() == Step::LookUp {
            story = story.and(look_up(open()));
        }
    }
    story
}

#[test]
fn the_same_server_error_or_time_out_three_times_brings_a_new_key_for_the_same_bytes() {
    let same = KeyChoice::Repeat(key(1), BodyRef(1));
    let timed_out = failed(Class::Retry, true, answer(408, "RequestTimeout"));
    for unclear in [server_error(500), timed_out] {
        assert_eq!(repeated(&unclear, 2).open().key_choice(), same);
        assert_eq!(
            repeated(&unclear, 3).open().key_choice(),
            KeyChoice::NewKey(BodyRef(1))
        );
    }
}

#[test]
fn the_same_422_three_times_while_in_doubt_brings_a_new_key() {
    let doubtful = in_doubt().when_due().and(look_up(open()));
    let mut story = doubtful;
    for attempt in 2..=4 {
        assert_eq!(
            story.open().key_choice(),
            KeyChoice::Repeat(key(1), BodyRef(1)),
            "{attempt}"
        );
        story = story
            .and(start_with(1, 1))
            .and(answered(attempt, not_in_a_state_for_this()));
        assert_eq!(story.step(), Step::LookUp);
        story = story.and(look_up(open())).when_due();
        if story.step() == Step::LookUp {
            story = story.and(look_up(open()));
        }
    }
    assert_eq!(story.open().key_choice(), KeyChoice::NewKey(BodyRef(1)));
}

/// One more attempt that is told "not in a state for this", and the look-up after it that says "open"; then
/// until it is due again, and looked up again where that comes first. How long it waited.
fn not_done_again(story: Story) -> (Story, u64) {
    let attempt = story.open().subject.attempts + 1;
    let (key, body) = match story.open().key_choice() {
        KeyChoice::Repeat(key, body) => (key, body),
        KeyChoice::NewKey(body) => (key(attempt), body),
        KeyChoice::New => panic!("it is in doubt"),
    };
    let told = story
        .and(Command::Start { key, body })
        .and(answered(attempt, not_in_a_state_for_this()))
        .when(look_up(open()))
        .then(["looked-up"]);
    let due = told.clone().when_due().and_alerts().when_due();
    let waited = due.now().since(told.now()).as_secs();
    if due.step() == Step::LookUp {
        return (due.and(look_up(open())), waited);
    }
    (due, waited)
}

#[test]
fn a_buyer_who_never_finishes_is_tried_less_and_less_in_doubt_too() {
    let mut story = in_doubt().when_due().and(look_up(open()));
    let mut waits = Vec::new();
    for _ in 0..10 {
        let waited;
        (story, waited) = not_done_again(story);
        waits.push(waited);
    }
    // Doubled with every attempt, until three equal answers have said that it is the buyer.
    assert_eq!(waits[..2], [2, 4]);
    let minutes: Vec<u64> = waits[2..].iter().map(|wait| wait / 60).collect();
    assert_eq!(minutes, [1, 2, 5, 10, 20, 30, 30, 30]);
    assert_eq!(story.state(), Some(StateName::InDoubt));
    assert_eq!(story.step(), Step::Confirm, "and it is tried all the same");
}

#[test]
fn the_new_key_after_the_same_422_is_counted_anew() {
    let mut story = in_doubt().when_due().and(look_up(open()));
    let mut keys = Vec::new();
    for _ in 0..9 {
        (story, _) = not_done_again(story);
        keys.push(story.open().doubt.clone().expect("it is in doubt").key);
    }
    let numbers = [1, 1, 1, 5, 5, 5, 8, 8, 8];
    assert_eq!(keys, numbers.map(key));
}

#[test]
fn a_new_key_that_was_throttled_is_the_one_that_is_repeated() {
    for nothing_done in [throttled(), not_sent()] {
        let story = repeated(&server_error(500), 3)
            .and(start_with(2, 1))
            .and(answered(4, nothing_done))
            .when_due()
            .and(look_up(open()));
        assert_eq!(story.open().key_choice(), KeyChoice::Repeat(key(2), BodyRef(1)));
        let (mut story, _) = not_done_again(story);
        for _ in 0..2 {
            assert_eq!(story.open().key_choice(), KeyChoice::Repeat(key(2), BodyRef(1)));
            (story, _) = not_done_again(story);
        }
        assert_eq!(story.open().key_choice(), KeyChoice::NewKey(BodyRef(1)));
    }
}

#[test]
fn another_answer_in_doubt_ends_the_gaps_of_a_buyer_who_is_not_done() {
    let mut story = in_doubt().when_due().and(look_up(open()));
    for _ in 0..5 {
        (story, _) = not_done_again(story);
    }
    let attempt = story.open().subject.attempts + 1;
    let asked = story.open().key_choice();
    let KeyChoice::Repeat(key, body) = asked else {
        panic!("counted anew: {asked:?}");
    };
    let lost_again = story
        .and(Command::Start { key, body })
        .and(answered(attempt, lost()))
        .when_due()
        .and(look_up(open()));
    let (_, waited) = not_done_again(lost_again);
    assert!(waited <= mins(5).as_secs(), "{waited}");
}

#[test]
fn no_other_answer_brings_a_new_key_however_often_it_comes() {
    let same = KeyChoice::Repeat(key(1), BodyRef(1));
    assert_eq!(repeated(&lost(), 5).open().key_choice(), same);
    let unreadable = failed(Class::Retry, true, answer(200, ""));
    assert_eq!(repeated(&unreadable, 5).open().key_choice(), same);
}

#[test]
fn another_answer_in_between_starts_the_count_anew() {
    let story = repeated(&server_error(500), 2)
        .and(start_with(1, 1))
        .and(answered(3, server_error(503)))
        .when_due()
        .and(look_up(open()));
    assert_eq!(story.open().key_choice(), KeyChoice::Repeat(key(1), BodyRef(1)));
}

#[test]
fn the_new_key_is_repeated_in_its_turn() {
    let story = repeated(&server_error(500), 3)
        .and(start_with(2, 1))
        .and(answered(4, server_error(500)))
        .when_due()
        .and(look_up(open()));
    assert_eq!(story.open().key_choice(), KeyChoice::Repeat(key(2), BodyRef(1)));
}

#[test]
fn no_attempt_goes_out_with_another_key_or_other_bytes_while_it_may_have_landed() {
    let story = in_doubt().when_due().and(look_up(open()));
    story
        .when(start_with(2, 1))
        .then_nothing()
        .when(start_with(1, 2))
        .then_nothing();
    let rotated = repeated(&server_error(500), 3);
    rotated
        .when(start_with(2, 2))
        .then_nothing()
        .when(start_with(2, 1))
        .then(["confirmation-started"]);
}

#[test]
fn a_4xx_with_nothing_in_doubt_brings_a_new_key() {
    for answer in [not_in_a_state_for_this(), throttled(), invalid_request()] {
        let story = in_flight().and(answered(1, answer));
        assert_eq!(story.open().key_choice(), KeyChoice::New);
    }
}

// ---- the end of doubt by a refusal for content

fn refused_for_content_in_doubt() -> Story {
    in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .when(answered(2, amount_mismatch()))
        .then(["repair-needed", "alert-raised needs-repair"])
}

#[test]
fn a_refusal_of_the_same_bytes_and_a_look_up_ten_minutes_later_end_the_doubt() {
    let refused = refused_for_content_in_doubt();
    assert_eq!(refused.state(), Some(StateName::InDoubt));
    let due = refused.when_due().and_alerts().when_due();
    assert_eq!(due.now(), t(secs(2) + mins(10)));
    let story = due
        .when(look_up(open()))
        .then(["looked-up", "alert-resolved in-doubt"]);
    assert_eq!(story.state(), Some(StateName::NeedsRepair));
}

#[test]
fn a_look_up_begun_earlier_does_not_end_it() {
    let due = refused_for_content_in_doubt().later(mins(11)).and_alerts();
    let begun_too_early = look_up_begun(mins(2), open(), None, None);
    let story = due.when(begun_too_early).then(["looked-up"]);
    assert_eq!(story.state(), Some(StateName::InDoubt));
}

#[test]
fn open_alone_does_not_end_the_doubt() {
    let story = in_doubt().later(mins(4)).and(look_up(open()));
    assert_eq!(story.state(), Some(StateName::InDoubt));
    assert_eq!(story.step(), Step::Confirm);
    assert_eq!(story.open().key_choice(), KeyChoice::Repeat(key(1), BodyRef(1)));
}

#[test]
fn a_refusal_that_is_not_for_the_content_does_not_end_it() {
    let story = in_doubt()
        .when_due()
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, invalid_request()))
        .later(mins(30))
        .and_alerts()
        .and(look_up(open()));
    assert_eq!(story.state(), Some(StateName::InDoubt));
}

#[test]
fn bytes_that_never_changed_after_a_doubt_keep_their_key() {
    let over = refused_for_content_in_doubt()
        .later(mins(10))
        .and_alerts()
        .and(look_up(open()));
    let released = over.clone().and(release());
    assert_eq!(released.state(), Some(StateName::Ready));
    assert_eq!(
        released.open().key_choice(),
        KeyChoice::Repeat(key(1), BodyRef(1))
    );
    let renumbered = over.clone().and(observe(order().reference("ORDER-1001-b")));
    assert_eq!(
        renumbered.open().key_choice(),
        KeyChoice::Repeat(key(1), BodyRef(1))
    );
    let amended = over.and(observe(order().amount("24.00")));
    assert_eq!(amended.open().key_choice(), KeyChoice::New);
}

#[test]
fn an_older_refusal_does_not_end_the_doubt_of_a_later_attempt() {
    // Repaired at Amazon meanwhile: what was refused then may be taken now.
    let story = refused_for_content_in_doubt()
        .later(mins(1))
        .and(release())
        .and(look_up(open()))
        .and(start_with(1, 1))
        .later(secs(30))
        .and(answered(3, lost()))
        .later(mins(20))
        .and_alerts()
        .and(look_up(open()));
    assert_eq!(story.state(), Some(StateName::InDoubt));
}

#[test]
fn what_may_have_landed_is_asked_about_ever_more_often_as_its_deadline_nears() {
    let mut story = in_doubt();
    let deadline = story.open().subject.deadline.at;
    let mut gaps = Vec::new();
    let (mut asked_at, mut attempt) = (story.now(), 1);
    loop {
        story = story.and_alerts().when_due().and_alerts();
        if deadline <= story.now() {
            break;
        }
        if story.step() != Step::LookUp {
            story = story.later(secs(1));
            continue;
        }
        gaps.push((deadline.since(story.now()), story.now().since(asked_at)));
        asked_at = story.now();
        story = story.and(look_up(open()));
        if story.step() == Step::Confirm {
            attempt += 1;
            story = story.and(start_with(1, 1)).and(answered(attempt, lost()));
        }
    }
    let gap_at = |left| {
        gaps.iter()
            .filter(|(at, _)| *at <= left)
            .map(|(_, gap)| *gap)
            .max()
    };
    assert_eq!(gap_at(hours(20)), Some(mins(5)), "as often as ever");
    assert!(gap_at(mins(12)) <= Some(mins(1) + secs(10)), "{gaps:?}");
    assert!(gap_at(mins(3)) <= Some(secs(20)), "{gaps:?}");
    assert!(
        gaps.iter().any(|(left, _)| *left < secs(90)),
        "the end is not slept through"
    );
}
