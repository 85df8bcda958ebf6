//! All that the sandbox knows, behind one lock that is held for a few microseconds at a time.
//!
//! ```text
//!   quota ─► idempotency key ─► operation ─► sessions, permissions, charges, refunds ─► changes
//!    429       400, replayed                           ▲
//!                                     timers: let run out before every call
//! ```

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::Timestamp;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;

use crate::api::operation::Operation;
use crate::api::quota::Quotas;
use crate::api::refusal::Refusal;
use crate::control::faults::Faults;
use crate::control::new_session::{PermissionBuyer, PermissionBuyerAction, Route, SUCCESS_CARD};
use crate::ipn::outbox::Outbox;
use crate::objects::charge::Charge;
use crate::objects::permission::{Permission, PermissionState, Posting};
use crate::objects::session::Session;
use crate::operations::{
    buyers, charge_reports, charges, checkout, confirm, permissions, refunds, simulation,
};
use crate::options::{Environment, Profile};
use crate::time::stamp::whole_seconds;
use crate::unknowns::Unknowns;
use books::Effect;
use changes::Changes;
use idempotency::Answers;
use ids::Ids;
use index::Index;

pub(crate) mod books;
pub(crate) mod changes;
mod idempotency;
pub(crate) mod ids;
mod index;
mod record;

pub(crate) use index::Named;
pub(crate) use record::Entry;

pub(crate) struct World {
    pub(crate) sessions: HashMap<String, Session>,
    /// Session ids as they were made.
    order: Vec<String>,
    index: Index,
    saved: Answers,
    quotas: Quotas,
    pub(crate) faults: Faults,
    pub(crate) unknowns: Unknowns,
    pub(crate) changes: Changes,
    pub(crate) outbox: Outbox,
    pub(crate) ids: Ids,
    /// A stream of their own, so that what is asked does not change the ids of sessions to come.
    pub(crate) request_ids: Ids,
    answers: BTreeMap<&'static str, BTreeMap<String, u64>>,
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

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        let body = refusal.body();
        let mut outcome = Self::done(refusal.status, body);
        outcome.reason = Some(refusal.reason.into_owned());
        outcome
    }
}

/// A caller's own session, with what is needed to change it.
pub(crate) struct OwnSession<'a> {
    pub(crate) session: &'a mut Session,
    pub(crate) unknowns: &'a Unknowns,
    pub(crate) ids: &'a mut Ids,
    pub(crate) changes: &'a mut Changes,
    pub(crate) index: &'a mut Index,
}

/// A caller's own charge permission, and what of its session still counts.
pub(crate) struct Place<'a> {
    pub(crate) permission: &'a mut Permission,
    /// Which of its charges was named; the first where none was.
    pub(crate) charge: usize,
    pub(crate) session: &'a str,
    /// The session as GET showed it while it was Open.
    pub(crate) seen: &'a Value,
    pub(crate) card: &'a str,
    pub(crate) pending_for: Duration,
    pub(crate) unknowns: &'a Unknowns,
    pub(crate) ids: &'a mut Ids,
    pub(crate) index: &'a mut Index,
    changes: &'a mut Changes,
}

impl Place<'_> {
    /// The permission, and the means to write something down about it now.
    pub(crate) fn posting(&mut self, now: Timestamp) -> (&mut Permission, Posting<'_>) {
        let posting = Posting {
            at: whole_seconds(now),
            unknowns: self.unknowns,
            changes: self.changes,
        };
        (self.permission, posting)
    }

    /// To be called after whatever may have set or stopped a timer.
    pub(crate) fn schedule(&mut self) {
        self.index.schedule(self.permission.next_due(), self.session);
    }

    pub(crate) fn last_charge(&self) -> &Charge {
        self.permission
            .charges
            .last()
            .expect("asked for right after one was added")
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
            index: Index::default(),
            saved: Answers::default(),
            quotas: Quotas::new(profile),
            faults,
            unknowns: Unknowns::default(),
            changes: Changes::new(),
            ids: Ids::new(StdRng::from_rng(&mut seeds)),
            request_ids: Ids::new(StdRng::from_rng(&mut seeds)),
            outbox: Outbox::new(
                StdRng::from_rng(&mut seeds),
                Ids::new(StdRng::from_rng(&mut seeds)),
            ),
            answers: BTreeMap::new(),
        }
    }

    /// Lets happen what is due by `now`, and makes notifications of all that has changed.
    pub(crate) fn notify(&mut self, now: Timestamp) -> &mut Outbox {
        self.advance(now);
        self.outbox.take_in(self.changes.since(0), now);
        &mut self.outbox
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

    /// Lets every timer run out that is due.
    pub(crate) fn advance(&mut self, now: Timestamp) {
        while let Some(id) = self.index.take_due(now) {
            let session = self.sessions.get_mut(&id);
            let Some(permission) = session.and_then(|session| session.permission.as_mut()) else {
                continue;
            };
            permission.advance(now, &self.unknowns, &mut self.changes);
            self.index.schedule(permission.next_due(), &id);
        }
    }

    /// When something happens next by itself.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.index.next_due()
    }

    /// The session that a call speaks of: by the id in its path, or the one that its body gives it.
    pub(crate) fn session_of(&self, operation: Operation, object: Option<&str>, body: &[u8]) -> Option<&str> {
        let of_body = |field: &str| {
            let body: Value = serde_json::from_slice(body).ok()?;
            body[field].as_str().map(str::to_owned)
        };
        let id = match operation {
            Operation::Create | Operation::Buyer => return None,
            Operation::Get | Operation::Update | Operation::Finalize | Operation::Complete => object?,
            Operation::Permission | Operation::UpdatePermission | Operation::Close => {
                self.index.session_of(Named::Permission(object?))?
            }
            Operation::Charge | Operation::UpdateCharge | Operation::Capture | Operation::Cancel => {
                self.index.session_of(Named::Charge(object?))?
            }
            Operation::Refund => self.index.session_of(Named::Refund(object?))?,
            Operation::CreateCharge => self
                .index
                .session_of(Named::Permission(&of_body("chargePermissionId")?))?,
            Operation::CreateRefund => self.index.session_of(Named::Charge(&of_body("chargeId")?))?,
        };
        self.sessions.get(id).map(|session| session.id.as_str())
    }

    /// Does what an authentic call asks for. Quota first, then its idempotency key, then the call itself.
    pub(crate) fn handle(&mut self, call: &KnownCall<'_>) -> Outcome {
        self.advance(call.now);
        if !self
            .quotas
            .take(call.merchant, call.operation, call.now, &self.unknowns)
        {
            let mut outcome = Outcome::from(Refusal::new(429, "TooManyRequests", "the quota is used up"));
            outcome.retry_after = self.unknowns.retry_after;
            return outcome;
        }
        match self.saved.answer(call, &self.unknowns) {
            Err(refusal) => refusal.into(),
            Ok(Some(answer)) => answer,
            Ok(None) => {
                let mut outcome = self.perform(call).unwrap_or_else(Outcome::from);
                if self.unknowns.answers_have_new_fields && outcome.status < 300 {
                    outcome.body["fieldOfTheFuture"] = Value::from("2031");
                }
                self.saved.keep(call, &outcome, &self.unknowns);
                outcome
            }
        }
    }

    /// Whether the call's idempotency key has its first answer already.
    pub(crate) fn is_answered(&self, call: &KnownCall<'_>) -> bool {
        self.saved.is_answered(call, &self.unknowns)
    }

    /// A posted fault's answer stands in for the first answer of the key, where errors are replayed at all.
    pub(crate) fn save_fault(&mut self, call: &KnownCall<'_>, outcome: &Outcome) {
        self.saved.keep_fault(call, outcome, &self.unknowns);
    }

    fn perform(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        match call.operation {
            Operation::Create => {
                simulation::code(call.simulation, call.operation, call.environment, &self.unknowns)?;
                self.create(call)
            }
            Operation::Get => self.get(call),
            Operation::Update => {
                simulation::code(call.simulation, call.operation, call.environment, &self.unknowns)?;
                self.update(call)
            }
            Operation::Finalize => confirm::confirm(self, call, Route::Finalize),
            Operation::Complete => confirm::confirm(self, call, Route::Complete),
            Operation::Permission => permissions::get(self, call),
            Operation::UpdatePermission => {
                simulation::code(call.simulation, call.operation, call.environment, &self.unknowns)?;
                permissions::update(self, call)
            }
            Operation::Close => permissions::close(self, call),
            Operation::CreateCharge => charges::create(self, call),
            Operation::Charge => charges::get(self, call),
            Operation::UpdateCharge => {
                simulation::code(call.simulation, call.operation, call.environment, &self.unknowns)?;
                charge_reports::update(self, call)
            }
            Operation::Capture => charges::capture(self, call),
            Operation::Cancel => {
                simulation::code(call.simulation, call.operation, call.environment, &self.unknowns)?;
                charges::cancel(self, call)
            }
            Operation::CreateRefund => refunds::create(self, call),
            Operation::Refund => refunds::get(self, call),
            Operation::Buyer => buyers::get(self, call),
        }
    }

    fn create(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let request = crate::api::read::object(call.body)?;
        let body = checkout::create(&request, call.environment, &self.unknowns)?;
        let id = self.ids.uuid();
        let session = Session::for_buyer(id, call.merchant, body, call.now);
        let shown = session.shown(call.now, &self.unknowns);
        self.add(session);
        Ok(Outcome::done(201, shown).with_effect(Effect::Created))
    }

    fn get(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let own = self.session_mut(call)?;
        Ok(Outcome::done(200, own.session.looked_up(call.now, own.unknowns)))
    }

    fn update(&mut self, call: &KnownCall<'_>) -> Result<Outcome, Refusal> {
        let request = crate::api::read::object(call.body)?;
        let OwnSession {
            session, unknowns, ..
        } = self.session_mut(call)?;
        if session.standing(call.now, unknowns) != crate::objects::session::Standing::Open {
            let why = format!("checkout session '{}' is not Open", session.id);
            return Err(Refusal::wrong_state(&why));
        }
        session.open_body = checkout::update(&session.open_body, &request, unknowns)?;
        session.updated = whole_seconds(call.now);
        Ok(Outcome::done(200, session.shown(call.now, unknowns)).with_effect(Effect::Updated))
    }

    /// The session in the path, if it is the caller's and not yet removed.
    pub(crate) fn session_mut(&mut self, call: &KnownCall<'_>) -> Result<OwnSession<'_>, Refusal> {
        let missing = || Refusal::not_found("checkout session", call.object);
        let session = call.object.and_then(|id| self.sessions.get_mut(id));
        let session = session
            .filter(|session| session.merchant == call.merchant && !session.is_removed(call.now))
            .ok_or_else(missing)?;
        // A call that was held up may still be judged by its arrival.
        let seen_at = if self.unknowns.arrival_counts {
            call.arrived
        } else {
            call.now
        };
        session.settle(seen_at, &self.unknowns);
        Ok(OwnSession {
            session,
            unknowns: &self.unknowns,
            ids: &mut self.ids,
            changes: &mut self.changes,
            index: &mut self.index,
        })
    }

    /// The caller's own permission that is named, or that the charge or refund belongs to.
    pub(crate) fn place(&mut self, call: &KnownCall<'_>, object: Named<'_>) -> Result<Place<'_>, Refusal> {
        let missing = || Refusal::not_found(object.what(), Some(object.id()));
        let id = self.index.session_of(object).ok_or_else(missing)?;
        let session = self.sessions.get_mut(id);
        let session = session
            .filter(|session| session.merchant == call.merchant)
            .ok_or_else(missing)?;
        let permission = session.permission.as_mut().ok_or_else(missing)?;
        let charge = match object {
            Named::Charge(id) => permission.charges.iter().position(|charge| charge.id == id),
            Named::Permission(_) | Named::Refund(_) => None,
        };
        Ok(Place {
            permission,
            charge: charge.unwrap_or_default(),
            session: &session.id,
            seen: &session.open_body,
            card: &session.card,
            pending_for: session.pending_for,
            unknowns: &self.unknowns,
            ids: &mut self.ids,
            index: &mut self.index,
            changes: &mut self.changes,
        })
    }

    /// The buyer's act on a charge permission; false where there is none that is open.
    pub(crate) fn buyer_of_permission(&mut self, id: &str, buyer: PermissionBuyer, now: Timestamp) -> bool {
        let session = self.index.session_of(Named::Permission(id)).map(str::to_owned);
        let Some(session) = session.and_then(|id| self.sessions.get_mut(&id)) else {
            return false;
        };
        let Some(permission) = session.permission.as_mut() else {
            return false;
        };
        let mut posting = Posting {
            at: whole_seconds(now),
            unknowns: &self.unknowns,
            changes: &mut self.changes,
        };
        if permission.state == PermissionState::Closed {
            return false;
        }
        match buyer.action {
            PermissionBuyerAction::Update => {
                session.card = buyer.card.unwrap_or_else(|| SUCCESS_CARD.to_owned());
                permission.instrument_replaced(&mut posting);
            }
            PermissionBuyerAction::Close => permission.close("BuyerClosed", &mut posting),
        }
        true
    }

    /// The caller's newest session that this buyer has finished.
    pub(crate) fn latest_session_of_buyer(&self, call: &KnownCall<'_>, token: &str) -> Option<&Session> {
        let newest_first = self.order.iter().rev().filter_map(|id| self.sessions.get(id));
        newest_first
            .filter(|session| session.merchant == call.merchant && !session.is_removed(call.now))
            .find(|session| session.buyer_finished && session.open_body["buyer"]["buyerId"] == token)
    }
}
