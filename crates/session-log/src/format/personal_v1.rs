//! Personal data at rest, format 1.

use reconciler::{Address, Personal};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersonalV1 {
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address: Option<AddressV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_address: Option<AddressV1>,
    #[serde(skip_serializing_if = "Option::is_none")]
    supplementary_data: Option<String>,
}

macro_rules! address {
    ($($field:ident),+) => {
        #[derive(Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        pub(super) struct AddressV1 {
            $(#[serde(skip_serializing_if = "Option::is_none")] $field: Option<String>),+
        }

        impl From<&Address> for AddressV1 {
            fn from(address: &Address) -> Self {
                Self { $($field: address.$field.clone()),+ }
            }
        }

        impl From<AddressV1> for Address {
            fn from(stored: AddressV1) -> Self {
                Self { $($field: stored.$field),+ }
            }
        }
    };
}

address!(
    name,
    address_line1,
    address_line2,
    address_line3,
    city,
    county,
    district,
    state_or_region,
    postal_code,
    country_code,
    phone_number
);

pub(super) fn store(personal: &Personal) -> String {
    let stored = PersonalV1 {
        shipping_address: personal.shipping_address.as_ref().map(AddressV1::from),
        billing_address: personal.billing_address.as_ref().map(AddressV1::from),
        supplementary_data: personal.supplementary_data.clone(),
    };
    serde_json::to_string(&stored).expect("texts always have a JSON form")
}

pub(super) fn read(content: &str) -> Result<Personal, serde_json::Error> {
    let stored: PersonalV1 = serde_json::from_str(content)?;
    Ok(Personal {
        shipping_address: stored.shipping_address.map(Address::from),
        billing_address: stored.billing_address.map(Address::from),
        supplementary_data: stored.supplementary_data,
    })
}
