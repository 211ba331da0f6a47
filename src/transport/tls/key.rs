//! A client's private key: in protected memory, except while it signs.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::{self, PemObject, SectionKind};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, InconsistentKeys, SignatureAlgorithm, SignatureScheme};

use crate::memory::{Secret, SecretBuf, wipe, wipe_dead_stack};

/// A private key as it was given: its kind and its DER, in Base64.
pub(super) struct KeyDer {
    kind: SectionKind,
    base64: Secret,
}

impl KeyDer {
    /// The first in a PEM file.
    pub(super) fn from_pem(pem: &str) -> Result<Self, pem::Error> {
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
            let (kind, mut der) = section?;
            let base64 = Secret::from(STANDARD.encode(&der));
            wipe(&mut der);
            if let SectionKind::PrivateKey
            | SectionKind::RsaPrivateKey
            | SectionKind::EcPrivateKey = kind
            {
                return Ok(KeyDer { kind, base64 });
            }
        }
        Err(pem::Error::NoItemsFound)
    }

    /// The key in the form that signs, which is in ordinary memory.
    fn parse(&self) -> Result<Arc<dyn SigningKey>, Error> {
        let (mut der, base64) = (SecretBuf::default(), self.base64.expose_secret());
        der.append(base64.len(), |room| STANDARD.decode_slice(base64, room))
            .map_err(|_| Error::General(String::new()))?;
        let der = der.expose_secret();
        any_supported_type(&match self.kind {
            SectionKind::RsaPrivateKey => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
            SectionKind::EcPrivateKey => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
            _ => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        })
    }
}

/// The chain with its key, which must fit the first certificate.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: KeyDer,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let certified = keep(chain, key, provider);
    wipe_dead_stack();
    certified
}

fn keep(
    chain: Vec<CertificateDer<'static>>,
    key: KeyDer,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let mut certified = CertifiedKey::new(chain, key.parse()?);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(error) => return Err(error),
    }
    let mut known = provider.signature_verification_algorithms.supported_schemes();
    let mut schemes = Vec::new();
    while let Some(signer) = certified.key.choose_scheme(&known) {
        let best = signer.scheme();
        known.retain(|scheme| *scheme != best);
        schemes.push(best);
    }
    let algorithm = certified.key.algorithm();
    certified.key = Arc::new(KeptKey(Arc::new(Kept { key, algorithm, schemes })));
    Ok(certified)
}

/// A key and what it can do.
struct Kept {
    key: KeyDer,
    algorithm: SignatureAlgorithm,
    /// What it can sign with, the best first.
    schemes: Vec<SignatureScheme>,
}

impl Kept {
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        let key = self.key.parse()?;
        let signer = key.choose_scheme(&[scheme]).ok_or(Error::General(String::new()))?;
        signer.sign(message)
    }
}

/// A key that is parsed for one signature at a time. rustls and ring would keep it parsed, in
/// ordinary memory, for as long as the client lives.
struct KeptKey(Arc<Kept>);

impl SigningKey for KeptKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = *self.0.schemes.iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(KeptSigner { key: Arc::clone(&self.0), scheme }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm
    }
}

impl fmt::Debug for KeptKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptKey")
    }
}

struct KeptSigner {
    key: Arc<Kept>,
    scheme: SignatureScheme,
}

impl Signer for KeptSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let signed = self.key.sign(self.scheme, message);
        // The handshake may wait for the server next.
        wipe_dead_stack();
        signed
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

impl fmt::Debug for KeptSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptSigner")
    }
}
