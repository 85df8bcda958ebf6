//! What is kept of a session's buyer, for whoever has the right to ask: nothing else shows any of it.

use checkout::SessionId;
use reconciler::ports::{LogError, SessionLog};
use reconciler::{Address, BuyerDetails};
use serde_json::{Value, json};
use session_log::Log;

/// Everything that is kept of a session's buyer; none if it was never heard of.
pub(crate) async fn personal(log: &Log, id: &SessionId) -> Result<Option<Value>, LogError> {
    if log.load(id).await?.is_empty() {
        return Ok(None);
    }
    let record = log.personal(id).await?;
    let shown = |personal: &reconciler::Personal| {
        json!({
            "shippingAddress": personal.shipping_address.as_ref().map(address),
            "billingAddress": personal.billing_address.as_ref().map(address),
            "supplementaryData": personal.supplementary_data,
        })
    };
    let statements: Vec<Value> = record
        .statements
        .iter()
        .map(|(_, personal)| shown(personal))
        .collect();
    let details = log.details(id).await?;
    Ok(Some(json!({
        "erased": record.erased,
        "statements": statements,
        "found": record.found.as_ref().map(shown),
        "permissionDetails": details.as_ref().map(buyer),
    })))
}

fn buyer(details: &BuyerDetails) -> Value {
    json!({
        "buyer": {
            "buyerId": details.buyer_id,
            "name": details.name,
            "email": details.email,
            "phoneNumber": details.phone_number,
        },
        "shippingAddress": details.shipping_address.as_ref().map(address),
        "billingAddress": details.billing_address.as_ref().map(address),
        "paymentDescriptors": details.payment_descriptors,
    })
}

fn address(address: &Address) -> Value {
    json!({
        "name": address.name,
        "addressLine1": address.address_line1,
        "addressLine2": address.address_line2,
        "addressLine3": address.address_line3,
        "city": address.city,
        "county": address.county,
        "district": address.district,
        "stateOrRegion": address.state_or_region,
        "postalCode": address.postal_code,
        "countryCode": address.country_code,
        "phoneNumber": address.phone_number,
    })
}
