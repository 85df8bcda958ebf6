//! One process of confirmd, as the daemon drives it: whoever is due is advanced, whoever wants a token
//! waits for one, a sweep brings what memory has lost, and announcements go out. All of it but the log is
//! gone when it crashes.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use checkout::{AccountName, AlertKind, SessionId, Timestamp};
use reconciler::ports::{
    Call, Clock, Due, LogError, NoTurn, Outbox, Publish, PublishError, SessionLog, Share, Turns,
};
use reconciler::turns::{Line, Window};
use reconciler::{
    Act, ActError, Advanced, Announcement, Arrival, Content, Observed, Policies, Reconciler, announcement_at,
    publish,
};
use testkit::broker::{Delivery, RecordingBroker, RecordingOutlet};
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::fake_amazon::Turn;
use testkit::model::{mins, policy, secs};
use testkit::tasks::{Tasks, pause};

use super::amazon::SimAmazon;
use super::coverage::Reached;
use super::log::SimLog;
use super::mutant::Without;

type SimReconciler = Reconciler<SimLog, SimAmazon, SimClock, Seeded, RecordingOutlet>;

/// Small, so that it overflows.
const WINDOW: usize = 3;

/// What one of a worker's tasks has come to.
enum Ended {
    Observed(Vec<usize>, Observed<Turn>),
    Advanced(SessionId, Result<Advanced, LogError>),
    Swept(Result<Vec<Due>, LogError>),
    Announced,
    Operated(SessionId, Result<Advanced, ActError>),
}

/// A broker that refuses, and that loses acknowledgements.
#[derive(Clone)]
pub(crate) struct SimBroker {
    pub(crate) broker: RecordingBroker,
    pub(crate) chance: Seeded,
    pub(crate) rough: u64,
    pub(crate) without: Without,
}

/// What a worker would tell that does not wait for the proof.
fn too_early(announcement: &Announcement) -> Announcement {
    match announcement.content {
        Content::Alert {
            kind: AlertKind::Forsworn,
            firing: true,
            deadline,
            ..
        } => Announcement {
            content: Content::Cancelled {
                decided_at: announcement.recorded_at,
                deadline: deadline.at,
            },
            ..announcement.clone()
        },
        _ => announcement.clone(),
    }
}

impl Publish for SimBroker {
    async fn publish(&self, announcements: &[Announcement]) -> Vec<Result<(), PublishError>> {
        pause().await;
        let changed: Vec<Announcement>;
        let announcements = if self.without == Without::TheProofOfCancelling {
            changed = announcements.iter().map(too_early).collect();
            &changed
        } else {
            announcements
        };
        let results = self.broker.take(announcements, |_| {
            match (self.chance.percent(self.rough), self.chance.percent(50)) {
                (false, _) => Delivery::Acknowledged,
                (true, true) => Delivery::AckLost,
                (true, false) => Delivery::Refused,
            }
        });
        pause().await;
        results
    }
}

/// What a worker works with. All but its clock is everybody's.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) log: SimLog,
    pub(crate) amazon: SimAmazon,
    pub(crate) clock: SimClock,
    /// Whatever this machine's clock shows then.
    pub(crate) quiet_from: Timestamp,
    pub(crate) reached: Reached,
    pub(crate) chance: Seeded,
    pub(crate) broker: SimBroker,
}

pub(crate) struct Worker {
    parts: Parts,
    share: Share,
    reconciler: Arc<SimReconciler>,
    line: Line,
    busy: BTreeSet<SessionId>,
    tasks: Tasks<Ended>,
    sweep_at: Timestamp,
    sweeping: bool,
    tell_at: Timestamp,
    telling: bool,
}

/// What the driver hears of a worker's tasks.
pub(crate) enum News {
    /// These messages are on record, or are to be brought again.
    Observed(Vec<usize>, bool),
    Nothing,
}

impl Worker {
    /// Starts afresh: it knows what the log knows.
    pub(crate) fn start(parts: &Parts, share: Share) -> Self {
        let now = parts.clock.now();
        let line = Line::new(Window::new(WINDOW));
        let reconciler = Reconciler {
            log: parts.log.clone(),
            amazon: parts.amazon.clone(),
            clock: parts.clock.clone(),
            chance: parts.chance.clone(),
            outlet: RecordingOutlet::default(),
            policies: Policies {
                otherwise: policy(),
                of_account: BTreeMap::new(),
            },
            line: line.clone(),
        };
        Self {
            parts: parts.clone(),
            share,
            reconciler: Arc::new(reconciler),
            line,
            busy: BTreeSet::new(),
            tasks: Tasks::default(),
            sweep_at: now,
            sweeping: false,
            tell_at: now,
            telling: false,
        }
    }

    pub(crate) fn ready(&self) -> impl Iterator<Item = u64> {
        self.tasks.ready()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.tasks.ready().next().is_some()
    }

    pub(crate) fn is_idle(&self) -> bool {
        self.tasks.is_empty()
    }

    /// The process dies where it stands.
    pub(crate) fn crash(mut self) {
        self.tasks.crash();
    }

    /// Somebody else works these partitions from now on.
    pub(crate) fn works(&mut self, share: Share) {
        self.share = share;
    }

    /// A person acts upon a session.
    pub(crate) fn operate(&mut self, id: SessionId, act: Act) {
        let reconciler = self.reconciler.clone();
        self.tasks.spawn(async move {
            let operated = reconciler.operate(&id, act, "robin", "to see what happens").await;
            Ended::Operated(id, operated)
        });
    }

    pub(crate) fn observe(&mut self, messages: Vec<usize>, arrivals: Vec<Arrival>) {
        let reconciler = self.reconciler.clone();
        self.tasks.spawn(async move {
            let observed = reconciler.observe(arrivals).await;
            Ended::Observed(messages, observed)
        });
    }

    pub(crate) fn poll(&mut self, task: u64) -> News {
        match self.tasks.poll(task) {
            None => return News::Nothing,
            Some(Ended::Observed(messages, observed)) => {
                if let Some(error) = &observed.failed {
                    self.parts.reached.log_error(error);
                }
                for begun in observed.begun {
                    let reconciler = self.reconciler.clone();
                    let id = begun.id().clone();
                    self.busy.insert(id.clone());
                    self.tasks
                        .spawn(async move { Ended::Advanced(id, reconciler.send(begun).await) });
                }
                for (id, advanced) in observed.to_advance {
                    self.place(&id, advanced);
                }
                return News::Observed(messages, observed.failed.is_none());
            }
            Some(Ended::Advanced(id, advanced)) => {
                self.busy.remove(&id);
                let now = self.parts.clock.now();
                match advanced {
                    Ok(advanced) => self.place(&id, advanced),
                    Err(error) => {
                        self.parts.reached.log_error(&error);
                        self.line.window().sleep(&id, None, now, now.plus(secs(1)));
                    }
                }
            }
            Some(Ended::Operated(id, operated)) => match operated {
                Ok(advanced) => self.place(&id, advanced),
                Err(ActError::Refused(_)) => self.parts.reached.note("act refused"),
                Err(ActError::Log(error)) => self.parts.reached.log_error(&error),
            },
            Some(Ended::Swept(due)) => {
                self.sweeping = false;
                for due in due.unwrap_or_default() {
                    if !self.busy.contains(&due.id) {
                        self.line.window().note_due(&due);
                    }
                }
            }
            Some(Ended::Announced) => self.telling = false,
        }
        News::Nothing
    }

    fn place(&mut self, id: &SessionId, advanced: Advanced) {
        self.parts.reached.advanced(&advanced);
        if self.busy.contains(id) {
            return;
        }
        match advanced {
            Advanced::Rests => self.line.window().remove(id),
            Advanced::Waits {
                until,
                account,
                deadline,
            } => self.line.window().sleep(id, account.as_ref(), deadline, until),
            Advanced::NeedsTurn {
                account,
                call,
                because: NoTurn::Until(_) | NoTurn::Halted,
                claim,
                look_at,
            } => self.line.window().want(id, &account, claim, call, look_at),
            Advanced::NeedsTurn {
                because: NoTurn::UnknownAccount,
                ..
            } => self.line.window().remove(id),
        }
    }

    /// Begins whatever is to be done now. When something next is, unless it has begun something, by the time that
    /// is nobody's own.
    pub(crate) fn dispatch(&mut self) -> Option<Timestamp> {
        let now = self.parts.clock.now();
        let wake = || self.line.window().wake(now);
        for id in std::iter::from_fn(wake).collect::<Vec<_>>() {
            self.advance(id, None);
        }
        let wanted: Vec<(AccountName, Call)> = self.line.window().wanted().cloned().collect();
        let mut token_at = None;
        for (account, call) in wanted {
            loop {
                match self.parts.amazon.turn(&account, call) {
                    Ok(turn) => {
                        let pulled = self.line.window().pull(&account, call, now);
                        let Some(id) = pulled else { break };
                        self.advance(id, Some((call, turn)));
                    }
                    Err(NoTurn::Until(at)) => {
                        token_at = Some(token_at.map_or(at, |known: Timestamp| known.min(at)));
                        break;
                    }
                    Err(NoTurn::Halted | NoTurn::UnknownAccount) => break,
                }
            }
        }
        self.sweep(now);
        self.tell(now);
        let at_rest = self.parts.log.memory.is_at_rest();
        let sweep = (!self.sweeping && !at_rest).then_some(self.sweep_at);
        let tell = (!self.telling && !at_rest).then_some(self.tell_at);
        [self.line.window().next_wake(), token_at, sweep, tell]
            .into_iter()
            .flatten()
            .min()
            .map(|at| self.parts.clock.meant(at))
    }

    fn advance(&mut self, id: SessionId, turn: Option<(Call, Turn)>) {
        if !self.busy.insert(id.clone()) {
            return;
        }
        let reconciler = self.reconciler.clone();
        self.tasks.spawn(async move {
            let advanced = reconciler.advance(&id, turn).await;
            Ended::Advanced(id, advanced)
        });
    }

    /// What comes round seldom comes round often once it is quiet.
    fn after(&self, now: Timestamp, gap: Duration) -> Timestamp {
        let often = now.plus(gap.min(secs(20)));
        let quiet_from = self.parts.clock.shown(self.parts.quiet_from);
        now.plus(gap).min(often.max(quiet_from))
    }

    fn sweep(&mut self, now: Timestamp) {
        if self.sweeping || now < self.sweep_at {
            return;
        }
        let seldom = [secs(5), mins(30), mins(60), mins(120)];
        let gap = *self.parts.chance.pick(&seldom).expect("it is not empty");
        self.sweep_at = self.after(now, gap);
        self.sweeping = true;
        let (log, share) = (self.parts.log.clone(), self.share.clone());
        self.tasks.spawn(async move {
            let overdue_since = now.minus(mins(2));
            Ended::Swept(log.due(&share, now, overdue_since, &[], 3).await)
        });
    }

    fn tell(&mut self, now: Timestamp) {
        if self.telling {
            return;
        }
        let from_memory = self.reconciler.outlet.take();
        let is_time = self.tell_at <= now;
        if from_memory.is_empty() && !is_time {
            return;
        }
        if is_time {
            let gap = Duration::from_secs(5 + self.parts.chance.below(1200));
            self.tell_at = self.after(now, gap);
        }
        self.telling = true;
        let parts = self.parts.clone();
        self.tasks.spawn(async move {
            // A failure leaves it to the outbox.
            let _ = publish(&parts.broker, &parts.log, &from_memory).await;
            if is_time {
                let _ = drain(&parts).await;
            }
            Ended::Announced
        });
    }
}

/// Tells what memory has lost.
fn drain(parts: &Parts) -> impl Future<Output = Result<(), LogError>> + Send {
    let parts = parts.clone();
    async move {
        for _ in 0..8 {
            let until = parts.clock.now().minus(secs(5));
            let untold = parts.log.untold(until, 16).await?;
            if untold.is_empty() {
                break;
            }
            let mut announcements = Vec::new();
            for (id, version) in untold {
                let history = parts.log.load(&id).await?;
                announcements.extend(announcement_at(&id, &history, version));
            }
            publish(&parts.broker, &parts.log, &announcements).await?;
        }
        Ok(())
    }
}
