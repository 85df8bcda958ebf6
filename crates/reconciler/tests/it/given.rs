//! One shop, one worker and a fake Amazon Pay, to be changed where a case is about the change.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::Duration;

use checkout::{AccountName, SessionId, Statement, Timestamp};
use reconciler::ports::{Call, Clock, LogError};
use reconciler::turns::{Line, Window};
use reconciler::{Address, Advanced, Announcement, Arrival, Observed, Personal, Policies, Reconciler};
use testkit::broker::RecordingOutlet;
use testkit::chance::Seeded;
use testkit::clock::SimClock;
use testkit::fake_amazon::{Checkout, FakeAmazon, Turn};
use testkit::memory_log::MemoryLog;
use testkit::model::{OrderBuilder, money, order, policy, t0};
use testkit::tasks::run;

pub(crate) type Worker = Reconciler<MemoryLog, FakeAmazon, SimClock, Seeded, RecordingOutlet>;

pub(crate) fn session(name: &str) -> SessionId {
    SessionId::parse(name).expect("a test's own id")
}

pub(crate) fn account() -> AccountName {
    AccountName::parse("eu_shop").expect("a literal name")
}

/// An address in this city, and nothing more.
pub(crate) fn address_in(city: &str) -> Personal {
    Personal {
        shipping_address: Some(Address {
            city: Some(city.to_owned()),
            ..Address::default()
        }),
        ..Personal::default()
    }
}

/// The event of `order` for session `S-1`, said and created when its clock stood at [`t0`].
pub(crate) fn arrival(order: OrderBuilder) -> Arrival {
    arrival_of(&session("S-1"), order.build(), t0())
}

pub(crate) fn arrival_of(id: &SessionId, statement: Statement, said_at: Timestamp) -> Arrival {
    Arrival {
        id: id.clone(),
        statement,
        personal: address_in("Utrecht"),
        said_at,
        session_created_at: Some(said_at),
        traceparent: None,
        partition: 3,
    }
}

/// Log, Amazon and clock, and a worker over them.
pub(crate) struct World {
    pub(crate) worker: Worker,
    pub(crate) log: MemoryLog,
    pub(crate) amazon: FakeAmazon,
    pub(crate) clock: SimClock,
    pub(crate) outlet: RecordingOutlet,
}

/// A world at [`t0`], in which Amazon knows session `S-1` for 23.45 EUR.
pub(crate) fn world() -> World {
    let clock = SimClock::at(t0());
    let chance = Seeded::new(1);
    let amazon = FakeAmazon::new(clock.clone(), chance.fork());
    let log = MemoryLog::default();
    let outlet = RecordingOutlet::default();
    let policies = Policies {
        otherwise: policy(),
        of_account: BTreeMap::new(),
    };
    let worker = Reconciler {
        log: log.clone(),
        amazon: amazon.clone(),
        clock: clock.clone(),
        chance,
        outlet: outlet.clone(),
        policies,
        line: Line::new(Window::new(100)),
    };
    let world = World {
        worker,
        log,
        amazon,
        clock,
        outlet,
    };
    world.opens("S-1");
    world
}

impl World {
    pub(crate) fn opens(&self, name: &str) -> SessionId {
        let id = session(name);
        let checkout = Checkout::new(&account(), self.clock.now(), money("23.45", "EUR"));
        self.amazon.open(&id, checkout);
        id
    }

    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        run(&self.clock, future)
    }

    pub(crate) fn observe(&self, arrivals: Vec<Arrival>) -> Observed<Turn> {
        let observed = self.run(self.worker.observe(arrivals));
        assert!(
            observed.failed.is_none(),
            "the log is there: {:?}",
            observed.failed
        );
        observed
    }

    /// The event arrives, and what has begun with it is sent.
    pub(crate) fn takes_in(&self, arrival: Arrival) -> Vec<Advanced> {
        let observed = self.observe(vec![arrival]);
        observed
            .begun
            .into_iter()
            .map(|begun| self.run(self.worker.send(begun)).expect("the log is there"))
            .collect()
    }

    pub(crate) fn try_to_advance(&self, id: &SessionId) -> Result<Advanced, LogError> {
        self.run(self.worker.advance(id, None))
    }

    pub(crate) fn advance(&self, id: &SessionId) -> Advanced {
        self.try_to_advance(id).expect("the log is there")
    }

    /// Advances the session whenever it is due, until it rests.
    pub(crate) fn advance_to_the_end(&self, id: &SessionId) {
        for _ in 0..2_000 {
            match self.advance(id) {
                Advanced::Rests => return,
                Advanced::Waits { until, .. } => self.clock.move_to(until),
                needs @ Advanced::NeedsTurn { .. } => panic!("nobody gives it a turn: {needs:?}"),
            }
        }
        panic!("it never comes to rest: {:?}", self.log.story(id));
    }

    pub(crate) fn story(&self) -> Vec<&'static str> {
        self.log.story(&session("S-1"))
    }

    /// Whether this much to that much has passed since the beginning.
    pub(crate) fn clock_stands_within(&self, least: Duration, most: Duration) -> bool {
        let passed = self.clock.now().since(t0());
        least <= passed && passed <= most
    }

    pub(crate) fn offered(&self) -> Vec<Announcement> {
        self.outlet.take()
    }

    pub(crate) fn turn(&self, call: Call) -> Turn {
        use reconciler::ports::Turns;
        self.amazon.turn(&account(), call).expect("there is one")
    }
}

/// Another worker over the same log, Amazon and clock.
pub(crate) fn second_worker(world: &World) -> Worker {
    Reconciler {
        log: world.log.clone(),
        amazon: world.amazon.clone(),
        clock: world.clock.clone(),
        chance: Seeded::new(2),
        outlet: world.outlet.clone(),
        policies: world.worker.policies.clone(),
        line: Line::new(Window::new(100)),
    }
}

/// The one checkout's event.
pub(crate) fn completed() -> Arrival {
    arrival(order())
}
