//! What happens when the shop says that a buyer is done.

use std::collections::BTreeSet;

use checkout::{Command, Flaw, Order, PrivateRef, Session, SessionId, Statement, Step, decide, next_step};

use crate::advance::{Advanced, Beginning, Begun, Reconciler, claim_of, waits};
use crate::arrival::Arrival;
use crate::boundary;
use crate::personal::Personal;
use crate::ports::{
    Call, Chance, Clock, ConfirmCheckout, LogError, LookUp, Outlet, PersonalRecord, SessionLog,
};
use crate::record::{Append, Version};
use crate::recording::{Beside, Loaded};

/// What became of the arrivals.
pub struct Observed<T> {
    /// Attempts that are on record and are to be sent now, with [`Reconciler::send`].
    pub begun: Vec<Begun<T>>,
    /// Sessions to be advanced.
    pub to_advance: Vec<(SessionId, Advanced)>,
    /// Why not all of them are on record, if so.
    pub failed: Option<LogError>,
}

/// Whether a new session's first attempt is begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Begin {
    AtOnce,
    Nothing,
}

/// One arrival on its way into the log.
struct Entering<T> {
    arrival: Arrival,
    before: Loaded,
    after: Loaded,
    append: Append,
    /// Present where the intent is in the same append.
    to_send: Option<(T, Order, Vec<u8>)>,
}

impl<L, A, C, R, O> Reconciler<L, A, C, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    C: Clock,
    R: Chance,
    O: Outlet,
{
    /// Puts arrivals on record. A new session whose turn it is gets its first attempt in the same write;
    /// what was said before changes nothing. Where some failed, everything may be brought again.
    pub async fn observe(&self, arrivals: Vec<Arrival>) -> Observed<A::Turn> {
        self.hear(arrivals, Begin::AtOnce).await
    }

    /// Puts arrivals on record and begins nothing: their attempts are somebody else's.
    pub async fn record_only(&self, arrivals: Vec<Arrival>) -> Result<(), LogError> {
        match self.hear(arrivals, Begin::Nothing).await.failed {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    async fn hear(&self, arrivals: Vec<Arrival>, begin: Begin) -> Observed<A::Turn> {
        let mut observed = Observed {
            begun: Vec::new(),
            to_advance: Vec::new(),
            failed: None,
        };
        let mut waiting = arrivals;
        while !waiting.is_empty() && observed.failed.is_none() {
            // One append a session and group: what is said twice in a batch is heard one after the other.
            let mut ids = BTreeSet::new();
            let (now, later) = waiting
                .into_iter()
                .partition(|arrival| ids.insert(arrival.id.clone()));
            waiting = later;
            self.hear_once_each(now, begin, &mut observed).await;
        }
        observed
    }

    async fn hear_once_each(&self, arrivals: Vec<Arrival>, begin: Begin, observed: &mut Observed<A::Turn>) {
        let entering: Vec<Entering<A::Turn>> = arrivals
            .into_iter()
            .map(|arrival| self.enter(arrival, begin))
            .collect();
        boundary("observe");
        let results = self
            .log
            .append_all(entering.iter().map(|one| one.append.clone()).collect())
            .await;
        boundary("observed");
        for (one, result) in entering.into_iter().zip(results) {
            let heard = match result {
                Ok(appended) => {
                    if !appended.older_unpublished {
                        self.offer(&one.before, &one.append);
                    }
                    self.entered(one, observed);
                    Ok(())
                }
                // Heard of before, so that what it says has to be compared.
                Err(LogError::Overtaken) => self.hear_again(one.arrival, observed).await,
                Err(LogError::Rejected(_)) => {
                    self.hear_again(without_what_was_refused(one.arrival), observed)
                        .await
                }
                Err(error @ LogError::Unavailable(_)) => Err(error),
            };
            // What the others have begun is on record and must be sent all the same.
            if let Err(error) = heard {
                observed.failed.get_or_insert(error);
            }
        }
    }

    /// As if it had never been heard of, which the log refuses if it has.
    fn enter(&self, arrival: Arrival, begin: Begin) -> Entering<A::Turn> {
        let now = self.clock.now();
        let first = PrivateRef(0);
        let before = Loaded {
            id: arrival.id.clone(),
            session: Session::Unseen,
            version: Version(0),
            partition: arrival.partition,
            traceparent: arrival.traceparent.clone(),
        };
        let command = observe_command(&arrival, first);
        let policy = self.policies.of(arrival.statement.account.as_ref());
        let mut events = decide(&before.session, now, policy, command).unwrap_or_default();
        let mut session = events
            .iter()
            .fold(Session::Unseen, |session, event| session.evolve(now, event));
        let mut beside = Beside {
            personal: vec![(first, arrival.personal.clone())],
            ..Beside::default()
        };
        let mut to_send = None;
        let order = session.subject().and_then(|subject| subject.statement.order);
        if let (Some(order), Some(account), Step::Confirm) = (
            order,
            &arrival.statement.account,
            next_step(&session, now, policy),
        ) && begin == Begin::AtOnce
            && let Ok(turn) = self.turn(account, Call::Confirm, &claim_of(&session))
        {
            let record = PersonalRecord {
                statements: beside.personal.clone(),
                ..PersonalRecord::default()
            };
            let bytes = self.build_body(&order, &session, &record);
            let body = checkout::BodyRef(1);
            let key = checkout::IdempotencyKey::from_bits(self.chance.bits());
            let started = decide(&session, now, policy, Command::Start { key, body }).unwrap_or_default();
            session = started
                .iter()
                .fold(session, |session, event| session.evolve(now, event));
            debug_assert!(matches!(&session, Session::Open(open) if open.in_flight.is_some()));
            events.extend(started);
            beside.body = Some((body, bytes.clone()));
            to_send = Some((turn, order, bytes));
        }
        let (after, append) = self.append_for(before.clone(), now, events, beside);
        Entering {
            arrival,
            before,
            after,
            append,
            to_send,
        }
    }

    fn entered(&self, one: Entering<A::Turn>, observed: &mut Observed<A::Turn>) {
        let id = one.after.id.clone();
        let account = one.arrival.statement.account;
        match (one.to_send, account) {
            (Some((turn, order, bytes)), Some(account)) => {
                match self.begun(one.after, turn, account, &order, bytes) {
                    Beginning::Begun(begun) => observed.begun.push(begun),
                    Beginning::Unchanged(loaded) => observed.to_advance.push((id, self.due_now(&loaded))),
                }
            }
            _ => observed.to_advance.push((id, self.due_now(&one.after))),
        }
    }

    /// A session that was heard of before hears an event.
    async fn hear_again(&self, arrival: Arrival, observed: &mut Observed<A::Turn>) -> Result<(), LogError> {
        loop {
            let mut loaded = self.load(&arrival.id).await?;
            loaded.partition = arrival.partition;
            let known = self.log.personal(&arrival.id).await?;
            if known.erased {
                return Ok(());
            }
            let (number, is_new) = number_of(&known, &arrival.personal);
            let now = self.clock.now();
            let command = observe_command(&arrival, number);
            let policy = self.policies.of(arrival.statement.account.as_ref());
            let events = decide(&loaded.session, now, policy, command).unwrap_or_default();
            if events.is_empty() {
                return Ok(());
            }
            let personal = is_new
                .then(|| (number, arrival.personal.clone()))
                .into_iter()
                .collect();
            let beside = Beside {
                personal,
                ..Beside::default()
            };
            match self.record_events(loaded, now, events, beside).await {
                Ok(after) => {
                    observed.to_advance.push((arrival.id, self.due_now(&after)));
                    return Ok(());
                }
                Err(LogError::Overtaken) => {}
                Err(error @ (LogError::Unavailable(_) | LogError::Rejected(_))) => return Err(error),
            }
        }
    }

    fn due_now(&self, loaded: &Loaded) -> Advanced {
        waits(&loaded.session, self.clock.now())
    }
}

fn observe_command(arrival: &Arrival, number: PrivateRef) -> Command {
    Command::Observe {
        statement: Statement {
            private: number,
            ..arrival.statement.clone()
        },
        said_at: arrival.said_at,
        session_created_at: arrival.session_created_at,
    }
}

/// Equal personal data has one number in a session, so that statements can be compared by it.
fn number_of(known: &PersonalRecord, personal: &Personal) -> (PrivateRef, bool) {
    let found = known.statements.iter().find(|(_, stored)| stored == personal);
    match found {
        Some((number, _)) => (*number, false),
        None => {
            let next = known
                .statements
                .iter()
                .map(|(number, _)| number.0 + 1)
                .max()
                .unwrap_or(0);
            (PrivateRef(next), true)
        }
    }
}

/// A session keeps its clock whatever else of its event the log refuses.
fn without_what_was_refused(arrival: Arrival) -> Arrival {
    let flaw = Flaw {
        field: "event".to_owned(),
        problem: "the session log refuses to store what it says".to_owned(),
    };
    let statement = Statement {
        account: arrival.statement.account,
        merchant_reference_id: None,
        order: None,
        flaw: Some(flaw),
        private: PrivateRef(0),
    };
    Arrival {
        statement,
        personal: Personal::default(),
        traceparent: None,
        ..arrival
    }
}
