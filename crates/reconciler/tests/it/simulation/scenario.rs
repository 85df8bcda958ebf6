//! Everything that one run is made of, drawn from its seed. A failing one is shrunk by taking parts out of it.

use std::collections::BTreeSet;
use std::time::Duration;

use checkout::{Class, Timestamp};
use reconciler::ports::Call;
use testkit::chance::Seeded;
use testkit::fake_amazon::{Guards, Manners, Quota, Trouble, Weather};
use testkit::model::{hours, secs, t0};

use super::plan::{Planned, plan};

/// A sort of disturbance that comes from elsewhere than Amazon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Disturbance {
    /// The log does not answer, or its answer is lost.
    Log,
    /// The broker refuses, or its acknowledgement is lost.
    Broker,
    /// A process dies and comes back.
    Crashes,
    /// All processes are gone for minutes or hours.
    Outages,
    /// A process stands still for an hour, and then goes on where it was.
    Pauses,
    /// The time jumps for everybody.
    Stalls,
    /// Partitions move from worker to worker.
    Rebalances,
    /// All machines are off by up to ten minutes, in one direction.
    Skew,
    /// A machine is off by up to half an hour, and off otherwise a while later.
    ClockJumps,
    /// Offsets are lost, so that messages come again.
    Redelivery,
    /// People retry, release and forswear.
    Operators,
}

impl Disturbance {
    const ALL: [Self; 11] = [
        Self::Log,
        Self::Broker,
        Self::Crashes,
        Self::Outages,
        Self::Pauses,
        Self::Stalls,
        Self::Rebalances,
        Self::Skew,
        Self::ClockJumps,
        Self::Redelivery,
        Self::Operators,
    ];
}

/// One run.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) sessions: Vec<Planned>,
    pub(crate) workers: usize,
    pub(crate) weather: Weather,
    pub(crate) quotas: Vec<(Call, Quota)>,
    pub(crate) disturbances: BTreeSet<Disturbance>,
    /// From here on Amazon makes no trouble, so that what can be confirmed must be.
    pub(crate) calm_from: Timestamp,
    /// From here on nothing else does.
    pub(crate) quiet_from: Timestamp,
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let chance = Seeded::new(seed);
        let guards = *of(&chance, &[Guards::Both, Guards::KeyAlone, Guards::SingleUseAlone]);
        let sessions = plan(&chance.fork(), guards);
        let troubles = some_of(&chance, &Trouble::ALL);
        let mut disturbances: BTreeSet<_> = some_of(&chance, &Disturbance::ALL).into_iter().collect();
        loop {
            // They would be one.
            if disturbances.contains(&Disturbance::ClockJumps) {
                disturbances.remove(&Disturbance::Skew);
            }
            if troubles.len() + disturbances.len() >= 3 {
                break;
            }
            disturbances.insert(*of(&chance, &Disturbance::ALL));
        }
        let calm_from = t0().plus(*of(&chance, &[hours(3), hours(12), hours(22)]));
        let quiet_from = t0().plus(*of(
            &chance,
            &[hours(3), hours(19), Duration::from_secs(23 * 3600)],
        ));
        let mut quotas = Vec::new();
        for call in [Call::Confirm, Call::LookUp, Call::Charge] {
            if chance.percent(30) {
                let (burst, every) = (4, secs(1 + chance.below(10)));
                quotas.push((call, Quota { burst, every }));
            }
        }
        Self {
            seed,
            sessions,
            workers: *of(&chance, &[2, 2, 3]),
            weather: Weather {
                rough: *of(&chance, &[10, 20, 50, 80]),
                troubles,
                calm_from: Some(calm_from),
                latency: secs(chance.below(4)),
                manners: manners(&chance, guards),
                guards,
            },
            quotas,
            disturbances,
            calm_from,
            quiet_from,
        }
    }

    pub(crate) fn has(&self, disturbance: Disturbance) -> bool {
        self.disturbances.contains(&disturbance)
    }

    /// How many sorts of fault it has.
    pub(crate) fn kinds(&self) -> usize {
        self.weather.troubles.len() + self.disturbances.len()
    }

    /// Everything that is as much a run and has less in it, the greatest steps first.
    pub(crate) fn smaller(&self) -> Vec<Self> {
        let mut smaller = Vec::new();
        let count = self.sessions.len();
        let mut part = count.div_ceil(2);
        while part > 0 && count > 1 {
            for from in (0..count).step_by(part) {
                let mut less = self.clone();
                less.sessions.drain(from..(from + part).min(count));
                if !less.sessions.is_empty() {
                    smaller.push(less);
                }
            }
            part /= 2;
        }
        for disturbance in &self.disturbances {
            let mut less = self.clone();
            less.disturbances.remove(disturbance);
            smaller.push(less);
        }
        for place in 0..self.weather.troubles.len() {
            let mut less = self.clone();
            less.weather.troubles.remove(place);
            smaller.push(less);
        }
        for place in 0..self.quotas.len() {
            let mut less = self.clone();
            less.quotas.remove(place);
            smaller.push(less);
        }
        for place in 0..self.sessions.len() {
            // A repetition; without what the shop has said it would be another session.
            let mut less = self.clone();
            let messages = &mut less.sessions[place].messages;
            let last = messages.pop();
            if last.is_some_and(|(_, last)| messages.iter().any(|(_, other)| *other == last)) {
                smaller.push(less);
            }
        }
        if self.workers > 2 {
            let mut less = self.clone();
            less.workers = 2;
            smaller.push(less);
        }
        smaller
    }
}

fn of<'a, T>(chance: &Seeded, these: &'a [T]) -> &'a T {
    chance.pick(these).expect("it is not empty")
}

fn some_of<T: Copy>(chance: &Seeded, all: &[T]) -> Vec<T> {
    let share = *of(chance, &[15, 35, 60]);
    all.iter().copied().filter(|_| chance.percent(share)).collect()
}

/// What no document says of Amazon, any way that it may be.
fn manners(chance: &Seeded, guards: Guards) -> Manners {
    let sometimes = |most| {
        let lag = Duration::from_secs(chance.below(most));
        if chance.percent(50) { lag } else { Duration::ZERO }
    };
    let one_of = |classes: &[Class]| *of(chance, classes);
    let (ours, content) = (Class::Fix { content: false }, Class::Fix { content: true });
    let drawn = Manners {
        replays_errors: chance.percent(50),
        replays_confirmations: chance.percent(50),
        look_up_lag: sometimes(900),
        pending_is_completed: chance.percent(50),
        finalize_answers_202: chance.percent(50),
        expiry_lag: sometimes(7200),
        arrival_counts: chance.percent(50),
        canceled_refusal: one_of(&[Class::Ask, Class::Final, ours]),
        ending_refusal: one_of(&[Class::Ask, Class::Final, ours]),
        content_refusal: one_of(&[ours, content]),
        shows_charges_that_are_none: chance.percent(50),
    };
    match guards {
        Guards::Both | Guards::SingleUseAlone => drawn,
        // A key that guards alone is honoured, and one error for ever would ask for another key.
        Guards::KeyAlone => Manners {
            replays_errors: false,
            replays_confirmations: true,
            ..drawn
        },
    }
}
