//! One run: whose future goes on, who crashes and when the clock jumps, all drawn from the seed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkout::{Class, Event, Timestamp};
use reconciler::Arrival;
use reconciler::ports::{Attempt, Call, Clock, Share};
use testkit::broker::RecordingBroker;
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::fake_amazon::{FakeAmazon, Manners, Quota, Weather};
use testkit::memory_log::MemoryLog;
use testkit::model::{hours, secs, t0};

use super::check::{Violation, check};
use super::log::{SimLog, Without};
use super::plan::{CALM_AFTER, Planned, plan};
use super::worker::{News, Shared, SimBroker, Worker};

/// Longer than any session lives, and than Amazon keeps one.
const DAYS: u64 = 40;

/// Where a message of the shop stands.
struct Message {
    arrival: Arrival,
    at: Timestamp,
    in_hand: Option<usize>,
    taken: bool,
}

struct Run {
    shared: Shared,
    workers: Vec<Result<Worker, Timestamp>>,
    messages: Vec<Message>,
    crashes: u64,
    chance: Seeded,
}

/// Runs one seed for at most so many polls; what it has violated, if anything.
pub(crate) fn run_at_most(seed: u64, without: Without, polls: u32) -> Vec<Violation> {
    let chance = Seeded::new(seed);
    let clock = SimClock::at(t0());
    let calm_from = t0().plus(CALM_AFTER);
    let amazon = FakeAmazon::new(clock.clone(), chance.fork());
    let planned = plan(&chance.fork());
    weather(&amazon, &chance, calm_from);
    for one in &planned {
        if let Some(checkout) = &one.checkout {
            amazon.open(&one.id, checkout.clone());
        }
    }
    let memory = MemoryLog::default();
    let unrecorded = Arc::new(Mutex::new(Vec::new()));
    watch_intents(&amazon, &memory, &unrecorded);
    let shared = Shared {
        log: SimLog {
            memory: memory.clone(),
            clock: clock.clone(),
            chance: chance.fork(),
            rough: chance.below(4),
            calm_from,
            without,
        },
        amazon: amazon.clone(),
        clock: clock.clone(),
        chance: chance.fork(),
        broker: SimBroker {
            broker: RecordingBroker::default(),
            chance: chance.fork(),
            rough: chance.below(30),
        },
    };
    let mut run = Run {
        workers: (0..2)
            .map(|number| Ok(Worker::start(&shared, share(number))))
            .collect(),
        messages: messages(&planned),
        crashes: chance.below(6),
        shared,
        chance: chance.fork(),
    };
    let came_to_rest = run.drive(polls);
    clock.advance(hours(48));
    let mut violations = std::mem::take(&mut *unrecorded.lock().expect("nobody panics while noting"));
    if !came_to_rest {
        let unsettled: Vec<_> = planned
            .iter()
            .map(|one| (one.id.as_str(), memory.story(&one.id)))
            .collect();
        violations.push(Violation::new("it never comes to rest", format!("{unsettled:?}")));
    }
    let delivered = run.shared.broker.broker.delivered();
    violations.extend(check(&planned, &memory, &amazon, &delivered));
    violations
}

fn share(number: u32) -> Share {
    Share::Partitions(BTreeSet::from([number * 2, number * 2 + 1]))
}

fn weather(amazon: &FakeAmazon, chance: &Seeded, calm_from: Timestamp) {
    amazon.weather(Weather {
        rough: *chance.pick(&[0, 20, 50, 80]).expect("it is not empty"),
        calm_from: Some(calm_from),
        latency: secs(chance.below(4)),
        manners: manners(chance),
    });
    for call in [Call::Confirm, Call::LookUp, Call::Charge] {
        if chance.percent(30) {
            let (burst, every) = (2, secs(1 + chance.below(20)));
            amazon.quota(call, Quota { burst, every });
        }
    }
}

/// What no document says of Amazon, any way that it may be.
fn manners(chance: &Seeded) -> Manners {
    let sometimes = |most| {
        let lag = Duration::from_secs(chance.below(most));
        if chance.percent(50) { lag } else { Duration::ZERO }
    };
    let one_of = |classes: &[Class]| *chance.pick(classes).expect("it is not empty");
    let (ours, content) = (Class::Fix { content: false }, Class::Fix { content: true });
    Manners {
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
    }
}

/// Whatever leaves has its intent on record, with the same key and the same bytes.
fn watch_intents(amazon: &FakeAmazon, log: &MemoryLog, unrecorded: &Arc<Mutex<Vec<Violation>>>) {
    let (log, unrecorded) = (log.clone(), unrecorded.clone());
    amazon.on_leaving(move |attempt: &Attempt| {
        let recorded = log.look(&attempt.id, |kept| {
            kept.facts.iter().any(|fact| match &fact.event {
                Event::ConfirmationStarted { key, body, .. } => {
                    *key == attempt.key && kept.bodies.get(body) == Some(&attempt.body)
                }
                _ => false,
            })
        });
        if recorded != Some(true) {
            let story = log.story(&attempt.id);
            let violation = Violation::new(
                "a request left without its intent on record",
                format!("{story:?}"),
            );
            unrecorded
                .lock()
                .expect("nobody panics while noting")
                .push(violation);
        }
    });
}

fn messages(planned: &[Planned]) -> Vec<Message> {
    let mut messages: Vec<Message> = planned
        .iter()
        .flat_map(|one| one.messages.iter())
        .map(|(at, arrival)| Message {
            arrival: arrival.clone(),
            at: *at,
            in_hand: None,
            taken: false,
        })
        .collect();
    messages.sort_by_key(|message| message.at);
    messages
}

impl Run {
    /// Whether everything came to rest.
    fn drive(&mut self, polls: u32) -> bool {
        let end = t0().plus(hours(24 * DAYS));
        for _ in 0..polls {
            self.disturb();
            if self.poll_one() {
                continue;
            }
            let next = self.dispatch_all();
            if self
                .workers
                .iter()
                .flatten()
                .any(|worker| !worker.ready().is_empty())
            {
                continue;
            }
            if self.is_over() {
                return true;
            }
            match next {
                Some(at) if at < end => self.shared.clock.move_to(at),
                _ => return false,
            }
        }
        false
    }

    fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }

    /// A process dies, or everything stands still for a moment.
    fn disturb(&mut self) {
        if self.crashes > 0 && self.chance.below(150) == 0 {
            self.crashes -= 1;
            let victim = usize::try_from(self.chance.below(2)).unwrap_or(0);
            let back_at = self.now().plus(Duration::from_secs(self.chance.below(300)));
            if let Ok(worker) = std::mem::replace(&mut self.workers[victim], Err(back_at)) {
                worker.crash();
                for message in self.messages.iter_mut().filter(|one| one.in_hand == Some(victim)) {
                    message.in_hand = None;
                }
            }
        }
        if self.chance.below(300) == 0 {
            let stall = [secs(1), secs(3), secs(40)];
            let stall = *self.chance.pick(&stall).expect("it is not empty");
            self.shared.clock.advance(stall);
        }
    }

    /// Lets one future go on; false if none can.
    fn poll_one(&mut self) -> bool {
        let ready: Vec<(usize, u64)> = self
            .workers
            .iter()
            .enumerate()
            .filter_map(|(number, worker)| Some((number, worker.as_ref().ok()?)))
            .flat_map(|(number, worker)| worker.ready().into_iter().map(move |task| (number, task)))
            .collect();
        let Some((number, task)) = self.chance.pick(&ready).copied() else {
            return false;
        };
        let now = self.now();
        let Ok(worker) = &mut self.workers[number] else {
            return true;
        };
        if let News::Observed(messages, on_record) = worker.poll(task) {
            for message in messages {
                let message = &mut self.messages[message];
                message.in_hand = None;
                // A commit that is lost brings it again.
                message.taken = on_record && !self.chance.percent(10);
                message.at = now.plus(Duration::from_secs(self.chance.below(10)));
            }
        }
        // What is due meanwhile does not wait for the futures under way.
        if self.chance.percent(10) {
            self.dispatch_all();
        }
        true
    }

    /// When something is next to be done, if nothing is now.
    fn dispatch_all(&mut self) -> Option<Timestamp> {
        let now = self.now();
        let mut next = self.shared.clock.next_wake();
        let mut sooner = |at: Option<Timestamp>| next = next.into_iter().chain(at).min();
        for number in 0..self.workers.len() {
            if let Err(back_at) = self.workers[number] {
                if back_at <= now {
                    let share = share(u32::try_from(number).unwrap_or(0));
                    self.workers[number] = Ok(Worker::start(&self.shared, share));
                } else {
                    sooner(Some(back_at));
                }
            }
            let Ok(worker) = &mut self.workers[number] else {
                continue;
            };
            let mut batch = Vec::new();
            for (place, message) in self.messages.iter_mut().enumerate() {
                let free = !message.taken && message.in_hand.is_none();
                if free && message.at <= now && self.chance.percent(60) {
                    message.in_hand = Some(number);
                    batch.push(place);
                }
            }
            if !batch.is_empty() {
                let arrivals = batch
                    .iter()
                    .map(|place| self.messages[*place].arrival.clone())
                    .collect();
                worker.observe(batch, arrivals);
            }
            sooner(worker.dispatch());
        }
        let waiting = self
            .messages
            .iter()
            .filter(|one| !one.taken && one.in_hand.is_none());
        sooner(waiting.map(|message| message.at).min());
        next
    }

    fn is_over(&self) -> bool {
        self.messages.iter().all(|message| message.taken)
            && self.workers.iter().flatten().all(Worker::is_idle)
            && self.shared.log.memory.is_at_rest()
    }
}
