//! All that the sandbox knows, behind one lock that is held for a few microseconds at a time.

pub(crate) mod books;

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;

use crate::api::quota::Quotas;
use crate::api::refusal::Refusal;
use crate::control::faults::{Faults, Operation};
use crate::control::new_session::Route;
use crate::objects::session::{Session, Standing};
use crate::operations::checkout;
use crate::operations::confirm::{Confirmation, confirm, read_object};
use crate::options::{Environment, Profile};
use crate::unknowns::Unknowns;
use crate::wire::merchants::Merchant;
use crate::world::books::{Books, Call, ChargeBook, Effect, SessionBook, Totals};

pub(crate) struct World {
    pub(crate) sessions: HashMap<String, Session>,
    /// Session ids as they were made.
    order: Vec<String>,
    by_permission: HashMap<String, String>,
    by_charge: HashMap<String, String>,
    /// First answers, by merchant and idempotency key: kept for ever, as Amazon keeps them.
    saved: HashMap<(usize, String), Saved>,
    quotas: Quotas,
    pub(crate) faults: Faults,
    pub(crate) unknowns: Unknowns,
    pub(crate) ids: Ids,
    /// A stream of their own, so that what is asked does not change the ids of sessions to come.
    pub(crate) request_ids: Ids,
    answers: BTreeMap<&'static str, BTreeMap<String, u64>>,
}

/// The values that came with an idempotency key, and what they were answered.
struct Saved {
    operation: Operation,
    object: Option<String>,
    body_sha256: String,
    outcome: Outcome,
}

/// A call whose caller has been made out.
pub(crate) struct KnownCall<'a> {
    pub(crate) merchant: usize,
    pub(crate) environment: Environment,
    pub(crate) operation: Operation,
    /// The id in the path.
    pub(crate) object: Option<&'a str>,
    pub(crate) body: &'a [u8],
    pub(crate) body_sha256: &'a str,
    pub(crate) key: Option<&'a str>,
    pub(crate) simulation: Option<&'a str>,
    pub(crate) arrived: Timestamp,
    pub(crate) now: Timestamp,
}

/// What a call is answered, and what it changed.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) body: Value,
    /// Amazon's code, where it is a refusal.
    pub(crate) reason: Option<String>,
    pub(crate) effect: Option<Effect>,
    pub(crate) replayed: bool,
    pub(crate) retry_after: Option<u32>,
}

impl Outcome {
    pub(crate) fn done(status: u16, body: Value) -> Self {
        Self {
            status,
            body,
            reason: None,
            effect: None,
            replayed: false,
            retry_after: None,
        }
    }

    pub(crate) fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }
}

impl World {
    pub(crate) fn new(profile: Profile, seed: u64) -> Self {
        // Several streams, so that posting a fault does not change the ids that follow.
        let mut seeds = StdRng::seed_from_u64(seed);
        let faults = Faults::new(StdRng::from_rng(&mut seeds));
        Self {
            sessions: HashMap::new(),
            order: Vec::new(),
            by_permission: HashMap::new(),
            by_charge: HashMap::new(),
            saved: HashMap::new(),
            quotas: Quotas::new(profile),
            faults,
            unknowns: Unknowns::default(),
            ids: Ids(StdRng::from_rng(&mut seeds)),
            request_ids: Ids(StdRng::from_rng(&mut seeds)),
            answers: BTreeMap::new(),
        }
    }

    /// Takes a new session in; false when its id is taken.
    pub(crate) fn add(&mut self, session: Session) -> bool {
        if self.sessions.contains_key(&session.id) {
            return false;
        }
        self.order.push(session.id.clone());
        self.sessions.insert(session.id.clone(), session);
        true
    }

    /// The session that a path speaks of, directly or by its charge or permission.
    pub(crate) fn session_of(&self, operation: Operation, object: Option<&str>) -> Option<&str> {
        let object = object?;
        let id = match operation {
            Operation::Charge => self.by_charge.get(object)?,
            Operation::Permission => self.by_permission.get(object)?,
            Operation::Create
            | Operation::Get
            | Operation::Update
            | Operation::Finalize
            | Operation::Complete => object,
        };
        self.sessions.get(id).map(|session| session.id.as_str())
    }

    /// Does what an authentic call asks for. Quota first, then its idempotency key, then the call itself.
    pub(crate) fn handle(&mut self, call: &KnownCall<'_>) -> Outcome {
        let shared = self.unknowns.finalize_shares_complete_quota && call.operation == Operation::Finalize;
        let counted = if shared {
            Operation::Complete
        } else {
            call.operation
        };
        if !self.quotas.take(call.merchant, counted, call.now) {
            let mut outcome = Outcome::from(Refusal::new(429, "TooManyRequests", "the quota is used up"));
            outcome.retry_after = self.unknowns.retry_after;
            return outcome;
        }
        // Keys mean nothing to the other methods.
        let key = call.key.filter(|_| is_post(call.operation));
        let Some(key) = key else {
            if call.operation == Operation::Create {
                return Refusal::new(400, "MissingHeader", "x-amz-pay-idempotency-key is required").into();
            }
            return self.perform(call);
        };
        if self.unknowns.enforce_key_format && !is_well_formed(key) {
            let why = "x-amz-pay-idempotency-key: at most 32 of A-Z a-z 0-9 - _";
            return Refusal::new(400, "InvalidHeaderValue", why).into();
        }
        if let Some(outcome) = self.saved_answer(call, key) {
            return outcome;
        }
        let outcome = self.perform(call);
        if outcome.status < 400 || self.unknowns.replay_errors {
            self.save(call, key, outcome.clone());
        }
        outcome
    }

    fn saved_answer(&self, call: &KnownCall<'_>, key: &str) -> Option<Outcome> {
        let saved = self.saved.get(&(call.merchant, key.to_owned()))?;
        let same = saved.operation == call.operation
            && saved.object.as_deref() == call.object
            && saved.body_sha256 == call.body_sha256;
        if !same {
            let why = "this idempotency key came with other values before";
            return Some(Refusal::new(400, "DuplicateIdempotencyKey", why).into());
        }
        if call.operation != Operation::Create && !self.unknowns.replay_confirmations {
            return None;
        }
        Some(Outcome {
            effect: None,
            replayed: true,
            ..saved.outcome.clone()
        })
    }

    fn save(&mut self, call: &KnownCall<'_>, key: &str, outcome: Outcome) {
        let saved = Saved {
            operation: call.operation,
            object: call.object.map(str::to_owned),
            body_sha256: call.body_sha256.to_owned(),
            outcome,
        };
        self.saved.insert((call.merchant, key.to_owned()), saved);
    }

    /// Whether the call's idempotency key has its first answer already.
    pub(crate) fn is_answered(&self, call: &KnownCall<'_>) -> bool {
        call.key
            .is_some_and(|key| self.saved.contains_key(&(call.merchant, key.to_owned())))
    }

    /// A posted fault's answer stands in for the first answer of the key, where errors are replayed at all.
    pub(crate) fn save_fault(&mut self, call: &KnownCall<'_>, outcome: &Outcome) {
        let replays = self.unknowns.replay_errors && outcome.status != 429 && is_post(call.operation);
        if let Some(key) = call.key.filter(|_| replays) {
            self.save(call, key, outcome.clone());
        }
    }

    fn perform(&mut self, call: &KnownCall<'_>) -> Outcome {
        let result = match call.operation {
            Operation::Create => self.create(call),
            Operation::Get => self.get(call),
            Operation::Update => self.update(call),
            Operation::Finalize => self.confirm(call, Route::Finalize),
            Operation::Complete => self.confirm(call, Route::Complete),
            Operation::Charge => self.charge(call),
            Operation::Permission => self.permission(call),
        };
        result.unwrap_or_else(Outcome::from)
    }

    fn create(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let body = checkout::create(&read_object(call.body)?, call.environment)?;
        let id = self.ids.uuid();
        let session = Session::for_buyer(id, call.merchant, body, call.now);
        let shown = session.shown(call.now, &self.unknowns);
        self.add(session);
        Ok(Outcome::done(201, shown).with_effect(Effect::Created))
    }

    fn get(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let session = find(&mut self.sessions, call, call.object)?;
        Ok(Outcome::done(200, session.shown(call.now, &self.unknowns)))
    }

    fn update(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let request = read_object(call.body)?;
        let session = find(&mut self.sessions, call, call.object)?;
        if session.standing(call.now, &self.unknowns) != Standing::Open {
            return Err(Refusal::wrong_state("the session is not Open"));
        }
        session.open_body = checkout::update(&session.open_body, &request)?;
        session.updated = call.now;
        Ok(Outcome::done(200, session.shown(call.now, &self.unknowns)).with_effect(Effect::Updated))
    }

    fn confirm(&mut self, call: &KnownCall<'_>, route: Route) -> Result<Outcome, Refusal> {
        let body = read_object(call.body)?;
        let session = find(&mut self.sessions, call, call.object)?;
        let confirmation = Confirmation {
            route,
            body: &body,
            simulation: call.simulation,
            environment: call.environment,
            judged_at: if self.unknowns.arrival_counts {
                call.arrived
            } else {
                call.now
            },
            now: call.now,
        };
        let outcome = confirm(&confirmation, session, &self.unknowns, &mut self.ids);
        if let Some(permission) = &session.permission {
            self.by_permission
                .insert(permission.id.clone(), session.id.clone());
        }
        if let Some(charge) = &session.charge {
            self.by_charge.insert(charge.id.clone(), session.id.clone());
        }
        Ok(outcome)
    }

    fn charge(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let missing = || Refusal::not_found("the charge");
        let id = call
            .object
            .and_then(|id| self.by_charge.get(id))
            .ok_or_else(missing)?;
        let session = self
            .sessions
            .get(id)
            .filter(|session| session.merchant == call.merchant);
        let (charge, permission) = session
            .and_then(|session| session.charge.as_ref().zip(session.permission.as_ref()))
            .ok_or_else(missing)?;
        Ok(Outcome::done(
            200,
            charge.shown(permission, call.now, call.environment),
        ))
    }

    fn permission(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let missing = || Refusal::not_found("the charge permission");
        let id = call
            .object
            .and_then(|id| self.by_permission.get(id))
            .ok_or_else(missing)?;
        let session = self
            .sessions
            .get(id)
            .filter(|session| session.merchant == call.merchant);
        let session = session.ok_or_else(missing)?;
        let permission = session.permission.as_ref().ok_or_else(missing)?;
        Ok(Outcome::done(
            200,
            permission.shown(session, call.now, call.environment),
        ))
    }

    /// Puts a call on its session's record; [`finished`](Self::finished) says how it went.
    pub(crate) fn arrived(&mut self, session: Option<&str>, call: Call) -> Option<Entry> {
        let session = self.sessions.get_mut(session?)?;
        session.calls.push(call);
        Some(Entry {
            session: session.id.clone(),
            index: session.calls.len() - 1,
        })
    }

    pub(crate) fn finished(
        &mut self,
        operation: Operation,
        entry: Option<&Entry>,
        status: Option<u16>,
        change: impl FnOnce(&mut Call),
    ) {
        let answered = status.map_or_else(|| "lost".to_owned(), |status| status.to_string());
        *self
            .answers
            .entry(operation.word())
            .or_default()
            .entry(answered)
            .or_default() += 1;
        let call = entry.and_then(|entry| self.sessions.get_mut(&entry.session)?.calls.get_mut(entry.index));
        if let Some(call) = call {
            call.status = status;
            change(call);
        }
    }

    /// An answer that [`finished`](Self::finished) counted did not reach its caller.
    pub(crate) fn lost(&mut self, operation: Operation, entry: Option<&Entry>, status: u16) {
        if let Some(counts) = self.answers.get_mut(operation.word()) {
            if let Some(count) = counts.get_mut(&status.to_string()) {
                *count -= 1;
            }
            counts.retain(|_, count| *count > 0);
        }
        self.finished(operation, entry, None, |_| {});
    }

    pub(crate) fn books(&self, now: Timestamp, merchants: &[Merchant]) -> Books {
        let mut totals: BTreeMap<String, Totals> = BTreeMap::new();
        let mut sessions = Vec::with_capacity(self.order.len());
        for session in self.order.iter().filter_map(|id| self.sessions.get(id)) {
            if let Some(charge) = &session.charge {
                let sums = totals.entry(charge.amount.currency_code.clone()).or_default();
                sums.add(charge.standing(now).state, charge.amount.amount);
            }
            sessions.push(self.session_book(session, now, merchants));
        }
        Books {
            at: now,
            sessions,
            totals,
            faults: self.faults.books(),
            answers: self.answers.clone(),
        }
    }

    fn session_book(&self, session: &Session, now: Timestamp, merchants: &[Merchant]) -> SessionBook {
        let standing = session.standing(now, &self.unknowns);
        let charges = session.charge.iter().map(|charge| {
            let standing = charge.standing(now);
            ChargeBook {
                charge_id: charge.id.clone(),
                charge_amount: charge.amount.clone(),
                state: standing.state,
                reason_code: standing.reason,
            }
        });
        SessionBook {
            checkout_session_id: session.id.clone(),
            account: merchants[session.merchant].account.clone(),
            creation_timestamp: session.created,
            expiration_timestamp: session.expires(),
            state: standing.state(),
            reason_code: standing.reason(),
            charge_permission_id: session
                .permission
                .as_ref()
                .map(|permission| permission.id.clone()),
            charges: charges.collect(),
            calls: session.calls.clone(),
        }
    }
}

/// Where on record a call stands.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    session: String,
    index: usize,
}

/// The session in the path, if it is the caller's and not yet removed.
fn find<'a>(
    sessions: &'a mut HashMap<String, Session>,
    call: &KnownCall<'_>,
    id: Option<&str>,
) -> Result<&'a mut Session, Refusal> {
    id.and_then(|id| sessions.get_mut(id))
        .filter(|session| session.merchant == call.merchant && !session.is_removed(call.now))
        .ok_or_else(|| Refusal::not_found("the checkout session"))
}

fn is_post(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::Create | Operation::Finalize | Operation::Complete
    )
}

fn is_well_formed(key: &str) -> bool {
    (1..=32).contains(&key.len())
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Draws ids of Amazon's shapes.
pub(crate) struct Ids(StdRng);

impl Ids {
    /// A lower-case version 4 UUID: the shape of session ids and request ids.
    pub(crate) fn uuid(&mut self) -> String {
        let random: u128 = self.0.random();
        let versioned = random & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
        let hex = format!("{versioned:032x}");
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }

    pub(crate) fn permission(&mut self, environment: Environment) -> String {
        let (first, second) = (
            self.0.random_range(0..10_000_000),
            self.0.random_range(0..10_000_000),
        );
        format!("{}01-{first:07}-{second:07}", environment.permission_letter())
    }

    pub(crate) fn charge(&mut self, permission: &str) -> String {
        format!("{permission}-C{:06}", self.0.random_range(0..1_000_000))
    }
}
