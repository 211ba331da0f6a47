//! Whether a server is who it claims to be.

use std::borrow::Cow;
use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use ring::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};
use webpki::{
    CertRevocationList, EndEntityCert, KeyUsage, RevocationOptionsBuilder, UnknownStatusPolicy,
    VerifiedPath,
};

use super::names::{display_name, sequence};

/// The SHA-256 of a public key (its DER `SubjectPublicKeyInfo`).
pub(super) type Pin = [u8; 32];

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
        // Whose issuer gave none may be good.
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

fn is_pinned(pins: &[Pin], key: &[u8]) -> bool {
    let digest = digest(&SHA256, key);
    pins.iter().any(|pin| pin == digest.as_ref())
}

/// Whether the server's own key is pinned, if any is: for systems that show no more of the path.
#[cfg(any(
    feature = "native-tls",
    all(feature = "platform-verifier", any(windows, target_vendor = "apple"))
))]
pub(super) fn is_pinned_server(pins: &[Pin], end_entity: &CertificateDer<'_>) -> bool {
    pins.is_empty()
        || EndEntityCert::try_from(end_entity)
            .is_ok_and(|parsed| is_pinned(pins, &parsed.subject_public_key_info()))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (anchors, pins) = (self.anchors.len(), self.pins.len());
        write!(f, "Verifier({anchors} anchors, {pins} pins)")
    }
}

/// The check that a certificate did not pass.
#[derive(Clone, Debug)]
pub(super) enum Check {
    /// With what is known of the time.
    Expired(Cow<'static, str>),
    NotYetValid(Cow<'static, str>),
    UnknownIssuer,
    WrongName {
        names: Vec<String>,
    },
    Revoked,
    /// The issuer's revocation list cannot be used.
    List(String),
    CaAsServer,
    Algorithm,
    Purpose,
    Pin,
    Other(String),
}

impl From<webpki::Error> for Check {
    fn from(error: webpki::Error) -> Self {
        use webpki::Error as E;
        match error {
            E::CertExpired { time, not_after } => Check::expired(time, not_after),
            E::CertNotValidYet { time, not_before } => Check::not_yet_valid(time, not_before),
            E::UnknownIssuer => Check::UnknownIssuer,
            E::CertNotValidForName(context) => Check::WrongName { names: context.presented },
            E::CertRevoked => Check::Revoked,
            E::CaUsedAsEndEntity => Check::CaAsServer,
            E::UnsupportedSignatureAlgorithmContext(_)
            | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Check::Algorithm,
            E::RequiredEkuNotFoundContext(_) => Check::Purpose,
            E::InvalidCrlSignatureForPublicKey
            | E::UnsupportedCrlSignatureAlgorithmContext(_)
            | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_)
            | E::IssuerNotCrlSigner => Check::List(error.to_string()),
            other => Check::Other(other.to_string()),
        }
    }
}

impl Check {
    pub(super) fn expired(now: UnixTime, end: UnixTime) -> Check {
        Check::Expired(format!("expired on {}: {} ago", date(end), skew(now, end)).into())
    }

    pub(super) fn not_yet_valid(now: UnixTime, start: UnixTime) -> Check {
        Check::NotYetValid(format!("is valid from {}: in {}", date(start), skew(now, start)).into())
    }
}

/// Why a certificate was refused. It travels through rustls as an [`OtherError`].
#[derive(Debug)]
pub(super) struct Refusal {
    failed: Check,
    host: String,
    issuer: Option<String>,
    self_signed: bool,
}

impl Refusal {
    pub(super) fn new(
        failed: Check,
        end_entity: &CertificateDer<'_>,
        host: &ServerName<'_>,
    ) -> Self {
        let certificate = EndEntityCert::try_from(end_entity).ok();
        let issuer = certificate.as_ref().and_then(|c| display_name(c.issuer()));
        let self_signed = certificate.as_ref().is_some_and(|c| c.issuer() == c.subject());
        Refusal { failed, host: host.to_str().into_owned(), issuer, self_signed }
    }

    pub(super) fn into_rustls(self) -> rustls::Error {
        CertificateError::Other(OtherError(std::sync::Arc::new(self))).into()
    }

    /// What to do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self.failed {
            Check::Expired(_) => {
                "compare this machine's clock with the right time; if it is right, the server's \
                 certificate must be renewed by its owner"
            }
            Check::NotYetValid(_) => "set this machine's clock: it seems to be slow",
            Check::UnknownIssuer | Check::CaAsServer => {
                "if the issuer is your own network's TLS inspection or a private CA, add its \
                 certificate to ca_pem; otherwise somebody answers in the server's place"
            }
            Check::WrongName { .. } => {
                "check base_url; a portal or proxy may answer in the server's place"
            }
            Check::Revoked => "do not use this server; tell its owner",
            Check::List(_) => {
                "in crl_pem, put this issuer's own list in place of the one that bears its name"
            }
            Check::Algorithm | Check::Purpose | Check::Other(_) => {
                "the server's owner must replace the certificate"
            }
            Check::Pin => {
                "ask the vendor whether its keys changed and set the new pins; otherwise somebody \
                 answers in the server's place"
            }
        }
    }
}

/// `the certificate of api.example.com, issued by X, expired on …`
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the certificate of {}", self.host)?;
        match &self.issuer {
            _ if self.self_signed => f.write_str(", self-signed")?,
            Some(issuer) => write!(f, ", issued by \"{issuer}\"")?,
            None => {}
        }
        match &self.failed {
            Check::Expired(how) | Check::NotYetValid(how) => {
                write!(f, ", {how} by this machine's clock")
            }
            Check::UnknownIssuer => f.write_str(", comes from an issuer that is not trusted"),
            Check::WrongName { names } if names.is_empty() => f.write_str(", is for other names"),
            Check::WrongName { names } => {
                let shown: Vec<_> = names.iter().take(4).map(|name| plain(name)).collect();
                write!(f, ", is for other names: {}", shown.join(", "))
            }
            Check::Revoked => f.write_str(", was revoked"),
            Check::List(why) => {
                write!(f, ", has an issuer whose revocation list cannot be used: {why}")
            }
            Check::CaAsServer => f.write_str(", is a CA's certificate, not a server's"),
            Check::Algorithm => {
                f.write_str(", is signed with an algorithm that is not accepted, such as SHA-1")
            }
            Check::Purpose => f.write_str(", is not meant for servers"),
            Check::Pin => f.write_str(", has a key that is none of the pinned ones"),
            Check::Other(why) => write!(f, ", cannot be used: {why}"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A name from a certificate, as webpki prints it, without what could harm a log.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn date(time: UnixTime) -> String {
    let time = UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    time.map_or_else(|| "an impossible date".into(), crate::transport::date::date)
}

/// The time between two dates, in the largest unit that says something.
fn skew(a: UnixTime, b: UnixTime) -> String {
    let seconds = a.as_secs().abs_diff(b.as_secs());
    let (count, unit) = match seconds {
        0..120 => (seconds, "s"),
        120..7_200 => (seconds / 60, "minutes"),
        7_200..172_800 => (seconds / 3_600, "hours"),
        _ => (seconds / 86_400, "days"),
    };
    format!("{count} {unit}")
}
