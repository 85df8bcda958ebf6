//! Pages for people. Each is whole without JavaScript.

mod account;
mod dead_letters;
mod overview;
mod personal;
mod session;
mod sessions;
mod words;

pub use words::distance;

use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{Stream, stream};
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::access::Gate;
use crate::desk::{Act, Desk, Trouble};

pub(crate) fn routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route("/", get(overview::show))
        .route("/sessions", get(sessions::show))
        .route("/sessions/{id}", get(session::show))
        .route("/accounts/{name}", get(account::show))
        .route("/dead-letters", get(dead_letters::show))
        .merge(personal::routes())
        .route("/events", get(events))
}

/// Where a page stands in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Overview,
    Sessions,
    DeadLetters,
}

/// A page; one that has a place in the navigation follows what happens.
pub(crate) fn page(title: &str, place: Option<Place>, body: &Markup) -> Markup {
    let link = |to: &str, of: Place, text: &str| {
        html! { a href=(to) aria-current=[(place == Some(of)).then_some("page")] { (text) } }
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · confirmd" }
                link rel="stylesheet" href="/assets/console.css";
                script src="/assets/console.js" defer {}
            }
            body {
                a .skip href="#content" { "To the content" }
                header {
                    nav aria-label="Pages" {
                        strong { "confirmd" }
                        (link("/", Place::Overview, "Overview"))
                        (link("/sessions", Place::Sessions, "Sessions"))
                        (link("/dead-letters", Place::DeadLetters, "Dead letters"))
                    }
                    @if place.is_some() { span #live role="status" { "as of loading" } }
                }
                main #content data-live[place.is_some()] { (body) }
            }
        }
    }
}

/// What a page is asked to say of itself.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Query {
    /// What was just done to what it shows.
    done: Option<String>,
}

impl Query {
    /// Only a known act is repeated to people: whatever else stands in a link was written by somebody.
    fn done(&self, named: fn(&str) -> Option<Act>) -> Option<Act> {
        self.done.as_deref().and_then(named)
    }
}

/// A page that says one thing.
pub(crate) fn message(title: &str, text: &str, back: &str) -> Markup {
    page(
        title,
        None,
        &html! {
            h1 { (title) }
            p { (text) }
            p { a href=(back) { "Back" } }
        },
    )
}

/// A picture of counts, one bar for each; in words for whoever does not see it.
fn bars(title: &str, counts: &[u32], of: impl Fn(usize) -> String) -> Markup {
    let highest = counts.iter().copied().max().unwrap_or(0);
    if highest == 0 {
        return html! { p { "None." } };
    }
    let (width, height) = (20_usize, 100_u64);
    let high = |count: u32| (u64::from(count) * height).div_ceil(u64::from(highest));
    html! {
        figure {
            svg .bars viewBox={ "0 0 " (width * counts.len()) " " (height + 2) } role="img" aria-label=(title) {
                @for (at, count) in counts.iter().copied().enumerate() {
                    rect x=(at * width + 1) y=(height - high(count)) width=(width - 2) height=(high(count)) {
                        title { (of(at)) ": " (count) }
                    }
                }
            }
            figcaption { (title) ". The highest bar is " (highest) "." }
        }
        details {
            summary { "In numbers" }
            ul { @for (at, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) { li { (of(at)) ": " (count) } } }
        }
    }
}

pub(crate) fn not_found(uri: &Uri) -> Response {
    if uri.path().starts_with("/api/") {
        let error =
            serde_json::json!({ "error": "there is nothing here; /api/openapi.json says what there is" });
        return (StatusCode::NOT_FOUND, axum::Json(error)).into_response();
    }
    (
        StatusCode::NOT_FOUND,
        message("Not found", "There is no such page.", "/"),
    )
        .into_response()
}

/// A question that has no answer, for people.
pub(crate) fn trouble(trouble: Trouble, back: &str) -> Response {
    let (status, title) = match &trouble {
        Trouble::Asked(_) => (StatusCode::BAD_REQUEST, "Not understood"),
        Trouble::Away(_) => (StatusCode::SERVICE_UNAVAILABLE, "The database does not answer"),
    };
    (status, message(title, &trouble.into_text(), back)).into_response()
}

/// Says every few seconds that something may have changed; ends with the program.
async fn events<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    /// Ticks between two such words.
    const EVERY: u64 = 3;
    let ticks = stream::unfold(gate.desk.ticks(), |mut ticks| async move {
        let next = *ticks.borrow_and_update() + EVERY;
        ticks.wait_for(|tick| next <= *tick).await.ok()?;
        // A browser passes over an event without data.
        Some((Ok(Event::default().event("tick").data(next.to_string())), ticks))
    });
    Sse::new(ticks)
}
