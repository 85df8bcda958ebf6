//! The bytes that confirm an order.

use std::sync::Arc;

use checkout::{Amount, ChargePermissionType, Order, PaymentIntent, ProductType, Work};
use provider::Accounts;
use reconciler::ports::ConfirmCheckout;
use reconciler::{Address, Personal};

use crate::clock::TestClock;
use crate::fixtures::{Dice, start};

fn body(order: &Order, personal: &Personal) -> String {
    let clock = Arc::new(TestClock::at(start()));
    let accounts = Accounts::new(Vec::new(), clock, Arc::new(Dice), Arc::new(())).unwrap();
    String::from_utf8(accounts.request_body(order, personal)).unwrap()
}

fn amount(text: &str, currency: &str) -> Amount {
    Amount::parse(text, currency).unwrap()
}

fn order(work: Work) -> Order {
    Order {
        work,
        permission_type: ChargePermissionType::OneTime,
        total_order_amount: None,
        can_handle_pending: false,
        has_address: true,
    }
}

fn finalize(product: ProductType, amount: Amount) -> Order {
    order(Work::Finalize {
        product,
        intent: PaymentIntent::AuthorizeWithCapture,
        amount,
    })
}

fn personal() -> Personal {
    let address = |name: &str| Address {
        name: Some(name.to_owned()),
        address_line2: Some(String::new()),
        country_code: Some("DE".to_owned()),
        ..Address::default()
    };
    Personal {
        shipping_address: Some(address("Robin")),
        billing_address: Some(address("Kim")),
        supplementary_data: None,
    }
}

#[test]
fn finalize_sends_the_amount_as_written_and_only_the_address_that_is_needed() {
    assert_eq!(
        body(
            &finalize(ProductType::PayAndShip, amount("14.00", "EUR")),
            &personal()
        ),
        r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"14.00","currencyCode":"EUR"},"shippingAddress":{"name":"Robin","countryCode":"DE"}}"#
    );
    assert_eq!(
        body(&finalize(ProductType::PayOnly, amount("14", "JPY")), &personal()),
        r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"14","currencyCode":"JPY"},"billingAddress":{"name":"Kim","countryCode":"DE"}}"#
    );
}

#[test]
fn finalize_sends_what_else_the_order_says() {
    let order = Order {
        total_order_amount: Some(amount("60.5", "EUR")),
        can_handle_pending: true,
        ..order(Work::Finalize {
            product: ProductType::PayAndShip,
            intent: PaymentIntent::Authorize,
            amount: amount("23.45", "EUR"),
        })
    };
    let personal = Personal {
        shipping_address: Some(Address::default()),
        supplementary_data: Some("a \"b\"\n".to_owned()),
        ..Personal::default()
    };
    assert_eq!(
        body(&order, &personal),
        r#"{"paymentIntent":"Authorize","chargeAmount":{"amount":"23.45","currencyCode":"EUR"},"totalOrderAmount":{"amount":"60.5","currencyCode":"EUR"},"supplementaryData":"a \"b\"\n","canHandlePendingAuthorization":true}"#
    );
}

#[test]
fn finalize_never_asks_for_a_capture_that_may_pend() {
    let order = Order {
        can_handle_pending: true,
        ..finalize(ProductType::PayAndShip, amount("14", "EUR"))
    };
    assert_eq!(
        body(&order, &Personal::default()),
        r#"{"paymentIntent":"AuthorizeWithCapture","chargeAmount":{"amount":"14","currencyCode":"EUR"}}"#
    );
}

#[test]
fn complete_sends_amounts_alone_and_the_setup_of_a_wallet_nothing() {
    let complete = Order {
        total_order_amount: Some(amount("60", "EUR")),
        can_handle_pending: true,
        ..order(Work::Complete {
            amount: amount("23.45", "EUR"),
        })
    };
    assert_eq!(
        body(&complete, &personal()),
        r#"{"chargeAmount":{"amount":"23.45","currencyCode":"EUR"},"totalOrderAmount":{"amount":"60","currencyCode":"EUR"}}"#
    );
    assert_eq!(body(&order(Work::SetUpWallet), &personal()), "{}");
}
