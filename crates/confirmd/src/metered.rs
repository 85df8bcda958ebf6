//! The session log, with what passes told to the metrics.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use checkout::{AlertKind, BodyRef, Event, SessionId, Timestamp};
use reconciler::ports::{
    Appended, Clock as _, Due, LogError, PassedOver, PersonalRecord, Scheduled, SessionLog, Share,
};
use reconciler::{Actor, Append, Notice, NoticeKind, NoticeLog, Recorded, Schedule, Version};
use session_log::Log;

use crate::clock::ProgramClock;
use crate::telemetry::traces::{Place, Span, Traces};

/// Times appends, and says in the program's log what people want to hear of: alerts, and what operators have done.
/// Everything else is the log's own.
#[derive(Clone)]
pub(crate) struct TimedLog {
    log: Log,
    clock: ProgramClock,
    traces: Traces,
    /// Operators' acts that were told of already.
    told: Arc<Mutex<BTreeSet<(SessionId, Version)>>>,
}

/// Acts that are remembered as told; past that some are told twice.
const REMEMBERED: usize = 10_000;

impl TimedLog {
    pub(crate) fn new(log: Log, clock: ProgramClock, traces: Traces) -> Self {
        Self {
            log,
            clock,
            traces,
            told: Arc::default(),
        }
    }

    /// A history that ends with what an operator did has just been taken up.
    fn tell_of_acts(&self, id: &SessionId, history: &[Recorded]) {
        let acts = history.iter().rev().map_while(|fact| match &fact.actor {
            Actor::Operator(operator) => Some((fact, operator)),
            Actor::Worker => None,
        });
        // What an act entails is no act of its own.
        let is_entailed = |event: &Event| matches!(event, Event::AlertResolved { .. });
        let Some((act, operator)) = acts.reduce(
            |last, earlier| {
                if is_entailed(&last.0.event) { earlier } else { last }
            },
        ) else {
            return;
        };
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= REMEMBERED {
            told.clear();
        }
        if told.insert((id.clone(), act.version)) {
            // The reason is the operator's own text: it stays in the session log.
            tracing::info!(session.id = %id, "`{}` of `{id}` by operator `{operator}` is taken up", act.event.name());
        }
    }
}

/// What a trace says of appends.
impl TimedLog {
    fn spans_of(&self, appends: &[Append]) -> Vec<Option<(Place, Span)>> {
        let now = self.clock.now();
        let span = |append: &Append| {
            let place = self.traces.place_in(append.traceparent.as_deref())?;
            Some((place, Span::of_append(&append.id, &append.events, now)))
        };
        appends.iter().map(span).collect()
    }

    fn tell_of_spans(&self, spans: Vec<Option<(Place, Span)>>, results: &[Result<Appended, LogError>]) {
        let now = self.clock.now();
        for (span, result) in spans.into_iter().zip(results) {
            if let Some((place, span)) = span {
                let error = match result {
                    Ok(_) => None,
                    Err(LogError::Overtaken) => Some("overtaken"),
                    Err(LogError::Rejected(_)) => Some("rejected"),
                    Err(LogError::Unavailable(_)) => Some("unavailable"),
                };
                self.traces.tell(place, span.ended(now, error));
            }
        }
    }
}

/// An alert of a session.
struct Raised {
    id: SessionId,
    kind: AlertKind,
    summary: String,
}

impl Raised {
    fn all_of(append: &Append) -> Vec<Self> {
        let raised = append.events.iter().filter_map(|event| match event {
            Event::AlertRaised { kind, summary, .. } => Some(Self {
                id: append.id.clone(),
                kind: *kind,
                summary: summary.clone(),
            }),
            _ => None,
        });
        raised.collect()
    }

    fn tell(&self) {
        let (id, kind) = (&self.id, self.kind.name());
        tracing::warn!(session.id = %id, kind, "alert `{kind}` of `{id}`: {}", self.summary);
    }
}

impl SessionLog for TimedLog {
    async fn append_all(&self, appends: Vec<Append>) -> Vec<Result<Appended, LogError>> {
        let alerts: Vec<Vec<Raised>> = appends.iter().map(Raised::all_of).collect();
        let spans = self.spans_of(&appends);
        let begun = now();
        let results = self.log.append_all(appends).await;
        metrics::histogram!("confirmd_append_seconds").record(begun.elapsed().as_secs_f64());
        self.tell_of_spans(spans, &results);
        for (alerts, _) in alerts.iter().zip(&results).filter(|(_, result)| result.is_ok()) {
            alerts.iter().for_each(Raised::tell);
        }
        results
    }

    async fn load(&self, id: &SessionId) -> Result<Vec<Recorded>, LogError> {
        let history = self.log.load(id).await?;
        self.tell_of_acts(id, &history);
        Ok(history)
    }

    async fn personal(&self, id: &SessionId) -> Result<PersonalRecord, LogError> {
        self.log.personal(id).await
    }

    async fn body(&self, id: &SessionId, body: BodyRef) -> Result<Option<Vec<u8>>, LogError> {
        self.log.body(id, body).await
    }

    async fn due(
        &self,
        share: &Share,
        until: Timestamp,
        overdue_since: Timestamp,
        passed_over: &[PassedOver],
        limit: u32,
    ) -> Result<Vec<Due>, LogError> {
        self.log
            .due(share, until, overdue_since, passed_over, limit)
            .await
    }

    async fn reschedule(&self, id: &SessionId, version: Version, schedule: Schedule) -> Result<(), LogError> {
        self.log.reschedule(id, version, schedule).await
    }

    async fn unsettled(&self, after: Option<&Scheduled>, limit: u32) -> Result<Vec<Scheduled>, LogError> {
        self.log.unsettled(after, limit).await
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a database's speed is measured in the machine's time"
)]
fn now() -> Instant {
    Instant::now()
}

/// Says in the program's log what the alerts topic says.
pub(crate) fn tell_of_notice(notice: &Notice) {
    let (kind, key) = (notice.kind.name(), &notice.key);
    if notice.firing {
        tracing::warn!(kind, "alert `{kind}` of `{key}`: {}", notice.summary);
    } else {
        tracing::info!(kind, "alert `{kind}` of `{key}` is over: {}", notice.summary);
    }
}

/// Counts dead letters by the notices of them.
pub(crate) struct CountedNotices(pub(crate) Log);

impl NoticeLog for CountedNotices {
    async fn record(&self, notice: &Notice) -> Result<(), LogError> {
        NoticeLog::record(&self.0, notice).await?;
        tell_of_notice(notice);
        if notice.kind == NoticeKind::DeadLetter {
            metrics::counter!("confirmd_dead_letters_total").increment(1);
        }
        Ok(())
    }

    async fn untold(&self, limit: u32) -> Result<Vec<Notice>, LogError> {
        NoticeLog::untold(&self.0, limit).await
    }

    async fn told(&self, notices: &[Notice]) -> Result<(), LogError> {
        NoticeLog::told(&self.0, notices).await
    }
}
