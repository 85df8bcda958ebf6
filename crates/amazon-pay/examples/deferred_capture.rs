//! Takes the money when the goods leave: `deferred_capture <charge id>`.
//!
//! The charge comes from a session that was confirmed with the intent `Authorize`. What to set in the environment is
//! in `support/mod.rs`.

mod support;

use std::error::Error;

use amazon_pay::retry::{Retry, RetryPolicy, TokioRuntime};
use amazon_pay::{CaptureCharge, ChargeId, ChargeState, IdempotencyKey, Request};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = support::client()?;
    let retry = Retry::new(RetryPolicy::default(), TokioRuntime);
    let id = ChargeId::parse(&support::argument(1, "deferred_capture <charge id>")?)?;

    let charge = retry.call(&client, &Request::get_charge(&id)).await?.value;
    match charge.status_details.state {
        ChargeState::Authorized => {}
        ChargeState::AuthorizationInitiated => {
            return Err("the authorization is still being decided, for up to 24 hours".into());
        }
        other => return Err(format!("the charge is {other}").into()),
    }

    let amount = charge.charge_amount.ok_or("the charge has no amount")?;
    let body = CaptureCharge {
        soft_descriptor: Some("EXAMPLE".to_owned()),
        ..CaptureCharge::new(amount)
    };
    // A charge is captured once, so its id makes a key that is the same after a crash.
    let key = IdempotencyKey::parse(&format!("cap-{id}"))?;
    let captured = retry
        .call(&client, &Request::capture_charge(&id, body.to_body()?, key))
        .await?
        .value;
    // Within 7 days of the authorization it is `Captured`; later it is `CaptureInitiated` first.
    println!("{}", captured.status_details.state);
    if let Some(amount) = captured.capture_amount {
        println!("{amount}");
    }
    Ok(())
}
