//! `amazon-pay` against the sandbox over TLS: every operation, and its examples as they are.

use amazon_pay::{
    Algorithm, Answer, BuyerToken, CancelCharge, CaptureCharge, ChargeId, ChargePermissionId,
    ChargePermissionState, ChargeReason, ChargeState, CheckoutSession, CheckoutSessionId,
    CheckoutSessionState, Client, CloseChargePermission, CompleteCheckoutSession, CreateCharge,
    CreateCheckoutSession, CreateRefund, FinalizeCheckoutSession, IdempotencyKey, MerchantMetadata,
    PaymentDetails, PaymentIntent, Price, ReasonCode, RefundId, RefundState, Request, Response, UpdateCharge,
    UpdateChargePermission, UpdateCheckoutSession, WebCheckoutDetails,
};
use sandbox::{BuyerAction, NewSession, Sandbox, SandboxClock as _, SettableClock};
use serde_json::{Value, json};
use testkit::real;

use crate::world::{client_of, example, in_time, sandbox_by_the_machines_clock};

struct Shop {
    sandbox: Sandbox,
    clock: SettableClock,
    client: Client,
}

impl Shop {
    async fn open(algorithm: Algorithm) -> Self {
        let (sandbox, clock) = sandbox_by_the_machines_clock().await;
        let client = client_of(&sandbox, algorithm);
        Self {
            sandbox,
            clock,
            client,
        }
    }

    async fn answer<T: Answer>(&self, request: &Request<T>) -> Response<T> {
        let what = format!("{request:?}");
        let answer = in_time(&what, self.client.call(request, self.clock.now())).await;
        answer.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    async fn done<T: Answer>(&self, status: u16, request: &Request<T>) -> T {
        let answer = self.answer(request).await;
        assert_eq!(answer.status, status, "{request:?}");
        assert!(answer.request_id.is_some() && answer.date.is_some());
        answer.value
    }

    async fn refused<T: Answer>(&self, request: &Request<T>) -> (u16, ReasonCode) {
        let refused = in_time("a refusal", self.client.call(request, self.clock.now())).await;
        let error = refused.err().expect("it is refused");
        assert!(!error.is_not_sent() && !error.may_have_landed() && error.request_id().is_some());
        (error.status().unwrap(), error.reason_code().unwrap().clone())
    }

    /// A session that is made and described through the API, and whose buyer has finished.
    async fn session(&self, intent: PaymentIntent) -> CheckoutSessionId {
        let details = WebCheckoutDetails {
            checkout_review_return_url: Some("https://shop.example/review".to_owned()),
            ..WebCheckoutDetails::default()
        };
        let body = CreateCheckoutSession::new(details, "amzn1.application-oa2-client.shop")
            .to_body()
            .unwrap();
        let made = self
            .done(201, &Request::create_checkout_session(body, key()))
            .await;
        let id = made.checkout_session_id;
        let update = UpdateCheckoutSession {
            web_checkout_details: Some(WebCheckoutDetails {
                checkout_result_return_url: Some("https://shop.example/result".to_owned()),
                ..WebCheckoutDetails::default()
            }),
            payment_details: Some(PaymentDetails {
                payment_intent: Some(intent.clone()),
                charge_amount: Some(price("23.45")),
                ..PaymentDetails::default()
            }),
            ..UpdateCheckoutSession::default()
        };
        let updated = self
            .done(
                200,
                &Request::update_checkout_session(&id, update.to_body().unwrap()),
            )
            .await;
        assert_eq!(updated.payment_details.unwrap().payment_intent, Some(intent));
        self.sandbox.buyer(id.as_str(), BuyerAction::Finish).unwrap();
        id
    }
}

fn price(amount: &str) -> Price {
    Price::parse(amount, "EUR").unwrap()
}

/// Another one at every call.
fn key() -> IdempotencyKey {
    let unique = real::unique("k");
    IdempotencyKey::parse(&unique[unique.len().saturating_sub(32)..]).unwrap()
}

fn ids(session: &CheckoutSession) -> (ChargePermissionId, Option<ChargeId>) {
    assert_eq!(session.status_details.state, CheckoutSessionState::Completed);
    (
        session.charge_permission_id.clone().unwrap(),
        session.charge_id.clone(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdk_performs_every_operation_with_both_algorithms() {
    for algorithm in [Algorithm::V1, Algorithm::V2] {
        let shop = Shop::open(algorithm).await;

        // Complete, capture, refund.
        let id = shop.session(PaymentIntent::Authorize).await;
        let body = CompleteCheckoutSession::new(price("23.45")).to_body();
        let (_, charge) = ids(&shop
            .done(200, &Request::complete_checkout_session(&id, body, None))
            .await);
        let charge = charge.unwrap();
        let shown = shop.done(200, &Request::get_charge(&charge)).await;
        assert_eq!(shown.status_details.state, ChargeState::Authorized);
        let body = CaptureCharge::new(price("20.00")).to_body().unwrap();
        let captured = shop
            .done(200, &Request::capture_charge(&charge, body, key()))
            .await;
        assert_eq!(captured.capture_amount, Some(price("20.00")));
        let body = CreateRefund::new(charge.clone(), price("5.00"))
            .to_body()
            .unwrap();
        let refund = shop.done(201, &Request::create_refund(body, key())).await;
        assert_eq!(refund.status_details.state, RefundState::RefundInitiated);
        let refund: RefundId = refund.refund_id;
        let shown = shop.done(200, &Request::get_refund(&refund)).await;
        assert_eq!(shown.refund_amount, Some(price("5.00")));

        // Finalize, charge later, cancel, close.
        let id = shop.session(PaymentIntent::Confirm).await;
        let open = shop.done(200, &Request::get_checkout_session(&id)).await;
        let body = FinalizeCheckoutSession {
            shipping_address: open.shipping_address,
            ..FinalizeCheckoutSession::new(PaymentIntent::Confirm, price("23.45"))
        };
        let request = Request::finalize_checkout_session(&id, body.to_body().unwrap(), Some(key()));
        let (permission, charge) = ids(&shop.done(200, &request).await);
        assert_eq!(charge, None);
        // The same bytes under the same key have the same answer.
        assert_eq!(ids(&shop.done(200, &request).await), (permission.clone(), None));
        let update = UpdateChargePermission {
            merchant_metadata: Some(MerchantMetadata {
                merchant_reference_id: Some("ORDER-7".to_owned()),
                ..MerchantMetadata::default()
            }),
            ..UpdateChargePermission::default()
        };
        let body = update.to_body().unwrap();
        let updated = shop
            .done(200, &Request::update_charge_permission(&permission, body))
            .await;
        assert_eq!(
            updated
                .merchant_metadata
                .unwrap()
                .merchant_reference_id
                .as_deref(),
            Some("ORDER-7")
        );
        let shown = shop.done(200, &Request::get_charge_permission(&permission)).await;
        assert_eq!(shown.status_details.state, ChargePermissionState::Chargeable);
        assert_eq!(shown.limits.unwrap().amount_limit, Some(price("23.45")));
        let body = CreateCharge::new(permission.clone(), price("10.00"))
            .to_body()
            .unwrap();
        let made = shop.done(201, &Request::create_charge(body, key())).await;
        let charge = made.charge_id;
        let update = UpdateCharge {
            reason_code: Some(ChargeReason::MerchantCanceled),
            ..UpdateCharge::new(ChargeState::Canceled)
        };
        let updated = shop
            .done(200, &Request::update_charge(&charge, update.to_body()))
            .await;
        assert_eq!(updated.status_details.state, ChargeState::Canceled);
        let body = CreateCharge::new(permission.clone(), price("10.00"))
            .to_body()
            .unwrap();
        let charge = shop
            .done(201, &Request::create_charge(body, key()))
            .await
            .charge_id;
        let body = CancelCharge::new("out of stock").to_body().unwrap();
        let canceled = shop
            .done(200, &Request::cancel_charge(&charge, body.clone()))
            .await;
        assert_eq!(canceled.status_details.state, ChargeState::Canceled);
        assert_eq!(
            shop.refused(&Request::cancel_charge(&charge, body)).await,
            (422, ReasonCode::InvalidChargeStatus)
        );
        let body = CloseChargePermission::new("no more").to_body().unwrap();
        let closed = shop
            .done(200, &Request::close_charge_permission(&permission, body))
            .await;
        assert_eq!(closed.status_details.state, ChargePermissionState::Closed);

        let token = open.buyer.unwrap().buyer_id.unwrap();
        let buyer = shop
            .done(200, &Request::get_buyer(&BuyerToken::parse(&token).unwrap()))
            .await;
        assert!(buyer.email.is_some());
        shop.sandbox.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_examples_confirm_capture_and_refund() {
    let shop = Shop::open(Algorithm::V2).await;
    for flow in [&[][..], &["finalize"][..]] {
        let new = json!({"paymentDetails": {"paymentIntent": "Authorize"}});
        let new: NewSession = serde_json::from_value(new).unwrap();
        let session: Value = shop.sandbox.make_session(new).unwrap();
        let id = session["checkoutSessionId"].as_str().unwrap();
        let told = example(
            &shop.sandbox,
            "confirm_a_checkout",
            &[&[id][..], flow].concat(),
            &[],
        )
        .await
        .unwrap();
        let charge = told
            .lines()
            .find_map(|line| line.strip_prefix("charge S"))
            .unwrap();
        let charge = format!("S{charge}");
        let told = example(&shop.sandbox, "deferred_capture", &[&charge], &[])
            .await
            .unwrap();
        assert!(told.starts_with("Captured\n"), "{told}");
        let told = example(&shop.sandbox, "refund", &[&charge, "5.00", "EUR", "1"], &[])
            .await
            .unwrap();
        assert!(told.contains("RefundInitiated"), "{told}");
        let again = example(&shop.sandbox, "refund", &[&charge, "5.00", "EUR", "1"], &[])
            .await
            .unwrap();
        assert_eq!(told, again, "a repeat is the same refund");
    }
    let totals = &shop.sandbox.books().totals["EUR"];
    assert_eq!(
        (totals.captured, totals.refunding),
        ("46.90".parse().unwrap(), "10.00".parse().unwrap())
    );
    shop.sandbox.shutdown().await;
}
