//! Events that nobody could read, and that their topic has not taken yet.

use std::sync::Arc;

use axum::extract::State;
use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};

use super::words::when;
use super::{Place, page, trouble};
use crate::access::Gate;
use crate::api::{NoQuery, asked};
use crate::desk::Desk;
use crate::shown::DeadLetter;

pub(super) async fn show<D: Desk>(State(gate): State<Arc<Gate<D>>>, uri: Uri) -> Response {
    if let Err(error) = asked::<NoQuery>(&uri) {
        return trouble(error, "/dead-letters");
    }
    match gate.desk.dead_letters().await {
        Ok(letters) => {
            page("Dead letters", Some(Place::DeadLetters), &table(&gate, &letters)).into_response()
        }
        Err(error) => trouble(error, "/"),
    }
}

fn table<D: Desk>(gate: &Gate<D>, letters: &[DeadLetter]) -> Markup {
    let now = gate.desk.now();
    html! {
        h1 { "Dead letters" }
        p {
            "Events without a readable session id go to the dead-letter topic, bytes and headers unchanged. "
            "Here are those that the topic has not taken yet; what they say is not shown, as it may be anything."
        }
        @if letters.is_empty() {
            p { "None is kept here." }
        } @else {
            div .wide { table {
                thead { tr { th scope="col" { "Where it was" } th scope="col" { "Field" } th scope="col" { "What is wrong" }
                    th scope="col" { "Came" } th scope="col" .number { "Bytes" } } }
                tbody { @for letter in letters { tr {
                    th scope="row" { code { (letter.source) } }
                    td { code { (letter.field) } }
                    td { (letter.reason) }
                    td { (when(letter.at, now)) }
                    td .number { (letter.bytes) }
                } } }
            } }
        }
    }
}
