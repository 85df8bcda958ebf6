//! One account of an invented shop, its server, and who listens.

use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use checkout::{AccountName, ConfirmAnswer, IdempotencyKey, LookUpAnswer, Operation, SessionId, Timestamp};
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use provider::{
    AccountSettings, Accounts, CallReport, Environment, Observer, PrivateKey, PublicKeyId, Quotas, Region,
    Turn,
};
use reconciler::ports::{Attempt, Call, Chance, Clock, ConfirmCheckout, LookUp, Turns};
use reconciler::{Condition, Personal};

use crate::clock::TestClock;
use crate::server::{Answer, Server};

/// One key for all: making one takes longer than the cases do.
static PEM: LazyLock<String> = LazyLock::new(|| {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    String::from_utf8(key.private_key_to_pem_pkcs8().unwrap()).unwrap()
});

pub(crate) const SESSION: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
pub(crate) const CHARGE: &str = "S01-4419027-6630185-C083512";
pub(crate) const BODY: &str = r#"{"paymentIntent":"Authorize","shippingAddress":{"name":"Robin Example"}}"#;

pub(crate) const COMPLETED: &str = r#"{"checkoutSessionId":"7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11",
    "chargePermissionType":"OneTime","statusDetails":{"state":"Completed"},"constraints":[null],
    "chargePermissionId":"S01-4419027-6630185","chargeId":"S01-4419027-6630185-C083512",
    "creationTimestamp":"20260105T100755Z","expirationTimestamp":null}"#;

pub(crate) fn start() -> Timestamp {
    Timestamp::parse("2026-01-05T10:15:30Z").unwrap()
}

pub(crate) fn account() -> AccountName {
    AccountName::parse("eu_shop").unwrap()
}

pub(crate) fn session() -> SessionId {
    SessionId::parse(SESSION).unwrap()
}

pub(crate) fn settings(endpoint: String) -> AccountSettings {
    AccountSettings {
        name: account(),
        region: Region::Eu,
        public_key_id: PublicKeyId::parse("SANDBOX-AEXAMPLE").unwrap(),
        environment: None,
        private_key: PrivateKey::from_pem(&PEM).unwrap(),
        endpoint: Some(endpoint),
        ca_pem: None,
        quotas: Quotas::published(Environment::Live),
        shop_front_share: 0.0,
        attempt_timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(10),
    }
}

pub(crate) struct Dice;

impl Chance for Dice {
    fn spread(&self) -> f64 {
        0.5
    }

    fn bits(&self) -> u128 {
        0x0123_4567_89ab_cdef_0123_4567_89ab_cdef
    }
}

/// Keeps what it hears, in words.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) calls: Mutex<Vec<String>>,
    pub(crate) conditions: Mutex<Vec<(Condition, String)>>,
}

impl Observer for Heard {
    fn called(&self, report: &CallReport<'_>) {
        let CallReport {
            account,
            operation,
            result,
            seconds,
            ..
        } = report;
        let text = format!("{account} {} {} {seconds}", operation.name(), result.name());
        self.calls.lock().unwrap().push(text);
    }

    fn condition(&self, _: &AccountName, condition: Condition, reason: &str) {
        self.conditions
            .lock()
            .unwrap()
            .push((condition, reason.to_owned()));
    }
}

impl Heard {
    pub(crate) fn conditions(&self) -> Vec<Condition> {
        self.conditions
            .lock()
            .unwrap()
            .iter()
            .map(|(condition, _)| *condition)
            .collect()
    }

    pub(crate) fn last_reason(&self) -> String {
        self.conditions.lock().unwrap().last().unwrap().1.clone()
    }
}

pub(crate) struct World {
    pub(crate) accounts: Accounts<TestClock>,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) heard: Arc<Heard>,
    pub(crate) server: Server,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut AccountSettings)) -> Self {
        let server = Server::start().await;
        let mut settings = settings(server.url());
        change(&mut settings);
        let (accounts, clock, heard) = accounts_of(vec![settings], start());
        Self {
            accounts,
            clock,
            heard,
            server,
        }
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn turn(&self, call: Call) -> Turn {
        self.accounts.turn(&account(), call).unwrap()
    }

    pub(crate) fn condition(&self) -> Condition {
        self.accounts.conditions()[0].condition
    }

    /// An attempt on the usual session, begun now.
    pub(crate) fn attempt(&self) -> Attempt {
        let now = self.clock.now();
        Attempt {
            account: account(),
            id: session(),
            operation: Operation::Finalize,
            key: IdempotencyKey::parse("fin7c0a6d1e52f44b7b9b1c2f3d0e8a4").unwrap(),
            body: BODY.as_bytes().to_vec(),
            send_by: now.plus(Duration::from_secs(2)),
            answer_by: now.plus(Duration::from_secs(30)),
            traceparent: None,
        }
    }

    pub(crate) async fn confirm(&self) -> ConfirmAnswer {
        self.confirm_session(SESSION).await
    }

    pub(crate) async fn confirm_session(&self, id: &str) -> ConfirmAnswer {
        let attempt = Attempt {
            id: SessionId::parse(id).unwrap(),
            ..self.attempt()
        };
        self.accounts.confirm(self.turn(Call::Confirm), attempt).await
    }

    /// The answer to a confirmation that the server answers so.
    pub(crate) async fn confirmed_with(&self, answer: Answer) -> ConfirmAnswer {
        self.server.answers(answer);
        self.confirm().await
    }

    pub(crate) async fn look_up(&self) -> (LookUpAnswer, Option<Personal>) {
        self.accounts
            .look_up(self.turn(Call::LookUp), &account(), &session(), None)
            .await
    }

    pub(crate) async fn looked_up_with(&self, answer: Answer) -> (LookUpAnswer, Option<Personal>) {
        self.server.answers(answer);
        self.look_up().await
    }
}

type Made = (Accounts<TestClock>, Arc<TestClock>, Arc<Heard>);

pub(crate) fn accounts_of(settings: Vec<AccountSettings>, now: Timestamp) -> Made {
    let clock = Arc::new(TestClock::at(now));
    let heard = Arc::new(Heard::default());
    let accounts = Accounts::new(settings, clock.clone(), Arc::new(Dice), heard.clone()).unwrap();
    (accounts, clock, heard)
}
