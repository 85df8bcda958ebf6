//! What a confirmation says, and how it is held against its session.

use serde_json::{Map, Value};

use crate::api::read::{check_length, fields, flag, given, one_of, refuse_unknown, text};
use crate::api::refusal::{Refusal, quoted};
use crate::control::new_session::{INTENTS, Route};
use crate::objects::address;
use crate::objects::price::Price;
use crate::objects::session::Session;
use crate::operations::checkout::metadata_fields;
use crate::unknowns::{Mismatch, Unknowns};

/// What a confirmation says, read from its body.
pub(crate) struct Asked<'a> {
    intent: Option<&'a str>,
    charge: Option<Price>,
    total: Option<Price>,
    supplementary: Option<&'a str>,
    shipping: Option<&'a Map<String, Value>>,
    billing: Option<&'a Map<String, Value>>,
    pub(crate) can_wait: Option<bool>,
}

const FINALIZE_FIELDS: [&str; 7] = [
    "shippingAddress",
    "billingAddress",
    "chargeAmount",
    "totalOrderAmount",
    "supplementaryData",
    "paymentIntent",
    "canHandlePendingAuthorization",
];

pub(crate) fn read<'a>(
    route: Route,
    body: &'a Map<String, Value>,
    unknowns: &Unknowns,
) -> Result<Asked<'a>, Refusal> {
    match route {
        Route::Finalize => read_finalize(body, unknowns),
        Route::Complete => read_complete(body),
    }
}

fn read_finalize<'a>(body: &'a Map<String, Value>, unknowns: &Unknowns) -> Result<Asked<'a>, Refusal> {
    let mut known = FINALIZE_FIELDS.to_vec();
    if unknowns.finalize_takes_merchant_metadata {
        known.push("merchantMetadata");
        check_metadata(body.get("merchantMetadata"), unknowns)?;
    }
    refuse_unknown("", body, &known)?;
    let intent = text(body, "paymentIntent")?.ok_or_else(|| Refusal::missing_value("paymentIntent"))?;
    one_of("paymentIntent", &body["paymentIntent"], &INTENTS)?;
    let can_wait = flag(body, "canHandlePendingAuthorization")?;
    if intent == "AuthorizeWithCapture" && can_wait == Some(true) {
        let why = "canHandlePendingAuthorization 'true' cannot be combined with 'AuthorizeWithCapture'";
        return Err(Refusal::new(400, "InvalidParameterCombination", why));
    }
    Ok(Asked {
        intent: Some(intent),
        charge: Price::read("chargeAmount", body.get("chargeAmount"))?,
        total: Price::read("totalOrderAmount", body.get("totalOrderAmount"))?,
        supplementary: text(body, "supplementaryData")?,
        shipping: address::read("shippingAddress", body.get("shippingAddress"))?,
        billing: address::read("billingAddress", body.get("billingAddress"))?,
        can_wait,
    })
}

fn read_complete(body: &Map<String, Value>) -> Result<Asked<'_>, Refusal> {
    refuse_unknown("", body, &["chargeAmount", "totalOrderAmount"])?;
    Ok(Asked {
        intent: None,
        charge: Price::read("chargeAmount", body.get("chargeAmount"))?,
        total: Price::read("totalOrderAmount", body.get("totalOrderAmount"))?,
        supplementary: None,
        shipping: None,
        billing: None,
        can_wait: None,
    })
}

/// `merchantMetadata` of any request.
pub(crate) fn check_metadata<'a>(
    value: Option<&'a Value>,
    unknowns: &Unknowns,
) -> Result<Option<&'a Map<String, Value>>, Refusal> {
    let limits = metadata_fields(unknowns);
    let metadata = fields("merchantMetadata", value, &limits.map(|(name, _)| name))?;
    let Some(metadata) = metadata else { return Ok(None) };
    for (name, most) in limits {
        let field = format!("merchantMetadata.{name}");
        match given(metadata, name) {
            None => {}
            Some(Value::String(text)) => check_length(&field, text, most)?,
            Some(other) => return Err(Refusal::invalid_value(&field, other, "is not text")),
        }
    }
    Ok(Some(metadata))
}

/// Refuses what is not the session's.
pub(crate) fn compare(
    route: Route,
    asked: &Asked<'_>,
    session: &Session,
    unknowns: &Unknowns,
) -> Result<(), Refusal> {
    let seen = &session.open_body;
    let details = &seen["paymentDetails"];
    let held = |field: &str| Price::read(field, details.get(field));
    let prices = Prices {
        unknowns,
        field: "chargeAmount",
        mismatch: &unknowns.charge_amount_mismatch,
        missing: &Mismatch::new(400, "MissingParameterValue"),
        ignores_surplus: false,
    };
    let charge = held("chargeAmount")?.filter(|_| !session.is_wallet_setup());
    prices.compare(asked.charge.as_ref(), charge.as_ref())?;
    let prices = Prices {
        unknowns,
        field: "totalOrderAmount",
        mismatch: &unknowns.total_order_amount_mismatch,
        missing: &unknowns.missing_total_order_amount,
        ignores_surplus: unknowns.ignore_what_session_lacks,
    };
    prices.compare(asked.total.as_ref(), held("totalOrderAmount")?.as_ref())?;
    if route == Route::Complete {
        return Ok(());
    }
    let intent = asked.intent.unwrap_or_default();
    if unknowns.check_payment_intent && details["paymentIntent"] != intent {
        return Err(unknowns.payment_intent_mismatch.differs("paymentIntent", intent));
    }
    if unknowns.check_supplementary_data {
        compare_supplementary(asked.supplementary, seen["supplementaryData"].as_str(), unknowns)?;
    }
    let product = seen["productType"].as_str().unwrap_or_default();
    for (field, given, required) in [
        ("shippingAddress", asked.shipping, product == "PayAndShip"),
        ("billingAddress", asked.billing, product == "PayOnly"),
    ] {
        compare_address(field, given, seen[field].as_object(), required, unknowns)?;
    }
    Ok(())
}

fn compare_supplementary(
    given: Option<&str>,
    held: Option<&str>,
    unknowns: &Unknowns,
) -> Result<(), Refusal> {
    let field = "supplementaryData";
    match (given, held) {
        (None, Some(_)) => Err(unknowns.missing_supplementary_data.required(field)),
        (Some(_), None) if unknowns.ignore_what_session_lacks => Ok(()),
        (given, held) if given == held => Ok(()),
        (given, _) => {
            let mismatch = &unknowns.supplementary_data_mismatch;
            Err(mismatch.differs(field, given.unwrap_or_default()))
        }
    }
}

struct Prices<'a> {
    unknowns: &'a Unknowns,
    field: &'a str,
    mismatch: &'a Mismatch,
    missing: &'a Mismatch,
    ignores_surplus: bool,
}

impl Prices<'_> {
    fn compare(&self, given: Option<&Price>, held: Option<&Price>) -> Result<(), Refusal> {
        let field = self.field;
        match (given, held) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(self.missing.required(field)),
            (Some(_), None) if self.ignores_surplus => Ok(()),
            (Some(given), None) => Err(self.mismatch.differs(field, given)),
            (Some(given), Some(held)) if given.currency_code != held.currency_code => {
                Err(self.unknowns.currency_mismatch.differs(field, given))
            }
            (Some(given), Some(held)) => {
                let same = if self.unknowns.amounts_compare_as_text {
                    given.amount.to_string() == held.amount.to_string()
                } else {
                    given.amount == held.amount
                };
                if same {
                    Ok(())
                } else {
                    Err(self.mismatch.differs(field, given))
                }
            }
        }
    }
}

fn compare_address(
    field: &str,
    given: Option<&Map<String, Value>>,
    held: Option<&Map<String, Value>>,
    required: bool,
    unknowns: &Unknowns,
) -> Result<(), Refusal> {
    let Some(ours) = given else {
        return if required {
            Err(unknowns.missing_address.required(field))
        } else {
            Ok(())
        };
    };
    let nothing = Map::new();
    let held = match held {
        None if unknowns.ignore_what_session_lacks => return Ok(()),
        None => &nothing,
        Some(held) => held,
    };
    match address::difference(ours, held, unknowns.address_comparison) {
        None => Ok(()),
        Some(name) => {
            let value = quoted(ours.get(name).unwrap_or(&Value::Null));
            let field = format!("{field}.{name}");
            Err(unknowns
                .address_mismatch
                .refusal(format!("{field}: {value} differs from the session's")))
        }
    }
}

impl Mismatch {
    fn differs(&self, field: &str, value: impl std::fmt::Display) -> Refusal {
        let value = quoted(&Value::String(value.to_string()));
        self.refusal(format!("{field}: {value} differs from the session's"))
    }

    fn required(&self, field: &str) -> Refusal {
        self.refusal(format!("{field} is required"))
    }

    pub(crate) fn refusal(&self, message: String) -> Refusal {
        Refusal::new(self.status, self.reason_code.clone(), message)
    }
}
