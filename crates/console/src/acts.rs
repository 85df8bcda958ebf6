//! What operators do: each act is confirmed, is done once, and says who did it and why.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Extension, Form, FromRequest as _, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use checkout::{AccountName, SessionId};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;

use crate::access::{Gate, Role, ask_for_a_token};
use crate::desk::{Act, ActRefused, Desk, On, Trouble};
use crate::pages::{message, page};

/// Of a form or a JSON object.
const LONGEST_BODY: usize = 16 * 1_024;
const BODY_WITHIN: Duration = Duration::from_secs(10);
/// Characters of a reason, and of a name.
const LONGEST_REASON: usize = 500;

type Asker<D> = State<Arc<Gate<D>>>;

pub(crate) fn routes<D: Desk>() -> Router<Arc<Gate<D>>> {
    Router::new()
        .route(
            "/sessions/{id}/{act}",
            get(confirm::<D, Sessions>).post(by_person::<D, Sessions>),
        )
        .route(
            "/accounts/{name}/{act}",
            get(confirm::<D, Accounts>).post(by_person::<D, Accounts>),
        )
        .route("/api/sessions/{id}/{act}", post(by_program::<D, Sessions>))
        .route("/api/accounts/{name}/{act}", post(by_program::<D, Accounts>))
}

/// What comes with an act.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    reason: String,
    by: Option<String>,
}

/// Why nothing was done.
pub(crate) enum NotDone {
    /// No operator is known here.
    NoOperators,
    /// Whoever asks is none.
    NotAnOperator,
    /// There is no such act.
    NoAct,
    /// It cannot be asked like this.
    Asked(String),
    /// The body is too long, or does not come.
    Body(StatusCode, &'static str),
    /// The desk has not done it.
    Act(ActRefused),
}

impl From<Trouble> for NotDone {
    fn from(trouble: Trouble) -> Self {
        Self::Asked(trouble.into_text())
    }
}

/// To what acts are done.
trait Target: 'static {
    /// The field that names it.
    const KEY: &'static str;
    /// What is asked for, if there is such an act and such a name.
    fn asked(name: &str, act: &str) -> Result<(Act, On), NotDone>;
    /// Where it is shown.
    fn page(name: &str) -> String;
    /// The same after an act.
    fn once_done(name: &str, act: &str) -> String {
        format!("{}?done={act}", Self::page(name))
    }
}

struct Sessions;

impl Target for Sessions {
    const KEY: &'static str = "checkoutSessionId";

    fn asked(name: &str, act: &str) -> Result<(Act, On), NotDone> {
        let act = Act::on_sessions(act).ok_or(NotDone::NoAct)?;
        let id = SessionId::parse(name).map_err(|error| NotDone::Asked(error.to_string()))?;
        Ok((act, On::Session(id)))
    }

    fn page(name: &str) -> String {
        format!("/sessions/{name}")
    }
}

struct Accounts;

impl Target for Accounts {
    const KEY: &'static str = "account";

    fn asked(name: &str, act: &str) -> Result<(Act, On), NotDone> {
        let act = Act::on_accounts(act).ok_or(NotDone::NoAct)?;
        let name = AccountName::parse(name).map_err(|error| NotDone::Asked(error.to_string()))?;
        Ok((act, On::Account(name)))
    }

    fn page(name: &str) -> String {
        format!("/accounts/{name}")
    }
}

/// The operator's name, where the browser or program has said it already.
pub(crate) fn operator<D>(gate: &Gate<D>, role: Role) -> Result<Option<String>, NotDone> {
    match role {
        Role::Operator(name) => Ok(name),
        Role::Reader if gate.access.operator_token.is_none() => Err(NotDone::NoOperators),
        Role::Reader => Err(NotDone::NotAnOperator),
    }
}

/// The body of an act, if it comes in time.
async fn said<D: Desk>(gate: &Gate<D>, request: Request) -> Result<Said, NotDone> {
    let (parts, body) = request.into_parts();
    let body = tokio::select! {
        body = to_bytes(body, LONGEST_BODY) => body
            .map_err(|_| NotDone::Body(StatusCode::PAYLOAD_TOO_LARGE, "the body cannot be read, or is longer than 16 KiB"))?,
        () = gate.desk.sleep(BODY_WITHIN) =>
            return Err(NotDone::Body(StatusCode::REQUEST_TIMEOUT, "the body did not come within 10 s")),
    };
    let is_json = parts
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if is_json {
        return serde_json::from_slice(&body).map_err(|error| NotDone::Asked(format!("the body: {error}")));
    }
    let request = Request::from_parts(parts, Body::from(body));
    match Form::<Said>::from_request(request, &()).await {
        Ok(Form(said)) => Ok(said),
        Err(error) => Err(NotDone::Asked(format!("the body: {}", error.body_text()))),
    }
}

/// One line of text that somebody has written.
fn line(field: &str, text: &str) -> Result<String, NotDone> {
    let text = text.trim();
    if text.is_empty() {
        return Err(NotDone::Asked(format!("`{field}` must not be empty")));
    }
    if LONGEST_REASON < text.chars().count() || text.chars().any(char::is_control) {
        return Err(NotDone::Asked(format!(
            "`{field}` must be one line of at most {LONGEST_REASON} characters"
        )));
    }
    Ok(text.to_owned())
}

async fn done<D: Desk>(
    gate: &Gate<D>,
    role: Role,
    asked: Result<(Act, On), NotDone>,
    request: Request,
) -> Result<(), NotDone> {
    let (act, on) = asked?;
    let name = operator(gate, role)?;
    let said = said(gate, request).await?;
    let reason = line("reason", &said.reason)?;
    // Who has said who they are with their token is believed that, and no other name.
    let by = match (name, said.by) {
        (Some(name), _) => line("by", &name)?,
        (None, by) => line("by", &by.unwrap_or_default())?,
    };
    gate.desk
        .act(act, &on, &by, &reason)
        .await
        .map_err(NotDone::Act)?;
    tracing::info!(
        act = act.name(),
        on = on.as_str(),
        by,
        "an operator acts by the console"
    );
    Ok(())
}

async fn by_program<D: Desk, T: Target>(
    State(gate): Asker<D>,
    Extension(role): Extension<Role>,
    Path((name, act)): Path<(String, String)>,
    request: Request,
) -> Response {
    match done(&gate, role, T::asked(&name, &act), request).await {
        Ok(()) => Json(json!({ T::KEY: name, "done": true })).into_response(),
        Err(not_done) => not_done.for_programs(),
    }
}

async fn by_person<D: Desk, T: Target>(
    State(gate): Asker<D>,
    Extension(role): Extension<Role>,
    Path((name, act)): Path<(String, String)>,
    request: Request,
) -> Response {
    match done(&gate, role, T::asked(&name, &act), request).await {
        Ok(()) => Redirect::to(&T::once_done(&name, &act)).into_response(),
        Err(not_done) => not_done.for_people(&T::page(&name)),
    }
}

async fn confirm<D: Desk, T: Target>(
    State(gate): Asker<D>,
    Extension(role): Extension<Role>,
    Path((name, act)): Path<(String, String)>,
) -> Response {
    let back = T::page(&name);
    let asked = T::asked(&name, &act).and_then(|(act, on)| Ok((act, on, operator(&gate, role)?)));
    match asked {
        Ok((act, on, name)) => confirmation(act, &on, name.as_deref(), &back).into_response(),
        Err(not_done) => not_done.for_people(&back),
    }
}

/// What it means, and a form that does it.
fn confirmation(act: Act, on: &On, name: Option<&str>, back: &str) -> Markup {
    let title = format!("{} {}", capital(act.name()), on.as_str());
    page(
        &title,
        None,
        &html! {
            h1 { (title) }
            p { (act.means()) }
            form method="post" {
                @match name {
                    Some(name) => p { "It will be recorded as done by " strong { (name) } "." },
                    None => p {
                        label for="by" { "Who are you?" }
                        input id="by" name="by" required maxlength=(LONGEST_REASON) autocomplete="username";
                    },
                }
                p {
                    label for="reason" { "Why? It is kept with the record." }
                    input id="reason" name="reason" required maxlength=(LONGEST_REASON) autocomplete="off" autofocus;
                }
                p .acts {
                    button type="submit" .danger[act.is_hard_to_undo()] { (capital(act.name())) }
                    a href=(back) { "Leave it as it is" }
                }
            }
        },
    )
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

impl On {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Session(id) => id.as_str(),
            Self::Account(name) => name.as_str(),
        }
    }
}

impl Act {
    fn means(self) -> &'static str {
        match self {
            Self::Retry => {
                "Its next step is done now instead of later. Nothing is confirmed that could not be confirmed anyway."
            }
            Self::Release => {
                "Ends “needs repair” after a repair elsewhere, or “forsworn” while there is time; acknowledges a conflict or a \
                 contradiction."
            }
            Self::Forswear => {
                "Records that we will not confirm it. Amazon Pay cancels it at its deadline, and the sale is lost. Only a release \
                 takes it back, while there is time."
            }
            Self::Pause => {
                "No call to Amazon Pay is made for this account until it is resumed. Deadlines go on."
            }
            Self::Resume => "Calls to Amazon Pay are made for this account again.",
        }
    }

    fn is_hard_to_undo(self) -> bool {
        matches!(self, Self::Forswear | Self::Pause)
    }
}

impl NotDone {
    fn told(self) -> (StatusCode, String) {
        let (status, text) = match self {
            Self::NoOperators => (
                StatusCode::FORBIDDEN,
                "this needs console.operator_token_file; the commands work without it",
            ),
            Self::NotAnOperator => (StatusCode::UNAUTHORIZED, "this needs the operator token"),
            Self::NoAct => (
                StatusCode::NOT_FOUND,
                "there is no such act: retry, release or forswear a session, pause or resume an account",
            ),
            Self::Asked(text) => return (StatusCode::BAD_REQUEST, text),
            Self::Body(status, text) => (status, text),
            Self::Act(ActRefused::Refused(because)) => return (StatusCode::CONFLICT, because),
            Self::Act(ActRefused::Unknown) => (StatusCode::NOT_FOUND, "it was never heard of"),
            Self::Act(ActRefused::Away(text)) => return (StatusCode::SERVICE_UNAVAILABLE, text),
        };
        (status, text.to_owned())
    }

    pub(crate) fn for_programs(self) -> Response {
        let (status, text) = self.told();
        let answer = if status == StatusCode::CONFLICT {
            json!({ "done": false, "because": text })
        } else {
            json!({ "error": text })
        };
        with_challenge((status, Json(answer)).into_response())
    }

    pub(crate) fn for_people(self, back: &str) -> Response {
        let (status, text) = self.told();
        let title = if status == StatusCode::CONFLICT {
            "Refused"
        } else {
            "Not done"
        };
        with_challenge((status, message(title, &text, back)).into_response())
    }
}

fn with_challenge(mut response: Response) -> Response {
    if response.status() == StatusCode::UNAUTHORIZED {
        ask_for_a_token(&mut response);
    }
    response
}
