//! The real binary, killed at every boundary: one daemon after the other dies, each at the next label, with sessions
//! under way; what it leaves is work for the next. The last one drains, and then everything is held against what is
//! promised.
//!
//! `CONFIRMD_DEATH_SEEDS=5` runs more seeds, `CONFIRMD_DEATH_SEED=3` runs one. A seed draws the order of the deaths, where
//! none is needed, and the checkouts, and at which time that its label is met each daemon dies.
//!
//! How long it took from each restart until something was confirmed again is printed, and never asserted: `--nocapture`
//! shows it.

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
use crate::world::{Daemon, Finished, Recovery, Told, World, confirmations};

/// Sessions that a death comes upon under way, at least: without an outcome, or, where it dies asking for them, without
/// their buyers' details.
const IN_FLIGHT: usize = 8;
/// What a message of the daemon's may have while large letters find no room.
const NO_ROOM: &str = "20000";
/// A daemon that has not died by then has put right every row that was written by former rules.
const ROWS_ARE_RIGHT: Duration = Duration::from_secs(60);
/// Others keep their hands off until the attempt of the dead cannot be under way any more.
const UNTIL_NOBODY_HOLDS_IT: Duration = Duration::from_secs(40);
/// While the last buyers' details are waited for: many times as many as it mostly takes.
const LOOKS_AN_HOUR: u32 = 400;

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

/// The daemon that comes after one that has died.
struct Restart {
    /// The label of that death.
    after: &'static str,
    begun: Recovery,
    /// Seconds until its own death, if it is not the last one.
    lived: Option<f64>,
}

impl Restart {
    /// Seconds from its start until something was confirmed; none if it died before.
    fn confirmed_again(&self, confirmed: &[Told]) -> Option<f64> {
        let waited = self.begun.first_after(confirmed)?;
        self.lived.is_none_or(|lived| waited < lived).then_some(waited)
    }
}

/// What became of a label.
#[derive(Default)]
struct Row {
    met: u64,
    deaths: u64,
    /// Of each restart after a death there.
    confirmed_again: Vec<Option<f64>>,
}

impl Row {
    fn waits(&self) -> String {
        let waits = self.confirmed_again.iter().map(|waited| match waited {
            Some(seconds) => format!("{seconds:.1}"),
            None => "died before".to_owned(),
        });
        waits.collect::<Vec<_>>().join(", ")
    }
}

/// A world in which daemons die.
struct Dying {
    name: String,
    world: World,
    load: Load,
    chance: Seeded,
    deaths: BTreeMap<&'static str, u64>,
    /// Where the last daemon died, until another one is started.
    dead_at: Option<&'static str>,
    restarts: Vec<Restart>,
    /// Sessions without an outcome at each death.
    under_way: Vec<usize>,
    other_rules: bool,
    asks_for_details: bool,
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
            json!({"operation": "permission", "when": "before", "kind": "status", "status": 404, "probability": 0.3,
                   "body": {"reasonCode": "ResourceNotFound", "message": "gone"}}),
            json!({"operation": "permission", "when": "after", "kind": "reset", "probability": 0.1}),
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
            dead_at: None,
            restarts: Vec::new(),
            under_way: Vec::new(),
            other_rules: false,
            asks_for_details: false,
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
            self.dying_daemon(label, by, &environment).await
        };
        assert_eq!(finished.status.signal(), Some(SIGKILL), "{label}: {finished:?}");
        assert!(self.somebody_died_at(label), "it died elsewhere");
        *self.deaths.entry(label).or_default() += 1;
        if by == By::Command {
            return;
        }
        self.has_died_at(label);
        let done = if by == By::BuyersDetails {
            "SELECT count(*) FROM sessions WHERE settled AND (state <> 'confirmed' OR details_at IS NOT NULL)"
        } else {
            "SELECT count(*) FROM sessions WHERE settled"
        };
        let done: usize = self.world.sql(done).trim().parse().unwrap();
        self.under_way
            .push(self.load.ids.len() + self.load.declined.len() - done);
        // Rows are to be put right while what they are of still waits.
        if by != By::OtherRules {
            self.world.pass(UNTIL_NOBODY_HOLDS_IT);
        }
    }

    fn somebody_died_at(&self, label: &str) -> bool {
        let met = std::fs::read_to_string(self.met()).unwrap();
        met.contains(&format!("† {label}\n"))
    }

    fn has_died_at(&mut self, label: &'static str) {
        if let Some(restart) = self.restarts.last_mut() {
            restart.lived.get_or_insert(restart.begun.ago(&self.world));
        }
        self.dead_at = Some(label);
    }

    /// To be called before a daemon is started.
    fn begins_again(&mut self) {
        if let Some(after) = self.dead_at.take() {
            self.restarts.push(Restart {
                after,
                begun: Recovery::of(&self.world, after),
                lived: None,
            });
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
            By::BuyersDetails => {
                self.asks_for_details = true;
                self.world.set("keep.permission_details", true);
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

    async fn dying_daemon(&mut self, label: &str, by: By, environment: &[(&str, &str)]) -> Finished {
        self.load.one_of_each(&self.world).await;
        self.load.top_up(&self.world).await;
        self.begins_again();
        loop {
            let Self { world, load, .. } = self;
            let world = &*world;
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
                        signal(id, "-TERM");
                        std::future::pending::<()>().await;
                    }
                    By::OtherRules => {
                        world.clock.sleep(ROWS_ARE_RIGHT).await;
                        signal(id, "-KILL");
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
            // There were too few such rows. What this one leaves behind is more of them to the next, by other rules again.
            if by == By::OtherRules && !self.somebody_died_at(label) {
                self.prepare(by);
                continue;
            }
            return finished;
        }
    }

    /// The last daemon has nothing left to do; then all is held against what is promised.
    async fn drain(mut self, table: &mut BTreeMap<&str, Row>) {
        println!("{} drains", self.name);
        self.prepare(By::Accepting);
        self.prepare(By::RoomForLetters);
        let met = self.met();
        let environment = [("CONFIRMD_TEST_BOUNDARIES", met.to_str().unwrap())];
        self.begins_again();
        let daemon = self.world.daemon_in(&environment).await;
        self.world.outcomes(&self.load.ids).await;
        self.world.outcomes(&self.load.declined).await;
        self.world
            .until("everything to be told", async || self.world.all_is_told())
            .await;
        if self.asks_for_details {
            let left = "SELECT count(*) FROM sessions WHERE state = 'confirmed' AND details_at IS NULL";
            let mut looks = 0;
            self.world
                .until_or_else(
                    "the buyers' details to be kept or given up",
                    async || {
                        // Whom Amazon has not told of several times in a row is asked about after hours.
                        looks += 1;
                        if looks % LOOKS_AN_HOUR == 0 {
                            self.world.clock.advance(Duration::from_secs(3_600)).unwrap();
                        }
                        self.world.sql(left).trim() == "0"
                    },
                    async || {
                        format!(
                            "{}\n{}\n{}",
                            self.world.sql(left),
                            daemon.get("/api/accounts").await.1,
                            daemon.said()
                        )
                    },
                )
                .await;
        }
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
        for line in std::fs::read_to_string(&met).unwrap().lines() {
            if let Some(row) = table.get_mut(line.trim_start_matches("† ")) {
                row.met += 1;
            }
        }
        for (label, died) in &self.deaths {
            table.get_mut(label).unwrap().deaths += died;
        }
        let confirmed = self.confirmed().await;
        for restart in &self.restarts {
            let waited = restart.confirmed_again(&confirmed);
            table.get_mut(restart.after).unwrap().confirmed_again.push(waited);
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
        // A daemon may come to its death when this machine has given it time to finish nearly all; most do not.
        let mut under_way = self.under_way;
        under_way.sort_unstable();
        assert!(
            IN_FLIGHT <= under_way[under_way.len() / 2],
            "{}: few sessions were under way at most deaths: {under_way:?}",
            self.name
        );
        println!(
            "{} has worked {sessions} sessions, {repeated} of them asked to confirm again",
            self.name
        );
    }

    async fn confirmed(&self) -> Vec<Told> {
        let outcomes = self.world.everything_on(&self.world.kafka.outcomes_topic).await;
        let told = outcomes.iter().map(Told::of);
        told.filter(|told| told.event_type == "checkout.confirmed.v1")
            .collect()
    }
}

/// SIGTERM or SIGKILL, while somebody waits for the end.
fn signal(id: u32, signal: &str) {
    let killed = std::process::Command::new("kill")
        .args([signal, &id.to_string()])
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
    let mut table: BTreeMap<&str, Row> = deaths.iter().map(|death| (death.0, Row::default())).collect();
    for seed in seeds() {
        println!("{name}, seed {seed}");
        let Some(mut dying) = Dying::new(name, seed).await else {
            return;
        };
        for death in in_order(deaths, &dying.chance.fork(), shuffled) {
            dying.die(death).await;
        }
        dying.drain(&mut table).await;
    }
    let mut printed = format!(
        "{name}\n{:<30} {:>8} {:>8}  confirmed again after (s by the world's clock)\n",
        "label", "met", "deaths"
    );
    for (label, row) in &table {
        let Row { met, deaths, .. } = row;
        writeln!(printed, "{label:<30} {met:>8} {deaths:>8}  {}", row.waits()).unwrap();
        assert!(0 < *deaths, "nobody died at {label}");
    }
    println!("{printed}");
}

// Each chain waits more than it works, so that several of them are one test.

#[tokio::test(flavor = "multi_thread")]
async fn deaths_on_the_way_in_and_out_lose_nothing_and_repeat_nothing() {
    tokio::join!(
        all_die("dies-on-the-way-in", labels::WAY_IN, true),
        all_die("dies-with-kept-letters", labels::KEPT_LETTERS, false),
        all_die("dies-on-the-way-out", labels::WAY_OUT, true),
        all_die("dies-asking-for-details", labels::DETAILS, true)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn deaths_around_a_call_lose_nothing_and_repeat_nothing() {
    tokio::join!(
        all_die("dies-around-a-call", labels::CALLS, true),
        all_die("dies-with-its-account", labels::ACCOUNTS, false)
    );
}
