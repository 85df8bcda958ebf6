//! One merchant account: whether it can work, what it has before it and by when, and what somebody can do about it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use checkout::Timestamp;
use maud::{Markup, html};

use super::words::{maybe_when, rate, state, sum, when};
use super::{Place, Query, bars, message, page, sessions, trouble};
use crate::access::Gate;
use crate::api::asked;
use crate::desk::{Act, Asked, Desk};
use crate::shown::{Account, Line, Overview};

/// Sessions that are shown with it.
const LINES: u32 = 20;

pub(super) async fn show<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
    Path(name): Path<String>,
    uri: Uri,
) -> Response {
    let query = match asked::<Query>(&uri) {
        Ok(query) => query,
        Err(error) => return trouble(error, "/"),
    };
    let overview = match gate.desk.overview().await {
        Ok(overview) => overview,
        Err(error) => return trouble(error, "/"),
    };
    let Some(account) = overview.accounts.iter().find(|account| account.account == name) else {
        let unknown = message("Unknown", "No account of this name is configured.", "/");
        return (StatusCode::NOT_FOUND, unknown).into_response();
    };
    let its_own = Asked {
        account: Some(name),
        limit: LINES,
        ..Asked::default()
    };
    match gate.desk.page(&its_own).await {
        Ok(found) => {
            let title = format!("Account {}", account.account);
            let done = query.done(Act::on_accounts);
            let body = body(account, &overview, &found.lines, done);
            page(&title, Some(Place::Overview), &body).into_response()
        }
        Err(error) => trouble(error, "/"),
    }
}

fn body(account: &Account, overview: &Overview, lines: &[Line], done: Option<Act>) -> Markup {
    let now = overview.at;
    let hours = overview.deadlines_of_account.get(&account.account);
    html! {
        h1 { "Account " code { (account.account) } }
        @if let Some(done) = done { p .done role="status" { "Recorded: " (done.name()) ". Every replica heeds it within five seconds." } }
        section aria-labelledby="now" {
            h2 #now { "Now" }
            (condition(account, now))
        }
        section aria-labelledby="quota" {
            h2 #quota { "Its quota" }
            (quota(account))
        }
        section aria-labelledby="deadlines" {
            h2 #deadlines { "What has to be confirmed, by its deadline" }
            (bars("Sessions to be confirmed, by the hour of their deadline", hours.map_or(&[], Vec::as_slice), |hour| {
                format!("in {hour} to {} h", hour + 1)
            }))
            h3 { "The next deadlines" }
            (sessions::table(lines, now))
            p { a href={ "/sessions?account=" (account.account) } { "All its sessions" } }
        }
    }
}

fn condition(account: &Account, now: Timestamp) -> Markup {
    let helps = what_helps(account);
    html! {
        p .now { (state(account.condition)) " (" (when(account.since, now))
            @if let Some(by) = &account.by { " by " (by) } ")"
            @if !account.reason.is_empty() { ": " (account.reason) } }
        @if account.mode == "watch" { p .warning { "Only watched: nothing of it is confirmed here." } }
        @if account.predicted_misses > 0 {
            p .warning { strong { (account.predicted_misses) " will not be confirmed in time" } ", as things stand: "
                (sum(&account.predicted_loss))
                @if let Some(by) = account.predicted_by { ", the first " (when(by, now)) } "." }
        }
        dl {
            dt { "Due now" } dd { (account.backlog) }
            dt { "Next deadline" } dd { (maybe_when(account.next_deadline, now)) }
            @for (what, runbook) in helps { dt { "What helps" } dd { (what) " Runbook: " code { "deploy/runbook/" (runbook) } } }
        }
        p .acts { @let act = if account.condition == "paused" { Act::Resume } else { Act::Pause };
            a .act href={ "/accounts/" (account.account) "/" (act.name()) } { (act.name()) "…" } }
    }
}

fn what_helps(account: &Account) -> Vec<(&'static str, &'static str)> {
    let of_condition = match account.condition {
        "stopped" => Some((
            "`confirmd check --online` says what Amazon Pay refuses. It resumes by itself when that is mended.",
            "ConfirmdAccountStopped.md",
        )),
        "paused" => Some((
            "Resume it when what it was paused for is over.",
            "ConfirmdPausedNearDeadline.md",
        )),
        "slowed" => Some((
            "Find out who else uses this account's quota.",
            "ConfirmdBacklogBeyondQuota.md",
        )),
        _ => None,
    };
    let misses = (account.predicted_misses > 0).then_some((
        "More quota for this account, or less of it used by others, while there is time.",
        "ConfirmdPredictedMisses.md",
    ));
    of_condition.into_iter().chain(misses).collect()
}

fn quota(account: &Account) -> Markup {
    let (of, used) = (&account.quota_per_second, &account.used_per_second);
    let calls = [
        ("Confirm", used.confirm, of.confirm),
        ("Look up", used.look_up, of.look_up),
        ("Charge", used.charge, of.charge),
        ("Buyers' details", used.permission, of.permission),
    ];
    html! {
        p { "What this replica has used in the last minute, of what it allows itself: its part of the configured quota, less where Amazon Pay has throttled." }
        dl { @for (name, used, of) in calls { dt { (name) } dd { (rate(used)) " of " (rate(of)) } } }
    }
}
