//! The faults that can be switched on.

use std::time::Duration;

use serde_json::Value;

/// One way in which a token request goes wrong.
///
/// Faults that stand in for the answer ([`Fault::Status`], [`Fault::Html`], [`Fault::Outage`] and
/// the like) do so before the request is looked at; the others spoil the answer that the request
/// deserves, right or wrong.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answers with this status, these headers and this body.
    ///
    /// `Content-Length` and `Transfer-Encoding` among the headers are ignored. What HTTP cannot
    /// express is answered with a 500 that says so.
    Status {
        /// The status code.
        status: u16,
        /// Headers to add; `Date` replaces the sandbox's own.
        headers: Vec<(String, String)>,
        /// The body.
        body: Vec<u8>,
        /// The `Content-Type`; none when empty.
        content_type: String,
    },
    /// Waits, then answers normally.
    DelayBefore(Duration),
    /// Sends the headers and half of the body, waits, sends the rest.
    DelayDuring(Duration),
    /// Closes the connection without an answer; the request is not looked at.
    CutBefore,
    /// Closes the connection after half of the promised body.
    CutDuring,
    /// A normal answer, padded to this many bytes, with its true `Content-Length`.
    ///
    /// The padding is blanks after the first byte, so the whole is still valid JSON.
    Oversize(usize),
    /// As [`Fault::Oversize`], but chunked: no length is announced.
    OversizeChunked(usize),
    /// A success whose JSON breaks off in the middle; the length is that of what is sent.
    BrokenJson,
    /// A success with an HTML page, as a captive portal or proxy would send it.
    Html,
    /// A success with no body and no content type.
    Empty,
    /// The expiry in seconds where milliseconds are right, and the reverse.
    WrongUnit,
    /// This answer's `Date` header is off by so many seconds.
    SkewedDate(i64),
    /// An answer without a `Date` header.
    NoDate,
    /// The vendor's 429.
    RateLimited {
        /// The value of `Retry-After`; none when absent.
        retry_after: Option<String>,
    },
    /// The vendor's 503.
    Outage,
    /// eHealth: this refresh replaces the refresh token, and the old one dies. No effect on the
    /// other vendors.
    RotateRefreshToken,
    /// A 307 to this address.
    Redirect(String),
    /// The vendor's success status with this JSON body.
    Json(Value),
}

/// A fault by the name it has on the command line, such as `delay:250`.
impl std::str::FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Fault, String> {
        let (name, argument) = match text.split_once(':') {
            Some((name, argument)) => (name, Some(argument)),
            None => (text, None),
        };
        let needed = || argument.ok_or_else(|| format!("{name} needs a value: {name}:VALUE"));
        let fault = match name {
            "status" => Fault::Status {
                status: number(needed()?)?,
                headers: Vec::new(),
                body: Vec::new(),
                content_type: String::new(),
            },
            "delay" => Fault::DelayBefore(Duration::from_millis(number(needed()?)?)),
            "delay-body" => Fault::DelayDuring(Duration::from_millis(number(needed()?)?)),
            "oversize" => Fault::Oversize(number(needed()?)?),
            "oversize-chunked" => Fault::OversizeChunked(number(needed()?)?),
            "skewed-date" => Fault::SkewedDate(number(needed()?)?),
            "redirect" => Fault::Redirect(needed()?.to_owned()),
            "json" => Fault::Json(
                serde_json::from_str(needed()?).map_err(|error| format!("not JSON: {error}"))?,
            ),
            "rate-limited" => Fault::RateLimited { retry_after: argument.map(str::to_owned) },
            _ => {
                let fault = match name {
                    "cut" => Fault::CutBefore,
                    "cut-body" => Fault::CutDuring,
                    "broken-json" => Fault::BrokenJson,
                    "html" => Fault::Html,
                    "empty" => Fault::Empty,
                    "wrong-unit" => Fault::WrongUnit,
                    "no-date" => Fault::NoDate,
                    "outage" => Fault::Outage,
                    "rotate-refresh-token" => Fault::RotateRefreshToken,
                    _ => return Err(format!("no fault is named {name}")),
                };
                if argument.is_some() {
                    return Err(format!("{name} takes no value"));
                }
                fault
            }
        };
        Ok(fault)
    }
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("{text} is not a fitting number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_name_on_the_command_line() {
        for text in [
            "status:503",
            "delay:5",
            "delay-body:5",
            "cut",
            "cut-body",
            "oversize:70000",
            "oversize-chunked:70000",
            "broken-json",
            "html",
            "empty",
            "wrong-unit",
            "skewed-date:-60",
            "no-date",
            "rate-limited",
            "rate-limited:3",
            "outage",
            "rotate-refresh-token",
            "redirect:https://example.invalid/",
            "json:{\"a\":1}",
        ] {
            assert!(text.parse::<Fault>().is_ok(), "{text}");
        }
    }

    #[test]
    fn a_malformed_fault_is_named_in_the_error() {
        for text in ["", "delay", "delay:soon", "status:70000", "cut:1", "json:{", "flood"] {
            assert!(text.parse::<Fault>().is_err(), "{text}");
        }
    }
}
