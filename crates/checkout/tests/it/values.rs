//! Outside text becomes a value once: what is read, what is refused, and how it prints.

use checkout::{AccountName, Amount, Currency, IdempotencyKey, NotAnAmount, SessionId, Timestamp};
use testkit::model::{hours, money, secs, t0};

#[test]
fn amounts_are_read_and_printed_as_they_were_written() {
    for (amount, currency, printed) in [
        ("23.45", "EUR", "23.45 EUR"),
        ("14", "USD", "14 USD"),
        ("14.0", "USD", "14.0 USD"),
        ("14.00", "USD", "14.00 USD"),
        ("0.01", "GBP", "0.01 GBP"),
        ("0.50", "EUR", "0.50 EUR"),
        ("10", "EUR", "10 EUR"),
        ("705", "JPY", "705 JPY"),
        ("999999999999", "JPY", "999999999999 JPY"),
        ("999999999999.99", "EUR", "999999999999.99 EUR"),
    ] {
        assert_eq!(money(amount, currency).to_string(), printed);
    }
}

#[test]
fn what_is_not_an_amount_is_refused() {
    let decimals = |currency, allowed| NotAnAmount::TooManyDecimals { currency, allowed };
    for (amount, currency, why) in [
        ("23.450", "USD", decimals(Currency::USD, 2)),
        ("0.001", "EUR", decimals(Currency::EUR, 2)),
        ("705.00", "JPY", decimals(Currency::JPY, 0)),
        ("705.5", "JPY", decimals(Currency::JPY, 0)),
        ("0", "EUR", NotAnAmount::OutOfRange),
        ("0.00", "EUR", NotAnAmount::OutOfRange),
        ("1234567890123", "EUR", NotAnAmount::OutOfRange),
        ("1234567890123.45", "EUR", NotAnAmount::OutOfRange),
        (
            "99999999999999999999999999999999999999",
            "EUR",
            NotAnAmount::OutOfRange,
        ),
        ("-1", "EUR", NotAnAmount::NotDecimal),
        ("+1", "EUR", NotAnAmount::NotDecimal),
        ("1e2", "EUR", NotAnAmount::NotDecimal),
        ("1E2", "EUR", NotAnAmount::NotDecimal),
        ("", "EUR", NotAnAmount::NotDecimal),
        (".", "EUR", NotAnAmount::NotDecimal),
        ("5.", "EUR", NotAnAmount::NotDecimal),
        (".5", "EUR", NotAnAmount::NotDecimal),
        ("1.2.3", "EUR", NotAnAmount::NotDecimal),
        ("1,50", "EUR", NotAnAmount::NotDecimal),
        ("014.00", "EUR", NotAnAmount::NotDecimal),
        ("00.50", "EUR", NotAnAmount::NotDecimal),
        ("00", "EUR", NotAnAmount::NotDecimal),
        ("007", "JPY", NotAnAmount::NotDecimal),
        ("1_000", "EUR", NotAnAmount::NotDecimal),
        (" 1", "EUR", NotAnAmount::NotDecimal),
        ("1 ", "EUR", NotAnAmount::NotDecimal),
        ("1\n", "EUR", NotAnAmount::NotDecimal),
        ("1\t.5", "EUR", NotAnAmount::NotDecimal),
        ("1e+2", "EUR", NotAnAmount::NotDecimal),
        ("1.+5", "EUR", NotAnAmount::NotDecimal),
        ("NaN", "EUR", NotAnAmount::NotDecimal),
        ("٣", "EUR", NotAnAmount::NotDecimal),
        ("1", "eur", NotAnAmount::Currency("eur".to_owned())),
        ("1", "", NotAnAmount::Currency(String::new())),
        ("1", "CAD", NotAnAmount::Currency("CAD".to_owned())),
        (
            "1",
            "a long text that is no code",
            NotAnAmount::Currency("a long t".to_owned()),
        ),
    ] {
        assert_eq!(
            Amount::parse(amount, currency),
            Err(why),
            "{amount:?} {currency:?}"
        );
    }
}

#[test]
fn amounts_are_equal_as_numbers_of_one_currency() {
    assert_eq!(money("14", "USD"), money("14.00", "USD"));
    assert_ne!(money("14", "USD"), money("14", "EUR"));
    assert_ne!(money("14", "USD"), money("14.01", "USD"));
}

#[test]
fn the_currencies_are_amazons_twelve() {
    let codes = [
        "USD", "EUR", "GBP", "JPY", "AUD", "DKK", "HKD", "NZD", "NOK", "ZAR", "SEK", "CHF",
    ];
    for code in codes {
        let currency: Currency = code.parse().unwrap();
        assert_eq!(currency.to_string(), code);
        assert_eq!(currency.decimals(), if code == "JPY" { 0 } else { 2 });
    }
}

#[test]
fn a_session_id_is_what_can_stand_in_a_path() {
    for good in ["7c0a6d1e-52f4-4b7b-9b1c-2f3d0e8a4c11", "a", "-", &"Z".repeat(64)] {
        assert_eq!(SessionId::parse(good).unwrap().as_str(), good);
    }
    for bad in [
        "",
        "a/b",
        "a b",
        "a.b",
        "..",
        "ä",
        "a%2f",
        "a\0",
        "a\n",
        &"a".repeat(65),
    ] {
        assert!(SessionId::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_account_name_is_what_the_configuration_can_hold() {
    for good in ["eu_shop", "a", "a1", &"a".repeat(64)] {
        assert_eq!(AccountName::parse(good).unwrap().to_string(), good);
    }
    for bad in ["", "1a", "_a", "Eu", "a-b", "a.b", "é", &"a".repeat(65)] {
        assert!(AccountName::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn an_idempotency_key_is_what_amazon_takes() {
    for good in ["a", "A-b_9", &"f".repeat(32)] {
        assert_eq!(IdempotencyKey::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "a.b", "a b", &"f".repeat(33)] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
    }
    let drawn = IdempotencyKey::from_bits(u128::MAX);
    assert_eq!(IdempotencyKey::parse(drawn.as_str()), Ok(drawn));
    assert_eq!(IdempotencyKey::from_bits(1).as_str().len(), 32);
}

#[test]
fn times_are_read_with_any_offset_and_printed_in_utc() {
    for (text, printed) in [
        ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z"),
        ("2026-01-05T11:00:00+01:00", "2026-01-05T10:00:00Z"),
        ("2026-01-05T10:00:00.25Z", "2026-01-05T10:00:00.25Z"),
        ("2026-01-05T10:00:00.123456789Z", "2026-01-05T10:00:00.123456Z"),
        ("2100-02-28T23:59:59Z", "2100-02-28T23:59:59Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ] {
        assert_eq!(
            Timestamp::parse(text).map(|time| time.to_string()),
            Ok(printed.to_owned())
        );
    }
    for bad in [
        "",
        "2026-01-05",
        "2026-01-05T10:00:00",
        "2026-13-05T10:00:00Z",
        "20260105",
        "yesterday",
    ] {
        assert!(Timestamp::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn arithmetic_with_times_saturates_and_prints() {
    let far = std::time::Duration::MAX;
    assert_eq!(t0().plus(hours(24)).minus(hours(24)), t0());
    assert_eq!(t0().plus(far), Timestamp::from_micros(i64::MAX));
    assert_eq!(t0().minus(far), Timestamp::from_micros(i64::MIN));
    assert!(t0().plus(far).to_string().starts_with("9999-"));
    assert!(t0().minus(far).to_string().starts_with("0001-"));
    assert_eq!(t0().since(t0().plus(secs(1))), secs(0));
    assert_eq!(t0().plus(secs(1)).since(t0()), secs(1));
}
