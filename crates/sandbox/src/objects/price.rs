//! Money as the API takes and shows it.

use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::api::refusal::Refusal;

/// The presentment currencies that Amazon Pay takes.
const CURRENCIES: [&str; 12] = [
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
            Some(_) => return Err(Refusal::invalid_value(field, "is not an amount with a currency")),
        };
        refuse_unknown(field, price, &["amount", "currencyCode"])?;
        let currency = match price.get("currencyCode") {
            None | Some(Value::Null) => return Err(Refusal::missing_value(&format!("{field}.currencyCode"))),
            Some(Value::String(code)) if CURRENCIES.contains(&code.as_str()) => code.clone(),
            Some(_) => {
                return Err(Refusal::invalid_value(
                    &format!("{field}.currencyCode"),
                    "is not a currency taken here",
                ));
            }
        };
        let amount_field = format!("{field}.amount");
        let text = match price.get("amount") {
            None | Some(Value::Null) => return Err(Refusal::missing_value(&amount_field)),
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err(Refusal::invalid_value(&amount_field, "is not a number")),
        };
        let amount = read_amount(&text)
            .ok_or_else(|| Refusal::invalid_value(&amount_field, "is not an amount above zero"))?;
        let decimals = if currency == "JPY" { 0 } else { 2 };
        if amount.scale() > decimals {
            let why = format!("has more decimals than the {decimals} of {currency}");
            return Err(Refusal::invalid_value(&amount_field, &why));
        }
        Ok(Some(Self {
            amount,
            currency_code: currency,
        }))
    }

    pub(crate) fn shown(&self) -> Value {
        json!({"amount": self.amount.to_string(), "currencyCode": self.currency_code})
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

/// Amazon refuses what it does not know instead of passing it over.
pub(crate) fn refuse_unknown(
    within: &str,
    object: &Map<String, Value>,
    known: &[&str],
) -> Result<(), Refusal> {
    let unknown = object.keys().find(|name| !known.contains(&name.as_str()));
    unknown.map_or(Ok(()), |name| {
        let field = if within.is_empty() {
            name.clone()
        } else {
            format!("{within}.{name}")
        };
        Err(Refusal::new(
            400,
            "UnrecognizedField",
            format!("{field} is not a field of this request"),
        ))
    })
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
