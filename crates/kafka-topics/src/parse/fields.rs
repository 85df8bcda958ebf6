//! The fields of the data, each by the contract's rule. The first flaw in this order is told:
//!
//! 1. `data` (not an object), `checkoutSessionId` (not readable, though the subject is)
//! 2. `operation`; for Finalize `productType`, `paymentIntent`
//! 3. `chargePermissionType`, `chargeAmount`, `totalOrderAmount`, `canHandlePendingAuthorization`
//! 4. for Finalize `supplementaryData`, `shippingAddress`, `billingAddress`
//! 5. `merchantReferenceId`, `sessionCreatedAt`, `account`
//!
//! The last three are not in the request to Amazon, so that a flaw in one of them leaves the order readable:
//! the session can be released once a person has seen to it. What the operation does not take is not read:
//! it can harm nothing, and personal data that nobody needs is not kept.

use checkout::{
    AccountName, Amount, ChargePermissionType, Flaw, NotAnAmount, Operation, Order, PaymentIntent,
    PrivateRef, ProductType, Statement, Timestamp, Work,
};
use reconciler::{Address, Personal};
use serde_json::Value;

use super::{Accounts, Object};

/// Amazon takes no longer one.
const LONGEST_REFERENCE: usize = 256;
/// How much of a value that should have been one of a few words is repeated to people.
const LONGEST_QUOTE: usize = 40;

pub(super) struct Read {
    pub(super) statement: Statement,
    pub(super) personal: Personal,
    pub(super) session_created_at: Option<Timestamp>,
}

pub(super) fn read(data: Option<&Object>, id_is_subject: bool, accounts: &Accounts) -> Read {
    let nothing = Object::new();
    let mut reader = Reader {
        data: data.unwrap_or(&nothing),
        flaw: None,
    };
    if data.is_none() {
        reader.flawed("data", "must be a JSON object");
    }
    if id_is_subject {
        reader.flawed(
            "checkoutSessionId",
            "not a session id, though the CloudEvents subject is one",
        );
    }
    let (order, personal) = reader.order();
    let flawed_order = reader.flaw.is_some();
    let merchant_reference_id = reader.merchant_reference_id();
    let session_created_at = reader.session_created_at();
    let account = reader.account(accounts);
    Read {
        statement: Statement {
            account,
            merchant_reference_id,
            order: order.filter(|_| !flawed_order),
            flaw: reader.flaw,
            private: PrivateRef(0),
        },
        personal,
        session_created_at,
    }
}

struct Reader<'a> {
    data: &'a Object,
    /// The first.
    flaw: Option<Flaw>,
}

impl<'a> Reader<'a> {
    fn flawed(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.flaw.get_or_insert_with(|| Flaw {
            field: field.into(),
            problem: problem.into(),
        });
    }

    fn keep<T>(&mut self, read: Result<T, Flaw>) -> Option<T> {
        read.map_err(|flaw| self.flaw.get_or_insert(flaw)).ok()
    }

    fn order(&mut self) -> (Option<Order>, Personal) {
        let operation = self.needed(
            "operation",
            &[
                ("Finalize", Operation::Finalize),
                ("Complete", Operation::Complete),
            ],
        );
        match operation {
            Some(Operation::Finalize) => self.finalize(),
            Some(Operation::Complete) => (self.complete(), Personal::default()),
            // What it needs depends on it; what it says of money or addresses would be guessed at.
            None => (None, Personal::default()),
        }
    }

    fn finalize(&mut self) -> (Option<Order>, Personal) {
        let product = self.needed(
            "productType",
            &[
                ("PayAndShip", ProductType::PayAndShip),
                ("PayOnly", ProductType::PayOnly),
            ],
        );
        let intent = self.needed(
            "paymentIntent",
            &[
                ("AuthorizeWithCapture", PaymentIntent::AuthorizeWithCapture),
                ("Authorize", PaymentIntent::Authorize),
                ("Confirm", PaymentIntent::Confirm),
            ],
        );
        let permission_type = self.permission_type();
        let amount = self.charge_amount();
        let total_order_amount = self.amount("totalOrderAmount");
        let can_handle_pending = self.can_handle_pending();
        if can_handle_pending == Some(true) && intent == Some(PaymentIntent::AuthorizeWithCapture) {
            self.flawed(
                "canHandlePendingAuthorization",
                "must be false with the payment intent AuthorizeWithCapture",
            );
        }
        let personal = Personal {
            supplementary_data: self.text("supplementaryData").map(str::to_owned),
            shipping_address: self.address("shippingAddress"),
            billing_address: self.address("billingAddress"),
        };
        let order = || {
            let product = product?;
            Some(Order {
                work: Work::Finalize {
                    product,
                    intent: intent?,
                    amount: amount?,
                },
                permission_type: permission_type?,
                total_order_amount,
                can_handle_pending: can_handle_pending?,
                has_address: match product {
                    ProductType::PayAndShip => personal.shipping_address.is_some(),
                    ProductType::PayOnly => personal.billing_address.is_some(),
                },
            })
        };
        (order(), personal)
    }

    fn complete(&mut self) -> Option<Order> {
        let permission_type = self.permission_type();
        let sets_up_wallet = permission_type == Some(ChargePermissionType::PaymentMethodOnFile)
            && self.field("chargeAmount").is_none();
        let work = if sets_up_wallet {
            Some(Work::SetUpWallet)
        } else {
            self.charge_amount().map(|amount| Work::Complete { amount })
        };
        let total_order_amount = self.amount("totalOrderAmount");
        let can_handle_pending = self.can_handle_pending();
        Some(Order {
            work: work?,
            permission_type: permission_type?,
            total_order_amount,
            can_handle_pending: can_handle_pending?,
            has_address: true,
        })
    }

    fn permission_type(&mut self) -> Option<ChargePermissionType> {
        let words = [
            ("OneTime", ChargePermissionType::OneTime),
            ("Recurring", ChargePermissionType::Recurring),
            ("PaymentMethodOnFile", ChargePermissionType::PaymentMethodOnFile),
        ];
        match self.word("chargePermissionType", &words) {
            Ok(said) => Some(said.unwrap_or(ChargePermissionType::OneTime)),
            Err(flaw) => self.keep(Err(flaw)),
        }
    }

    fn charge_amount(&mut self) -> Option<Amount> {
        if self.field("chargeAmount").is_none() {
            self.flawed("chargeAmount", "missing");
        }
        self.amount("chargeAmount")
    }

    fn amount(&mut self, name: &str) -> Option<Amount> {
        let value = self.field(name)?;
        let amount = amount(name, value);
        self.keep(amount)
    }

    fn can_handle_pending(&mut self) -> Option<bool> {
        const NAME: &str = "canHandlePendingAuthorization";
        match self.field(NAME) {
            None => Some(false),
            Some(Value::Bool(said)) => Some(*said),
            // The API's own samples send it as text.
            Some(Value::String(said)) if said == "true" => Some(true),
            Some(Value::String(said)) if said == "false" => Some(false),
            Some(_) => {
                self.flawed(NAME, "must be true or false");
                None
            }
        }
    }

    fn address(&mut self, name: &str) -> Option<Address> {
        let value = self.field(name)?;
        let Some(object) = value.as_object() else {
            self.flawed(name, "must be a JSON object");
            return None;
        };
        let mut line = |key: &str| {
            let line = text(&format!("{name}.{key}"), object.get(key));
            self.keep(line)
                .flatten()
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
        };
        let address = Address {
            name: line("name"),
            address_line1: line("addressLine1"),
            address_line2: line("addressLine2"),
            address_line3: line("addressLine3"),
            city: line("city"),
            county: line("county"),
            district: line("district"),
            state_or_region: line("stateOrRegion"),
            postal_code: line("postalCode"),
            country_code: line("countryCode"),
            phone_number: line("phoneNumber"),
        };
        (address != Address::default()).then_some(address)
    }

    fn merchant_reference_id(&mut self) -> Option<String> {
        const NAME: &str = "merchantReferenceId";
        let text = self.text(NAME).filter(|text| !text.is_empty())?;
        if text.chars().count() > LONGEST_REFERENCE {
            self.flawed(NAME, format!("longer than {LONGEST_REFERENCE} characters"));
            return None;
        }
        Some(text.to_owned())
    }

    fn session_created_at(&mut self) -> Option<Timestamp> {
        const NAME: &str = "sessionCreatedAt";
        let text = self.text(NAME)?;
        let time = Timestamp::parse(text).map_err(|error| flaw(NAME, error.to_string()));
        self.keep(time)
    }

    /// The name is kept where it could be an account's, configured or not: once it is, a release is enough.
    fn account(&mut self, accounts: &Accounts) -> Option<AccountName> {
        const NAME: &str = "account";
        if self.field(NAME).is_none() {
            if accounts.only().is_none() {
                self.flawed(NAME, "missing, and not exactly one is configured");
            }
            return accounts.only().cloned();
        }
        let said = self.text(NAME)?;
        let name = AccountName::parse(said).ok();
        if !name.as_ref().is_some_and(|name| accounts.contains(name)) {
            self.flawed(NAME, format!("no account `{}` is configured", quoted(said)));
        }
        name
    }

    /// Null is the same as absent.
    fn field(&self, name: &str) -> Option<&'a Value> {
        self.data.get(name).filter(|value| !value.is_null())
    }

    fn text(&mut self, name: &str) -> Option<&'a str> {
        let text = text(name, self.data.get(name));
        self.keep(text).flatten()
    }

    fn needed<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let word = self
            .word(name, words)
            .and_then(|word| word.ok_or_else(|| flaw(name, "missing")));
        self.keep(word)
    }

    fn word<T: Copy>(&self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Flaw> {
        let Some(said) = text(name, self.data.get(name))? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == said) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                let problem = format!("`{}` is none of {}", quoted(said), known.join(", "));
                Err(flaw(name, problem))
            }
        }
    }
}

fn flaw(field: &str, problem: impl Into<String>) -> Flaw {
    Flaw {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

/// A string that can be kept: PostgreSQL stores no NUL.
fn text<'a>(name: &str, value: Option<&'a Value>) -> Result<Option<&'a str>, Flaw> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.contains('\0') => Err(flaw(name, "holds the character NUL")),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(flaw(name, "must be a string")),
    }
}

fn amount(name: &str, value: &Value) -> Result<Amount, Flaw> {
    let object = value.as_object().ok_or_else(|| {
        flaw(
            name,
            r#"must be an object such as {"amount": "23.45", "currencyCode": "EUR"}"#,
        )
    })?;
    let (number_name, currency_name) = (format!("{name}.amount"), format!("{name}.currencyCode"));
    let number = object.get("amount");
    if number.is_some_and(Value::is_number) {
        // It may have been rounded on its way here.
        return Err(flaw(&number_name, "must be a string, not a number"));
    }
    let number = text(&number_name, number)?.ok_or_else(|| flaw(&number_name, "missing"))?;
    let currency =
        text(&currency_name, object.get("currencyCode"))?.ok_or_else(|| flaw(&currency_name, "missing"))?;
    Amount::parse(number, currency).map_err(|error| match error {
        NotAnAmount::Currency(_) => flaw(
            &currency_name,
            format!("`{}` is not a currency that Amazon Pay takes", quoted(currency)),
        ),
        NotAnAmount::NotDecimal | NotAnAmount::OutOfRange | NotAnAmount::TooManyDecimals { .. } => {
            flaw(&number_name, error.to_string())
        }
    })
}

/// Short, and on one line.
fn quoted(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut quote: String = text.chars().take(LONGEST_QUOTE).map(shown).collect();
    if text.chars().nth(LONGEST_QUOTE).is_some() {
        quote.push('…');
    }
    quote
}
