//! Why a server's certificate was refused, and what to do about it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, OtherError};
use webpki::EndEntityCert;

use super::certificate::display_name;
use crate::date::http_date;

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
        CertificateError::Other(OtherError(Arc::new(self))).into()
    }

    /// What to do about it.
    pub(super) fn remedy(&self) -> &'static str {
        match self.failed {
            Check::Expired(_) => {
                "compare this machine's clock with the right time; if it is right, the server's \
                 certificate must be renewed by its owner"
            }
            Check::NotYetValid(_) => "set this machine's clock: it seems to be slow",
            Check::CaAsServer => {
                "the server's owner must replace it by one that is not a CA's (openssl req -x509 \
                 makes one with -addext basicConstraints=critical,CA:FALSE); if that is \
                 self-signed or from a private CA, add it or that CA's to ca_pem"
            }
            Check::UnknownIssuer => {
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

/// A name from a certificate, without what could harm a log. webpki gives it as `DnsName("…")`.
fn plain(name: &str) -> String {
    let inner = ["DnsName(", "IpAddress(", "UniformResourceIdentifier("].into_iter();
    let inner = inner.filter_map(|kind| name.strip_prefix(kind)?.strip_suffix(')')).next();
    let shown = inner.unwrap_or(name).trim_matches('"');
    shown.chars().filter(|c| !c.is_control()).take(80).collect()
}

fn date(time: UnixTime) -> String {
    let unix_ms = i64::try_from(time.as_secs()).ok().and_then(|seconds| seconds.checked_mul(1000));
    unix_ms.and_then(http_date).unwrap_or_else(|| "an impossible date".to_owned())
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
