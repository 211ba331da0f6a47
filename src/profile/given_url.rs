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
    if rule.followed_by.is_empty() {
        return Ok(url);
    }
    // A prefix before the vendor's own path is a gateway's.
    let problem = if path.ends_with('/') {
        "ends in a slash"
    } else if !path.ends_with(&*rule.ends_in) {
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
    match rule.followed_by.is_empty() {
        true => "write https://HOST[:PORT]/PATH".to_owned(),
        false => format!("write https://HOST[:PORT]{}", rule.ends_in),
    }
}
