//! Certificates verified by Windows or macOS, whose stores are more than lists.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

use super::errors::unreadable;
use super::pem::certificates;
use super::pins::{Pin, is_pinned_server, parse_pins};
use super::refusal::{Check, Refusal};
use crate::error::Error;
use crate::transport::settings::Settings;

/// The system, with the CAs in `ca_pem` besides its own.
pub(super) fn verifier(
    settings: &Settings,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    if settings.crl_pem.is_some() {
        let problem = "has no effect where the system judges certificates";
        let remedy =
            "leave it out, revocation is the system's to check; or do not set roots=system";
        return Err(Error::setting("crl_pem", problem, remedy));
    }
    let provider = Arc::clone(provider);
    let system = match &settings.ca_pem {
        None => rustls_platform_verifier::Verifier::new(provider),
        Some(pem) => rustls_platform_verifier::Verifier::new_with_extra_roots(
            certificates("ca_pem", pem)?,
            provider,
        ),
    };
    let system = system.map_err(|error| match error {
        rustls::Error::InvalidCertificate(_) => unreadable("ca_pem"),
        _ => {
            let problem =
                format!("asks for the system's certificate store, which failed ({error})");
            Error::setting("roots", problem, "repair the store, or set roots=bundled")
        }
    })?;
    Ok(Arc::new(PlatformVerifier { system, pins: parse_pins(settings)? }))
}

/// The system's verifier, with our messages and pins. The system does not show the path that it found,
/// so pins are compared with the server's own key.
#[derive(Debug)]
struct PlatformVerifier {
    system: rustls_platform_verifier::Verifier,
    pins: Vec<Pin>,
}

impl ServerCertVerifier for PlatformVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let refused = |failed| Refusal::new(failed, end_entity, server_name).into_rustls();
        self.system
            .verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
            .map_err(|error| refused(check(error)))?;
        match is_pinned_server(&self.pins, end_entity) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(refused(Check::Pin)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.system.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.system.supported_verify_schemes()
    }
}

fn check(error: rustls::Error) -> Check {
    use rustls::CertificateError as E;
    let rustls::Error::InvalidCertificate(error) = error else {
        return Check::Other(error.to_string());
    };
    match error {
        // Windows does not tell one from the other.
        E::Expired => Check::Expired("has expired or is not valid yet".into()),
        E::ExpiredContext { time, not_after } => Check::expired(time, not_after),
        E::NotValidYet => Check::NotYetValid("is not valid yet".into()),
        E::NotValidYetContext { time, not_before } => Check::not_yet_valid(time, not_before),
        E::UnknownIssuer => Check::UnknownIssuer,
        E::NotValidForName => Check::WrongName { names: Vec::new() },
        E::NotValidForNameContext { presented, .. } => Check::WrongName { names: presented },
        E::Revoked => Check::Revoked,
        E::InvalidPurpose | E::InvalidPurposeContext { .. } => Check::Purpose,
        E::Other(other) => Check::Other(other.to_string()),
        other => Check::Other(other.to_string()),
    }
}
