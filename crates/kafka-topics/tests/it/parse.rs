//! Every rule of the topic in, one line a case.

use checkout::{
    AccountName, Amount, ChargePermissionType, Operation, Order, PaymentIntent, ProductType, Timestamp, Work,
};
use kafka_topics::{Accounts, Incoming, Unreadable, parse};
use reconciler::Arrival;
use serde_json::{Value, json};

const ID: &str = "7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11";
const NOW: &str = "2026-01-05T12:00:00Z";
const BROKER: &str = "2026-01-05T11:59:59Z";

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn names(names: &[&str]) -> Accounts {
    Accounts::new(names.iter().map(|name| AccountName::parse(name).unwrap()))
}

/// The contract's example.
fn example() -> Value {
    json!({
        "checkoutSessionId": ID,
        "account": "eu_shop",
        "merchantReferenceId": "ORDER-1001",
        "operation": "Finalize",
        "productType": "PayAndShip",
        "paymentIntent": "AuthorizeWithCapture",
        "chargePermissionType": "OneTime",
        "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
        "totalOrderAmount": {"amount": "30.00", "currencyCode": "EUR"},
        "canHandlePendingAuthorization": false,
        "supplementaryData": null,
        "shippingAddress": {"name": "Ada Example", "addressLine1": "Musterweg 1", "city": "Berlin",
            "postalCode": "10115", "countryCode": "DE"},
        "billingAddress": null,
        "sessionCreatedAt": "2026-01-05T10:00:00Z",
        "somethingNew": {"of": ["no", "concern"]},
    })
}

/// The example with fields set; a null takes one away.
pub(crate) fn with(fields: &Value) -> Value {
    let mut event = example();
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

pub(crate) fn complete(fields: &Value) -> Value {
    let mut event = json!({
        "checkoutSessionId": ID, "account": "eu_shop", "operation": "Complete",
        "chargeAmount": {"amount": "23.45", "currencyCode": "EUR"},
    });
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

fn read_bytes(headers: &[(&str, &[u8])], payload: Option<&[u8]>) -> Result<Arrival, Unreadable> {
    let headers: Vec<(String, Option<Vec<u8>>)> = headers
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Some(value.to_vec())))
        .collect();
    let incoming = Incoming {
        topic: "checkout.completed",
        partition: 3,
        offset: 17,
        timestamp: Some(time(BROKER)),
        headers: &headers,
        payload,
    };
    parse(&incoming, &names(&["eu_shop", "jp_shop"]), time(NOW))
}

fn read_with(headers: &[(&str, &str)], event: &Value) -> Result<Arrival, Unreadable> {
    let headers: Vec<(&str, &[u8])> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_bytes()))
        .collect();
    read_bytes(&headers, Some(event.to_string().as_bytes()))
}

pub(crate) fn read(event: &Value) -> Arrival {
    read_with(&[], event).unwrap()
}

/// Whether it has a readable session id.
pub(crate) fn is_readable(event: &Value) -> bool {
    read_with(&[], event).is_ok()
}

fn amount(text: &str, currency: &str) -> Amount {
    Amount::parse(text, currency).unwrap()
}

fn flaw_of(event: &Value) -> Option<(String, String)> {
    read(event).statement.flaw.map(|flaw| (flaw.field, flaw.problem))
}

#[test]
fn the_example_of_the_contract_is_read_whole() {
    let arrival = read(&example());
    assert_eq!(arrival.id.as_str(), ID);
    assert_eq!(arrival.partition, 3);
    assert_eq!(arrival.session_created_at, Some(time("2026-01-05T10:00:00Z")));
    let statement = arrival.statement;
    assert_eq!(statement.flaw, None);
    assert_eq!(statement.account, AccountName::parse("eu_shop").ok());
    assert_eq!(statement.merchant_reference_id.as_deref(), Some("ORDER-1001"));
    assert_eq!(
        statement.order,
        Some(Order {
            work: Work::Finalize {
                product: ProductType::PayAndShip,
                intent: PaymentIntent::AuthorizeWithCapture,
                amount: amount("23.45", "EUR"),
            },
            permission_type: ChargePermissionType::OneTime,
            total_order_amount: Some(amount("30.00", "EUR")),
            can_handle_pending: false,
            has_address: true,
        })
    );
    let address = arrival.personal.shipping_address.unwrap();
    assert_eq!(address.name.as_deref(), Some("Ada Example"));
    assert_eq!(address.address_line1.as_deref(), Some("Musterweg 1"));
    assert_eq!(address.city.as_deref(), Some("Berlin"));
    assert_eq!(address.postal_code.as_deref(), Some("10115"));
    assert_eq!(address.country_code.as_deref(), Some("DE"));
    assert_eq!(address.address_line2, None);
    assert_eq!(arrival.personal.billing_address, None);
}

#[test]
fn each_flaw_names_its_field() {
    let long = "x".repeat(257);
    let eur = |amount: Value| json!({"amount": amount, "currencyCode": "EUR"});
    for (event, field) in [
        (with(&json!({"operation": null})), "operation"),
        (with(&json!({"operation": "Finalise"})), "operation"),
        (with(&json!({"operation": 1})), "operation"),
        (with(&json!({"productType": null})), "productType"),
        (with(&json!({"productType": "PayLater"})), "productType"),
        (with(&json!({"paymentIntent": null})), "paymentIntent"),
        (with(&json!({"paymentIntent": "Capture"})), "paymentIntent"),
        (
            with(&json!({"chargePermissionType": "Once"})),
            "chargePermissionType",
        ),
        (with(&json!({"chargeAmount": null})), "chargeAmount"),
        (with(&json!({"chargeAmount": "23.45"})), "chargeAmount"),
        (
            with(&json!({"chargeAmount": eur(json!(23.45))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!(23))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!(null))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!("0"))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!("-1"))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!("1.234"))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": eur(json!("1e3"))})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": {"amount": "500.00", "currencyCode": "JPY"}})),
            "chargeAmount.amount",
        ),
        (
            with(&json!({"chargeAmount": {"amount": "5", "currencyCode": "XXX"}})),
            "chargeAmount.currencyCode",
        ),
        (
            with(&json!({"chargeAmount": {"amount": "5"}})),
            "chargeAmount.currencyCode",
        ),
        (
            with(&json!({"totalOrderAmount": eur(json!(30))})),
            "totalOrderAmount.amount",
        ),
        (with(&json!({"totalOrderAmount": []})), "totalOrderAmount"),
        (
            with(&json!({"canHandlePendingAuthorization": "yes"})),
            "canHandlePendingAuthorization",
        ),
        (
            with(&json!({"canHandlePendingAuthorization": true})),
            "canHandlePendingAuthorization",
        ),
        (with(&json!({"supplementaryData": {"a": 1}})), "supplementaryData"),
        (
            with(&json!({"supplementaryData": "a\u{0}b"})),
            "supplementaryData",
        ),
        (
            with(&json!({"shippingAddress": "Musterweg 1"})),
            "shippingAddress",
        ),
        (
            with(&json!({"shippingAddress": {"postalCode": 10115}})),
            "shippingAddress.postalCode",
        ),
        (
            with(&json!({"shippingAddress": {"city": "Ber\u{0}lin"}})),
            "shippingAddress.city",
        ),
        (
            with(&json!({"billingAddress": {"name": ["A"]}})),
            "billingAddress.name",
        ),
        (with(&json!({"merchantReferenceId": long})), "merchantReferenceId"),
        (with(&json!({"merchantReferenceId": 1001})), "merchantReferenceId"),
        (
            with(&json!({"merchantReferenceId": "\u{0}"})),
            "merchantReferenceId",
        ),
        (
            with(&json!({"sessionCreatedAt": "yesterday"})),
            "sessionCreatedAt",
        ),
        (
            with(&json!({"sessionCreatedAt": 1_767_607_200})),
            "sessionCreatedAt",
        ),
        (with(&json!({"account": null})), "account"),
        (with(&json!({"account": "us_shop"})), "account"),
        (with(&json!({"account": "EU Shop"})), "account"),
        (with(&json!({"account": 7})), "account"),
        (complete(&json!({"chargeAmount": null})), "chargeAmount"),
        (
            complete(&json!({"chargeAmount": null, "chargePermissionType": "Recurring"})),
            "chargeAmount",
        ),
    ] {
        assert_eq!(
            flaw_of(&event).map(|flaw| flaw.0).as_deref(),
            Some(field),
            "{event}"
        );
    }
}

#[test]
fn an_order_is_there_unless_a_flaw_is_in_what_amazon_would_be_sent() {
    for (fields, there) in [
        (json!({}), true),
        (json!({"account": "us_shop"}), true),
        (json!({"merchantReferenceId": 1001}), true),
        (json!({"sessionCreatedAt": "yesterday"}), true),
        (json!({"operation": "Finalise"}), false),
        (json!({"totalOrderAmount": "30"}), false),
        (json!({"shippingAddress": {"city": 1}}), false),
        (json!({"supplementaryData": 1, "account": "us_shop"}), false),
    ] {
        assert_eq!(read(&with(&fields)).statement.order.is_some(), there, "{fields}");
    }
}

#[test]
fn the_first_flaw_in_the_documented_order_is_told() {
    let everything = json!({
        "account": 1, "sessionCreatedAt": 1, "merchantReferenceId": 1, "billingAddress": 1, "shippingAddress": 1,
        "supplementaryData": 1, "canHandlePendingAuthorization": 1, "totalOrderAmount": 1, "chargeAmount": 1,
        "chargePermissionType": 1, "paymentIntent": 1, "productType": 1, "operation": 1,
    });
    let mut event = with(&everything);
    for (field, good) in [
        ("operation", json!("Finalize")),
        ("productType", json!("PayOnly")),
        ("paymentIntent", json!("Authorize")),
        ("chargePermissionType", json!("Recurring")),
        ("chargeAmount", json!({"amount": "5", "currencyCode": "EUR"})),
        ("totalOrderAmount", json!(null)),
        ("canHandlePendingAuthorization", json!("true")),
        ("supplementaryData", json!("")),
        ("shippingAddress", json!({})),
        ("billingAddress", json!(null)),
        ("merchantReferenceId", json!("")),
        ("sessionCreatedAt", json!(null)),
        ("account", json!("eu_shop")),
    ] {
        assert_eq!(flaw_of(&event).map(|flaw| flaw.0).as_deref(), Some(field));
        event[field] = good;
    }
    assert_eq!(flaw_of(&event), None);
}

#[test]
fn no_flaw_repeats_what_may_be_personal() {
    for (fields, secret) in [
        (json!({"shippingAddress": "Musterweg 1"}), "Musterweg"),
        (json!({"shippingAddress": {"name": "Ada\u{0}"}}), "Ada"),
        (json!({"supplementaryData": ["gift for Ada"]}), "Ada"),
        (json!({"merchantReferenceId": ["Ada"]}), "Ada"),
        (
            json!({"chargeAmount": {"amount": "Ada", "currencyCode": "EUR"}}),
            "Ada",
        ),
    ] {
        let (_, problem) = flaw_of(&with(&fields)).unwrap();
        assert!(!problem.contains(secret), "{problem}");
    }
}

#[test]
fn a_word_that_is_not_known_is_repeated_shortened_and_without_control_characters() {
    let word = format!("Fina\n{}", "x".repeat(60));
    let (_, problem) = flaw_of(&with(&json!({ "operation": word }))).unwrap();
    let shown = format!("`Fina\u{fffd}{}…` is none of Finalize, Complete", "x".repeat(35));
    assert_eq!(problem, shown);
    let nul = json!({"chargeAmount": {"amount": "5", "currencyCode": "E\u{0}R"}});
    assert!(!flaw_of(&with(&nul)).unwrap().1.contains('\0'));
}

#[test]
fn an_account_may_be_left_out_where_exactly_one_is_configured() {
    let event = with(&json!({"account": null})).to_string();
    for (configured, account) in [
        (vec!["jp_shop"], Some("jp_shop")),
        (vec![], None),
        (vec!["a", "b"], None),
    ] {
        let incoming = Incoming {
            topic: "t",
            partition: 0,
            offset: 0,
            timestamp: None,
            headers: &[],
            payload: Some(event.as_bytes()),
        };
        let statement = parse(&incoming, &names(&configured), time(NOW))
            .unwrap()
            .statement;
        assert_eq!(statement.account.as_ref().map(AccountName::as_str), account);
        assert_eq!(statement.flaw.is_none(), account.is_some());
        assert!(statement.order.is_some());
    }
}

#[test]
fn an_account_that_could_be_configured_later_keeps_its_name() {
    let named = read(&with(&json!({"account": "us_shop"}))).statement;
    assert_eq!(named.account, AccountName::parse("us_shop").ok());
    assert_eq!(
        read(&with(&json!({"account": "EU Shop"}))).statement.account,
        None
    );
}

#[test]
fn complete_needs_no_more_than_an_amount() {
    let order = read(&complete(&json!({}))).statement.order.unwrap();
    assert_eq!(order.operation(), Operation::Complete);
    assert_eq!(order.charge_amount(), Some(amount("23.45", "EUR")));
    assert_eq!(order.permission_type, ChargePermissionType::OneTime);
    assert!(order.has_address);
}

#[test]
fn a_saved_wallet_setup_is_complete_on_file_without_an_amount() {
    let on_file = |fields: Value| {
        let mut event = complete(&json!({"chargePermissionType": "PaymentMethodOnFile"}));
        event["chargeAmount"] = fields;
        read(&event).statement.order.unwrap().work
    };
    assert_eq!(on_file(json!(null)), Work::SetUpWallet);
    let amount = amount("5", "EUR");
    assert_eq!(
        on_file(json!({"amount": "5", "currencyCode": "EUR"})),
        Work::Complete { amount }
    );
}

#[test]
fn what_complete_does_not_take_is_neither_read_nor_kept() {
    let arrival = read(&complete(&json!({
        "paymentIntent": "Whatever", "productType": 1, "shippingAddress": {"name": "Ada"}, "supplementaryData": 3,
    })));
    assert_eq!(arrival.statement.flaw, None);
    assert_eq!(arrival.personal, reconciler::Personal::default());
}

#[test]
fn a_needed_address_is_there_when_it_says_something() {
    let paid = |product: &str, shipping: Value, billing: Value| {
        let event =
            with(&json!({"productType": product, "shippingAddress": shipping, "billingAddress": billing}));
        read(&event).statement.order.unwrap().has_address
    };
    let full = json!({"city": "Berlin"});
    let empty = json!({"city": "", "name": null});
    assert!(paid("PayAndShip", full.clone(), json!(null)));
    assert!(!paid("PayAndShip", empty.clone(), full.clone()));
    assert!(!paid("PayAndShip", json!(null), full.clone()));
    assert!(!paid("PayAndShip", json!({}), json!(null)));
    assert!(paid("PayOnly", json!(null), full.clone()));
    assert!(!paid("PayOnly", full, empty));
}

#[test]
fn pending_may_be_said_as_a_boolean_or_as_text() {
    for (said, pending) in [
        (json!(true), true),
        (json!("true"), true),
        (json!(false), false),
        (json!("false"), false),
        (json!(null), false),
    ] {
        let event = with(&json!({"paymentIntent": "Authorize", "canHandlePendingAuthorization": said}));
        assert_eq!(read(&event).statement.order.unwrap().can_handle_pending, pending);
    }
}

#[test]
fn statements_that_say_the_same_are_equal() {
    let said = read(&example()).statement;
    for fields in [
        json!({"chargeAmount": {"amount": "23.450", "currencyCode": "EUR"}}),
        json!({"chargeAmount": {"currencyCode": "EUR", "amount": "23.45", "x": 1}}),
        json!({"billingAddress": {}}),
        json!({"canHandlePendingAuthorization": "false"}),
        json!({"chargePermissionType": null}),
        json!({"sessionCreatedAt": null}),
        json!({"somethingNew": null}),
    ] {
        let again = read(&with(&fields)).statement;
        if again.flaw.is_none() {
            assert_eq!(again, said, "{fields}");
        }
    }
    let other = json!({"chargeAmount": {"amount": "23.46", "currencyCode": "EUR"}});
    assert_ne!(read(&with(&other)).statement, said);
}

#[test]
fn the_last_of_two_equal_keys_counts() {
    let text = format!(r#"{{"checkoutSessionId": "other", "checkoutSessionId": "{ID}"}}"#);
    let arrival = read_bytes(&[], Some(text.as_bytes())).unwrap();
    assert_eq!(arrival.id.as_str(), ID);
}

#[test]
fn the_three_wrappings_say_the_same() {
    let bare = read(&example());
    let binary = read_with(
        &[
            ("ce_specversion", "1.0"),
            ("ce_type", "checkout.completed.v1"),
            ("content-type", "application/json"),
        ],
        &example(),
    );
    let wrapped = json!({
        "specversion": "1.0", "type": "checkout.completed.v1", "id": "1", "source": "/shop", "data": example(),
    });
    let structured = read_with(
        &[("content-type", "application/cloudevents+json; charset=utf-8")],
        &wrapped,
    );
    assert_eq!(binary.unwrap(), bare);
    assert_eq!(structured.unwrap(), bare);
    // A line of a file has no headers.
    assert_eq!(read(&wrapped), bare);
}

#[test]
fn the_time_of_an_event_is_its_own_then_the_brokers_then_now() {
    const OWN: &str = "2026-01-05T11:00:00Z";
    let said_at = |headers: &[(&str, &str)], event: &Value| read_with(headers, event).unwrap().said_at;
    let structured = json!({"specversion": "1.0", "time": OWN, "data": example()});
    let broken = json!({"specversion": "1.0", "time": 5, "data": example()});
    assert_eq!(said_at(&[("ce_time", OWN)], &example()), time(OWN));
    assert_eq!(said_at(&[], &structured), time(OWN));
    assert_eq!(said_at(&[], &broken), time(BROKER));
    assert_eq!(said_at(&[("ce_time", "noon")], &example()), time(BROKER));
    assert_eq!(said_at(&[], &example()), time(BROKER));
    let payload = example().to_string();
    let incoming = Incoming {
        topic: "t",
        partition: 0,
        offset: 0,
        timestamp: None,
        headers: &[],
        payload: Some(payload.as_bytes()),
    };
    let arrival = parse(&incoming, &names(&["eu_shop"]), time(NOW)).unwrap();
    assert_eq!(arrival.said_at, time(NOW));
}

#[test]
fn a_trace_is_kept_where_it_is_one() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let trace = |headers: &[(&str, &str)], event: &Value| read_with(headers, event).unwrap().traceparent;
    assert_eq!(
        trace(&[("traceparent", TRACE)], &example()).as_deref(),
        Some(TRACE)
    );
    assert_eq!(
        trace(&[("ce_traceparent", TRACE)], &example()).as_deref(),
        Some(TRACE)
    );
    let structured = json!({"specversion": "1.0", "traceparent": TRACE, "data": example()});
    assert_eq!(trace(&[], &structured).as_deref(), Some(TRACE));
    for wrong in [
        "",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ] {
        assert_eq!(trace(&[("traceparent", wrong)], &example()), None, "{wrong}");
    }
}

#[test]
fn the_subject_stands_in_for_an_id() {
    let anonymous = with(&json!({"checkoutSessionId": null}));
    let arrival = read_with(&[("ce_subject", ID)], &anonymous).unwrap();
    assert_eq!(arrival.id.as_str(), ID);
    assert_eq!(arrival.statement.flaw, None);
    let wrapped = json!({"specversion": "1.0", "subject": ID, "data": anonymous});
    assert_eq!(read(&wrapped).id.as_str(), ID);
    // The data's own id goes before it.
    assert_eq!(
        read_with(&[("ce_subject", "other")], &example())
            .unwrap()
            .id
            .as_str(),
        ID
    );
}

#[test]
fn a_session_whose_subject_is_readable_keeps_its_clock_whatever_else_is_not() {
    for (event, field) in [
        (with(&json!({"checkoutSessionId": 7})), "checkoutSessionId"),
        (with(&json!({"checkoutSessionId": "a/b"})), "checkoutSessionId"),
        (json!([example()]), "data"),
        (json!("text"), "data"),
    ] {
        let arrival = read_with(&[("ce_subject", ID)], &event).unwrap();
        assert_eq!(arrival.id.as_str(), ID);
        assert_eq!(arrival.statement.order, None);
        assert_eq!(arrival.statement.flaw.unwrap().field, field);
    }
    for data in [json!(null), json!("text"), json!([1])] {
        let wrapped = json!({"specversion": "1.0", "subject": ID, "data": data});
        assert_eq!(flaw_of(&wrapped).unwrap().0, "data");
    }
}

#[test]
fn only_what_has_no_readable_session_id_is_unreadable() {
    let structured = [("content-type", b"application/cloudevents+json".as_slice())];
    let long = format!(r#"{{"checkoutSessionId": "{}"}}"#, "a".repeat(65));
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let foreign = br#"{"specversion": "1.0", "type": "other.v1", "subject": "a", "data": {}}"#;
    type Headers<'a> = &'a [(&'a str, &'a [u8])];
    let cases: [(Headers<'_>, Option<&[u8]>, &str); 17] = [
        (&[], None, "body"),
        (&[], Some(b""), "body"),
        (&[], Some(b"\xff\xfe"), "body"),
        (&[], Some(b"{"), "body"),
        (&[], Some(b"{} {}"), "body"),
        (&[("ce_subject", b"a")], Some(b"not json"), "body"),
        (&[], Some(deep.as_bytes()), "body"),
        (&[], Some(br#""\ud800""#), "body"),
        (&[], Some(b"null"), "checkoutSessionId"),
        (&[], Some(b"[]"), "checkoutSessionId"),
        (&[], Some(b"{}"), "checkoutSessionId"),
        (&[], Some(br#"{"checkoutSessionId": ""}"#), "checkoutSessionId"),
        (
            &[],
            Some(br#"{"checkoutSessionId": "a\u0000"}"#),
            "checkoutSessionId",
        ),
        (
            &[("ce_subject", b"a b")],
            Some(long.as_bytes()),
            "checkoutSessionId",
        ),
        (
            &[("ce_type", b"other.v1")],
            Some(br#"{"checkoutSessionId": "a"}"#),
            "ce_type",
        ),
        (
            &[("ce_type", b"\xff")],
            Some(br#"{"checkoutSessionId": "a"}"#),
            "ce_type",
        ),
        (&structured, Some(foreign), "type"),
    ];
    for (headers, payload, field) in cases {
        let unreadable = read_bytes(headers, payload).unwrap_err();
        assert_eq!(unreadable.field, field, "{unreadable}");
    }
}

#[test]
fn an_event_of_a_megabyte_is_read() {
    let event = with(&json!({"supplementaryData": "x".repeat(1_000_000)}));
    assert_eq!(
        read(&event).personal.supplementary_data.map(|data| data.len()),
        Some(1_000_000)
    );
}
