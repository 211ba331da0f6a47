//! What revocation lists refuse, and what they leave alone.

use std::io::Write;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::peer::{Ca, HOST, Identity, OK, Peer, post, read_request, settings};
use super::trust::serving;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::transport::{HttpsTransport, Response, Settings};

fn numbered(ca: &Ca, serial: u64) -> Identity {
    ca.issue(&[HOST], |params| params.serial_number = Some(serial.into()))
}

/// A POST to `peer` by a client with these lists.
fn checked(lists: &[String], peer: &Peer) -> Result<Response, Error> {
    let crl_pem = Some(lists.concat().into());
    post(&HttpsTransport::new(Settings { crl_pem, ..settings() }).unwrap(), peer.url())
}

#[test]
fn a_certificate_on_its_issuers_list_is_refused_and_no_other() {
    let lists = [Ca::new("Other CA").revoking(&[8]), Ca::trusted().revoking(&[6, 7])];
    let error = checked(&lists, &serving(&numbered(Ca::trusted(), 7))).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls));
    assert!(error.message().contains("issued by \"Trusted Test CA\", was revoked"), "{error}");
    // The other CA revoked a number of its own.
    assert_eq!(checked(&lists, &serving(&numbered(Ca::trusted(), 8))).unwrap().status(), 200);
}

#[test]
fn a_certificate_whose_issuer_gave_no_list_is_not_checked() {
    let lists = [Ca::new("Other CA").revoking(&[7])];
    assert_eq!(checked(&lists, &serving(&numbered(Ca::trusted(), 7))).unwrap().status(), 200);
}

/// Presents the certificate of the CA between, too.
fn serving_below(ca: &Ca, certificate: CertificateDer<'static>) -> Peer {
    let identity = ca.vendor();
    let key = PrivateKeyDer::Pkcs8(identity.key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![identity.certificate, certificate], key)
        .unwrap();
    Peer::tls(Arc::new(config), |_, stream| {
        while read_request(stream).is_ok() && stream.write_all(OK).is_ok() {}
    })
}

#[test]
fn a_ca_between_may_be_revoked_too() {
    let (below, certificate) = Ca::trusted().intermediate("Issuing CA", 9);
    let peer = serving_below(&below, certificate);
    let error = checked(&[Ca::trusted().revoking(&[9])], &peer).unwrap_err();
    assert!(error.message().contains("was revoked"), "{error}");
    assert_eq!(checked(&[Ca::trusted().revoking(&[7])], &peer).unwrap().status(), 200);
}

#[test]
fn a_list_that_its_issuer_did_not_sign_makes_an_error_that_says_so() {
    let lists = [Ca::new("Trusted Test CA").revoking(&[6])];
    let error = checked(&lists, &serving(&numbered(Ca::trusted(), 7))).unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls));
    assert!(error.message().contains("revocation list cannot be used"), "{error}");
    assert!(error.remedy().contains("crl_pem"), "{error}");
}
