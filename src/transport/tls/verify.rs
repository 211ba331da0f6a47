//! Whether a server is who it claims to be.

use std::borrow::Cow;
use std::fmt;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, KeyUsage, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath,
};

use super::pins::{Pin, is_pinned};
use super::refusal::{Check, Refusal};
use crate::der::sequence;

/// Verifies a server's certificate as rustls's own verifier does, and besides that compares pins
/// and says on failure which check failed and who issued the certificate.
pub(super) struct Verifier {
    pub(super) anchors: Cow<'static, [TrustAnchor<'static>]>,
    pub(super) crls: Vec<CertRevocationList<'static>>,
    pub(super) pins: Vec<Pin>,
    pub(super) algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |failed| Refusal::new(failed, end_entity, server_name).into_rustls();
        let certificate =
            EndEntityCert::try_from(end_entity).map_err(|error| refused(Check::from(error)))?;
        // A list counts, however old it is: it is read once, and what it revokes stays revoked.
        // A certificate whose issuer gave no list is accepted.
        let crls: Vec<_> = self.crls.iter().collect();
        let revocation = RevocationOptionsBuilder::new(&crls)
            .ok()
            .map(|lists| lists.with_status_policy(UnknownStatusPolicy::Allow).build());
        let path = certificate
            .verify_for_usage(
                self.algorithms.all,
                &self.anchors,
                intermediates,
                now,
                KeyUsage::server_auth(),
                revocation,
                None,
            )
            .map_err(|error| refused(Check::from(error)))?;
        certificate
            .verify_is_valid_for_subject_name(server_name)
            .map_err(|error| refused(Check::from(error)))?;
        if !self.pins.is_empty() && !self.has_pinned_key(&path) {
            return Err(refused(Check::Pin));
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl Verifier {
    /// Whether the server's key, or that of a CA on the path that was verified, is pinned.
    /// Certificates that the server merely sent along do not count: anybody can send those.
    fn has_pinned_key(&self, path: &VerifiedPath<'_>) -> bool {
        let own = path.end_entity().subject_public_key_info();
        let anchor = sequence(&path.anchor().subject_public_key_info);
        is_pinned(&self.pins, &own)
            || path
                .intermediate_certificates()
                .any(|certificate| is_pinned(&self.pins, &certificate.subject_public_key_info()))
            || is_pinned(&self.pins, &anchor)
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (anchors, pins) = (self.anchors.len(), self.pins.len());
        write!(f, "Verifier({anchors} anchors, {pins} pins)")
    }
}
