//! A desk without a program behind it, and a client that says exactly what it is told to.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use checkout::{SessionId, Timestamp};
use console::shown::{
    Account, Alert, DeadLetter, Explained, ExplainedAccount, Fact, Help, Last, Line, Money, OutcomesOf,
    Overview, Page, Quota, Readiness, Session, Story, Then, Told,
};
use console::{Access, Act, ActRefused, Asked, Awaited, Desk, On, Trouble};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const READ: &str = "the-token-for-reading";
pub(crate) const OPERATE: &str = "the-token-for-acts";
/// Everybody knows this session, and no other.
pub(crate) const SESSION: &str = "S-1";
/// Only operators get to see them.
pub(crate) const BUYER: &str = "Robin Example";
/// What a shop may have written where a page shows it.
pub(crate) const NASTY: &str = "<script>alert(1)</script>";

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp::parse("2026-01-05T10:00:00Z")
        .unwrap()
        .plus(Duration::from_secs(seconds))
}

/// What was done, and by whom.
pub(crate) type Done = (Act, On, String, String);

pub(crate) struct Stub {
    pub(crate) now: Mutex<Timestamp>,
    pub(crate) done: Mutex<Vec<Done>>,
    /// Whether waiting is over at once.
    pub(crate) impatient: bool,
    ticks: watch::Sender<u64>,
}

fn money(amount: &str) -> Money {
    Money {
        amount: amount.to_owned(),
        currency_code: "EUR".to_owned(),
    }
}

fn line() -> Line {
    Line {
        checkout_session_id: SESSION.to_owned(),
        state: "in-doubt",
        account: Some("eu_shop".to_owned()),
        merchant_reference_id: Some(NASTY.to_owned()),
        deadline: at(3_600),
        charge_amount: Some(money("23.45")),
        settled: false,
        updated_at: at(0),
        firing: vec!["in-doubt".to_owned()],
    }
}

fn session() -> Session {
    let mut refused = Fact::new(2, at(1), "confirmation-refused");
    refused.status = Some(422);
    refused.reason_code = Some("AmountMismatch".to_owned());
    refused.request_id = Some("amazon-7".to_owned());
    refused.message = Some(NASTY.to_owned());
    let mut acted = Fact::new(3, at(2), "retry-wanted");
    acted.actor = Some("ada".to_owned());
    Session {
        checkout_session_id: SESSION.to_owned(),
        account: Some("eu_shop".to_owned()),
        merchant_reference_id: Some(NASTY.to_owned()),
        operation: Some("Finalize"),
        state: "needs-repair",
        may_have_landed: true,
        deadline: at(3_600),
        deadline_from: "look-up",
        due_at: None,
        attempts: 1,
        charge_amount: Some(money("23.45")),
        charge_permission_id: None,
        charge_id: None,
        outcome: None,
        alerts: vec![Alert {
            alert_id: "S-1/needs-repair/1".to_owned(),
            kind: "needs-repair",
            status: "firing",
            summary: "The amounts differ.".to_owned(),
        }],
        history: Some(vec![Fact::new(1, at(0), "checkout-completed"), refused, acted]),
    }
}

fn account() -> Account {
    Account {
        account: "eu_shop".to_owned(),
        mode: "confirm",
        condition: "running",
        since: at(0),
        by: None,
        reason: String::new(),
        quota_per_second: Quota {
            confirm: Some(3.0),
            look_up: Some(6.0),
            charge: None,
            permission: None,
        },
        used_per_second: Quota {
            confirm: Some(1.25),
            look_up: None,
            charge: None,
            permission: None,
        },
        backlog: 1,
        predicted_misses: 2,
        predicted_loss: vec![money("46.90")],
        predicted_by: Some(at(600)),
        next_deadline: Some(at(3_600)),
    }
}

fn readiness() -> Readiness {
    Readiness {
        ready: true,
        database: "writable".to_owned(),
        broker: "connected",
    }
}

impl Desk for Stub {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, _: Duration) {
        if !self.impatient {
            pending::<()>().await;
        }
    }

    fn ticks(&self) -> watch::Receiver<u64> {
        self.ticks.subscribe()
    }

    fn metrics(&self) -> String {
        "confirmd_build_info 1\n".to_owned()
    }

    async fn readiness(&self) -> Readiness {
        readiness()
    }

    async fn overview(&self) -> Result<Overview, Trouble> {
        Ok(Overview {
            at: at(0),
            readiness: readiness(),
            accounts: vec![account()],
            foretold: Some(0.25),
            at_risk: vec![money("23.45")],
            deadlines_by_hour: vec![0, 1, 4],
            deadlines_of_account: BTreeMap::from([("eu_shop".to_owned(), vec![0, 0, 3])]),
            next: vec![line()],
            alerts: vec![line()],
            outcomes: vec![OutcomesOf {
                state: "confirmed",
                by_hour: vec![3, 0, 5],
            }],
        })
    }

    async fn sessions(&self, asked: &Asked) -> Result<Vec<Session>, Trouble> {
        match asked.state.as_deref() {
            Some("nonsense") => Err(Trouble::Asked("`nonsense` is no state".to_owned())),
            _ => Ok(vec![Session {
                history: None,
                ..session()
            }]),
        }
    }

    async fn page(&self, asked: &Asked) -> Result<Page<Line>, Trouble> {
        Ok(Page {
            lines: vec![line()],
            next: asked.after.is_none().then(|| "the place".to_owned()),
        })
    }

    async fn session(&self, id: &SessionId) -> Result<Option<Session>, Trouble> {
        Ok((id.as_str() == SESSION).then(session))
    }

    async fn explain(&self, id: &SessionId) -> Result<Option<Told>, Trouble> {
        Ok((id.as_str() == SESSION).then(|| Told {
            session: Session {
                history: None,
                ..session()
            },
            explained: Explained {
                checkout_session_id: SESSION.to_owned(),
                at: at(0),
                step: "wait",
                because: "it needs repair".to_owned(),
                not_before: None,
                account: ExplainedAccount {
                    name: Some("eu_shop".to_owned()),
                    condition: Some("running"),
                },
                place: Some(1),
            },
            story: Story {
                state: "needs-repair",
                since: Some(at(0)),
                last: Some(Last {
                    at: at(0),
                    what: NASTY.to_owned(),
                    request_id: Some("amazon-7".to_owned()),
                }),
                then: Some(Then {
                    at: at(1_800),
                    step: "look-up",
                    because: "its deadline is near".to_owned(),
                }),
                meanwhile: Some(Then {
                    at: at(900),
                    step: "alert",
                    because: "people are to be told".to_owned(),
                }),
                acts: vec![
                    Help {
                        command: Some("confirmd sessions release S-1 --reason TEXT".to_owned()),
                        what: "once it is repaired elsewhere".to_owned(),
                    },
                    Help {
                        command: None,
                        what: "publish a corrected event".to_owned(),
                    },
                ],
                runbook: Some("ConfirmdSessionsNeedPeople.md"),
            },
        }))
    }

    async fn personal(&self, id: &SessionId) -> Result<Option<Value>, Trouble> {
        let address = json!({"name": BUYER, "city": NASTY});
        Ok((id.as_str() == SESSION).then(|| {
            json!({
                "erased": false,
                "statements": [{"shippingAddress": address}],
                "found": null,
                "permissionDetails": null,
            })
        }))
    }

    async fn outcome(&self, id: &SessionId, _: Duration) -> Result<Awaited, Trouble> {
        Ok(match id.as_str() {
            SESSION => Awaited::Open,
            "S-told" => Awaited::Told(serde_json::json!({"type": "checkout.confirmed.v1"})),
            "S-many" => Awaited::TooMany,
            _ => Awaited::Unknown,
        })
    }

    async fn accounts(&self) -> Result<Vec<Account>, Trouble> {
        Ok(vec![account()])
    }

    async fn dead_letters(&self) -> Result<Vec<DeadLetter>, Trouble> {
        Ok(vec![DeadLetter {
            source: "checkout.completed/0/7".to_owned(),
            field: "checkoutSessionId".to_owned(),
            reason: "is missing".to_owned(),
            at: at(0),
            bytes: 12,
        }])
    }

    fn duration(&self, text: &str) -> Option<Duration> {
        text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
    }

    async fn act(&self, act: Act, on: &On, operator: &str, reason: &str) -> Result<(), ActRefused> {
        if act == Act::Release {
            return Err(ActRefused::Refused("it needs no release".to_owned()));
        }
        if *on != On::Session(SessionId::parse(SESSION).unwrap()) && matches!(on, On::Session(_)) {
            return Err(ActRefused::Unknown);
        }
        let done = (act, on.clone(), operator.to_owned(), reason.to_owned());
        self.done.lock().unwrap().push(done);
        Ok(())
    }
}

/// A console that serves until it is dropped.
pub(crate) struct Console {
    pub(crate) desk: Arc<Stub>,
    pub(crate) address: SocketAddr,
    _stop: DropGuard,
}

/// An answer: its status, its head, its body.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    /// Every value of a header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }
}

impl Console {
    /// With these tokens.
    pub(crate) async fn with(read: Option<&str>, operate: Option<&str>) -> Self {
        Self::of(read, operate, false).await
    }

    /// Where no wait is long.
    pub(crate) async fn impatient() -> Self {
        Self::of(None, Some(OPERATE), true).await
    }

    async fn of(read: Option<&str>, operate: Option<&str>, impatient: bool) -> Self {
        let desk = Arc::new(Stub {
            now: Mutex::new(at(0)),
            done: Mutex::default(),
            impatient,
            ticks: watch::Sender::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let token = |token: &str| SecretString::from(token.to_owned());
        let access = Access {
            read_token: read.map(token),
            operator_token: operate.map(token),
        };
        let stop = CancellationToken::new();
        tokio::spawn(console::serve(listener, desk.clone(), access, stop.clone()));
        Self {
            desk,
            address,
            _stop: stop.drop_guard(),
        }
    }

    /// Sends these bytes and reads until the console has closed the connection.
    pub(crate) async fn raw(&self, request: impl AsRef<[u8]>) -> Answer {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request.as_ref()).await.unwrap();
        let mut bytes = Vec::new();
        // What is refused before it has come whole may end in a reset.
        let _ = stream.read_to_end(&mut bytes).await;
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        Answer {
            status: status.unwrap_or(0),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    /// `more` are further lines of the head.
    pub(crate) async fn get(&self, path: &str, more: &[&str]) -> Answer {
        self.send("GET", path, more, "").await
    }

    pub(crate) async fn send(&self, method: &str, path: &str, more: &[&str], body: &str) -> Answer {
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !more.iter().any(|line| line.starts_with("host:")) {
            head += &format!("host: {}\r\n", self.address);
        }
        for line in more {
            head += &format!("{line}\r\n");
        }
        self.raw(format!("{head}\r\n{body}")).await
    }
}

/// `Authorization: Basic` of this name and token.
pub(crate) fn basic(name: &str, token: &str) -> String {
    use base64::Engine as _;
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{token}"));
    format!("authorization: Basic {credentials}")
}

pub(crate) fn bearer(token: &str) -> String {
    format!("authorization: Bearer {token}")
}

/// Whoever has not come to an end by then never will.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test that hangs says so after a minute"
    )]
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .unwrap()
}
