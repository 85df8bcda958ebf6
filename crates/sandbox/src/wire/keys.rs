//! Keys and certificates: the merchants' signing keys, and the CA and leaf that TLS runs on.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private, Public};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::options::{Environment, StartError};

/// TLS clients check these against real time, whatever the sandbox's clock shows. 2000 to 2049.
const VALID_FROM: i64 = 946_684_800;
const VALID_UNTIL: i64 = 2_524_607_999;

/// A merchant's public half, and the name that requests give it.
pub(crate) struct MerchantKey {
    pub(crate) public_key_id: String,
    pub(crate) older_public_key_id: String,
    pub(crate) merchant_id: String,
    /// The AWS account that its topic of notifications belongs to.
    pub(crate) topic_number: String,
    pub(crate) public: PKey<Public>,
}

/// The certificates that one start of the sandbox serves with.
pub(crate) struct Certificates {
    pub(crate) ca_pem: Vec<u8>,
    pub(crate) leaf_der: Vec<u8>,
    pub(crate) leaf_key_der: Vec<u8>,
}

/// Takes the RSA key in `file`, or makes one there: a sandbox started again in the same folder keeps the
/// keys that its clients are configured with.
pub(crate) fn merchant_key(file: &Path, environment: Environment) -> Result<MerchantKey, StartError> {
    let private = rsa_key(file)?;
    let der = private.public_key_to_der()?;
    let public = PKey::public_key_from_der(&der)?;
    let name = key_name(&der);
    Ok(MerchantKey {
        public_key_id: format!("{}-{name}", environment.key_prefix()),
        older_public_key_id: format!("A{}", &name[1..]),
        merchant_id: format!("A{}", &name[11..]),
        topic_number: topic_number(&der),
        public,
    })
}

/// The key in `file`, or a new one that is kept there.
pub(crate) fn rsa_key(file: &Path) -> Result<Rsa<Private>, StartError> {
    match fs::read(file) {
        Ok(pem) => {
            keep_to_owner(file)?;
            Rsa::private_key_from_pem(&pem).map_err(|source| StartError::Key {
                file: file.into(),
                source,
            })
        }
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            let key = Rsa::generate(2048)?;
            let pem = PKey::from_rsa(key.clone())?.private_key_to_pem_pkcs8()?;
            write_private(file, &pem).map_err(|source| StartError::File {
                file: file.into(),
                source,
            })?;
            Ok(key)
        }
        Err(source) => Err(StartError::File {
            file: file.into(),
            source,
        }),
    }
}

/// An AWS account's number.
fn topic_number(public_der: &[u8]) -> String {
    let digest = openssl::sha::sha256(public_der);
    let digits = digest.iter().rev().take(12);
    digits.map(|byte| char::from(b'0' + byte % 10)).collect()
}

/// The id follows from the key, so that a kept key keeps its id.
fn key_name(public_der: &[u8]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = openssl::sha::sha256(public_der);
    digest
        .iter()
        .take(24)
        .map(|byte| char::from(LETTERS[usize::from(byte % 32)]))
        .collect()
}

fn write_private(file: &Path, pem: &[u8]) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)?
        .write_all(pem)
}

fn keep_to_owner(file: &Path) -> Result<(), StartError> {
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).map_err(|source| StartError::File {
        file: file.into(),
        source,
    })
}

/// A CA of this start's own and a leaf for 127.0.0.1 (as an address) and localhost (as a name).
pub(crate) fn certificates() -> Result<Certificates, ErrorStack> {
    let (ca, ca_key) = authority("Amazon Pay sandbox CA")?;
    let leaf_key = elliptic_key()?;
    let mut names = SubjectAlternativeName::new();
    names.ip("127.0.0.1").dns("localhost");
    let leaf = issue(&leaf_key, "127.0.0.1", &names, &ca, &ca_key)?;
    Ok(Certificates {
        ca_pem: ca.to_pem()?,
        leaf_der: leaf.to_der()?,
        leaf_key_der: leaf_key.private_key_to_pkcs8()?,
    })
}

fn elliptic_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// A CA of its own, with its key.
pub(crate) fn authority(common_name: &str) -> Result<(X509, PKey<Private>), ErrorStack> {
    let key = elliptic_key()?;
    let mut builder = builder(common_name, &key)?;
    let name = name(common_name)?;
    builder.set_issuer_name(&name)?;
    builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
    builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
    let identifier = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
    builder.append_extension(identifier)?;
    builder.sign(&key, MessageDigest::sha256())?;
    Ok((builder.build(), key))
}

/// A server's certificate, for these names.
pub(crate) fn issue(
    key: &PKey<Private>,
    common_name: &str,
    names: &SubjectAlternativeName,
    ca: &X509,
    ca_key: &PKey<Private>,
) -> Result<X509, ErrorStack> {
    let mut builder = builder(common_name, key)?;
    builder.set_issuer_name(ca.subject_name())?;
    builder.append_extension(BasicConstraints::new().critical().build()?)?;
    builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
    builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
    let context = builder.x509v3_context(Some(ca), None);
    let extensions = [
        SubjectKeyIdentifier::new().build(&context)?,
        AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
        names.build(&context)?,
    ];
    for extension in extensions {
        builder.append_extension(extension)?;
    }
    builder.sign(ca_key, MessageDigest::sha256())?;
    Ok(builder.build())
}

fn builder(common_name: &str, key: &PKey<Private>) -> Result<X509Builder, ErrorStack> {
    /// X.509 version 3, counted from zero.
    const VERSION_3: i32 = 2;
    let mut builder = X509Builder::new()?;
    builder.set_version(VERSION_3)?;
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let serial = serial.to_asn1_integer()?;
    builder.set_serial_number(&serial)?;
    let subject = name(common_name)?;
    builder.set_subject_name(&subject)?;
    builder.set_pubkey(key)?;
    let (from, until) = (
        Asn1Time::from_unix(VALID_FROM)?,
        Asn1Time::from_unix(VALID_UNTIL)?,
    );
    builder.set_not_before(&from)?;
    builder.set_not_after(&until)?;
    Ok(builder)
}

fn name(common_name: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_nid(Nid::COMMONNAME, common_name)?;
    Ok(name.build())
}
