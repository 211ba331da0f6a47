//! Parameters that are URLs, such as `base_url`.

use crate::error::Error;
use crate::profile::vocabulary::UrlRule;
use crate::transport::Url;

/// The URL, or what is wrong with it and what to write instead. The scheme is for [`check_scheme`] to
/// judge.
pub(crate) fn parse(name: &str, rule: &UrlRule, value: &str) -> Result<Url, Error> {
    let form = form(rule);
    let wrong =
        |problem: &str, remedy: String| Err(Error::setting(name.to_owned(), problem, remedy));
    if value.is_empty() {
        return wrong("is empty", form);
    }
    let url = Url::parse(value).map_err(|error| error.in_setting(name.to_owned(), &form))?;
    let path = url.path();
    if path.contains('?') {
        return wrong("has a query", form);
    }
    if path.split('/').any(|segment| matches!(segment, "." | "..")) || path.contains('\\') {
        return wrong("has a path with . or .. or a backslash in it", form);
    }
    let has_base_path = path.ends_with(&*rule.ends_in);
    if rule.followed_by.is_empty() {
        return match has_base_path {
            true => Ok(url),
            false => wrong("does not have the vendor's path", form),
        };
    }
    // A prefix before the vendor's own path is a gateway's.
    let problem = if path.ends_with('/') {
        "ends in a slash"
    } else if !has_base_path {
        "does not have the vendor's base path"
    } else if path.contains("//") {
        "has two slashes in a row"
    } else if overlaps(path, &rule.followed_by) {
        "repeats the beginning of the endpoint's path"
    } else {
        return Ok(url);
    };
    wrong(problem, format!("{form}; the endpoint's path is added to it"))
}

/// Whether the end of `path` is the beginning of `next`: somebody has given too much of the URL.
fn overlaps(path: &str, next: &str) -> bool {
    let mut starts = path.match_indices('/').map(|(at, _)| &path[at..]);
    starts.any(|end| match next.strip_prefix(end) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    })
}

/// Refuses plain http, except to this machine itself where that is allowed.
pub(crate) fn check_scheme(
    name: &str,
    rule: &UrlRule,
    url: &Url,
    plain_http_to_loopback: bool,
) -> Result<(), Error> {
    let wrong = |problem: &str| Err(Error::setting(name.to_owned(), problem, form(rule)));
    match url.origin() {
        origin if origin.tls => Ok(()),
        _ if !plain_http_to_loopback => wrong("is not https"),
        origin if origin.host.is_loopback() => Ok(()),
        _ => wrong("is plain http to a host that is not loopback"),
    }
}

fn form(rule: &UrlRule) -> String {
    match rule.followed_by.is_empty() && rule.ends_in.is_empty() {
        true => "write https://HOST[:PORT]/PATH".to_owned(),
        false => format!("write https://HOST[:PORT]{}", rule.ends_in),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::profile::vocabulary::Kind;
    use crate::vendors::by_name;

    /// The rule for `base_url` of that profile.
    fn rule(vendor: &str) -> UrlRule {
        let definition = by_name(vendor).unwrap();
        let known = definition.parameters.iter().find(|known| &*known.name == "base_url");
        match &known.unwrap().kind {
            Kind::Url(rule) => rule.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn endpoint(vendor: &str, base_url: &str, plain: bool) -> Result<Url, Error> {
        let rule = rule(vendor);
        let url = parse("base_url", &rule, base_url)?;
        check_scheme("base_url", &rule, &url, plain).map(|()| url)
    }

    fn problem(vendor: &str, base_url: &str, plain: bool) -> String {
        let error = endpoint(vendor, base_url, plain).unwrap_err();
        assert_eq!(error.field(), Some("base_url"));
        assert!(error.remedy().contains("https://HOST"), "{error}");
        error.message().to_owned()
    }

    #[test]
    fn a_good_base_url_is_taken() {
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
            assert_eq!(endpoint("pattern", base, plain).unwrap().as_str(), base);
        }
        // A prefix of a gateway.
        for (vendor, base) in [
            ("parchment", "https://api.example/external"),
            ("parchment", "https://gateway.example/e-prescribing/external"),
            ("pattern", "https://gateway.example/pattern"),
            ("pattern", "https://gateway.example/v1/ap"),
        ] {
            endpoint(vendor, base, false).unwrap();
        }
    }

    const REPEATS: &str = "base_url repeats the beginning of the endpoint's path";
    const DOTS: &str = "base_url has a path with . or .. or a backslash in it";
    const LIKE_AN_ADDRESS: &str = "base_url has a host that looks like an IPv4 address and is none";

    #[test]
    fn a_bad_base_url_is_named_with_its_fault() {
        for (base, plain, expected) in [
            ("", false, "base_url is empty"),
            ("pattern.example", false, "base_url is not an absolute URL"),
            ("/api", false, "base_url is not an absolute URL"),
            ("https://", false, "base_url has an invalid host name"),
            ("https://pattern.example/", false, "base_url ends in a slash"),
            ("https://pattern.example/api", false, REPEATS),
            ("https://gateway.example/pattern/api/auth", false, REPEATS),
            ("https://pattern.example/api/auth/token", false, REPEATS),
            ("https://pattern.example/a/../b", false, DOTS),
            ("https://pattern.example/a//b", false, "base_url has two slashes in a row"),
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
            assert_eq!(problem("pattern", base, plain), expected, "{base:?}");
        }
        assert_eq!(
            problem("parchment", "https://api.example", false),
            "base_url does not have the vendor's base path"
        );
    }
}
