//! The JSON of the commands, health, metrics, and the outcome for a shop's result page.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use checkout::SessionId;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::access::Gate;
use crate::desk::{Asked, Awaited, Desk, Trouble};

/// Nobody waits longer for an outcome than this in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// Sessions in an answer, unless it is said how many.
const SESSIONS: u32 = 100;

type Asker<D> = State<Arc<Gate<D>>>;

/// What needs no token: whether it lives and whether it can work tells nothing about anybody.
pub(crate) fn open_routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
}

pub(crate) fn routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/api/overview", get(overview))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", get(session))
        .route("/api/sessions/{id}/explain", get(explain))
        .route("/api/sessions/{id}/outcome", get(outcome))
        .route("/api/accounts", get(accounts))
        .route("/api/dead-letters", get(dead_letters))
        .route("/api/openapi.json", get(description))
}

async fn description() -> impl IntoResponse {
    (
        [(
            header::CONTENT_TYPE,
            "application/vnd.oai.openapi+json;version=3.1",
        )],
        include_str!("../assets/openapi.json"),
    )
}

async fn metrics<D: Desk>(State(gate): Asker<D>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        gate.desk.metrics(),
    )
}

async fn ready<D: Desk>(State(gate): Asker<D>) -> Response {
    let readiness = gate.desk.readiness().await;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

/// What a request asks for. A parameter that nobody knows is a typing mistake, and a list that passes it over is wrong.
pub(crate) fn asked<T: DeserializeOwned>(uri: &Uri) -> Result<T, Trouble> {
    let parameters = Query::<T>::try_from_uri(uri);
    parameters
        .map(|Query(asked)| asked)
        .map_err(|error| Trouble::Asked(error.body_text()))
}

pub(crate) fn session_id(text: &str) -> Result<SessionId, Trouble> {
    SessionId::parse(text).map_err(|error| Trouble::Asked(error.to_string()))
}

/// Nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoQuery {}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsQuery {
    state: Option<String>,
    account: Option<String>,
    due_within: Option<String>,
    reference: Option<String>,
    limit: Option<u32>,
}

async fn overview<D: Desk>(State(gate): Asker<D>, uri: Uri) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    Ok(Json(gate.desk.overview().await?).into_response())
}

async fn sessions<D: Desk>(State(gate): Asker<D>, uri: Uri) -> Result<Response, Trouble> {
    let query: SessionsQuery = asked(&uri)?;
    // What is left empty is not asked for.
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let of = Asked {
        state: given(query.state),
        account: given(query.account),
        due_within: given(query.due_within),
        reference: given(query.reference),
        after: None,
        limit: query.limit.unwrap_or(SESSIONS),
    };
    Ok(Json(gate.desk.sessions(&of).await?).into_response())
}

async fn session<D: Desk>(
    State(gate): Asker<D>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    let found = gate.desk.session(&session_id(&id)?).await?;
    Ok(found.map_or_else(unknown, |session| Json(session).into_response()))
}

async fn explain<D: Desk>(
    State(gate): Asker<D>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    let Some(told) = gate.desk.explain(&session_id(&id)?).await? else {
        return Ok(unknown());
    };
    let json = told.to_json().map_err(|error| Trouble::Away(error.to_string()))?;
    Ok(Json(json).into_response())
}

fn unknown() -> Response {
    let error = json!({ "error": "this session was never heard of" });
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeQuery {
    wait: Option<String>,
}

/// For the shop's result page: the outcome as soon as it is known.
async fn outcome<D: Desk>(
    State(gate): Asker<D>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let asked: OutcomeQuery = asked(&uri)?;
    let id = session_id(&id)?;
    let wait = match asked.wait.as_deref() {
        None => Duration::ZERO,
        Some(text) => gate.desk.duration(text).ok_or_else(|| {
            let some: String = text.chars().take(40).collect();
            Trouble::Asked(format!(
                "`wait`: `{some}` is no duration: it must be like 2h or 30m"
            ))
        })?,
    };
    let answer = match gate.desk.outcome(&id, wait.min(LONGEST_WAIT)).await? {
        Awaited::Told(outcome) => Json(outcome).into_response(),
        Awaited::Open => {
            let open = json!({ "checkoutSessionId": id.as_str(), "state": "open" });
            (StatusCode::ACCEPTED, Json(open)).into_response()
        }
        Awaited::Unknown => unknown(),
        Awaited::TooMany => try_again("too many wait for an outcome"),
        Awaited::Ending => try_again("this replica is about to end"),
    };
    Ok(answer)
}

fn try_again(error: &str) -> Response {
    let mut response = (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "error": error }))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

async fn accounts<D: Desk>(State(gate): Asker<D>, uri: Uri) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    Ok(Json(gate.desk.accounts().await?).into_response())
}

async fn dead_letters<D: Desk>(State(gate): Asker<D>, uri: Uri) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    Ok(Json(gate.desk.dead_letters().await?).into_response())
}

impl Trouble {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Asked(_) => StatusCode::BAD_REQUEST,
            Self::Away(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn into_text(self) -> String {
        match self {
            Self::Asked(text) | Self::Away(text) => text,
        }
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let status = self.status();
        (status, Json(json!({ "error": self.into_text() }))).into_response()
    }
}
