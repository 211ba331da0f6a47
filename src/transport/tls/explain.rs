//! The error for a failed handshake: what it means, and what to do about it.

use rustls::{AlertDescription, CertificateError, PeerIncompatible};

use super::refusal::Refusal;
use crate::error::{Error, ErrorKind, ErrorPhase};

/// The error for `error`, met in `phase` while talking to `peer` (`host:port` or its address).
pub(super) fn explain(error: &rustls::Error, peer: &str, phase: ErrorPhase) -> Error {
    if let Some(refusal) = refusal(error) {
        return tls(phase, format!("{refusal} (at {peer})"), Some(refusal.remedy()));
    }
    match error {
        rustls::Error::AlertReceived(alert) => from_alert(*alert, peer, phase),
        rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        ) => tls(phase, format!("{peer} offers no TLS newer than 1.1"), Some(OLD)),
        rustls::Error::PeerIncompatible(what) => {
            tls(phase, format!("{peer} and caretoken have no TLS in common ({what:?})"), Some(OLD))
        }
        rustls::Error::InvalidMessage(_) | rustls::Error::PeerSentOversizedRecord => {
            tls(phase, format!("{peer} answered with something that is not TLS"), Some(NOT_TLS))
        }
        rustls::Error::NoApplicationProtocol => {
            tls(phase, format!("{peer} does not speak HTTP/1.1"), Some(NOT_TLS))
        }
        other => tls(phase, format!("TLS with {peer} failed: {other}"), None),
    }
}

/// The error when `peer` ends the connection during the handshake without an alert.
pub(super) fn hung_up(peer: &str) -> Error {
    let message = format!("{peer} closed the connection during the TLS handshake");
    Error::new(ErrorKind::ConnectionLost, ErrorPhase::Tls).with_message(message).with_remedy(
        "look for a firewall or proxy that cuts TLS; the server may also insist on another TLS \
         version or a client certificate",
    )
}

const OLD: &str = "the server's or proxy's owner must allow TLS 1.2 or 1.3";
const NOT_TLS: &str =
    "check the port in base_url; a portal or proxy may answer in the server's place";
const GIVE_CERTIFICATE: &str = "set client_cert_pem and client_key_pem to what the vendor issued";

fn refusal(error: &rustls::Error) -> Option<&Refusal> {
    match error {
        rustls::Error::InvalidCertificate(CertificateError::Other(other)) => other.0.downcast_ref(),
        _ => None,
    }
}

fn from_alert(alert: AlertDescription, peer: &str, phase: ErrorPhase) -> Error {
    use AlertDescription as A;
    match alert {
        A::ProtocolVersion => {
            tls(phase, format!("{peer} accepts neither TLS 1.2 nor 1.3"), Some(OLD))
        }
        // The server rejected the client's certificate, so it has not looked at any request, even if
        // one was sent already, as TLS 1.3 allows.
        A::CertificateRequired => tls(
            ErrorPhase::Tls,
            format!("{peer} wants a client certificate"),
            Some(GIVE_CERTIFICATE),
        ),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => {
            let message = format!("{peer} refused the client certificate ({})", words(alert));
            tls(ErrorPhase::Tls, message, Some(GIVE_CERTIFICATE))
        }
        A::UnrecognisedName => {
            tls(phase, format!("{peer} knows no server of this name"), Some("check base_url"))
        }
        _ => tls(phase, format!("{peer} broke off the handshake ({})", words(alert)), None),
    }
}

/// `UnknownCA` as `unknown ca`.
fn words(alert: AlertDescription) -> String {
    let mut words = String::new();
    let mut after_lower = false;
    for letter in format!("{alert:?}").chars() {
        if letter.is_ascii_uppercase() && after_lower {
            words.push(' ');
        }
        after_lower = letter.is_ascii_lowercase();
        words.push(letter.to_ascii_lowercase());
    }
    words
}

fn tls(phase: ErrorPhase, message: String, remedy: Option<&'static str>) -> Error {
    let error = Error::new(ErrorKind::Tls, phase).with_message(message);
    match remedy {
        Some(remedy) => error.with_remedy(remedy),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_put_into_words() {
        assert_eq!(words(AlertDescription::UnknownCA), "unknown ca");
        assert_eq!(words(AlertDescription::HandshakeFailure), "handshake failure");
        let error = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        let error = explain(&error, "10.0.0.1:443", ErrorPhase::Receive);
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Tls, ErrorPhase::Tls));
        assert_eq!(error.message(), "10.0.0.1:443 wants a client certificate");
    }
}
