//! The merchant's private key, read from PEM. Whatever is wrong with the file is named; what is in it never
//! is.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::{RSA_PSS_SHA256, RsaPssSaltLength, RsaSignatureEncoding};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice};

use crate::signing::Algorithm;

/// The first algorithm's salt has another length than its digest.
static PSS_V1: RsaSignatureEncoding = RSA_PSS_SHA256.with_pss_salt_length(RsaPssSaltLength::Custom(20));

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// An RSA private key of 2048 to 8192 bits. Cheap to clone; prints as `PrivateKey(..)`.
#[derive(Clone)]
pub struct PrivateKey {
    pair: Arc<KeyPair>,
}

/// Why a text is not a usable private key. Never holds any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// There is no `-----BEGIN …-----` line.
    #[error("is not a PEM: there is no line `-----BEGIN PRIVATE KEY-----`")]
    NotPem,
    /// The block has no `-----END …-----` line, or what is between the lines is not base64.
    #[error("is a damaged PEM: its base64 or its END line is broken")]
    DamagedPem,
    /// The block is whole, but what it holds is not a valid key.
    #[error("is labelled a private key, but does not hold a valid one")]
    DamagedKey,
    /// The key needs a passphrase.
    #[error("is an encrypted private key: decrypt it first, for example with `openssl pkey`")]
    Encrypted,
    /// The public half.
    #[error("is a public key: the private half is needed")]
    PublicKey,
    /// A certificate.
    #[error("is a certificate: a private key is needed")]
    Certificate,
    /// An elliptic-curve key.
    #[error("is an EC key: Amazon Pay uses RSA")]
    EcKey,
    /// A key of another kind than RSA or EC.
    #[error("is not an RSA key: Amazon Pay uses RSA")]
    OtherAlgorithm,
    /// A key in the format of OpenSSH.
    #[error("is an OpenSSH key: PKCS#8 or PKCS#1 is needed")]
    OpenSsh,
    /// A PEM block of some other kind.
    #[error("is a PEM, but not of a private key")]
    OtherPem,
    /// Fewer than 2048 bits.
    #[error("is an RSA key of fewer than 2048 bits")]
    TooSmall,
    /// More than 8192 bits.
    #[error("is an RSA key of more than 8192 bits")]
    TooLarge,
}

impl PrivateKey {
    /// Reads the first private key in `pem`, PKCS#8 (`BEGIN PRIVATE KEY`) or PKCS#1 (`BEGIN RSA PRIVATE
    /// KEY`).
    ///
    /// # Errors
    /// [`KeyError`] says what the text is instead.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let mut not_a_key = None;
        let mut rest = pem;
        while let Some(start) = rest.find(BEGIN) {
            let block = Block::read(&rest[start..])?;
            rest = &rest[start + BEGIN.len()..];
            match block.label {
                "PRIVATE KEY" => return Self::from_pkcs8(&block.der()?),
                "RSA PRIVATE KEY" if block.body.contains("Proc-Type:") => return Err(KeyError::Encrypted),
                "RSA PRIVATE KEY" => return Self::from_pkcs1(&block.der()?),
                "ENCRYPTED PRIVATE KEY" => return Err(KeyError::Encrypted),
                "EC PRIVATE KEY" => return Err(KeyError::EcKey),
                "DSA PRIVATE KEY" => return Err(KeyError::OtherAlgorithm),
                "OPENSSH PRIVATE KEY" => return Err(KeyError::OpenSsh),
                // A file may hold a certificate or curve parameters in front of the key.
                "PUBLIC KEY" | "RSA PUBLIC KEY" => not_a_key.get_or_insert(KeyError::PublicKey),
                "CERTIFICATE" => not_a_key.get_or_insert(KeyError::Certificate),
                _ => not_a_key.get_or_insert(KeyError::OtherPem),
            };
        }
        Err(not_a_key.unwrap_or(KeyError::NotPem))
    }

    fn from_pkcs8(der: &SecretSlice<u8>) -> Result<Self, KeyError> {
        let der = der.expose_secret();
        KeyPair::from_pkcs8(der)
            .map(Self::new)
            .map_err(|rejected| match kind(der) {
                Some(KeyKind::Rsa) => from_rejected(&rejected),
                Some(KeyKind::Ec) => KeyError::EcKey,
                Some(KeyKind::Other) => KeyError::OtherAlgorithm,
                None => KeyError::DamagedKey,
            })
    }

    fn from_pkcs1(der: &SecretSlice<u8>) -> Result<Self, KeyError> {
        KeyPair::from_der(der.expose_secret())
            .map(Self::new)
            .map_err(|rejected| from_rejected(&rejected))
    }

    fn new(pair: KeyPair) -> Self {
        Self { pair: Arc::new(pair) }
    }

    /// RSASSA-PSS with SHA-256 over `message`.
    pub(crate) fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let encoding = match algorithm {
            Algorithm::V1 => &PSS_V1,
            Algorithm::V2 => &RSA_PSS_SHA256,
        };
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(encoding, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateKey(..)")
    }
}

fn from_rejected(rejected: &KeyRejected) -> KeyError {
    match rejected.description_() {
        "TooSmall" => KeyError::TooSmall,
        "TooLarge" => KeyError::TooLarge,
        _ => KeyError::DamagedKey,
    }
}

struct Block<'a> {
    label: &'a str,
    body: &'a str,
}

impl<'a> Block<'a> {
    /// `text` starts with `-----BEGIN `.
    fn read(text: &'a str) -> Result<Self, KeyError> {
        let (label, rest) = text[BEGIN.len()..]
            .split_once(DASHES)
            .ok_or(KeyError::DamagedPem)?;
        let (body, end) = rest.split_once("-----END ").ok_or(KeyError::DamagedPem)?;
        let ends_here = end.strip_prefix(label).is_some_and(|end| end.starts_with(DASHES));
        if ends_here {
            Ok(Self { label, body })
        } else {
            Err(KeyError::DamagedPem)
        }
    }

    fn der(&self) -> Result<SecretSlice<u8>, KeyError> {
        let base64: SecretSlice<u8> = self
            .body
            .bytes()
            .filter(|byte| !byte.is_ascii_whitespace())
            .collect::<Vec<_>>()
            .into();
        STANDARD
            .decode(base64.expose_secret())
            .map(Into::into)
            .map_err(|_| KeyError::DamagedPem)
    }
}

enum KeyKind {
    Rsa,
    Ec,
    Other,
}

/// What kind of key a PKCS#8 structure says it holds. Only asked about keys that were rejected, to say why:
/// after the outer header and the version comes `AlgorithmIdentifier`, whose object identifier we look at.
fn kind(pkcs8: &[u8]) -> Option<KeyKind> {
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
    // SEQUENCE (1 to 3 length bytes), INTEGER 0 or 1, SEQUENCE, OBJECT IDENTIFIER.
    let version = pkcs8
        .windows(3)
        .take(8)
        .position(|w| matches!(w, [0x02, 0x01, 0x00 | 0x01]))?;
    let [0x30, _, 0x06, length, oid @ ..] = pkcs8.get(version + 3..)? else {
        return None;
    };
    match oid.get(..usize::from(*length))? {
        RSA => Some(KeyKind::Rsa),
        EC => Some(KeyKind::Ec),
        _ => Some(KeyKind::Other),
    }
}

#[cfg(test)]
mod tests {
    use openssl::ec::{EcGroup, EcKey};
    use openssl::nid::Nid;
    use openssl::pkey::PKey;
    use openssl::rsa::Rsa;
    use openssl::symm::Cipher;

    use super::{KeyError, PrivateKey};
    use crate::signing::Algorithm;

    fn text(pem: Vec<u8>) -> String {
        String::from_utf8(pem).unwrap()
    }

    fn why(pem: &str) -> KeyError {
        PrivateKey::from_pem(pem).expect_err("not a usable key")
    }

    #[test]
    fn pkcs8_and_pkcs1_are_read_also_with_windows_line_ends_and_behind_a_certificate() {
        let rsa = Rsa::generate(2048).unwrap();
        let pkcs1 = text(rsa.private_key_to_pem().unwrap());
        let pkcs8 = text(PKey::from_rsa(rsa).unwrap().private_key_to_pem_pkcs8().unwrap());
        assert!(pkcs1.contains("BEGIN RSA PRIVATE KEY") && pkcs8.contains("BEGIN PRIVATE KEY"));
        for pem in [
            pkcs1.clone(),
            pkcs8.clone(),
            pkcs8.replace('\n', "\r\n"),
            format!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n{pkcs1}"),
        ] {
            let key = PrivateKey::from_pem(&pem).unwrap();
            assert_eq!(key.sign(Algorithm::V2, b"message").unwrap().len(), 256);
            assert_eq!(format!("{key:?}"), "PrivateKey(..)");
        }
    }

    #[test]
    fn what_is_not_an_rsa_private_key_is_named() {
        let rsa = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
        let ec = EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap();
        let ec_sec1 = text(ec.private_key_to_pem().unwrap());
        let ec_pkcs8 = text(PKey::from_ec_key(ec).unwrap().private_key_to_pem_pkcs8().unwrap());
        let ed25519 = text(
            PKey::generate_ed25519()
                .unwrap()
                .private_key_to_pem_pkcs8()
                .unwrap(),
        );
        let encrypted = text(
            rsa.private_key_to_pem_pkcs8_passphrase(Cipher::aes_256_cbc(), b"pass")
                .unwrap(),
        );
        let legacy = text(
            rsa.rsa()
                .unwrap()
                .private_key_to_pem_passphrase(Cipher::aes_256_cbc(), b"pass")
                .unwrap(),
        );
        let public = text(rsa.public_key_to_pem().unwrap());
        let small = Rsa::generate(1024).unwrap();
        let small_pkcs1 = text(small.private_key_to_pem().unwrap());
        let small_pkcs8 = text(PKey::from_rsa(small).unwrap().private_key_to_pem_pkcs8().unwrap());
        let whole = text(rsa.private_key_to_pem_pkcs8().unwrap());

        assert_eq!(why(""), KeyError::NotPem);
        assert_eq!(why("LIVE-ABC"), KeyError::NotPem);
        assert_eq!(why(&whole[..whole.len() / 2]), KeyError::DamagedPem);
        assert_eq!(why(&whole.replacen("MII", "M!I", 1)), KeyError::DamagedPem);
        assert_eq!(
            why("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"),
            KeyError::DamagedKey
        );
        assert_eq!(
            why("-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----"),
            KeyError::DamagedKey
        );
        assert_eq!(why(&ec_sec1), KeyError::EcKey);
        assert_eq!(why(&ec_pkcs8), KeyError::EcKey);
        assert_eq!(why(&ed25519), KeyError::OtherAlgorithm);
        assert_eq!(why(&encrypted), KeyError::Encrypted);
        assert_eq!(why(&legacy), KeyError::Encrypted);
        assert_eq!(why(&public), KeyError::PublicKey);
        assert_eq!(
            why("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"),
            KeyError::Certificate
        );
        assert_eq!(
            why("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----"),
            KeyError::OpenSsh
        );
        assert_eq!(
            why("-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----"),
            KeyError::OtherPem
        );
        assert_eq!(why(&small_pkcs1), KeyError::TooSmall);
        assert_eq!(why(&small_pkcs8), KeyError::TooSmall);
    }

    #[test]
    fn an_error_says_nothing_of_the_key() {
        let whole = text(
            PKey::from_rsa(Rsa::generate(2048).unwrap())
                .unwrap()
                .private_key_to_pem_pkcs8()
                .unwrap(),
        );
        let error = why(&whole[..200]);
        let told = format!("{error} {error:?}");
        assert!(!told.contains(&whole[60..80]), "{told}");
    }
}
