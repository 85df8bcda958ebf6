//! The console: health, metrics, and the JSON of the commands over HTTP.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use checkout::SessionId;
use metrics_exporter_prometheus::PrometheusHandle;
use reconciler::ports::{Clock, SessionLog};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use session_log::Log;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::config::{Console, parse_duration};
use crate::daemon::Confirmd;
use crate::daemon::schedule::Tick;
use crate::query::{self, ListOf, NotAQuery, Plans};
use crate::view;

/// Nobody waits longer for an outcome than this in one request.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What the console shows.
pub(crate) struct Shown {
    pub(crate) log: Log,
    pub(crate) reconciler: Arc<Confirmd>,
    pub(crate) broker: watch::Receiver<bool>,
    pub(crate) metrics: PrometheusHandle,
    pub(crate) tick: Tick,
}

/// Binds where the console is to listen, so that a port that is taken is known before anything starts.
pub(crate) async fn listen(console: &Console) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(console.listen)
        .await
        .with_context(|| format!("console.listen: {} cannot be listened on", console.listen))?;
    tracing::info!("console listens on {}", listener.local_addr()?);
    Ok(listener)
}

/// Serves until it is to stop.
pub(crate) async fn serve_on(
    listener: TcpListener,
    read_token: Option<SecretString>,
    shown: Shown,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let shown = Arc::new(shown);
    let guarded = Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/api/sessions", get(sessions))
        .route("/api/sessions/{id}", get(session))
        .route("/api/sessions/{id}/outcome", get(outcome))
        .route("/api/accounts", get(accounts))
        .layer(middleware::from_fn_with_state(read_token, require_token))
        .with_state(shown.clone());
    let router = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .with_state(shown)
        .merge(guarded);
    let ended = stop.clone();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await });
    tokio::select! {
        served = serving => served.context("the console failed"),
        // A reader who holds a connection open does not keep the program from ending.
        () = async { ended.cancelled().await; crate::clock::real_sleep(Duration::from_secs(1)).await } => Ok(()),
    }
}

async fn require_token(State(token): State<Option<SecretString>>, request: Request, next: Next) -> Response {
    let Some(token) = token else {
        return next.run(request).await;
    };
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "));
    if given.is_some_and(|given| equal_in_constant_time(given, token.expose_secret())) {
        next.run(request).await
    } else {
        (
            StatusCode::UNAUTHORIZED,
            [(header::WWW_AUTHENTICATE, "Bearer")],
            "a read token is required\n",
        )
            .into_response()
    }
}

/// How long it takes tells nothing about where two tokens differ.
fn equal_in_constant_time(one: &str, other: &str) -> bool {
    one.len() == other.len()
        && one
            .bytes()
            .zip(other.bytes())
            .fold(0, |differs, (a, b)| differs | (a ^ b))
            == 0
}

async fn index() -> &'static str {
    "confirmd\n\n/livez  /readyz  /metrics\n/api/sessions  /api/sessions/{id}  /api/sessions/{id}/outcome?wait=10s  /api/accounts\n"
}

async fn metrics(State(shown): State<Arc<Shown>>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        shown.metrics.render(),
    )
}

async fn ready(State(shown): State<Arc<Shown>>) -> Response {
    let broker = if *shown.broker.borrow() {
        "connected"
    } else {
        "away: confirmations go on, outcomes wait"
    };
    match shown.log.ready().await {
        Ok(()) => {
            axum::Json(json!({ "ready": true, "database": "writable", "broker": broker })).into_response()
        }
        Err(error) => {
            let answer = json!({ "ready": false, "database": error.to_string(), "broker": broker });
            (StatusCode::SERVICE_UNAVAILABLE, axum::Json(answer)).into_response()
        }
    }
}

/// What a request asks for. A parameter that nobody knows is a typing mistake, and a list that passes it over is wrong.
fn asked<T: DeserializeOwned>(uri: &Uri) -> Result<T, Trouble> {
    let parameters = Query::<T>::try_from_uri(uri);
    parameters
        .map(|Query(asked)| asked)
        .map_err(|error| Trouble::Parameters(error.body_text()))
}

impl Shown {
    fn plans(&self) -> Plans {
        let window = self.reconciler.line.window();
        let conditions = self.reconciler.amazon.conditions().into_iter();
        conditions
            .filter_map(|state| Some((state.account.clone(), window.plan(&state.account)?.clone())))
            .collect()
    }
}

/// Nothing.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NoQuery {}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionsQuery {
    state: Option<String>,
    account: Option<String>,
    due_within: Option<String>,
    limit: Option<u32>,
}

async fn sessions(State(shown): State<Arc<Shown>>, uri: Uri) -> Result<Response, Trouble> {
    let asked: SessionsQuery = asked(&uri)?;
    let now = shown.reconciler.clock.now();
    let list = ListOf {
        state: asked.state,
        account: asked.account,
        due_within: asked.due_within,
        at_risk: false,
        limit: asked.limit.unwrap_or(100),
    };
    let listed = query::list(&shown.log, &shown.reconciler.policies, &Plans::new(), &list, now).await?;
    Ok(axum::Json(listed).into_response())
}

async fn session(
    State(shown): State<Arc<Shown>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    let id = SessionId::parse(&id).map_err(NotAQuery::from)?;
    let now = shown.reconciler.clock.now();
    match query::session(&shown.log, &shown.reconciler.policies, &id, now).await? {
        Some(session) => Ok(axum::Json(session).into_response()),
        None => Ok(unknown()),
    }
}

fn unknown() -> Response {
    (
        StatusCode::NOT_FOUND,
        axum::Json(json!({ "error": "this session was never heard of" })),
    )
        .into_response()
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutcomeQuery {
    wait: Option<String>,
}

/// For the shop's result page: the outcome as soon as it is known.
async fn outcome(
    State(shown): State<Arc<Shown>>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, Trouble> {
    let asked: OutcomeQuery = asked(&uri)?;
    let id = SessionId::parse(&id).map_err(NotAQuery::from)?;
    let wait = match asked.wait.as_deref() {
        None => Duration::ZERO,
        Some(text) => parse_duration(text)
            .ok_or_else(|| NotAQuery::duration(text))?
            .min(LONGEST_WAIT),
    };
    let mut tick = shown.tick.clone();
    let over = crate::clock::real_sleep(wait);
    tokio::pin!(over);
    loop {
        let history = shown.log.load(&id).await.map_err(NotAQuery::Log)?;
        if history.is_empty() {
            return Ok(unknown());
        }
        if let Some(result) = view::result_for_the_buyer(&id, &history) {
            return Ok(axum::Json(result).into_response());
        }
        tokio::select! {
            () = &mut over => {
                let open = json!({ "checkoutSessionId": id.as_str(), "state": "open" });
                return Ok((StatusCode::ACCEPTED, axum::Json(open)).into_response());
            }
            changed = tick.changed() => if changed.is_err() {
                return Ok(StatusCode::SERVICE_UNAVAILABLE.into_response());
            },
        }
    }
}

async fn accounts(State(shown): State<Arc<Shown>>, uri: Uri) -> Result<Response, Trouble> {
    let NoQuery {} = asked(&uri)?;
    let now = shown.reconciler.clock.now();
    let listed: Vec<Value> = query::accounts(
        &shown.log,
        &shown.reconciler.amazon,
        &shown.reconciler.policies,
        &shown.plans(),
        now,
    )
    .await?;
    Ok(axum::Json(listed).into_response())
}

/// What a request can meet, as HTTP has it.
enum Trouble {
    Parameters(String),
    Query(NotAQuery),
}

impl From<NotAQuery> for Trouble {
    fn from(error: NotAQuery) -> Self {
        Self::Query(error)
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, error) = match self {
            Self::Parameters(error) => (StatusCode::BAD_REQUEST, error),
            Self::Query(error @ NotAQuery::Log(_)) => (StatusCode::SERVICE_UNAVAILABLE, error.to_string()),
            Self::Query(
                error @ (NotAQuery::Duration(_)
                | NotAQuery::State(_)
                | NotAQuery::Account { .. }
                | NotAQuery::Name(_)
                | NotAQuery::Time(_)),
            ) => (StatusCode::BAD_REQUEST, error.to_string()),
        };
        (status, axum::Json(json!({ "error": error }))).into_response()
    }
}
