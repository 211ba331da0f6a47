//! Checks a base URL and makes the token endpoint's URL of it.

use std::net::IpAddr;

use http::Uri;

use crate::error::Error;
use crate::profile::Profile;
use crate::transport::is_host;

const FIELD: &str = "base_url";

/// The token endpoint's URL, or what is wrong with `base_url` and what to write instead.
pub(crate) fn endpoint(
    profile: &Profile,
    base_url: &str,
    plain_http_to_loopback: bool,
) -> Result<String, Error> {
    let wrong = |problem: &str, remedy: String| Err(Error::setting(FIELD, problem, remedy));
    let form = format!("write https://HOST[:PORT]{}", profile.base_path);

    if base_url.is_empty() {
        return wrong("is empty", form);
    }
    if base_url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return wrong("has white space or control characters in it", form);
    }
    if !base_url.is_ascii() {
        return wrong(
            "has characters outside ASCII",
            format!("write an international host name in its xn-- form: {form}"),
        );
    }
    if base_url.contains('#') {
        return wrong("has a fragment", form);
    }
    if base_url.contains('?') {
        return wrong("has a query", form);
    }
    let Ok(uri) = base_url.parse::<Uri>() else {
        return wrong("is not a URL", form);
    };
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return wrong("is not an absolute URL", form);
    };
    if authority.as_str().contains('@') {
        return wrong(
            "has user information in it",
            format!("give credentials by their names, not in the URL: {form}"),
        );
    }
    let host = authority.host();
    if !is_host(host) {
        return wrong("has an invalid host name", form);
    }
    let rest = &authority.as_str()[host.len()..];
    // The parser of URLs takes a sign, too.
    let is_signed = rest.contains('+');
    if !rest.is_empty() && authority.port_u16().is_none_or(|port| port == 0 || is_signed) {
        return wrong("has an invalid port", form);
    }
    match scheme {
        "https" => {}
        "http" if !plain_http_to_loopback => {
            return wrong("is not https", form);
        }
        "http" if !is_loopback(host) => {
            return wrong("is plain http to a host that is not loopback", form);
        }
        "http" => {}
        _ => return wrong("is not https", form),
    }
    // `Uri` reads a URL without a path as one with the path `/`.
    let path = base_url[scheme.len() + "://".len() + authority.as_str().len()..].to_owned();
    if path != profile.base_path {
        let problem = if path.ends_with('/') {
            "ends in a slash"
        } else if profile.base_path.is_empty() {
            "has a path"
        } else {
            "does not have the vendor's base path"
        };
        return wrong(problem, format!("{form}; the endpoint's path is added to it"));
    }
    Ok(format!("{base_url}{}", profile.path))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || ip(host).is_some_and(|ip| ip.is_loopback())
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::{parchment, pattern};

    fn problem(profile: &Profile, base_url: &str, plain: bool) -> String {
        let error = endpoint(profile, base_url, plain).unwrap_err();
        assert_eq!(error.field(), Some("base_url"));
        assert!(error.remedy().contains("https://HOST"), "{error}");
        error.message().to_owned()
    }

    #[test]
    fn a_good_base_url_becomes_the_endpoint() {
        for (base, plain) in [
            ("https://pattern.example", false),
            ("https://pattern.example.", false),
            ("https://pattern.example:8443", false),
            ("https://192.0.2.7", false),
            ("https://[2001:db8::7]:8443", false),
            ("https://xn--bcher-kva.example", false),
            ("http://localhost:8080", true),
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
        ] {
            let url = endpoint(&pattern::PROFILE, base, plain).unwrap();
            assert_eq!(url, format!("{base}/api/auth/token"));
        }
        assert_eq!(
            endpoint(&parchment::PROFILE, "https://api.example/external", false).unwrap(),
            "https://api.example/external/v1/token"
        );
    }

    #[test]
    fn a_bad_base_url_is_named_with_its_fault() {
        for (base, plain, expected) in [
            ("", false, "base_url is empty"),
            ("pattern.example", false, "base_url is not an absolute URL"),
            ("/api", false, "base_url is not an absolute URL"),
            ("https://", false, "base_url is not a URL"),
            ("https://pattern.example/", false, "base_url ends in a slash"),
            ("https://pattern.example/api", false, "base_url has a path"),
            ("https://pattern.example/api/", false, "base_url ends in a slash"),
            ("https://pattern.example?x=1", false, "base_url has a query"),
            ("https://pattern.example#x", false, "base_url has a fragment"),
            ("https://user@pattern.example", false, "base_url has user information in it"),
            ("https://user:pw@pattern.example", false, "base_url has user information in it"),
            ("https://pattern.example:", false, "base_url has an invalid port"),
            ("https://pattern.example:+1", false, "base_url has an invalid port"),
            ("https://pattern.example:0", false, "base_url has an invalid port"),
            ("https://pattern.example:65536", false, "base_url has an invalid port"),
            ("https://-pattern.example", false, "base_url has an invalid host name"),
            ("https://pattern..example", false, "base_url has an invalid host name"),
            ("https://300.0.0.1", false, "base_url has an invalid host name"),
            ("https://[::1", false, "base_url is not a URL"),
            (
                "https://pattern.example\r\nx: y",
                false,
                "base_url has white space or control characters in it",
            ),
            ("https://bücher.example", false, "base_url has characters outside ASCII"),
            ("ftp://pattern.example", false, "base_url is not https"),
            ("http://localhost", false, "base_url is not https"),
            (
                "http://pattern.example",
                true,
                "base_url is plain http to a host that is not loopback",
            ),
            (
                "http://localhost.pattern.example",
                true,
                "base_url is plain http to a host that is not loopback",
            ),
        ] {
            assert_eq!(problem(&pattern::PROFILE, base, plain), expected, "{base:?}");
        }
        assert_eq!(
            problem(&parchment::PROFILE, "https://api.example", false),
            "base_url does not have the vendor's base path"
        );
    }
}
