//! One session: what it is, what will happen next and why, and its story.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use checkout::Timestamp;
use maud::{Markup, html};

use super::words::{help, maybe_when, money, or_dash, state, when};
use super::{Place, Query, message, page, trouble};
use crate::access::Gate;
use crate::api::{asked, session_id};
use crate::desk::{Act, Desk};
use crate::shown::{Fact, Session, Story, Told};

pub(super) async fn show<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Response {
    let (query, id) = match (asked::<Query>(&uri), session_id(&id)) {
        (Ok(query), Ok(id)) => (query, id),
        (Err(error), _) | (_, Err(error)) => return trouble(error, "/sessions"),
    };
    match (gate.desk.session(&id).await, gate.desk.explain(&id).await) {
        (Ok(Some(session)), Ok(Some(told))) => {
            let title = format!("Session {id}");
            let body = story(&session, &told, query.done(Act::on_sessions), gate.desk.now());
            page(&title, Some(Place::Sessions), &body).into_response()
        }
        (Ok(_), Ok(_)) => {
            let unheard = message("Unknown", "This session was never heard of.", "/sessions");
            (StatusCode::NOT_FOUND, unheard).into_response()
        }
        (Err(error), _) | (_, Err(error)) => trouble(error, "/sessions"),
    }
}

fn story(session: &Session, told: &Told, done: Option<Act>, now: Timestamp) -> Markup {
    html! {
        h1 { "Session " code { (session.checkout_session_id) } }
        // What stands in a link was written by somebody; what was done is on record.
        @if let (Some(act), Some(fact)) = (done, last_act(session)) {
            p .done role="status" { "Recorded: " (act.name()) ", by " (or_dash(fact.actor.as_deref())) " at " (fact.at) "." }
        }
        section aria-labelledby="now" {
            h2 #now { "Now" }
            (present(session, told, now))
        }
        section aria-labelledby="can" {
            h2 #can { "What you can do" }
            (acts(session, &told.story))
        }
        section aria-labelledby="facts" {
            h2 #facts { "What it is" }
            (facts(session, now))
        }
        section aria-labelledby="story" {
            h2 #story { "Its story" }
            ol .story { @for fact in session.history.iter().flatten() { li { (fact_in_full(fact)) } } }
        }
    }
}

fn present(session: &Session, told: &Told, now: Timestamp) -> Markup {
    let Told { explained, story, .. } = told;
    html! {
        p .now { (state(session.state))
            @if let Some(since) = story.since { " (" (when(since, now)) ")" }
            ". " strong { (explained.step) } ": " (explained.because) }
        @if let Some(not_before) = explained.not_before { p { "Not before " (when(not_before, now)) "." } }
        @if let Some(place) = explained.place { p { "Its place in the queue of its account: " (place) "." } }
        @if session.may_have_landed { p .warning { "A confirmation may have landed though its answer is not known." } }
        @for alert in session.alerts.iter().filter(|alert| alert.status == "firing") {
            p .warning { strong { (alert.kind) } ": " (alert.summary)
                @if let Some(help) = help(alert) { " " em { "What helps: " (help) "." } } }
        }
        dl {
            @if let Some(last) = &story.last {
                dt { "Last" }
                dd { (when(last.at, now)) ": " (last.what)
                    @if let Some(id) = &last.request_id { span .more { span .name { "Amazon's request " } (id) } } }
            }
            @for (name, comes) in [("Then", &story.then), ("Meanwhile", &story.meanwhile)] { @if let Some(comes) = comes {
                dt { (name) } dd { (when(comes.at, now)) ": " strong { (comes.step) } ": " (comes.because) }
            } }
        }
    }
}

/// Only what would not be refused; what this page does with a button, what a command does, and what neither can.
fn acts(session: &Session, story: &Story) -> Markup {
    let button = |command: &str| {
        let mut words = command.strip_prefix("confirmd sessions ")?.split(' ');
        words.next().and_then(Act::on_sessions)
    };
    html! {
        @if story.acts.is_empty() { p { "Nothing: there is nothing left to be done." } }
        ul .acts { @for help in &story.acts { li {
            @if let Some(act) = help.command.as_deref().and_then(button) {
                a .act href={ "/sessions/" (session.checkout_session_id) "/" (act.name()) } { (act.name()) "…" } " "
            } @else if let Some(command) = &help.command { code { (command) } " " }
            (help.what)
        } } }
        @if let Some(runbook) = story.runbook { p { "Runbook: " code { "deploy/runbook/" (runbook) } } }
    }
}

fn last_act(session: &Session) -> Option<&Fact> {
    session
        .history
        .iter()
        .flatten()
        .rfind(|fact| fact.actor.is_some())
}

fn facts(session: &Session, now: Timestamp) -> Markup {
    let amount = session.charge_amount.as_ref().map(money);
    let outcome = session
        .outcome
        .as_ref()
        .and_then(|outcome| outcome["type"].as_str());
    let texts = [
        ("Account", session.account.as_deref()),
        ("Order", session.merchant_reference_id.as_deref()),
        ("Amount", amount.as_deref()),
        ("Operation", session.operation),
        ("Charge permission", session.charge_permission_id.as_deref()),
        ("Charge", session.charge_id.as_deref()),
        ("Outcome", outcome),
    ];
    html! {
        dl {
            @for (name, text) in texts { dt { (name) } dd { (or_dash(text)) } }
            dt { "Deadline" } dd { (when(session.deadline, now)) " (" (session.deadline) ", from " (session.deadline_from) ")" }
            dt { "Next look" } dd { (maybe_when(session.due_at, now)) }
            dt { "Attempts" } dd { (session.attempts) }
            dt { "The buyer" } dd { a href={ "/sessions/" (session.checkout_session_id) "/personal" } { "what is kept of them" } ", for operators" }
        }
    }
}

/// When, what, and whatever else it says.
fn fact_in_full(fact: &Fact) -> Markup {
    let (status, attempt) = (
        fact.status.map(|it| it.to_string()),
        fact.attempt.map(|it| it.to_string()),
    );
    let retry_at = fact.retry_at.map(|at| at.to_string());
    let more = [
        ("attempt", attempt.as_deref()),
        ("alert", fact.kind),
        ("HTTP", status.as_deref()),
        ("reason", fact.reason_code.as_deref()),
        ("message", fact.message.as_deref()),
        ("Amazon's request", fact.request_id.as_deref()),
        ("field", fact.field.as_deref()),
        ("problem", fact.problem.as_deref()),
        ("", fact.summary.as_deref()),
        ("again at", retry_at.as_deref()),
        ("by", fact.actor.as_deref()),
        ("because", fact.reason.as_deref()),
    ];
    html! {
        time datetime=(fact.at) { (fact.at) } " " strong { (fact.event_type) }
        @for (name, text) in more { @if let Some(text) = text {
            span .more { @if !name.is_empty() { span .name { (name) } " " } (text) }
        } }
    }
}
