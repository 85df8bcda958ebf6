//! An order as Amazon's request: only what the order says, never what Amazon said.

use amazon_pay::{self as api, CompleteCheckoutSession, FinalizeCheckoutSession};
use checkout::{Amount, Order, PaymentIntent, ProductType, Work};
use reconciler::{Address, Personal};

/// The bytes that confirm `order`; the same for the same input.
pub(crate) fn body(order: &Order, personal: &Personal) -> Vec<u8> {
    let total_order_amount = order.total_order_amount.map(price);
    let bytes = match order.work {
        Work::Finalize {
            product,
            intent,
            amount,
        } => {
            // Amazon compares the address that the product type needs; the other one is left with us.
            let (shipping, billing) = match product {
                ProductType::PayAndShip => (personal.shipping_address.as_ref(), None),
                ProductType::PayOnly => (None, personal.billing_address.as_ref()),
            };
            // The way in refuses an order for both, and so would Amazon: a capture waits for nothing.
            let may_pend = order.can_handle_pending && intent != PaymentIntent::AuthorizeWithCapture;
            FinalizeCheckoutSession {
                total_order_amount,
                supplementary_data: filled(personal.supplementary_data.as_ref()),
                shipping_address: shipping.and_then(address),
                billing_address: billing.and_then(address),
                can_handle_pending_authorization: may_pend.then_some(true),
                ..FinalizeCheckoutSession::new(payment_intent(intent), price(amount))
            }
            .to_body()
            .expect("what may pend is not captured")
        }
        Work::Complete { amount } => CompleteCheckoutSession {
            total_order_amount,
            ..CompleteCheckoutSession::new(price(amount))
        }
        .to_body(),
        Work::SetUpWallet => CompleteCheckoutSession::wallet_setup().to_body(),
    };
    bytes.to_vec()
}

fn price(amount: Amount) -> api::Price {
    api::Price::new(amount.value(), amount.currency().code().into())
        .expect("an amount of the model keeps the same rules")
}

fn payment_intent(intent: PaymentIntent) -> api::PaymentIntent {
    match intent {
        PaymentIntent::AuthorizeWithCapture => api::PaymentIntent::AuthorizeWithCapture,
        PaymentIntent::Authorize => api::PaymentIntent::Authorize,
        PaymentIntent::Confirm => api::PaymentIntent::Confirm,
    }
}

fn filled(text: Option<&String>) -> Option<String> {
    text.filter(|text| !text.is_empty()).cloned()
}

fn address(address: &Address) -> Option<api::Address> {
    let mapped = api::Address {
        name: filled(address.name.as_ref()),
        address_line1: filled(address.address_line1.as_ref()),
        address_line2: filled(address.address_line2.as_ref()),
        address_line3: filled(address.address_line3.as_ref()),
        city: filled(address.city.as_ref()),
        county: filled(address.county.as_ref()),
        district: filled(address.district.as_ref()),
        state_or_region: filled(address.state_or_region.as_ref()),
        postal_code: filled(address.postal_code.as_ref()),
        country_code: filled(address.country_code.as_ref()),
        phone_number: filled(address.phone_number.as_ref()),
        ..api::Address::default()
    };
    (mapped != api::Address::default()).then_some(mapped)
}
