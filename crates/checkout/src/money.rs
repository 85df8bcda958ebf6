//! Money: a decimal with a currency, never a float, never added across currencies.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Why a text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnAmount {
    /// Not one of Amazon Pay's currencies.
    #[error("`{0}` is not a currency that Amazon Pay takes")]
    Currency(String),
    /// Not a plain decimal number.
    #[error("the amount must be digits with at most one point and no leading zeros, such as \"23.45\"")]
    NotDecimal,
    /// Zero or less, or more digits than any order has.
    #[error("the amount must be more than zero and have at most 12 digits")]
    OutOfRange,
    /// Amazon refuses it for good (reference, section 1.4).
    #[error("{currency} takes at most {allowed} decimals")]
    TooManyDecimals {
        /// The currency whose rule it is.
        currency: Currency,
        /// How many decimals it may have.
        allowed: u32,
    },
}

macro_rules! currencies {
    ($($code:ident $decimals:literal),+ $(,)?) => {
        /// The currencies that Amazon Pay takes (reference, section 1.4), by ISO 4217 code.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs, reason = "the codes are ISO 4217's and speak for themselves")]
        pub enum Currency { $($code),+ }

        impl Currency {
            /// The ISO 4217 code.
            pub fn code(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),+ }
            }

            /// How many decimals an amount may have.
            pub fn decimals(self) -> u32 {
                match self { $(Self::$code => $decimals),+ }
            }
        }

        impl FromStr for Currency {
            type Err = NotAnAmount;

            fn from_str(text: &str) -> Result<Self, NotAnAmount> {
                match text {
                    $(stringify!($code) => Ok(Self::$code),)+
                    other => Err(NotAnAmount::Currency(other.chars().take(8).collect())),
                }
            }
        }
    };
}

currencies! {
    USD 2, EUR 2, GBP 2, JPY 0, AUD 2, DKK 2, HKD 2, NZD 2, NOK 2, ZAR 2, SEK 2, CHF 2,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of money, more than zero. `14` and `14.00` are equal, and each is sent as it was written,
/// because how Amazon compares them is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Amount {
    value: Decimal,
    currency: Currency,
}

impl Amount {
    /// Reads a decimal string, as `{"amount": "23.45", "currencyCode": "EUR"}` has it. A leading zero before
    /// another digit is refused: the number would lose it, and be sent as nobody wrote it.
    pub fn parse(amount: &str, currency: &str) -> Result<Self, NotAnAmount> {
        let currency: Currency = currency.parse()?;
        let (whole, decimals) = match amount.split_once('.') {
            Some((whole, decimals)) if !decimals.is_empty() => (whole, decimals),
            Some(_) => return Err(NotAnAmount::NotDecimal),
            None => (amount, ""),
        };
        let padded = whole.len() > 1 && whole.starts_with('0');
        let digits = whole.bytes().chain(decimals.bytes()).all(|b| b.is_ascii_digit());
        if whole.is_empty() || padded || !digits {
            return Err(NotAnAmount::NotDecimal);
        }
        if whole.len() > 12 {
            return Err(NotAnAmount::OutOfRange);
        }
        if decimals.len() > currency.decimals() as usize {
            return Err(NotAnAmount::TooManyDecimals {
                currency,
                allowed: currency.decimals(),
            });
        }
        let value: Decimal = amount.parse().map_err(|_| NotAnAmount::NotDecimal)?;
        if value.is_zero() {
            return Err(NotAnAmount::OutOfRange);
        }
        Ok(Self { value, currency })
    }

    /// The amount as it was written, in units of the currency.
    pub fn value(&self) -> Decimal {
        self.value
    }

    /// In units of the currency, to compare and to estimate with; never to be told or sent.
    pub fn approximately(&self) -> f64 {
        self.value.to_f64().unwrap_or(f64::MAX)
    }

    /// The currency.
    pub fn currency(&self) -> Currency {
        self.currency
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.value, self.currency)
    }
}
