//! The signature that a shop's page needs to render the Amazon Pay button.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::keys::PrivateKey;
use crate::signing::{Algorithm, payload_string_to_sign};

/// A button's payload with its signature: what goes into the button's `createCheckoutSessionConfig` (or
/// `estimatedOrderAmount`, `signInConfig` and the like), as `payloadJSON`, `signature` and `algorithm`, next to
/// the public key id.
///
/// Amazon creates the session when the buyer clicks, from the very payload that was signed. Nothing of it
/// expires, so a signature can be kept as long as its payload stays the same, byte for byte.
///
/// ```no_run
/// use amazon_pay::{Algorithm, ButtonSignature, CreateCheckoutSession, PrivateKey, WebCheckoutDetails};
///
/// # fn example(key: PrivateKey) -> Result<(), Box<dyn std::error::Error>> {
/// let session = CreateCheckoutSession::new(
///     WebCheckoutDetails::with_review("https://shop.example/review"),
///     "amzn1.application-oa2-client.example",
/// );
/// let payload = String::from_utf8(session.to_body()?.into())?;
/// let button = ButtonSignature::sign(payload, &key, Algorithm::V2)?;
/// println!("{} {} {}", button.payload(), button.signature(), button.algorithm());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct ButtonSignature {
    payload: String,
    signature: String,
    algorithm: Algorithm,
}

/// The key could not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the private key cannot sign")]
pub struct CannotSign;

impl ButtonSignature {
    /// Signs a payload: a [`CreateCheckoutSession`](crate::CreateCheckoutSession) as text, or any other that the
    /// button takes. The algorithm must be the one that the button is told.
    ///
    /// # Errors
    /// [`CannotSign`], which a key that could be read does not bring about by itself.
    pub fn sign(
        payload: impl Into<String>,
        key: &PrivateKey,
        algorithm: Algorithm,
    ) -> Result<Self, CannotSign> {
        let payload = payload.into();
        let text = payload_string_to_sign(algorithm, payload.as_bytes());
        let signature = key.sign(algorithm, text.as_bytes()).map_err(|_| CannotSign)?;
        Ok(Self {
            payload,
            signature: STANDARD.encode(signature),
            algorithm,
        })
    }

    /// What was signed: `payloadJSON`.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// In base64: `signature`.
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }

    /// `algorithm`; its text is what the button wants.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Without the payload, which may hold an address.
impl fmt::Debug for ButtonSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ButtonSignature")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
