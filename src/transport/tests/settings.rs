//! Bad settings are refused when the transport is made, and by name.

use std::net::Ipv4Addr;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rustls::pki_types::ServerName;

use super::peer::{Ca, settings, transport};
use crate::error::ErrorKind;
use crate::profile::base_url::endpoint;
use crate::secret::{Secret, SecretBuf};
use crate::transport::target::{Host, Target};
use crate::transport::{HttpsTransport, ProxyChoice, Roots, Settings};
use crate::vendor::pattern::PROFILE;

/// Checks that `settings` are refused because of `field`, with a message that has `problem`.
pub(super) fn refused(settings: Settings, field: &str, problem: &str) {
    let Err(error) = HttpsTransport::new(settings) else { panic!("{field} {problem} accepted") };
    assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some(field)), "{error}");
    assert!(error.message().contains(problem), "{error}");
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn the_defaults_are_good() {
    HttpsTransport::new(Settings { proxy: ProxyChoice::Off, ..Settings::default() }).unwrap();
    let _ = transport();
}

#[test]
fn a_ca_file_must_hold_certificates() {
    let good = Ca::trusted().pem.clone();
    let cut = good.replace("-----END CERTIFICATE-----", "");
    let garbled = good.replacen('M', "*", 1);
    let key = good.replace("CERTIFICATE", "PRIVATE KEY");
    let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned();
    for (pem, problem) in [
        (String::new(), "holds no certificate"),
        ("hunter2".to_owned(), "holds no certificate"),
        (key, "holds no certificate"),
        (cut, "END line is missing"),
        (garbled, "not base64"),
        (wrong, "cannot be read"),
    ] {
        let ca_pem = Some(pem.clone().into());
        refused(Settings { ca_pem, ..settings() }, "ca_pem", problem);
        let ca_pem = Some(pem.into());
        refused(Settings { ca_pem, roots: Some(Roots::Bundled), ..settings() }, "ca_pem", problem);
    }
    refused(Settings { ca_pem: None, ..settings() }, "ca_pem", "is missing");
}

#[test]
fn a_ca_file_may_hold_several_with_text_between() {
    let two = format!("# ours\n{}\nnext:\n{}", Ca::trusted().pem, Ca::new("Other").pem);
    HttpsTransport::new(Settings { ca_pem: Some(two.into()), ..settings() }).unwrap();
}

#[test]
fn a_client_certificate_and_its_key_must_fit() {
    let (one, other) = (Ca::trusted().vendor(), Ca::trusted().vendor());
    let with = |certificate: &str, key: &str| Settings {
        client_cert_pem: Some(certificate.into()),
        client_key_pem: Some(SecretBuf::from(key.as_bytes())),
        ..settings()
    };
    let (certificate, key) = (one.certificate_pem.as_str(), one.key.serialize_pem());
    HttpsTransport::new(with(certificate, &key)).unwrap();

    refused(with(certificate, &other.key.serialize_pem()), "client_key_pem", "does not belong");
    refused(with(certificate, "hunter2"), "client_key_pem", "holds no private key");
    refused(with(certificate, certificate), "client_key_pem", "holds no private key");
    let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
    refused(with(certificate, &encrypted), "client_key_pem", "is encrypted");
    let cut = key.replace("-----END PRIVATE KEY-----", "");
    refused(with(certificate, &cut), "client_key_pem", "END line is missing");
    refused(with("", &key), "client_cert_pem", "holds no certificate");
    let wrong = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    refused(with(wrong, &key), "client_cert_pem", "cannot be read");

    let alone = Settings { client_key_pem: None, ..with(certificate, &key) };
    refused(alone, "client_key_pem", "is missing");
    let alone = Settings { client_cert_pem: None, ..with(certificate, &key) };
    refused(alone, "client_cert_pem", "is missing");
}

/// Keys as `openssl` writes them; made for these tests, used nowhere.
#[test]
fn keys_in_every_usual_form_are_read() {
    for kind in ["pkcs1", "sec1", "pkcs8-rsa", "ed25519"] {
        let Some((certificate, key)) = super::peer::openssl_identity(kind) else { return };
        let settings = Settings {
            client_cert_pem: Some(certificate),
            client_key_pem: Some(SecretBuf::from(&key[..])),
            ..settings()
        };
        HttpsTransport::new(settings).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[cfg(not(feature = "platform-verifier"))]
#[test]
fn the_systems_store_needs_a_feature() {
    let settings = Settings { roots: Some(Roots::System), ..settings() };
    let Err(error) = HttpsTransport::new(settings) else { panic!("accepted") };
    assert_eq!(error.field(), Some("roots"));
    assert!(error.remedy().contains("feature platform-verifier"), "{error}");
}

#[cfg(not(feature = "native-tls"))]
#[test]
fn the_systems_tls_needs_a_feature() {
    let settings = Settings { tls_stack: crate::transport::TlsStack::System, ..settings() };
    let Err(error) = HttpsTransport::new(settings) else { panic!("accepted") };
    assert_eq!(error.field(), Some("tls"));
    assert!(error.remedy().contains("feature native-tls"), "{error}");
}

#[test]
fn a_revocation_file_must_hold_lists() {
    let good = Ca::trusted().revoking(&[7]);
    let cut = good.replace("-----END X509 CRL-----", "");
    let wrong = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n".to_owned();
    for (pem, problem) in [
        (String::new(), "holds no revocation list"),
        ("hunter2".to_owned(), "holds no revocation list"),
        (Ca::trusted().pem.clone(), "holds no revocation list"),
        (cut, "END line is missing"),
        (good.replacen('M', "*", 1), "not base64"),
        (format!("{good}{wrong}"), "cannot be read"),
    ] {
        refused(Settings { crl_pem: Some(pem.into()), ..settings() }, "crl_pem", problem);
    }
    let two = format!("# ours\n{good}\n{}", Ca::new("Other").revoking(&[7]));
    HttpsTransport::new(Settings { crl_pem: Some(two.into()), ..settings() }).unwrap();
}

#[test]
fn a_pin_is_the_base64_of_32_bytes() {
    for (pin, problem) in [
        ("", "0 bytes, not 32"),
        ("hunter2", "not base64"),
        ("aGVsbG8=", "5 bytes, not 32"),
        ("sha1/aGVsbG8=", "not base64"),
        ("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==", "34 bytes"),
    ] {
        refused(Settings { pins: vec![pin.into()], ..settings() }, "pins", problem);
    }
    let good = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    HttpsTransport::new(Settings { pins: vec![good.into()], ..settings() }).unwrap();
}

#[test]
fn a_proxy_url_must_make_sense() {
    let with = |url: &str| Settings { proxy: ProxyChoice::Url(Secret::from(url)), ..settings() };
    for (url, problem) in [
        ("", "neither"),
        ("http://", "host name"),
        ("http://user:hunter2@", "host name"),
        ("https://proxy:3128", "scheme"),
        ("ftp://proxy:3128", "scheme"),
        ("socks4://proxy:1080", "scheme"),
        ("http://proxy:0", "port"),
        ("http://proxy:65536", "port"),
        ("http://proxy:+1", "port"),
        ("http://proxy:hunter2", "port"),
        ("http://user:hunter2%zz@proxy:1", "percent-encoded"),
        ("http://user:hunter2%0d%0a@proxy:1", "percent-encoded"),
        ("http://pro xy:1", "white space"),
        ("of", "neither"),
        ("none", "neither"),
        ("direct", "neither"),
        ("Off", "neither"),
        ("proxy:3128", "neither"),
        ("user:hunter2@proxy:3128", "neither"),
        ("http://proxy:1/path", "path"),
        ("http://a.example/@b.example", "path"),
        ("http://a.example?@b.example", "path"),
        ("http://a.example#@b.example", "path"),
        ("http://user:hunter2/@proxy:1", "port"),
        ("http://user:hunter2@other@proxy:1", "percent-encoded"),
        ("http://a.example\\@b.example", "percent-encoded"),
        ("http://a:b:[::1]:80", "port"),
        ("http://[::1]x:80", "host name"),
        ("http://0x7f.1:80", "IPv4"),
        ("http://127.1", "IPv4"),
        ("http://[::1:3128", "host name"),
    ] {
        refused(with(url), "proxy", problem);
    }
    for url in [
        "http://proxy",
        "HTTP://proxy:3128/",
        "http://[::1]:3128",
        "http://user:p%40ss@proxy:3128",
        "http://user@proxy:3128",
        "socks5://10.0.0.1",
        "socks5h://proxy:1080",
    ] {
        HttpsTransport::new(with(url)).unwrap();
    }
}

#[test]
fn an_override_names_a_host() {
    let to = Ipv4Addr::LOCALHOST.into();
    for host in ["", "https://vendor.test", "vendor.test:443", "10.0.0.1", "a b", "münchen.test"] {
        let resolve = vec![(host.to_owned(), to)];
        refused(Settings { resolve, ..settings() }, "resolve", "not a valid DNS name");
    }
}

#[test]
fn a_user_agent_is_one_line() {
    let user_agent = "a\r\nb: c".into();
    refused(Settings { user_agent, ..settings() }, "user_agent", "characters");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    /// Else it would be refused at the first fetch only.
    #[test]
    fn a_base_url_that_a_client_takes_can_be_connected_to(
        authority in r"(\[[0-9a-f:.%]{1,12}\]|[a-zA-Z0-9._-]{1,8}|[0-9]{1,3}(\.[0-9]{0,3}){1,4}|[a-z.]{1,4}\.)(:[+0-9-]{0,5})?"
    ) {
        let base_url = format!("https://{authority}");
        if let Ok(url) = endpoint(&PROFILE, &base_url, false) {
            let target = Target::parse(&url);
            prop_assert!(target.is_ok(), "{url}: {target:?}");
            if let Host::Name(name) = target.unwrap().origin.host {
                let name = name.trim_end_matches('.').to_owned();
                prop_assert!(ServerName::try_from(name).is_ok(), "{url}");
            }
        }
    }
}
