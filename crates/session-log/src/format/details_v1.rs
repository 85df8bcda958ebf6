//! Buyers' details at rest, format 1.

use reconciler::BuyerDetails;
use serde::{Deserialize, Serialize};

use super::personal_v1::AddressV1;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct DetailsV1 {
    #[serde(skip_serializing_if = "Option::is_none")]
    buyer_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressV1>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    payment_descriptors: Vec<String>,
}

pub(super) fn store(details: &BuyerDetails) -> String {
    let stored = DetailsV1 {
        buyer_id: details.buyer_id.clone(),
        name: details.name.clone(),
        email: details.email.clone(),
        phone_number: details.phone_number.clone(),
        shipping_address: details.shipping_address.as_ref().map(AddressV1::from),
        billing_address: details.billing_address.as_ref().map(AddressV1::from),
        payment_descriptors: details.payment_descriptors.clone(),
    };
    serde_json::to_string(&stored).expect("texts always have a JSON form")
}

pub(super) fn read(content: &str) -> Result<BuyerDetails, serde_json::Error> {
    let stored: DetailsV1 = serde_json::from_str(content)?;
    Ok(BuyerDetails {
        buyer_id: stored.buyer_id,
        name: stored.name,
        email: stored.email,
        phone_number: stored.phone_number,
        shipping_address: stored.shipping_address.map(Into::into),
        billing_address: stored.billing_address.map(Into::into),
        payment_descriptors: stored.payment_descriptors,
    })
}
