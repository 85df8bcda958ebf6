//! Notifications: what is posted, how it is signed, how often, and what goes wrong on request.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::hash::MessageDigest;
use openssl::sign::Verifier;
use openssl::x509::X509;
use sandbox::{NotificationState, Options, Profile};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::client::control;
use crate::world::{DAY, World, authorized, captured, consent, eur};

const HOUR: u64 = 3_600;

/// A shop's address: hands on what is posted, and answers as it is told.
struct Shop {
    url: String,
    posts: mpsc::UnboundedReceiver<Post>,
    /// What the next posts are answered; 200 after that. 0: nothing at all.
    answers: Arc<Mutex<Vec<u16>>>,
}

#[derive(Debug)]
struct Post {
    headers: BTreeMap<String, String>,
    path: String,
    envelope: Value,
}

impl Post {
    fn message(&self) -> Value {
        serde_json::from_str(self.envelope["Message"].as_str().unwrap()).unwrap()
    }

    fn id(&self) -> String {
        self.message()["NotificationId"].as_str().unwrap().to_owned()
    }
}

impl Shop {
    async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/ipn?shop=1", listener.local_addr().unwrap());
        let (told, posts) = mpsc::unbounded_channel();
        let answers = Arc::new(Mutex::new(Vec::new()));
        let script = answers.clone();
        tokio::spawn(async move {
            let mut silent = Vec::new();
            while let Ok((mut stream, _)) = listener.accept().await {
                let post = read(&mut stream).await;
                let next = {
                    let mut script = script.lock().unwrap();
                    if script.is_empty() { 200 } else { script.remove(0) }
                };
                if next == 0 {
                    silent.push(stream);
                } else {
                    let answer = format!("HTTP/1.1 {next} Answer\r\ncontent-length: 2\r\n\r\nok");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                }
                if told.send(post).is_err() {
                    return;
                }
            }
        });
        Self { url, posts, answers }
    }

    fn will_answer(&self, statuses: &[u16]) {
        *self.answers.lock().unwrap() = statuses.to_vec();
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a post that never comes is to fail the test, not to hang it"
    )]
    async fn next(&mut self) -> Post {
        let post = tokio::time::timeout(Duration::from_secs(30), self.posts.recv());
        post.await.expect("waited in vain for a post").unwrap()
    }

    async fn of(&mut self, object: &str) -> Post {
        loop {
            let post = self.next().await;
            if post.message()["ObjectId"] == object {
                return post;
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Post {
    let mut bytes = Vec::new();
    loop {
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        bytes.extend_from_slice(&chunk[..read]);
        let text = std::str::from_utf8(&bytes).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut lines = head.split("\r\n");
        let path = lines.next().unwrap().to_owned();
        let headers: BTreeMap<String, String> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        if body.len() == headers["content-length"].parse::<usize>().unwrap() {
            let envelope = serde_json::from_str(body).unwrap();
            return Post {
                headers,
                path,
                envelope,
            };
        }
    }
}

async fn listening(world: &World, changes: Value) -> Shop {
    let shop = Shop::open().await;
    let mut target = json!({"account": "eu_shop", "url": shop.url});
    for (name, value) in changes.as_object().unwrap() {
        target[name] = value.clone();
    }
    let set = control(world.sandbox.info(), "POST", "/ipn", &target.to_string()).await;
    assert_eq!(set.status, 200, "{}", set.text);
    shop
}

async fn fault(world: &World, fault: Value) {
    let posted = control(world.sandbox.info(), "POST", "/ipn/faults", &fault.to_string()).await;
    assert_eq!(posted.status, 204, "{}", posted.text);
}

/// Until the sandbox has booked an answer that the shop gave: one turn of the loop apart.
async fn booked(world: &World, fits: impl Fn(&[sandbox::NotificationBook]) -> bool) {
    for _ in 0..1_000_000 {
        if fits(&world.sandbox.notifications()) {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("{:#?}", world.sandbox.notifications());
}

async fn pem(world: &World, path: &str) -> X509 {
    let answer = control(world.sandbox.info(), "GET", path, "").await;
    assert_eq!(answer.header("content-type"), Some("application/x-pem-file"));
    X509::from_pem(answer.text.as_bytes()).unwrap()
}

#[tokio::test]
async fn a_change_is_posted_in_an_envelope_that_sns_could_have_signed() {
    let world = World::start().await;
    for (version, digest) in [("1", MessageDigest::sha1()), ("2", MessageDigest::sha256())] {
        let mut shop = listening(&world, json!({"signatureVersion": version})).await;
        let (permission, charge) = world.confirmed(authorized("10.00")).await;
        let first = shop.next().await;
        assert_eq!(first.message()["ObjectType"], "CHARGE_PERMISSION");
        assert_eq!(first.message()["ObjectId"], permission);
        let post = shop.of(&charge).await;
        assert_eq!(post.path, "POST /ipn?shop=1 HTTP/1.1");
        assert_eq!(post.headers["content-type"], "text/plain; charset=UTF-8");
        assert_eq!(post.headers["x-amz-sns-message-type"], "Notification");
        let merchant = &world.sandbox.info().merchants[0];
        let mut message = post.message();
        message["NotificationId"].take();
        assert_eq!(
            message,
            json!({
                "MerchantID": merchant.merchant_id, "ObjectType": "CHARGE", "ObjectId": charge,
                "ChargePermissionId": permission, "NotificationType": "STATE_CHANGE",
                "NotificationId": null, "NotificationVersion": "V2",
            })
        );
        let text = |name: &str| post.envelope[name].as_str().unwrap();
        assert_eq!(
            (
                text("Type"),
                text("TopicArn"),
                text("Timestamp"),
                text("SignatureVersion")
            ),
            (
                "Notification",
                merchant.topic_arn.as_str(),
                "2026-01-05T10:00:00.000Z",
                version
            )
        );
        let url = text("SigningCertURL");
        assert!(
            url.starts_with("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-")
                && url.ends_with(".pem"),
            "{url}"
        );
        let certificate = pem(&world, "/ipn/certificate.pem").await;
        let authority = pem(&world, "/ipn/ca.pem").await;
        assert!(certificate.verify(&authority.public_key().unwrap()).unwrap());
        let names = certificate.subject_alt_names().unwrap();
        assert_eq!(names.iter().next().unwrap().dnsname(), Some("sns.amazonaws.com"));
        let signed: String = ["Message", "MessageId", "Timestamp", "TopicArn", "Type"]
            .map(|name| format!("{name}\n{}\n", text(name)))
            .concat();
        let key = certificate.public_key().unwrap();
        let signature = STANDARD.decode(text("Signature")).unwrap();
        let verifies = |digest| {
            let mut verifier = Verifier::new(digest, &key).unwrap();
            verifier.verify_oneshot(&signature, signed.as_bytes()).unwrap()
        };
        assert!(verifies(digest));
        assert!(!verifies(MessageDigest::sha512()));
    }
    for (file, path) in [
        ("ipn-ca.pem", "/ipn/ca.pem"),
        ("ipn-certificate.pem", "/ipn/certificate.pem"),
    ] {
        let written = std::fs::read(world.folder().join(file)).unwrap();
        assert_eq!(X509::from_pem(&written).unwrap(), pem(&world, path).await);
    }
}

#[tokio::test]
async fn a_charge_a_refund_and_a_permission_are_told_as_they_change_also_by_themselves() {
    let world = World::start().await;
    let mut shop = listening(&world, json!({})).await;
    let (permission, charge) = world.confirmed(captured("10.00")).await;
    shop.of(&charge).await;
    let refund = world
        .post(
            "refunds",
            "r1",
            json!({"chargeId": charge, "refundAmount": eur("4.00")}),
        )
        .await
        .json();
    let refund = refund["refundId"].as_str().unwrap().to_owned();
    let told = shop.of(&refund).await;
    assert_eq!(told.message()["ObjectType"], "REFUND");
    world.advance(30);
    let decided = shop.of(&refund).await;
    assert_ne!(decided.id(), told.id());
    assert_eq!(
        shop.of(&charge).await.message()["NotificationType"],
        "ATTRIBUTE_CHANGE"
    );
    world
        .call(
            "DELETE",
            &format!("chargePermissions/{permission}/close"),
            json!({"closureReason": "done"}),
        )
        .await;
    let (other, _) = world.confirmed(consent("10.00")).await;
    shop.of(&other).await;
    world.advance(180 * DAY);
    assert_eq!(shop.of(&other).await.message()["ObjectType"], "CHARGE_PERMISSION");
}

#[tokio::test]
async fn what_is_answered_5xx_or_not_at_all_is_posted_again_hourly_and_then_given_up() {
    let world = World::of(Options {
        profile: Profile::Unlimited,
        patience: Duration::from_secs(1),
        ..Options::default()
    })
    .await;
    let mut shop = listening(&world, json!({})).await;
    shop.will_answer(&[500, 0, 503, 200]);
    world.confirmed(consent("10.00")).await;
    let first = shop.next().await;
    for (tries, status) in [(1, Some(500)), (2, None), (3, Some(503))] {
        booked(&world, |books| {
            books[0].tries == tries && books[0].last_status == status
        })
        .await;
        let book = world.sandbox.notifications()[0].clone();
        assert_eq!(book.state, NotificationState::Waiting);
        assert_eq!(
            book.next_try.unwrap().duration_since(world.now()).as_secs(),
            3_600
        );
        world.advance(HOUR);
        let again = shop.next().await;
        assert_eq!(again.envelope, first.envelope, "the same, whenever it is posted");
    }
    booked(&world, |books| books[0].state == NotificationState::Delivered).await;
    assert_eq!(world.sandbox.notifications()[0].tries, 4);

    shop.will_answer(&[500; 4]);
    world.confirmed(consent("10.00")).await;
    for tries in 1..=4 {
        shop.next().await;
        booked(&world, |books| books[1].tries == tries).await;
        world.advance(HOUR);
    }
    assert_eq!(world.sandbox.notifications()[1].state, NotificationState::Failed);

    shop.will_answer(&[404]);
    world.confirmed(consent("10.00")).await;
    shop.next().await;
    booked(&world, |books| books[2].state == NotificationState::Failed).await;
    let books = control(world.sandbox.info(), "GET", "/books", "").await.json();
    let told = &books["notifications"][2];
    assert_eq!(
        (
            &told["state"],
            &told["tries"],
            &told["lastStatus"],
            &told["objectType"]
        ),
        (
            &json!("failed"),
            &json!(1),
            &json!(404),
            &json!("CHARGE_PERMISSION")
        )
    );
}

#[tokio::test]
async fn faults_double_drop_and_reorder() {
    let world = World::start().await;
    let mut shop = listening(&world, json!({})).await;
    fault(&world, json!({"kind": "duplicate", "times": 1})).await;
    let (permission, _) = world.confirmed(consent("10.00")).await;
    let (one, two) = (shop.next().await, shop.next().await);
    assert_eq!(one.message()["ObjectId"], permission);
    assert_eq!(one.envelope, two.envelope);

    fault(&world, json!({"kind": "drop", "times": 1, "account": "eu_shop"})).await;
    world.confirmed(consent("10.00")).await;
    fault(&world, json!({"kind": "reorder", "times": 1})).await;
    let (late, _) = world.confirmed(consent("10.00")).await;
    let (soon, _) = world.confirmed(consent("10.00")).await;
    assert_eq!(shop.next().await.message()["ObjectId"], soon);
    assert_eq!(shop.next().await.message()["ObjectId"], late);

    fault(&world, json!({"kind": "reorder"})).await;
    let (alone, _) = world.confirmed(consent("10.00")).await;
    world.advance(60);
    assert_eq!(
        shop.next().await.message()["ObjectId"],
        alone,
        "with nothing to overtake it"
    );
    let cleared = control(world.sandbox.info(), "DELETE", "/ipn/faults", "").await;
    assert_eq!(cleared.status, 204);
    let (plain, _) = world.confirmed(consent("10.00")).await;
    assert_eq!(shop.next().await.message()["ObjectId"], plain);
    booked(&world, |books| books.last().unwrap().delivered == 1).await;
    let books = world.sandbox.notifications();
    let seen: Vec<(u32, NotificationState)> = books.iter().map(|book| (book.delivered, book.state)).collect();
    let delivered = |times| (times, NotificationState::Delivered);
    assert_eq!(
        seen,
        [
            delivered(2),
            (0, NotificationState::Dropped),
            delivered(1),
            delivered(1),
            delivered(1),
            delivered(1)
        ]
    );
}

#[tokio::test]
async fn notifications_go_where_they_are_told_and_nowhere_else() {
    let world = World::start().await;
    world.confirmed(consent("10.00")).await;
    let mut shop = listening(&world, json!({})).await;
    let (permission, _) = world.confirmed(consent("10.00")).await;
    assert_eq!(
        shop.next().await.message()["ObjectId"],
        permission,
        "nothing from before"
    );
    let listed = control(world.sandbox.info(), "GET", "/ipn", "").await.json();
    assert_eq!(listed["merchants"][0]["url"], shop.url);
    assert_eq!(listed["merchants"][0]["signatureVersion"], "1");
    assert_eq!(listed["merchants"][1]["url"], Value::Null);
    for (wrong, status) in [
        (json!({"url": "https://127.0.0.1/ipn"}), 400),
        (json!({"url": "http://shop.example/ipn"}), 400),
        (json!({"url": shop.url, "signatureVersion": 3}), 400),
        (json!({"url": shop.url, "account": "nobody"}), 404),
        (json!({}), 400),
    ] {
        let answer = control(world.sandbox.info(), "POST", "/ipn", &wrong.to_string()).await;
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text);
    }
    let off = control(
        world.sandbox.info(),
        "DELETE",
        "/ipn",
        r#"{"account": "eu_shop"}"#,
    )
    .await;
    assert_eq!(off.status, 204);
    world.confirmed(consent("10.00")).await;
    assert_eq!(world.sandbox.notifications().len(), 1);
}

#[tokio::test]
async fn a_sandbox_stops_while_a_shop_keeps_it_waiting() {
    let world = World::start().await;
    let mut shop = listening(&world, json!({})).await;
    shop.will_answer(&[0]);
    world.confirmed(consent("10.00")).await;
    shop.next().await;
    world.sandbox.shutdown().await;
}
