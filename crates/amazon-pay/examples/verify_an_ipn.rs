//! Verifies an Instant Payment Notification that was stored in a file, as SNS posted it.
//!
//! ```text
//! cargo run --example verify_an_ipn -- TOPIC_ARN AUTHORITIES.pem CERTIFICATE.pem < envelope.json
//! ```
//!
//! `AUTHORITIES.pem` holds the roots to believe, or is `amazon` for those of Amazon Trust Services.
//! `CERTIFICATE.pem` is what was downloaded from the envelope's `SigningCertURL`.

use std::error::Error;
use std::io::Read;
use std::time::Duration;

use amazon_pay::ipn::{Authorities, Envelope, TopicArn, Verified, Verifier};
use jiff::Timestamp;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut envelope = Vec::new();
    std::io::stdin().read_to_end(&mut envelope)?;
    #[expect(
        clippy::disallowed_methods,
        reason = "a program of one file: this is where its time comes from"
    )]
    let now = Timestamp::now();
    println!("{}", run(&arguments, &envelope, now)?);
    Ok(())
}

pub(crate) fn run(arguments: &[String], body: &[u8], now: Timestamp) -> Result<String, Box<dyn Error>> {
    let [topic, authorities, certificate] = arguments else {
        return Err("needed: TOPIC_ARN AUTHORITIES.pem CERTIFICATE.pem".into());
    };
    let authorities = match authorities.as_str() {
        "amazon" => Authorities::amazon(),
        file => Authorities::from_pem(&std::fs::read(file)?)?,
    };
    let verifier = Verifier::new([TopicArn::parse(topic)?], authorities, Duration::from_hours(24));

    let envelope = Envelope::parse(body)?;
    // A service has `Verifier::verify` fetch it.
    let certificate = std::fs::read(certificate)?;
    Ok(match verifier.verify_with(envelope, &certificate, now)? {
        Verified::Notification(notification) => format!(
            "{} of {} {}: look it up (notification {})",
            notification.notification_type,
            notification.object_type,
            notification.object_id,
            notification.notification_id,
        ),
        Verified::SubscriptionConfirmation(asked) => {
            format!("to be confirmed with a GET of {}", asked.subscribe_url.as_str())
        }
        Verified::UnsubscribeConfirmation(asked) => format!("taken off {}", asked.delivery.topic),
    })
}
