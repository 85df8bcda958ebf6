//! Finds what is due and nobody holds: after a crash, from another replica, from an import, or beyond the
//! window. The truth is in the database; a tick only says when to look.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use checkout::Timestamp;
use reconciler::Reconciler;
use reconciler::ports::{
    Chance, Clock, ConfirmCheckout, LogError, LookUp, Outlet, Scheduled, SessionLog, Share,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::schedule::Tick;
use super::work::{Handed, Inbox, WINDOW};
use crate::clock::ProgramClock;
use crate::service;

/// What falls due until the next ticks is taken along, so that it is not late.
const AHEAD: Duration = Duration::from_secs(5);
/// What another replica has left lying for so long is anybody's.
const OVERDUE: Duration = Duration::from_secs(2 * 60);
/// Without an assignment for so long after the start, everything is ours.
const WITHOUT_ASSIGNMENT: Duration = Duration::from_secs(5);
/// Sessions whose rows are compared with the rules at a tick, after the start: 100,000 take some eight minutes.
const PORTION: u32 = 200;
/// Partitions that imports count on where the topic's number is not known.
const IMPORT_PARTITIONS: u32 = 64;

/// The partitions that Kafka has assigned, and how many the topic has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) partitions: Option<BTreeSet<u32>>,
    pub(crate) count: Option<u32>,
}

impl Assignment {
    /// Tells operators; they have to see who works what, and when the group has come to rest.
    pub(crate) fn say(&self) {
        if let Some(partitions) = &self.partitions {
            let partitions: Vec<String> = partitions.iter().map(u32::to_string).collect();
            tracing::info!("this replica works the partitions [{}]", partitions.join(", "));
        }
    }

    /// Whose sessions this replica works. None until it is known, or until waiting for it is over.
    fn share(&self, waited: bool) -> Option<Share> {
        match &self.partitions {
            Some(partitions) => Some(Share::Partitions(self.with_imports(partitions))),
            None => waited.then_some(Share::All),
        }
    }

    /// The same for a task that began at `started_at`.
    pub(super) fn share_since(&self, started_at: Timestamp, now: Timestamp) -> Option<Share> {
        self.share(WITHOUT_ASSIGNMENT <= now.since(started_at))
    }

    /// A replica's part of every quota is its part of the partitions. Alone until it is known.
    #[expect(clippy::cast_precision_loss, reason = "partitions are counted in thousands")]
    pub(crate) fn share_of_quota(&self) -> f64 {
        match (&self.partitions, self.count) {
            (Some(partitions), Some(count)) if count > 0 => partitions.len() as f64 / f64::from(count),
            _ => 1.0,
        }
    }

    /// An import may have counted on more partitions than the topic has: those beyond wrap around.
    fn with_imports(&self, partitions: &BTreeSet<u32>) -> BTreeSet<u32> {
        let count = self.count.filter(|count| *count > 0);
        match count {
            Some(count) => (0..IMPORT_PARTITIONS.max(count))
                .filter(|partition| partitions.contains(&(partition % count)))
                .collect(),
            None => partitions.clone(),
        }
    }
}

/// Goes over every unsettled session once after the start: the rules may not be those by which its row was
/// written, and no fact may come of it for hours.
enum AfterTheStart {
    /// Those behind this one are still to come; all of them where there is none.
    Behind(Option<Scheduled>),
    Done,
}

impl AfterTheStart {
    async fn go_on<L, A, R, O>(self, reconciler: &Reconciler<L, A, ProgramClock, R, O>) -> Self
    where
        L: SessionLog,
        A: ConfirmCheckout + LookUp,
        R: Chance,
        O: Outlet,
    {
        let Self::Behind(after) = self else {
            return Self::Done;
        };
        match reconciler.reschedule(after.as_ref(), PORTION).await {
            Ok(Some(last)) => Self::Behind(Some(last)),
            Ok(None) => Self::Done,
            Err(error) => {
                warn("sessions cannot be compared with the rules yet", &error);
                Self::Behind(after)
            }
        }
    }
}

fn warn(what: &str, error: &LogError) {
    let error = error as &dyn std::error::Error;
    tracing::warn!(error, "{what}");
}

/// Hands over what is due at every tick until it is to stop.
pub(crate) async fn run<L, A, R, O>(
    reconciler: Arc<Reconciler<L, A, ProgramClock, R, O>>,
    inbox: Inbox<A::Turn>,
    assignment: watch::Receiver<Assignment>,
    mut tick: Tick,
    stop: CancellationToken,
) -> anyhow::Result<()>
where
    L: SessionLog,
    A: ConfirmCheckout + LookUp,
    R: Chance,
    O: Outlet,
{
    let Reconciler { log, clock, .. } = &*reconciler;
    let started_at = clock.now();
    let mut after_the_start = AfterTheStart::Behind(None);
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = tick.changed() => if changed.is_err() { return Ok(()) },
        }
        // Whoever does not come back here, because the work takes nothing more, is stuck.
        service::goes_on();
        let now = clock.now();
        let share = assignment.borrow().share_since(started_at, now);
        let Some(share) = share else { continue };
        let limit = u32::try_from(WINDOW).unwrap_or(u32::MAX);
        let (until, overdue_since) = (now.plus(AHEAD), now.minus(OVERDUE));
        let passed_over = reconciler.line.window().passed_over();
        match log.due(&share, until, overdue_since, &passed_over, limit).await {
            Ok(due) if due.is_empty() => {}
            Ok(due) => inbox.hand(Handed::Due(due)).await,
            Err(error) => warn("what is due cannot be read; what is in memory goes on", &error),
        }
        after_the_start = after_the_start.go_on(&reconciler).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assignment(partitions: &[u32], count: u32) -> Assignment {
        Assignment {
            partitions: Some(partitions.iter().copied().collect()),
            count: Some(count),
        }
    }

    #[test]
    fn without_an_assignment_everything_is_ours_once_waiting_is_over() {
        let none = Assignment::default();
        assert_eq!(none.share(false), None);
        assert_eq!(none.share(true), Some(Share::All));
    }

    #[test]
    fn every_import_partition_belongs_to_exactly_one_replica() {
        let (one, other) = (assignment(&[0, 2], 3), assignment(&[1], 3));
        let (Some(Share::Partitions(one)), Some(Share::Partitions(other))) =
            (one.share(false), other.share(false))
        else {
            panic!("both have a share")
        };
        assert!(one.is_disjoint(&other));
        assert_eq!(one.union(&other).count(), 64);
        assert!(
            one.contains(&0) && one.contains(&2) && other.contains(&1),
            "the topic's own stay where they are"
        );
    }

    #[test]
    fn the_share_of_the_quota_is_the_share_of_the_partitions() {
        assert!((Assignment::default().share_of_quota() - 1.0).abs() < f64::EPSILON);
        assert!((assignment(&[0, 2], 4).share_of_quota() - 0.5).abs() < f64::EPSILON);
        assert!(assignment(&[], 4).share_of_quota().abs() < f64::EPSILON);
    }

    #[test]
    fn an_empty_assignment_is_no_share_of_anything() {
        assert_eq!(
            assignment(&[], 3).share(true),
            Some(Share::Partitions(BTreeSet::new()))
        );
    }
}
