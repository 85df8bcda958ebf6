//! One partition's way from the consumer to the log: one batch at a time, in the order of its offsets.

use std::collections::VecDeque;
use std::time::Duration;

use reconciler::ports::{Clock, LogError};
use reconciler::{Arrival, DeadLetter, KeepDeadLetters, NoticeLog, TakeIn};
use tokio_util::sync::CancellationToken;

use crate::dead_letter::DeadLetters;
use crate::intake::Limits;
use crate::marks::Generation;

/// More events than this that the log refuses for good, and the partition waits until a person has looked.
const MOST_REFUSED: usize = 100;

/// An event that was read and is not on record yet.
pub(crate) struct Pending {
    pub(crate) offset: i64,
    pub(crate) bytes: usize,
    pub(crate) arrival: Arrival,
}

/// What of a partition is in our memory.
pub(crate) struct Lane {
    pub(crate) generation: Generation,
    /// Told to librdkafka: nothing more of this partition for now.
    pub(crate) paused: bool,
    queue: VecDeque<Pending>,
    busy: bool,
    refused: usize,
    /// Queued, under way or refused, unreadable ones included.
    events: usize,
    bytes: usize,
}

impl Lane {
    pub(crate) fn new(generation: Generation) -> Self {
        Self {
            generation,
            paused: false,
            queue: VecDeque::new(),
            busy: false,
            refused: 0,
            events: 0,
            bytes: 0,
        }
    }

    pub(crate) fn events(&self) -> usize {
        self.events
    }

    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether it holds at least this share (one in `share`) of what it may.
    pub(crate) fn is_full(&self, limits: &Limits, share: usize) -> bool {
        self.events * share >= limits.partition_events || self.bytes * share >= limits.partition_bytes
    }

    pub(crate) fn accept(&mut self, pending: Pending) {
        self.count(pending.bytes);
        self.queue.push_back(pending);
    }

    /// One more event is held, though not in the queue.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.events += 1;
        self.bytes += bytes;
    }

    /// Whatever is there, up to the limits of a batch; none while the last one is under way.
    pub(crate) fn next_batch(&mut self, limits: &Limits) -> Option<Vec<Pending>> {
        if self.busy || self.queue.is_empty() || self.refused >= MOST_REFUSED {
            return None;
        }
        let mut bytes = 0;
        let fits = self
            .queue
            .iter()
            .take(limits.batch_events)
            .take_while(|pending| {
                bytes += pending.bytes;
                bytes <= limits.batch_bytes
            })
            .count();
        self.busy = true;
        // One that is larger than a batch is a batch.
        Some(self.queue.drain(..fits.max(1)).collect())
    }

    pub(crate) fn finished(&mut self, finished: &Finished) {
        self.events = self.events.saturating_sub(finished.done.len());
        self.bytes = self.bytes.saturating_sub(finished.bytes);
        match finished.errand {
            Errand::Batch => {
                self.busy = false;
                self.refused += finished.refused.len();
            }
            Errand::Refused => self.refused = self.refused.saturating_sub(finished.done.len()),
            Errand::DeadLetter => {}
        }
    }
}

/// What was under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errand {
    Batch,
    /// One event that the log refused before.
    Refused,
    DeadLetter,
}

/// What came of it. Not everything need be done: the rest is refused, or was given up because we stop.
pub(crate) struct Finished {
    pub(crate) partition: i32,
    pub(crate) generation: Generation,
    pub(crate) errand: Errand,
    /// Offsets of what is on record now.
    pub(crate) done: Vec<i64>,
    /// Their size.
    pub(crate) bytes: usize,
    /// The log will not have these as they are.
    pub(crate) refused: Vec<Pending>,
}

impl Finished {
    fn nothing(partition: i32, generation: Generation, errand: Errand) -> Self {
        Self {
            partition,
            generation,
            errand,
            done: Vec::new(),
            bytes: 0,
            refused: Vec::new(),
        }
    }

    fn add(&mut self, pending: &[Pending]) {
        self.done.extend(pending.iter().map(|pending| pending.offset));
        self.bytes += pending.iter().map(|pending| pending.bytes).sum::<usize>();
    }
}

/// Brings events to where they are on record, however long that takes.
pub(crate) struct Bringer<'a, T, K, N, C> {
    pub(crate) take_in: &'a T,
    pub(crate) dead_letters: &'a DeadLetters<'a, K, N>,
    pub(crate) clock: &'a C,
    pub(crate) stop: &'a CancellationToken,
    pub(crate) limits: &'a Limits,
}

impl<T: TakeIn, K: KeepDeadLetters, N: NoticeLog, C: Clock> Bringer<'_, T, K, N, C> {
    /// A batch that the log refuses is halved until what it refuses stands alone: one bad event must not
    /// keep its neighbours, whose clocks are ticking, from being taken in.
    pub(crate) async fn batch(
        &self,
        partition: i32,
        generation: Generation,
        batch: Vec<Pending>,
    ) -> Finished {
        let mut finished = Finished::nothing(partition, generation, Errand::Batch);
        let mut waits = self.waits();
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop() {
            let arrivals = part.iter().map(|pending| pending.arrival.clone()).collect();
            match self.take_in.take_in(arrivals).await {
                Ok(()) => {
                    finished.add(&part);
                    waits = self.waits();
                }
                Err(LogError::Rejected(_)) if part.len() > 1 => {
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Err(error @ LogError::Rejected(_)) => {
                    for pending in &part {
                        tracing::error!(
                            "the log refuses the event of session {} at {partition}/{}, which is tried again and again: {}",
                            pending.arrival.id,
                            pending.offset,
                            chain(&error)
                        );
                    }
                    finished.refused.append(&mut part);
                }
                Err(error @ (LogError::Unavailable(_) | LogError::Overtaken)) => {
                    parts.push(part);
                    if !self.wait(&mut waits, &error).await {
                        return finished;
                    }
                }
            }
        }
        finished
    }

    /// One event that the log has refused: it may be that the log can be mended.
    pub(crate) async fn refused(&self, partition: i32, generation: Generation, pending: Pending) -> Finished {
        let mut finished = Finished::nothing(partition, generation, Errand::Refused);
        let mut waits = self.waits();
        let mut error = LogError::Rejected("as told before".into());
        while self.wait(&mut waits, &error).await {
            match self.take_in.take_in(vec![pending.arrival.clone()]).await {
                Ok(()) => {
                    finished.add(&[pending]);
                    break;
                }
                Err(new) => error = new,
            }
        }
        finished
    }

    pub(crate) async fn dead_letter(
        &self,
        partition: i32,
        generation: Generation,
        (offset, bytes): (i64, usize),
        letter: DeadLetter,
    ) -> Finished {
        let mut finished = Finished::nothing(partition, generation, Errand::DeadLetter);
        let mut waits = self.waits();
        while let Err(error) = self.dead_letters.set_aside(&letter).await {
            if !self.wait(&mut waits, &error).await {
                return finished;
            }
        }
        finished.done.push(offset);
        finished.bytes = bytes;
        finished
    }

    /// False when there is nothing to wait for any more: we stop.
    async fn wait(&self, waits: &mut Waits, error: &LogError) -> bool {
        let wait = waits.next();
        tracing::warn!(
            wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            "events wait, because they cannot be recorded: {}",
            chain(error)
        );
        let until = self.clock.now().plus(wait);
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = self.clock.sleep_until(until) => true,
        }
    }

    fn waits(&self) -> Waits {
        Waits {
            next: self.limits.retry_first,
            most: self.limits.retry_max,
        }
    }
}

/// Doubles, up to a most.
pub(crate) struct Waits {
    pub(crate) next: Duration,
    pub(crate) most: Duration,
}

impl Waits {
    pub(crate) fn next(&mut self) -> Duration {
        let now = self.next.min(self.most);
        self.next = now.saturating_mul(2);
        now
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}
