//! Money as the API takes and shows it.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

use crate::api::read::refuse_unknown;
use crate::api::refusal::Refusal;
use crate::unknowns::Unknowns;

/// The presentment currencies that Amazon Pay takes.
pub(crate) const CURRENCIES: [&str; 12] = [
    "USD", "EUR", "GBP", "JPY", "AUD", "DKK", "HKD", "NZD", "NOK", "ZAR", "SEK", "CHF",
];

/// An amount above zero in a currency, with the decimals it was written with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// As a string in JSON.
    pub amount: Decimal,
    pub currency_code: String,
}

impl Price {
    /// Reads `value` found under `field`: null is no price; the amount may be a string or a number.
    pub(crate) fn read(field: &str, value: Option<&Value>) -> Result<Option<Self>, Refusal> {
        let price = match value {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Object(price)) => price,
            Some(other) => {
                let why = "is not an amount with a currency";
                return Err(Refusal::invalid_value(field, other, why));
            }
        };
        refuse_unknown(field, price, &["amount", "currencyCode"])?;
        let currency = match price.get("currencyCode") {
            None | Some(Value::Null) => return Err(Refusal::missing_value(&format!("{field}.currencyCode"))),
            Some(Value::String(code)) if CURRENCIES.contains(&code.as_str()) => code.clone(),
            Some(other) => {
                let field = format!("{field}.currencyCode");
                return Err(Refusal::invalid_value(
                    &field,
                    other,
                    "is not a currency taken here",
                ));
            }
        };
        let amount_field = format!("{field}.amount");
        let given = price.get("amount").unwrap_or(&Value::Null);
        let wrong = |why: &str| Refusal::invalid_value(&amount_field, given, why);
        let text = match given {
            Value::Null => return Err(Refusal::missing_value(&amount_field)),
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(wrong("is not a number")),
        };
        let amount = read_amount(&text).ok_or_else(|| wrong("is not an amount above zero"))?;
        let decimals = if currency == "JPY" { 0 } else { 2 };
        if amount.scale() > decimals {
            let why = format!("has more decimals than the {decimals} of {currency}");
            return Err(wrong(&why));
        }
        Ok(Some(Self {
            amount,
            currency_code: currency,
        }))
    }

    /// Reads a price that must be there.
    pub(crate) fn required(field: &str, value: Option<&Value>) -> Result<Self, Refusal> {
        Self::read(field, value)?.ok_or_else(|| Refusal::missing_value(field))
    }

    /// Another amount of the same currency.
    pub(crate) fn with(&self, amount: Decimal) -> Self {
        Self {
            amount,
            currency_code: self.currency_code.clone(),
        }
    }

    /// Refuses more than Amazon takes in one charge, as far as its currency has a published maximum.
    pub(crate) fn check_maximum(&self, field: &str, unknowns: &Unknowns) -> Result<(), Refusal> {
        let most = match self.currency_code.as_str() {
            "USD" | "GBP" | "EUR" => 150_000,
            "JPY" => 10_000_000,
            _ => return Ok(()),
        };
        if self.amount <= Decimal::from(most) {
            return Ok(());
        }
        let why = format!("{field}: '{self}' is above the maximum of {most}");
        Err(unknowns.amount_above_maximum.refusal(why))
    }

    /// How much more than `self` may be given back: 15 %, or 75, whichever is less.
    pub(crate) fn refund_surplus(&self, elsewhere: bool) -> Decimal {
        let share = self.amount * Decimal::new(15, 2);
        match self.currency_code.as_str() {
            "USD" | "GBP" | "EUR" => share.min(Decimal::from(75)),
            _ if elsewhere => share,
            _ => Decimal::ZERO,
        }
    }

    pub(crate) fn shown(&self) -> Value {
        json!({"amount": self.amount.to_string(), "currencyCode": self.currency_code})
    }
}

impl std::fmt::Display for Price {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.amount, self.currency_code)
    }
}

fn read_amount(text: &str) -> Option<Decimal> {
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let ends = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_digit());
    if !plain || !ends(text.bytes().next()) || !ends(text.bytes().last()) {
        return None;
    }
    text.parse().ok().filter(|amount: &Decimal| !amount.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(price: &Value) -> Result<Option<Price>, String> {
        Price::read("chargeAmount", Some(price)).map_err(|refusal| refusal.reason.into_owned())
    }

    #[test]
    fn an_amount_may_be_a_string_or_a_number_and_compares_as_a_number() {
        let amount = |price| read(&price).unwrap().unwrap().amount;
        assert_eq!(
            amount(json!({"amount": "14", "currencyCode": "USD"})),
            amount(json!({"amount": 14.0, "currencyCode": "USD"}))
        );
        assert_eq!(
            amount(json!({"amount": "14.10", "currencyCode": "USD"})),
            amount(json!({"amount": 14.1, "currencyCode": "USD"}))
        );
    }

    #[test]
    fn decimals_beyond_the_currency_are_refused() {
        for (amount, currency) in [
            ("1.234", "USD"),
            ("1.2340", "EUR"),
            ("705.00", "JPY"),
            ("705.0", "JPY"),
        ] {
            let refused = read(&json!({"amount": amount, "currencyCode": currency}));
            assert_eq!(
                refused,
                Err("InvalidParameterValue".to_owned()),
                "{amount} {currency}"
            );
        }
    }

    #[test]
    fn what_is_not_a_price_says_what_is_wrong() {
        for (price, reason) in [
            (json!("14"), "InvalidParameterValue"),
            (
                json!({"amount": "-1", "currencyCode": "USD"}),
                "InvalidParameterValue",
            ),
            (
                json!({"amount": "0.00", "currencyCode": "USD"}),
                "InvalidParameterValue",
            ),
            (
                json!({"amount": "1_0", "currencyCode": "USD"}),
                "InvalidParameterValue",
            ),
            (
                json!({"amount": "1e2", "currencyCode": "USD"}),
                "InvalidParameterValue",
            ),
            (
                json!({"amount": "1.", "currencyCode": "USD"}),
                "InvalidParameterValue",
            ),
            (
                json!({"amount": "1", "currencyCode": "XXX"}),
                "InvalidParameterValue",
            ),
            (json!({"amount": "1"}), "MissingParameterValue"),
            (json!({"currencyCode": "USD"}), "MissingParameterValue"),
            (
                json!({"amount": "1", "currencyCode": "USD", "tax": "0"}),
                "UnrecognizedField",
            ),
        ] {
            assert_eq!(read(&price), Err(reason.to_owned()), "{price}");
        }
        assert_eq!(read(&Value::Null), Ok(None));
    }
}
