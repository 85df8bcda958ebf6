//! Times, amounts and states as people read them.

use std::time::Duration;

use checkout::Timestamp;
use maud::{Markup, html};

use crate::shown::{Alert, Money};

/// A time as how far it is away; the time itself to whoever points at it.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(at) title=(at) { (distance(at, now)) } }
}

/// The same, or a dash.
pub(super) fn maybe_when(at: Option<Timestamp>, now: Timestamp) -> Markup {
    at.map_or_else(|| html! { "–" }, |at| when(at, now))
}

/// How far away a time is, for people, in its two greatest units: `in 2 h 10 min`.
#[must_use]
pub fn distance(at: Timestamp, now: Timestamp) -> String {
    if now <= at {
        format!("in {}", span(at.since(now)))
    } else {
        format!("{} ago", span(now.since(at)))
    }
}

/// Its two greatest units.
fn span(length: Duration) -> String {
    let seconds = length.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

pub(super) fn money(money: &Money) -> String {
    format!("{} {}", money.amount, money.currency_code)
}

pub(super) fn sum(money: &[Money]) -> String {
    if money.is_empty() {
        return "nothing".to_owned();
    }
    let each: Vec<String> = money.iter().map(self::money).collect();
    each.join(", ")
}

/// Calls a second.
pub(super) fn rate(rate: Option<f64>) -> String {
    rate.map_or_else(|| "–".to_owned(), |rate| format!("{rate:.1}/s"))
}

pub(super) fn or_dash(text: Option<&str>) -> &str {
    text.filter(|text| !text.is_empty()).unwrap_or("–")
}

/// How much a state wants to be looked at: colour is never all that says so.
pub(super) fn mood(state: &str) -> &'static str {
    match state {
        "confirmed" | "running" => "good",
        "in-doubt" | "needs-repair" | "unresolved" | "stopped" => "bad",
        "expired" | "forsworn" | "cancelled" | "paused" | "slowed" | "declined" => "uneasy",
        _ => "calm",
    }
}

pub(super) fn state(state: &str) -> Markup {
    html! { span class={ "state " (mood(state)) } { (state) } }
}

/// What helps against an alert that fires.
pub(super) fn help(alert: &Alert) -> Option<&'static str> {
    (alert.status == "firing").then(|| help_for(alert.kind))
}

pub(super) fn help_for(kind: &str) -> &'static str {
    match kind {
        "needs-repair" => "send a corrected event, or release it after a repair elsewhere",
        "conflict" | "contradiction" => "compare the order with Amazon, then release it",
        "forsworn" => "release it while there is time, if it is to be confirmed after all",
        "deadline-near" => "see on its page why it waits; retry it when that is over",
        "in-doubt" => "nothing to do while look-ups go on: see their answers on its page",
        "payment-overdue" => "look at the charge in Seller Central",
        _ => "see its runbook",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_by_its_two_greatest_units() {
        let now = Timestamp::parse("2026-01-05T10:00:00Z").unwrap();
        let after = |seconds| now.plus(Duration::from_secs(seconds));
        for (seconds, told) in [
            (0, "in 0 s"),
            (59, "in 59 s"),
            (61, "in 1 min 1 s"),
            (2 * 3_600 + 600, "in 2 h 10 min"),
            (26 * 3_600 + 60, "in 1 d 2 h"),
        ] {
            assert_eq!(distance(after(seconds), now), told);
        }
        assert_eq!(distance(now, after(7_300)), "2 h 1 min ago");
    }
}
