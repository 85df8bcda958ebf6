//! Sessions whose account the configuration does not have, or not any more.

use checkout::AccountIs::{Configured, Missing};
use checkout::{AccountName, AlertKind, BuyerNotDone, Command, Event, Hold, Refused, StateName, Step};
use testkit::model::*;
use testkit::story::{Story, given};

fn of_an_unknown_account() -> Story {
    given(policy()).and(observe(order().of_an_unknown_account()))
}

fn seen() -> Story {
    given(policy()).and(completed())
}

fn pending() -> Story {
    seen().and(look_up(found_completed()))
}

fn account(name: &str) -> AccountName {
    AccountName::parse(name).expect("a test's own name")
}

// ---- the account is there

#[test]
fn a_repair_for_want_of_an_account_alone_ends_when_the_account_is_there() {
    let story = of_an_unknown_account()
        .later(secs(5))
        .when(account_is(Configured))
        .then(["released", "alert-resolved needs-repair"]);
    assert_eq!(story.step(), Step::Confirm);
    story.when(account_is(Configured)).then_nothing();
}

#[test]
fn whatever_else_is_wrong_stays_wrong_when_the_account_is_there() {
    let mut whole = order().of_an_unknown_account().build();
    whole.flaw = Some(flaw("merchantReferenceId", "longer than 256 characters"));
    let mut nameless = order().of_an_unknown_account().build();
    nameless.account = None;
    for statement in [order().flawed().build(), whole, nameless] {
        let observed = Command::Observe {
            statement,
            said_at: t0(),
            session_created_at: None,
        };
        given(policy())
            .and(observed)
            .when(account_is(Configured))
            .then_nothing();
    }
    let refused = seen().and(start(1)).and(answered(1, amount_mismatch()));
    refused.when(account_is(Configured)).then_nothing();
}

#[test]
fn an_account_that_is_there_changes_nothing_for_those_that_never_missed_it() {
    given(policy()).when(account_is(Configured)).then_nothing();
    seen().when(account_is(Configured)).then_nothing();
    pending().when(account_is(Configured)).then_nothing();
    seen()
        .and(operator_forswears())
        .when(account_is(Configured))
        .then_nothing();
}

// ---- the account is missing

#[test]
fn a_session_whose_account_is_gone_needs_repair_and_is_told_once() {
    let story = seen()
        .later(mins(5))
        .when(account_is(Missing))
        .then(["repair-needed", "alert-raised needs-repair"]);
    assert_eq!(story.state(), Some(StateName::NeedsRepair));
    let (_, told) = story.history().last().expect("it has facts");
    let Event::AlertRaised { summary, .. } = told else {
        panic!("{told:?}")
    };
    assert_eq!(
        summary,
        "It cannot be confirmed as it stands: `account`: no account `eu_shop` is configured. Configure the account \
         and restart confirmd, or publish a corrected event."
    );
    let story = story.when(account_is(Missing)).then_nothing();
    let story = story
        .later(mins(5))
        .when(account_is(Configured))
        .then(["released", "alert-resolved needs-repair"]);
    assert_eq!(story.step(), Step::LookUp, "it is not known to be open any more");
}

#[test]
fn what_is_told_of_already_is_not_told_again_for_its_account() {
    of_an_unknown_account().when(account_is(Missing)).then_nothing();
    seen()
        .and(start(1))
        .and(answered(1, amount_mismatch()))
        .when(account_is(Missing))
        .then_nothing();
    seen()
        .and(operator_forswears())
        .when(account_is(Missing))
        .then_nothing();
    seen()
        .and(start(1))
        .and(answered(1, accepted()))
        .when(account_is(Missing))
        .then_nothing();
}

#[test]
fn hands_off_an_attempt_that_may_be_under_way_through_an_account_that_others_have() {
    let story = seen().and(start(1)).when(account_is(Missing)).then_nothing();
    let story = story
        .when_due()
        .when(account_is(Missing))
        .then(["repair-needed", "alert-raised needs-repair"]);
    assert_eq!(story.step(), Step::LookUp);
    let story = story.and(look_up_fails()).and(account_is(Configured));
    assert_eq!(
        story.state(),
        Some(StateName::InDoubt),
        "an account that is there ends no doubt"
    );
    assert_eq!(story.step(), Step::LookUp);
}

#[test]
fn what_the_buyer_has_still_to_do_is_still_to_be_done_when_the_account_is_back() {
    let declined = seen()
        .and(start(1))
        .and(answered(1, hard_declined()))
        .and(look_up(open()));
    let story = declined
        .and(account_is(Missing))
        .later(hours(1))
        .and(account_is(Configured));
    let waits = Hold::BuyerNotDone(BuyerNotDone {
        looks: 1,
        try_again: false,
    });
    assert_eq!(story.open().hold, waits);
    assert_eq!(story.step(), Step::LookUp, "never confirmed again by ourselves");
}

#[test]
fn nobody_is_asked_for_the_true_deadline_through_an_account_that_is_missing() {
    let story = given(policy()).and(observe_undated(order().of_an_unknown_account()));
    assert_eq!(story.step(), Step::WaitUntil(t(hours(18))));
}

#[test]
fn a_pending_payment_whose_account_is_gone_is_told_until_it_is_back() {
    let story = pending()
        .when(account_is(Missing))
        .then(["repair-needed", "alert-raised needs-repair"]);
    assert_eq!(story.state(), Some(StateName::PaymentPending));
    let story = story.when(account_is(Missing)).then_nothing();
    let story = story.and(charge_look_up_fails());
    assert_eq!(story.firing(), ["needs-repair"]);
    let story = story
        .when(account_is(Configured))
        .then(["released", "alert-resolved needs-repair"]);
    assert_eq!(story.step(), Step::LookUpCharge);
}

#[test]
fn an_alert_for_want_of_an_account_is_over_with_the_outcome() {
    let story = pending().and(account_is(Missing));
    let story = story.when(charge(checkout::ChargeFound::Captured)).then([
        "charge-looked-up",
        "confirmed",
        "alert-resolved needs-repair",
    ]);
    assert!(story.firing().is_empty());
}

// ---- people

#[test]
fn nothing_is_released_whose_account_is_missing() {
    let why = Refused::NoAccount(account("nobody"));
    of_an_unknown_account()
        .when(Command::Release(Missing))
        .then_refused(&why);
    assert!(
        why.to_string().starts_with("no account `nobody` is configured"),
        "{why}"
    );
    let gone = Refused::NoAccount(account("eu_shop"));
    for story in [
        seen().and(operator_forswears()),
        seen().and(start(1)).and(answered(1, amount_mismatch())),
        seen().and(account_is(Missing)),
    ] {
        story.when(Command::Release(Missing)).then_refused(&gone);
    }
}

#[test]
fn an_event_whose_account_could_be_nobodys_is_not_released_but_amended() {
    let mut nameless = order().of_an_unknown_account().build();
    nameless.account = None;
    let flaw = nameless.flaw.clone().expect("it has one");
    let story = given(policy()).and(Command::Observe {
        statement: nameless,
        said_at: t0(),
        session_created_at: None,
    });
    for act in [Command::Release(Missing), Command::Retry(Missing)] {
        story
            .clone()
            .when(act)
            .then_refused(&Refused::Incomplete(flaw.clone()));
    }
}

#[test]
fn a_conflict_is_acknowledged_also_where_the_account_is_missing() {
    let story = seen()
        .and(operator_forswears())
        .and(observe(order().amount("24.00")));
    story
        .when(Command::Release(Missing))
        .then(["alert-resolved conflict"]);
}

#[test]
fn a_whole_order_is_released_or_retried_once_its_account_is_configured() {
    for act in [release(), retry()] {
        let story = of_an_unknown_account()
            .when(act)
            .then(["released", "alert-resolved needs-repair"]);
        assert_eq!(story.step(), Step::Confirm);
    }
}

#[test]
fn nothing_is_retried_whose_account_is_missing() {
    of_an_unknown_account()
        .when(Command::Retry(Missing))
        .then_refused(&Refused::NoAccount(account("nobody")));
    for story in [seen(), pending()] {
        story
            .when(Command::Retry(Missing))
            .then_refused(&Refused::NoAccount(account("eu_shop")));
    }
}

#[test]
fn what_helps_is_told_with_what_is_wrong() {
    let summary = |story: &Story| {
        let subject = story.session().subject().expect("it was heard of");
        let mut firing = subject.alerts.firing();
        let found = firing.find(|alert| alert.kind == AlertKind::NeedsRepair);
        found.expect("it is told").summary.clone()
    };
    assert_eq!(
        summary(&given(policy()).and(observe(order().flawed()))),
        "It cannot be confirmed as it stands: `chargeAmount`: is missing. Publish a corrected event."
    );
    assert_eq!(
        summary(&seen().and(start(1)).and(answered(1, amount_mismatch()))),
        "It cannot be confirmed as it stands: `request`: 409 AmountMismatch. Publish a corrected event, or release it \
         once it is repaired elsewhere."
    );
    assert_eq!(
        summary(&pending().and(account_is(Missing))),
        "Its charge cannot be asked about: no account `eu_shop` is configured. Configure the account and restart \
         confirmd."
    );
}
