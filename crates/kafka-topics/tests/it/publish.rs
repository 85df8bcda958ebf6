//! What is told, byte for byte, and in which order.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use checkout::{
    AccountName, AlertKind, Amount, ChargePermissionType, Deadline, DeadlineFrom, Evidence, Ids, Operation,
    Payment, PaymentIntent, SessionId, Timestamp,
};
use kafka_topics::clients::{TopicReader, TopicRecord};
use kafka_topics::{DeadLetters, Publisher};
use reconciler::ports::Publish;
use reconciler::{
    Announcement, Content, DeadLetter, KeepDeadLetters, Notice, NoticeKind, PublishNotice, Version,
};
use serde_json::{Map, Value, json};

use crate::fixture::{Letters, broker, soon};

const ID: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";

pub(crate) fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn deadline() -> Timestamp {
    time("2026-01-06T10:00:00Z")
}

pub(crate) fn announcement(id: &str, version: u32, content: Content) -> Announcement {
    Announcement {
        id: SessionId::parse(id).unwrap(),
        version: Version(version),
        recorded_at: time("2026-01-05T10:00:02.5Z"),
        account: AccountName::parse("eu_shop").ok(),
        merchant_reference_id: Some("ORDER-1001".to_owned()),
        said_at: time("2026-01-05T10:00:01Z"),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        content,
    }
}

fn ids() -> Ids {
    Ids {
        charge_permission_id: "S02-1234567-1234567".to_owned(),
        charge_permission_type: Some(ChargePermissionType::OneTime),
        charge_id: Some("S02-1234567-1234567-C123456".to_owned()),
    }
}

pub(crate) fn confirmed() -> Content {
    Content::Confirmed {
        evidence: Evidence::Answer,
        operation: Some(Operation::Finalize),
        payment_intent: Some(PaymentIntent::AuthorizeWithCapture),
        ids: ids(),
        payment: Payment::Captured,
        charge_amount: Amount::parse("23.40", "EUR").ok(),
        total_order_amount: None,
        permission_details_until: time("2026-02-04T10:00:02.5Z"),
    }
}

pub(crate) fn alert(kind: AlertKind, firing: bool) -> Content {
    Content::Alert {
        kind,
        ordinal: 2,
        firing,
        summary: "Look at it.".to_owned(),
        deadline: Deadline {
            at: deadline(),
            from: DeadlineFrom::LookUp,
        },
        charge_amount: Amount::parse("500", "JPY").ok(),
    }
}

pub(crate) fn declined(sets_up_wallet: bool) -> Content {
    Content::Declined {
        evidence: Evidence::LookUp,
        reason_code: (!sets_up_wallet).then(|| "BuyerCanceled".to_owned()),
        sets_up_wallet,
    }
}

/// Headers and body as they stand in the topic; what is compared is the whole message.
fn as_json(record: &TopicRecord) -> Value {
    let headers: Map<String, Value> = record
        .headers
        .iter()
        .map(|(name, value)| {
            let text = String::from_utf8(value.clone().unwrap()).unwrap();
            (name.clone(), Value::from(text))
        })
        .collect();
    let body: Value = serde_json::from_slice(record.payload.as_deref().unwrap()).unwrap();
    json!({"key": String::from_utf8(record.key.clone().unwrap()).unwrap(), "headers": headers, "body": body})
}

/// `UPDATE_GOLDEN=1` writes what is told now, to be read by a person before it is kept.
fn is_golden(name: &str, record: &TopicRecord) {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/it/golden")
        .join(format!("{name}.json"));
    let told = format!("{:#}\n", as_json(record));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&file, told).unwrap();
    } else {
        assert_eq!(told, fs::read_to_string(&file).unwrap(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_outcome_is_told_as_promised() {
    let (_broker, settings) = broker(1);
    let publisher = Publisher::new(&settings).unwrap();
    let cases = [
        ("confirmed", confirmed()),
        ("declined", declined(false)),
        ("declined-wallet-setup", declined(true)),
        (
            "cancelled",
            Content::Cancelled {
                decided_at: time("2026-01-06T09:30:00Z"),
                deadline: deadline(),
            },
        ),
        ("expired", Content::Expired { deadline: deadline() }),
        (
            "unresolved",
            Content::Unresolved {
                because: "Amazon Pay does not know it.".to_owned(),
            },
        ),
        (
            "payment-pending",
            Content::PaymentPending {
                evidence: Evidence::Answer,
                ids: ids(),
            },
        ),
        (
            "attempt-declined",
            Content::AttemptDeclined {
                reason_code: Some("SoftDeclined".to_owned()),
                sets_up_wallet: false,
            },
        ),
    ];
    let mut facts: Vec<Announcement> = cases
        .iter()
        .zip(3..)
        .map(|((_, content), version)| announcement(ID, version, content.clone()))
        .collect();
    // What is not known is null, and an account that is not one is a dash.
    let unknown = Announcement {
        account: None,
        merchant_reference_id: None,
        traceparent: None,
        ..announcement(ID, 20, confirmed())
    };
    facts.push(unknown);
    let told = publisher.publish(&facts).await;
    assert!(told.iter().all(Result::is_ok));
    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.outcomes_topic)
        .await
        .unwrap();
    for (name, _) in cases {
        is_golden(name, &soon(name, reader.next()).await);
    }
    is_golden(
        "confirmed-unknown-account",
        &soon("the last", reader.next()).await,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_alert_is_told_as_promised() {
    let (_broker, settings) = broker(1);
    let publisher = Publisher::new(&settings).unwrap();
    let near = |minutes: u64| AlertKind::DeadlineNear {
        before: Duration::from_secs(minutes * 60),
    };
    let kinds = [
        (near(360), "ticket"),
        (near(45), "page"),
        (AlertKind::InDoubt, "page"),
        (AlertKind::NeedsRepair, "ticket"),
        (AlertKind::Conflict, "ticket"),
        (AlertKind::Forsworn, "ticket"),
        (AlertKind::Contradiction, "page"),
        (AlertKind::PaymentOverdue, "ticket"),
    ];
    let mut facts: Vec<Announcement> = kinds
        .iter()
        .zip(3..)
        .map(|((kind, _), version)| announcement(ID, version, alert(*kind, true)))
        .collect();
    facts.push(announcement(ID, 30, alert(AlertKind::InDoubt, false)));
    let told = publisher.publish(&facts).await;
    assert!(told.iter().all(Result::is_ok));
    let stopped = Notice {
        alert_id: "account-stopped/eu_shop/1".to_owned(),
        kind: NoticeKind::AccountStopped,
        firing: true,
        summary: "Amazon Pay accepts nothing from it.".to_owned(),
        account: AccountName::parse("eu_shop").ok(),
        key: "eu_shop".to_owned(),
        at: time("2026-01-05T10:00:02Z"),
    };
    let unreadable = Notice {
        alert_id: "dead-letter/checkout.completed/0/1".to_owned(),
        kind: NoticeKind::DeadLetter,
        account: None,
        key: "checkout.completed/0/1".to_owned(),
        ..stopped.clone()
    };
    publisher.publish_notice(&stopped).await.unwrap();
    publisher.publish_notice(&unreadable).await.unwrap();

    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.alerts_topic)
        .await
        .unwrap();
    for (kind, severity) in kinds {
        let record = soon("an alert", reader.next()).await;
        assert_eq!(as_json(&record)["body"]["severity"], severity, "{kind:?}");
        assert_eq!(as_json(&record)["body"]["kind"], kind.name());
        if kind == AlertKind::NeedsRepair {
            is_golden("alert-needs-repair", &record);
        }
    }
    is_golden("alert-resolved", &soon("the resolved one", reader.next()).await);
    is_golden(
        "alert-account-stopped",
        &soon("the account's", reader.next()).await,
    );
    is_golden(
        "alert-dead-letter",
        &soon("the dead letter's", reader.next()).await,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_facts_of_each_session_keep_their_order() {
    let (_broker, settings) = broker(4);
    let publisher = Publisher::new(&settings).unwrap();
    let facts: Vec<Announcement> = (1..=20)
        .flat_map(|version| ["a", "b", "c"].map(|id| announcement(id, version, confirmed())))
        .collect();
    let told = publisher.publish(&facts).await;
    assert_eq!(told.iter().filter(|result| result.is_ok()).count(), 60);
    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.outcomes_topic)
        .await
        .unwrap();
    let mut records = Vec::new();
    while records.len() < 60 {
        records.push(soon("an outcome", reader.next()).await);
    }
    for id in ["a", "b", "c"] {
        let own = records
            .iter()
            .filter(|record| record.key.as_deref() == Some(id.as_bytes()));
        let sequence: Vec<u32> = own
            .clone()
            .map(|record| record.header("ce_sequence").unwrap().parse().unwrap())
            .collect();
        assert_eq!(sequence, (1..=20).collect::<Vec<u32>>());
        let ids: Vec<String> = own
            .map(|record| record.header("ce_id").unwrap().to_owned())
            .collect();
        assert_eq!(ids[4], format!("{id}/5"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_away_is_an_error_and_no_later_fact_overtakes() {
    let (broker, mut settings) = broker(1);
    settings
        .properties
        .insert("message.timeout.ms".to_owned(), "1000".to_owned());
    let publisher = Publisher::new(&settings).unwrap();
    broker.go_away().unwrap();
    let facts = [1, 2, 3].map(|version| announcement("a", version, confirmed()));
    let told = soon("an answer", publisher.publish(&facts)).await;
    let why: Vec<String> = told
        .iter()
        .map(|result| {
            std::error::Error::source(result.as_ref().unwrap_err())
                .unwrap()
                .to_string()
        })
        .collect();
    assert!(why[0].contains("timed out"), "{}", why[0]);
    assert_eq!(why[1..], ["an earlier fact of its session was not taken"; 2]);
    broker.come_back().unwrap();
    let told = soon("the outbox", async {
        loop {
            let told = publisher.publish(&facts).await;
            if told.iter().all(Result::is_ok) {
                return told.len();
            }
        }
    });
    assert_eq!(told.await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_an_error_and_nobody_waits_for_room() {
    let (broker, mut settings) = broker(1);
    settings
        .properties
        .insert("queue.buffering.max.messages".to_owned(), "2".to_owned());
    settings
        .properties
        .insert("message.timeout.ms".to_owned(), "1000".to_owned());
    let publisher = Publisher::new(&settings).unwrap();
    broker.go_away().unwrap();
    let facts: Vec<Announcement> = (0..9)
        .map(|session| announcement(&format!("session-{session}"), 1, confirmed()))
        .collect();
    let told = soon("an answer", publisher.publish(&facts)).await;
    let full = told.iter().filter(|result| {
        let error = result.as_ref().unwrap_err();
        error.0.to_string().contains("Queue full")
    });
    assert_eq!(full.count(), 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_dead_letters_go_to_the_topic_when_it_takes_them() {
    let (broker, mut settings) = broker(1);
    settings
        .properties
        .insert("message.timeout.ms".to_owned(), "1000".to_owned());
    let publisher = Publisher::new(&settings).unwrap();
    let letters = Letters::default();
    for offset in [5, 9] {
        let letter = DeadLetter {
            source: format!("checkout.completed/0/{offset}"),
            key: None,
            payload: None,
            headers: vec![("x".to_owned(), None)],
            reason: "the message has no body".to_owned(),
            field: "body".to_owned(),
            at: deadline(),
        };
        letters.keep(&letter).await.unwrap();
    }
    let dead_letters = DeadLetters {
        publisher: &publisher,
        keep: &letters,
        notices: &letters,
    };
    broker.go_away().unwrap();
    assert_eq!(dead_letters.drain_kept(10).await.unwrap(), 0);
    assert_eq!(letters.all_kept().len(), 2);
    broker.come_back().unwrap();
    soon("the topic takes them", async {
        while !letters.all_kept().is_empty() {
            dead_letters.drain_kept(10).await.unwrap();
        }
    })
    .await;
    let mut reader = TopicReader::open(&settings.bootstrap_servers, &settings.dead_letter_topic)
        .await
        .unwrap();
    let letter = soon("a letter", reader.next()).await;
    assert_eq!((letter.key.clone(), letter.payload.clone()), (None, None));
    assert_eq!(letter.headers[0], ("x".to_owned(), None));
    assert_eq!(letter.header("confirmd_field"), Some("body"));
}
