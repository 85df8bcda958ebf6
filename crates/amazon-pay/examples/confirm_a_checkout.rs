//! Confirms a session whose buyer is done: `confirm_a_checkout <session id> [finalize]`.
//!
//! Completes it, as redirect flows do; with `finalize`, finalizes it, as the JavaScript and mobile flows do. What to
//! set in the environment is in `support/mod.rs`.

mod support;

use std::error::Error;

use amazon_pay::retry::{Retry, RetryPolicy, TokioRuntime};
use amazon_pay::{
    Bytes, CheckoutSession, CheckoutSessionId, CheckoutSessionState, CompleteCheckoutSession,
    FinalizeCheckoutSession, IdempotencyKey, ReasonCode, Request,
};

const USAGE: &str = "confirm_a_checkout <session id> [finalize]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = support::client()?;
    let retry = Retry::new(RetryPolicy::default(), TokioRuntime);
    let id = CheckoutSessionId::parse(&support::argument(1, USAGE)?)?;
    let finalize = support::argument(2, USAGE).is_ok_and(|word| word == "finalize");

    let look_up = Request::get_checkout_session(&id);
    let session = retry.call(&client, &look_up).await?.value;
    match &session.status_details.state {
        CheckoutSessionState::Open => {}
        CheckoutSessionState::Completed => return told(&session),
        other => return Err(format!("the session is {other}").into()),
    }

    // A shop compares the session's amount and address with its own order here, and stores body and key before
    // the request leaves. The session's own id makes a key that is the same after a crash.
    let body = if finalize {
        finalize_body(session)?
    } else {
        complete_body(session)?
    };
    let key = Some(IdempotencyKey::parse(&id.as_str().replace('-', ""))?);
    let confirm = if finalize {
        Request::finalize_checkout_session(&id, body, key)
    } else {
        Request::complete_checkout_session(&id, body, key)
    };
    let failed = match retry.call(&client, &confirm).await {
        Ok(answer) => {
            let pending = if answer.status == 202 {
                " (the payment is being decided)"
            } else {
                ""
            };
            println!(
                "confirmed{pending}, request {}",
                answer.request_id.unwrap_or_default()
            );
            return told(&answer.value);
        }
        Err(failed) => failed,
    };

    // Neither "may have landed" nor this refusal says that it is not paid. The session does.
    let ambiguous = failed.last.reason_code() == Some(&ReasonCode::InvalidCheckoutSessionStatus);
    if failed.may_have_landed || ambiguous {
        let session = retry.call(&client, &look_up).await?.value;
        if session.status_details.state == CheckoutSessionState::Completed {
            return told(&session);
        }
        println!("the session is still {}", session.status_details.state);
    }
    Err(failed.last.into())
}

fn complete_body(session: CheckoutSession) -> Result<Bytes, Box<dyn Error>> {
    let payment = session
        .payment_details
        .ok_or("the session has no payment details")?;
    Ok(match payment.charge_amount {
        Some(amount) => CompleteCheckoutSession {
            total_order_amount: payment.total_order_amount,
            ..CompleteCheckoutSession::new(amount)
        },
        None => CompleteCheckoutSession::wallet_setup(),
    }
    .to_body())
}

fn finalize_body(session: CheckoutSession) -> Result<Bytes, Box<dyn Error>> {
    let payment = session
        .payment_details
        .ok_or("the session has no payment details")?;
    let intent = payment.payment_intent.ok_or("the session has no intent")?;
    let amount = payment.charge_amount.ok_or("the session has no amount")?;
    let body = FinalizeCheckoutSession {
        total_order_amount: payment.total_order_amount,
        supplementary_data: session.supplementary_data,
        shipping_address: session.shipping_address,
        billing_address: session.billing_address,
        ..FinalizeCheckoutSession::new(intent, amount)
    };
    Ok(body.to_body()?)
}

fn told(session: &CheckoutSession) -> Result<(), Box<dyn Error>> {
    let permission = session
        .charge_permission_id
        .as_ref()
        .ok_or("no charge permission")?;
    println!("charge permission {permission}");
    if let Some(charge) = &session.charge_id {
        println!("charge {charge}");
    }
    Ok(())
}
