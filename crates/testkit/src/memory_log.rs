//! The session log and its outbox in memory, keeping exactly what the ports promise.

use std::collections::{BTreeMap, BTreeSet};
use std::future::{Future, ready};
use std::sync::{Arc, Mutex, MutexGuard};

use checkout::{AccountName, BodyRef, Event, SessionId, StateName, Timestamp};
use reconciler::ports::{
    Appended, Due, KeepDetails, LogError, Outbox, PassedOver, PersonalRecord, Scheduled, SessionLog, Share,
};
use reconciler::{Append, BuyerDetails, Recorded, Row, Schedule, Version};

/// Everything that is kept of one session.
#[derive(Debug, Clone)]
pub struct Kept {
    /// Oldest first.
    pub facts: Vec<Recorded>,
    /// The fold, as the last append brought it.
    pub row: Row,
    /// As the first append brought it.
    pub partition: u32,
    /// The side table.
    pub personal: PersonalRecord,
    /// The exact bytes that attempts sent.
    pub bodies: BTreeMap<BodyRef, Vec<u8>>,
    /// From when on the side table's content may be erased.
    pub erase_after: Option<Timestamp>,
}

type Intruder = Box<dyn FnOnce(&MemoryLog) + Send>;
type Rule = Box<dyn Fn(&Append) -> bool + Send>;

#[derive(Default)]
struct Tables {
    sessions: BTreeMap<SessionId, Kept>,
    untold: BTreeSet<(SessionId, Version)>,
    appends: Vec<(SessionId, Vec<&'static str>)>,
    details: BTreeMap<SessionId, Option<(BuyerDetails, Timestamp)>>,
    away: u32,
    intruder: Option<Intruder>,
    refuses: Option<Rule>,
}

/// The log in memory. Its clones are one log.
#[derive(Clone, Default)]
pub struct MemoryLog(Arc<Mutex<Tables>>);

/// The log did not answer.
pub fn away() -> LogError {
    LogError::Unavailable("the log is away".into())
}

impl MemoryLog {
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().expect("nobody panics while holding the tables")
    }

    /// The next `calls` calls are not answered, and do nothing.
    pub fn goes_away_for(&self, calls: u32) {
        self.tables().away = calls;
    }

    /// Somebody else is quicker: `intruder` acts just before the next append.
    pub fn is_overtaken_by(&self, intruder: impl FnOnce(&Self) + Send + 'static) {
        self.tables().intruder = Some(Box::new(intruder));
    }

    /// Appends that `rule` names are refused for what they hold.
    pub fn refuses(&self, rule: impl Fn(&Append) -> bool + Send + 'static) {
        self.tables().refuses = Some(Box::new(rule));
    }

    /// What is kept of a session.
    pub fn kept(&self, id: &SessionId) -> Option<Kept> {
        self.tables().sessions.get(id).cloned()
    }

    /// What is kept of a session's buyer and until when: nothing where that was given up. None where it was neither.
    pub fn details(&self, id: &SessionId) -> Option<Option<(BuyerDetails, Timestamp)>> {
        self.tables().details.get(id).cloned()
    }

    /// What `read` sees of a session's history, without a copy of it.
    pub fn look<T>(&self, id: &SessionId, read: impl FnOnce(&Kept) -> T) -> Option<T> {
        self.tables().sessions.get(id).map(read)
    }

    /// Every session that was ever heard of.
    pub fn ids(&self) -> Vec<SessionId> {
        self.tables().sessions.keys().cloned().collect()
    }

    /// The names of a session's facts, oldest first.
    pub fn story(&self, id: &SessionId) -> Vec<&'static str> {
        self.look(id, |kept| {
            kept.facts.iter().map(|fact| fact.event.name()).collect()
        })
        .unwrap_or_default()
    }

    /// The names of the facts of each append that was kept, in the order of the appends.
    pub fn appends(&self, id: &SessionId) -> Vec<Vec<&'static str>> {
        let tables = self.tables();
        let of_session = tables.appends.iter().filter(|(of, _)| of == id);
        of_session.map(|(_, names)| names.clone()).collect()
    }

    /// The facts of a session that are still to be told.
    pub fn untold_of(&self, id: &SessionId) -> Vec<Version> {
        let tables = self.tables();
        let of_session = tables.untold.iter().filter(|(of, _)| of == id);
        of_session.map(|(_, version)| *version).collect()
    }

    /// Whether nothing is left to do: every session settled, every fact told.
    pub fn is_at_rest(&self) -> bool {
        let tables = self.tables();
        tables.untold.is_empty() && tables.sessions.values().all(|kept| kept.row.settled)
    }

    /// Erases the personal data whose retention has passed.
    pub fn erase(&self, now: Timestamp) {
        for kept in self.tables().sessions.values_mut() {
            if kept.erase_after.is_some_and(|after| after <= now) {
                kept.personal = PersonalRecord {
                    erased: true,
                    ..PersonalRecord::default()
                };
                kept.bodies.clear();
            }
        }
    }

    /// One append, at its expected version or, where a test takes that guarantee out, at any.
    ///
    /// # Errors
    /// [`LogError::Overtaken`] where the version is not the expected one, [`LogError::Rejected`] where a
    /// test has told it to refuse.
    pub fn append(&self, append: Append, heeds_version: bool) -> Result<Appended, LogError> {
        let mut tables = self.tables();
        let version = tables
            .sessions
            .get(&append.id)
            .and_then(|kept| kept.facts.last())
            .map_or(Version(0), |fact| fact.version);
        if tables.refuses.as_ref().is_some_and(|refuses| refuses(&append)) {
            return Err(LogError::Rejected("the log refuses what it holds".into()));
        }
        if heeds_version && version != append.after {
            return Err(LogError::Overtaken);
        }
        assert!(
            !append.events.is_empty(),
            "an append without facts is no request to the log"
        );
        let id = append.id.clone();
        let older_unpublished = tables.untold.iter().any(|(of, _)| *of == id);
        let names = append.events.iter().map(Event::name).collect();
        tables.appends.push((id.clone(), names));
        let kept = tables.sessions.entry(id.clone()).or_insert_with(|| Kept {
            facts: Vec::new(),
            row: append.row.clone(),
            partition: append.partition,
            personal: PersonalRecord::default(),
            bodies: BTreeMap::new(),
            erase_after: None,
        });
        let mut announced = Vec::new();
        let mut at = version;
        for event in append.events {
            at = Version(at.0 + 1);
            if event.is_announced() {
                announced.push(at);
            }
            kept.facts.push(Recorded {
                version: at,
                at: append.at,
                actor: append.actor.clone(),
                reason: append.reason.clone(),
                traceparent: append.traceparent.clone(),
                event,
            });
        }
        kept.row = append.row;
        for (number, personal) in append.personal {
            kept.personal.statements.retain(|(known, _)| *known != number);
            kept.personal.statements.push((number, personal));
        }
        kept.personal.found = append.found.or_else(|| kept.personal.found.take());
        kept.bodies.extend(append.body);
        kept.erase_after = append.erase_after.or(kept.erase_after);
        let rows = announced.into_iter().map(|version| (id.clone(), version));
        tables.untold.extend(rows);
        Ok(Appended {
            version: at,
            older_unpublished,
        })
    }

    fn answer<T>(&self, read: impl FnOnce(&mut Tables) -> T) -> Result<T, LogError> {
        let mut tables = self.tables();
        if let Some(left) = tables.away.checked_sub(1) {
            tables.away = left;
            return Err(away());
        }
        Ok(read(&mut tables))
    }
}

impl SessionLog for MemoryLog {
    fn append_all(
        &self,
        appends: Vec<Append>,
    ) -> impl Future<Output = Vec<Result<Appended, LogError>>> + Send {
        let ids: BTreeSet<&SessionId> = appends.iter().map(|append| &append.id).collect();
        assert_eq!(ids.len(), appends.len(), "one append a session and call");
        let intruder = self.tables().intruder.take();
        if let Some(intruder) = intruder {
            intruder(self);
        }
        ready(match self.answer(|_| ()) {
            Ok(()) => appends
                .into_iter()
                .map(|append| self.append(append, true))
                .collect(),
            Err(_) => appends.iter().map(|_| Err(away())).collect(),
        })
    }

    fn load(&self, id: &SessionId) -> impl Future<Output = Result<Vec<Recorded>, LogError>> + Send {
        ready(self.answer(|tables| {
            let kept = tables.sessions.get(id);
            kept.map_or(Vec::new(), |kept| kept.facts.clone())
        }))
    }

    fn personal(&self, id: &SessionId) -> impl Future<Output = Result<PersonalRecord, LogError>> + Send {
        ready(self.answer(|tables| {
            let kept = tables.sessions.get(id);
            kept.map_or(PersonalRecord::default(), |kept| kept.personal.clone())
        }))
    }

    fn body(
        &self,
        id: &SessionId,
        body: BodyRef,
    ) -> impl Future<Output = Result<Option<Vec<u8>>, LogError>> + Send {
        ready(self.answer(|tables| {
            let kept = tables.sessions.get(id);
            kept.and_then(|kept| kept.bodies.get(&body).cloned())
        }))
    }

    fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        passed_over: &[PassedOver],
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Due>, LogError>> + Send {
        ready(self.answer(|tables| {
            let come = |id: &SessionId, kept: &Kept, at: Timestamp| {
                let ours = match share {
                    Share::All => true,
                    Share::Partitions(partitions) => partitions.contains(&kept.partition),
                };
                ((ours && at <= until) || at <= overdue_since).then(|| Due {
                    id: id.clone(),
                    account: kept.row.account.clone(),
                    due_at: at,
                    deadline: kept.row.deadline.at,
                })
            };
            let unsettled = || tables.sessions.iter().filter(|(_, kept)| !kept.row.settled);
            let is_passed_over = |one: &Due| {
                let amount = tables.sessions[&one.id].row.charge_amount.as_ref();
                let mut passed_over = passed_over.iter();
                passed_over.any(|these| these.includes(one.account.as_ref(), one.deadline, amount))
            };
            let mut due: Vec<Due> = unsettled()
                .filter_map(|(id, kept)| come(id, kept, kept.row.due_at?))
                .collect();
            due.sort_by_cached_key(|one| {
                let is_late = one.deadline <= until;
                (
                    is_late,
                    !is_late && is_passed_over(one),
                    one.deadline,
                    one.id.clone(),
                )
            });
            let mut of_account: BTreeMap<Option<AccountName>, u32> = BTreeMap::new();
            due.retain(|one| {
                let count = of_account.entry(one.account.clone()).or_default();
                *count += 1;
                *count <= limit
            });
            let among: BTreeSet<SessionId> = due.iter().map(|one| one.id.clone()).collect();
            let mut to_look_at: Vec<Due> = unsettled()
                .filter(|(id, _)| !among.contains(*id))
                .filter_map(|(id, kept)| come(id, kept, kept.row.look_at?))
                .filter(|one| until < one.deadline || one.deadline <= one.due_at)
                .collect();
            to_look_at.sort_by(|a, b| (a.due_at, &a.id).cmp(&(b.due_at, &b.id)));
            to_look_at.truncate(limit as usize);
            due.extend(to_look_at);
            due
        }))
    }

    fn reschedule(
        &self,
        id: &SessionId,
        version: Version,
        schedule: Schedule,
    ) -> impl Future<Output = Result<(), LogError>> + Send {
        ready(self.answer(|tables| {
            let kept = tables.sessions.get_mut(id);
            let same = |kept: &&mut Kept| kept.facts.last().map(|fact| fact.version) == Some(version);
            if let Some(kept) = kept.filter(same).filter(|kept| !kept.row.settled) {
                kept.row.due_at = Some(schedule.due_at);
                kept.row.look_at = schedule.look_at;
            }
        }))
    }

    fn unsettled(
        &self,
        after: Option<&Scheduled>,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<Scheduled>, LogError>> + Send {
        let place = |one: &Scheduled| (one.account.clone(), one.deadline, one.id.clone());
        let after = after.map(place);
        ready(self.answer(|tables| {
            let unsettled = tables.sessions.iter().filter(|(_, kept)| !kept.row.settled);
            let mut scheduled: Vec<Scheduled> = unsettled
                .filter_map(|(id, kept)| {
                    Some(Scheduled {
                        id: id.clone(),
                        account: kept.row.account.clone(),
                        deadline: kept.row.deadline.at,
                        schedule: Schedule {
                            due_at: kept.row.due_at?,
                            look_at: kept.row.look_at,
                        },
                    })
                })
                .filter(|one| after.as_ref().is_none_or(|after| *after < place(one)))
                .collect();
            scheduled.sort_by_key(place);
            scheduled.truncate(limit as usize);
            scheduled
        }))
    }
}

impl KeepDetails for MemoryLog {
    fn wanting_details(
        &self,
        account: &AccountName,
        share: &Share,
        since: Timestamp,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<SessionId>, LogError>> + Send {
        let tables = self.tables();
        let updated_at = |kept: &Kept| kept.facts.last().map(|fact| fact.at);
        let mut wanting: Vec<_> = tables
            .sessions
            .iter()
            .filter(|(id, kept)| {
                kept.row.state == StateName::Confirmed
                    && kept.row.account.as_ref() == Some(account)
                    && !tables.details.contains_key(*id)
                    && Some(since) < updated_at(kept)
                    && match share {
                        Share::All => true,
                        Share::Partitions(ours) => ours.contains(&kept.partition),
                    }
            })
            .map(|(id, kept)| (updated_at(kept), id.clone()))
            .collect();
        wanting.sort();
        wanting.truncate(limit as usize);
        ready(Ok(wanting.into_iter().map(|(_, id)| id).collect()))
    }

    fn keep_details(
        &self,
        id: &SessionId,
        _: Timestamp,
        details: &BuyerDetails,
        erase_after: Timestamp,
    ) -> impl Future<Output = Result<(), LogError>> + Send {
        let kept = Some((details.clone(), erase_after));
        self.tables().details.entry(id.clone()).or_insert(kept);
        ready(Ok(()))
    }

    fn give_details_up(
        &self,
        id: &SessionId,
        _: Timestamp,
    ) -> impl Future<Output = Result<(), LogError>> + Send {
        self.tables().details.entry(id.clone()).or_insert(None);
        ready(Ok(()))
    }
}

impl Outbox for MemoryLog {
    fn untold(
        &self,
        recorded_until: Timestamp,
        limit: u32,
    ) -> impl Future<Output = Result<Vec<(SessionId, Version)>, LogError>> + Send {
        ready(self.answer(|tables| {
            let mut oldest: BTreeMap<&SessionId, Version> = BTreeMap::new();
            for (id, version) in &tables.untold {
                oldest.entry(id).or_insert(*version);
            }
            let recorded_at = |id: &SessionId, version: Version| {
                let kept = tables.sessions.get(id)?;
                let fact = kept.facts.iter().find(|fact| fact.version == version)?;
                Some(fact.at)
            };
            let mut untold: Vec<(Timestamp, SessionId, Version)> = oldest
                .into_iter()
                .filter_map(|(id, version)| Some((recorded_at(id, version)?, id.clone(), version)))
                .filter(|(at, _, _)| *at <= recorded_until)
                .collect();
            untold.sort();
            untold.truncate(limit as usize);
            untold.into_iter().map(|(_, id, version)| (id, version)).collect()
        }))
    }

    fn told(&self, facts: &[(SessionId, Version)]) -> impl Future<Output = Result<(), LogError>> + Send {
        ready(self.answer(|tables| {
            for fact in facts {
                tables.untold.remove(fact);
            }
        }))
    }
}
