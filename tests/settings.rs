//! Bad settings are named when the client is built, with a remedy and never with their value.

mod support;

use std::sync::Arc;
use std::time::Duration;

use caretoken::{Client, ClientBuilder, Edvak, ErrorKind, ErrorPhase, Pattern};
use support::{Script, edvak, ehealth, parchment, pattern};

/// Builds with an injected transport, so that no other setting matters.
fn wrong(builder: ClientBuilder) -> (String, String, String) {
    let error = builder.transport(Script::new()).build().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (ErrorKind::InvalidSetting, ErrorPhase::Configure));
    assert!(!error.remedy().is_empty());
    let field = error.field().unwrap().to_owned();
    (field, error.message().to_owned(), error.to_string())
}

#[test]
fn a_required_credential_that_is_empty_is_named() {
    let (field, message, _) = wrong(Client::builder(Pattern {
        base_url: "https://pattern.example".into(),
        client_id: "fake-client".into(),
        client_secret: "".into(),
    }));
    assert_eq!((field.as_str(), message.as_str()), ("client_secret", "client_secret is empty"));
}

#[test]
fn a_missing_credential_is_named() {
    let mut builder = ClientBuilder::by_name("pattern").unwrap();
    builder = builder.set("base_url", "https://pattern.example").unwrap();
    builder = builder.set("client_id", "fake-client").unwrap();
    assert_eq!(wrong(builder).1, "client_secret is missing");
}

#[test]
fn a_value_that_a_header_cannot_carry_is_named_and_not_shown() {
    for value in ["fake\r\nx-evil: 1", "fake\0value", "fäke-value"] {
        let error = parchment().set("partner_secret", value).unwrap_err();
        assert_eq!(error.field(), Some("partner_secret"));
        let shown = error.to_string();
        assert!(!shown.contains("fake") && !shown.contains("fäke"), "{shown}");
    }
}

#[test]
fn a_colon_in_a_basic_client_id_is_refused() {
    let error = pattern().set("client_id", "fake:client").unwrap_err();
    assert_eq!(error.field(), Some("client_id"));
    assert!(error.message().contains("colon"), "{error}");
}

#[test]
fn a_base_url_that_is_set_again_replaces_one_that_was_wrong() {
    let pattern = |base_url: &str| {
        Client::builder(Pattern {
            base_url: base_url.into(),
            client_id: "fake-client".into(),
            client_secret: "fake-client-secret".into(),
        })
    };
    assert_eq!(wrong(pattern("")).1, "base_url is empty");
    pattern("").set("base_url", "https://pattern.example").unwrap().build().unwrap();
}

#[test]
fn the_first_thing_that_is_wrong_is_reported() {
    let builder = Client::builder(Pattern {
        base_url: "https://pattern.example".into(),
        client_id: "a:b".into(),
        client_secret: "".into(),
    });
    assert_eq!(wrong(builder.timeout(Duration::ZERO)).0, "client_id");
}

#[test]
fn a_bad_base_url_is_refused_and_user_information_in_it_not_shown() {
    for base_url in [
        "https://pattern.example/",
        "https://pattern.example/api",
        "https://pattern.example?tenant=1",
        "https://fake-user:fake-pass@pattern.example",
        "http://pattern.example",
        "pattern.example",
        "",
    ] {
        let (field, _, shown) = wrong(Client::builder(Pattern {
            base_url: base_url.into(),
            client_id: "fake-client".into(),
            client_secret: "fake-client-secret".into(),
        }));
        assert_eq!(field, "base_url", "{base_url}");
        assert!(!shown.contains("fake-"), "{shown}");
    }
}

#[test]
fn plain_http_is_for_loopback_and_only_when_asked_for() {
    let at = |base_url: &str| {
        Client::builder(Edvak {
            base_url: base_url.into(),
            client_id: "fake".into(),
            client_secret: "fake".into(),
            username: "fake".into(),
            password: "fake".into(),
        })
        .transport(Script::new())
    };
    assert!(at("http://127.0.0.1:8080").build().is_err());
    assert!(at("http://127.0.0.1:8080").plain_http_to_loopback(true).build().is_ok());
    assert!(at("http://192.0.2.1:8080").plain_http_to_loopback(true).build().is_err());
}

#[test]
fn parchment_requires_a_scope_and_the_others_take_none() {
    assert_eq!(wrong(parchment().scopes([""; 0])).1, "scopes are missing");
    assert_eq!(
        wrong(edvak().scopes(["email"])).1,
        "scopes cannot be requested: edvak decides itself"
    );
    for scope in ["", "two words", "quo\"te", "back\\slash", "line\nbreak", "ümlaut"] {
        assert_eq!(wrong(parchment().scopes([scope])).0, "scopes", "{scope}");
    }
    // The list grows: an unknown scope is the vendor's to judge.
    let unknown = parchment().scopes(["read:future_thing"]).transport(Script::new());
    assert!(unknown.build().is_ok());
}

#[test]
fn other_settings_are_checked_too() {
    assert_eq!(wrong(pattern().timeout(Duration::ZERO)).0, "timeout");
    assert_eq!(wrong(pattern().user_agent("")).0, "user_agent");
    assert_eq!(wrong(pattern().user_agent("a\r\nb")).0, "user_agent");
    assert_eq!(wrong(ehealth().percent_encode_credentials(true)).0, "percent_encode_credentials");
    assert_eq!(wrong(pattern().ca_pem("-----BEGIN CERTIFICATE-----")).0, "transport");
    assert!(pattern().timeout(Duration::MAX).transport(Script::new()).build().is_ok());
}

#[test]
fn a_proxy_is_a_url_with_a_scheme_or_one_of_two_words() {
    for wrong in ["of", "none", "direct", "proxy.example:3128", "user:fake@proxy.example", ""] {
        let error = pattern().proxy(wrong).build().unwrap_err();
        assert_eq!(error.message(), "proxy is neither a URL nor environment or off", "{wrong}");
        assert!(error.remedy().contains("http://host:port"), "{error}");
        assert!(!error.to_string().contains("fake"), "{error}");
    }
    for good in ["off", "environment", "http://proxy.example:3128"] {
        pattern().proxy(good).build().unwrap();
    }
}

#[test]
fn a_malformed_ca_is_refused_before_the_first_fetch() {
    for pem in [
        "",
        "no PEM at all",
        "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let error = pattern().ca_pem(pem).build().unwrap_err();
        assert_eq!(error.field(), Some("ca_pem"), "{pem:?}");
    }
}

#[test]
fn a_malformed_revocation_list_is_refused_before_the_first_fetch() {
    for pem in ["", "no PEM at all", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"] {
        let error = pattern().crl_pem(pem).build().unwrap_err();
        assert_eq!(error.field(), Some("crl_pem"), "{pem:?}");
    }
}

mod by_name {
    use super::*;

    #[test]
    fn a_vendor_by_name_is_the_same_as_by_type() {
        let mut builder = ClientBuilder::by_name("pattern").unwrap();
        for (name, value) in [
            ("base_url", "https://pattern.example"),
            ("client_id", "fake-client"),
            ("client_secret", "fake-client-secret"),
            ("timeout_ms", "10000"),
            ("rejection_memory_ms", "0"),
            ("percent_encode_credentials", "false"),
            ("plain_http_to_loopback", "true"),
            ("scopes", ""),
        ] {
            builder = builder.set(name, value).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        let script = Script::new();
        let client = builder.transport(script.clone()).build().unwrap();
        script.token("one", 3600);
        client.token().unwrap();
        assert_eq!(script.sent()[0].golden(), include_str!("golden/pattern.request"));
    }

    #[test]
    fn an_unknown_vendor_or_name_lists_those_that_exist() {
        let error = ClientBuilder::by_name("epic").unwrap_err();
        let names: Vec<_> = caretoken::Profile::names().collect();
        assert_eq!(error.remedy(), format!("use one of: {}", names.join(", ")));
        let error = ClientBuilder::by_name("pattern").unwrap().set("clientid", "x").unwrap_err();
        assert_eq!(error.message(), "clientid is not a setting of pattern");
        for name in ["client_id", "client_secret", "base_url", "ca_file", "timeout_ms"] {
            assert!(error.remedy().contains(name), "{error}");
        }
    }

    #[test]
    fn what_this_build_has_no_feature_for_is_told_by_its_name() {
        for (name, feature, has_it) in [
            ("roots", "platform-verifier", cfg!(feature = "platform-verifier")),
            ("tls", "native-tls", cfg!(feature = "native-tls")),
        ] {
            let mut builder = pattern();
            builder = builder.set(name, "system").unwrap();
            match builder.build() {
                Ok(_) => assert!(has_it, "{name}"),
                // The store of the machine may be empty.
                Err(error) if has_it => assert_eq!(error.field(), Some("roots")),
                Err(error) => {
                    assert_eq!(error.field(), Some(name));
                    assert!(error.remedy().contains(&format!("feature {feature}")), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_bad_value_names_the_setting_and_keeps_the_old_one() {
        let mut builder = ClientBuilder::by_name("pattern").unwrap();
        builder = builder.set("base_url", "https://pattern.example").unwrap();
        for (name, value) in [
            ("base_url", "https://other.example/fake-path/"),
            ("base_url", "http://other.example"),
            ("timeout_ms", "0"),
            ("timeout_ms", "-5"),
            ("timeout_ms", "ten"),
            ("timeout_ms", "99999999999999999999"),
            ("percent_encode_credentials", "yes"),
            ("user_agent", "fake\nagent"),
            ("client_secret", "fake\0secret"),
            ("scopes", "fake\0scope"),
            ("ca_file", "/nonexistent/fake-ca.pem"),
            ("crl_file", "/nonexistent/fake-crl.pem"),
            ("roots", "fake-roots"),
            ("tls", "fake-tls"),
        ] {
            let error = builder.clone().set(name, value).unwrap_err();
            assert_eq!(error.field(), Some(name), "{name}={value}");
            assert!(!error.to_string().contains("fake"), "{error}");
        }
        builder = builder.set("client_id", "fake-client").unwrap();
        builder = builder.set("client_secret", "fake-client-secret").unwrap();
        let script = Script::new();
        let client = builder.transport(script.clone()).build().unwrap();
        script.token("one", 3600);
        client.token().unwrap();
        assert_eq!(script.sent()[0].url, "https://pattern.example/api/auth/token");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_that_cannot_be_read_is_told_in_the_systems_words() {
        for name in ["ca_file", "crl_file", "client_cert_file", "client_key_file"] {
            for (path, words) in [
                ("/nonexistent/fake-ca.pem", "No such file or directory"),
                ("/", "Is a directory"),
                ("/dev/null/fake-ca.pem", "Not a directory"),
            ] {
                let error = pattern().set(name, path).unwrap_err();
                assert_eq!(error.message(), format!("{name} cannot be read ({words})"));
            }
        }
    }

    #[test]
    fn parameters_say_what_the_vendor_asks_for() {
        let builder = ClientBuilder::by_name("ehealth").unwrap();
        let known = builder.parameters();
        let known: Vec<_> =
            known.map(|one| (one.name(), one.is_required(), one.is_secret())).collect();
        assert_eq!(
            known,
            [
                ("base_url", true, false),
                ("client_id", true, true),
                ("client_secret", true, true),
                ("refresh_token", true, true),
                ("custom_psk", false, true),
                ("api_key", false, true)
            ]
        );
    }
}

#[test]
fn secrets_of_every_length_up_to_64_kib_are_carried() {
    for secret in ["x".to_owned(), "token".to_owned(), "password".repeat(8192)] {
        let script = Script::new();
        script.answer(401, "");
        let builder = edvak().set("password", secret.as_str()).unwrap().transport(script.clone());
        let error = builder.build().unwrap().token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        assert!(script.sent()[0].body.ends_with(&format!("&password={secret}")));
    }
}

#[test]
fn a_builder_shows_no_secret() {
    let shown = format!("{:?}", edvak().clock(Arc::new(caretoken::SystemClock)));
    assert!(!shown.contains("fake"), "{shown}");
}
