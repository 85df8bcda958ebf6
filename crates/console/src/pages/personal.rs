//! What is kept of a session's buyer: for operators alone, and it is told in the log that they have looked.

use std::sync::Arc;

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router, routing::get};
use checkout::SessionId;
use maud::{Markup, html};
use serde_json::Value;

use super::page;
use crate::access::{Gate, Role};
use crate::acts::{NotDone, operator};
use crate::api::session_id;
use crate::desk::{ActRefused, Desk};

pub(crate) fn routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route("/sessions/{id}/personal", get(for_people))
        .route("/api/sessions/{id}/personal", get(for_programs))
}

async fn for_people<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
    Extension(role): Extension<Role>,
    Path(id): Path<String>,
) -> Response {
    match kept(&gate, role, &id).await {
        Ok((id, kept)) => {
            let title = format!("The buyer of {id}");
            page(&title, None, &body(&id, &kept)).into_response()
        }
        Err(refused) => refused.for_people(&format!("/sessions/{id}")),
    }
}

async fn for_programs<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
    Extension(role): Extension<Role>,
    Path(id): Path<String>,
) -> Response {
    match kept(&gate, role, &id).await {
        Ok((_, kept)) => Json(kept).into_response(),
        Err(refused) => refused.for_programs(),
    }
}

async fn kept<D: Desk>(gate: &Gate<D>, role: Role, id: &str) -> Result<(SessionId, Value), NotDone> {
    let by = operator(gate, role)?;
    let id = session_id(id)?;
    let kept = gate.desk.personal(&id).await;
    let kept = kept.map_err(|trouble| NotDone::Act(ActRefused::Away(trouble.into_text())))?;
    let kept = kept.ok_or(NotDone::Act(ActRefused::Unknown))?;
    tracing::info!(
        session = id.as_str(),
        by = by.as_deref().unwrap_or("an operator"),
        "what is kept of the buyer was looked at on the console"
    );
    Ok((id, kept))
}

fn body(id: &SessionId, kept: &Value) -> Markup {
    html! {
        h1 { "The buyer of " code { (id) } }
        p .warning { "Personal data. That you have looked is in the log." }
        (shown(kept))
        p { a href={ "/sessions/" (id) } { "Back" } }
    }
}

fn shown(value: &Value) -> Markup {
    match value {
        Value::Object(fields) => {
            html! { dl { @for (name, value) in fields { dt { (name) } dd { (shown(value)) } } } }
        }
        Value::Array(values) if values.is_empty() => html! { "–" },
        Value::Array(values) => html! { ol { @for value in values { li { (shown(value)) } } } },
        Value::Null => html! { "–" },
        Value::String(text) => html! { (text) },
        Value::Bool(_) | Value::Number(_) => html! { (value) },
    }
}
