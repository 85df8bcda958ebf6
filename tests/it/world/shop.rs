//! The shop front: it has the same merchant account as confirmd, and may confirm a session before it.

use amazon_pay::{
    CheckoutSession, CheckoutSessionId, Client, ClientConfig, CompleteCheckoutSession, Error, IdempotencyKey,
    Price, PrivateKey, PublicKeyId, Region, Request, Response,
};
use sandbox::SandboxClock;
use serde_json::Value;

use super::{World, in_time};

impl World {
    /// The shop front completes a session, as `make_session` showed it, by itself.
    pub(crate) async fn shop_front_completes(
        &self,
        session: &Value,
    ) -> Result<Response<CheckoutSession>, Error> {
        let info = self.sandbox.info();
        let merchant = &info.merchants[0];
        let pem = std::fs::read_to_string(&merchant.private_key_file).unwrap();
        let key = PrivateKey::from_pem(&pem).unwrap();
        let name = PublicKeyId::parse(&merchant.public_key_id).unwrap();
        let mut config = ClientConfig::new(Region::Eu, name, key);
        config.endpoint = Some(info.url.clone());
        config.ca_pem = Some(std::fs::read(&info.ca_file).unwrap());
        let client = Client::new(config).unwrap();
        let amount = &session["paymentDetails"]["chargeAmount"];
        let text = |field: &str| amount[field].as_str().unwrap();
        let body = CompleteCheckoutSession::new(Price::parse(text("amount"), text("currencyCode")).unwrap());
        let id = CheckoutSessionId::parse(session["checkoutSessionId"].as_str().unwrap()).unwrap();
        let key = IdempotencyKey::parse("shopfront").unwrap();
        let request = Request::complete_checkout_session(&id, body.to_body(), Some(key));
        in_time("the shop front's call", client.call(&request, self.clock.now())).await
    }
}
