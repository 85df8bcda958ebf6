//! What the fuzz targets do with their bytes. It stands here so that it runs, with fewer bytes, wherever the
//! tests do.

use amazon_pay::ipn::{Envelope, VerifyError};
use amazon_pay::{Answer, Buyer, Charge, ChargePermission, CheckoutSession, Refund};

use crate::ipn::authority::{Letter, SNS, now, verifier};

/// No answer makes reading it panic, nor showing what was read.
pub(crate) fn answers(bytes: &[u8]) {
    fn read<T: Answer + std::fmt::Debug>(bytes: &[u8]) {
        match T::from_json(bytes) {
            Ok(answer) => drop(format!("{answer:?}")),
            Err(error) => drop(error.to_string()),
        }
    }
    read::<CheckoutSession>(bytes);
    read::<Charge>(bytes);
    read::<ChargePermission>(bytes);
    read::<Refund>(bytes);
    read::<Buyer>(bytes);
}

/// Bytes from a stranger are never accepted as an envelope. As the message of a genuine envelope they are
/// read or refused as a message, and nothing else.
pub(crate) fn ipn_envelope(bytes: &[u8]) {
    let verifier = verifier();
    if let Ok(envelope) = Envelope::parse(bytes) {
        drop(format!("{envelope:?}"));
        let verified = verifier.verify_with(envelope, &SNS.pem(), now());
        assert!(verified.is_err(), "nobody has signed this");
    }
    let message = String::from_utf8_lossy(bytes);
    let genuine = Letter::notification(&message).signed_by(&SNS).bytes();
    let Ok(envelope) = Envelope::parse(&genuine) else {
        // Only for its length.
        assert!(genuine.len() > amazon_pay::ipn::MAX_ENVELOPE_BYTES);
        return;
    };
    match verifier.verify_with(envelope, &SNS.pem(), now()) {
        Ok(verified) => drop(format!("{verified:?}")),
        Err(VerifyError::Message(malformed)) => drop(malformed.to_string()),
        Err(other) => panic!("{other}"),
    }
}
