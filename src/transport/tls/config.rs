//! From settings to a rustls configuration: everything is checked here, once.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::CipherSuite::TLS13_AES_128_GCM_SHA256;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, TrustAnchor};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, InconsistentKeys};
use webpki::{CertRevocationList, OwnedCertRevocationList};

use super::describe::is_version_1;
use super::key::{KeyDer, certified};
use super::store;
use super::tickets::Tickets;
use super::verify::{Pin, Verifier};
use crate::error::Error;
use crate::transport::settings::{Settings, TlsStack, TrustRoots};

/// A checked configuration, shared by every session of a transport.
#[derive(Clone)]
pub(in crate::transport) struct TlsConfig(pub(super) Arc<ClientConfig>);

impl TlsConfig {
    pub(in crate::transport) fn new(settings: &Settings) -> Result<Self, Error> {
        if settings.tls_stack == TlsStack::System {
            // With the feature, this is not asked.
            return Err(missing_feature("tls", "the system's TLS", "native-tls"));
        }
        let provider = Arc::new(provider());
        let verifier = verifier(settings, &provider)?;
        let identity = identity(settings)?;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::setting("tls", error, "report it to caretoken"))?
            // "Dangerous" is rustls's word for any verifier that is not its own. This one checks
            // all that rustls's does, with the same library.
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match identity {
            None => builder.with_no_client_auth(),
            Some((chain, _)) if chain.first().is_some_and(|own| is_version_1(own)) => {
                return Err(version_1());
            }
            Some((chain, key)) => {
                let certified = certified(chain, key, &provider);
                let certified = certified.map_err(|error| refused_key(&error))?;
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(certified)))
            }
        };
        config.resumption = Resumption::store(Arc::new(Tickets::default()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(TlsConfig(Arc::new(config)))
    }
}

impl TlsConfig {
    /// The same, for a full handshake: it neither resumes a session nor remembers its own.
    pub(in crate::transport) fn without_resumption(&self) -> Self {
        let mut config = ClientConfig::clone(&self.0);
        config.resumption = Resumption::disabled();
        TlsConfig(Arc::new(config))
    }
}

/// rustls's algorithms, but in TLS 1.3 with AES-128-GCM first, as browsers have it: its handshake
/// needs SHA-256, for which processors have instructions, and not the slower SHA-384.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    provider.cipher_suites.sort_by_key(|known| known.suite() != TLS13_AES_128_GCM_SHA256);
    provider
}

/// Whoever judges servers.
fn verifier(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    #[cfg(all(feature = "platform-verifier", any(windows, target_vendor = "apple")))]
    if settings.roots == Some(TrustRoots::System) {
        return super::platform::verifier(settings, provider);
    }
    Ok(Arc::new(Verifier {
        anchors: anchors(settings.roots.unwrap_or_default(), settings.ca_pem.as_deref())?,
        crls: settings.crl_pem.as_deref().map_or(Ok(Vec::new()), revocation_lists)?,
        pins: parse_pins(settings)?,
        algorithms: provider.signature_verification_algorithms,
    }))
}

/// The CAs that are trusted, at least one.
fn anchors(
    roots: TrustRoots,
    ca_pem: Option<&[u8]>,
) -> Result<Cow<'static, [TrustAnchor<'static>]>, Error> {
    let mut anchors = match roots {
        TrustRoots::Bundled => Cow::Borrowed(webpki_roots::TLS_SERVER_ROOTS),
        TrustRoots::System => Cow::Owned(store::anchors()?),
        TrustRoots::None => Cow::Borrowed(&[][..]),
    };
    if let Some(pem) = ca_pem {
        for certificate in certificates("ca_pem", pem)? {
            let anchor =
                webpki::anchor_from_trusted_cert(&certificate).map_err(|_| unreadable("ca_pem"))?;
            anchors.to_mut().push(anchor.to_owned());
        }
    }
    if anchors.is_empty() {
        return Err(nobody_is_trusted());
    }
    Ok(anchors)
}

pub(super) fn nobody_is_trusted() -> Error {
    let problem = "is missing, and no other CA is trusted";
    Error::setting("ca_pem", problem, "give the CA's certificate")
}

pub(super) fn unreadable(field: &'static str) -> Error {
    Error::setting(field, "holds a certificate that cannot be read", GIVE_PEM)
}

/// The error for a setting that this build has no code for.
pub(super) fn missing_feature(field: &'static str, what: &str, feature: &str) -> Error {
    let problem = format!("asks for {what}, which this build of caretoken cannot use");
    let remedy = format!("build caretoken with the feature {feature}, or choose another {field}");
    Error::setting(field, problem, remedy)
}

/// The revocation lists in a PEM file, at least one.
fn revocation_lists(pem: &[u8]) -> Result<Vec<CertRevocationList<'static>>, Error> {
    const GIVE_LIST: &str = "give lists as PEM: -----BEGIN X509 CRL----- …";
    let mut lists = Vec::new();
    for der in CertificateRevocationListDer::pem_slice_iter(pem) {
        let der = der.map_err(|error| malformed("crl_pem", &error))?;
        let list = OwnedCertRevocationList::from_der(&der).map_err(|error| {
            let problem = format!("holds a list that cannot be read ({error})");
            Error::setting("crl_pem", problem, GIVE_LIST)
        })?;
        lists.push(list.into());
    }
    if lists.is_empty() {
        return Err(Error::setting("crl_pem", "holds no revocation list", GIVE_LIST));
    }
    Ok(lists)
}

const GIVE_PEM: &str = "give certificates as PEM: -----BEGIN CERTIFICATE----- …";

/// The certificates in a PEM file, at least one.
pub(super) fn certificates(
    field: &'static str,
    pem: &[u8],
) -> Result<Vec<CertificateDer<'static>>, Error> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(Error::setting(field, "holds no certificate", GIVE_PEM))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(malformed(field, &error)),
    }
}

/// What is wrong with a PEM text, without repeating any of it.
fn malformed(field: &'static str, error: &pem::Error) -> Error {
    let problem = match error {
        pem::Error::MissingSectionEnd { .. } => "is cut off: a section's END line is missing",
        pem::Error::IllegalSectionStart { .. } => "has a malformed BEGIN line",
        pem::Error::Base64Decode(_) => "has a section that is not base64",
        _ => "is not PEM",
    };
    Error::setting(field, problem, "give it as PEM, whole and unchanged")
}

type Identity = (Vec<CertificateDer<'static>>, KeyDer);

pub(super) fn identity(settings: &Settings) -> Result<Option<Identity>, Error> {
    match (&settings.client_cert_pem, &settings.client_key_pem) {
        (None, None) => Ok(None),
        (Some(chain), Some(key)) => {
            let chain = certificates("client_cert_pem", chain)?;
            Ok(Some((chain, private_key(key.expose_secret())?)))
        }
        (None, Some(_)) => Err(missing("client_cert_pem", "client_key_pem")),
        (Some(_), None) => Err(missing("client_key_pem", "client_cert_pem")),
    }
}

fn missing(field: &'static str, given: &str) -> Error {
    Error::setting(field, format!("is missing, but {given} is given"), "give both, or neither")
}

fn private_key(pem: &str) -> Result<KeyDer, Error> {
    const FIELD: &str = "client_key_pem";
    match KeyDer::from_pem(pem) {
        Ok(key) => Ok(key),
        Err(pem::Error::NoItemsFound) if pem.contains("ENCRYPTED") => {
            let remedy = "decrypt it first, for example with: openssl pkey -in key.pem";
            Err(Error::setting(FIELD, "is encrypted", remedy))
        }
        Err(pem::Error::NoItemsFound) => {
            Err(Error::setting(FIELD, "holds no private key", "give it as PKCS#8, PKCS#1 or SEC1"))
        }
        Err(error) => Err(malformed(FIELD, &error)),
    }
}

fn version_1() -> Error {
    let problem = "holds a certificate of X.509 version 1, which TLS libraries no longer take";
    let remedy = "ask who issued it for one of version 3, for client authentication \
                  (openssl x509 -req makes one with -extfile)";
    Error::setting("client_cert_pem", problem, remedy)
}

fn refused_key(error: &rustls::Error) -> Error {
    match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let problem = "does not belong to client_cert_pem";
            Error::setting("client_key_pem", problem, "give the key of the first certificate")
        }
        rustls::Error::InvalidCertificate(_) => unreadable("client_cert_pem"),
        _ => {
            let remedy = "use RSA with 2048 to 8192 bits, P-256, P-384 or Ed25519";
            Error::setting("client_key_pem", "is of a kind that is not supported", remedy)
        }
    }
}

pub(super) fn parse_pins(settings: &Settings) -> Result<Vec<Pin>, Error> {
    settings.pins.iter().map(|pin| parse_pin(pin)).collect()
}

fn parse_pin(pin: &str) -> Result<Pin, Error> {
    const REMEDY: &str = "give the base64 of the SHA-256 of the public key's DER form";
    let base64 = pin.strip_prefix("sha256/").unwrap_or(pin);
    let bytes = STANDARD
        .decode(base64)
        .map_err(|_| Error::setting("pins", "has an entry that is not base64", REMEDY))?;
    bytes.try_into().map_err(|bytes: Vec<u8>| {
        let problem = format!("has an entry of {} bytes, not 32", bytes.len());
        Error::setting("pins", problem, REMEDY)
    })
}
