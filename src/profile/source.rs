//! Finds the text at a source of an answer.

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
        Source::Cookie(name) => response.header_values("set-cookie").find_map(|cookie| {
            let pair = cookie.split(';').next()?.trim();
            Some(pair.strip_prefix(&**name)?.strip_prefix('=')?.trim_matches('"'))
        }),
        Source::Body => Some(response.body().expose_text()?.trim_start_matches('\u{feff}').trim()),
    }
}
