//! `next_step`, one line a case (which rustfmt would break up): history × time × policy → step.

use checkout::{AlertKind, ChargeFound, Found, PaymentIntent, Policy, Step};
use testkit::model::*;
use testkit::story::{Story, given};

use Step::{Confirm, Forswear, LookUp, LookUpCharge, Rest};

fn seen() -> Story {
    given(policy()).and(completed())
}

fn of(order: OrderBuilder) -> Story {
    given(policy()).and(observe(order))
}

fn started() -> Story {
    seen().and(start(1))
}

fn unclear() -> Story {
    started().and(answered(1, lost()))
}

fn refused(answer: checkout::ConfirmAnswer) -> Story {
    started().and(answered(1, answer))
}

fn not_done() -> Story {
    refused(not_in_a_state_for_this()).and(look_up(open()))
}

fn declined() -> Story {
    refused(hard_declined()).and(look_up(open()))
}

fn needs_repair() -> Story {
    refused(amount_mismatch()).and(look_up(open()))
}

fn pending() -> Story {
    of(order().intent(PaymentIntent::Authorize))
        .and(start(1))
        .and(answered(1, accepted_pending()))
}

/// Asked four times in its last five minutes, so that the next gap is ten.
fn late_pending() -> Story {
    let look = || charge(ChargeFound::Pending);
    let late = pending().at(hours(24) - mins(5));
    late.and(look()).and(look()).and(look()).and(look())
}

fn wait(after: std::time::Duration) -> Step {
    Step::WaitUntil(t(after))
}

fn near(before: std::time::Duration) -> Step {
    Step::Alert(AlertKind::DeadlineNear { before })
}

/// Alerts aside.
fn quietly(story: Story) -> Story {
    story.and_alerts()
}

#[track_caller]
fn table<const N: usize>(cases: [(&str, Story, Step); N]) {
    for (case, story, step) in cases {
        assert_eq!(
            story.step(),
            step,
            "{case}\nat {}: {:#?}",
            story.now(),
            story.session()
        );
        assert_eq!(story.step(), step, "{case}: asked again");
    }
}

#[test]
#[rustfmt::skip]
fn the_way_in() {
    table([
        ("never heard of", given(policy()), Rest),
        ("a fresh event is confirmed at once", seen(), Confirm),
        ("59 seconds are fresh", seen().at(secs(59)), Confirm),
        ("60 seconds are not", seen().at(secs(60)), LookUp),
        ("late in coming", given(policy()).at(mins(5)).and(completed()), LookUp),
        ("a restored database asks first", seen().at(hours(17)), LookUp),
        ("known to be open", seen().at(mins(2)).and(look_up(open())), Confirm),
        ("known to be open a minute ago", seen().at(mins(2)).and(look_up(open())).later(secs(60)), LookUp),
        ("lacks its address", of(order().without_address()), LookUp),
        ("pay only lacks its address", of(order().pay_only().without_address()), LookUp),
        ("its address was found", of(order().without_address()).and(look_up(open())), Confirm),
        ("complete", of(order().complete()), Confirm),
        ("a saved wallet", of(order().sets_up_wallet()), Confirm),
        ("the look-up failed", seen().at(mins(2)).and(look_up_fails()), wait(mins(2) + secs(1))),
        ("and is repeated", seen().at(mins(2)).and(look_up_fails()).later(secs(1)), LookUp),
    ]);
}

#[test]
#[rustfmt::skip]
fn in_flight_and_in_doubt() {
    let gone = Policy::SEND_WITHIN + policy().attempt_timeout;
    let repeat = || unclear().later(secs(1)).and(look_up(open()));
    table([
        ("in flight", started(), wait(gone)),
        ("hands off until its worker must be gone", started().at(gone - secs(1)), wait(gone)),
        ("then only Amazon can tell", started().at(gone), LookUp),
        ("in flight, and an operator presses", started().and(retry()), wait(gone)),
        ("unclear waits first", unclear(), wait(secs(1))),
        ("then it is looked up", unclear().later(secs(1)), LookUp),
        ("a look-up that fails is repeated", unclear().and(look_up_fails()).later(secs(1)), LookUp),
        ("open allows a repeat", repeat(), Confirm),
        ("unclear again, wait longer", repeat().and(start_with(1, 1)).and(answered(2, lost())), wait(secs(3))),
        ("throttled in doubt is looked up", repeat().and(start_with(1, 1)).and(answered(2, throttled())).when_due(), LookUp),
        ("not sent in doubt is looked up", repeat().and(start_with(1, 1)).and(answered(2, not_sent())).when_due(), LookUp),
        ("422 in doubt is looked up at once", repeat().and(start_with(1, 1)).and(answered(2, not_in_a_state_for_this())), LookUp),
        ("an operator presses: the question comes first", unclear().and(retry()), LookUp),
        ("not found in doubt asks again", quietly(unclear().and(look_up(Found::NotFound)).at(mins(5))), LookUp),
    ]);
}

#[test]
#[rustfmt::skip]
fn deferred_attempts() {
    table([
        ("not sent", refused(not_sent()), wait(secs(1))),
        ("not sent, then again", refused(not_sent()).later(secs(1)), Confirm),
        ("throttled", refused(throttled()), wait(secs(1))),
        ("throttled, then again", refused(throttled()).later(secs(1)), Confirm),
        ("the account is refused", refused(account_refused()), wait(secs(1))),
        ("after a minute it is looked up first", refused(throttled()).at(secs(61)), LookUp),
        ("an operator presses", refused(throttled()).and(retry()), Confirm),
    ]);
}

#[test]
#[rustfmt::skip]
fn the_buyer_is_not_done() {
    table([
        ("422 is a question", refused(not_in_a_state_for_this()), LookUp),
        ("open: a gap", not_done(), wait(mins(1))),
        ("then it is looked up", not_done().at(mins(1)), LookUp),
        ("and tried again", not_done().at(mins(1)).and(look_up(open())), Confirm),
        ("refused for good is looked up at once", refused(hard_declined()), LookUp),
        ("open: a gap", declined(), wait(mins(1))),
        ("then it is looked up", declined().at(mins(1)), LookUp),
        ("and never tried again by ourselves", declined().at(mins(1)).and(look_up(open())), wait(mins(3))),
        ("not even when an operator presses", declined().and(retry()), LookUp),
    ]);
}

#[test]
#[rustfmt::skip]
fn near_the_deadline() {
    let alerting = |story: Story| story.under(alerting());
    let last = hours(24) - secs(60);
    let cancel = hours(23) + mins(30);
    let just_looked = |story: Story, at| quietly(story.at(at)).and(look_up(open()));
    table([
        ("needs repair, nothing but its alerts", needs_repair(), wait(hours(18))),
        ("needs repair, told of six hours", quietly(needs_repair().at(hours(18))), wait(hours(22))),
        ("needs repair, told of all", quietly(needs_repair().at(hours(23) + mins(20))), wait(cancel)),
        ("before it is forsworn, Amazon is asked how long it has", quietly(needs_repair().at(cancel)), LookUp),
        ("needs repair is forsworn", just_looked(needs_repair(), cancel), Forswear),
        ("also where the session is not there", quietly(needs_repair().at(cancel)).and(look_up(Found::NotFound)), Forswear),
        ("but not on what was said a minute ago", just_looked(needs_repair(), cancel).later(secs(60)), LookUp),
        ("nor without an answer", quietly(needs_repair().at(cancel)).and(look_up_fails()), wait(cancel + mins(1))),
        ("which is asked for again", quietly(needs_repair().at(cancel)).and(look_up_fails()).later(mins(1)), LookUp),
        ("where nobody can be asked, our clock decides", quietly(no_account().at(cancel)), Forswear),
        ("needs repair is not forsworn but told", quietly(alerting(needs_repair()).at(cancel)), wait(hours(24) + secs(10))),
        ("not done is forsworn", just_looked(not_done(), cancel), Forswear),
        ("having been asked about", quietly(not_done().at(cancel)), LookUp),
        ("not done is asked until then", just_looked(declined(), hours(23)), wait(hours(23) + mins(2))),
        ("a gap that ends later is cut short", just_looked(not_in_time(), hours(23) + mins(20)), wait(cancel)),
        ("not done is tried on where it is only told", quietly(alerting(not_done()).at(cancel)), LookUp),
        ("refused is asked on where it is only told", quietly(alerting(declined()).at(cancel)), LookUp),
        ("what can still be saved is not given up", quietly(seen().at(cancel)), LookUp),
        ("throttled for a day is not given up", quietly(refused(throttled()).at(cancel)), LookUp),
        ("and confirmed until the last moment", just_looked(seen(), last - secs(1)), Confirm),
        ("but no later", just_looked(seen(), last), wait(hours(24) + secs(10))),
        ("whether it is too late is asked", quietly(seen().at(last)), LookUp),
        ("once", just_looked(seen(), last).later(secs(20)), wait(hours(24) + secs(10))),
        ("doubt is asked about to the end", quietly(unclear().at(last)), LookUp),
        ("doubt is never forsworn", quietly(unclear().at(cancel)), LookUp),
        ("needs repair in doubt is never forsworn", quietly(doubtful_repair().at(cancel)), LookUp),
        ("not done and in doubt is never forsworn", quietly(doubtful_retry().at(cancel)), LookUp),
        ("nor when it was just looked up", just_looked(doubtful_retry(), cancel), Confirm),
        ("refused in doubt is never forsworn", quietly(doubtful_refusal().at(cancel)), LookUp),
        ("in flight is never forsworn", quietly(just_looked(seen(), cancel)).and(start(1)), wait(cancel + secs(32))),
        ("forsworn waits for the proof", just_looked(needs_repair(), cancel).and(forswear()), wait(hours(24) + secs(10))),
        ("an operator forswore", seen().and(operator_forswears()), wait(hours(24) + secs(10))),
        ("released while there is time", just_looked(needs_repair(), cancel).and(forswear()).and(release()), Confirm),
    ]);
}

/// Its event names no account.
fn no_account() -> Story {
    let mut statement = order().flawed().build();
    statement.account = None;
    given(policy()).and(checkout::Command::Observe {
        statement,
        said_at: t0(),
        session_created_at: None,
    })
}

/// Not done at first; the next attempt may have landed.
fn doubtful_retry() -> Story {
    not_done()
        .when_due()
        .and(look_up(open()))
        .and(start(2))
        .and(answered(2, lost()))
        .when_due()
        .and(look_up(open()))
}

fn doubtful_repair() -> Story {
    unclear()
        .later(secs(1))
        .and(look_up(open()))
        .and(start_with(1, 1))
        .and(answered(2, invalid_request()))
}

fn doubtful_refusal() -> Story {
    refused(authorization_timed_out()).and(look_up(open()))
}

/// Not done, with half an hour between its look-ups.
fn not_in_time() -> Story {
    let mut story = declined();
    for _ in 0..5 {
        story = story.when_due().and(look_up(open()));
    }
    story
}

#[test]
#[rustfmt::skip]
fn after_the_deadline() {
    let d = hours(24);
    let looked = |story: Story, at| quietly(story.at(at)).and(look_up(open()));
    table([
        ("ten seconds are Amazon's", quietly(seen().at(d)), wait(d + secs(10))),
        ("then the proof is looked up", quietly(seen().at(d + secs(10))), LookUp),
        ("again after a minute", looked(seen(), d + secs(10)), wait(d + mins(1))),
        ("after five", looked(seen(), d + mins(1)), wait(d + mins(5))),
        ("after fifteen", looked(seen(), d + mins(5)), wait(d + mins(15))),
        ("after an hour", looked(seen(), d + mins(15)), wait(d + hours(1))),
        ("then hourly", looked(seen(), d + hours(1)), wait(d + hours(2))),
        ("also days later", looked(seen(), d + hours(77) + mins(3)), wait(d + hours(78))),
        ("needs repair", quietly(needs_repair().at(d + secs(10))), LookUp),
        ("in doubt", quietly(unclear().at(d + secs(10))), LookUp),
        ("in flight across it", quietly(seen().at(d - secs(61))).and(look_up(open())).and(start(1)).at(d + secs(10)), LookUp),
        ("expired", seen().at(d + secs(10)).and(look_up(canceled("Expired"))), Rest),
        ("watched", given(watching()).and(completed()).and(look_up(open())).at(d + secs(10)), LookUp),
    ]);
}

#[test]
#[rustfmt::skip]
fn alerts_come_before_everything_but_a_call_in_flight() {
    table([
        ("six hours before", seen().at(hours(18)), near(hours(6))),
        ("a second earlier", seen().at(hours(18) - secs(1)), LookUp),
        ("told once", seen().at(hours(18)).and_alerts(), LookUp),
        ("two hours before", quietly(seen().at(hours(18))).at(hours(22)), near(hours(2))),
        ("first seen below several: the nearest only", seen().at(hours(23) + mins(20)), near(mins(45))),
        ("and no other after it", quietly(seen().at(hours(23) + mins(20))), LookUp),
        ("doubt of five minutes", unclear().at(mins(5)), Step::Alert(AlertKind::InDoubt)),
        ("doubt not yet of five minutes", unclear().at(mins(5) - secs(1)), LookUp),
        ("told once", quietly(unclear().at(mins(5))), LookUp),
        ("in flight first", quietly(seen().at(hours(18) - secs(1))).and(look_up(open())).and(start(1)).at(hours(18)), wait(hours(18) + secs(31))),
        ("no deadline is near after it", seen().at(hours(24)).under(alerting()), wait(hours(24) + secs(10))),
    ]);
}

#[test]
#[rustfmt::skip]
fn pending_payments() {
    table([
        ("at once", pending(), LookUpCharge),
        ("pending", pending().and(charge(ChargeFound::Pending)), wait(mins(1))),
        ("then again", pending().and(charge(ChargeFound::Pending)).at(mins(1)), LookUpCharge),
        ("the look-up failed", pending().and(charge_look_up_fails()), wait(secs(1))),
        ("overdue", pending().at(hours(24)), Step::Alert(AlertKind::PaymentOverdue)),
        ("overdue is told once", quietly(pending().at(hours(24))), LookUpCharge),
        ("it wakes for being overdue", late_pending(), wait(hours(24))),
        ("an operator presses", pending().and(charge(ChargeFound::Pending)).and(retry()), LookUpCharge),
        ("decided", pending().and(charge(ChargeFound::Authorized)), Rest),
        ("declined", pending().and(charge(ChargeFound::Declined { reason: None })), Rest),
        ("watched all the same", pending().under(watching()), LookUpCharge),
    ]);
}

#[test]
#[rustfmt::skip]
fn what_needs_repair_learns_its_true_deadline() {
    let undated = || given(policy()).and(observe_undated(order().flawed()));
    table([
        ("an upper bound is asked about", undated(), LookUp),
        ("once", undated().and(look_up(open())), wait(hours(18))),
        ("less and less often where it cannot be learned", undated().and(look_up_fails()), wait(mins(1))),
        ("nobody can be asked", no_account(), wait(hours(18))),
        ("its creation is known", given(policy()).and(observe(order().flawed())), wait(hours(18))),
    ]);
}

#[test]
fn a_session_that_waits_is_due_at_the_instant_of_its_step() {
    let due = |story: &Story| checkout::wake_at(story.session(), story.now(), &policy());
    assert_eq!(due(&seen()), Some(t0()));
    assert_eq!(due(&refused(throttled())), Some(t(secs(1))));
    assert_eq!(due(&seen().and(start(1)).and(answered(1, accepted()))), None);
}

#[test]
fn what_needs_no_call_does_not_wait_for_a_turn() {
    let at = |story: &Story| checkout::turnless_at(story.session(), story.now(), &policy());
    let cancel = hours(23) + mins(30);
    assert_eq!(at(&seen()), Some(t(hours(18))));
    assert_eq!(at(&unclear()), Some(t(mins(5))));
    assert_eq!(
        at(&quietly(no_account().at(hours(23) + mins(20)))),
        Some(t(cancel))
    );
    let asked = quietly(needs_repair().at(hours(23) + mins(20)));
    assert_eq!(at(&asked), None, "it is not given up before Amazon was asked");
    let asked = asked.at(cancel - secs(20)).and(look_up(open()));
    assert_eq!(at(&asked), Some(t(cancel)));
    assert_eq!(at(&quietly(seen().at(hours(23) + mins(20)))), None);
    assert_eq!(at(&pending()), Some(t(hours(24))));
    assert_eq!(at(&seen().and(look_up(canceled("Declined")))), None);
}

#[test]
fn what_needs_no_call_waits_for_whatever_keeps_it_from_being_done() {
    let at = |story: &Story| checkout::turnless_at(story.session(), story.now(), &policy());
    let gone = Policy::SEND_WITHIN + policy().attempt_timeout;
    let threshold = hours(18);
    assert_eq!(at(&seen().at(threshold)), Some(t(threshold)), "to be told now");
    assert_eq!(
        at(&seen().at(hours(20))),
        Some(t(hours(20))),
        "still to be told, and now"
    );
    let on_its_way = seen().at(threshold - secs(1)).and(look_up(open())).and(start(1));
    assert_eq!(
        at(&on_its_way),
        Some(t(threshold - secs(1) + gone)),
        "hands off while it is on its way"
    );
    let in_doubt = quietly(unclear().at(hours(23) + mins(20)));
    assert_eq!(at(&in_doubt), None, "what may have landed is not forsworn");
    let too_late = quietly(needs_repair().at(hours(23) + mins(20))).at(hours(24));
    assert_eq!(at(&too_late), None, "past its deadline nothing is forsworn");
    assert_eq!(at(&seen().at(hours(24))), None, "nor is its deadline near");
}
