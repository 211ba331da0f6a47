//! Bad settings are refused when the transport is made, and by name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::ServerName;

use super::peer::{Ca, post, settings, transport};
use crate::error::ErrorKind;
use crate::memory::Secret;
use crate::profile::Credentials;
use crate::transport::url::Host;
use crate::transport::{HttpsTransport, ProxyChoice, Settings, TrustRoots};
use crate::vendors::by_name;

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
        refused(
            Settings { ca_pem, roots: Some(TrustRoots::Bundled), ..settings() },
            "ca_pem",
            problem,
        );
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
        client_key_pem: Some(Secret::from(key)),
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

/// A certificate for `key` in the form of version 1: without version and extensions. Nobody looks at
/// its signature.
fn version_1(key: &KeyPair) -> String {
    let element = |tag, parts: &[&[u8]]| {
        let content = parts.concat();
        [&[tag, 0x82], &(content.len() as u16).to_be_bytes()[..], &content].concat()
    };
    let algorithm = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02"; // ecdsa-with-SHA256
    let (nobody, day) = (b"\x30\x00", b"\x17\x0d200101000000Z");
    let validity = element(0x30, &[day, day]);
    let parts = [
        &b"\x02\x01\x07"[..],
        algorithm,
        nobody,
        &validity,
        nobody,
        &key.subject_public_key_info(),
    ];
    let body = element(0x30, &parts);
    let certificate = element(0x30, &[&body, algorithm, b"\x03\x02\x00\x00"]);
    let base64 = base64::engine::general_purpose::STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n")
}

#[test]
fn a_client_certificate_of_version_1_is_told_as_such() {
    let key = KeyPair::generate().unwrap();
    let settings = Settings {
        client_cert_pem: Some(version_1(&key).into()),
        client_key_pem: Some(key.serialize_pem().into()),
        ..settings()
    };
    let Err(error) = HttpsTransport::new(settings) else { panic!("accepted") };
    assert_eq!(error.field(), Some("client_cert_pem"), "{error}");
    assert!(error.message().contains("X.509 version 1"), "{error}");
    assert!(error.remedy().contains("version 3"), "{error}");
}

/// Keys as `openssl` writes them; made for these tests, used nowhere.
#[test]
fn keys_in_every_usual_form_are_read() {
    for kind in ["pkcs1", "sec1", "pkcs8-rsa", "ed25519"] {
        let Some((certificate, key)) = super::peer::openssl_identity(kind) else { return };
        let settings = Settings {
            client_cert_pem: Some(certificate),
            client_key_pem: Some(Secret::from(String::from_utf8(key).unwrap())),
            ..settings()
        };
        HttpsTransport::new(settings).unwrap_or_else(|error| panic!("{kind}: {error}"));
    }
}

#[cfg(not(feature = "platform-verifier"))]
#[test]
fn the_systems_store_needs_a_feature() {
    let settings = Settings { roots: Some(TrustRoots::System), ..settings() };
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

/// What RFC 3986 reads in a URL: scheme, user information, host, port. A parser of its own, after
/// appendix B and §3.2, that shares nothing with the one under test.
fn by_the_rfc(url: &str) -> Option<(&str, Option<&str>, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, address) = match authority.matches('@').count() {
        0 => (None, authority),
        1 => authority.split_once('@').map(|(user, address)| (Some(user), address))?,
        _ => return None,
    };
    let end = if address.starts_with('[') {
        address.find(']')? + 1
    } else {
        address.find(':').unwrap_or(address.len())
    };
    let (host, port) = address.split_at(end);
    let port = if port.is_empty() { port } else { port.strip_prefix(':')? };
    let is_ip = host.starts_with('[') && host[1..host.len() - 1].parse::<Ipv6Addr>().is_ok();
    let in_a_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    let is_host = is_ip || host.bytes().all(in_a_name);
    (is_host && port.bytes().all(|byte| byte.is_ascii_digit()))
        .then_some((scheme, user, host, port))
}

/// Where every name leads in these tests. Nobody listens there.
const NOWHERE: Ipv4Addr = Ipv4Addr::new(127, 66, 77, 88);

/// Settings and a URL, and where a request with them went: the name looked up, if any, and the
/// address tried.
fn destination(settings: Settings, url: &str) -> (Option<String>, SocketAddr) {
    let looked_up = Arc::new(Mutex::new(None));
    let names = Arc::clone(&looked_up);
    let transport = HttpsTransport::with_lookup(settings, move |name| {
        *names.lock().unwrap() = Some(name.to_owned());
        Ok(vec![SocketAddr::new(NOWHERE.into(), 0)])
    });
    let error = post(&transport, url).unwrap_err();
    // `no connection (127.0.0.1:443: connection refused)`
    let address = error.message().split_once('(').unwrap().1.split(": ").next().unwrap();
    let name = looked_up.lock().unwrap().take();
    (name, address.parse().unwrap_or_else(|_| panic!("{url}: {error}")))
}

/// Checks that `went_to` is what the RFC reads in `url`.
fn check_destination(url: &str, usual_port: u16, went_to: (Option<String>, SocketAddr)) {
    let (_, _, host, port) = by_the_rfc(url).unwrap_or_else(|| panic!("{url} was accepted"));
    let port = if port.is_empty() { usual_port } else { port.parse().unwrap() };
    let host = host.to_ascii_lowercase();
    let (name, address) = went_to;
    assert_eq!(address.port(), port, "{url}");
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(ip) => assert_eq!((name, address.ip()), (None, ip), "{url}"),
        Err(_) => assert_eq!((name, address.ip()), (Some(host), NOWHERE.into()), "{url}"),
    }
}

/// Whether it can be tried: nothing leaves this machine, and nobody listens there.
fn is_safe(url: &str) -> bool {
    let host = by_the_rfc(url).map_or("", |(_, _, host, _)| host);
    let ip = host.trim_matches(['[', ']']).parse::<IpAddr>().map(|ip| ip.to_canonical());
    ip.map_or(true, |ip| ip.is_loopback() && ip.is_ipv4() && ip != Ipv4Addr::LOCALHOST)
}

/// Windows takes two seconds to tell that nobody listens.
const CASES: u32 = if cfg!(windows) { 50 } else { 4000 };

/// Something like an authority, mostly a wrong one.
const AUTHORITY: &str = "([a-z:@%0-9]{0,4}@)?\
    ([a-z][a-zA-Z0-9._-]{0,7}|[0-9x]{1,4}(\\.[0-9xa]{0,4}){0,4}|\\[[0-9a-fx:.%]{1,9}\\]|\
    127\\.0\\.9\\.[2-9]|\\[::ffff:127\\.0\\.9\\.[2-9]\\]|localhost)\
    [a-z.\\\\]?(:[+0-9a-]{0,5})?(/|/@b\\.example|\\?x|#y|@b|:1)?";

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() })]

    #[test]
    fn a_base_url_that_builds_leads_where_the_rfc_says(authority in AUTHORITY) {
        let base_url = format!("https://{authority}");
        let mut credentials = Credentials::new(by_name("pattern").unwrap());
        let set = credentials.set("base_url", base_url.as_str().into());
        let url = set.and_then(|()| credentials.way(false)).ok();
        if let (Some(url), true) = (url, is_safe(&base_url)) {
            check_destination(&base_url, 443, destination(settings(), url.as_str()));
            if let Host::Name(name) = &url.origin().host {
                let name = name.trim_end_matches('.').to_owned();
                prop_assert!(ServerName::try_from(name).is_ok(), "{url}");
            }
        }
    }

    #[test]
    fn a_proxy_that_builds_leads_where_the_rfc_says(
        scheme in "(http|socks5|socks5h|HTTP)",
        authority in AUTHORITY,
    ) {
        let url = format!("{scheme}://{authority}");
        let settings = Settings { proxy: ProxyChoice::Url(Secret::from(&*url)), ..settings() };
        if HttpsTransport::new(settings.clone()).is_ok() && is_safe(&url) {
            let usual_port = if scheme.starts_with("socks") { 1080 } else { 80 };
            check_destination(&url, usual_port, destination(settings, "https://vendor.test/"));
        }
    }
}
