//! The log as a simulated worker meets it: others go first, it is away now and then, an answer of it is
//! lost. And with one of its promises taken out, where a test shows what the promise is for.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::{Arc, Mutex};

use checkout::{AlertKind, Because, BodyRef, Event, Found, Policy, SessionId, Timestamp};
use reconciler::ports::{
    Appended, Clock, Due, LogError, Outbox, PassedOver, PersonalRecord, Scheduled, SessionLog, Share,
};
use reconciler::{Append, Recorded, Schedule, Version, replay};
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::memory_log::{MemoryLog, away};
use testkit::model::policy;
use testkit::tasks::pause;

use super::mutant::Without;

#[derive(Clone)]
pub(crate) struct SimLog {
    pub(crate) memory: MemoryLog,
    /// Nobody's own.
    pub(crate) clock: SimClock,
    pub(crate) chance: Seeded,
    pub(crate) rough: u64,
    pub(crate) quiet_from: Timestamp,
    pub(crate) without: Without,
    /// When its worker started, by that one's clock.
    pub(crate) started_at: Timestamp,
    /// What was read of the outbox.
    pub(crate) read: Arc<Mutex<BTreeSet<(SessionId, Version)>>>,
}

impl SimLog {
    fn is_away(&self) -> bool {
        self.clock.now() < self.quiet_from && self.chance.percent(self.rough)
    }

    async fn answered<T>(
        &self,
        read: impl Future<Output = Result<T, LogError>> + Send,
    ) -> Result<T, LogError> {
        pause().await;
        if self.is_away() {
            return Err(away());
        }
        let answer = read.await;
        pause().await;
        if self.is_away() { Err(away()) } else { answer }
    }

    fn append(&self, mut append: Append) -> Result<Appended, LogError> {
        if self.without == Without::TheIntentRecord {
            return self.append_without_intent(append);
        }
        if self.without == Without::TheLookUpBeforeARetry {
            append.events.iter_mut().for_each(take_for_without_effect);
        }
        self.memory
            .append(append, self.without != Without::TheExpectedVersion)
    }

    fn append_without_intent(&self, mut append: Append) -> Result<Appended, LogError> {
        let claimed = Version(append.after.0 + u32::try_from(append.events.len()).unwrap_or(u32::MAX));
        let all = append.events.len();
        append
            .events
            .retain(|event| !matches!(event, Event::ConfirmationStarted { .. }));
        if append.events.len() == all {
            return self.memory.append(append, true);
        }
        let older_unpublished = !self.memory.untold_of(&append.id).is_empty();
        if !append.events.is_empty() {
            self.memory.append(append, true)?;
        }
        Ok(Appended {
            version: claimed,
            older_unpublished,
        })
    }

    fn shown(&self, history: Vec<Recorded>) -> Vec<Recorded> {
        if self.without == Without::StickyDoubt {
            return believing_every_look_up(history);
        }
        if self.without == Without::AlertsAfterARestart {
            return self.taken_for_told(history);
        }
        history
    }

    fn taken_for_told(&self, mut history: Vec<Recorded>) -> Vec<Recorded> {
        let (session, _) = replay(&history);
        let (Some(subject), Some(last)) = (session.subject(), history.last().cloned()) else {
            return history;
        };
        let (deadline, mut ordinal) = (subject.deadline.at, 0);
        for alert in subject.alerts.iter() {
            ordinal = ordinal.max(alert.ordinal);
        }
        let Policy { alert_before, .. } = policy();
        for before in alert_before {
            if deadline.minus(before) < self.started_at && history[0].at < deadline.minus(before) {
                ordinal += 1;
                let event = Event::AlertRaised {
                    kind: AlertKind::DeadlineNear { before },
                    ordinal,
                    summary: String::new(),
                };
                history.push(Recorded {
                    event,
                    ..last.clone()
                });
            }
        }
        history
    }
}

fn believing_every_look_up(mut history: Vec<Recorded>) -> Vec<Recorded> {
    let is_open = |fact: &Recorded| {
        matches!(
            &fact.event,
            Event::LookedUp {
                found: Found::Open { ids: None, .. },
                ..
            }
        )
    };
    if let Some(last) = history.iter().rposition(is_open) {
        for fact in &mut history[..last] {
            take_for_without_effect(&mut fact.event);
        }
    }
    history
}

fn take_for_without_effect(event: &mut Event) {
    if let Event::ConfirmationUnclear {
        attempt,
        answer,
        retry_at,
    } = event
    {
        *event = Event::ConfirmationDeferred {
            attempt: *attempt,
            because: Because::Transient,
            answer: answer.clone(),
            retry_at: *retry_at,
        };
    }
}

impl SessionLog for SimLog {
    fn append_all(
        &self,
        appends: Vec<Append>,
    ) -> impl Future<Output = Vec<Result<Appended, LogError>>> + Send {
        let this = self.clone();
        async move {
            pause().await;
            if this.is_away() {
                return appends.iter().map(|_| Err(away())).collect();
            }
            let answers: Vec<_> = appends.into_iter().map(|append| this.append(append)).collect();
            pause().await;
            if this.is_away() {
                return answers.iter().map(|_| Err(away())).collect();
            }
            answers
        }
    }

    async fn load(&self, id: &SessionId) -> Result<Vec<Recorded>, LogError> {
        let history = self.answered(async { self.memory.load(id).await }).await?;
        Ok(self.shown(history))
    }

    async fn personal(&self, id: &SessionId) -> Result<PersonalRecord, LogError> {
        self.answered(async { self.memory.personal(id).await }).await
    }

    async fn body(&self, id: &SessionId, body: BodyRef) -> Result<Option<Vec<u8>>, LogError> {
        self.answered(async { self.memory.body(id, body).await }).await
    }

    async fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        passed_over: &[PassedOver],
        limit: u32,
    ) -> Result<Vec<Due>, LogError> {
        self.answered(async {
            self.memory
                .due(share, until, overdue_since, passed_over, limit)
                .await
        })
        .await
    }

    async fn reschedule(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        self.answered(async { self.memory.reschedule(id, version, schedule).await })
            .await
    }

    async fn unsettled(&self, after: Option<&Scheduled>, limit: u32) -> Result<Vec<Scheduled>, LogError> {
        self.answered(async { self.memory.unsettled(after, limit).await })
            .await
    }
}

impl Outbox for SimLog {
    async fn untold(
        &self,
        recorded_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<(SessionId, Version)>, LogError> {
        let mut untold = self
            .answered(async { self.memory.untold(recorded_until, limit).await })
            .await?;
        if self.without == Without::TheFlagOfTheOutbox {
            let mut read = self.read.lock().expect("nobody panics while reading");
            untold.retain(|one| read.insert(one.clone()));
        }
        Ok(untold)
    }

    async fn told(&self, facts: &[(SessionId, Version)]) -> Result<(), LogError> {
        self.answered(async { self.memory.told(facts).await }).await
    }
}
