//! Who may see and who may act, and what a browser may be made to do.
//!
//! | from where | reads | acts |
//! | --- | --- | --- |
//! | loopback, no read token | whoever asks for a name of this machine | with the operator token |
//! | elsewhere | with the read token, or the operator token | with the operator token |
//!
//! A token comes as `Authorization: Bearer …`, or as the password of `Basic`, whose user name is then who acts.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use checkout::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use crate::desk::Desk;

/// Wrong tokens from one address that are answered as such and logged,
const WRONG_AT_ONCE: u32 = 10;
/// and how long it takes until it is one more.
const ONE_MORE_AFTER: Duration = Duration::from_secs(6);
/// Addresses that are remembered; beyond them the oldest is forgotten.
const ADDRESSES: usize = 1_024;

/// The tokens, where there are any.
#[derive(Debug, Clone, Default)]
pub struct Access {
    /// For reading; without it only this machine's own names are answered to.
    pub read_token: Option<SecretString>,
    /// For acts; without it there are none.
    pub operator_token: Option<SecretString>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// Whoever may read.
    Reader,
    /// Whoever may act; the name where one was given.
    Operator(Option<String>),
}

/// Tokens, and who has sent wrong ones.
pub(crate) struct Gate<D> {
    pub(crate) desk: Arc<D>,
    pub(crate) access: Access,
    wrong: Mutex<HashMap<IpAddr, Wrong>>,
}

/// Wrong tokens of an address.
#[derive(Clone, Copy)]
struct Wrong {
    left: u32,
    since: Timestamp,
}

/// Why somebody is not let in.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    NoToken,
    WrongToken,
    TooManyWrong,
    ForeignName,
}

impl<D: Desk> Gate<D> {
    pub(crate) fn new(desk: Arc<D>, access: Access) -> Self {
        Self {
            desk,
            access,
            wrong: Mutex::new(HashMap::new()),
        }
    }

    fn role_of(&self, headers: &HeaderMap, from: IpAddr) -> Result<Role, Refused> {
        let Some((name, token)) = given(headers) else {
            return match &self.access.read_token {
                Some(_) => Err(Refused::NoToken),
                // A page of anywhere may have its own name resolved to this machine.
                None if asks_for_this_machine(headers) => Ok(Role::Reader),
                None => Err(Refused::ForeignName),
            };
        };
        let is = |known: &Option<SecretString>| {
            known
                .as_ref()
                .is_some_and(|known| equal_in_constant_time(&token, known.expose_secret()))
        };
        let (reads, operates) = (is(&self.access.read_token), is(&self.access.operator_token));
        if operates {
            Ok(Role::Operator(name))
        } else if reads {
            Ok(Role::Reader)
        } else if self.is_one_too_many(from) {
            Err(Refused::TooManyWrong)
        } else {
            Err(Refused::WrongToken)
        }
    }

    /// Counts a wrong token. Whoever has the right one is let in all the same: behind a proxy all come from one address, and
    /// somebody who guesses there must not lock everybody out.
    fn is_one_too_many(&self, from: IpAddr) -> bool {
        let now = self.desk.now();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= ADDRESSES
            && !wrong.contains_key(&from)
            && let Some(oldest) = wrong
                .iter()
                .min_by_key(|(_, known)| known.since)
                .map(|(ip, _)| *ip)
        {
            wrong.remove(&oldest);
        }
        let known = wrong.entry(from).or_insert(Wrong {
            left: WRONG_AT_ONCE,
            since: now,
        });
        let regained = now.since(known.since).as_secs() / ONE_MORE_AFTER.as_secs();
        if regained > 0 {
            let regained = u32::try_from(regained).unwrap_or(WRONG_AT_ONCE);
            known.left = known.left.saturating_add(regained).min(WRONG_AT_ONCE);
            known.since = now;
        }
        match known.left {
            0 => return true,
            1 => tracing::warn!(%from, "too many wrong tokens come to the console from there"),
            WRONG_AT_ONCE => {
                tracing::warn!(%from, "a wrong token came to the console; the next few from there are not logged");
            }
            _ => {}
        }
        known.left -= 1;
        false
    }
}

/// Lets in whoever may read, and tells what follows who it is.
pub(crate) async fn let_in<D: Desk>(
    State(gate): State<Arc<Gate<D>>>,
    mut request: Request,
    next: Next,
) -> Response {
    let from = request.extensions().get::<SocketAddr>();
    let from = from.map_or(IpAddr::from([0, 0, 0, 0]), SocketAddr::ip);
    match gate.role_of(request.headers(), from) {
        Ok(role) => {
            request.extensions_mut().insert(role);
            next.run(request).await
        }
        Err(refused) => refused.into_response(),
    }
}

/// A page of anywhere may make a browser send what its user is let in for. Nothing that changes anything is taken from one
/// unless our own page has sent it.
pub(crate) async fn from_our_pages(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD) || is_from_our_pages(request.headers()) {
        return next.run(request).await;
    }
    (
        StatusCode::FORBIDDEN,
        "this came from another site's page: open the console itself and act there\n",
    )
        .into_response()
}

fn is_from_our_pages(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("-"));
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => matches!(site, "same-origin" | "none"),
        // A browser of before 2023, if it is one.
        (None, Some(origin)) => {
            let host = text("host").unwrap_or_default();
            origin
                .split_once("://")
                .is_some_and(|(_, authority)| authority == host)
        }
        (None, None) => true,
    }
}

/// What every answer says about itself.
pub(crate) async fn with_security_headers(request: Request, next: Next) -> Response {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
                          form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // With less, a browser would not say of our own forms where they come from.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

impl Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, "a read token is required\n"),
            Self::WrongToken => (StatusCode::UNAUTHORIZED, "this token is not known here\n"),
            Self::TooManyWrong => (
                StatusCode::TOO_MANY_REQUESTS,
                "too many wrong tokens came from there\n",
            ),
            Self::ForeignName => (
                StatusCode::MISDIRECTED_REQUEST,
                "without console.read_token_file the console answers to names of this machine only, such as localhost\n",
            ),
        };
        let mut response = (status, text).into_response();
        if status == StatusCode::UNAUTHORIZED {
            ask_for_a_token(&mut response);
        } else if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds = HeaderValue::from(ONE_MORE_AFTER.as_secs());
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// A browser asks its user for a password, whose user name is who acts; a program sends the token as it is.
pub(crate) fn ask_for_a_token(response: &mut Response) {
    let headers = response.headers_mut();
    for challenge in [r#"Basic realm="confirmd", charset="UTF-8""#, "Bearer"] {
        headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
}

/// The token that came, and the name beside it.
fn given(headers: &HeaderMap) -> Option<(Option<String>, String)> {
    let value = headers.get(header::AUTHORIZATION)?;
    // What cannot be read is no token, and not nobody.
    let Some((scheme, credentials)) = value.to_str().ok().and_then(|value| value.split_once(' ')) else {
        return Some((None, String::new()));
    };
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some((None, credentials.to_owned()));
    }
    let decoded = STANDARD.decode(credentials).ok();
    let text = decoded
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .unwrap_or_default();
    let (name, token) = text.split_once(':').unwrap_or_default();
    Some(((!name.is_empty()).then(|| name.to_owned()), token.to_owned()))
}

fn asks_for_this_machine(headers: &HeaderMap) -> bool {
    let authority = headers
        .get(header::HOST)
        .and_then(|host| Authority::try_from(host.as_bytes()).ok());
    let Some(authority) = authority else {
        return false;
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
