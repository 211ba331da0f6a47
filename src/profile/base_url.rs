//! Checks a base URL and makes the token endpoint's URL of it.

use crate::error::Error;
use crate::profile::vocabulary::Profile;
use crate::transport::Url;

const FIELD: &str = "base_url";

/// The token endpoint's URL, or what is wrong with `base_url` and what to write instead. The scheme
/// is for [`check_scheme`] to judge.
pub(crate) fn endpoint(profile: &Profile, base_url: &str) -> Result<Url, Error> {
    let form = form(profile);
    let wrong = |problem: &str, remedy: String| Err(Error::setting(FIELD, problem, remedy));
    if base_url.is_empty() {
        return wrong("is empty", form);
    }
    let url = Url::parse(base_url).map_err(|error| error.in_setting(FIELD, &form))?;
    if url.path().contains('?') {
        return wrong("has a query", form);
    }
    if url.path() != profile.base_path {
        let problem = if url.path().ends_with('/') {
            "ends in a slash"
        } else if profile.base_path.is_empty() {
            "has a path"
        } else {
            "does not have the vendor's base path"
        };
        return wrong(problem, format!("{form}; the endpoint's path is added to it"));
    }
    url.join(profile.path).map_err(|error| error.in_setting(FIELD, &form))
}

/// Refuses plain http, except to this machine itself where that is allowed.
pub(crate) fn check_scheme(
    profile: &Profile,
    url: &Url,
    plain_http_to_loopback: bool,
) -> Result<(), Error> {
    let wrong = |problem: &str| Err(Error::setting(FIELD, problem, form(profile)));
    match url.origin() {
        origin if origin.tls => Ok(()),
        _ if !plain_http_to_loopback => wrong("is not https"),
        origin if origin.host.is_loopback() => Ok(()),
        _ => wrong("is plain http to a host that is not loopback"),
    }
}

fn form(profile: &Profile) -> String {
    format!("write https://HOST[:PORT]{}", profile.base_path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(profile: &Profile, base_url: &str, plain: bool) -> Result<Url, Error> {
        let url = super::endpoint(profile, base_url)?;
        check_scheme(profile, &url, plain).map(|()| url)
    }

    use crate::vendors::{parchment, pattern};

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
            ("http://[::ffff:127.0.0.1]:8080", true),
            ("http://vendor.localhost", true),
        ] {
            let url = endpoint(&pattern::PROFILE, base, plain).unwrap();
            assert_eq!(url.as_str(), format!("{base}/api/auth/token"));
        }
        assert_eq!(
            endpoint(&parchment::PROFILE, "https://api.example/external", false).unwrap().as_str(),
            "https://api.example/external/v1/token"
        );
    }

    const LIKE_AN_ADDRESS: &str = "base_url has a host that looks like an IPv4 address and is none";

    #[test]
    fn a_bad_base_url_is_named_with_its_fault() {
        for (base, plain, expected) in [
            ("", false, "base_url is empty"),
            ("pattern.example", false, "base_url is not an absolute URL"),
            ("/api", false, "base_url is not an absolute URL"),
            ("https://", false, "base_url has an invalid host name"),
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
            ("https://300.0.0.1", false, LIKE_AN_ADDRESS),
            ("https://[::1", false, "base_url has an invalid host name"),
            (
                "https://pattern.example\r\nx: y",
                false,
                "base_url has white space or control characters in it",
            ),
            ("https://[::1]x:8080", false, "base_url has an invalid host name"),
            ("https://[::1]:80:80", false, "base_url has an invalid port"),
            ("https://a:b:[::1]:80", false, "base_url has an invalid port"),
            ("https://[v1.a]", false, "base_url has an invalid host name"),
            ("https://[::1%25eth0]", false, "base_url has an invalid host name"),
            ("https://0x7f.1", false, LIKE_AN_ADDRESS),
            ("https://127.0.0.0x1", false, LIKE_AN_ADDRESS),
            ("https://a.0x", false, LIKE_AN_ADDRESS),
            ("https://127.1", false, LIKE_AN_ADDRESS),
            ("https://2130706433", false, LIKE_AN_ADDRESS),
            ("https://0177.0.0.1", false, LIKE_AN_ADDRESS),
            ("https://127.0.0.1.", false, LIKE_AN_ADDRESS),
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
