//! How far each partition may be committed: up to the first event that is not on record yet.
//!
//! ```text
//!   received  17  18  19  21  22        (20 does not exist: offsets have holes)
//!   on record  ✓   ✓       ✓            ─► commit 19: the next to read
//! ```
//!
//! An assignment is a generation: what an older one completes says nothing about the present one, which
//! began to read where the group had committed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One assignment of one partition, never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Generation(u64);

/// The low-water marks of the partitions assigned now.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    generations: u64,
    partitions: BTreeMap<i32, Mark>,
}

#[derive(Debug)]
struct Mark {
    generation: Generation,
    /// In the order of their offsets, from the first that is not on record.
    received: VecDeque<(i64, bool)>,
    /// The highest offset received.
    last: Option<i64>,
    /// The next to read, once something is on record.
    mark: Option<i64>,
    /// What the broker was told.
    committed: Option<i64>,
}

impl Mark {
    fn new(generation: Generation) -> Self {
        Self {
            generation,
            received: VecDeque::new(),
            last: None,
            mark: None,
            committed: None,
        }
    }
}

impl Marks {
    /// These partitions are read from now on, from wherever the group stands.
    pub(crate) fn assigned(&mut self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            let generation = self.next_generation();
            self.partitions.insert(partition, Mark::new(generation));
        }
    }

    fn next_generation(&mut self) -> Generation {
        self.generations += 1;
        Generation(self.generations)
    }

    /// These partitions are somebody else's.
    pub(crate) fn revoked(&mut self, partitions: impl IntoIterator<Item = i32>) {
        for partition in partitions {
            self.partitions.remove(&partition);
        }
    }

    /// Those assigned now.
    pub(crate) fn partitions(&self) -> BTreeSet<u32> {
        self.partitions
            .keys()
            .filter_map(|partition| u32::try_from(*partition).ok())
            .collect()
    }

    /// The present assignment of a partition; none if it is not ours.
    pub(crate) fn generation(&self, partition: i32) -> Option<Generation> {
        self.partitions.get(&partition).map(|mark| mark.generation)
    }

    /// An event has come, and may be committed past only when it is on record. An offset that is not past
    /// the last one (the topic was made anew, or reading was reset) begins a generation of its own.
    pub(crate) fn received(&mut self, partition: i32, offset: i64) -> Option<Generation> {
        let next = Generation(self.generations + 1);
        let mark = self.partitions.get_mut(&partition)?;
        if mark.last.is_some_and(|last| offset <= last) {
            self.generations = next.0;
            *mark = Mark::new(next);
        }
        mark.last = Some(offset);
        mark.received.push_back((offset, false));
        Some(mark.generation)
    }

    /// An event is on record. Ignored if the assignment it was received under is over.
    pub(crate) fn done(&mut self, partition: i32, generation: Generation, offset: i64) {
        let Some(mark) = self.partitions.get_mut(&partition) else {
            return;
        };
        if mark.generation != generation {
            return;
        }
        let Ok(at) = mark.received.binary_search_by_key(&offset, |(offset, _)| *offset) else {
            return;
        };
        mark.received[at].1 = true;
        while let Some((offset, true)) = mark.received.front() {
            mark.mark = Some(offset + 1);
            mark.received.pop_front();
        }
    }

    /// How many events of a partition stand between its mark and the last received.
    pub(crate) fn outstanding(&self, partition: i32) -> usize {
        self.partitions
            .get(&partition)
            .map_or(0, |mark| mark.received.len())
    }

    /// Whether some mark has moved since the last [`Self::take_moved`].
    pub(crate) fn moved(&self) -> bool {
        self.partitions.values().any(|mark| mark.mark != mark.committed)
    }

    /// Where to go on reading, of each partition whose mark has moved; taken as committed from now on.
    pub(crate) fn take_moved(&mut self) -> Vec<(i32, i64)> {
        let moved = self.partitions.iter_mut().filter_map(|(partition, mark)| {
            let next = mark.mark.filter(|_| mark.mark != mark.committed)?;
            mark.committed = Some(next);
            Some((*partition, next))
        });
        moved.collect()
    }

    /// The broker did not take the last commit of this partition.
    pub(crate) fn not_committed(&mut self, partition: i32) {
        if let Some(mark) = self.partitions.get_mut(&partition) {
            mark.committed = None;
        }
    }
}

#[cfg(test)]
mod tests;
