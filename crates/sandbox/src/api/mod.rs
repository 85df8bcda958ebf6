//! One call of the Amazon Pay API, from its bytes to its answer.
//!
//! ```text
//!   path ─► faults "before" ─► authentication ─► quota, key, call ─► faults "after" ─► answer
//!            nothing booked      no lock held      one short lock      already booked
//! ```

mod authenticate;
pub(crate) mod operation;
pub(crate) mod path;
pub(crate) mod quota;
pub(crate) mod read;
pub(crate) mod refusal;
pub(crate) mod signature;

use bytes::Bytes;
use http::HeaderMap;
use jiff::Timestamp;
use serde_json::Value;

use crate::api::operation::Operation;
use crate::api::path::{Resource, resource};
use crate::api::refusal::Refusal;
use crate::api::signature::{Authorization, hex_sha256};
use crate::control::faults::{Kind, Strike, Target, When};
use crate::shared::Shared;
use crate::wire::merchants::Merchant;
use crate::world::books::Call;
use crate::world::{Entry, KnownCall, Outcome};

/// A request as it came over the wire.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What becomes of the connection that a request came by.
pub(crate) enum Reply {
    Answer(Answer),
    /// The head of the answer and half of its body, then the end.
    Truncated(Answer),
    Reset,
    Hang,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) request_id: String,
    pub(crate) date: Timestamp,
    pub(crate) retry_after: Option<u32>,
}

/// What a call is answered, and where it stands on record.
pub(crate) struct Answered {
    pub(crate) reply: Reply,
    operation: Option<Operation>,
    entry: Option<Entry>,
}

impl Answered {
    /// The caller had gone when the answer was ready.
    pub(crate) fn nobody_listened(self, shared: &Shared) {
        if let (Reply::Answer(answer), Some(operation)) = (self.reply, self.operation) {
            shared.world().lost(operation, self.entry.as_ref(), answer.status);
        }
    }
}

/// Answers one call.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Answered {
    let arrived = shared.clock.now();
    let request_id = shared.world().request_ids.uuid();
    match find(shared, request) {
        Err(refusal) => {
            let reply = Reply::Answer(plain(Outcome::from(refusal), request_id, arrived));
            Answered {
                reply,
                operation: None,
                entry: None,
            }
        }
        Ok(resource) => {
            let operation = Some(resource.operation);
            let call = ApiCall::new(shared, request, resource, request_id, arrived);
            let (reply, entry) = call.run(ApiCall::authenticate).await;
            Answered {
                reply,
                operation,
                entry,
            }
        }
    }
}

/// Answers a call of which it is known by other means that this merchant makes it.
#[cfg(test)]
pub(crate) async fn answer_for_merchant(shared: &Shared, request: &Request, merchant: usize) -> Reply {
    let resource = find(shared, request).expect("tests know the paths");
    let mut call = ApiCall::new(
        shared,
        request,
        resource,
        "request".to_owned(),
        shared.clock.now(),
    );
    call.merchant = shared.merchant_at(merchant);
    let (reply, _) = call
        .run(|call, _| Ok(call.merchant.expect("there is such a merchant")))
        .await;
    reply
}

/// Answers a request of which not everything arrived that should, or more than could be meant.
pub(crate) fn unread(shared: &Shared, refusal: Refusal) -> Answer {
    let now = shared.clock.now();
    let request_id = shared.world().request_ids.uuid();
    plain(Outcome::from(refusal), request_id, now)
}

fn find<'a>(shared: &Shared, request: &'a Request) -> Result<Resource<'a>, Refusal> {
    let resource = resource(&request.method, &request.path)?;
    if resource.ends_with_slash && !shared.world().unknowns.trailing_slash_accepted {
        return Err(path::unknown());
    }
    Ok(resource)
}

/// A call whose path is known.
struct ApiCall<'a> {
    shared: &'a Shared,
    request: &'a Request,
    resource: Resource<'a>,
    /// By the key id that it claims; nothing is verified yet.
    merchant: Option<(usize, &'a Merchant)>,
    body_sha256: String,
    key: Option<&'a str>,
    request_id: String,
    arrived: Timestamp,
}

impl<'a> ApiCall<'a> {
    fn new(
        shared: &'a Shared,
        request: &'a Request,
        resource: Resource<'a>,
        request_id: String,
        arrived: Timestamp,
    ) -> Self {
        let claimed = Authorization::from_headers(&request.headers).ok();
        Self {
            shared,
            request,
            resource,
            merchant: claimed.and_then(|claimed| shared.merchant_of_key(claimed.public_key_id)),
            body_sha256: hex_sha256(&request.body),
            key: text(&request.headers, "x-amz-pay-idempotency-key"),
            request_id,
            arrived,
        }
    }

    /// `authenticate` says whose call it is, once it is looked at.
    async fn run(
        self,
        authenticate: impl Fn(&Self, Timestamp) -> Result<(usize, &'a Merchant), Refusal> + Send + Sync,
    ) -> (Reply, Option<Entry>) {
        let (entry, before) = self.enter();
        if let Some(strike) = &before {
            if let Some(delay) = strike.delay {
                self.shared.clock.sleep(delay).await;
            }
            if let Some(kind) = strike.struck.kind {
                return (self.struck_before(entry.as_ref(), strike, kind), entry);
            }
        }
        let now = self.shared.clock.now();
        let (outcome, after, entry) = self.book(entry, &authenticate(&self, now), now);
        if let Some(delay) = after.as_ref().and_then(|strike| strike.delay) {
            self.shared.clock.sleep(delay).await;
        }
        let struck = after
            .as_ref()
            .and_then(|strike| Some((strike, strike.struck.kind?)));
        let reply = match struck {
            Some((strike, kind)) => self.garbled(kind, strike, outcome),
            None => Reply::Answer(plain(outcome, self.request_id, self.shared.clock.now())),
        };
        (reply, entry)
    }

    /// On record from here; says what strikes before anything is looked at.
    fn enter(&self) -> (Option<Entry>, Option<Strike>) {
        let mut world = self.shared.world();
        let session = world
            .session_of(self.operation(), self.resource.id, &self.request.body)
            .map(str::to_owned);
        let before = world
            .faults
            .strike(When::Before, &self.target(session.as_deref()));
        let mut record = self.record();
        record.fault = before.as_ref().map(|strike| strike.struck);
        (world.arrived(session.as_deref(), record), before)
    }

    fn struck_before(self, entry: Option<&Entry>, strike: &Strike, kind: Kind) -> Reply {
        let outcome = fault_outcome(kind, strike);
        let status = (!kind.loses_the_answer()).then_some(outcome.status);
        let now = self.shared.clock.now();
        let mut world = self.shared.world();
        if let Some((index, merchant)) = self.merchant.filter(|_| kind == Kind::Status) {
            let call = self.known(index, merchant, now);
            // What the key was answered first stays its answer.
            if !world.is_answered(&call) {
                world.save_fault(&call, &outcome);
            }
        }
        world.finished(self.operation(), entry, status, |_| {});
        drop(world);
        self.garbled(kind, strike, outcome)
    }

    /// Does what is asked, and says what strikes the answer.
    fn book(
        &self,
        entry: Option<Entry>,
        authenticated: &Result<(usize, &Merchant), Refusal>,
        now: Timestamp,
    ) -> (Outcome, Option<Strike>, Option<Entry>) {
        let mut world = self.shared.world();
        let call = match authenticated {
            Ok((index, merchant)) => Ok(self.known(*index, merchant, now)),
            Err(refusal) => Err(refusal.clone()),
        };
        // What the key was answered first stays its answer.
        let answered_before = call.as_ref().is_ok_and(|call| world.is_answered(call));
        let outcome = match &call {
            Ok(call) => world.handle(call),
            Err(refusal) => Outcome::from(refusal.clone()),
        };
        // A session that this call made, or made before under the same key, is not named by its path.
        let made = outcome.body["checkoutSessionId"]
            .as_str()
            .filter(|_| self.operation() == Operation::Create);
        let session = made
            .or_else(|| world.session_of(self.operation(), self.resource.id, &self.request.body))
            .map(str::to_owned);
        let entry = entry.or_else(|| world.arrived(session.as_deref(), self.record()));
        let after = world.faults.strike(When::After, &self.target(session.as_deref()));
        let kind = after.as_ref().and_then(|strike| strike.struck.kind);
        let status = match (kind, &after) {
            (Some(kind), _) if kind.loses_the_answer() => None,
            (Some(kind), Some(strike)) => {
                let instead = fault_outcome(kind, strike);
                if let (Kind::Status, Ok(call), false) = (kind, &call, answered_before) {
                    world.save_fault(call, &instead);
                }
                Some(instead.status)
            }
            _ => Some(outcome.status),
        };
        world.finished(self.operation(), entry.as_ref(), status, |call| {
            call.effect = outcome.effect;
            call.replayed = outcome.replayed;
            call.reason_code.clone_from(&outcome.reason);
            call.fault = after.as_ref().map(|strike| strike.struck).or(call.fault);
        });
        drop(world);
        (outcome, after, entry)
    }

    fn garbled(self, kind: Kind, strike: &Strike, outcome: Outcome) -> Reply {
        let now = self.shared.clock.now();
        match kind {
            Kind::Reset => Reply::Reset,
            Kind::Hang => Reply::Hang,
            Kind::Truncate => Reply::Truncated(plain(outcome, self.request_id, now)),
            Kind::Html => Reply::Answer(page(strike, self.request_id, now)),
            Kind::Status => Reply::Answer(plain(fault_outcome(kind, strike), self.request_id, now)),
        }
    }

    fn operation(&self) -> Operation {
        self.resource.operation
    }

    fn target<'b>(&'b self, session: Option<&'b str>) -> Target<'b> {
        let account = self.merchant.map(|(_, merchant)| merchant.account.as_str());
        Target {
            operation: self.operation(),
            session,
            account,
        }
    }

    fn record(&self) -> Call {
        Call {
            at: self.arrived,
            operation: self.operation().word(),
            idempotency_key: self.key.map(str::to_owned),
            body_sha256: self.body_sha256.clone(),
            status: None,
            reason_code: None,
            fault: None,
            effect: None,
            replayed: false,
            request_id: self.request_id.clone(),
        }
    }

    fn known<'b>(&'b self, index: usize, merchant: &Merchant, now: Timestamp) -> KnownCall<'b> {
        KnownCall {
            merchant: index,
            environment: merchant.environment,
            operation: self.operation(),
            object: self.resource.id,
            body: &self.request.body,
            body_sha256: &self.body_sha256,
            key: self.key,
            simulation: text(&self.request.headers, "x-amz-pay-simulation-code"),
            arrived: self.arrived,
            now,
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn plain(outcome: Outcome, request_id: String, date: Timestamp) -> Answer {
    let (content_type, body) = match outcome.body {
        // A fault may ask for a body that is no JSON.
        Value::String(text) => ("text/plain", text.into_bytes()),
        body => ("application/json", body.to_string().into_bytes()),
    };
    Answer {
        status: outcome.status,
        content_type,
        body: body.into(),
        request_id,
        date,
        retry_after: outcome.retry_after,
    }
}

/// What a fault answers instead; of the kinds that answer nothing, what they cut short.
fn fault_outcome(kind: Kind, strike: &Strike) -> Outcome {
    let status = strike
        .status
        .unwrap_or(if kind == Kind::Html { 503 } else { 500 });
    let reason = match status {
        408 => "RequestTimeout",
        429 => "TooManyRequests",
        503 => "ServiceUnavailable",
        _ => "InternalServerError",
    };
    let usual = Outcome::from(Refusal::new(
        status,
        reason,
        "a fault that was posted to the sandbox",
    ));
    match &strike.body {
        Some(body) => Outcome {
            body: body.clone(),
            ..usual
        },
        None => usual,
    }
}

/// A gateway's page, as it comes when something in front of Amazon answers.
fn page(strike: &Strike, request_id: String, date: Timestamp) -> Answer {
    let outcome = fault_outcome(Kind::Html, strike);
    let html = match outcome.body {
        Value::String(html) => html,
        _ => format!(
            "<html><body><h1>{}</h1><p>The service is not available.</p></body></html>\n",
            outcome.status
        ),
    };
    Answer {
        status: outcome.status,
        content_type: "text/html",
        body: html.into(),
        request_id,
        date,
        retry_after: None,
    }
}
