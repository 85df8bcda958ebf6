//! Drives sessions: whoever is due is advanced, whoever needs a token waits for one, most urgent first.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use checkout::{AccountName, SessionId, Timestamp};
use reconciler::ports::{
    Call, Chance, Clock, ConfirmCheckout, Due, LogError, LookUp, NoTurn, Outlet, SessionLog, Turns,
};
use reconciler::{Advanced, Arrival, Begun, Reconciler, TakeIn};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::ProgramClock;
use crate::telemetry::traces::Traces;

/// Sessions of one account that are held in memory; the rest stays in the log's due index.
pub(crate) const WINDOW: usize = 2_000;
/// Sessions that are worked on at the same time.
const AT_ONCE: usize = 512;
/// Of these, those of one account: one that answers slowly is not to keep the others out.
const AT_ONCE_OF_ONE: usize = 128;
/// Of these, as many are kept for those that have waited for their turn.
const FOR_TOKENS: usize = 64;
/// So many of every account find room even when several such have taken all.
const ALWAYS: usize = 8;
/// Messages from intake and sweep that may wait.
const INBOX: usize = 64;
/// A session whose log was away is looked at again after this.
const AFTER_A_FAILURE: std::time::Duration = std::time::Duration::from_secs(1);

/// What the way in and the sweep hand over.
pub(crate) enum Handed<T> {
    /// Attempts on record that are to be sent now.
    Begun(Vec<Begun<T>>),
    /// Sessions that were just heard of, or acted upon.
    ToAdvance(Vec<(SessionId, Advanced)>),
    /// Sessions that the log says are due.
    Due(Vec<Due>),
    /// An account runs again: waiting sessions may have a turn.
    Resumed,
}

/// The way in to the work.
pub(crate) struct Inbox<T>(mpsc::Sender<Handed<T>>);

impl<T> Clone for Inbox<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Inbox<T> {
    /// Waits while the work is behind: that is the back-pressure of the way in. What is handed over while
    /// the work has stopped is dropped; the log has it.
    pub(crate) async fn hand(&self, handed: Handed<T>) {
        let _ = self.0.send(handed).await;
    }

    /// For hints, which may be lost.
    pub(crate) fn hint(&self, handed: Handed<T>) {
        let _ = self.0.try_send(handed);
    }
}

/// An inbox and its other end.
pub(crate) fn inbox<T>() -> (Inbox<T>, mpsc::Receiver<Handed<T>>) {
    let (sender, receiver) = mpsc::channel(INBOX);
    (Inbox(sender), receiver)
}

/// Takes arrivals in: on record first, then to work.
pub(crate) struct Observer<L, A: Turns, R, O> {
    pub(crate) reconciler: Arc<Reconciler<L, A, ProgramClock, R, O>>,
    pub(crate) inbox: Inbox<A::Turn>,
    pub(crate) traces: Traces,
}

impl<L, A, R, O> TakeIn for Observer<L, A, R, O>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    R: Chance,
    O: Outlet,
{
    async fn take_in(&self, mut arrivals: Vec<Arrival>) -> Result<(), LogError> {
        let _busy = self.reconciler.clock.busy();
        let count = arrivals.len();
        let spans = self.traces.begin(&mut arrivals, self.reconciler.clock.now());
        let observed = self.reconciler.observe(arrivals).await;
        let error = observed
            .failed
            .is_some()
            .then_some("the log did not take all: it is read again");
        self.traces.end_all(spans, self.reconciler.clock.now(), error);
        if !observed.begun.is_empty() {
            self.inbox.hand(Handed::Begun(observed.begun)).await;
        }
        if !observed.to_advance.is_empty() {
            self.inbox.hand(Handed::ToAdvance(observed.to_advance)).await;
        }
        if let Some(error) = observed.failed {
            return Err(error);
        }
        metrics::counter!("confirmd_observed_total").increment(count as u64);
        Ok(())
    }
}

/// Who is worked on, by account; sessions of no known account are an account together.
#[derive(Default)]
struct Slots {
    taken: usize,
    without_account: usize,
    by_account: HashMap<AccountName, usize>,
}

impl Slots {
    fn has_room(&self, account: Option<&AccountName>) -> bool {
        let taken = self.taken_by(account);
        taken < ALWAYS || (taken < AT_ONCE_OF_ONE && self.taken < AT_ONCE)
    }

    /// They leave some room for those of their account whose tokens come meanwhile.
    fn has_room_for_the_woken(&self, account: Option<&AccountName>) -> bool {
        self.has_room(account) && self.taken_by(account) < AT_ONCE_OF_ONE - FOR_TOKENS
    }

    fn taken_by(&self, account: Option<&AccountName>) -> usize {
        match account {
            Some(account) => self.by_account.get(account).copied().unwrap_or(0),
            None => self.without_account,
        }
    }

    /// Whether there is room or not: what has begun has begun.
    fn take(&mut self, account: Option<&AccountName>) {
        self.taken += 1;
        match account {
            Some(account) => *self.by_account.entry(account.clone()).or_default() += 1,
            None => self.without_account += 1,
        }
    }

    fn give_back(&mut self, account: Option<&AccountName>) {
        self.taken -= 1;
        match account {
            Some(account) => {
                if let Some(taken) = self.by_account.get_mut(account) {
                    *taken -= 1;
                    if *taken == 0 {
                        self.by_account.remove(account);
                    }
                }
            }
            None => self.without_account -= 1,
        }
    }
}

/// A session that has been worked on, its account, and how far it was taken.
type Done = (SessionId, Option<AccountName>, Result<Advanced, LogError>);

struct Work<L, A: Turns, R, O> {
    reconciler: Arc<Reconciler<L, A, ProgramClock, R, O>>,
    busy: HashSet<SessionId>,
    slots: Slots,
    running: JoinSet<Done>,
    /// When the next token is expected, of those that were asked for and not there.
    token_at: Option<Timestamp>,
}

/// Works until it is to stop, then lets what is in flight come to an end.
pub(crate) async fn work<L, A, R, O>(
    reconciler: Arc<Reconciler<L, A, ProgramClock, R, O>>,
    mut inbox: mpsc::Receiver<Handed<A::Turn>>,
    stop: CancellationToken,
) -> anyhow::Result<()>
where
    L: SessionLog + 'static,
    A: ConfirmCheckout + LookUp + 'static,
    A::Turn: 'static,
    R: Chance + 'static,
    O: Outlet + 'static,
{
    let mut work = Work {
        busy: HashSet::new(),
        slots: Slots::default(),
        running: JoinSet::new(),
        token_at: None,
        reconciler: reconciler.clone(),
    };
    loop {
        work.dispatch();
        let wake_at = work.wake_at();
        let timer = async {
            match wake_at {
                Some(at) => reconciler.clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = work.running.join_next() => work.ended(ended)?,
            handed = inbox.recv() => match handed {
                Some(handed) => work.handed(handed),
                None => break,
            },
            () = timer => {}
        }
    }
    // What is in flight is finished, and what the way in has still put on record is sent; what does not come
    // to an end within the grace is in doubt on record already.
    loop {
        tokio::select! {
            Some(ended) = work.running.join_next() => work.ended(ended)?,
            handed = inbox.recv() => match handed {
                Some(Handed::Begun(begun)) => begun.into_iter().for_each(|begun| work.send(begun)),
                Some(Handed::ToAdvance(_) | Handed::Due(_) | Handed::Resumed) => {}
                None => break,
            },
        }
    }
    while let Some(ended) = work.running.join_next().await {
        work.ended(ended)?;
    }
    Ok(())
}

impl<L, A, R, O> Work<L, A, R, O>
where
    L: SessionLog + 'static,
    A: ConfirmCheckout + LookUp + 'static,
    A::Turn: 'static,
    R: Chance + 'static,
    O: Outlet + 'static,
{
    fn handed(&mut self, handed: Handed<A::Turn>) {
        match handed {
            Handed::Begun(begun) => begun.into_iter().for_each(|begun| self.send(begun)),
            Handed::ToAdvance(sessions) => {
                for (id, advanced) in sessions {
                    self.place(&id, advanced);
                }
            }
            Handed::Due(due) => {
                for due in due {
                    if !self.busy.contains(&due.id) {
                        self.reconciler.line.window().note_due(&due);
                    }
                }
            }
            Handed::Resumed => {}
        }
    }

    /// Whoever wants a token that is there gets it; then whoever is awake is advanced. In this order: thousands that wake
    /// at once must not take all the room while tokens lapse.
    fn dispatch(&mut self) {
        self.token_at = None;
        let now = self.reconciler.clock.now();
        let wanted: Vec<(AccountName, Call)> = self.reconciler.line.window().wanted().cloned().collect();
        for (account, call) in wanted {
            while self.slots.has_room(Some(&account)) {
                let turn = match self.reconciler.amazon.turn(&account, call) {
                    Ok(turn) => turn,
                    Err(NoTurn::Until(at)) => {
                        self.token_at = Some(self.token_at.map_or(at, |known| known.min(at)));
                        break;
                    }
                    Err(NoTurn::Halted | NoTurn::UnknownAccount) => break,
                };
                let pulled = self.reconciler.line.window().pull(&account, call, now);
                match pulled {
                    Some(id) => self.advance(id, Some(account.clone()), Some((call, turn))),
                    None => break,
                }
            }
        }
        loop {
            let has_room = |account: Option<&AccountName>| self.slots.has_room_for_the_woken(account);
            let woken = self.reconciler.line.window().wake_where(now, has_room);
            match woken {
                Some((id, account)) => self.advance(id, account, None),
                None => break,
            }
        }
    }

    fn wake_at(&self) -> Option<Timestamp> {
        // Whoever has no room is looked at when somebody has made some.
        let has_room = |account: Option<&AccountName>| self.slots.has_room_for_the_woken(account);
        let next = self.reconciler.line.window().next_wake_where(has_room);
        next.into_iter().chain(self.token_at).min()
    }

    fn advance(&mut self, id: SessionId, account: Option<AccountName>, turn: Option<(Call, A::Turn)>) {
        if !self.busy.insert(id.clone()) {
            return;
        }
        self.slots.take(account.as_ref());
        let reconciler = self.reconciler.clone();
        let busy = reconciler.clock.busy();
        self.running.spawn(async move {
            let advanced = reconciler.advance(&id, turn).await;
            drop(busy);
            (id, account, advanced)
        });
    }

    fn send(&mut self, begun: Begun<A::Turn>) {
        let id = begun.id().clone();
        let account = Some(begun.account().clone());
        self.busy.insert(id.clone());
        self.slots.take(account.as_ref());
        let reconciler = self.reconciler.clone();
        let busy = reconciler.clock.busy();
        self.running.spawn(async move {
            let advanced = reconciler.send(begun).await;
            drop(busy);
            (id, account, advanced)
        });
    }

    fn ended(&mut self, ended: Result<Done, tokio::task::JoinError>) -> anyhow::Result<()> {
        let (id, account, advanced) = ended?;
        self.busy.remove(&id);
        self.slots.give_back(account.as_ref());
        match advanced {
            Ok(advanced) => self.place(&id, advanced),
            Err(error) => {
                tracing::warn!(session.id = %id, error = &error as &dyn std::error::Error, "`{id}` could not be advanced");
                // Its place in the due index is in the log; until that is back it is tried from here.
                let now = self.reconciler.clock.now();
                let again_at = now.plus(AFTER_A_FAILURE);
                self.reconciler.line.window().sleep(&id, None, now, again_at);
            }
        }
        Ok(())
    }

    fn place(&mut self, id: &SessionId, advanced: Advanced) {
        if self.busy.contains(id) {
            // Its worker loads what was just recorded, or is overtaken by it and loads it then; and the sweep
            // looks once more.
            return;
        }
        let mut window = self.reconciler.line.window();
        match advanced {
            Advanced::Rests => window.remove(id),
            Advanced::Waits {
                until,
                account,
                deadline,
            } => {
                window.sleep(id, account.as_ref(), deadline, until);
            }
            Advanced::NeedsTurn {
                account,
                call,
                because: _,
                claim,
                look_at,
            } => {
                window.want(id, &account, claim, call, look_at);
            }
        }
    }
}

#[cfg(test)]
mod tests;
