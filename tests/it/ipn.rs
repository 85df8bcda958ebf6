//! Notifications from the sandbox to `amazon_pay::ipn`: two pieces that share no code, and a shop in between.

use std::time::Duration;

use amazon_pay::ipn::{
    Authorities, Envelope, Notification, ObjectType, SignatureVersion, TopicArn, Verified, Verifier,
    VerifyError,
};
use amazon_pay::{
    Algorithm, ChargeId, ChargeState, CheckoutSessionId, Client, CompleteCheckoutSession, Price, Request,
};
use sandbox::{
    IpnFault, IpnFaultKind, IpnTarget, NewSession, Sandbox, SandboxClock as _, SettableClock, SnsSignature,
};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{client_of, example, in_time, sandbox_by_the_machines_clock};

/// One http message, read to its end: head and body.
async fn message(stream: &mut TcpStream) -> (String, Vec<u8>) {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
            let length = head.lines().find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            });
            if bytes.len() - end - 4 >= length.unwrap_or(0) {
                return (head, bytes[end + 4..].to_vec());
            }
        }
        assert!(read > 0, "a message that is cut short");
    }
}

/// What stands at `path` of the control API.
async fn control(control_url: &str, path: &str) -> Vec<u8> {
    let address = control_url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let (head, body) = message(&mut stream).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    body
}

/// A shop that verifies what is posted to it, and then asks.
struct Shop {
    sandbox: Sandbox,
    clock: SettableClock,
    listener: TcpListener,
    verifier: Verifier,
    certificate: Vec<u8>,
    client: Client,
}

impl Shop {
    async fn open(version: SnsSignature) -> Self {
        let (sandbox, clock) = sandbox_by_the_machines_clock().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let set = sandbox.set_ipn(IpnTarget {
            account: None,
            url: format!("http://{}/ipn", listener.local_addr().unwrap()),
            signature_version: version,
        });
        let info = sandbox.info();
        let topic = TopicArn::parse(&set.unwrap().topic_arn).unwrap();
        let authorities = Authorities::from_pem(&control(&info.control_url, "/ipn/ca.pem").await).unwrap();
        Self {
            certificate: control(&info.control_url, "/ipn/certificate.pem").await,
            verifier: Verifier::new([topic], authorities, Duration::from_hours(24)),
            client: client_of(&sandbox, Algorithm::V2),
            sandbox,
            clock,
            listener,
        }
    }

    /// The body of the next post, which is answered 200.
    async fn posted(&self) -> Vec<u8> {
        let received = async {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            let (head, body) = message(&mut stream).await;
            assert!(
                head.to_ascii_lowercase().contains("content-type: text/plain"),
                "{head}"
            );
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            body
        };
        in_time("a notification", received).await
    }

    fn verified(&self, body: &[u8]) -> Result<Notification, VerifyError> {
        let envelope = Envelope::parse(body).unwrap();
        match self
            .verifier
            .verify_with(envelope, &self.certificate, self.clock.now())?
        {
            Verified::Notification(notification) => Ok(notification),
            other => panic!("{other:?}"),
        }
    }

    async fn next(&self) -> Notification {
        self.verified(&self.posted().await).unwrap()
    }

    /// Has an order of its own confirmed, as the shop front would.
    async fn confirmed(&self) {
        let new = json!({"paymentDetails": {"paymentIntent": "Authorize"}});
        let new: NewSession = serde_json::from_value(new).unwrap();
        let session = self.sandbox.make_session(new).unwrap();
        let id = CheckoutSessionId::parse(session["checkoutSessionId"].as_str().unwrap()).unwrap();
        let amount = session["paymentDetails"]["chargeAmount"]["amount"]
            .as_str()
            .unwrap();
        let body = CompleteCheckoutSession::new(Price::parse(amount, "EUR").unwrap()).to_body();
        let request = Request::complete_checkout_session(&id, body, None);
        in_time("an answer", self.client.call(&request, self.clock.now()))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_of_the_sandbox_is_verified_and_leads_to_the_charges_state() {
    for (version, seen) in [
        (SnsSignature::V1, SignatureVersion::V1),
        (SnsSignature::V2, SignatureVersion::V2),
    ] {
        let shop = Shop::open(version).await;
        shop.confirmed().await;
        let permission = shop.next().await;
        assert_eq!(permission.object_type, ObjectType::ChargePermission);
        let body = shop.posted().await;
        assert_eq!(Envelope::parse(&body).unwrap().signature_version(), seen);
        let charge = shop.verified(&body).unwrap();
        assert_eq!(charge.object_type, ObjectType::Charge);
        assert_eq!(charge.merchant_id, shop.sandbox.info().merchants[0].merchant_id);
        assert_eq!(charge.charge_permission_id, permission.charge_permission_id);
        let request = Request::get_charge(&ChargeId::parse(&charge.object_id).unwrap());
        let shown = in_time("an answer", shop.client.call(&request, shop.clock.now()))
            .await
            .unwrap();
        assert_eq!(shown.value.status_details.state, ChargeState::Authorized);

        // One letter of what is signed is enough.
        let text = String::from_utf8(body).unwrap();
        let tampered = text.replace(&charge.object_id, &permission.object_id);
        assert_ne!(tampered, text);
        assert!(matches!(
            shop.verified(tampered.as_bytes()),
            Err(VerifyError::Signature)
        ));
        shop.sandbox.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn duplicates_have_one_id_and_a_reordered_notification_comes_late() {
    let shop = Shop::open(SnsSignature::V1).await;
    let strike = |kind| {
        let fault = IpnFault {
            times: Some(1),
            ..IpnFault::new(kind)
        };
        shop.sandbox.ipn_fault(fault).unwrap();
    };
    strike(IpnFaultKind::Duplicate);
    shop.confirmed().await;
    let (once, twice) = (shop.next().await, shop.next().await);
    assert_eq!(once.notification_id, twice.notification_id);
    assert_ne!(
        shop.next().await.notification_id,
        once.notification_id,
        "the charge's"
    );

    strike(IpnFaultKind::Reorder);
    shop.confirmed().await;
    let types = [shop.next().await.object_type, shop.next().await.object_type];
    assert_eq!(types, [ObjectType::Charge, ObjectType::ChargePermission]);
    shop.sandbox.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sdks_example_verifies_what_the_sandbox_has_posted_and_refuses_what_was_changed() {
    let shop = Shop::open(SnsSignature::V2).await;
    shop.confirmed().await;
    let body = shop.posted().await;
    let permission = shop.verified(&body).unwrap();
    let control_url = &shop.sandbox.info().control_url;
    let folder = tempfile::tempdir().unwrap();
    let file = async |name: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, control(control_url, &format!("/ipn/{name}")).await).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let (authorities, certificate) = (file("ca.pem").await, file("certificate.pem").await);
    let topic = permission.delivery.topic.to_string();
    let arguments = [topic.as_str(), &authorities, &certificate];
    let told = example(&shop.sandbox, "verify_an_ipn", &arguments, &body).await;
    let expected = told.unwrap();
    assert!(
        expected.contains(&format!("CHARGE_PERMISSION {}: look it up", permission.object_id)),
        "{expected}"
    );

    let text = String::from_utf8(body).unwrap();
    let tampered = text.replace(&permission.merchant_id, "AMERCHANTOFOTHERS");
    assert_ne!(tampered, text);
    let told = example(&shop.sandbox, "verify_an_ipn", &arguments, tampered.as_bytes()).await;
    assert!(told.unwrap_err().contains("Signature"));
    shop.sandbox.shutdown().await;
}
