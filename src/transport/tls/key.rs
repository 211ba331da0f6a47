//! A client's private key: in protected memory, but for the moments in which it signs.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
};
use rustls::sign::{CertifiedKey, Signer, SigningKey};
use rustls::{Error, InconsistentKeys, SignatureAlgorithm, SignatureScheme};
use zeroize::Zeroize;

use crate::secret::{SecretBuf, wipe_dead_stack};

/// The chain with its key, which must fit the first certificate.
pub(super) fn certified(
    chain: Vec<CertificateDer<'static>>,
    mut key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let kept = keep(&chain, &key, provider);
    key.zeroize();
    wipe_dead_stack();
    Ok(CertifiedKey::new(chain, Arc::new(KeptKey(Arc::new(kept?)))))
}

fn keep(
    chain: &[CertificateDer<'static>],
    key: &PrivateKeyDer<'_>,
    provider: &CryptoProvider,
) -> Result<Kept, Error> {
    let parsed = any_supported_type(key)?;
    match CertifiedKey::new(chain.to_vec(), Arc::clone(&parsed)).keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => {}
        Err(error) => return Err(error),
    }
    let form = match key {
        PrivateKeyDer::Pkcs1(_) => Form::Pkcs1,
        PrivateKeyDer::Sec1(_) => Form::Sec1,
        _ => Form::Pkcs8,
    };
    let mut known = provider.signature_verification_algorithms.supported_schemes();
    let mut schemes = Vec::new();
    while let Some(signer) = parsed.choose_scheme(&known) {
        let best = signer.scheme();
        known.retain(|scheme| *scheme != best);
        schemes.push(best);
    }
    let der = SecretBuf::from(key.secret_der()).into_kept();
    Ok(Kept { der, form, algorithm: parsed.algorithm(), schemes })
}

/// A key as it was given, and what it can do.
struct Kept {
    der: SecretBuf,
    form: Form,
    algorithm: SignatureAlgorithm,
    /// What it can sign with, the best first.
    schemes: Vec<SignatureScheme>,
}

#[derive(Clone, Copy)]
enum Form {
    Pkcs1,
    Sec1,
    Pkcs8,
}

impl Kept {
    fn sign(&self, scheme: SignatureScheme, message: &[u8]) -> Result<Vec<u8>, Error> {
        let der = self.der.expose_secret();
        let key = any_supported_type(&match self.form {
            Form::Pkcs1 => PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
            Form::Sec1 => PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
            Form::Pkcs8 => PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        })?;
        let signer = key.choose_scheme(&[scheme]).ok_or(Error::General(String::new()))?;
        signer.sign(message)
    }
}

/// rustls and ring keep a key taken apart in ordinary memory, for as long as the client lives. They
/// get this instead, and the key itself for one signature at a time.
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
        // The handshake may go on waiting for the server.
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
