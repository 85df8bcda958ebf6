//! Sessions made through the control API: a template per region, of which any field can be overridden.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::objects::price::Price;
use crate::objects::session::{End, Session};
use crate::objects::{address, sample};
use crate::options::{Environment, Region};
use crate::time::span::Span;
use crate::time::stamp;
use crate::unknowns::Unknowns;

/// Amazon's own test cards take 30 seconds to decide a pending payment.
const PENDING_FOR: Duration = Duration::from_secs(30);
pub(crate) const SUCCESS_CARD: &str = "1111";

/// A checkout session to be made, whose buyer has finished unless it is said otherwise.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NewSession {
    /// One of the merchants; the first if left out.
    pub account: Option<String>,
    /// Drawn if left out.
    pub checkout_session_id: Option<String>,
    /// The sandbox's now if left out. The 24 hours count from here.
    #[serde(default, deserialize_with = "moment")]
    pub creation_timestamp: Option<Timestamp>,
    /// The last digits of the buyer's card: 3434 and 3064 cancel the session when it is confirmed, 0701 and 4354
    /// leave the payment pending (with `Authorize` and `canHandlePendingAuthorization`), any other pays.
    pub card: Option<String>,
    /// How long a pending payment stays undecided; 30 seconds if left out.
    pub pending_for: Option<Span>,
    /// How its confirmation is refused.
    pub refuse: Option<Refuse>,
    /// The operation that its checkout flow ends with. Either confirms it, unless
    /// [`either_operation_confirms`](crate::Unknowns::either_operation_confirms) is off.
    pub operation: Option<Route>,
    /// False: its buyer is still on Amazon's page.
    pub buyer_finished: Option<bool>,
    /// Fields of Amazon's session object, to differ from the template. Objects are merged, addresses replaced.
    #[serde(flatten)]
    pub overrides: Map<String, Value>,
}

/// The confirmation call is refused with this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refuse {
    pub status: u16,
    pub reason_code: String,
    #[serde(default)]
    pub session_after: SessionAfter,
    /// The reason that a session Canceled by it shows.
    #[serde(default = "declined")]
    pub session_reason_code: Option<String>,
    /// How many calls; None: every one, until the buyer finishes anew.
    #[serde(default)]
    pub times: Option<u32>,
}

fn declined() -> Option<String> {
    Some("Declined".to_owned())
}

/// What a refused confirmation leaves of the session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionAfter {
    #[default]
    Open,
    Canceled,
}

/// The two calls that confirm a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Route {
    Finalize,
    Complete,
}

/// What a buyer does on Amazon's page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Buyer {
    pub action: BuyerAction,
    /// With `finish`: the last digits of the card chosen now.
    #[serde(default)]
    pub card: Option<String>,
}

impl From<BuyerAction> for Buyer {
    fn from(action: BuyerAction) -> Self {
        Self { action, card: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BuyerAction {
    /// The session can be confirmed. Done anew, it replaces a refused instrument by one that pays.
    Finish,
    /// Canceled, BuyerCanceled.
    Cancel,
    /// Canceled, Declined.
    Decline,
    /// Walks away: the session stays Open, the buyer not done.
    Leave,
}

/// What a buyer does about a charge permission on Amazon's own pages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PermissionBuyer {
    pub action: PermissionBuyerAction,
    /// With `update`: the last digits of the card that is charged from now on; one that pays, if left out.
    #[serde(default)]
    pub card: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PermissionBuyerAction {
    /// Chooses another instrument, after which a refused permission is Chargeable again.
    Update,
    /// Closed, BuyerClosed.
    Close,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let wrong = || serde::de::Error::custom("creationTimestamp: RFC 3339, or YYYYMMDDTHHMMSSZ");
    text.map(|text| stamp::parse(&text).ok_or_else(wrong)).transpose()
}

/// What a session is made for.
pub(crate) struct Shop<'a> {
    pub(crate) merchant: usize,
    pub(crate) account: &'a str,
    pub(crate) region: Region,
    pub(crate) environment: Environment,
}

impl NewSession {
    /// The session, or what is wrong with the request for it.
    pub(crate) fn make(self, id: String, shop: &Shop<'_>, now: Timestamp) -> Result<Session, String> {
        let created = stamp::whole_seconds(self.creation_timestamp.unwrap_or(now));
        let mut overrides = self.overrides;
        let status = overrides.remove("statusDetails");
        let open_body = body(shop, overrides)?;
        let end = status
            .map(|status| ended(&status, created))
            .transpose()?
            .flatten();
        Ok(Session {
            id,
            merchant: shop.merchant,
            created,
            open_body,
            buyer_finished: self.buyer_finished.unwrap_or(true),
            through_api: false,
            updated: created,
            card: self.card.unwrap_or_else(|| SUCCESS_CARD.to_owned()),
            pending_for: self.pending_for.map_or(PENDING_FOR, |span| span.0),
            refuse: self.refuse,
            route: self.operation,
            end,
            permission: None,
            calls: Vec::new(),
        })
    }
}

impl Session {
    /// A session that a merchant made through the API: its buyer has yet to come.
    pub(crate) fn for_buyer(id: String, merchant: usize, open_body: Value, now: Timestamp) -> Self {
        let created = stamp::whole_seconds(now);
        Self {
            id,
            merchant,
            created,
            open_body,
            buyer_finished: false,
            through_api: true,
            updated: created,
            card: SUCCESS_CARD.to_owned(),
            pending_for: PENDING_FOR,
            refuse: None,
            route: None,
            end: None,
            permission: None,
            calls: Vec::new(),
        }
    }

    /// The buyer's act on an Open session.
    pub(crate) fn buyer(&mut self, buyer: Buyer, now: Timestamp, unknowns: &Unknowns) {
        let at = stamp::whole_seconds(now);
        self.updated = at;
        let canceled = |reason: &str| {
            Some(End::Canceled {
                at,
                reason: Some(reason.to_owned()),
            })
        };
        match buyer.action {
            BuyerAction::Finish => {
                // The buyer's second choice is not refused as the first was.
                if self.refuse.take().is_some() || buyer.card.is_some() {
                    self.card = buyer.card.unwrap_or_else(|| SUCCESS_CARD.to_owned());
                }
                self.buyer_finished = true;
                if let Some(reason) =
                    canceling_card(&self.card).filter(|_| unknowns.bad_cards_cancel_on_return)
                {
                    self.end = canceled(reason);
                }
            }
            BuyerAction::Cancel => self.end = canceled("BuyerCanceled"),
            BuyerAction::Decline => self.end = canceled("Declined"),
            BuyerAction::Leave => self.buyer_finished = false,
        }
    }
}

/// Cards whose buyer comes back without having paid, with the reason that their session then shows.
pub(crate) fn canceling_card(card: &str) -> Option<&'static str> {
    match card {
        card if card.ends_with("3434") => Some("Declined"),
        card if card.ends_with("3064") => Some("BuyerCanceled"),
        _ => None,
    }
}

fn ended(status: &Value, created: Timestamp) -> Result<Option<End>, String> {
    match status["state"].as_str() {
        None | Some("Open") => Ok(None),
        Some("Canceled") => {
            let reason = status["reasonCode"].as_str().map(str::to_owned);
            Ok(Some(End::Canceled { at: created, reason }))
        }
        Some(_) => {
            Err("statusDetails.state: Open or Canceled; a session is Completed by confirming it".to_owned())
        }
    }
}

/// Fields that may be given though the template does not have them.
const FURTHER_FIELDS: [&str; 3] = [
    "paymentMethodOnFileMetadata",
    "shippingAddressList",
    "multiAddressesCheckoutMetadata",
];
const PRODUCT_TYPES: [&str; 4] = ["PayAndShip", "PayOnly", "SignIn", "PayAndShipMultiAddress"];
pub(crate) const INTENTS: [&str; 3] = ["AuthorizeWithCapture", "Authorize", "Confirm"];
pub(crate) const PERMISSION_TYPES: [&str; 3] = ["OneTime", "Recurring", "PaymentMethodOnFile"];

fn body(shop: &Shop<'_>, overrides: Map<String, Value>) -> Result<Value, String> {
    let mut body = template(shop);
    if overrides.get("productType").is_some_and(|kind| kind == "PayOnly") {
        body["billingAddress"] = sample::address(shop.region);
        body["shippingAddress"] = Value::Null;
    }
    let wallet = overrides
        .get("chargePermissionType")
        .is_some_and(|kind| kind == "PaymentMethodOnFile");
    if wallet
        && overrides
            .get("paymentDetails")
            .is_none_or(|details| details["chargeAmount"].is_null())
    {
        body["paymentDetails"]["chargeAmount"] = Value::Null;
        body["paymentDetails"]["paymentIntent"] = json!("Confirm");
    }
    for (field, value) in overrides {
        let known = body.get(&field).is_some() || FURTHER_FIELDS.contains(&field.as_str());
        if !known {
            return Err(format!("{field}: not a field of a checkout session"));
        }
        override_field(&mut body, field, value);
    }
    check(&mut body)?;
    Ok(body)
}

fn override_field(body: &mut Value, field: String, value: Value) {
    let is_address = field.ends_with("Address");
    match (&mut body[field], value) {
        (slot, Value::Object(address)) if is_address => *slot = address::shown(&address),
        (Value::Object(ours), Value::Object(theirs)) => ours.extend(theirs),
        (slot, value) => *slot = value,
    }
}

/// Amazon would hold no such session: better said here than met as a puzzling refusal later.
fn check(body: &mut Value) -> Result<(), String> {
    one_of(body, "/productType", &PRODUCT_TYPES)?;
    one_of(body, "/chargePermissionType", &PERMISSION_TYPES)?;
    if !body["paymentDetails"]["paymentIntent"].is_null() {
        one_of(body, "/paymentDetails/paymentIntent", &INTENTS)?;
    }
    for field in ["chargeAmount", "totalOrderAmount"] {
        let name = format!("paymentDetails.{field}");
        let price =
            Price::read(&name, body["paymentDetails"].get(field)).map_err(|refusal| refusal.message)?;
        body["paymentDetails"][field] = price.as_ref().map_or(Value::Null, Price::shown);
        if let Some(price) = price.filter(|_| field == "chargeAmount") {
            body["paymentDetails"]["presentmentCurrency"] = json!(price.currency_code);
        }
    }
    for field in ["shippingAddress", "billingAddress"] {
        address::read(field, body.get(field)).map_err(|refusal| refusal.message)?;
    }
    Ok(())
}

fn one_of(body: &Value, pointer: &str, allowed: &[&str]) -> Result<(), String> {
    let given = body.pointer(pointer).and_then(Value::as_str);
    if given.is_some_and(|given| allowed.contains(&given)) {
        return Ok(());
    }
    Err(format!(
        "{}: one of {}",
        pointer.trim_start_matches('/').replace('/', "."),
        allowed.join(", ")
    ))
}

fn template(shop: &Shop<'_>) -> Value {
    let currency = shop.region.currency();
    let amount = if currency == "JPY" { "2345" } else { "23.45" };
    let mut body = sample::session(shop.environment);
    body["webCheckoutDetails"]["checkoutResultReturnUrl"] = json!("https://shop.example/pay/result");
    body["webCheckoutDetails"]["checkoutCancelUrl"] = json!("https://shop.example/cart");
    let details = &mut body["paymentDetails"];
    details["paymentIntent"] = json!("AuthorizeWithCapture");
    details["chargeAmount"] = json!({"amount": amount, "currencyCode": currency});
    details["presentmentCurrency"] = json!(currency);
    body["merchantMetadata"]["merchantStoreName"] = json!(shop.account);
    body["shippingAddress"] = sample::address(shop.region);
    // Only EU sessions that ship tell the billing address too.
    body["billingAddress"] = match shop.region {
        Region::Eu => sample::address(shop.region),
        Region::Na | Region::Jp => Value::Null,
    };
    body["storeId"] = json!("amzn1.application-oa2-client.sandboxstore");
    body
}
