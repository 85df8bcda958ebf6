//! A day that was told rightly, and then told wrongly in every way that the checks are there for.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use sandbox::{Books, Call, ChargeBook, ChargeState, Effect, FaultBook, Price, SessionBook, Totals, When};

use super::{Expected, Message, Money, Outcome, Payment, Rule, Told, check};

fn at(second: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_607_200 + second).unwrap()
}

fn completing(number: usize) -> Call {
    Call {
        at: at(60),
        operation: "finalize",
        idempotency_key: Some(format!("key-{number}")),
        body_sha256: String::new(),
        status: Some(200),
        reason_code: None,
        fault: None,
        effect: Some(Effect::Completed),
        replayed: false,
        request_id: String::new(),
    }
}

fn book(
    id: &str,
    state: &'static str,
    reason: Option<&str>,
    charge: Option<(ChargeState, &str)>,
) -> SessionBook {
    let charges = charge.into_iter().map(|(state, amount)| ChargeBook {
        charge_id: format!("{id}-charge"),
        charge_amount: Price {
            amount: amount.parse().unwrap(),
            currency_code: "EUR".to_owned(),
        },
        state,
        reason_code: None,
    });
    SessionBook {
        checkout_session_id: id.to_owned(),
        account: "eu_shop".to_owned(),
        creation_timestamp: at(0),
        expiration_timestamp: at(86_400),
        state,
        reason_code: reason.map(str::to_owned),
        charge_permission_id: (state == "Completed").then(|| format!("{id}-permission")),
        charges: charges.collect(),
        calls: if state == "Completed" {
            vec![completing(1)]
        } else {
            Vec::new()
        },
    }
}

fn books() -> Books {
    let euros = Totals {
        charges: 3,
        captured: "23.45".parse().unwrap(),
        authorized: "10.00".parse().unwrap(),
        declined: "7.00".parse().unwrap(),
        ..Totals::default()
    };
    Books {
        at: at(90_000),
        sessions: vec![
            book(
                "captured",
                "Completed",
                None,
                Some((ChargeState::Captured, "23.45")),
            ),
            book(
                "authorized",
                "Completed",
                None,
                Some((ChargeState::Authorized, "10.00")),
            ),
            book("consent", "Completed", None, None),
            book("refused", "Canceled", Some("Declined"), None),
            book(
                "refused-late",
                "Completed",
                None,
                Some((ChargeState::Declined, "7.00")),
            ),
            book("given-up", "Canceled", Some("Expired"), None),
            book("too-late", "Canceled", Some("Expired"), None),
        ],
        permissions: Vec::new(),
        totals: BTreeMap::from([("EUR".to_owned(), euros)]),
        faults: vec![FaultBook {
            id: 1,
            operation: "finalize".to_owned(),
            when: When::After,
            kind: None,
            struck: 1,
            active: false,
        }],
        answers: BTreeMap::new(),
    }
}

fn confirmed(session: &str, payment: Payment, amount: Option<&str>) -> Outcome {
    Outcome::Confirmed {
        payment,
        charge_permission_id: format!("{session}-permission"),
        charge_id: amount.map(|_| format!("{session}-charge")),
        charge_amount: amount.map(|amount| Money {
            amount: amount.parse().unwrap(),
            currency: "EUR".to_owned(),
        }),
    }
}

fn outcome(session: &str, version: u32, outcome: Outcome) -> Told {
    Told::Outcome {
        session: session.to_owned(),
        id: format!("{session}/{version}"),
        outcome,
    }
}

fn letter(text: &str) -> Message {
    Message {
        key: Some(b"key".to_vec()),
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        payload: Some(text.as_bytes().to_vec()),
    }
}

fn told() -> Vec<Told> {
    vec![
        outcome(
            "captured",
            3,
            confirmed("captured", Payment::Captured, Some("23.45")),
        ),
        outcome(
            "authorized",
            3,
            confirmed("authorized", Payment::Authorized, Some("10.00")),
        ),
        outcome("consent", 3, confirmed("consent", Payment::None, None)),
        outcome("refused", 5, Outcome::Declined),
        outcome("refused-late", 5, Outcome::Declined),
        outcome("given-up", 9, Outcome::Cancelled),
        outcome("too-late", 2, Outcome::Expired),
        Told::SetAside(letter("half of")),
    ]
}

fn expected() -> Expected {
    let books = books();
    Expected {
        sessions: books
            .sessions
            .iter()
            .map(|book| book.checkout_session_id.clone())
            .collect(),
        unreadable: vec![letter("half of")],
        faults: [1].into(),
    }
}

/// The rules that are broken, once each.
fn broken(told: &[Told], books: &Books, expected: &Expected) -> Vec<Rule> {
    let mut rules: Vec<Rule> = check(told, books, expected)
        .into_iter()
        .map(|finding| finding.rule)
        .collect();
    rules.sort_unstable();
    rules.dedup();
    rules
}

fn falsified(session: usize, outcome: Outcome) -> Vec<Rule> {
    let mut all = told();
    let Told::Outcome { outcome: told, .. } = &mut all[session] else {
        panic!("an outcome stands there")
    };
    *told = outcome;
    broken(&all, &books(), &expected())
}

#[test]
fn a_day_that_was_told_rightly_passes() {
    assert_eq!(check(&told(), &books(), &expected()), []);
}

#[test]
fn an_outcome_that_is_missing_is_found() {
    for session in 0..7 {
        let mut less = told();
        less.remove(session);
        assert!(
            broken(&less, &books(), &expected()).contains(&Rule::OneOutcome),
            "{session}"
        );
    }
}

#[test]
fn a_second_outcome_is_found_and_a_second_telling_is_not() {
    let mut again = told();
    again.push(again[0].clone());
    assert_eq!(check(&again, &books(), &expected()), []);

    let mut second = told();
    second.push(outcome(
        "captured",
        4,
        confirmed("captured", Payment::Captured, Some("23.45")),
    ));
    assert_eq!(
        broken(&second, &books(), &expected()),
        [Rule::OneOutcome, Rule::SameTotals]
    );

    let mut changed = told();
    changed.push(outcome("given-up", 9, Outcome::Expired));
    assert_eq!(
        broken(&changed, &books(), &expected()),
        [Rule::OneOutcome],
        "one id, and two contents"
    );
}

#[test]
fn an_outcome_that_says_something_else_than_the_books_is_found() {
    let (wrong, money) = (Rule::AsInTheBooks, Rule::SameTotals);
    assert_eq!(falsified(0, Outcome::Declined), [wrong, money]);
    assert_eq!(
        falsified(0, confirmed("captured", Payment::Authorized, Some("23.45"))),
        [wrong, money]
    );
    assert_eq!(
        falsified(0, confirmed("captured", Payment::Captured, Some("23.46"))),
        [wrong, money]
    );
    assert_eq!(
        falsified(0, confirmed("another", Payment::Captured, Some("23.45"))),
        [wrong]
    );
    assert_eq!(
        falsified(2, confirmed("consent", Payment::Captured, Some("1"))),
        [wrong, money]
    );
    assert_eq!(falsified(3, confirmed("refused", Payment::None, None)), [wrong]);
    assert_eq!(falsified(3, Outcome::Expired), [wrong]);
    assert_eq!(falsified(4, Outcome::Cancelled), [wrong]);
    assert_eq!(falsified(5, Outcome::Declined), [wrong]);
    assert_eq!(falsified(6, Outcome::Unresolved), [wrong]);
}

#[test]
fn an_outcome_of_a_session_that_nobody_told_of_is_found() {
    let mut more = told();
    more.push(outcome("stranger", 1, Outcome::Declined));
    assert_eq!(
        broken(&more, &books(), &expected()),
        [Rule::OneOutcome, Rule::AsInTheBooks]
    );
}

#[test]
fn a_session_that_was_confirmed_twice_is_found() {
    let mut twice = books();
    twice.sessions[0].calls.push(completing(2));
    assert_eq!(broken(&told(), &twice, &expected()), [Rule::ConfirmedOnce]);
}

#[test]
fn money_that_was_never_told_is_found() {
    let mut more = books();
    more.totals.get_mut("EUR").unwrap().captured += Decimal::ONE;
    assert_eq!(broken(&told(), &more, &expected()), [Rule::SameTotals]);
    let mut other = books();
    other.totals.insert(
        "JPY".to_owned(),
        Totals {
            captured: Decimal::ONE,
            ..Totals::default()
        },
    );
    assert_eq!(broken(&told(), &other, &expected()), [Rule::SameTotals]);
}

#[test]
fn a_dead_letter_that_is_missing_changed_or_too_many_is_found() {
    let (mut missing, mut changed, mut more) = (told(), told(), told());
    missing.pop();
    changed[7] = Told::SetAside(letter("half of it"));
    more.push(Told::SetAside(letter("half of")));
    for wrong in [missing, changed, more] {
        assert_eq!(broken(&wrong, &books(), &expected()), [Rule::SetAsideUnchanged]);
    }
}

#[test]
fn weather_that_did_not_strike_is_found() {
    let mut fair = books();
    fair.faults[0].struck = 0;
    assert_eq!(broken(&told(), &fair, &expected()), [Rule::WeatherStruck]);
}
