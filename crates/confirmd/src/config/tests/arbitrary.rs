//! Whatever a configuration holds, it is read or every problem is named. `FUZZ_INPUTS=1000000` has a million inputs.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::drive;

const EXAMPLE: &str = include_str!("../../../../../deploy/confirmd.example.toml");
const SECRET: &str = "hunter22";

/// Every kind of key, and some that there are not.
const KEYS: [&str; 36] = [
    "shutdown_grace",
    "kafka.bootstrap_servers",
    "kafka.input_topic",
    "kafka.group_id",
    "kafka.create_topics",
    "kafka.dead_letter_topic",
    "kafka.properties",
    "kafka.properties.\"message.timeout.ms\"",
    "store.url",
    "accounts",
    "accounts.eu_shop",
    "accounts.eu_shop.region",
    "accounts.eu_shop.environment",
    "accounts.eu_shop.mode",
    "accounts.eu_shop.public_key_id",
    "accounts.eu_shop.private_key_file",
    "accounts.eu_shop.endpoint",
    "accounts.eu_shop.ca_file",
    "accounts.eu_shop.algorithm",
    "accounts.eu_shop.quota.confirm.burst",
    "accounts.eu_shop.quota.confirm.per_second",
    "accounts.eu_shop.quota.shop_front_share",
    "accounts.\"a b\".region",
    "deadline.near",
    "deadline.cancel_before",
    "deadline.alert_before",
    "deadline.last_attempt_before",
    "retry.first",
    "retry.max",
    "retry.attempt_timeout",
    "keep.personal_data_for",
    "keep.permission_details",
    "console.listen",
    "telemetry.log",
    "telemetry.log_level",
    "kafak.bootstrap_servers",
];

fn value() -> impl Strategy<Value = String> {
    let words = vec![
        "\"\"",
        "\"eu\"",
        "\"30s\"",
        "\"5m\"",
        "\"-1s\"",
        "\"1e9d\"",
        "\"cancel\"",
        "\"live\"",
        "\"localhost:9092\"",
        "\"sqlite::memory:\"",
        "\"postgres://confirmd:hunter22@[\"",
        "\"https://x y\"",
        "\"/nowhere/key.pem\"",
        "[]",
        "[\"6h\", 2]",
        "{}",
        "{ a = 1 }",
        "true",
        "inf",
        "nan",
        "0",
        "-1",
        "1.5",
        "2026-01-05",
        "[[]]",
        "18446744073709551616",
        "\"\\u0000\"",
    ];
    prop_oneof![
        4 => proptest::sample::select(words).prop_map(str::to_owned),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("TOML has it", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => "[a-zA-Z0-9 ./:-]{0,20}".prop_map(|text| format!("\"{text}\"")),
    ]
}

/// A dotted key takes the place of what an earlier one has said of it, as far as TOML lets it.
fn listed() -> impl Strategy<Value = String> {
    let lines = proptest::collection::btree_map(proptest::sample::select(KEYS.to_vec()), value(), 0..12);
    lines.prop_map(|lines| {
        let mut toml = String::new();
        for (key, value) in lines {
            let _ = writeln!(toml, "{key} = {value}");
        }
        toml
    })
}

fn damaged() -> impl Strategy<Value = String> {
    let damage = proptest::collection::vec((any::<proptest::sample::Index>(), any::<char>()), 0..4);
    damage.prop_map(|damage| {
        let mut toml: Vec<char> = EXAMPLE.chars().collect();
        for (at, character) in damage {
            let at = at.index(toml.len());
            toml[at] = character;
        }
        toml.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(testkit::arbitrary_inputs()) })]

    #[test]
    fn whatever_a_configuration_holds_it_is_read_or_its_keys_are_named(toml in prop_oneof![
        ".{0,80}",
        listed(),
        damaged(),
    ]) {
        if let Some(said) = drive::configuration(&toml) {
            prop_assert!(!said.contains(SECRET), "{said}");
        }
    }
}
