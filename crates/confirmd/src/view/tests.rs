use std::time::Duration;

use checkout::{
    AccountName, Answer, Backoff, Because, BodyRef, Currency, Flaw, IdempotencyKey, Near, Order,
    PaymentIntent, PrivateRef, ProductType, Statement, Work,
};
use reconciler::Version;

use super::*;

pub(crate) fn at(time: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-01-05T{time}Z")).unwrap()
}

fn account() -> AccountName {
    AccountName::parse("eu_shop").unwrap()
}

pub(crate) fn policy() -> Policy {
    let minutes = |n: u64| Duration::from_secs(n * 60);
    Policy {
        mode: Mode::Confirm,
        near: Near::Cancel,
        cancel_before: minutes(30),
        alert_before: vec![minutes(120)],
        last_attempt_before: minutes(1),
        retry: Backoff {
            first: Duration::from_secs(1),
            max: minutes(5),
        },
        attempt_timeout: Duration::from_secs(30),
        personal_data_for: minutes(60),
    }
}

pub(crate) fn completed(flaw: Option<Flaw>) -> Event {
    let amount = Amount::parse("23.45", "EUR").unwrap();
    assert_eq!(amount.currency(), Currency::EUR);
    Event::CheckoutCompleted {
        statement: Statement {
            account: Some(account()),
            merchant_reference_id: None,
            order: Some(Order {
                work: Work::Finalize {
                    product: ProductType::PayAndShip,
                    intent: PaymentIntent::Authorize,
                    amount,
                },
                permission_type: checkout::ChargePermissionType::OneTime,
                total_order_amount: None,
                can_handle_pending: false,
                has_address: true,
            }),
            flaw,
            private: PrivateRef(0),
        },
        said_at: at("10:00:00"),
        session_created_at: Some(at("10:00:00")),
    }
}

/// All of them at ten.
pub(crate) fn recorded(events: Vec<Event>) -> Vec<Recorded> {
    let facts = events.into_iter().zip(1..);
    facts
        .map(|(event, version)| Recorded {
            version: Version(version),
            at: at("10:00:00"),
            actor: Actor::Worker,
            reason: None,
            traceparent: None,
            event,
        })
        .collect()
}

/// A try that Amazon has put off until 10:04.
pub(crate) fn put_off() -> Vec<Recorded> {
    let answer = Answer {
        status: Some(429),
        reason_code: Some("TooManyRequests".to_owned()),
        ..Answer::default()
    };
    recorded(vec![
        completed(None),
        Event::ConfirmationStarted {
            attempt: 1,
            key: IdempotencyKey::from_bits(1),
            body: BodyRef(1),
            send_by: at("10:00:02"),
        },
        Event::ConfirmationDeferred {
            attempt: 1,
            because: Because::Throttled,
            answer,
            retry_at: at("10:04:00"),
        },
        Event::AlertRaised {
            kind: checkout::AlertKind::Conflict,
            ordinal: 1,
            summary: "The shop said two things.".to_owned(),
        },
    ])
}

pub(crate) fn condition(condition: Condition, by: &str, reason: &str) -> AccountCondition {
    AccountCondition {
        account: account(),
        condition,
        since: at("09:00:00"),
        by: by.to_owned(),
        reason: reason.to_owned(),
    }
}

const RUNNING: OfAccount<'_> = OfAccount::Configured(None);

#[track_caller]
fn says(
    history: &[Recorded],
    time: &str,
    account: OfAccount<'_>,
    step: &str,
    because: &str,
    then: Option<&str>,
) {
    let explained = explain(history, at(time), &policy(), account);
    assert_eq!(explained.because, because);
    assert_eq!((explained.step, explained.not_before), (step, then.map(at)));
}

#[test]
fn a_session_of_an_account_that_runs_is_explained_by_itself() {
    let now = Some("10:00:05");
    let ready = "it is ready, and known to be open within the last minute";
    let resumed = condition(Condition::Running, "ann", "it was nothing");
    for account in [RUNNING, OfAccount::Configured(Some(&resumed))] {
        says(
            &recorded(vec![completed(None)]),
            "10:00:05",
            account,
            "confirm",
            ready,
            now,
        );
        assert_eq!(account.condition(), Some(Condition::Running));
    }
}

#[test]
fn what_its_account_keeps_from_being_done_now_is_not_said_to_be_done() {
    let paused = condition(Condition::Paused, "ann", "the shop moves house");
    let stopped = condition(Condition::Stopped, "confirmd", "403 InvalidAuthentication");
    for (account, because) in [
        (
            OfAccount::Configured(Some(&paused)),
            "its account is paused by ann: the shop moves house",
        ),
        (
            OfAccount::Configured(Some(&stopped)),
            "its account is stopped: 403 InvalidAuthentication",
        ),
        (OfAccount::Missing, "no account `eu_shop` is configured"),
    ] {
        // To be confirmed, to be looked up before that, and to be looked up because it has lapsed.
        let ready = recorded(vec![completed(None)]);
        for time in ["10:00:05", "11:00:00"] {
            says(&ready, time, account, "wait", because, None);
        }
        let lapsed = explain(
            &put_off(),
            at("10:00:00").plus(Duration::from_secs(25 * 3600)),
            &policy(),
            account,
        );
        assert_eq!((lapsed.step, lapsed.because.as_str()), ("wait", because));
    }
    assert_eq!(OfAccount::Missing.condition(), None);
}

#[test]
fn what_waits_anyway_is_told_with_its_account_first_and_with_why_its_last_try_failed() {
    let own = "the next try comes at 2026-01-05T10:04:00Z; the last try failed: 429 TooManyRequests";
    says(&put_off(), "10:00:05", RUNNING, "wait", own, Some("10:04:00"));
    let paused = condition(Condition::Paused, "ann", "the shop moves house");
    says(
        &put_off(),
        "10:00:05",
        OfAccount::Configured(Some(&paused)),
        "wait",
        &format!("its account is paused by ann: the shop moves house; {own}"),
        Some("10:04:00"),
    );
}

#[test]
fn what_needs_no_call_is_done_whatever_its_account_is() {
    let paused = condition(Condition::Paused, "ann", "the shop moves house");
    let near = at("10:00:00").plus(Duration::from_secs(22 * 3600));
    let explained = explain(&put_off(), near, &policy(), OfAccount::Configured(Some(&paused)));
    assert_eq!(
        (explained.step, explained.because.as_str(), explained.not_before),
        ("alert", "people are to be told: deadline-near", Some(near))
    );
}

#[test]
fn a_session_that_needs_repair_for_its_account_says_it_once_and_when_it_is_over() {
    let history = recorded(vec![completed(Some(Flaw::of_account(Some(&account()))))]);
    let threshold = at("10:00:00").plus(Duration::from_secs(22 * 3600));
    for (of_account, because) in [
        (
            OfAccount::Missing,
            "it needs repair: `account`: no account `eu_shop` is configured",
        ),
        (
            RUNNING,
            "its account is configured now: a start of confirmd takes it up, and so does `sessions retry`",
        ),
    ] {
        let explained = explain(&history, at("10:00:05"), &policy(), of_account);
        assert_eq!(
            (explained.step, explained.because.as_str(), explained.not_before),
            ("wait", because, Some(threshold))
        );
    }
}
