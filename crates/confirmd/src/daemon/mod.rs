//! The daemon: its parts, and the tasks that they are.

pub(crate) mod accounts;
pub(crate) mod announcer;
mod details;
mod erasure;
pub(crate) mod gauges;
pub(crate) mod outlook;
pub(crate) mod reload;
pub(crate) mod schedule;
pub(crate) mod sweep;
pub(crate) mod tasks;
mod topics;
pub(crate) mod waiters;
pub(crate) mod work;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use checkout::AccountName;
use kafka_topics::{DeadLetters, Intake, Limits, Publisher};
use provider::{AccountSettings, Accounts, Observer};
use reconciler::turns::{Line, WhenNotAll, Window};
use reconciler::{Policies, Reconciler};
use secrecy::ExposeSecret;
use session_log::Log;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::chance::Drawn;
use crate::clock::{ProgramClock, real_sleep};
use crate::config::{Account, Config, Problem, Problems};
use crate::desk::{self, Office};
use crate::lately::Lately;
use crate::metered::{CountedNotices, TimedLog};
use crate::store;
use crate::telemetry;
use crate::telemetry::traces::{Traced, Traces};
use accounts::listener;
use announcer::{Announcer, Memory, memory};
use schedule::ticks;
use sweep::Assignment;
use tasks::Tasks;
use waiters::Waiters;
use work::{Handed, Observer as IntakeObserver, inbox};

/// Connecting takes no longer than an attempt may wait to be sent, so that a slow connection is "not sent"
/// rather than in doubt.
const CONNECT_TIMEOUT: Duration = checkout::Policy::SEND_WITHIN;

/// The use cases over what the program has.
pub(crate) type Confirmd = Reconciler<TimedLog, Accounts<ProgramClock>, ProgramClock, Drawn, Memory>;

/// What the daemon is made from.
pub(crate) struct Parts {
    pub(crate) clock: ProgramClock,
    pub(crate) chance: Drawn,
    pub(crate) log: Log,
    pub(crate) policies: Policies,
    pub(crate) accounts: BTreeMap<AccountName, Account>,
    pub(crate) attempt_timeout: Duration,
    pub(crate) when_not_all: WhenNotAll,
    /// How long buyers' details are kept; none where they are not asked for.
    pub(crate) permission_details_for: Option<Duration>,
    pub(crate) kafka: kafka_topics::Settings,
    /// Whether the topics are made first; what needs none of them does not wait.
    pub(crate) create_topics: bool,
    pub(crate) intake_limits: Limits,
    pub(crate) console: TcpListener,
    pub(crate) access: console::Access,
    pub(crate) metrics: metrics_exporter_prometheus::PrometheusHandle,
    pub(crate) traces: Traces,
    /// Where newer keys and limits come from, if from anywhere.
    pub(crate) reload: Option<reload::Source>,
}

/// Reads top to bottom: this is the whole program.
pub(crate) async fn start(parts: Parts, tasks: &mut Tasks) -> anyhow::Result<Arc<Confirmd>> {
    let Parts {
        clock,
        chance,
        log,
        policies,
        kafka,
        traces,
        ..
    } = parts;
    let (listener, changes) = listener(traces.clone());
    let amazon = amazon_pay(&parts.accounts, parts.attempt_timeout, &clock, listener)?;
    accounts::restore(&log, &amazon)
        .await
        .context("the conditions of accounts cannot be read")?;
    let waiters = Arc::<Waiters>::default();
    let (outlet, to_announce) = memory(waiters.clone());
    let mut window = Window::new(work::WINDOW);
    for (name, account) in &parts.accounts {
        window.set_fresh_share(name, account.fresh_share);
    }
    let reconciler = Arc::new(Reconciler {
        log: TimedLog::new(log.clone(), clock.clone(), traces.clone()),
        amazon,
        clock: clock.clone(),
        chance,
        outlet,
        policies,
        line: Line::new(window),
    });

    let publisher = Arc::new(Publisher::new(&kafka).map_err(|error| anyhow!("kafka: {error}"))?);
    let known = kafka_topics::Accounts::new(parts.accounts.keys().cloned());
    let intake = Intake::new(&kafka, known)
        .map_err(|error| anyhow!("kafka: {error}"))?
        .with_limits(parts.intake_limits);
    telemetry::count_from_zero(parts.accounts.keys());
    let (assigned, assignment) = watch::channel(Assignment::default());
    let (inbox, handed) = inbox();
    let (ticker, tick) = ticks();
    let office = Arc::new(Office {
        log: log.clone(),
        reconciler: reconciler.clone(),
        broker: publisher.broker(),
        metrics: parts.metrics.clone(),
        tick: tick.clone(),
        waiters: waiters.clone(),
        assignment: assignment.clone(),
        last_overview: Lately::good_for(desk::OVERVIEW_FOR),
        last_written: Lately::good_for(desk::WRITTEN_FOR),
    });

    let (made, topics) = topics::unless_made(parts.create_topics);
    if parts.create_topics {
        tasks.spawn("topics", |stop| topics::make(kafka, made, stop));
    }
    tasks.spawn("work", |stop| work::work(reconciler.clone(), handed, stop));
    tasks.spawn("intake", |stop| {
        let observer = IntakeObserver {
            reconciler: reconciler.clone(),
            inbox: inbox.clone(),
            traces: traces.clone(),
        };
        let taking_in = take_in(
            intake,
            observer,
            publisher.clone(),
            log.clone(),
            clock.clone(),
            assigned,
            stop.clone(),
        );
        topics.clone().before(taking_in, stop)
    });
    if let Some(keep_for) = parts.permission_details_for {
        tasks.spawn("details", |stop| {
            let accounts = parts.accounts.keys().cloned().collect();
            details::run(
                log.clone(),
                reconciler.clone(),
                accounts,
                keep_for,
                assignment.clone(),
                tick.clone(),
                stop,
            )
        });
    }
    tasks.spawn("outlook", |stop| {
        outlook::run(
            log.clone(),
            reconciler.clone(),
            parts.when_not_all,
            assignment.clone(),
            tick.clone(),
            stop,
        )
    });
    tasks.spawn("sweep", |stop| {
        sweep::run(reconciler.clone(), inbox.clone(), assignment, tick.clone(), stop)
    });
    tasks.spawn("announce", |stop| {
        let announcer = Announcer {
            log: log.clone(),
            publisher: Arc::new(Traced {
                publisher: publisher.clone(),
                clock: clock.clone(),
                traces,
            }),
            clock: clock.clone(),
            tick: tick.clone(),
        };
        // Until then the outbox keeps what is to be told.
        topics.before(announcer.run(to_announce, stop.clone()), stop)
    });
    tasks.spawn("accounts", |stop| {
        let resumed = {
            let inbox = inbox.clone();
            move || inbox.hint(Handed::Resumed)
        };
        accounts::run(
            log.clone(),
            Arc::clone(&reconciler),
            clock.clone(),
            changes,
            resumed,
            tick.clone(),
            stop,
        )
    });
    tasks.spawn("upkeep", |stop| {
        gauges::run(
            log.clone(),
            reconciler.clone(),
            publisher.clone(),
            parts.metrics,
            tick.clone(),
            stop,
        )
    });
    tasks.spawn("erasure", |stop| {
        let personal_data_for = reconciler.policies.otherwise.personal_data_for;
        erasure::run(log.clone(), clock.clone(), personal_data_for, tick.clone(), stop)
    });
    if let Some(source) = parts.reload {
        tasks.spawn("reload", |stop| {
            reload::run(source, reconciler.clone(), clock.clone(), tick.clone(), stop)
        });
    }
    tasks.spawn("waiters", |stop| waiters.ask(log.clone(), tick.clone(), stop));
    tasks.spawn("console", |stop| async move {
        console::serve(parts.console, office, parts.access, stop).await;
        Ok(())
    });
    tasks.spawn("schedule", |stop| schedule::run(ticker, stop));
    Ok(reconciler)
}

async fn take_in(
    intake: Intake,
    observer: IntakeObserver<TimedLog, Accounts<ProgramClock>, Drawn, Memory>,
    publisher: Arc<Publisher>,
    log: Log,
    clock: ProgramClock,
    assigned: watch::Sender<Assignment>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    let mut partitions = intake.assignment();
    let mut count = intake.partition_count();
    let counted = CountedNotices(log.clone());
    let dead_letters = DeadLetters {
        publisher: publisher.as_ref(),
        keep: &log,
        notices: &counted,
    };
    let reconciler = observer.reconciler.clone();
    let told = async {
        loop {
            let now = Assignment {
                partitions: partitions.borrow_and_update().clone(),
                count: *count.borrow_and_update(),
            };
            reconciler.amazon.share_out(now.share_of_quota());
            now.say();
            assigned.send_replace(now);
            let changed = tokio::select! {
                changed = partitions.changed() => changed,
                changed = count.changed() => changed,
            };
            if changed.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        () = intake.run(&observer, &dead_letters, &clock, &stop) => Ok(()),
        () = told => Ok(()),
    }
}

/// Every merchant account, checked as a whole.
pub(crate) fn amazon_pay(
    accounts: &BTreeMap<AccountName, Account>,
    attempt_timeout: Duration,
    clock: &ProgramClock,
    observer: Arc<dyn Observer>,
) -> Result<Accounts<ProgramClock>, Problems> {
    let settings = accounts
        .iter()
        .map(|(name, account)| AccountSettings {
            name: name.clone(),
            region: account.region,
            public_key_id: account.public_key_id.clone(),
            environment: account.environment,
            private_key: account.private_key.clone(),
            endpoint: account.endpoint.clone(),
            ca_pem: account.ca_pem.clone(),
            quotas: account.quotas,
            shop_front_share: account.shop_front_share,
            attempt_timeout,
            connect_timeout: CONNECT_TIMEOUT,
        })
        .collect();
    Accounts::new(
        settings,
        Arc::new(clock.clone()),
        Arc::new(Drawn::from_os()),
        observer,
    )
    .map_err(|problems| {
        let problem = |(name, problem): (AccountName, _)| Problem {
            key: format!("accounts.{name}"),
            source: "configuration".to_owned(),
            text: format!("{problem}"),
        };
        Problems(problems.into_iter().map(problem).collect())
    })
}

/// Opens the log, and waits for a database that is away: it may be starting as well.
pub(crate) async fn open_log(config: &Config, stop: &CancellationToken) -> anyhow::Result<Option<Log>> {
    let mut wait = Duration::from_secs(1);
    loop {
        match Log::open(config.store_url.expose_secret(), store::options()).await {
            Ok(log) => return Ok(Some(log)),
            Err(error) if error.is_retryable() => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    error,
                    "store.url: the database does not answer; trying again in {} s",
                    wait.as_secs()
                );
            }
            Err(error) => return Err(anyhow::Error::new(error).context("store.url")),
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(None),
            () = real_sleep(wait) => {}
        }
        wait = (wait * 2).min(Duration::from_secs(30));
    }
}
