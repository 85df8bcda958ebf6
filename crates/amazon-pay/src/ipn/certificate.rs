//! Whether a certificate is one of Amazon SNS, and what is signed with it.

use std::time::Duration;

use aws_lc_rs::rsa::PublicKey;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey,
};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use super::envelope::SignatureVersion;
use super::sns_url::CertificateUrl;

/// The longest PEM that is looked at. One certificate takes about 2 KiB.
pub const MAX_CERTIFICATE_BYTES: usize = 64 * 1024;

/// The intermediate authorities of Amazon Trust Services that issue to AWS's services, valid until August
/// 2030, as published at `http://crt.r2m01.amazontrust.com/r2m01.cer` and so on. They are no anchors: each is
/// believed because a root has signed it.
const AMAZON_INTERMEDIATES: [&[u8]; 4] = [
    include_bytes!("amazon_trust_services/r2m01.pem"),
    include_bytes!("amazon_trust_services/r2m02.pem"),
    include_bytes!("amazon_trust_services/r2m03.pem"),
    include_bytes!("amazon_trust_services/r2m04.pem"),
];

/// Part of the subject of each root that Amazon Trust Services runs.
const AMAZON_ROOTS: [&[u8]; 2] = [
    b"Amazon Root CA ",
    b"Starfield Services Root Certificate Authority",
];

/// Why a certificate is not taken for one of Amazon SNS.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// More than [`MAX_CERTIFICATE_BYTES`].
    #[error("the certificate's PEM is longer than 64 KiB")]
    TooLarge,
    /// There is no whole `CERTIFICATE` block.
    #[error("not a PEM with a certificate")]
    NotPem,
    /// The block does not hold a certificate of X.509 version 3.
    #[error("not a certificate that can be read")]
    Damaged,
    /// Used too early, or one on the way to the root is.
    #[error("the certificate or one above it is not valid yet")]
    NotYetValid,
    /// Used too late, or one on the way to the root is.
    #[error("the certificate or one above it has expired")]
    Expired,
    /// No way leads from it to one of the [`Authorities`]. An intermediate authority may be missing:
    /// [`Authorities::with_intermediates`].
    #[error("the certificate does not come from an authority that is trusted")]
    UnknownIssuer,
    /// Valid, but issued to someone else than SNS.
    #[error("the certificate is not issued to Amazon SNS")]
    WrongName,
    /// Not an RSA key of 2048 to 8192 bits.
    #[error("the certificate's key is not an RSA key of 2048 to 8192 bits")]
    WeakKey,
    /// Refused for another reason, which the text names.
    #[error("the certificate's chain is refused: {0}")]
    Refused(String),
}

/// The certificate authorities that are believed when they say who SNS is.
///
/// SNS publishes its certificate alone, without those that lead to a root, so these have to be known here.
#[derive(Debug, Clone)]
pub struct Authorities {
    anchors: Vec<TrustAnchor<'static>>,
    intermediates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// Amazon Trust Services: their roots as Mozilla lists them, and the intermediate authorities `Amazon RSA
    /// 2048 M01` to `M04`, which issue SNS's certificates since 2022. Should AWS change to others before this
    /// crate does, add them [`with_intermediates`](Self::with_intermediates).
    ///
    /// # Panics
    /// Never: what is built in has been read by a test.
    #[must_use]
    pub fn amazon() -> Self {
        let ours = |root: &&TrustAnchor<'static>| {
            let subject = root.subject.as_ref();
            AMAZON_ROOTS
                .iter()
                .any(|name| subject.windows(name.len()).any(|part| part == *name))
        };
        Self {
            anchors: webpki_roots::TLS_SERVER_ROOTS
                .iter()
                .filter(ours)
                .cloned()
                .collect(),
            intermediates: AMAZON_INTERMEDIATES
                .iter()
                .flat_map(|pem| certificates(pem).expect("a certificate is built in"))
                .collect(),
        }
    }

    /// All certificates of a PEM as roots, instead of Amazon's.
    ///
    /// # Errors
    /// [`CertificateError`] when there is none in it, or one cannot be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let anchors = certificates(pem)?
            .iter()
            .map(|certificate| anchor_from_trusted_cert(certificate).map(|anchor| anchor.to_owned()))
            .collect::<Result<_, _>>()
            .map_err(|_| CertificateError::Damaged)?;
        Ok(Self {
            anchors,
            intermediates: Vec::new(),
        })
    }

    /// Adds certificates that may stand between one of SNS and a root. They need not be trusted: each has to
    /// be signed by one that is.
    ///
    /// # Errors
    /// [`CertificateError`] when there is none in the PEM.
    pub fn with_intermediates(mut self, pem: &[u8]) -> Result<Self, CertificateError> {
        self.intermediates.extend(certificates(pem)?);
        Ok(self)
    }

    /// The key of SNS's certificate, once nothing speaks against it.
    pub(super) fn check(
        &self,
        pem: &[u8],
        url: &CertificateUrl,
        now: Timestamp,
    ) -> Result<SnsKey, CertificateError> {
        if pem.len() > MAX_CERTIFICATE_BYTES {
            return Err(CertificateError::TooLarge);
        }
        let mut chain = certificates(pem)?;
        let certificate = chain.remove(0);
        chain.extend(self.intermediates.iter().cloned());
        let certificate = EndEntityCert::try_from(&certificate).map_err(|_| CertificateError::Damaged)?;
        certificate
            .verify_for_usage(
                ALL_VERIFICATION_ALGS,
                &self.anchors,
                &chain,
                unix_time(now),
                KeyUsage::server_auth(),
                None,
                None,
            )
            .map_err(refused)?;
        // Letter by letter: a wildcard certificate of some other service of AWS's is not SNS's.
        let names = url.certificate_names();
        if !certificate
            .valid_dns_names()
            .any(|carried| names.iter().any(|name| carried.eq_ignore_ascii_case(name)))
        {
            return Err(CertificateError::WrongName);
        }
        SnsKey::new(certificate.subject_public_key_info().as_ref())
    }
}

/// At least one, in the order of the PEM.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| CertificateError::NotPem)?;
    if certificates.is_empty() {
        return Err(CertificateError::NotPem);
    }
    Ok(certificates)
}

/// Before 1970 nothing is valid, and 1970 says so just as well.
fn unix_time(now: Timestamp) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now.as_second()).unwrap_or(0)))
}

fn refused(error: webpki::Error) -> CertificateError {
    match error {
        webpki::Error::CertExpired { .. } => CertificateError::Expired,
        webpki::Error::CertNotValidYet { .. } => CertificateError::NotYetValid,
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer,
        webpki::Error::BadDer | webpki::Error::BadDerTime => CertificateError::Damaged,
        other => CertificateError::Refused(other.to_string()),
    }
}

pub(super) struct SnsKey {
    der: Vec<u8>,
}

impl SnsKey {
    fn new(der: &[u8]) -> Result<Self, CertificateError> {
        let key = PublicKey::from_der(der).map_err(|_| CertificateError::WeakKey)?;
        if !(2048 / 8..=8192 / 8).contains(&key.modulus_len()) {
            return Err(CertificateError::WeakKey);
        }
        Ok(Self { der: der.to_vec() })
    }

    pub(super) fn has_signed(&self, message: &[u8], version: SignatureVersion, signature: &[u8]) -> bool {
        let parameters = match version {
            SignatureVersion::V1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
            SignatureVersion::V2 => &RSA_PKCS1_2048_8192_SHA256,
        };
        UnparsedPublicKey::new(parameters, &self.der)
            .verify(message, signature)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use openssl::pkey::PKey;
    use openssl::x509::X509;

    use super::Authorities;

    #[test]
    fn each_built_in_intermediate_is_signed_by_a_built_in_root() {
        let amazon = Authorities::amazon();
        assert_eq!((amazon.anchors.len(), amazon.intermediates.len()), (5, 4));
        let roots: Vec<_> = amazon
            .anchors
            .iter()
            .map(|anchor| {
                // The outer header is not kept in an anchor.
                let spki = anchor.subject_public_key_info.as_ref();
                let length = u16::try_from(spki.len()).unwrap().to_be_bytes();
                let header = match length {
                    [0, short @ ..=127] => vec![0x30, short],
                    [0, short] => vec![0x30, 0x81, short],
                    [high, low] => vec![0x30, 0x82, high, low],
                };
                PKey::public_key_from_der(&[header.as_slice(), spki].concat()).unwrap()
            })
            .collect();
        for intermediate in &amazon.intermediates {
            let intermediate = X509::from_der(intermediate).unwrap();
            // Two of the roots have EC keys, which openssl refuses to try.
            assert!(
                roots
                    .iter()
                    .any(|root| intermediate.verify(root).unwrap_or(false)),
                "{:?}",
                intermediate.subject_name()
            );
        }
    }
}
