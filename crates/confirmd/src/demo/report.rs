//! What the day came to, as tables or as JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::Duration;

use rust_decimal::Decimal;
use sandbox::{Books, ChargeState, SessionBook};
use serde_json::{Value, json};

use super::checks::{Finding, Outcome, Payment, Rule, Told};
use super::plan::{Plan, Twist};
use super::shop::Said;
use super::trouble::Trouble;
use super::watch::{Heard, counted};
use crate::commands::Ended;

/// Findings that are printed of one rule; the others are counted.
const PRINTED: usize = 10;

/// Everything there is to say at the end.
pub(crate) struct Report {
    pub(crate) seed: u64,
    pub(crate) rough: bool,
    pub(crate) took: Duration,
    pub(crate) sessions: usize,
    outcomes: Vec<Line>,
    notices: Vec<(&'static str, usize)>,
    alerts: Vec<(String, usize, usize)>,
    weather: Vec<Struck>,
    books: BTreeMap<String, (Decimal, Decimal)>,
    /// Sessions without an outcome when the time was up.
    pub(crate) unsettled: Vec<String>,
    pub(crate) findings: Vec<Finding>,
}

/// One kind of outcome.
struct Line {
    name: &'static str,
    number: usize,
    value: BTreeMap<String, Decimal>,
}

/// One kind of weather.
struct Struck {
    what: &'static str,
    times: usize,
    remedy: &'static str,
}

/// Done only when nothing was found and nothing is left.
pub(crate) fn ending(findings: &[Finding], unsettled: &[String]) -> Ended {
    if findings.is_empty() && unsettled.is_empty() {
        Ended::Done
    } else {
        Ended::Refused
    }
}

/// How the day was held.
pub(crate) struct Day<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) said: &'a Said,
    pub(crate) heard: &'a Heard,
    pub(crate) books: &'a Books,
}

impl Report {
    pub(crate) fn of(day: &Day<'_>, seed: u64, rough: bool, took: Duration, findings: Vec<Finding>) -> Self {
        let alerts = day.heard.alerts.iter();
        Self {
            seed,
            rough,
            took,
            sessions: day.said.sessions.len(),
            outcomes: outcomes(&day.heard.told),
            notices: day
                .heard
                .notices
                .iter()
                .map(|(name, ids)| (*name, ids.len()))
                .collect(),
            alerts: alerts
                .map(|(kind, of)| (kind.clone(), of.raised.len(), of.resolved.len()))
                .collect(),
            weather: weather(day),
            books: day
                .books
                .totals
                .iter()
                .map(|(code, sums)| (code.clone(), (sums.captured, sums.authorized)))
                .collect(),
            unsettled: unsettled(day),
            findings,
        }
    }

    pub(crate) fn ended(&self) -> Ended {
        ending(&self.findings, &self.unsettled)
    }

    pub(crate) fn as_json(&self) -> Value {
        let outcomes = self.outcomes.iter().map(|line| {
            let value: BTreeMap<&String, String> = line
                .value
                .iter()
                .map(|(code, sum)| (code, sum.to_string()))
                .collect();
            json!({ "outcome": line.name, "number": line.number, "value": value })
        });
        let checks = Rule::ALL.into_iter().map(|rule| {
            let findings: Vec<String> = self.broken(rule).map(ToString::to_string).collect();
            json!({ "check": rule.text(), "passed": findings.is_empty(), "findings": findings })
        });
        let weather = self
            .weather
            .iter()
            .map(|row| json!({ "what": row.what, "times": row.times }));
        let alerts = self
            .alerts
            .iter()
            .map(|(kind, raised, resolved)| json!({ "kind": kind, "raised": raised, "resolved": resolved }));
        json!({
            "seed": self.seed,
            "weather": if self.rough { "rough" } else { "calm" },
            "sessions": self.sessions,
            "seconds": self.took.as_secs_f64(),
            "outcomes": outcomes.collect::<Vec<_>>(),
            "notices": self.notices.iter().map(|(name, number)| json!({ "notice": name, "number": number })).collect::<Vec<_>>(),
            "alerts": alerts.collect::<Vec<_>>(),
            "struck": weather.collect::<Vec<_>>(),
            "checks": checks.collect::<Vec<_>>(),
            "unsettled": self.unsettled,
            "passed": self.ended() == Ended::Done,
        })
    }

    pub(crate) fn as_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("a string takes everything");
        text
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(out, "\nOutcomes (topic checkout.outcomes)\n")?;
        self.write_outcomes(out)?;
        if !self.alerts.is_empty() {
            writeln!(out, "\nAlerts (topic checkout.alerts)\n")?;
            for (kind, raised, resolved) in &self.alerts {
                let left = match raised - resolved.min(raised) {
                    0 => "all over".to_owned(),
                    left => format!("{left} left for a person"),
                };
                writeln!(out, "  {kind:<32} {raised:>4} raised, {left}")?;
            }
        }
        if !self.weather.is_empty() {
            writeln!(out, "\nWhat went wrong, and what became of it\n")?;
            for row in &self.weather {
                writeln!(out, "  {:<32} {:>4} x  {}", row.what, row.times, row.remedy)?;
            }
        }
        writeln!(out, "\nChecked against the sandbox's own books\n")?;
        let only_in_rough_weather = |rule| matches!(rule, Rule::SetAsideUnchanged | Rule::WeatherStruck);
        for rule in Rule::ALL {
            if only_in_rough_weather(rule) && !self.rough && self.broken(rule).next().is_none() {
                continue;
            }
            self.write_check(out, rule)?;
        }
        if !self.unsettled.is_empty() {
            writeln!(out, "\nThe time was up, and these have no outcome yet:")?;
            for session in &self.unsettled {
                writeln!(out, "  {session}")?;
            }
        }
        let verdict = if self.ended() == Ended::Done {
            "All is as it should be"
        } else {
            "Something is wrong"
        };
        let (checkouts, seconds, seed) = (counted(self.sessions), self.took.as_secs(), self.seed);
        writeln!(
            out,
            "\n{verdict}: {checkouts} in {seconds} s. The same day again: --seed {seed}"
        )
    }

    fn write_outcomes(&self, out: &mut String) -> std::fmt::Result {
        let mut codes: Vec<&String> = self.outcomes.iter().flat_map(|line| line.value.keys()).collect();
        codes.sort_unstable();
        codes.dedup();
        for line in &self.outcomes {
            write!(out, "  {:<32} {:>4}", line.name, line.number)?;
            for code in &codes {
                match line.value.get(*code) {
                    Some(sum) => write!(out, "  {:>13}", format!("{sum} {code}"))?,
                    None => write!(out, "  {:>13}", "")?,
                }
            }
            // No spaces at the end of a line.
            out.truncate(out.trim_end().len());
            writeln!(out)?;
        }
        let all: usize = self.outcomes.iter().map(|line| line.number).sum();
        writeln!(out, "  {:<32} {all:>4}", "")?;
        for (name, number) in &self.notices {
            let meaning = match *name {
                "payment-pending" => "on the way: payment pending",
                _ => "on the way: attempt declined",
            };
            writeln!(out, "  {meaning:<32} {number:>4}")?;
        }
        Ok(())
    }

    fn write_check(&self, out: &mut String, rule: Rule) -> std::fmt::Result {
        let broken: Vec<&Finding> = self.broken(rule).collect();
        let detail = match rule {
            Rule::SameTotals => {
                let captured = self.books.iter().filter(|(_, (captured, _))| !captured.is_zero());
                let sums: Vec<String> = captured
                    .map(|(code, (captured, _))| format!("{captured} {code}"))
                    .collect();
                format!(" (captured: {})", sums.join(", "))
            }
            _ => String::new(),
        };
        if broken.is_empty() {
            return writeln!(out, "  ok      {}{detail}", rule.text());
        }
        writeln!(out, "  WRONG   {}", rule.text())?;
        for finding in broken.iter().take(PRINTED) {
            writeln!(out, "            {finding}")?;
        }
        if broken.len() > PRINTED {
            writeln!(out, "            and {} more", broken.len() - PRINTED)?;
        }
        Ok(())
    }

    fn broken(&self, rule: Rule) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.rule == rule)
    }
}

/// Every checkout of the plan that has no outcome, whether or not the shop came to tell of it.
fn unsettled(day: &Day<'_>) -> Vec<String> {
    let sessions: BTreeMap<usize, &String> = day
        .said
        .sessions
        .iter()
        .map(|(session, number)| (*number, session))
        .collect();
    let missing = (0..day.plan.checkouts.len()).filter_map(|number| match sessions.get(&number) {
        Some(session) if day.heard.settled.contains(*session) => None,
        Some(session) => Some(format!("{} ({session})", Plan::order_number(number))),
        None => Some(format!("{} (not told of yet)", Plan::order_number(number))),
    });
    missing.collect()
}

fn outcomes(told: &[Told]) -> Vec<Line> {
    const NAMES: [&str; 7] = [
        "confirmed, captured",
        "confirmed, authorized",
        "confirmed, to be charged later",
        "declined",
        "cancelled (never confirmed)",
        "expired (told too late)",
        "unresolved",
    ];
    let mut lines = NAMES.map(|name| Line {
        name,
        number: 0,
        value: BTreeMap::new(),
    });
    let mut ids = BTreeSet::new();
    for told in told {
        let Told::Outcome { id, outcome, .. } = told else {
            continue;
        };
        if !ids.insert(id) {
            continue;
        }
        let (line, money) = match outcome {
            Outcome::Confirmed {
                payment: Payment::Captured,
                charge_amount,
                ..
            } => (0, charge_amount.as_ref()),
            Outcome::Confirmed {
                payment: Payment::Authorized,
                charge_amount,
                ..
            } => (1, charge_amount.as_ref()),
            Outcome::Confirmed {
                payment: Payment::None,
                ..
            } => (2, None),
            Outcome::Declined => (3, None),
            Outcome::Cancelled => (4, None),
            Outcome::Expired => (5, None),
            Outcome::Unresolved => (6, None),
        };
        lines[line].number += 1;
        if let Some(money) = money {
            *lines[line].value.entry(money.currency.clone()).or_default() += money.amount;
        }
    }
    lines.into_iter().filter(|line| line.number > 0).collect()
}

/// How often each kind of trouble struck: by the books, the topics, and what the shop did.
fn weather(day: &Day<'_>) -> Vec<Struck> {
    let mut by_trouble: BTreeMap<Trouble, usize> = BTreeMap::new();
    for fault in &day.books.faults {
        if let Some(trouble) = day.said.faults.get(&fault.id) {
            *by_trouble.entry(*trouble).or_default() += usize::try_from(fault.struck).unwrap_or(usize::MAX);
        }
    }
    let mut rows: Vec<Struck> = by_trouble
        .into_iter()
        .map(|(trouble, times)| Struck {
            what: trouble.name(),
            times,
            remedy: trouble.remedy(),
        })
        .collect();
    let of_twist = |twisted: fn(&Twist) -> bool, counts: &dyn Fn(&SessionBook) -> bool| {
        let sessions = day.books.sessions.iter().filter(|book| {
            let number = day.said.sessions.get(&book.checkout_session_id);
            number.is_some_and(|number| twisted(&day.plan.checkouts[*number].twist)) && counts(book)
        });
        sessions.count()
    };
    let refused = |book: &SessionBook, code: &str| {
        book.calls
            .iter()
            .any(|call| call.reason_code.as_deref() == Some(code))
    };
    let declined = of_twist(|twist| *twist == Twist::Declined, &|book| {
        let charge = book.charges.first().map(|charge| charge.state);
        book.reason_code.as_deref() == Some("Declined") || charge == Some(ChargeState::Declined)
    });
    let not_done = |book: &SessionBook| refused(book, "InvalidCheckoutSessionStatus");
    let gone = of_twist(|twist| *twist == Twist::BuyerGone, &not_done);
    let late_buyers = of_twist(|twist| matches!(twist, Twist::BuyerLate(_)), &not_done);
    let wrong = of_twist(|twist| matches!(twist, Twist::WrongAmount(_)), &|book| {
        refused(book, "AmountMismatch")
    });
    let told_late = of_twist(|twist| *twist == Twist::ToldLate, &|_| true);
    let conflicts = day
        .heard
        .alerts
        .get("conflict")
        .map_or(0, |alerts| alerts.raised.len());
    for (what, times, remedy) in [
        (
            "payment declined",
            declined,
            "told as declined; the buyer may pay otherwise",
        ),
        (
            "buyer never finished",
            gone,
            "tried all day, given up 30 min before the end",
        ),
        (
            "buyer finished later",
            late_buyers,
            "tried again until it went through",
        ),
        (
            "told of late",
            told_late,
            "confirmed in its last hour, or found expired",
        ),
        ("event redelivered", day.said.redelivered, "changed nothing"),
        (
            "wrong amount in the event",
            wrong,
            "held for repair, confirmed when corrected",
        ),
        (
            "second event said something else",
            conflicts,
            "the first one holds, a person is told",
        ),
        (
            "unreadable event",
            day.heard.letters(),
            "set aside, what came behind it went through",
        ),
    ] {
        if times > 0 {
            rows.push(Struck { what, times, remedy });
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_or_a_session_without_an_outcome_ends_with_exit_status_3() {
        let finding = Finding {
            rule: Rule::OneOutcome,
            what: "something".to_owned(),
        };
        assert_eq!(ending(&[], &[]), Ended::Done);
        assert_eq!(ending(&[finding], &[]), Ended::Refused);
        assert_eq!(ending(&[], &["ORDER-0001".to_owned()]), Ended::Refused);
        let status = std::process::ExitCode::from(Ended::Refused);
        assert_eq!(
            format!("{status:?}"),
            format!("{:?}", std::process::ExitCode::from(3))
        );
    }
}
