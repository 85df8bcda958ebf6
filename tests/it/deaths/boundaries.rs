//! The real binary, killed at every boundary: one daemon after the other dies, each at the next label, with sessions
//! under way; what it leaves is work for the next. The last one drains, and then everything is held against what is
//! promised.
//!
//! `CONFIRMD_DEATH_SEEDS=5` runs more seeds, `CONFIRMD_DEATH_SEED=3` runs one. A seed draws the order of the deaths, where
//! none is needed, and the checkouts, and at which time that its label is met each daemon dies.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::time::Duration;

use sandbox::{MerchantStatus, SandboxClock as _};
use serde_json::json;
use testkit::chance::Seeded;

use super::SIGKILL;
use super::labels::{self, By, Death};
use super::load::Load;
use crate::world::{Daemon, Finished, World, confirmations};

/// Sessions without an outcome that a death comes upon, at least.
const IN_FLIGHT: usize = 8;
/// What a message of the daemon's may have while large letters find no room.
const NO_ROOM: &str = "20000";
/// Others keep their hands off until the attempt of the dead cannot be under way any more.
const UNTIL_NOBODY_HOLDS_IT: Duration = Duration::from_secs(40);

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is to be a number")),
    )
}

fn seeds() -> std::ops::Range<u64> {
    match number("CONFIRMD_DEATH_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("CONFIRMD_DEATH_SEEDS").unwrap_or(1),
    }
}

/// A world in which daemons die.
struct Dying {
    name: String,
    world: World,
    load: Load,
    chance: Seeded,
    deaths: BTreeMap<&'static str, u64>,
    other_rules: bool,
}

impl Dying {
    async fn new(name: &str, seed: u64) -> Option<Self> {
        let mut world = World::new(name).await?;
        world.dead_members_are_noticed_soon();
        // Some requests are lost, some answers are, and some come late, so that deaths meet attempts of every age and sort.
        for fault in [
            json!({"operation": "finalize", "when": "before", "kind": "reset", "probability": 0.15}),
            json!({"operation": "finalize", "when": "after", "kind": "reset", "probability": 0.1}),
            json!({"operation": "finalize", "when": "before", "delay": "10s", "probability": 0.4}),
            json!({"operation": "finalize", "when": "before", "delay": "3s"}),
            json!({"operation": "get", "when": "before", "delay": "1s", "probability": 0.3}),
        ] {
            world.fault(fault);
        }
        let chance = Seeded::new(seed);
        Some(Self {
            name: name.to_owned(),
            world,
            load: Load::new(chance.fork()),
            chance,
            deaths: BTreeMap::new(),
            other_rules: false,
        })
    }

    fn met(&self) -> PathBuf {
        self.world.dir().join("boundaries.txt")
    }

    /// A daemon that dies at a label, or a command that does.
    async fn die(&mut self, (label, by, most): Death) {
        let nth = 1 + self.chance.below(most);
        println!("{} at {label}:{nth}, by {by:?}", self.name);
        self.prepare(by);
        let at = format!("{label}:{nth}");
        let met = self.met();
        let environment = [
            ("CONFIRMD_TEST_CRASH_AT", at.as_str()),
            ("CONFIRMD_TEST_BOUNDARIES", met.to_str().unwrap()),
        ];
        let finished = if by == By::Command {
            self.dying_command(&environment).await
        } else {
            self.dying_daemon(by, &environment).await
        };
        assert_eq!(finished.status.signal(), Some(SIGKILL), "{label}: {finished:?}");
        let last = std::fs::read_to_string(&met).unwrap();
        assert!(last.contains(&format!("† {label}\n")), "it died elsewhere");
        *self.deaths.entry(label).or_default() += 1;
        if by == By::Command {
            return;
        }
        let settled: usize = self
            .world
            .sql("SELECT count(*) FROM sessions WHERE settled")
            .trim()
            .parse()
            .unwrap();
        let in_flight = self.load.ids.len() + self.load.declined.len() - settled;
        assert!(
            IN_FLIGHT <= in_flight,
            "{label}: only {in_flight} sessions were under way"
        );
        // Rows are to be put right while what they are of still waits.
        if by != By::OtherRules {
            self.world.pass(UNTIL_NOBODY_HOLDS_IT);
        }
    }

    fn prepare(&mut self, by: By) {
        let refused = |status| self.world.sandbox.set_merchant("eu_shop", status).unwrap();
        match by {
            By::Refusing => refused(MerchantStatus::Refused),
            By::Accepting => refused(MerchantStatus::Active),
            By::LargeLetters | By::RoomForLetters => {
                self.load.letters_are_large = by == By::LargeLetters;
                let most = if by == By::LargeLetters {
                    NO_ROOM
                } else {
                    "4000000"
                };
                self.world.set("kafka.properties.message.max.bytes", most);
            }
            By::OtherRules => {
                self.other_rules = !self.other_rules;
                let thresholds: &[&str] = if self.other_rules {
                    &["8h", "45m"]
                } else {
                    &["6h", "45m"]
                };
                self.world.set("deadline.alert_before", thresholds.to_vec());
            }
            By::Checkouts | By::Joining | By::Ending | By::Command => {}
        }
    }

    /// An operator who pauses the account dies, asks again, and resumes it.
    async fn dying_command(&mut self, environment: &[(&str, &str)]) -> Finished {
        let act = |act| ["accounts", act, "eu_shop", "--reason", "because"];
        let finished = self.world.command_in(&act("pause"), environment).await;
        // Done is done, and what is not done can be done: 3 says that it is paused already.
        let again = self.world.command(&act("pause")).await;
        assert!([0, 3].contains(&again.code()), "{again:?}");
        let resumed = self.world.command(&act("resume")).await;
        assert_eq!(resumed.code(), 0, "{resumed:?}");
        finished
    }

    async fn dying_daemon(&mut self, by: By, environment: &[(&str, &str)]) -> Finished {
        let Self { world, load, .. } = self;
        let world = &*world;
        load.one_of_each(world).await;
        load.top_up(world).await;
        loop {
            let mut daemon = world.daemon_in(environment).await;
            if by == By::Ending {
                daemon.line("working partitions {0, 1, 2}").await;
            }
            let id = daemon.id();
            let what_leads_there = async {
                match by {
                    By::Joining => others_join(world).await,
                    By::Ending => {
                        world.clock.sleep(Duration::from_secs(1)).await;
                        terminate(id);
                        std::future::pending::<()>().await;
                    }
                    _ => std::future::pending().await,
                }
            };
            let finished = tokio::select! {
                finished = daemon.finish() => finished,
                never = load.go_on(world) => match never {},
                () = what_leads_there => unreachable!("it goes on until the daemon has died"),
            };
            // Nothing had been recorded since the last commit: another one ends.
            if by == By::Ending && finished.status.success() {
                continue;
            }
            return finished;
        }
    }

    /// The last daemon has nothing left to do; then all is held against what is promised.
    async fn drain(mut self) -> (BTreeMap<&'static str, u64>, BTreeMap<String, u64>) {
        println!("{} drains", self.name);
        self.prepare(By::Accepting);
        self.prepare(By::RoomForLetters);
        let met = self.met();
        let environment = [("CONFIRMD_TEST_BOUNDARIES", met.to_str().unwrap())];
        let daemon = self.world.daemon_in(&environment).await;
        self.world.outcomes(&self.load.ids).await;
        self.world.outcomes(&self.load.declined).await;
        self.world
            .until("everything to be told", async || self.world.all_is_told())
            .await;
        let running = "SELECT count(*) FROM notices a WHERE firing AND kind = 'account-stopped' AND NOT EXISTS \
                       (SELECT FROM notices b WHERE b.alert_id = a.alert_id AND NOT b.firing)";
        self.world
            .until("the account to run", async || {
                self.world.sql(running).trim() == "0"
            })
            .await;
        self.world
            .check_each(&self.load.ids, "checkout.confirmed.v1")
            .await;
        self.world
            .check_each(&self.load.declined, "checkout.declined.v1")
            .await;
        self.world.check_promises().await;
        let mut times: BTreeMap<String, u64> = BTreeMap::new();
        for line in std::fs::read_to_string(&met).unwrap().lines() {
            *times.entry(line.trim_start_matches("† ").to_owned()).or_default() += 1;
        }
        let books = self.world.sandbox.books();
        let sessions = books.sessions.len();
        let repeated = books
            .sessions
            .iter()
            .filter(|book| confirmations(book).len() > 1)
            .count();
        self.world.end(daemon).await;
        assert!(0 < repeated, "{}: nothing was in doubt", self.name);
        println!(
            "{} has worked {sessions} sessions, {repeated} of them asked to confirm again",
            self.name
        );
        (self.deaths, times)
    }
}

/// SIGTERM, while somebody waits for the end.
fn terminate(id: u32) {
    let killed = std::process::Command::new("kill")
        .args(["-TERM", &id.to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
}

/// One daemon after the other comes and goes.
async fn others_join(world: &World) {
    loop {
        let other: Daemon = world.daemon().await;
        other.line("working partitions {").await;
        world.clock.sleep(Duration::from_secs(10)).await;
        other.terminate().await;
    }
}

/// Those that need no order get the seed's.
fn in_order(deaths: &[Death], chance: &Seeded, shuffled: bool) -> Vec<Death> {
    let mut left = deaths.to_vec();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let next = if shuffled {
            chance.below(left.len() as u64)
        } else {
            0
        };
        order.push(left.remove(usize::try_from(next).unwrap()));
    }
    order
}

async fn all_die(name: &str, deaths: &[Death], shuffled: bool) {
    let mut table: BTreeMap<&str, (u64, u64)> = deaths.iter().map(|death| (death.0, (0, 0))).collect();
    for seed in seeds() {
        println!("{name}, seed {seed}");
        let Some(mut dying) = Dying::new(name, seed).await else {
            return;
        };
        for death in in_order(deaths, &dying.chance.fork(), shuffled) {
            dying.die(death).await;
        }
        let (died, met) = dying.drain().await;
        for (label, (all_met, all_died)) in &mut table {
            *all_met += met.get(*label).copied().unwrap_or(0);
            *all_died += died.get(*label).copied().unwrap_or(0);
        }
    }
    let mut printed = format!("{name}\n{:<30} {:>8} {:>8}\n", "label", "met", "deaths");
    for (label, (met, died)) in &table {
        writeln!(printed, "{label:<30} {met:>8} {died:>8}").unwrap();
        assert!(0 < *died, "nobody died at {label}");
    }
    println!("{printed}");
}

// Each chain waits more than it works, so that several of them are one test.

#[tokio::test(flavor = "multi_thread")]
async fn deaths_on_the_way_in_and_out_lose_nothing_and_repeat_nothing() {
    tokio::join!(
        all_die("dies-on-the-way-in", labels::WAY_IN, true),
        all_die("dies-with-kept-letters", labels::KEPT_LETTERS, false),
        all_die("dies-on-the-way-out", labels::WAY_OUT, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deaths_around_a_call_lose_nothing_and_repeat_nothing() {
    tokio::join!(
        all_die("dies-around-a-call", labels::CALLS, true),
        all_die("dies-with-its-account", labels::ACCOUNTS, false)
    );
}
