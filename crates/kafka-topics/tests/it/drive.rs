//! What the fuzz targets do with their bytes. It stands here so that it runs, with fewer bytes, wherever the tests do.

use checkout::{AccountName, Timestamp};
use kafka_topics::{Accounts, Incoming, parse};

const ID: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";

/// Whatever a message holds, it is an arrival, or is refused with the field that is to blame.
pub(crate) fn event(payload: &[u8]) {
    read(&[], payload);
}

/// The same of its headers, as many as there are lines: a name, a colon, a value.
pub(crate) fn headers(bytes: &[u8]) {
    let headers: Vec<(String, Option<Vec<u8>>)> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| match line.iter().position(|byte| *byte == b':') {
            Some(end) => (name(&line[..end]), Some(line[end + 1..].to_vec())),
            None => (name(line), None),
        })
        .collect();
    let bare = format!(r#"{{"checkoutSessionId": "{ID}", "account": "eu_shop"}}"#);
    let wrapped = format!(r#"{{"specversion": "1.0", "subject": "{ID}", "data": {bare}}}"#);
    for payload in [bare.as_str(), &wrapped, "{}"] {
        read(&headers, payload.as_bytes());
    }
}

fn name(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn read(headers: &[(String, Option<Vec<u8>>)], payload: &[u8]) {
    let incoming = Incoming {
        topic: "checkout.completed",
        partition: 3,
        offset: 17,
        timestamp: Some(Timestamp::from_micros(0)),
        headers,
        payload: Some(payload),
    };
    let accounts = Accounts::new(AccountName::parse("eu_shop"));
    match parse(&incoming, &accounts, Timestamp::from_micros(1)) {
        Ok(arrival) => {
            let statement = &arrival.statement;
            assert!(
                statement.order.is_some() || statement.flaw.is_some(),
                "{statement:?}"
            );
            if let Some(flaw) = &statement.flaw {
                told_of(&flaw.field, &flaw.problem);
            }
            drop(format!("{arrival:?}"));
        }
        Err(unreadable) => told_of(&unreadable.field, &unreadable.reason),
    }
}

fn told_of(field: &str, problem: &str) {
    assert!(!field.is_empty() && !problem.is_empty(), "{field:?}: {problem:?}");
    let is_line = |text: &str| !text.chars().any(char::is_control);
    assert!(is_line(field) && is_line(problem), "{field:?}: {problem:?}");
}
