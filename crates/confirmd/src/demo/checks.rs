//! What confirmd told, held against the sandbox's own books. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use rust_decimal::Decimal;
use sandbox::{Books, ChargeState, SessionBook};

/// A message as it stands in a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Message {
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) payload: Option<Vec<u8>>,
}

/// Something that confirmd told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// On the outcomes topic; notices that are no outcome are left out.
    Outcome {
        session: String,
        /// CloudEvents' id: what is told twice under one id is one fact.
        id: String,
        outcome: Outcome,
    },
    /// On the dead-letter topic, without confirmd's own headers.
    SetAside(Message),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Confirmed {
        payment: Payment,
        charge_permission_id: String,
        charge_id: Option<String>,
        charge_amount: Option<Money>,
    },
    Declined,
    Cancelled,
    Expired,
    Unresolved,
}

impl Outcome {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Confirmed { .. } => "confirmed",
            Self::Declined => "declined",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unresolved => "unresolved",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Payment {
    Captured,
    Authorized,
    None,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) amount: Decimal,
    pub(crate) currency: String,
}

/// What the shop did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// The sessions that it told of.
    pub(crate) sessions: BTreeSet<String>,
    /// The events that nobody can read.
    pub(crate) unreadable: Vec<Message>,
    /// The faults that were posted at the sandbox to strike.
    pub(crate) faults: BTreeSet<u64>,
}

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    OneOutcome,
    AsInTheBooks,
    ConfirmedOnce,
    SameTotals,
    SetAsideUnchanged,
    WeatherStruck,
}

impl Rule {
    pub(crate) const ALL: [Self; 6] = [
        Self::OneOutcome,
        Self::AsInTheBooks,
        Self::ConfirmedOnce,
        Self::SameTotals,
        Self::SetAsideUnchanged,
        Self::WeatherStruck,
    ];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::OneOutcome => "every checkout has exactly one outcome",
            Self::AsInTheBooks => "every outcome says what Amazon Pay's books say",
            Self::ConfirmedOnce => "no session was confirmed twice",
            Self::SameTotals => "the money adds up, currency by currency",
            Self::SetAsideUnchanged => "what nobody can read was set aside, unchanged",
            Self::WeatherStruck => "all the weather that was ordered has struck",
        }
    }
}

/// A rule that was broken, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// Everything that is wrong; nothing, if all is well.
pub(crate) fn check(told: &[Told], books: &Books, expected: &Expected) -> Vec<Finding> {
    let outcomes = distinct(told);
    let mut findings = Findings::default();
    one_outcome(&mut findings, &outcomes, expected);
    for (session, _, outcome) in &outcomes {
        match books.session(session) {
            Some(book) => as_in_the_books(&mut findings, outcome, book),
            None => findings.add(
                Rule::AsInTheBooks,
                format!("{session}: Amazon Pay has no such session"),
            ),
        }
    }
    for book in books.sessions.iter().filter(|book| book.times_completed() > 1) {
        let times = book.times_completed();
        findings.add(
            Rule::ConfirmedOnce,
            format!("{}: confirmed {times} times", book.checkout_session_id),
        );
    }
    same_totals(&mut findings, &outcomes, books);
    set_aside(&mut findings, told, &expected.unreadable);
    for fault in books
        .faults
        .iter()
        .filter(|fault| expected.faults.contains(&fault.id) && fault.struck == 0)
    {
        findings.add(
            Rule::WeatherStruck,
            format!("fault {} on {} never struck", fault.id, fault.operation),
        );
    }
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: Rule, what: String) {
        self.0.push(Finding { rule, what });
    }
}

type OfSession<'a> = (&'a str, &'a str, &'a Outcome);

/// Outcomes, those told again under the same id left out. One id with two contents stays two.
fn distinct(told: &[Told]) -> Vec<OfSession<'_>> {
    let mut outcomes: Vec<OfSession<'_>> = Vec::new();
    let mut by_id: BTreeMap<&str, Vec<&Outcome>> = BTreeMap::new();
    for told in told {
        if let Told::Outcome { session, id, outcome } = told {
            let same_id = by_id.entry(id).or_default();
            if !same_id.contains(&outcome) {
                same_id.push(outcome);
                outcomes.push((session, id, outcome));
            }
        }
    }
    outcomes
}

fn one_outcome(findings: &mut Findings, outcomes: &[OfSession<'_>], expected: &Expected) {
    let mut of_session: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (session, _, outcome) in outcomes {
        of_session.entry(session).or_default().push(outcome.name());
    }
    for session in &expected.sessions {
        match of_session.remove(session.as_str()).as_deref() {
            None => findings.add(Rule::OneOutcome, format!("{session}: no outcome was told")),
            Some([_]) => {}
            Some(several) => {
                let several = several.join(", ");
                findings.add(
                    Rule::OneOutcome,
                    format!("{session}: more than one outcome was told: {several}"),
                );
            }
        }
    }
    for session in of_session.keys() {
        findings.add(
            Rule::OneOutcome,
            format!("{session}: an outcome, and the shop never told of it"),
        );
    }
}

fn as_in_the_books(findings: &mut Findings, outcome: &Outcome, book: &SessionBook) {
    let id = &book.checkout_session_id;
    let mut wrong = |what: String| findings.add(Rule::AsInTheBooks, format!("{id}: {what}"));
    let charge = book.charges.first();
    let booked = match charge {
        Some(charge) => format!("{}, its charge {:?}", book.state, charge.state),
        None => format!("{}, without a charge", book.state),
    };
    let lapsed = book.state == "Canceled" && book.reason_code.as_deref() == Some("Expired");
    let holds = match outcome {
        Outcome::Confirmed { payment, .. } => {
            let paid = match payment {
                Payment::Captured => charge.is_some_and(|charge| charge.state == ChargeState::Captured),
                Payment::Authorized => charge.is_some_and(|charge| charge.state == ChargeState::Authorized),
                Payment::None => charge.is_none(),
            };
            book.state == "Completed" && paid
        }
        Outcome::Declined => {
            let refused = matches!(charge, Some(charge)
                if matches!(charge.state, ChargeState::Declined | ChargeState::Canceled));
            refused || (book.state == "Canceled" && !lapsed)
        }
        Outcome::Cancelled | Outcome::Expired => lapsed,
        Outcome::Unresolved => false,
    };
    if !holds {
        wrong(format!("told {}, and the books say {booked}", outcome.name()));
        return;
    }
    let Outcome::Confirmed {
        charge_permission_id,
        charge_id,
        charge_amount,
        ..
    } = outcome
    else {
        return;
    };
    if book.charge_permission_id.as_ref() != Some(charge_permission_id) {
        wrong("another charge permission than in the books".to_owned());
    }
    if charge.map(|charge| &charge.charge_id) != charge_id.as_ref() {
        wrong("another charge than in the books".to_owned());
    }
    if let Some(charge) = charge {
        let told = charge_amount
            .as_ref()
            .map(|money| (money.amount, money.currency.as_str()));
        let held = (
            charge.charge_amount.amount,
            charge.charge_amount.currency_code.as_str(),
        );
        if told != Some(held) {
            wrong(format!(
                "another amount than the {} {} in the books",
                held.0, held.1
            ));
        }
    }
}

fn same_totals(findings: &mut Findings, outcomes: &[OfSession<'_>], books: &Books) {
    let mut told: BTreeMap<(&str, Payment), Decimal> = BTreeMap::new();
    for (_, _, outcome) in outcomes {
        if let Outcome::Confirmed {
            payment,
            charge_amount: Some(money),
            ..
        } = outcome
            && *payment != Payment::None
        {
            *told.entry((&money.currency, *payment)).or_default() += money.amount;
        }
    }
    let mut booked: BTreeMap<(&str, Payment), Decimal> = BTreeMap::new();
    for (currency, totals) in &books.totals {
        booked.insert((currency, Payment::Captured), totals.captured);
        booked.insert((currency, Payment::Authorized), totals.authorized);
    }
    let keys: BTreeSet<(&str, Payment)> = told.keys().chain(booked.keys()).copied().collect();
    for key in keys {
        let (told, booked) = (
            told.get(&key).copied().unwrap_or_default(),
            booked.get(&key).copied().unwrap_or_default(),
        );
        if told != booked {
            let (currency, payment) = key;
            let what = format!("{payment:?} {currency}: told {told}, in the books {booked}");
            findings.add(Rule::SameTotals, what);
        }
    }
}

fn set_aside(findings: &mut Findings, told: &[Told], unreadable: &[Message]) {
    let mut letters: Vec<&Message> = told
        .iter()
        .filter_map(|told| match told {
            Told::SetAside(message) => Some(message),
            Told::Outcome { .. } => None,
        })
        .collect();
    for (nth, message) in unreadable.iter().enumerate() {
        // Two that are the same need two letters.
        match letters.iter().position(|letter| *letter == message) {
            Some(at) => {
                letters.swap_remove(at);
            }
            None => findings.add(
                Rule::SetAsideUnchanged,
                format!(
                    "unreadable event {} is not among the dead letters as it was sent",
                    nth + 1
                ),
            ),
        }
    }
    if !letters.is_empty() {
        let what = format!("{} dead letters more than unreadable events", letters.len());
        findings.add(Rule::SetAsideUnchanged, what);
    }
}

#[cfg(test)]
mod tests;
