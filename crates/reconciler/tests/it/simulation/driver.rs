//! One run: whose future goes on, who crashes and when a clock jumps, all drawn from the seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkout::{Event, Timestamp};
use reconciler::ports::{Attempt, Clock, Share};
use reconciler::{Act, Announcement, Arrival};
use testkit::broker::RecordingBroker;
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::fake_amazon::FakeAmazon;
use testkit::memory_log::MemoryLog;
use testkit::model::{hours, mins, secs, t0};

use super::amazon::SimAmazon;
use super::check::Violation;
use super::coverage::Reached;
use super::log::SimLog;
use super::mutant::Without;
use super::scenario::{Disturbance, Scenario};
use super::worker::{News, Parts, SimBroker, Worker};

/// Longer than any session lives, and than Amazon keeps one.
const DAYS: u64 = 40;
const PARTITIONS: u32 = 4;

/// Where a message of the shop stands.
struct Message {
    arrival: Arrival,
    at: Timestamp,
    in_hand: Option<usize>,
    taken: bool,
}

/// A machine, and the process on it.
struct Machine {
    clock: SimClock,
    parts: Parts,
    share: BTreeSet<u32>,
    process: Process,
}

enum Process {
    Runs(Box<Worker>),
    /// It goes on then, where it was.
    StandsStill(Box<Worker>, Timestamp),
    /// It is started afresh then.
    Dead(Timestamp),
}

impl Machine {
    fn running(&self) -> Option<&Worker> {
        match &self.process {
            Process::Runs(worker) => Some(worker),
            Process::StandsStill(..) | Process::Dead(_) => None,
        }
    }

    fn start(&mut self) {
        self.parts.log.started_at = self.clock.now();
        let worker = Worker::start(&self.parts, Share::Partitions(self.share.clone()));
        self.process = Process::Runs(Box::new(worker));
    }
}

struct Run<'a> {
    scenario: &'a Scenario,
    clock: SimClock,
    memory: MemoryLog,
    machines: Vec<Machine>,
    messages: Vec<Message>,
    chance: Seeded,
    without: Without,
    tale: Vec<(Timestamp, String)>,
    nobody_from: Option<Timestamp>,
    nobody: Vec<(Timestamp, Timestamp)>,
}

/// What a run has left behind.
pub(crate) struct Ended {
    pub(crate) memory: MemoryLog,
    pub(crate) amazon: FakeAmazon,
    pub(crate) delivered: Vec<Announcement>,
    pub(crate) came_to_rest: bool,
    /// Requests that left without their intent on record.
    pub(crate) unrecorded: Vec<Violation>,
    /// What happened to the machines, for people.
    pub(crate) tale: Vec<(Timestamp, String)>,
    /// When no process was running, from and until.
    pub(crate) nobody: Vec<(Timestamp, Timestamp)>,
    pub(crate) reached: Reached,
}

impl Ended {
    /// The first instant from `at` on at which a process was running.
    pub(crate) fn somebody_from(&self, at: Timestamp) -> Timestamp {
        let gone = self
            .nobody
            .iter()
            .find(|(from, until)| *from <= at && at < *until);
        gone.map_or(at, |(_, until)| *until)
    }
}

/// Runs one scenario for at most so many polls.
pub(crate) fn run_at_most(scenario: &Scenario, without: Without, polls: u32) -> Ended {
    // Each part draws from a sequence of its own, so that taking one out does not change the others.
    let chance_of = |part: u64| Seeded::new(scenario.seed ^ (part << 48)).fork();
    let clock = SimClock::at(t0());
    let amazon = FakeAmazon::new(clock.clone(), chance_of(1));
    amazon.weather(scenario.weather.clone());
    for (call, quota) in &scenario.quotas {
        amazon.quota(*call, *quota);
    }
    for one in &scenario.sessions {
        if let Some(checkout) = &one.checkout {
            amazon.open(&one.id, checkout.clone());
        }
    }
    let memory = MemoryLog::default();
    let unrecorded = Arc::new(Mutex::new(Vec::new()));
    watch_intents(&amazon, &memory, &unrecorded);
    let reached = Reached::default();
    let broker = RecordingBroker::default();
    let rough = |disturbance, percent: u64| if scenario.has(disturbance) { percent } else { 0 };
    let clocks = chance_of(2);
    let ahead = ten_minutes_either_way(&clocks);
    let machines = (0..scenario.workers)
        .map(|number| {
            let own = clock.of_another_machine();
            if scenario.has(Disturbance::Skew) {
                own.set_ahead(ahead);
            }
            if scenario.has(Disturbance::ClockJumps) {
                own.set_ahead(half_an_hour_either_way(&clocks));
            }
            let chance = chance_of(16 + number as u64);
            let parts = Parts {
                log: SimLog {
                    memory: memory.clone(),
                    clock: clock.clone(),
                    chance: chance.fork(),
                    rough: rough(Disturbance::Log, 1 + chance.below(6)),
                    quiet_from: scenario.quiet_from,
                    without,
                    started_at: own.now(),
                    read: Arc::default(),
                },
                amazon: SimAmazon {
                    amazon: amazon.called_by(own.clone()),
                    without,
                    reached: reached.clone(),
                },
                clock: own.clone(),
                quiet_from: own.shown(scenario.quiet_from),
                reached: reached.clone(),
                chance: chance.fork(),
                broker: SimBroker {
                    broker: broker.clone(),
                    chance: chance.fork(),
                    rough: rough(Disturbance::Broker, 5 + chance.below(30)),
                    without,
                },
            };
            Machine {
                clock: own,
                parts,
                share: share(number, scenario.workers),
                process: Process::Dead(t0()),
            }
        })
        .collect();
    let mut run = Run {
        scenario,
        clock: clock.clone(),
        memory: memory.clone(),
        machines,
        messages: messages(scenario),
        chance: chance_of(3),
        without,
        tale: Vec::new(),
        nobody_from: None,
        nobody: Vec::new(),
    };
    let came_to_rest = run.drive(polls);
    let Run { tale, nobody, .. } = run;
    clock.advance(hours(48));
    for id in memory.ids() {
        memory.look(&id, |kept| {
            kept.facts.iter().for_each(|fact| reached.fact(&fact.event));
        });
    }
    Ended {
        memory,
        delivered: broker.delivered(),
        came_to_rest,
        unrecorded: std::mem::take(&mut *unrecorded.lock().expect("nobody panics while noting")),
        tale,
        nobody,
        reached,
        amazon,
    }
}

fn share(number: usize, workers: usize) -> BTreeSet<u32> {
    (0..PARTITIONS)
        .filter(|partition| *partition as usize % workers == number)
        .collect()
}

fn ten_minutes_either_way(chance: &Seeded) -> i64 {
    i64::try_from(chance.below(1201)).unwrap_or(600) - 600
}

fn half_an_hour_either_way(chance: &Seeded) -> i64 {
    3 * ten_minutes_either_way(chance)
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
            let violation = Violation::of_session(
                "a request left without its intent on record",
                &attempt.id,
                String::new(),
            );
            unrecorded
                .lock()
                .expect("nobody panics while noting")
                .push(violation);
        }
    });
}

fn messages(scenario: &Scenario) -> Vec<Message> {
    let mut messages: Vec<Message> = scenario
        .sessions
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

impl Run<'_> {
    /// Whether everything came to rest.
    fn drive(&mut self, polls: u32) -> bool {
        let end = t0().plus(hours(24 * DAYS));
        let mut disturbed_at = t0();
        for _ in 0..polls {
            self.disturb(&mut disturbed_at);
            if self.poll_one() {
                continue;
            }
            let next = self.dispatch_all();
            let is_ready = |machine: &Machine| machine.running().is_some_and(Worker::is_ready);
            if self.machines.iter().any(is_ready) {
                continue;
            }
            if self.is_over() {
                return true;
            }
            match next {
                Some(at) if at < end => self.clock.move_to(at),
                _ => return false,
            }
        }
        false
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn tell(&mut self, what: String) {
        self.tale.push((self.now(), what));
    }

    /// Whether it strikes now: often while much happens, and now and then however little does.
    fn strikes(&self, disturbance: Disturbance, quietly: bool, one_in: u64) -> bool {
        let one_in = if quietly { one_in / 20 } else { one_in };
        self.scenario.has(disturbance) && self.chance.below(one_in) == 0
    }

    fn disturb(&mut self, disturbed_at: &mut Timestamp) {
        let now = self.now();
        if self.scenario.quiet_from <= now {
            return;
        }
        let quietly = disturbed_at.plus(mins(20)) <= now;
        *disturbed_at = now;
        let any = usize::try_from(self.chance.below(self.machines.len() as u64)).unwrap_or(0);
        if self.strikes(Disturbance::Crashes, quietly, 200) {
            self.kill(any, self.later(secs(300)));
        }
        if self.strikes(Disturbance::Outages, quietly, 1500) {
            let back_at = self.later(hours(3));
            for number in 0..self.machines.len() {
                self.kill(number, back_at);
            }
        }
        if self.strikes(Disturbance::Pauses, quietly, 25) {
            self.stand_still(any);
        }
        if self.strikes(Disturbance::Stalls, quietly, 300) {
            let stall = *self
                .chance
                .pick(&[secs(1), secs(3), secs(40)])
                .expect("it is not empty");
            self.clock.advance(stall);
        }
        if self.strikes(Disturbance::Rebalances, quietly, 200) {
            self.rebalance();
        }
        if self.strikes(Disturbance::ClockJumps, quietly, 300) {
            let ahead = half_an_hour_either_way(&self.chance);
            self.machines[any].clock.set_ahead(ahead);
            self.tell(format!("worker {any}: its clock is {ahead} s ahead"));
        }
        if self.strikes(Disturbance::Operators, quietly, 200) {
            self.operate(any);
        }
    }

    /// Before it is quiet.
    fn later(&self, most: Duration) -> Timestamp {
        let gap = Duration::from_secs(self.chance.below(most.as_secs()));
        self.now().plus(gap).min(self.scenario.quiet_from)
    }

    fn kill(&mut self, number: usize, back_at: Timestamp) {
        if let Process::Dead(_) = self.machines[number].process {
            return;
        }
        self.tell(format!("worker {number}: dies, and is back at {back_at}"));
        match std::mem::replace(&mut self.machines[number].process, Process::Dead(back_at)) {
            Process::Runs(worker) | Process::StandsStill(worker, _) => worker.crash(),
            Process::Dead(_) => {}
        }
        self.gives_back(|message| message.in_hand == Some(number));
        self.note_nobody();
    }

    fn stand_still(&mut self, number: usize) {
        let times = [secs(40), mins(5), hours(1), hours(1)];
        let time = *self.chance.pick(&times).expect("it is not empty");
        let until = self.now().plus(time).min(self.scenario.quiet_from);
        let process = &mut self.machines[number].process;
        match std::mem::replace(process, Process::Dead(until)) {
            Process::Runs(worker) => {
                *process = Process::StandsStill(worker, until);
                self.tell(format!("worker {number}: stands still until {until}"));
            }
            other => *process = other,
        }
        // Nobody hears of it any more, so that the broker gives its messages to others.
        self.gives_back(|message| message.in_hand == Some(number));
        self.note_nobody();
    }

    fn note_nobody(&mut self) {
        let now = self.now();
        let somebody = self.machines.iter().any(|machine| machine.running().is_some());
        match self.nobody_from {
            None if !somebody => self.nobody_from = Some(now),
            Some(from) if somebody => {
                self.nobody.push((from, now));
                self.nobody_from = None;
            }
            None | Some(_) => {}
        }
    }

    fn gives_back(&mut self, which: impl Fn(&Message) -> bool) {
        for message in self.messages.iter_mut().filter(|message| which(message)) {
            message.in_hand = None;
        }
    }

    /// Partitions move, and whatever of them is in hand is somebody else's now.
    fn rebalance(&mut self) {
        let mut shares: BTreeMap<usize, BTreeSet<u32>> = BTreeMap::new();
        for partition in 0..PARTITIONS {
            let owner = usize::try_from(self.chance.below(self.machines.len() as u64)).unwrap_or(0);
            shares.entry(owner).or_default().insert(partition);
        }
        for (number, machine) in self.machines.iter_mut().enumerate() {
            machine.share = shares.remove(&number).unwrap_or_default();
            if let Process::Runs(worker) | Process::StandsStill(worker, _) = &mut machine.process {
                worker.works(Share::Partitions(machine.share.clone()));
            }
        }
        let owned = |message: &Message| {
            message
                .in_hand
                .is_some_and(|number| self.machines[number].share.contains(&message.arrival.partition))
        };
        let moved: Vec<usize> = (0..self.messages.len())
            .filter(|place| !owned(&self.messages[*place]))
            .collect();
        for place in moved {
            self.messages[place].in_hand = None;
        }
        let shares: Vec<_> = self.machines.iter().map(|machine| &machine.share).collect();
        self.tell(format!("partitions move: {shares:?}"));
    }

    fn operate(&mut self, number: usize) {
        let ids = self.memory.ids();
        let Some(id) = self.chance.pick(&ids).cloned() else {
            return;
        };
        let acts = [
            Act::Retry,
            Act::Retry,
            Act::Release,
            Act::Release,
            Act::Release,
            Act::Forswear,
        ];
        let act = *self.chance.pick(&acts).expect("it is not empty");
        if let Process::Runs(worker) = &mut self.machines[number].process {
            worker.operate(id.clone(), act);
            self.tell(format!("{}: an operator's {act:?}", id.as_str()));
        }
    }

    /// Lets one future go on; false if none can.
    fn poll_one(&mut self) -> bool {
        let ready: Vec<(usize, u64)> = self
            .machines
            .iter()
            .enumerate()
            .filter_map(|(number, machine)| Some((number, machine.running()?)))
            .flat_map(|(number, worker)| worker.ready().map(move |task| (number, task)))
            .collect();
        let Some((number, task)) = self.chance.pick(&ready).copied() else {
            return false;
        };
        let now = self.now();
        let Process::Runs(worker) = &mut self.machines[number].process else {
            return true;
        };
        if let News::Observed(messages, on_record) = worker.poll(task) {
            let commit_is_lost = |chance: &Seeded| {
                now < self.scenario.quiet_from
                    && self.scenario.has(Disturbance::Redelivery)
                    && chance.percent(30)
            };
            for place in messages {
                let message = &mut self.messages[place];
                // Who has lost the partition commits nothing.
                if message.in_hand == Some(number) {
                    message.in_hand = None;
                    message.taken |= on_record && !commit_is_lost(&self.chance);
                    message.at = now.plus(Duration::from_secs(self.chance.below(10)));
                }
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
        let mut next = self.clock.next_wake();
        let mut sooner = |at: Option<Timestamp>| next = next.into_iter().chain(at).min();
        for number in 0..self.machines.len() {
            match &mut self.machines[number].process {
                Process::Dead(back_at) if *back_at <= now => self.machines[number].start(),
                Process::StandsStill(_, until) if *until <= now => {
                    let process = &mut self.machines[number].process;
                    if let Process::StandsStill(worker, _) = std::mem::replace(process, Process::Dead(now)) {
                        *process = Process::Runs(worker);
                    }
                }
                Process::Dead(at) | Process::StandsStill(_, at) => {
                    sooner(Some(*at));
                    continue;
                }
                Process::Runs(_) => {}
            }
            let batch = self.batch_for(number, now);
            let Process::Runs(worker) = &mut self.machines[number].process else {
                continue;
            };
            if !batch.is_empty() {
                let arrivals = batch.iter().map(|place| self.messages[*place].arrival.clone());
                worker.observe(batch.clone(), arrivals.collect());
            }
            sooner(worker.dispatch());
        }
        self.note_nobody();
        if self.machines.iter().any(|machine| machine.running().is_some()) {
            let waiting = self
                .messages
                .iter()
                .filter(|one| !one.taken && one.in_hand.is_none());
            sooner(waiting.map(|message| message.at).min());
        }
        next
    }

    fn batch_for(&mut self, number: usize, now: Timestamp) -> Vec<usize> {
        let mut batch = Vec::new();
        for place in 0..self.messages.len() {
            let message = &self.messages[place];
            let free = !message.taken && message.in_hand.is_none();
            if free && message.at <= now && self.chance.percent(60) {
                let said = format!(
                    "worker {number} is given an event of {}",
                    message.arrival.id.as_str()
                );
                self.tell(said);
                let message = &mut self.messages[place];
                message.in_hand = Some(number);
                message.taken = self.without == Without::AppendBeforeCommit;
                batch.push(place);
            }
        }
        batch
    }

    fn is_over(&self) -> bool {
        self.messages.iter().all(|message| message.taken)
            && self
                .machines
                .iter()
                .all(|machine| machine.running().is_some_and(Worker::is_idle))
            && self.memory.is_at_rest()
    }
}
