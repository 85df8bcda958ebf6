//! Sessions in a table, by what is asked, a page at a time.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use checkout::{StateName, Timestamp};
use maud::{Markup, html};
use serde::Deserialize;

use super::words::{money, or_dash, state, when};
use super::{Place, page, trouble};
use crate::access::Gate;
use crate::api::asked;
use crate::desk::{Asked, Desk};
use crate::shown::{Line, Page};

/// Lines of a page.
const LINES: u32 = 50;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    #[serde(default)]
    state: String,
    #[serde(default)]
    account: String,
    #[serde(default)]
    due_within: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    after: String,
}

pub(super) async fn show<D: Desk>(State(gate): State<Arc<Gate<D>>>, uri: Uri) -> Response {
    let query: Query = match asked(&uri) {
        Ok(query) => query,
        Err(error) => return trouble(error, "/sessions"),
    };
    // A form sends what was left empty, too.
    let given = |text: &str| (!text.trim().is_empty()).then(|| text.trim().to_owned());
    let of = Asked {
        state: given(&query.state),
        account: given(&query.account),
        due_within: given(&query.due_within),
        reference: given(&query.reference),
        after: given(&query.after),
        limit: LINES,
    };
    let accounts = gate.desk.accounts().await;
    let accounts = accounts.map(|accounts| accounts.into_iter().map(|account| account.account));
    let (found, accounts) = match (gate.desk.page(&of).await, accounts) {
        (Ok(found), Ok(accounts)) => (found, accounts.collect::<Vec<_>>()),
        (Err(error), _) | (_, Err(error)) => return trouble(error, "/sessions"),
    };
    let body = html! {
        h1 { "Sessions" }
        (filter(&query, &accounts))
        (table(&found.lines, gate.desk.now()))
        (more(&query, &found))
    };
    page("Sessions", Some(Place::Sessions), &body).into_response()
}

fn filter(query: &Query, accounts: &[String]) -> Markup {
    let option = |value: &str, text: &str, chosen: &str| {
        html! { option value=(value) selected[value == chosen] { (text) } }
    };
    html! {
        form .filter method="get" action="/sessions" {
            p { label for="state" { "State" } select #state name="state" {
                (option("", "without an outcome", &query.state))
                (option("all", "all", &query.state))
                @for name in StateName::ALL { (option(name.as_str(), name.as_str(), &query.state)) }
            } }
            p { label for="account" { "Account" } select #account name="account" {
                (option("", "all", &query.account))
                @for name in accounts { (option(name, name, &query.account)) }
            } }
            p { label for="due_within" { "Deadline within" }
                input #due_within name="due_within" value=(query.due_within) placeholder="2h" size="6"; }
            p { label for="reference" { "Order" }
                input #reference name="reference" value=(query.reference) placeholder="ORDER-1001" size="14"; }
            p { button type="submit" { "Show" } }
        }
    }
}

/// For this page and for the overview.
pub(super) fn table(lines: &[Line], now: Timestamp) -> Markup {
    if lines.is_empty() {
        return html! { p { "None." } };
    }
    html! {
        div .wide { table {
            thead { tr {
                th scope="col" { "Session" } th scope="col" { "State" } th scope="col" { "Account" }
                th scope="col" { "Order" } th scope="col" .number { "Amount" } th scope="col" { "Deadline" }
                th scope="col" { "Alerts" }
            } }
            tbody { @for line in lines { tr {
                th scope="row" { a href={ "/sessions/" (line.checkout_session_id) } { code { (line.checkout_session_id) } } }
                td { (state(line.state)) }
                td { (or_dash(line.account.as_deref())) }
                td { (or_dash(line.merchant_reference_id.as_deref())) }
                td .number { @if let Some(amount) = &line.charge_amount { (money(amount)) } @else { "–" } }
                td { @if line.settled { "settled " (when(line.updated_at, now)) } @else { (when(line.deadline, now)) } }
                td { (line.firing.join(", ")) }
            } } }
        } }
    }
}

fn more(query: &Query, found: &Page<Line>) -> Markup {
    let Some(next) = &found.next else {
        return html! {};
    };
    let fields = [
        ("state", &query.state),
        ("account", &query.account),
        ("due_within", &query.due_within),
        ("reference", &query.reference),
        ("after", next),
    ];
    html! {
        form method="get" action="/sessions" {
            @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
            button type="submit" { "More" }
        }
    }
}
