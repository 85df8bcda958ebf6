//! The shop front: it has the same merchant account as confirmd, and may confirm a session before it.

use std::path::Path;
use std::process::Stdio;

use amazon_pay::{
    Algorithm, CheckoutSession, CheckoutSessionId, Client, ClientConfig, CompleteCheckoutSession, Error,
    IdempotencyKey, Price, PrivateKey, PublicKeyId, Region, Request, Response,
};
use sandbox::{ClockSource, Options, Profile, Sandbox, SandboxClock, SettableClock};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::{World, in_time};

/// A sandbox without quotas that keeps the machine's time until its clock is moved.
pub(crate) async fn sandbox_by_the_machines_clock() -> (Sandbox, SettableClock) {
    let clock = SettableClock::real();
    let options = Options {
        profile: Profile::Unlimited,
        clock: ClockSource::Settable(clock.clone()),
        seed: Some(1),
        ..Options::default()
    };
    (Sandbox::start(options).await.unwrap(), clock)
}

/// Speaks for the sandbox's first merchant.
pub(crate) fn client_of(sandbox: &Sandbox, algorithm: Algorithm) -> Client {
    let info = sandbox.info();
    let merchant = &info.merchants[0];
    let pem = std::fs::read_to_string(&merchant.private_key_file).unwrap();
    let key = PrivateKey::from_pem(&pem).unwrap();
    let key_id = PublicKeyId::parse(&merchant.public_key_id).unwrap();
    Client::new(ClientConfig {
        algorithm,
        endpoint: Some(info.url.clone()),
        ca_pem: Some(std::fs::read(&info.ca_file).unwrap()),
        ..ClientConfig::new(Region::Eu, key_id, key)
    })
    .unwrap()
}

/// One run of an example of the SDK's, by the sandbox's first merchant: what it prints, or what it
/// complains of.
pub(crate) async fn example(
    sandbox: &Sandbox,
    name: &str,
    arguments: &[&str],
    input: &[u8],
) -> Result<String, String> {
    let info = sandbox.info();
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/amazon-pay/Cargo.toml");
    let mut running = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--locked", "--manifest-path"])
        .arg(manifest)
        .args(["--example", name, "--"])
        .args(arguments)
        .env("AMAZON_PAY_KEY_FILE", &info.merchants[0].private_key_file)
        .env("AMAZON_PAY_KEY_ID", &info.merchants[0].public_key_id)
        .env("AMAZON_PAY_ENDPOINT", &info.url)
        .env("AMAZON_PAY_CA_FILE", &info.ca_file)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    running.stdin.take().unwrap().write_all(input).await.unwrap();
    let ran = running.wait_with_output().await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if ran.status.success() {
        Ok(text(ran.stdout))
    } else {
        Err(text(ran.stderr))
    }
}

impl World {
    /// The shop front completes a session, as `make_session` showed it, by itself.
    pub(crate) async fn shop_front_completes(
        &self,
        session: &Value,
    ) -> Result<Response<CheckoutSession>, Error> {
        let client = client_of(&self.sandbox, Algorithm::V2);
        let amount = &session["paymentDetails"]["chargeAmount"];
        let text = |field: &str| amount[field].as_str().unwrap();
        let body = CompleteCheckoutSession::new(Price::parse(text("amount"), text("currencyCode")).unwrap());
        let id = CheckoutSessionId::parse(session["checkoutSessionId"].as_str().unwrap()).unwrap();
        let key = IdempotencyKey::parse("shopfront").unwrap();
        let request = Request::complete_checkout_session(&id, body.to_body(), Some(key));
        in_time("the shop front's call", client.call(&request, self.clock.now())).await
    }
}
