//! The buyer of the sandbox, and what is known of a new session whose shop has said nothing yet.

use serde_json::{Value, json};

use crate::objects::address;
use crate::options::{Environment, Region};

/// The body of an Open session, every field of it there.
pub(crate) fn session(environment: Environment) -> Value {
    json!({
        "checkoutSessionId": null,
        "chargePermissionType": "OneTime",
        "recurringMetadata": null,
        "webCheckoutDetails": {
            "checkoutReviewReturnUrl": null,
            "checkoutResultReturnUrl": null,
            "checkoutCancelUrl": null,
            "amazonPayRedirectUrl": null,
        },
        "productType": "PayAndShip",
        "paymentDetails": {
            "paymentIntent": null,
            "canHandlePendingAuthorization": false,
            "chargeAmount": null,
            "totalOrderAmount": null,
            "presentmentCurrency": null,
            "softDescriptor": null,
            "allowOvercharge": null,
            "extendExpiration": null,
        },
        "merchantMetadata": {
            "merchantReferenceId": null,
            "merchantStoreName": null,
            "noteToBuyer": null,
            "customInformation": null,
        },
        "supplementaryData": null,
        "buyer": {
            "buyerId": "amzn1.account.SANDBOXBUYER000000000000",
            "name": "Robin Example",
            "email": "robin@shop.example",
            "phoneNumber": null,
            "primeMembershipTypes": null,
        },
        "billingAddress": null,
        "paymentPreferences": [{"paymentDescriptor": "Visa ****1111 (Amazon Pay)"}],
        "statusDetails": null,
        "shippingAddress": address(Region::Na),
        "platformId": null,
        "chargePermissionId": null,
        "chargeId": null,
        "constraints": [],
        "creationTimestamp": null,
        "expirationTimestamp": null,
        "storeId": null,
        "providerMetadata": {"providerReferenceId": null},
        "releaseEnvironment": environment.release(),
        "checkoutButtonText": null,
        "deliverySpecifications": null,
    })
}

/// Where the buyer lives, as seen from there.
pub(crate) fn address(region: Region) -> Value {
    let address = match region {
        Region::Na => json!({
            "name": "Robin Example", "addressLine1": "12 Sample Street", "city": "Springfield",
            "stateOrRegion": "IL", "postalCode": "62701", "countryCode": "US", "phoneNumber": "2175550100",
        }),
        Region::Eu => json!({
            "name": "Robin Example", "addressLine1": "Beispielweg 7", "city": "Berlin",
            "postalCode": "10115", "countryCode": "DE", "phoneNumber": "030555010",
        }),
        Region::Jp => json!({
            "name": "Robin Example", "addressLine1": "1-2-3 Mihon", "city": "Chiyoda",
            "stateOrRegion": "Tokyo", "postalCode": "100-0001", "countryCode": "JP", "phoneNumber": "0355550100",
        }),
    };
    address.as_object().map_or(Value::Null, address::shown)
}
