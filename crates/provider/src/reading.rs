//! Amazon's objects in the model's words. Pure.

use amazon_pay::{
    self as api, Charge, ChargePermission, ChargeState, CheckoutSession, CheckoutSessionState, ProductType,
};
use checkout::{ChargeFound, ChargePermissionType, Found, Ids};
use reconciler::{Address, BuyerDetails, Personal};

/// A reason goes into events and topics: Amazon's are short words.
const LONGEST_REASON: usize = 128;

/// The object does not say what it should; in words for people.
pub(crate) type Unclear = String;

/// What a 2xx to Finalize or Complete made of the session. Its `state` is no condition: it may still say
/// `Open` while the payment is pending.
pub(crate) fn confirmed(id: &str, session: &CheckoutSession) -> Result<Ids, Unclear> {
    same_object(id, session.checkout_session_id.as_str())?;
    ids(session).ok_or_else(|| "the answer is a success without a chargePermissionId".to_owned())
}

/// What a look-up says of the session.
pub(crate) fn found(id: &str, session: CheckoutSession) -> Result<(Found, Option<Personal>), Unclear> {
    same_object(id, session.checkout_session_id.as_str())?;
    match &session.status_details.state {
        CheckoutSessionState::Open => {
            let ids = ids(&session);
            let product = session.product_type;
            let personal = Personal {
                shipping_address: session.shipping_address.and_then(address),
                billing_address: session.billing_address.and_then(address),
                supplementary_data: filled(session.supplementary_data),
            };
            let found = Found::Open {
                ids,
                has_address: has_address(product.as_ref(), &personal),
            };
            Ok((found, (personal != Personal::default()).then_some(personal)))
        }
        CheckoutSessionState::Completed => ids(&session)
            .map(|ids| (Found::Completed(ids), None))
            .ok_or_else(|| "the session is Completed without a chargePermissionId".to_owned()),
        CheckoutSessionState::Canceled => {
            let code = session.status_details.reason_code.as_ref();
            let reason = code.and_then(|code| reason(code.as_str()));
            Ok((Found::Canceled { reason }, None))
        }
        state => Err(format!(
            "the session's state is {:?}, which is unknown",
            state.as_str()
        )),
    }
}

/// What Get Charge says.
pub(crate) fn charge_found(id: &str, charge: Charge) -> Result<ChargeFound, Unclear> {
    same_object(id, charge.charge_id.as_str())?;
    let code = charge.status_details.reason_code.as_ref();
    let reason = code.and_then(|code| reason(code.as_str()));
    match charge.status_details.state {
        ChargeState::AuthorizationInitiated | ChargeState::CaptureInitiated => Ok(ChargeFound::Pending),
        ChargeState::Authorized => Ok(ChargeFound::Authorized),
        ChargeState::Captured => Ok(ChargeFound::Captured),
        ChargeState::Declined => Ok(ChargeFound::Declined { reason }),
        ChargeState::Canceled => Ok(ChargeFound::Canceled { reason }),
        state => Err(format!(
            "the charge's state is {:?}, which is unknown",
            state.as_str()
        )),
    }
}

/// What Get Charge Permission tells of the buyer.
pub(crate) fn buyer_details(id: &str, permission: ChargePermission) -> Result<BuyerDetails, Unclear> {
    same_object(id, permission.charge_permission_id.as_str())?;
    let buyer = permission.buyer.unwrap_or_default();
    let preferences = permission.payment_preferences.into_iter();
    Ok(BuyerDetails {
        buyer_id: filled(buyer.buyer_id),
        name: filled(buyer.name),
        email: filled(buyer.email),
        phone_number: filled(buyer.phone_number),
        shipping_address: permission.shipping_address.and_then(address),
        billing_address: permission.billing_address.and_then(address),
        payment_descriptors: preferences
            .filter_map(|preference| filled(preference.payment_descriptor))
            .collect(),
    })
}

/// Someone else's money must never be read as this session's.
fn same_object(asked: &str, answered: &str) -> Result<(), Unclear> {
    if asked.eq_ignore_ascii_case(answered) {
        Ok(())
    } else {
        Err("the answer is about another object".to_owned())
    }
}

fn ids(session: &CheckoutSession) -> Option<Ids> {
    Some(Ids {
        charge_permission_id: session.charge_permission_id.as_ref()?.to_string(),
        charge_permission_type: session.charge_permission_type.as_ref().and_then(permission_type),
        charge_id: session.charge_id.as_ref().map(ToString::to_string),
    })
}

fn permission_type(word: &api::ChargePermissionType) -> Option<ChargePermissionType> {
    match word {
        api::ChargePermissionType::OneTime => Some(ChargePermissionType::OneTime),
        api::ChargePermissionType::Recurring => Some(ChargePermissionType::Recurring),
        api::ChargePermissionType::PaymentMethodOnFile => Some(ChargePermissionType::PaymentMethodOnFile),
        _ => None,
    }
}

/// Which address the order needs is not known here, so the session's own product type says.
fn has_address(product: Option<&ProductType>, personal: &Personal) -> bool {
    let (shipping, billing) = (
        personal.shipping_address.is_some(),
        personal.billing_address.is_some(),
    );
    match product {
        Some(ProductType::PayAndShip) => shipping,
        Some(ProductType::PayOnly) => billing,
        Some(_) | None => shipping || billing,
    }
}

fn address(address: api::Address) -> Option<Address> {
    let mapped = Address {
        name: filled(address.name),
        address_line1: filled(address.address_line1),
        address_line2: filled(address.address_line2),
        address_line3: filled(address.address_line3),
        city: filled(address.city),
        county: filled(address.county),
        district: filled(address.district),
        state_or_region: filled(address.state_or_region),
        postal_code: filled(address.postal_code),
        country_code: filled(address.country_code),
        phone_number: filled(address.phone_number),
    };
    (mapped != Address::default()).then_some(mapped)
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn reason(text: &str) -> Option<String> {
    let short: String = text
        .chars()
        .filter(|c| !c.is_control())
        .take(LONGEST_REASON)
        .collect();
    filled(Some(short))
}
