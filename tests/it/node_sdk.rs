//! Amazon's own SDK for Node.js, unmodified, against the sandbox over TLS: what it cannot tell from the real one.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use sandbox::{BuyerAction, Options, Sandbox, SettableClock};
use serde_json::{Value, json};
use testkit::real::{self, NodeWithSdk};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::world::{in_time, sandbox_by_the_machines_clock};

const V1: &str = "AMZN-PAY-RSASSA-PSS";
const V2: &str = "AMZN-PAY-RSASSA-PSS-V2";

/// A process of Node.js that makes one call after the other.
struct Sdk {
    _process: Child,
    calls: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

/// Whose calls, and how they are signed and sent.
struct As<'a> {
    algorithm: &'a str,
    key_file: &'a Path,
    ca_file: &'a Path,
}

impl Sdk {
    fn start(node: &NodeWithSdk, sandbox: &Sandbox, who: &As<'_>) -> Self {
        let info = sandbox.info();
        let merchant = &info.merchants[0];
        let setup = json!({
            "publicKeyId": merchant.public_key_id,
            "privateKeyFile": who.key_file,
            "caFile": who.ca_file,
            "region": merchant.region,
            "sandbox": true,
            "algorithm": who.algorithm,
            "host": info.url.strip_prefix("https://").unwrap(),
        });
        let mut process = Command::new(&node.node)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("it/node/drive_the_sdk.js"))
            .arg(setup.to_string())
            .env("NODE_PATH", &node.modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It warns of the certificate checks that it turns off.
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            calls: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            _process: process,
        }
    }

    /// What the SDK's method answers: status, headers and data of an HTTP answer, or what went wrong before one.
    async fn call(&mut self, method: &str, arguments: Value) -> Value {
        let line = format!("{}\n", json!({"method": method, "arguments": arguments}));
        self.calls.write_all(line.as_bytes()).await.unwrap();
        let answer = in_time(method, self.answers.next_line()).await.unwrap();
        serde_json::from_str(&answer.unwrap_or_else(|| panic!("{method}: the SDK's process has ended")))
            .unwrap()
    }

    /// The object of an answer of this status.
    async fn done(&mut self, status: u16, method: &str, arguments: Value) -> Value {
        let answer = self.call(method, arguments).await;
        assert_eq!(answer["status"], status, "{method}: {answer:#}");
        assert!(
            answer["headers"]["x-amz-pay-request-id"].is_string(),
            "{method}: {answer:#}"
        );
        answer["data"].clone()
    }

    /// Status and reason code of a refusal.
    async fn refused(&mut self, method: &str, arguments: Value) -> (u64, String) {
        let answer = self.call(method, arguments).await;
        let status = answer["status"].as_u64();
        let code = answer["data"]["reasonCode"].as_str();
        let (Some(status), Some(code)) = (status, code) else {
            panic!("{method}: not a refusal: {answer:#}");
        };
        (status, code.to_owned())
    }
}

struct Shop {
    sandbox: Sandbox,
    clock: SettableClock,
    node: NodeWithSdk,
}

impl Shop {
    /// None where Node.js or the SDK is missing.
    async fn open() -> Option<Self> {
        let node = tokio::task::spawn_blocking(real::node_with_sdk).await.unwrap()?;
        // The SDK dates its calls by the machine's clock.
        let (sandbox, clock) = sandbox_by_the_machines_clock().await;
        Some(Self { sandbox, clock, node })
    }

    fn sdk(&self, algorithm: &str) -> Sdk {
        let info = self.sandbox.info();
        let who = As {
            algorithm,
            key_file: &info.merchants[0].private_key_file,
            ca_file: &info.ca_file,
        };
        Sdk::start(&self.node, &self.sandbox, &who)
    }

    /// A session that the SDK has made, with its payment details, as the buyer leaves it.
    async fn session(&self, sdk: &mut Sdk, intent: &str, key: &str) -> String {
        let made = sdk
            .done(201, "createCheckoutSession", json!([creation(), keyed(key)]))
            .await;
        let id = text(&made, "checkoutSessionId");
        let shown = sdk.done(200, "getCheckoutSession", json!([id])).await;
        assert_eq!(shown["statusDetails"]["state"], "Open");
        let details = json!({
            "webCheckoutDetails": {"checkoutResultReturnUrl": "https://shop.example/result"},
            "paymentDetails": {"paymentIntent": intent, "chargeAmount": price("23.45")},
        });
        let updated = sdk.done(200, "updateCheckoutSession", json!([id, details])).await;
        assert_eq!(updated["paymentDetails"]["paymentIntent"], intent);
        self.sandbox.buyer(&id, BuyerAction::Finish).unwrap();
        id
    }
}

fn creation() -> Value {
    json!({
        "webCheckoutDetails": {"checkoutReviewReturnUrl": "https://shop.example/review"},
        "storeId": "amzn1.application-oa2-client.shop",
    })
}

fn price(amount: &str) -> Value {
    json!({"amount": amount, "currencyCode": "EUR"})
}

fn keyed(key: &str) -> Value {
    json!({"x-amz-pay-Idempotency-Key": key})
}

fn text(object: &Value, field: &str) -> String {
    let text = object[field].as_str();
    text.unwrap_or_else(|| panic!("no {field}: {object:#}"))
        .to_owned()
}

fn state(object: &Value) -> &str {
    object["statusDetails"]["state"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_performs_every_operation_with_both_algorithms() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    for (algorithm, run) in [(V1, "v1"), (V2, "v2")] {
        let mut sdk = shop.sdk(algorithm);
        let key = |of: &str| format!("{run}-{of}");

        // Complete, capture, refund, and what remains of the permission.
        let session = shop.session(&mut sdk, "Authorize", &key("first")).await;
        let completed = sdk
            .done(
                200,
                "completeCheckoutSession",
                json!([session, {"chargeAmount": price("23.45")}]),
            )
            .await;
        assert_eq!(state(&completed), "Completed");
        let (charge, permission) = (
            text(&completed, "chargeId"),
            text(&completed, "chargePermissionId"),
        );
        let shown = sdk.done(200, "getCharge", json!([charge])).await;
        assert_eq!(
            (state(&shown), &shown["chargeAmount"]),
            ("Authorized", &price("23.45"))
        );
        let capture = json!([charge, {"captureAmount": price("20.00")}, keyed(&key("capture"))]);
        let captured = sdk.done(200, "captureCharge", capture).await;
        assert_eq!(
            (state(&captured), &captured["captureAmount"]),
            ("Captured", &price("20.00"))
        );
        let refund = json!([{"chargeId": charge, "refundAmount": price("5.00")}, keyed(&key("refund"))]);
        let refunded = sdk.done(201, "createRefund", refund).await;
        assert_eq!(state(&refunded), "RefundInitiated");
        let refund = sdk
            .done(200, "getRefund", json!([text(&refunded, "refundId")]))
            .await;
        assert_eq!(refund["refundAmount"], price("5.00"));
        let shown = sdk.done(200, "getChargePermission", json!([permission])).await;
        assert_eq!(shown["limits"]["amountLimit"], price("23.45"), "{shown:#}");

        // Finalize, charge later, cancel, close.
        let session = shop.session(&mut sdk, "Confirm", &key("second")).await;
        let open = sdk.done(200, "getCheckoutSession", json!([session])).await;
        let confirmation = json!({
            "paymentIntent": "Confirm",
            "chargeAmount": price("23.45"),
            "shippingAddress": open["shippingAddress"],
            "billingAddress": null,
        });
        let finalized = sdk
            .done(
                200,
                "finalizeCheckoutSession",
                json!([session, confirmation, keyed(&key("finalize"))]),
            )
            .await;
        let permission = text(&finalized, "chargePermissionId");
        assert!(finalized["chargeId"].is_null());
        let order = json!({"merchantMetadata": {"merchantReferenceId": "ORDER-7"}});
        let updated = sdk
            .done(200, "updateChargePermission", json!([permission, order]))
            .await;
        assert_eq!(updated["merchantMetadata"]["merchantReferenceId"], "ORDER-7");
        let charge =
            json!({"chargePermissionId": permission, "chargeAmount": price("10.00"), "captureNow": false});
        let made = sdk
            .done(201, "createCharge", json!([charge, keyed(&key("charge"))]))
            .await;
        assert_eq!(state(&made), "Authorized");
        let charge = text(&made, "chargeId");
        let order = json!({"merchantMetadata": {"merchantReferenceId": "ORDER-8"}});
        let updated = sdk
            .done(200, "updateCharge", json!([charge, order, keyed(&key("update"))]))
            .await;
        assert_eq!(updated["merchantMetadata"]["merchantReferenceId"], "ORDER-8");
        let charge = json!({"chargePermissionId": permission, "chargeAmount": price("10.00")});
        let made = sdk
            .done(201, "createCharge", json!([charge, keyed(&key("other"))]))
            .await;
        let canceled = sdk
            .done(
                200,
                "cancelCharge",
                json!([text(&made, "chargeId"), {"cancellationReason": "out of stock"}]),
            )
            .await;
        assert_eq!(state(&canceled), "Canceled");
        let closed = sdk
            .done(
                200,
                "closeChargePermission",
                json!([permission, {"closureReason": "no more", "cancelPendingCharges": false}]),
            )
            .await;
        assert_eq!(state(&closed), "Closed");

        let token = text(&open["buyer"], "buyerId");
        let buyer = sdk.done(200, "getBuyer", json!([token])).await;
        assert_eq!(buyer["email"], open["buyer"]["email"]);
    }
    shop.sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_by_the_official_sdk_has_the_first_answer_and_no_second_effect() {
    for algorithm in [V1, V2] {
        repeats(algorithm).await;
    }
}

async fn repeats(algorithm: &str) {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut sdk = shop.sdk(algorithm);
    let first = sdk
        .done(
            201,
            "createCheckoutSession",
            json!([creation(), keyed("made-once")]),
        )
        .await;
    let again = sdk
        .call("createCheckoutSession", json!([creation(), keyed("made-once")]))
        .await;
    assert_eq!(
        again["data"]["checkoutSessionId"], first["checkoutSessionId"],
        "{again:#}"
    );
    let unfinished = text(&first, "checkoutSessionId");
    let mut other = creation();
    other["storeId"] = json!("amzn1.application-oa2-client.other");
    assert_eq!(
        sdk.refused("createCheckoutSession", json!([other, keyed("made-once")]))
            .await,
        (400, "DuplicateIdempotencyKey".to_owned())
    );

    let session = shop.session(&mut sdk, "AuthorizeWithCapture", "a-session").await;
    let amount = json!({"chargeAmount": price("23.45")});
    let complete = json!([session, amount, keyed("completed-once")]);
    let first = sdk.done(200, "completeCheckoutSession", complete.clone()).await;
    let again = sdk.done(200, "completeCheckoutSession", complete).await;
    assert_eq!(first, again);
    assert_eq!(
        sdk.refused("completeCheckoutSession", json!([session, amount]))
            .await,
        (422, "InvalidCheckoutSessionStatus".to_owned())
    );
    let session = shop.session(&mut sdk, "Confirm", "a-finalized-session").await;
    let open = sdk.done(200, "getCheckoutSession", json!([session])).await;
    let confirmation = json!({
        "paymentIntent": "Confirm",
        "chargeAmount": price("23.45"),
        "shippingAddress": open["shippingAddress"],
    });
    let finalize = json!([session, confirmation, keyed("finalized-once")]);
    let finalized = sdk.done(200, "finalizeCheckoutSession", finalize.clone()).await;
    let again = sdk.done(200, "finalizeCheckoutSession", finalize).await;
    assert_eq!(finalized, again);
    let charge = json!({
        "chargePermissionId": finalized["chargePermissionId"],
        "chargeAmount": price("10.00"),
        "captureNow": false,
    });
    let charge = json!([charge, keyed("charged-once")]);
    let one = sdk.done(201, "createCharge", charge.clone()).await;
    let same = sdk.call("createCharge", charge).await;
    assert_eq!(one["chargeId"], same["data"]["chargeId"], "{same:#}");
    let capture = json!([one["chargeId"], {"captureAmount": price("7.00")}, keyed("captured-once")]);
    let captured = sdk.done(200, "captureCharge", capture.clone()).await;
    assert_eq!(
        sdk.done(200, "captureCharge", capture).await["captureAmount"],
        captured["captureAmount"]
    );

    let refund =
        json!([{"chargeId": first["chargeId"], "refundAmount": price("5.00")}, keyed("refunded-once")]);
    let one = sdk.done(201, "createRefund", refund.clone()).await;
    let same = sdk.call("createRefund", refund).await;
    assert_eq!(one["refundId"], same["data"]["refundId"]);
    let books = shop.sandbox.books();
    for session in &books.sessions {
        let times = usize::from(session.checkout_session_id != unfinished);
        assert_eq!(session.times_completed(), times, "{session:#?}");
    }
    let totals = &books.totals["EUR"];
    assert_eq!(
        (totals.released, totals.captured, totals.refunding),
        (
            "3.00".parse().unwrap(),
            "30.45".parse().unwrap(),
            "5.00".parse().unwrap()
        ),
        "{totals:?}"
    );
    shop.sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_official_sdk_does_wrong_is_refused_as_amazon_refuses_it() {
    for algorithm in [V1, V2] {
        refusals(algorithm).await;
    }
}

async fn refusals(algorithm: &str) {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut sdk = shop.sdk(algorithm);
    let session = shop.session(&mut sdk, "AuthorizeWithCapture", "mismatch").await;
    let mismatch = json!([session, {"chargeAmount": price("23.46")}]);
    assert_eq!(
        sdk.refused("completeCheckoutSession", mismatch).await,
        (409, "AmountMismatch".to_owned())
    );
    let nobody = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        sdk.refused("getCheckoutSession", json!([nobody])).await,
        (404, "ResourceNotFound".to_owned())
    );
    // Numbers for amounts, as its own samples have them, are as good as strings.
    let numbers = json!([session, {"chargeAmount": {"amount": 23.45, "currencyCode": "EUR"}}]);
    sdk.done(200, "completeCheckoutSession", numbers).await;

    let info = shop.sandbox.info();
    let (ours, theirs) = (
        &info.merchants[0].private_key_file,
        &info.merchants[1].private_key_file,
    );
    let wrong_key = As {
        algorithm,
        key_file: theirs,
        ca_file: &info.ca_file,
    };
    let mut sdk = Sdk::start(&shop.node, &shop.sandbox, &wrong_key);
    assert_eq!(
        sdk.refused("getCheckoutSession", json!([session])).await,
        (403, "InvalidRequestSignature".to_owned())
    );

    // The agent is strict: somebody else's certificate authority is not trusted.
    let other = Sandbox::start(Options::default()).await.unwrap();
    let wrong_ca = As {
        algorithm,
        key_file: ours,
        ca_file: &other.info().ca_file,
    };
    let mut sdk = Sdk::start(&shop.node, &shop.sandbox, &wrong_ca);
    let answer = sdk.call("getCheckoutSession", json!([session])).await;
    assert!(
        answer["failed"]
            .as_str()
            .is_some_and(|code| code.contains("CERT") || code.contains("SIGNATURE")),
        "{answer}"
    );
    other.shutdown().await;
    shop.sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_sdk_sees_a_pending_charge_decided_after_half_a_minute() {
    let Some(shop) = Shop::open().await else {
        return;
    };
    let mut sdk = shop.sdk(V2);
    let new = json!({
        "card": "4354",
        "paymentDetails": {"paymentIntent": "Authorize", "canHandlePendingAuthorization": true},
    });
    let session = shop
        .sandbox
        .make_session(serde_json::from_value(new).unwrap())
        .unwrap();
    let complete =
        json!([session["checkoutSessionId"], {"chargeAmount": session["paymentDetails"]["chargeAmount"]}]);
    let pending = sdk.done(202, "completeCheckoutSession", complete).await;
    let charge = json!([text(&pending, "chargeId")]);
    let shown = sdk.done(200, "getCharge", charge.clone()).await;
    assert_eq!(state(&shown), "AuthorizationInitiated");
    shop.clock.advance(Duration::from_secs(31)).unwrap();
    let shown = sdk.done(200, "getCharge", charge).await;
    assert_eq!(
        (state(&shown), &shown["statusDetails"]["reasonCode"]),
        ("Declined", &json!("HardDeclined"))
    );
    shop.sandbox.shutdown().await;
}
