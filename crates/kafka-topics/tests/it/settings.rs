//! What of librdkafka's settings a user may not change.

use kafka_topics::mock::EmbeddedBroker;
use kafka_topics::{Intake, Publisher, Settings, check};

use crate::fixture::{accounts, broker};

fn with(key: &str, value: &str) -> Settings {
    let mut settings = Settings::new("127.0.0.1:1");
    settings.properties.insert(key.to_owned(), value.to_owned());
    settings
}

fn problem_keys(settings: &Settings) -> Vec<String> {
    settings
        .problems()
        .into_iter()
        .map(|problem| problem.key)
        .collect()
}

#[test]
fn what_would_break_a_promise_is_refused_by_its_name() {
    for (key, value) in [
        ("enable.auto.commit", "true"),
        ("enable.auto.offset.store", "true"),
        ("enable.idempotence", "false"),
        ("acks", "1"),
        ("request.required.acks", "0"),
        ("auto.offset.reset", "latest"),
        ("delivery.report.only.error", "true"),
        ("transactional.id", "mine"),
        ("bootstrap.servers", "elsewhere:9092"),
        ("group.id", "other"),
    ] {
        let expected = format!("kafka.properties.\"{key}\"");
        assert_eq!(problem_keys(&with(key, value)), [expected], "{value}");
    }
}

#[test]
fn what_repeats_our_own_choice_is_welcome() {
    for (key, value) in [
        ("enable.auto.commit", "false"),
        ("enable.idempotence", "true"),
        ("acks", "all"),
        ("acks", "-1"),
        ("auto.offset.reset", "earliest"),
        ("partition.assignment.strategy", "range"),
        ("group.protocol", "consumer"),
        ("message.timeout.ms", "3000"),
        ("delivery.timeout.ms", "3000"),
    ] {
        assert_eq!(problem_keys(&with(key, value)), [""; 0], "{key} {value}");
    }
}

#[test]
fn every_problem_is_told_at_once_and_no_value_is_repeated() {
    let mut settings = with("sasl.pasword", "hunter2");
    settings
        .properties
        .insert("linger.ms".to_owned(), "hunter2".to_owned());
    settings
        .properties
        .insert("acks".to_owned(), "hunter2".to_owned());
    settings.completed_topic.clone_from(&settings.outcomes_topic);
    let told: Vec<String> = settings.problems().iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:?}");
    assert!(!told.join(" ").contains("hunter2"));
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[tokio::test]
async fn neither_side_starts_with_settings_that_are_refused() {
    let settings = with("acks", "1");
    assert!(Publisher::new(&settings).is_err());
    assert!(Intake::new(&settings, accounts()).is_err());
}

#[tokio::test]
async fn clients_take_what_they_know_of_the_properties_of_the_other() {
    for (key, value) in [
        ("group.protocol", "consumer"),
        ("linger.ms", "1"),
        ("max.poll.interval.ms", "60000"),
    ] {
        let settings = with(key, value);
        assert!(Publisher::new(&settings).is_ok(), "{key}");
        assert!(Intake::new(&settings, accounts()).is_ok(), "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_that_are_missing_are_named() {
    let (_broker, mut settings) = broker(1);
    assert_eq!(check(&settings).await.unwrap(), [""; 0]);
    settings.alerts_topic = "checkout.alarms".to_owned();
    assert_eq!(check(&settings).await.unwrap(), ["checkout.alarms"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topics_of_an_embedded_broker_may_be_made_twice() {
    let embedded = EmbeddedBroker::start().unwrap();
    let settings = embedded.settings();
    embedded.create_topics(&settings, 3).unwrap();
    embedded.create_topics(&settings, 3).unwrap();
    assert_eq!(check(&settings).await.unwrap(), [""; 0]);
}
