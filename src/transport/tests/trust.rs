//! Which servers are believed, and what is said of the others.

use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PublicKeyData, date_time_ymd};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

use super::peer::{Ca, HOST, Identity, OK, Peer, post, read_request, settings, transport};
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::memory::Secret;
use crate::transport::{HttpsTransport, Settings};

pub(super) fn serving(identity: &Identity) -> Peer {
    Peer::tls(identity.server_config(), |_, stream| {
        while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {}
    })
}

fn refusal(identity: &Identity) -> Error {
    let peer = serving(identity);
    let error = post(&transport(), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    assert!(error.message().contains(HOST), "{error}");
    assert!(error.message().contains(&peer.address.to_string()), "{error}");
    error
}

#[test]
fn an_expired_certificate_is_told_with_the_skew() {
    let expired = Ca::trusted().issue(&[HOST], |params| {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2021, 1, 1);
    });
    let error = refusal(&expired);
    assert!(error.message().contains("expired on Fri, 01 Jan 2021 00:00:00 GMT"), "{error}");
    assert!(error.message().contains("days ago"), "{error}");
    assert!(error.remedy().contains("clock"), "{error}");
}

#[test]
fn a_future_certificate_is_told_with_the_skew() {
    let future = Ca::trusted().issue(&[HOST], |params| {
        params.not_before = date_time_ymd(2090, 1, 1);
        params.not_after = date_time_ymd(2091, 1, 1);
    });
    let error = refusal(&future);
    assert!(error.message().contains("valid from Sun, 01 Jan 2090"), "{error}");
    assert!(error.remedy().contains("clock"), "{error}");
}

#[test]
fn an_unknown_issuer_is_named() {
    let inspecting = Ca::new("Hospital TLS Inspection");
    let error = refusal(&inspecting.vendor());
    assert!(error.message().contains("\"Hospital TLS Inspection\""), "{error}");
    assert!(error.message().contains("not trusted"), "{error}");
    assert!(error.remedy().contains("ca_pem"), "{error}");
}

#[test]
fn a_wrong_host_name_is_told_with_the_right_ones() {
    let error = refusal(&Ca::trusted().issue(&["other.test", "10.0.0.1", "*.test.test"], |_| {}));
    let named = "is for other names: other.test, 10.0.0.1, *.test.test (at";
    assert!(error.message().contains(named), "{error}");
}

fn self_signed(is_ca: IsCa) -> Identity {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([HOST.to_owned()]).unwrap();
    params.is_ca = is_ca;
    let certificate = params.self_signed(&key).unwrap();
    let certificate_pem = certificate.pem();
    Identity { certificate: certificate.into(), certificate_pem, key }
}

#[test]
fn a_self_signed_certificate_is_told_so() {
    assert!(refusal(&self_signed(IsCa::NoCa)).message().contains("self-signed"));
}

#[test]
fn the_remedy_for_a_ca_that_is_its_own_server_helps() {
    let fetch = |identity: &Identity| {
        let ca_pem = Some(identity.certificate_pem.clone().into_bytes());
        let transport = HttpsTransport::new(Settings { ca_pem, ..settings() }).unwrap();
        post(&transport, serving(identity).url())
    };
    let error = fetch(&self_signed(IsCa::Ca(BasicConstraints::Unconstrained))).unwrap_err();
    assert!(error.message().contains("is a CA's certificate, not a server's"), "{error}");
    assert!(error.remedy().contains("basicConstraints=critical,CA:FALSE"), "{error}");
    assert!(error.remedy().contains("add it or that CA's to ca_pem"), "{error}");
    assert_eq!(fetch(&self_signed(IsCa::ExplicitNoCa)).unwrap().status(), 200);
}

#[test]
fn an_ip_address_is_verified_too() {
    let peer = serving(&Ca::trusted().vendor());
    let by_address = format!("https://{}/token", peer.address);
    assert_eq!(post(&transport(), by_address).unwrap().status(), 200);
    let peer = serving(&Ca::trusted().issue(&[HOST], |_| {}));
    let by_address = format!("https://{}/token", peer.address);
    assert_eq!(post(&transport(), by_address).unwrap_err().kind(), ErrorKind::Tls);
}

#[test]
fn the_bundled_roots_do_not_include_a_test_ca() {
    let peer = serving(&Ca::trusted().vendor());
    let bundled = Settings { roots: Default::default(), ca_pem: None, ..settings() };
    let error = post(&HttpsTransport::new(bundled).unwrap(), peer.url()).unwrap_err();
    assert!(error.message().contains("Trusted Test CA"), "{error}");
    let both = Settings { roots: Default::default(), ..settings() };
    assert_eq!(post(&HttpsTransport::new(both).unwrap(), peer.url()).unwrap().status(), 200);
}

pub(super) fn pin(key: &impl PublicKeyData) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, &key.subject_public_key_info());
    STANDARD.encode(digest)
}

fn pinned(pins: &[String]) -> HttpsTransport {
    HttpsTransport::new(Settings { pins: pins.to_vec(), ..settings() }).unwrap()
}

#[test]
fn a_pinned_key_must_be_the_servers_or_its_cas() {
    let identity = Ca::trusted().vendor();
    let peer = serving(&identity);
    let (own, other) = (pin(&identity.key), pin(&KeyPair::generate().unwrap()));
    let ca = CertificateDer::from_pem_slice(Ca::trusted().pem.as_bytes()).unwrap();
    let ca = webpki::EndEntityCert::try_from(&ca).unwrap().subject_public_key_info();
    let ca = STANDARD.encode(ring::digest::digest(&ring::digest::SHA256, &ca));
    for pins in [vec![own.clone()], vec![other.clone(), format!("sha256/{own}")], vec![ca]] {
        assert_eq!(post(&pinned(&pins), peer.url()).unwrap().status(), 200);
    }
    let error = post(&pinned(&[other]), peer.url()).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls));
    assert!(error.message().contains("pinned"), "{error}");
}

#[test]
fn a_certificate_that_is_merely_sent_along_satisfies_no_pin() {
    let identity = Ca::trusted().vendor();
    let decoy = Ca::new("Decoy").vendor();
    let key = PrivateKeyDer::Pkcs8(identity.key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![identity.certificate.clone(), decoy.certificate.clone()];
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let peer = Peer::tls(Arc::new(config), |_, _| {});
    let error = post(&pinned(&[pin(&decoy.key)]), peer.url()).unwrap_err();
    assert!(error.message().contains("pinned"), "{error}");
}

/// A peer that insists on a client certificate from the trusted CA.
pub(super) fn mutual(version: &'static rustls::SupportedProtocolVersion) -> Peer {
    let identity = Ca::trusted().vendor();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(Ca::trusted().pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(
            vec![identity.certificate.clone()],
            PrivateKeyDer::Pkcs8(identity.key.serialize_der().into()),
        )
        .unwrap();
    Peer::tls(Arc::new(config), |_, stream| {
        while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {}
    })
}

pub(super) fn with_identity(identity: &Identity) -> HttpsTransport {
    HttpsTransport::new(Settings {
        client_cert_pem: Some(identity.certificate_pem.clone().into()),
        client_key_pem: Some(Secret::from(identity.key.serialize_pem())),
        ..settings()
    })
    .unwrap()
}

#[test]
fn a_client_certificate_is_shown_where_it_is_asked_for() {
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer = mutual(version);
        let own = Ca::trusted().issue(&["clinic.test"], |_| {});
        assert_eq!(post(&with_identity(&own), peer.url()).unwrap().status(), 200);

        let error = post(&transport(), peer.url()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
        assert!(error.remedy().contains("client_cert_pem"), "{error}");

        let foreign = Ca::new("Foreign CA").issue(&["clinic.test"], |_| {});
        let error = post(&with_identity(&foreign), peer.url()).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls), "{error}");
    }
}

#[test]
fn a_certificate_chain_larger_than_a_record_is_read() {
    let many: Vec<String> = (0..1500).map(|n| format!("host-{n}.vendor.test")).collect();
    let mut names: Vec<&str> = many.iter().map(String::as_str).collect();
    names.push(HOST);
    let peer = serving(&Ca::trusted().issue(&names, |_| {}));
    assert_eq!(post(&transport(), peer.url()).unwrap().status(), 200);
}

#[test]
fn a_server_learns_why_it_was_refused() {
    let (sender, seen) = std::sync::mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let config = Ca::new("Unknown").vendor().server_config();
    let peer = Peer::tls(config, move |_, stream| {
        let error = read_request(stream).unwrap_err();
        sender.lock().unwrap().send(error.to_string()).unwrap();
    });
    post(&transport(), peer.url()).unwrap_err();
    let seen = seen.recv().unwrap();
    assert!(seen.contains("CertificateUnknown"), "{seen}");
}
