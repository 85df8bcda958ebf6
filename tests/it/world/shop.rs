//! The shop front: it has the same merchant account as confirmd, and may confirm a session before it.

use amazon_pay::{
    Algorithm, CheckoutSession, CheckoutSessionId, Client, ClientConfig, CompleteCheckoutSession, Error,
    IdempotencyKey, Price, PrivateKey, PublicKeyId, Region, Request, Response,
};
use sandbox::{ClockSource, Options, Profile, Sandbox, SandboxClock, SettableClock};
use serde_json::Value;

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
