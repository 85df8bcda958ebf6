//! Logs to test, and sessions to put into them.

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, Answer, Backoff, BodyRef, ChargePermissionType, Event, Evidence,
    IdempotencyKey, Ids, Mode, Near, Order, Outcome, Payment, PaymentIntent, Policy, PrivateRef, ProductType,
    SessionId, Statement, Timestamp, Work,
};
use reconciler::ports::{Appended, LogError, SessionLog};
use reconciler::{Actor, Address, Append, Personal, Recorded, Row, Version, replay};
use session_log::{Log, Options};
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row as _, SqliteConnection};
use tempfile::TempDir;

/// A new, migrated log, and a way past it into its database.
pub(crate) struct Backend {
    pub(crate) log: Log,
    pub(crate) url: String,
    _folder: Option<TempDir>,
}

/// Opens whatever schema there is, and waits a little for what is slow on a busy machine.
pub(crate) fn migrating() -> Options {
    Options {
        usable_schema_only: false,
        ..Options::default()
    }
}

pub(crate) async fn migrated(url: &str) -> Log {
    let log = Log::open(url, migrating()).await.unwrap();
    log.migrate().await.unwrap();
    log
}

/// The URL of a log that is not there yet.
pub(crate) fn sqlite_url() -> (String, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (format!("sqlite://{}/log.db", folder.path().display()), folder)
}

impl Backend {
    /// A log in a database that somebody else has made.
    pub(crate) fn at(log: Log, url: String) -> Self {
        Self {
            log,
            url,
            _folder: None,
        }
    }

    pub(crate) async fn sqlite() -> Self {
        let (url, folder) = sqlite_url();
        Self {
            log: migrated(&url).await,
            url,
            _folder: Some(folder),
        }
    }

    /// A schema of its own in a database that all tests share: a database for each would take most of their time.
    pub(crate) async fn postgres() -> Option<Self> {
        static SHARED: OnceLock<Option<String>> = OnceLock::new();
        let database = SHARED
            .get_or_init(|| Some(testkit::real::postgres()?.database("session-log")))
            .as_ref()?;
        let schema = testkit::real::unique("log").replace('-', "_");
        let mut connection = PgConnection::connect(database).await.unwrap();
        let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
        sqlx::query(create).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        let separator = if database.contains('?') { '&' } else { '?' };
        let url = format!("{database}{separator}options[search_path]={schema}");
        Some(Self::at(migrated(&url).await, url))
    }

    /// Runs SQL that no program should, or reads what it does not show.
    pub(crate) async fn sql(&self, sql: &str) -> Vec<i64> {
        if self.url.starts_with("sqlite") {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await;
            let numbers = rows.unwrap().iter().map(|row| row.get(0)).collect();
            connection.close().await.unwrap();
            numbers
        } else {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            let rows = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut connection).await;
            let numbers = rows.unwrap().iter().map(|row| row.get(0)).collect();
            connection.close().await.unwrap();
            numbers
        }
    }
}

/// One test for each database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&$crate::support::Backend::sqlite().await).await;
            })+
        }

        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                if let Some(backend) = $crate::support::Backend::postgres().await {
                    super::$name(&backend).await;
                }
            })+
        }
    };
}
pub(crate) use on_both;

/// The first of these many seconds of the tests' day.
pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::parse("2026-01-05T10:00:00Z")
        .unwrap()
        .plus(Duration::from_secs(seconds))
}

pub(crate) fn id(name: &str) -> SessionId {
    SessionId::parse(name).unwrap()
}

pub(crate) fn account(name: &str) -> AccountName {
    AccountName::parse(name).unwrap()
}

pub(crate) fn policy() -> Policy {
    Policy {
        mode: Mode::Confirm,
        near: Near::Alert,
        cancel_before: Duration::from_secs(30 * 60),
        alert_before: vec![Duration::from_secs(2 * 60 * 60)],
        last_attempt_before: Duration::from_secs(60),
        retry: Backoff {
            first: Duration::from_secs(1),
            max: Duration::from_secs(300),
        },
        attempt_timeout: Duration::from_secs(30),
        personal_data_for: Duration::from_secs(30 * 24 * 60 * 60),
    }
}

pub(crate) fn statement(shop: &str) -> Statement {
    let amount = Amount::parse("23.40", "EUR").unwrap();
    Statement {
        account: Some(account(shop)),
        merchant_reference_id: Some("ORDER-1".to_owned()),
        order: Some(Order {
            work: Work::Finalize {
                product: ProductType::PayAndShip,
                intent: PaymentIntent::Authorize,
                amount,
            },
            permission_type: ChargePermissionType::OneTime,
            total_order_amount: None,
            can_handle_pending: false,
            has_address: true,
        }),
        flaw: None,
        private: PrivateRef(0),
    }
}

pub(crate) fn completed(said_at: Timestamp) -> Event {
    Event::CheckoutCompleted {
        statement: statement("eu_shop"),
        said_at,
        session_created_at: None,
    }
}

pub(crate) fn completed_for(shop: &str, said_at: Timestamp) -> Event {
    Event::CheckoutCompleted {
        statement: statement(shop),
        said_at,
        session_created_at: None,
    }
}

pub(crate) fn started(attempt: u32, at: Timestamp) -> Event {
    Event::ConfirmationStarted {
        attempt,
        key: IdempotencyKey::from_bits(u128::from(attempt)),
        body: BodyRef(attempt),
        send_by: at.plus(Policy::SEND_WITHIN),
    }
}

pub(crate) fn confirmed() -> Event {
    Event::Settled {
        outcome: Outcome::Confirmed {
            ids: Ids {
                charge_permission_id: "P01-1".to_owned(),
                charge_permission_type: None,
                charge_id: None,
            },
            payment: Payment::Authorized,
            evidence: Evidence::Answer,
        },
        answer: Answer {
            status: Some(200),
            request_id: Some("req-1".to_owned()),
            ..Answer::default()
        },
    }
}

pub(crate) fn alert(ordinal: u32) -> Event {
    alert_of(AlertKind::InDoubt, ordinal)
}

pub(crate) fn alert_of(kind: AlertKind, ordinal: u32) -> Event {
    Event::AlertRaised {
        kind,
        ordinal,
        summary: "look at it".to_owned(),
    }
}

/// Personal data of somebody.
pub(crate) fn address(name: &str) -> Personal {
    Personal {
        shipping_address: Some(Address {
            name: Some(name.to_owned()),
            ..Address::default()
        }),
        ..Personal::default()
    }
}

/// A session as its tests tell it.
#[derive(Clone)]
pub(crate) struct Story {
    pub(crate) id: SessionId,
    pub(crate) history: Vec<Recorded>,
}

impl Story {
    pub(crate) fn of(name: &str) -> Self {
        Self {
            id: id(name),
            history: Vec::new(),
        }
    }

    pub(crate) fn version(&self) -> Version {
        Version(self.history.len() as u32)
    }

    /// The append that adds these facts, which are told from then on.
    pub(crate) fn then(&mut self, at: Timestamp, events: impl IntoIterator<Item = Event>) -> Append {
        let after = self.version();
        let events: Vec<Event> = events.into_iter().collect();
        for event in &events {
            self.history.push(Recorded {
                version: Version(self.version().0 + 1),
                at,
                actor: Actor::Worker,
                reason: None,
                traceparent: None,
                event: event.clone(),
            });
        }
        let (session, _) = replay(&self.history);
        Append {
            id: self.id.clone(),
            after,
            at,
            actor: Actor::Worker,
            reason: None,
            traceparent: None,
            events,
            row: Row::of(&session, at, &policy()).expect("the story begins with a checkout"),
            partition: 0,
            personal: Vec::new(),
            found: None,
            body: None,
            erase_after: None,
        }
    }
}

pub(crate) async fn append(log: &Log, append: Append) -> Result<Appended, LogError> {
    let mut results = log.append_all(vec![append]).await;
    assert_eq!(results.len(), 1);
    results.remove(0)
}

/// A session that has just been heard of.
pub(crate) async fn heard(log: &Log, name: &str) -> Story {
    let mut story = Story::of(name);
    append(log, story.then(at(0), [completed(at(0))])).await.unwrap();
    story
}

/// A test that hangs fails instead.
#[expect(
    clippy::disallowed_methods,
    reason = "no clock of the tests can end what hangs"
)]
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), future)
        .await
        .expect("it hangs")
}
