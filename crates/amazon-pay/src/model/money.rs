//! Money: an exact decimal with its currency, never a float.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::lenient;
use super::words::words;

words!(
    /// A currency, by its ISO 4217 code: the twelve that Amazon Pay takes at present, and room for others.
    Currency {
        /// United States dollar; two decimals.
        USD,
        /// Euro; two decimals.
        EUR,
        /// Pound sterling; two decimals.
        GBP,
        /// Yen; no decimals.
        JPY,
        /// Australian dollar; two decimals.
        AUD,
        /// Danish krone; two decimals.
        DKK,
        /// Hong Kong dollar; two decimals.
        HKD,
        /// New Zealand dollar; two decimals.
        NZD,
        /// Norwegian krone; two decimals.
        NOK,
        /// Rand; two decimals.
        ZAR,
        /// Swedish krona; two decimals.
        SEK,
        /// Swiss franc; two decimals.
        CHF,
    }
);

impl Currency {
    /// How many decimals Amazon takes: none for the yen, two for all others.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        if *self == Self::JPY { 0 } else { 2 }
    }
}

/// An amount of money.
///
/// Made by hand it keeps Amazon's rules, so that an amount that Amazon would refuse for good is refused here.
/// In an answer it is what Amazon says it is. Either way it keeps its scale: `14` and `14.00` are equal, and
/// each is sent as it was written, since it is not known how Amazon compares them.
///
/// Nothing here adds amounts: take [`amount`](Self::amount) and mind the [`currency`](Self::currency).
///
/// ```
/// use amazon_pay::{Currency, Decimal, Price};
///
/// let price = Price::parse("23.45", "EUR")?;
/// assert_eq!(price, Price::new(Decimal::new(2345, 2), Currency::EUR)?);
/// assert_eq!(price.to_string(), "23.45 EUR");
/// assert_eq!(
///     Price::parse("705.00", "JPY").unwrap_err().to_string(),
///     "an amount in JPY has at most 0 decimals, and this one has 2"
/// );
/// # Ok::<(), amazon_pay::InvalidPrice>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Price {
    amount: Decimal,
    currency: Currency,
}

/// Why Amazon would not take an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPrice {
    /// Not a plain decimal.
    #[error("an amount is written with digits and at most one point, such as 23.45")]
    NotDecimal,
    /// Less than zero.
    #[error("an amount cannot be less than zero")]
    Negative,
    /// Zeros at the end count: Amazon refuses `705.00` yen.
    #[error("an amount in {currency} has at most {allowed} decimals, and this one has {found}")]
    Decimals {
        /// Whose rule it is.
        currency: Currency,
        /// How many it may have.
        allowed: u32,
        /// How many it has.
        found: u32,
    },
    /// Not the form of an ISO 4217 code.
    #[error("a currency is written with three capital letters, such as EUR")]
    Currency,
}

impl Price {
    /// An amount to send. Zero is an amount.
    ///
    /// # Errors
    /// [`InvalidPrice`]: negative, more decimals than the currency has (counting zeros at the end), or not a
    /// currency.
    pub fn new(mut amount: Decimal, currency: Currency) -> Result<Self, InvalidPrice> {
        let code = currency.as_str();
        if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err(InvalidPrice::Currency);
        }
        if amount.is_zero() {
            // Arithmetic can leave a negative zero, which would be written as one.
            amount.set_sign_positive(true);
        }
        if amount.is_sign_negative() {
            return Err(InvalidPrice::Negative);
        }
        if amount.scale() > currency.decimals() {
            return Err(InvalidPrice::Decimals {
                allowed: currency.decimals(),
                found: amount.scale(),
                currency,
            });
        }
        Ok(Self { amount, currency })
    }

    /// The same from text: `Price::parse("23.45", "EUR")`.
    ///
    /// # Errors
    /// Those of [`new`](Self::new), and [`InvalidPrice::NotDecimal`] for anything but digits with at most one
    /// point between them.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, InvalidPrice> {
        let (sign, unsigned) = match amount.strip_prefix('-') {
            Some(unsigned) => ("-", unsigned),
            None => ("", amount),
        };
        let parts: Vec<&str> = unsigned.split('.').collect();
        let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if parts.len() > 2 || !parts.iter().all(is_number) {
            return Err(InvalidPrice::NotDecimal);
        }
        if !sign.is_empty() {
            return Err(InvalidPrice::Negative);
        }
        let amount = Decimal::from_str_exact(unsigned).map_err(|_| InvalidPrice::NotDecimal)?;
        Self::new(amount, Currency::from(currency))
    }

    /// The exact amount, in whole units of the currency (euros, not cents), with the scale it was written in.
    #[must_use]
    pub fn amount(&self) -> Decimal {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub fn currency(&self) -> &Currency {
        &self.currency
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Sends the amount as text: a JSON number would pass through floats on its way.
impl Serialize for Price {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut price = to.serialize_struct("Price", 2)?;
        price.serialize_field("amount", &self.amount.to_string())?;
        price.serialize_field("currencyCode", &self.currency)?;
        price.end()
    }
}

/// Takes what Amazon says: a string or a number, of any scale and sign. Text and whole numbers keep the scale they
/// are written in. A number with a point or an exponent has none of its own (`1e3` and `1000.0` are one float), so
/// that it gets the currency's, if it is exact in it.
impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Written {
            amount: Value,
            currency_code: Currency,
        }
        let written = Written::deserialize(from)?;
        let (text, is_float) = match written.amount {
            Value::String(text) => (text, false),
            Value::Number(number) => (number.to_string(), number.is_f64()),
            _ => return Err(D::Error::custom("an amount that is neither text nor a number")),
        };
        let amount =
            lenient::decimal_of(&text).ok_or_else(|| D::Error::custom("an amount that is not a decimal"))?;
        let currency = written.currency_code;
        let has_scale = !is_float && !text.contains(['e', 'E']);
        Ok(Self {
            amount: if has_scale {
                amount
            } else {
                scaled(amount, currency.decimals())
            },
            currency,
        })
    }
}

/// The same amount with this many decimals, unless it needs more.
fn scaled(amount: Decimal, decimals: u32) -> Decimal {
    let mut scaled = amount;
    scaled.rescale(decimals);
    if scaled == amount { scaled } else { amount }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};
    use rust_decimal::Decimal;

    use super::{Currency, InvalidPrice, Price};

    fn refused(amount: &str, currency: &str) -> InvalidPrice {
        Price::parse(amount, currency).expect_err("not a price")
    }

    fn sent(price: &Price) -> String {
        serde_json::to_string(price).unwrap()
    }

    #[test]
    fn an_amount_is_sent_as_text_with_the_decimals_it_was_written_with() {
        for (amount, currency) in [
            ("23.45", "EUR"),
            ("14", "USD"),
            ("14.0", "GBP"),
            ("14.00", "CHF"),
            ("0.05", "AUD"),
            ("0", "SEK"),
            ("10000000", "JPY"),
            ("1.5", "XTS"),
        ] {
            let price = Price::parse(amount, currency).unwrap();
            let json = format!(r#"{{"amount":"{amount}","currencyCode":"{currency}"}}"#);
            assert_eq!(sent(&price), json);
            assert_eq!(serde_json::from_str::<Price>(&json).unwrap(), price);
        }
    }

    #[test]
    fn an_amount_that_amazon_would_refuse_is_refused_by_name() {
        let decimals = |currency: &str, allowed, found| InvalidPrice::Decimals {
            currency: currency.into(),
            allowed,
            found,
        };
        for (amount, currency, why) in [
            ("23.455", "EUR", decimals("EUR", 2, 3)),
            ("23.450", "EUR", decimals("EUR", 2, 3)),
            ("705.00", "JPY", decimals("JPY", 0, 2)),
            ("705.5", "JPY", decimals("JPY", 0, 1)),
            ("-1", "EUR", InvalidPrice::Negative),
            ("-0", "EUR", InvalidPrice::Negative),
            ("", "EUR", InvalidPrice::NotDecimal),
            (".5", "EUR", InvalidPrice::NotDecimal),
            ("5.", "EUR", InvalidPrice::NotDecimal),
            ("1,50", "EUR", InvalidPrice::NotDecimal),
            ("1_000", "EUR", InvalidPrice::NotDecimal),
            ("+1", "EUR", InvalidPrice::NotDecimal),
            ("1e3", "EUR", InvalidPrice::NotDecimal),
            (" 1", "EUR", InvalidPrice::NotDecimal),
            (
                "99999999999999999999999999999999",
                "EUR",
                InvalidPrice::NotDecimal,
            ),
            ("1", "eur", InvalidPrice::Currency),
            ("1", "EURO", InvalidPrice::Currency),
            ("1", "", InvalidPrice::Currency),
        ] {
            assert_eq!(refused(amount, currency), why, "{amount} {currency}");
        }
        assert_eq!(
            Price::new(Decimal::new(-1, 2), Currency::EUR),
            Err(InvalidPrice::Negative)
        );
        assert_eq!(
            Price::new(Decimal::new(70_500, 2), Currency::JPY)
                .unwrap_err()
                .to_string(),
            "an amount in JPY has at most 0 decimals, and this one has 2"
        );
    }

    #[test]
    fn an_answer_may_say_an_amount_in_any_way() {
        for (json, text) in [
            (r#"{"amount":"23.45","currencyCode":"USD"}"#, "23.45 USD"),
            (r#"{"amount":23.45,"currencyCode":"USD"}"#, "23.45 USD"),
            (r#"{"amount":60,"currencyCode":"USD","new":1}"#, "60 USD"),
            (r#"{"amount":"12.3456","currencyCode":"EUR"}"#, "12.3456 EUR"),
            (r#"{"amount":"705.00","currencyCode":"JPY"}"#, "705.00 JPY"),
            (r#"{"amount":-1,"currencyCode":"EUR"}"#, "-1 EUR"),
            (r#"{"amount":1e2,"currencyCode":"EUR"}"#, "100.00 EUR"),
            (r#"{"amount":"1e2","currencyCode":"EUR"}"#, "100.00 EUR"),
            (r#"{"amount":1e3,"currencyCode":"JPY"}"#, "1000 JPY"),
            (r#"{"amount":1000.0,"currencyCode":"JPY"}"#, "1000 JPY"),
            (r#"{"amount":1000,"currencyCode":"JPY"}"#, "1000 JPY"),
            (r#"{"amount":0.0,"currencyCode":"JPY"}"#, "0 JPY"),
            (r#"{"amount":23.5,"currencyCode":"EUR"}"#, "23.50 EUR"),
            (r#"{"amount":0.5,"currencyCode":"JPY"}"#, "0.5 JPY"),
            (r#"{"amount":12.345,"currencyCode":"EUR"}"#, "12.345 EUR"),
            (
                r#"{"amount":1e28,"currencyCode":"EUR"}"#,
                "10000000000000000000000000000 EUR",
            ),
        ] {
            assert_eq!(serde_json::from_str::<Price>(json).unwrap().to_string(), text);
        }
        for json in [
            r#"{"amount":"many","currencyCode":"USD"}"#,
            r#"{"amount":{},"currencyCode":"USD"}"#,
            r#"{"amount":"1_000","currencyCode":"JPY"}"#,
            r#"{"amount":"1_000.00","currencyCode":"USD"}"#,
            r#"{"amount":"1_0e2","currencyCode":"USD"}"#,
            r#"{"amount":"1"}"#,
            r#"{"currencyCode":"USD"}"#,
        ] {
            assert!(serde_json::from_str::<Price>(json).is_err(), "{json}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_sent_is_read_back_with_its_scale(units in any::<u32>(), scale in 0u32..=2) {
            let price = Price::new(Decimal::new(i64::from(units), scale), Currency::EUR).unwrap();
            let back: Price = serde_json::from_str(&sent(&price)).unwrap();
            prop_assert_eq!(back.amount().scale(), scale);
            prop_assert_eq!(back, price);
        }
    }
}
