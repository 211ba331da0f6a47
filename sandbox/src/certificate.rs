//! The certificate authority that lives as long as the sandbox, and what it certifies: the sandbox
//! itself, any host at the end of a tunnel, and clients.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The names that the sandbox has itself.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Certificates kept; beyond it all are made anew.
const CERTIFICATES_KEPT: usize = 1000;

pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    provider: Arc<CryptoProvider>,
    made: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl Authority {
    pub(crate) fn new() -> Result<Arc<Authority>, Failure> {
        let mut params = CertificateParams::default();
        params.distinguished_name = named("caretoken sandbox CA (not for real use)");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let authority = Authority {
            issuer: CertifiedIssuer::self_signed(params, key)?,
            provider: Arc::new(ring::default_provider()),
            made: Mutex::default(),
        };
        let own = Arc::new(authority.certify(&OWN_NAMES)?);
        {
            let mut made = authority.made.lock().unwrap_or_else(PoisonError::into_inner);
            made.extend(OWN_NAMES.map(|name| (name.to_owned(), Arc::clone(&own))));
        }
        Ok(Arc::new(authority))
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// Certificate and key of a client, in PEM.
    pub(crate) fn client(&self, name: &str) -> Result<(String, String), Failure> {
        let mut client = CertificateParams::new([])?;
        client.distinguished_name = named(name);
        client.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        client.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        Ok((client.signed_by(&key, &self.issuer)?.pem(), key.serialize_pem()))
    }

    /// The certificate for a host, made when it is first asked for.
    fn certified(&self, host: &str) -> Option<Arc<CertifiedKey>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(host) {
            return Some(Arc::clone(known));
        }
        if made.len() >= CERTIFICATES_KEPT {
            made.retain(|name, _| OWN_NAMES.contains(&name.as_str()));
        }
        let new = Arc::new(self.certify(&[host]).ok()?);
        made.insert(host.to_owned(), Arc::clone(&new));
        Some(new)
    }

    fn certify(&self, names: &[&str]) -> Result<CertifiedKey, Failure> {
        let subjects: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut server = CertificateParams::new(subjects)?;
        server.distinguished_name = named(names[0]);
        server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        server.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = server.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let key = self.provider.key_provider.load_private_key(key)?;
        Ok(CertifiedKey::new(vec![certificate.der().clone()], key))
    }
}

/// TLS with the sandbox's own certificate, and in tunnels with one for whichever host a client asks for.
#[derive(Clone)]
pub(crate) struct Tls {
    authority: Arc<Authority>,
    config: ServerConfig,
}

impl Tls {
    /// Where clients may show a certificate, it must be one of the authority's.
    pub(crate) fn new(authority: &Arc<Authority>, asks_for_clients: bool) -> Result<Tls, Failure> {
        let provider = Arc::clone(&authority.provider);
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(rustls::DEFAULT_VERSIONS)?;
        let builder = match asks_for_clients {
            false => builder.with_no_client_auth(),
            true => {
                let mut roots = RootCertStore::empty();
                roots.add(authority.issuer.der().clone())?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.allow_unauthenticated().build()?)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(Resolver {
            authority: Arc::clone(authority),
            host: OWN_NAMES[0].to_owned(),
            is_any_host: false,
        }));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Tls { authority: Arc::clone(authority), config })
    }

    /// For the sandbox's own address.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config.clone()))
    }

    /// For a host at the end of a tunnel; a client that asks for an address names none.
    pub(crate) fn acceptor_for(&self, host: &str) -> TlsAcceptor {
        let mut config = self.config.clone();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let authority = Arc::clone(&self.authority);
        config.cert_resolver = Arc::new(Resolver { authority, host, is_any_host: true });
        TlsAcceptor::from(Arc::new(config))
    }
}

struct Resolver {
    authority: Arc<Authority>,
    host: String,
    /// Whether it is whichever host the client names, and `host` where it names none.
    is_any_host: bool,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let named = hello.server_name().filter(|_| self.is_any_host);
        self.authority.certified(named.unwrap_or(&self.host))
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("host", &self.host).finish_non_exhaustive()
    }
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}
