//! The certificate that envelopes are signed with: of a CA of the sandbox's own, issued to SNS's name.

use std::fs;
use std::path::Path;
use std::{fmt::Write as _, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use openssl::x509::extension::SubjectAlternativeName;

use crate::ipn::SnsSignature;
use crate::options::{Region, StartError};
use crate::wire::keys;

/// The name that SNS's certificates carry in most regions.
const SNS: &str = "sns.amazonaws.com";

pub(crate) struct Signing {
    key: PKey<Private>,
    pub(crate) ca_pem: Vec<u8>,
    pub(crate) certificate_pem: Vec<u8>,
    /// Its last path segment at SNS.
    file: String,
}

impl Signing {
    /// Takes the key `ipn-key.pem` in `folder` or makes one; writes `ipn-ca.pem` and `ipn-certificate.pem` there.
    pub(crate) fn make(folder: &Path) -> Result<Self, StartError> {
        let key = PKey::from_rsa(keys::rsa_key(&folder.join("ipn-key.pem"))?)?;
        let (ca, ca_key) = keys::authority("Amazon Pay sandbox CA for notifications")?;
        let leaf = keys::issue(&key, SNS, SubjectAlternativeName::new().dns(SNS), &ca, &ca_key)?;
        let made = Self {
            key,
            ca_pem: ca.to_pem()?,
            certificate_pem: leaf.to_pem()?,
            file: file_name(&leaf.to_der()?),
        };
        for (name, pem) in [
            ("ipn-ca.pem", &made.ca_pem),
            ("ipn-certificate.pem", &made.certificate_pem),
        ] {
            let file = folder.join(name);
            fs::write(&file, pem).map_err(|source: io::Error| StartError::File { file, source })?;
        }
        Ok(made)
    }

    pub(crate) fn url(&self, region: Region) -> String {
        format!("https://sns.{}.amazonaws.com/{}", region.aws(), self.file)
    }

    pub(crate) fn sign(&self, version: SnsSignature, text: &str) -> Result<String, ErrorStack> {
        let digest = match version {
            SnsSignature::V1 => MessageDigest::sha1(),
            SnsSignature::V2 => MessageDigest::sha256(),
        };
        let mut signer = Signer::new(digest, &self.key)?;
        Ok(STANDARD.encode(signer.sign_oneshot_to_vec(text.as_bytes())?))
    }
}

/// Another certificate has another name, so that what a receiver remembers by its URL stays right.
fn file_name(certificate: &[u8]) -> String {
    let digest = openssl::sha::sha256(certificate);
    let hex = digest.iter().take(16).fold(String::new(), |mut hex, byte| {
        // Writing to a String does not fail.
        let _infallible = write!(hex, "{byte:02x}");
        hex
    });
    format!("SimpleNotificationService-{hex}.pem")
}
