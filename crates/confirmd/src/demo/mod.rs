//! `confirmd demo`: the whole thing in one process, and a day in about a minute.
//!
//! ```text
//!   plan ─► shop ─► embedded broker ─► the daemon, as `run` has it ─► sandbox over TLS
//!                        │                     one clock for all          │
//!   report ◄─ checks ◄─ watch ◄── outcomes, alerts, dead letters          │
//!                 ▲                                                       │
//!                 └────────────────────── the sandbox's own books ────────┘
//! ```

mod checks;
mod clock;
mod plan;
mod report;
mod shop;
mod stage;
mod trouble;
mod watch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use checkout::Timestamp;
use kafka_topics::clients::{ShopProducer, TopicRecord};
use reconciler::ports::{Chance, Clock};
use reconciler::turns::WhenNotAll;
use sandbox::Sandbox;
use secrecy::SecretString;
use session_log::Log;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::chance::Drawn;
use crate::cli::{Demo, Weather};
use crate::clock::{Moved, ProgramClock, real_sleep};
use crate::commands::{Ended, print_json};
use crate::config::LogFormat;
use crate::daemon::tasks::Tasks;
use crate::daemon::{self, Parts};
use crate::desk;
use crate::telemetry::traces::Traces;
use crate::{signals, telemetry};
use checks::{Expected, check};
use clock::DemoClock;
use plan::{LEAST_IN_ROUGH_WEATHER, Plan};
use report::{Day, Report};
use shop::{Diary, Seller};
use watch::{Heard, SHOWN_OF_EACH, Show, Topic, counted};

/// A day takes about a minute; one that is not over by now is broken. In the machine's time.
const PATIENCE: Duration = Duration::from_secs(150);
/// What every further thousand checkouts may take longer.
const PATIENCE_PER_THOUSAND: Duration = Duration::from_secs(60);
/// When nothing has been told for so long, nothing more comes. In the machine's time.
const QUIET_FOR: Duration = Duration::from_millis(1_500);
/// The first checkout of the day is through by then: the broker takes three seconds to let a consumer in.
const OPENED_WITHIN: Duration = Duration::from_secs(15);
const SHOW_EVERY: Duration = Duration::from_millis(100);
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: Demo) -> anyhow::Result<Ended> {
    // Trouble is what this is about: only what confirmd cannot cope with is worth a log line.
    telemetry::log("error,librdkafka=off,rdkafka=off", LogFormat::Text);
    let rough = options.weather == Weather::Rough;
    let asked = usize::try_from(options.sessions).unwrap_or(usize::MAX);
    let sessions = if rough {
        asked.max(LEAST_IN_ROUGH_WEATHER)
    } else {
        asked
    };
    let seed = options.seed.unwrap_or_else(|| u64::from(rand::random::<u32>()));
    let stage = tokio::select! {
        stage = Stage::set(Plan::draw(sessions, options.weather, seed), seed) => stage?,
        () = signals::terminate() => return Ok(interrupted()),
    };
    if asked < sessions {
        stage.show.say(&format!(
            "Rough weather needs {sessions} checkouts to strike them all five times."
        ));
    }
    stage.play(seed, rough, &options).await
}

/// Everything in its place, and nothing sold yet.
struct Stage {
    plan: Arc<Plan>,
    clock: DemoClock,
    opens_at: Timestamp,
    sandbox: Arc<Sandbox>,
    log: Log,
    console: SocketAddr,
    /// With which its visitors may act.
    operator_token: String,
    producer: ShopProducer,
    records: mpsc::Receiver<(Topic, TopicRecord)>,
    show: Show,
    daemon: JoinHandle<anyhow::Result<()>>,
    stop: CancellationToken,
    // Dropped last: clients first, then what they are clients of.
    _broker: kafka_topics::mock::EmbeddedBroker,
    _folder: tempfile::TempDir,
}

impl Stage {
    async fn set(plan: Plan, seed: u64) -> anyhow::Result<Self> {
        let metrics = telemetry::metrics()?;
        let folder = tempfile::Builder::new()
            .prefix("confirmd-demo-")
            .tempdir()
            .context("a temporary folder")?;
        let (broker, kafka) = stage::broker()?;
        let log = stage::log(folder.path()).await?;
        let opens_at = midnight(ProgramClock::System.now());
        let clock = DemoClock::start(opens_at);
        // Nothing happens yet that the clock would have to wait for; but the day is not to pass meanwhile.
        let busy = clock.busy();
        let sandbox = Arc::new(stage::amazon_pay(&clock, seed).await?);
        let listener = desk::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        let console = listener.local_addr()?;
        // Not the seed's: it opens a door.
        let operator_token = format!("{:032x}", Drawn::from_os().bits());
        let producer = ShopProducer::new(&kafka.bootstrap_servers, &kafka.completed_topic)?;
        let records = watch::read(&kafka).await?;
        let accounts = stage::accounts(&sandbox)?;
        let parts = Parts {
            clock: ProgramClock::Moved(Arc::new(clock.clone())),
            chance: Drawn::from_seed(seed),
            log: log.clone(),
            policies: stage::policies(accounts.keys()),
            accounts,
            attempt_timeout: stage::ATTEMPT_TIMEOUT,
            when_not_all: WhenNotAll::MostSessions,
            permission_details_for: None,
            traces: Traces::default(),
            kafka,
            create_topics: false,
            intake_limits: kafka_topics::Limits::default(),
            console: listener,
            access: console::Access {
                read_token: None,
                operator_token: Some(SecretString::from(operator_token.clone())),
            },
            metrics,
            reload: None,
        };
        let mut tasks = Tasks::new(GRACE);
        drop(daemon::start(parts, &mut tasks).await?);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let daemon = tokio::spawn(tasks.run_until(async move { stopped.cancelled().await }));
        let opens_at = Moved::now(&clock);
        drop(busy);
        let show = Show::new(opens_at, plan.checkouts.len());
        Ok(Self {
            plan: Arc::new(plan),
            clock,
            opens_at,
            sandbox,
            log,
            console,
            operator_token,
            producer,
            records,
            show,
            daemon,
            stop,
            _broker: broker,
            _folder: folder,
        })
    }

    async fn play(self, seed: u64, rough: bool, options: &Demo) -> anyhow::Result<Ended> {
        let Self {
            plan,
            clock,
            opens_at,
            sandbox,
            log,
            console,
            operator_token,
            producer,
            records,
            show,
            mut daemon,
            stop,
            _broker,
            _folder,
        } = self;
        welcome(&show, plan.checkouts.len(), rough, seed, console);
        let diary = Diary::default();
        let seller = Seller {
            plan: plan.clone(),
            sandbox: sandbox.clone(),
            producer,
            clock: clock.clone(),
            opens_at,
            diary: diary.clone(),
        };
        let began = ProgramClock::System.now();
        let patience = PATIENCE
            + PATIENCE_PER_THOUSAND * u32::try_from(plan.checkouts.len() / 1_000).unwrap_or(u32::MAX);
        let mut audience = Audience {
            heard: Heard::default(),
            show,
            records,
            clock: clock.clone(),
            diary: diary.clone(),
            log,
        };
        let day = audience.watch(tokio::spawn(seller.sell()));
        let watched = tokio::select! {
            day = day => day.map(|()| Watched::ToItsEnd),
            () = real_sleep(patience) => Ok(Watched::ToItsEnd),
            () = signals::terminate() => Ok(Watched::Interrupted),
            ended = &mut daemon => Err(why_it_ended(ended)),
        };
        audience.show.end();
        let is_over = matches!(watched, Ok(Watched::ToItsEnd));
        let ended = match watched {
            Ok(Watched::ToItsEnd) => {
                let report = audience.report(
                    &plan,
                    &sandbox,
                    seed,
                    rough,
                    ProgramClock::System.now().since(began),
                );
                if options.json {
                    print_json(&report.as_json())?;
                } else {
                    print!("{}", report.as_text());
                }
                Ok(report.ended())
            }
            Ok(Watched::Interrupted) => Ok(interrupted()),
            Err(error) => Err(error),
        };
        if options.stay && is_over {
            eprintln!(
                "\nThe console stays up at http://{console} until Ctrl-C. To act there, give any name and the password\n\
                 {operator_token}"
            );
            clock.slow_down();
            signals::terminate().await;
        }
        stop.cancel();
        if !daemon.is_finished() {
            daemon.await??;
        }
        drop(audience);
        if let Ok(sandbox) = Arc::try_unwrap(sandbox) {
            sandbox.shutdown().await;
        }
        ended
    }
}

/// How far the day was watched.
enum Watched {
    /// Until nothing more comes, or until patience was over.
    ToItsEnd,
    Interrupted,
}

/// The daemon ends only when it is told to, or when it fails.
fn why_it_ended(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    let failure = ended.map_err(anyhow::Error::from).and_then(|ended| ended).err();
    failure.unwrap_or_else(|| anyhow!("confirmd ended early"))
}

fn interrupted() -> Ended {
    eprintln!("Interrupted.");
    Ended::Failed
}

fn welcome(show: &Show, checkouts: usize, rough: bool, seed: u64, console: SocketAddr) {
    let (checkouts, weather) = (counted(checkouts), if rough { "rough" } else { "calm" });
    show.say(&format!(
        "A day with {checkouts} in {weather} weather (seed {seed}). Kafka, Amazon Pay and a shop\n\
         are played in this process; confirmd is real. It confirms what the shop's buyers\n\
         have completed, before Amazon Pay lets it lapse after 24 hours.\n\
         Look inside meanwhile: http://{console}\n\
         Of each kind of news the first {SHOWN_OF_EACH} are shown; the table at the end counts them all.\n"
    ));
}

/// Hears everything and shows some of it.
struct Audience {
    heard: Heard,
    show: Show,
    records: mpsc::Receiver<(Topic, TopicRecord)>,
    clock: DemoClock,
    diary: Diary,
    log: Log,
}

impl Audience {
    /// Until every checkout that the shop told of is settled and nothing more is told.
    async fn watch(&mut self, mut selling: JoinHandle<anyhow::Result<()>>) -> anyhow::Result<()> {
        // The day does not pass while the broker is still letting the consumer in.
        let mut opening = Some(self.clock.busy());
        let opened = real_sleep(OPENED_WITHIN);
        tokio::pin!(opened);
        let mut sold = false;
        let mut quiet_since = ProgramClock::System.now();
        loop {
            tokio::select! {
                record = self.records.recv() => {
                    let (topic, record) = record.context("the topics out cannot be read any more")?;
                    let news = self.heard.hear(topic, &record)?;
                    if let Some(news) = news {
                        self.show.news(&news, Moved::now(&self.clock), &self.diary.read());
                    }
                    opening = None;
                    quiet_since = ProgramClock::System.now();
                }
                ended = &mut selling, if !sold => {
                    ended??;
                    sold = true;
                }
                () = &mut opened, if opening.is_some() => opening = None,
                () = real_sleep(SHOW_EVERY) => {}
            }
            self.show
                .progress(Moved::now(&self.clock), &self.heard, &self.diary.read());
            let quiet = QUIET_FOR <= ProgramClock::System.now().since(quiet_since);
            if sold && quiet && self.is_complete() && self.log.outbox_pending().await? == 0 {
                return Ok(());
            }
        }
    }

    fn is_complete(&self) -> bool {
        let said = self.diary.read();
        said.sessions
            .keys()
            .all(|session| self.heard.settled.contains(session))
            && said.unreadable.len() <= self.heard.letters()
    }

    fn report(&self, plan: &Plan, sandbox: &Sandbox, seed: u64, rough: bool, took: Duration) -> Report {
        let books = sandbox.books();
        let said = self.diary.read();
        let expected = Expected {
            sessions: said.sessions.keys().cloned().collect(),
            unreadable: said.unreadable.clone(),
            faults: said.faults.keys().copied().collect(),
        };
        let findings = check(&self.heard.told, &books, &expected);
        let day = Day {
            plan,
            said: &said,
            heard: &self.heard,
            books: &books,
        };
        Report::of(&day, seed, rough, took, findings)
    }
}

/// A day begins at midnight, in UTC.
fn midnight(now: Timestamp) -> Timestamp {
    const DAY: i64 = 24 * 60 * 60 * 1_000_000;
    Timestamp::from_micros(now.as_micros() - now.as_micros().rem_euclid(DAY))
}
