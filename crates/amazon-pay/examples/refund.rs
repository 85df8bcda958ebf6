//! Gives money back: `refund <charge id> <amount> <currency> <number of this refund>`.
//!
//! A charge can be refunded in parts, so the number tells one part from the next, and a repeat of one from another.
//! What to set in the environment is in `support/mod.rs`.

mod support;

use std::error::Error;

use amazon_pay::retry::{Retry, RetryPolicy, TokioRuntime};
use amazon_pay::{ChargeId, CreateRefund, IdempotencyKey, Price, RefundState, Request};

const USAGE: &str = "refund <charge id> <amount> <currency> <number of this refund>";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = support::client()?;
    let retry = Retry::new(RetryPolicy::default(), TokioRuntime);
    let id = ChargeId::parse(&support::argument(1, USAGE)?)?;
    let amount = Price::parse(&support::argument(2, USAGE)?, &support::argument(3, USAGE)?)?;
    let number: u8 = support::argument(4, USAGE)?.parse()?;

    let body = CreateRefund::new(id.clone(), amount).to_body()?;
    let key = IdempotencyKey::parse(&format!("r{number}-{id}"))?;
    let refund = retry
        .call(&client, &Request::create_refund(body, key))
        .await?
        .value;
    println!("refund {} is {}", refund.refund_id, refund.status_details.state);

    // Refunds are decided later: a shop waits for the notification, or looks again after a while.
    let refund = retry
        .call(&client, &Request::get_refund(&refund.refund_id))
        .await?
        .value;
    if refund.status_details.state == RefundState::Declined {
        return Err("the refund was declined".into());
    }
    println!("{}", refund.status_details.state);
    Ok(())
}
