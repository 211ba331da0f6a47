//! Finds the text at a source of an answer.

use crate::date::parse_http_date;
use crate::json::Json;
use crate::profile::vocabulary::Source;
use crate::transport::Response;

/// The text at a source, if there is one.
pub(super) fn text_at<'a>(
    response: &'a Response,
    json: Option<&'a Json>,
    source: &Source,
) -> Option<&'a str> {
    match source {
        Source::Pointer(pointer) => json?.text_at(&pointer.0),
        Source::Header(name) => response.header(name),
        Source::Cookie(name) => {
            let mut found = None;
            // The last of that name replaces those before it, or deletes them (RFC 6265 §5.3).
            for cookie in response.header_values("set-cookie") {
                let mut parts = cookie.split(';').map(str::trim);
                let pair = parts.next().and_then(|pair| pair.strip_prefix(&**name));
                let Some(value) = pair.and_then(|pair| pair.strip_prefix('=')) else { continue };
                found = (!parts.any(deletes)).then(|| value.trim_matches('"'));
            }
            found
        }
        Source::Body => Some(response.body().expose_text()?.trim_start_matches('\u{feff}').trim()),
    }
}

/// Whether an attribute of a cookie says that it has ended: a `Max-Age` of zero or less, or an
/// `Expires` of 1970, the usual way to say so.
fn deletes(attribute: &str) -> bool {
    let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
    let (name, value) = (name.trim(), value.trim());
    let has_ended = |ms: i64| ms < 365 * 86_400_000;
    (name.eq_ignore_ascii_case("max-age") && (value.starts_with('-') || value == "0"))
        || (name.eq_ignore_ascii_case("expires") && parse_http_date(value).is_some_and(has_ended))
}
