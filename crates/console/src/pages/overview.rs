//! Everything at a glance: are we losing money, and what is to be done?

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use checkout::Timestamp;
use maud::{Markup, html};

use super::words::{help_for, maybe_when, mood, or_dash, rate, state, sum, when};
use super::{Place, bars, page, sessions, trouble};
use crate::access::Gate;
use crate::api::{NoQuery, asked};
use crate::desk::{Act, Desk};
use crate::shown::{Account, Overview};

pub(super) async fn show<D: Desk>(State(gate): State<Arc<Gate<D>>>, uri: Uri) -> Response {
    if let Err(error) = asked::<NoQuery>(&uri) {
        return trouble(error, "/");
    }
    match gate.desk.overview().await {
        Ok(overview) => page("Overview", Some(Place::Overview), &body(&overview)).into_response(),
        Err(error) => trouble(error, "/"),
    }
}

fn body(overview: &Overview) -> Markup {
    let now = overview.at;
    html! {
        h1 { "Overview" }
        (verdict(overview))
        section aria-labelledby="accounts" {
            h2 #accounts { "Accounts" }
            (accounts(&overview.accounts, now))
        }
        section aria-labelledby="alerts" {
            h2 #alerts { "Alerts" }
            @if overview.alerts.is_empty() { p { "No session has an alert that fires." } }
            @else {
                (sessions::table(&overview.alerts, now))
                ul .help { @for kind in kinds(overview) { li { strong { (kind) } ": " (help_for(kind)) } } }
            }
        }
        section aria-labelledby="deadlines" {
            h2 #deadlines { "What has to be confirmed, by its deadline" }
            (bars("Sessions to be confirmed, by the hour of their deadline", &overview.deadlines_by_hour, |hour| {
                format!("in {hour} to {} h", hour + 1)
            }))
            h3 { "The next deadlines" }
            (sessions::table(&overview.next, now))
        }
        section aria-labelledby="outcomes" {
            h2 #outcomes { "Outcomes of the last hours" }
            (outcomes(overview))
        }
    }
}

/// The one sentence that somebody wants to read at night.
fn verdict(overview: &Overview) -> Markup {
    let stopped = overview
        .accounts
        .iter()
        .filter(|account| account.condition == "stopped")
        .count();
    let misses: u64 = overview
        .accounts
        .iter()
        .map(|account| account.predicted_misses)
        .sum();
    let (mood, text) = if !overview.readiness.ready {
        (
            "bad",
            format!("Nothing can be recorded: {}.", overview.readiness.database),
        )
    } else if misses > 0 {
        let lost: Vec<_> = overview
            .accounts
            .iter()
            .flat_map(|account| account.predicted_loss.clone())
            .collect();
        (
            "bad",
            format!(
                "{misses} sessions will not be confirmed in time, as things stand: {}.",
                sum(&lost)
            ),
        )
    } else if stopped > 0 {
        (
            "bad",
            format!("Amazon Pay accepts nothing from {stopped} of the accounts."),
        )
    } else if overview.foretold.is_none() {
        ("calm", "What waits has not been counted yet.".to_owned())
    } else if !overview.alerts.is_empty() {
        (
            "uneasy",
            "All that can be confirmed will be; some sessions need somebody.".to_owned(),
        )
    } else {
        ("good", "All that waits will be confirmed in time.".to_owned())
    };
    html! {
        p class={ "verdict " (mood) } role="status" { (text) }
        @let watched: Vec<&str> = overview.accounts.iter().filter(|it| it.mode == "watch").map(|it| it.account.as_str()).collect();
        @if !watched.is_empty() { p .warning { "Only watched, so that nothing is confirmed here: " (watched.join(", ")) "." } }
        @if let Some(part) = overview.foretold.filter(|part| *part < 1.0) {
            p { "This replica foretells for its own " (format!("{:.0}", part * 100.0)) " % of the sessions; ask the others for theirs." }
        }
        p { "At risk, if nothing more happened: " strong { (sum(&overview.at_risk)) } ". Broker: " (overview.readiness.broker) "." }
    }
}

fn kinds(overview: &Overview) -> BTreeSet<&str> {
    let firing = overview.alerts.iter().flat_map(|line| &line.firing);
    firing.map(String::as_str).collect()
}

fn accounts(accounts: &[Account], now: Timestamp) -> Markup {
    html! {
        div .wide { table {
            thead { tr {
                th scope="col" { "Account" } th scope="col" { "Condition" } th scope="col" .number { "Due" }
                th scope="col" { "Next deadline" } th scope="col" .number { "Will be lost" }
                th scope="col" .number { "Confirm" } th scope="col" .number { "Look up" } th scope="col" { "Acts" }
            } }
            tbody { @for account in accounts { tr {
                th scope="row" { a href={ "/accounts/" (account.account) } { (account.account) }
                    @if account.mode == "watch" { " " span .state.calm { "watch only" } } }
                td { (state(account.condition))
                    @if account.condition == "slowed" {
                        " by Amazon Pay: its quota is used elsewhere, too"
                    } @else if mood(account.condition) != "good" {
                        " since " (when(account.since, now)) " by " (or_dash(account.by.as_deref())) ": " (account.reason)
                    } }
                td .number { (account.backlog) }
                td { (maybe_when(account.next_deadline, now)) }
                td .number { @if account.predicted_misses > 0 {
                        strong { (account.predicted_misses) } ": " (sum(&account.predicted_loss))
                        @if let Some(by) = account.predicted_by { " " (when(by, now)) }
                    } @else { "none" } }
                td .number { (rate(account.used_per_second.confirm)) " of " (rate(account.quota_per_second.confirm)) }
                td .number { (rate(account.used_per_second.look_up)) " of " (rate(account.quota_per_second.look_up)) }
                td { @let act = if account.condition == "paused" { Act::Resume } else { Act::Pause };
                    a .act href={ "/accounts/" (account.account) "/" (act.name()) } { (act.name()) "…" } }
            } } }
        } }
    }
}

fn outcomes(overview: &Overview) -> Markup {
    if overview.outcomes.is_empty() {
        return html! { p { "None." } };
    }
    let sum = |counts: &[u32]| counts.iter().sum::<u32>();
    html! {
        div .wide { table {
            thead { tr { th scope="col" { "Outcome" } th scope="col" .number { "Last hour" } th scope="col" .number { "Last 24 hours" }
                th scope="col" { "By hour" } } }
            tbody { @for of in &overview.outcomes { tr {
                th scope="row" { a href={ "/sessions?state=" (of.state) } { (state(of.state)) } }
                td .number { (of.by_hour.last().copied().unwrap_or(0)) }
                td .number { (sum(&of.by_hour)) }
                td { (sparkline(of.state, &of.by_hour)) }
            } } }
        } }
    }
}

fn sparkline(state: &str, counts: &[u32]) -> Markup {
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let high = |count: u32| (u64::from(count) * 20).div_ceil(u64::from(highest));
    html! {
        svg .spark viewBox={ "0 0 " (counts.len() * 6) " 20" } role="img" aria-label={ (state) " by hour, the last one at the right" } {
            @for (at, count) in counts.iter().copied().enumerate() {
                rect x=(at * 6) y=(20 - high(count)) width="5" height=(high(count)) {}
            }
        }
    }
}
