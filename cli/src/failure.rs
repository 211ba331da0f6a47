//! What went wrong, for people in two lines or for programs as JSON.

use std::fmt::Display;
use std::io::{self, Write as _};

use caretoken::Error;
use serde::Serialize;

use crate::exit::Exit;

/// Why a command failed: what happened, and what to do. It never holds a secret.
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// Empty where there is nothing to tell.
    pub(crate) message: String,
    pub(crate) remedy: String,
    /// The library's error behind it.
    error: Option<Error>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), remedy: remedy.into(), error: None }
    }

    /// The caller's own mistake.
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Failure::new(Exit::Usage, message, remedy)
    }

    /// A file or stream that failed.
    pub(crate) fn file(what: impl Display, error: &io::Error, remedy: impl Into<String>) -> Self {
        Failure::new(Exit::File, format!("{what}: {}", words(error)), remedy)
    }

    /// Everything has been said already.
    pub(crate) fn silent(exit: Exit) -> Self {
        Failure::new(exit, "", "")
    }

    /// Writes it to standard error.
    pub(crate) fn tell(&self, as_json: bool) {
        let text = match as_json {
            _ if self.message.is_empty() => return,
            true => serde_json::to_string(&self.json()).unwrap_or_default(),
            false => format!("caretoken: {}\n{}", self.message, self.to_do()),
        };
        let _nowhere_else_to_say_it = writeln!(io::stderr(), "{text}");
    }

    /// The second line.
    pub(crate) fn to_do(&self) -> String {
        match &self.error {
            Some(error) => format!("to do ({}): {}", error.actor().name(), self.remedy),
            None => format!("to do: {}", self.remedy),
        }
    }

    fn json(&self) -> ErrorJson<'_> {
        let of_error = self.error.as_ref().map(ErrorJson::from);
        ErrorJson {
            message: &self.message,
            remedy: &self.remedy,
            exit_code: self.exit.code(),
            ..of_error.unwrap_or_default()
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let line = error.to_string();
        let to_do = format!("; to do ({}): {}", error.actor().name(), error.remedy());
        Failure {
            exit: Exit::of(error.kind()),
            message: line.strip_suffix(&to_do).unwrap_or(&line).to_owned(),
            remedy: error.remedy().to_owned(),
            error: Some(error),
        }
    }
}

/// What the system says, without the number behind it.
pub(crate) fn words(error: &io::Error) -> String {
    let words = error.to_string();
    words.split(" (os error").next().unwrap_or_default().to_owned()
}

/// An error for programs. What is not known is `null`.
#[derive(Default, Serialize)]
pub(crate) struct ErrorJson<'a> {
    kind: Option<&'a str>,
    message: &'a str,
    remedy: &'a str,
    actor: Option<&'a str>,
    is_retryable: bool,
    retry_after_ms: Option<u64>,
    phase: Option<&'a str>,
    field: Option<&'a str>,
    vendor: Option<&'a str>,
    http_status: Option<u16>,
    vendor_code: Option<&'a str>,
    request_id: Option<&'a str>,
    exit_code: u8,
}

impl<'a> From<&'a Error> for ErrorJson<'a> {
    fn from(error: &'a Error) -> Self {
        let wait = error.retry_after();
        ErrorJson {
            kind: Some(error.kind().name()),
            message: error.message(),
            remedy: error.remedy(),
            actor: Some(error.actor().name()),
            is_retryable: error.is_retryable(),
            retry_after_ms: wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            phase: Some(error.phase().name()),
            field: error.field(),
            vendor: error.vendor(),
            http_status: error.http_status(),
            vendor_code: error.vendor_code(),
            request_id: error.request_id(),
            exit_code: Exit::of(error.kind()).code(),
        }
    }
}
