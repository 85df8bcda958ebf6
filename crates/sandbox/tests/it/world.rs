//! A sandbox of one's own per test, on a clock that only the test moves.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use sandbox::{
    ClockSource, NewSession, Options, Profile, Sandbox, SandboxClock as _, SettableClock, Unknowns,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::client::{Answer, Broken, Call, Client};

pub(crate) const START: &str = "2026-01-05T10:00:00Z";

pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) clock: SettableClock,
    pub(crate) eu: Client,
    folder: TempDir,
}

impl World {
    /// No quotas, sandbox environment, the clock stopped at [`START`].
    pub(crate) async fn start() -> Self {
        Self::with(Profile::Unlimited).await
    }

    pub(crate) async fn with(profile: Profile) -> Self {
        Self::of(Options {
            profile,
            ..Options::default()
        })
        .await
    }

    /// As these options have it; keys, clock and seed are the world's own.
    pub(crate) async fn of(options: Options) -> Self {
        let clock = SettableClock::stopped_at(START.parse().unwrap());
        let folder = folder_with_keys().await;
        let options = Options {
            tls_dir: Some(folder.path().to_owned()),
            clock: ClockSource::Settable(clock.clone()),
            seed: Some(7),
            ..options
        };
        let sandbox = Sandbox::start(options).await.unwrap();
        let eu = Client::new(&sandbox, "eu_shop");
        Self {
            sandbox,
            clock,
            eu,
            folder,
        }
    }

    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds)).unwrap();
    }

    pub(crate) fn switch(&self, change: impl FnOnce(&mut Unknowns)) {
        let mut unknowns = self.sandbox.unknowns();
        change(&mut unknowns);
        self.sandbox.set_unknowns(unknowns);
    }

    /// The id of a session made from these overrides.
    pub(crate) fn session(&self, overrides: Value) -> String {
        let new: NewSession = serde_json::from_value(overrides).unwrap();
        let session = self.sandbox.make_session(new).unwrap();
        session["checkoutSessionId"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn get(&self, session: &str) -> Answer {
        self.eu
            .send(&Call::get(format!("/v2/checkoutSessions/{session}"), self.now()))
            .await
    }

    pub(crate) async fn get_charge(&self, charge: &str) -> Answer {
        self.eu
            .send(&Call::get(format!("/v2/charges/{charge}"), self.now()))
            .await
    }

    pub(crate) fn finalizing(&self, session: &str, body: &Value) -> Call {
        Call::new(
            "POST",
            format!("/v2/checkoutSessions/{session}/finalize"),
            body.to_string(),
            self.now(),
        )
    }

    pub(crate) fn completing(&self, session: &str, body: &Value) -> Call {
        Call::new(
            "POST",
            format!("/v2/checkoutSessions/{session}/complete"),
            body.to_string(),
            self.now(),
        )
    }

    pub(crate) async fn finalize(&self, session: &str, body: &Value) -> Answer {
        self.eu.send(&self.finalizing(session, body)).await
    }

    pub(crate) async fn complete(&self, session: &str, body: &Value) -> Answer {
        self.eu.send(&self.completing(session, body)).await
    }

    pub(crate) async fn try_finalize(&self, session: &str, body: &Value) -> Result<Answer, Broken> {
        self.eu.try_send(&self.finalizing(session, body)).await
    }

    /// A call of `eu_shop`, signed now.
    pub(crate) fn calling(&self, method: &'static str, path: &str, body: &Value) -> Call {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        Call::new(method, format!("/v2/{path}"), body, self.now())
    }

    pub(crate) async fn call(&self, method: &'static str, path: &str, body: Value) -> Answer {
        self.eu.send(&self.calling(method, path, &body)).await
    }

    /// A POST under a key.
    pub(crate) async fn post(&self, path: &str, key: &str, body: Value) -> Answer {
        self.eu
            .send(&self.calling("POST", path, &body).with_key(key))
            .await
    }

    pub(crate) async fn look(&self, path: &str) -> Value {
        self.call("GET", path, Value::Null).await.json()
    }

    /// Completes a session made from these overrides; its charge permission and its charge.
    pub(crate) async fn confirmed(&self, overrides: Value) -> (String, String) {
        let session = self.session(overrides);
        let details = self.get(&session).await.json()["paymentDetails"].clone();
        let mut body = json!({"chargeAmount": details["chargeAmount"]});
        if details["totalOrderAmount"].is_object() {
            body["totalOrderAmount"] = details["totalOrderAmount"].clone();
        }
        let answer = self.complete(&session, &body).await;
        assert!(answer.status < 300, "{}", answer.text);
        let id = |field: &str| answer.json()[field].as_str().unwrap_or_default().to_owned();
        (id("chargePermissionId"), id("chargeId"))
    }

    /// How the books have the session.
    pub(crate) fn book(&self, session: &str) -> Value {
        serde_json::to_value(self.sandbox.books().session(session).expect("on the books")).unwrap()
    }
}

pub(crate) const DAY: u64 = 24 * 3600;

pub(crate) fn eur(amount: &str) -> Value {
    json!({"amount": amount, "currencyCode": "EUR"})
}

/// A session over `total` of which nothing is charged yet.
pub(crate) fn consent(total: &str) -> Value {
    json!({"paymentDetails": {"paymentIntent": "Confirm", "chargeAmount": eur(total)}})
}

pub(crate) fn authorized(amount: &str) -> Value {
    json!({"paymentDetails": {"paymentIntent": "Authorize", "chargeAmount": eur(amount)}})
}

pub(crate) fn captured(amount: &str) -> Value {
    json!({"paymentDetails": {"chargeAmount": eur(amount)}})
}

/// State and reason.
pub(crate) fn standing(object: &Value) -> (String, String) {
    let status = &object["statusDetails"];
    let reason = match &status["reasons"] {
        Value::Array(reasons) => reasons
            .first()
            .map_or(&Value::Null, |reason| &reason["reasonCode"]),
        _ => &status["reasonCode"],
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (text(&status["state"]), text(reason))
}

pub(crate) fn is(state: &str, reason: &str) -> (String, String) {
    (state.to_owned(), reason.to_owned())
}

pub(crate) fn refused(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

/// What confirms a session made from the template of `eu_shop`.
pub(crate) fn order() -> Value {
    json!({
        "shippingAddress": {
            "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Berlin",
            "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
        },
        "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
        "paymentIntent": "AuthorizeWithCapture",
    })
}

/// `order()` with some fields set to others.
pub(crate) fn order_with(changes: Value) -> Value {
    let (Value::Object(mut order), Value::Object(changes)) = (order(), changes) else {
        panic!("changes are an object");
    };
    order.extend(changes);
    Value::Object(order)
}

/// Keys take a moment to make, so all tests share one set; each has its own folder, for its own CA.
async fn folder_with_keys() -> TempDir {
    static KEYS: OnceCell<Vec<(String, Vec<u8>)>> = OnceCell::const_new();
    let keys = KEYS
        .get_or_init(|| async {
            let sandbox = Sandbox::start(Options::default()).await.unwrap();
            let files = sandbox.info().merchants.iter().map(|merchant| {
                (
                    format!("{}.pem", merchant.account),
                    fs::read(&merchant.private_key_file).unwrap(),
                )
            });
            files.collect()
        })
        .await;
    let folder = tempfile::tempdir().unwrap();
    for (name, pem) in keys {
        fs::write(folder.path().join(name), pem).unwrap();
    }
    folder
}
