//! A state of the world, and what may happen besides what must.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use checkout::{AlertKind, Open, Outcome, Payment, Policy, Session, Statement};

use crate::amazon::{Amazon, Charge, Honours, How};
use crate::promises::Reached;
use crate::worker::{Doing, Read, Worker};

/// A guarantee that is taken out, to see the model miss it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Without {
    Nothing,
    /// Whoever comes second at a version is let through.
    ExpectedVersion,
    /// A request leaves without its intent on record.
    IntentRecord,
    /// What may have landed is sent again without asking.
    LookUpInDoubt,
    /// "Open" ends a doubt.
    StickyDoubt,
    /// An outcome is told when the worker decides, whoever was first in the log.
    RecordBeforeTelling,
    /// Past its deadline a session is taken to have expired.
    LookUpAfterDeadline,
    /// To decide not to confirm is told as the outcome.
    ProofOfCancel,
    /// A request that has waited for long leaves all the same.
    SendBy,
}

/// What may happen besides what must.
#[derive(Debug, Clone)]
pub(crate) struct Protocol {
    pub(crate) statement: Statement,
    pub(crate) policy: Policy,
    /// How many there are. One that crashes begins anew.
    pub(crate) workers: usize,
    /// The only instants that there are, from the session's creation on.
    pub(crate) instants: Vec<Duration>,
    /// How many attempts are begun at most.
    pub(crate) attempts: u8,
    /// How often the shop's event is delivered.
    pub(crate) deliveries: u8,
    /// How often at most an answer of Amazon is recorded and the log's answer lost. That it is lost for an intent
    /// is a crash right after.
    pub(crate) lost_commits: u8,
    pub(crate) honours: Honours,
    /// Whether errors come often enough that a new key is tried in doubt.
    pub(crate) rotates_keys: bool,
    /// What else Amazon makes of a request.
    pub(crate) manners: Vec<How>,
    pub(crate) buyer_may_cancel: bool,
    pub(crate) look_ups_may_fail: bool,
    /// What must be met on the way, so that the promises are not held by doing nothing.
    pub(crate) reaches: &'static [Reached],
    pub(crate) without: Without,
}

/// What an outcome says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    Captured,
    Authorized,
    Unpaid,
    Declined,
    Cancelled,
    Expired,
    Unresolved,
}

impl Verdict {
    pub(crate) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Confirmed { payment, .. } => match payment {
                Payment::Captured => Verdict::Captured,
                Payment::Authorized => Verdict::Authorized,
                Payment::None => Verdict::Unpaid,
            },
            Outcome::Declined { .. } => Verdict::Declined,
            Outcome::Cancelled { .. } => Verdict::Cancelled,
            Outcome::Expired => Verdict::Expired,
            Outcome::Unresolved { .. } => Verdict::Unresolved,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) instant: usize,
    /// Attempts that were begun: each draws its key from it.
    pub(crate) begun: u8,
    pub(crate) deliveries: u8,
    pub(crate) lost_commits: u8,
    pub(crate) log: Read,
    /// In an order of no meaning: a worker has no name.
    pub(crate) workers: [Worker; 2],
    pub(crate) amazon: Amazon,
    /// The outcomes on record, and whether whoever recorded each had Amazon's word for it.
    pub(crate) recorded: Vec<(Verdict, bool)>,
    /// The outcomes that the world was told.
    pub(crate) told: Vec<Verdict>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    /// To the next instant.
    TimePasses,
    /// The shop's event arrives at a worker.
    Hear(usize),
    /// It reads the log, because there is something to do.
    Read(usize),
    /// To confirm.
    Decide(usize),
    /// Its intent.
    Commit(usize),
    Send(usize),
    /// No byte leaves.
    FailToSend(usize),
    /// The connection breaks, or the answer is waited for no longer.
    Lose(usize),
    LookUp(usize),
    FailToLookUp(usize),
    LookUpCharge(usize),
    /// What it was answered.
    Record(usize),
    RecordAndLoseTheAnswer(usize),
    /// What needs no call.
    Note(usize),
    /// Only where a guarantee is taken out.
    GiveUp(usize),
    Crash(usize),
    /// The world is told what is on record.
    Tell,
    /// Amazon deals with a request.
    Deal(usize, How),
    DecidePayment(Charge),
    Expire,
    BuyerCancels,
}

impl World {
    pub(crate) fn new(deliveries: u8) -> Self {
        Self {
            instant: 0,
            begun: 0,
            deliveries,
            lost_commits: 0,
            log: Read::new(Session::Unseen),
            workers: [Worker::idle(), Worker::idle()],
            amazon: Amazon::new(),
            recorded: Vec::new(),
            told: Vec::new(),
        }
    }

    pub(crate) fn open(&self) -> Option<&Open> {
        match &*self.log {
            Session::Open(open) => Some(open),
            Session::Unseen | Session::PaymentPending(_) | Session::Settled(_) => None,
        }
    }

    pub(crate) fn has_told(&self, kind: AlertKind) -> bool {
        let subject = self.log.subject();
        subject.is_some_and(|subject| subject.alerts.iter().any(|alert| alert.kind == kind))
    }

    pub(crate) fn waits_for(&self, post: usize) -> bool {
        let waits = |worker: &Worker| matches!(worker.doing, Doing::Waits { post: of, .. } if of == post);
        self.workers.iter().any(waits)
    }

    /// One state for all that differ in nothing that matters.
    pub(crate) fn made_canonical(mut self) -> Self {
        // That a later delivery changes nothing is another test's.
        if *self.log != Session::Unseen {
            self.deliveries = 0;
        }
        for worker in self.workers.iter_mut().filter(|worker| worker.is_idle()) {
            *worker = Worker::idle();
        }
        let place = |worker: &Worker| {
            let mut hasher = DefaultHasher::new();
            worker.hash(&mut hasher);
            (worker.is_idle(), hasher.finish())
        };
        if place(&self.workers[1]) < place(&self.workers[0]) {
            self.workers.swap(0, 1);
        }
        self
    }
}
