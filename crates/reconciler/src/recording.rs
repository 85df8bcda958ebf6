//! A session's history: read whole, and added to at the version that was read.

use checkout::{AccountIs, BodyRef, Command, Event, Policy, Session, SessionId, Timestamp, decide};

use crate::advance::Reconciler;
use crate::announce::announcements_of;
use crate::boundary;
use crate::personal::Personal;
use crate::ports::{Chance, Clock, ConfirmCheckout, LogError, LookUp, Outlet, SessionLog};
use crate::record::{Actor, Append, Recorded, Row, Version, replay};

/// How often an answer from Amazon is offered to a log that is away before it is left to a look-up.
const RECORD_TRIES: u32 = 30;

/// A session as it was loaded, or as it is after an append of ours.
#[derive(Debug, Clone)]
pub(crate) struct Loaded {
    pub(crate) id: SessionId,
    pub(crate) session: Session,
    pub(crate) version: Version,
    pub(crate) partition: u32,
    pub(crate) traceparent: Option<String>,
}

/// What belongs to an append besides its facts.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) operator: Option<(String, String)>,
    pub(crate) personal: Vec<(checkout::PrivateRef, Personal)>,
    pub(crate) found: Option<Personal>,
    pub(crate) body: Option<(BodyRef, Vec<u8>)>,
}

impl<L, A, C, R, O> Reconciler<L, A, C, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    C: Clock,
    R: Chance,
    O: Outlet,
{
    pub(crate) async fn load(&self, id: &SessionId) -> Result<Loaded, LogError> {
        let history = self.log.load(id).await?;
        let (session, version) = replay(&history);
        let traceparent = history.first().and_then(|fact| fact.traceparent.clone());
        Ok(Loaded {
            id: id.clone(),
            session,
            version,
            partition: 0,
            traceparent,
        })
    }

    /// The same, and a repair that its account alone makes necessary has begun or ended, as is right now.
    pub(crate) async fn load_with_account(&self, id: &SessionId) -> Result<Loaded, LogError> {
        loop {
            let loaded = self.load(id).await?;
            let command = Command::Account(self.account_is(&loaded.session));
            match self.record(loaded, command, Beside::default()).await {
                Err(LogError::Overtaken) => {}
                recorded => return recorded,
            }
        }
    }

    pub(crate) fn account_is(&self, session: &Session) -> AccountIs {
        let account = session.subject().and_then(|subject| subject.account());
        if account.is_some_and(|account| self.amazon.knows(account)) {
            AccountIs::Configured
        } else {
            AccountIs::Missing
        }
    }

    pub(crate) fn policy(&self, session: &Session) -> &Policy {
        self.policies
            .of(session.subject().and_then(|subject| subject.account()))
    }

    /// Adds what `command` asks for; a command that adds nothing changes nothing. Only operators' acts are
    /// refused, and those take another way.
    pub(crate) async fn record(
        &self,
        loaded: Loaded,
        command: Command,
        beside: Beside,
    ) -> Result<Loaded, LogError> {
        let now = self.clock.now();
        let events = decide(&loaded.session, now, self.policy(&loaded.session), command).unwrap_or_default();
        self.record_events(loaded, now, events, beside).await
    }

    pub(crate) async fn record_events(
        &self,
        loaded: Loaded,
        now: Timestamp,
        events: Vec<Event>,
        beside: Beside,
    ) -> Result<Loaded, LogError> {
        if events.is_empty() {
            return Ok(loaded);
        }
        let (after, append) = self.append_for(loaded.clone(), now, events, beside);
        boundary("append");
        let mut results = self.log.append_all(vec![append.clone()]).await;
        boundary("appended");
        let appended = results.pop().unwrap_or(Err(LogError::Overtaken))?;
        if !appended.older_unpublished {
            self.offer(&loaded, &append);
        }
        Ok(after)
    }

    /// An append, and the session as it will be.
    pub(crate) fn append_for(
        &self,
        loaded: Loaded,
        now: Timestamp,
        events: Vec<Event>,
        beside: Beside,
    ) -> (Loaded, Append) {
        let added = u32::try_from(events.len()).unwrap_or(u32::MAX);
        let session = events
            .iter()
            .fold(loaded.session, |session, event| session.evolve(now, event));
        let policy = self.policy(&session);
        let row = Row::of(&session, now, policy).expect("facts were added, so the session was heard of");
        let erase_after = match &session {
            Session::Settled(settled) => Some(settled.at.plus(policy.personal_data_for)),
            Session::Unseen | Session::Open(_) | Session::PaymentPending(_) => None,
        };
        let (actor, reason) = match beside.operator {
            Some((name, reason)) => (Actor::Operator(name), Some(reason)),
            None => (Actor::Worker, None),
        };
        let append = Append {
            id: loaded.id.clone(),
            after: loaded.version,
            at: now,
            actor,
            reason,
            traceparent: loaded.traceparent.clone(),
            events,
            row,
            partition: loaded.partition,
            personal: beside.personal,
            found: beside.found,
            body: beside.body,
            erase_after,
        };
        let version = Version(loaded.version.0 + added);
        (
            Loaded {
                session,
                version,
                ..loaded
            },
            append,
        )
    }

    /// Hands what the append says to the world on, from memory.
    pub(crate) fn offer(&self, before: &Loaded, append: &Append) {
        let facts: Vec<Recorded> = append
            .events
            .iter()
            .zip(1..)
            .map(|(event, nth)| Recorded {
                version: Version(append.after.0 + nth),
                at: append.at,
                actor: append.actor.clone(),
                reason: append.reason.clone(),
                traceparent: append.traceparent.clone(),
                event: event.clone(),
            })
            .collect();
        let announcements = announcements_of(&append.id, before.session.clone(), &facts);
        if !announcements.is_empty() {
            self.outlet.offer(announcements);
        }
    }

    /// Adds what Amazon has answered. Someone else's facts in between do not make the answer less true, and
    /// a log that is away for a moment is waited for; past that a look-up will tell again.
    pub(crate) async fn record_answer(
        &self,
        mut loaded: Loaded,
        command: Command,
        found: Option<Personal>,
    ) -> Result<Loaded, LogError> {
        let id = loaded.id.clone();
        let mut tries = 0;
        loop {
            let beside = Beside {
                found: found.clone(),
                ..Beside::default()
            };
            let failed = match self.record(loaded.clone(), command.clone(), beside).await {
                Ok(after) => return Ok(after),
                Err(LogError::Overtaken) => match self.load(&id).await {
                    Ok(fresh) => {
                        loaded = fresh;
                        continue;
                    }
                    Err(error) => error,
                },
                Err(error) => error,
            };
            tries += 1;
            if tries >= RECORD_TRIES || matches!(failed, LogError::Rejected(_)) {
                return Err(failed);
            }
            let policy = self.policy(&loaded.session);
            let wait = policy.retry.delay(tries.min(4), self.chance.spread());
            self.clock.sleep_until(self.clock.now().plus(wait)).await;
        }
    }

    pub(crate) async fn stored_body(&self, id: &SessionId, body: BodyRef) -> Result<Vec<u8>, LogError> {
        let bytes = self.log.body(id, body).await?;
        bytes.ok_or_else(|| LogError::Rejected("the bytes of an earlier attempt are gone".into()))
    }
}
