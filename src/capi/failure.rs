//! `Failure`: what a function of the C ABI fails with.

use std::borrow::Cow;

use super::status::{CARETOKEN_BUFFER_TOO_SMALL, CARETOKEN_NULL_ARGUMENT};
use super::types::caretoken_status;
use crate::error::{Error, ErrorKind, ErrorPhase};

/// Why a call failed: the core's error, with the status that C gets.
pub(super) struct Failure {
    pub(super) status: caretoken_status,
    pub(super) error: Error,
}

impl Failure {
    /// An argument that cannot be used.
    pub(super) fn argument(
        name: impl Into<Cow<'static, str>>,
        problem: &'static str,
        remedy: &'static str,
    ) -> Self {
        Error::setting(name, problem, remedy).into()
    }

    /// An argument that is NULL.
    // One copy of the code for all functions: the library stays small.
    #[cold]
    #[inline(never)]
    pub(super) fn null(argument: &'static str) -> Self {
        let error = Error::setting(argument, "is NULL", "pass a pointer to something");
        Failure { status: CARETOKEN_NULL_ARGUMENT, error }
    }

    /// A setting or credential whose value is NULL.
    pub(super) fn null_value(name: String) -> Self {
        let remedy = "pass the value; if it comes from an environment variable, set that";
        let error = Error::setting(name, "is NULL", remedy);
        Failure { status: CARETOKEN_NULL_ARGUMENT, error }
    }

    pub(super) fn buffer_too_small() -> Self {
        let error = Error::setting(
            "buffer",
            "is too small",
            "pass a buffer of at least the returned length and one byte for the NUL",
        );
        Failure { status: CARETOKEN_BUFFER_TOO_SMALL, error }
    }

    /// A defect; `place` is where in the source.
    pub(super) fn internal(place: Option<String>) -> Self {
        let error = Error::new(ErrorKind::Internal, ErrorPhase::Configure);
        match place {
            Some(place) => error.with_message(format!("internal error at {place}")).into(),
            None => error.into(),
        }
    }

    /// A client that had an internal error before.
    pub(super) fn poisoned() -> Self {
        Error::new(ErrorKind::Internal, ErrorPhase::Configure)
            .with_message("an earlier internal error has made the client unusable")
            .into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { status: error.kind().number(), error }
    }
}
