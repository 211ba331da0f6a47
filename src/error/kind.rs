//! `ErrorKind`: what can go wrong, and who must act.

/// Who has to do something about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorActor {
    /// The program that calls caretoken: its settings, arguments or retries.
    Caller,
    /// Whoever runs the system: credentials, network, sign-in.
    Operator,
    /// The vendor of the token endpoint.
    Vendor,
}

impl ErrorActor {
    /// `caller`, `operator` or `vendor`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorActor::Caller => "caller",
            ErrorActor::Operator => "operator",
            ErrorActor::Vendor => "vendor",
        }
    }
}

/// What is known about a kind.
struct Row {
    name: &'static str,
    actor: ErrorActor,
    is_retryable: bool,
    message: &'static str,
    remedy: &'static str,
    #[cfg(any(test, feature = "capi"))]
    number: i32,
    #[cfg(any(test, feature = "capi"))]
    c_name: &'static std::ffi::CStr,
    #[cfg(test)]
    doc: &'static str,
}

macro_rules! error_kinds {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident = $number:literal, $name:literal, $actor:ident, retryable: $retryable:literal,
            $message:literal,
            $remedy:literal;
    )+) => {
        /// What went wrong. One kind, one meaning, one thing to do.
        ///
        /// The names ([`name`](ErrorKind::name)) are stable: monitoring may match on them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl ErrorKind {
            /// Every kind, for tables and tests.
            pub const ALL: &'static [ErrorKind] = &[$(ErrorKind::$kind),+];

            fn row(self) -> &'static Row {
                match self {
                    $(ErrorKind::$kind => const { &Row {
                        name: $name,
                        actor: ErrorActor::$actor,
                        is_retryable: $retryable,
                        message: $message,
                        remedy: $remedy,
                        #[cfg(any(test, feature = "capi"))]
                        number: $number,
                        #[cfg(any(test, feature = "capi"))]
                        c_name: with_nul(concat!($name, "\0")),
                        #[cfg(test)]
                        doc: concat!($($doc),+),
                    } },)+
                }
            }
        }
    };
}

// One row a kind: documentation, variant, number in C, stable name, who must act, whether the same call
// may succeed later, message, remedy. `capi/status.rs` has a constant for each number, whose comment
// begins with the first sentence of the documentation. Numbers and names never change and are never used
// again for something else.
error_kinds! {
    /// A setting, credential name or argument cannot be used.
    /// [`Error::field`](crate::Error::field) names it.
    InvalidSetting = 3, "invalid_setting", Caller, retryable: false,
        "a setting cannot be used",
        "correct the named setting";

    /// The host name did not resolve.
    Resolve = 20, "resolve", Operator, retryable: true,
        "the host name did not resolve",
        "check base_url and the machine's DNS";

    /// A proxy refused or failed.
    Proxy = 21, "proxy", Operator, retryable: true,
        "the proxy failed",
        "check the proxy's address and rules; the vendor was not reached";

    /// A proxy wants a user name and password, or refused those in its URL. They are not sent again
    /// for a while: they mostly belong to a directory account that could get locked.
    ProxyLoginRejected = 25, "proxy_login_rejected", Operator, retryable: false,
        "the proxy rejected the login",
        "give the right user name and password in the proxy's URL and make a new client; \
         the account may be locked";

    /// No address of the host accepted a connection.
    Connect = 22, "connect", Operator, retryable: true,
        "no connection to the host",
        "check base_url, firewall and proxy, or whether the vendor is down";

    /// TLS failed: certificate, host name or protocol version.
    Tls = 23, "tls", Operator, retryable: false,
        "the TLS handshake failed",
        "check the CA certificates, the host name and this machine's clock; \
         a network that inspects TLS needs its own CA in the settings";

    /// The connection broke while the request or the answer was under way.
    ConnectionLost = 24, "connection_lost", Operator, retryable: true,
        "the connection broke",
        "try again; if it keeps happening, look for a firewall or proxy that cuts connections";

    /// The deadline passed. [`Error::phase`](crate::Error::phase) says where the time went.
    Timeout = 30, "timeout", Operator, retryable: true,
        "the deadline passed",
        "try again, or allow more time; the phase says what was slow";

    /// The call was cancelled. See [`Client::cancel`](crate::Client::cancel).
    Cancelled = 31, "cancelled", Caller, retryable: true,
        "the call was cancelled",
        "call again when the token is wanted";

    /// The client id, secret, user name or password is wrong or has expired.
    CredentialsRejected = 40, "credentials_rejected", Operator, retryable: false,
        "the credentials were rejected",
        "check the client id and secret (or user name and password) with the vendor and set them anew";

    /// The refresh token is dead: a person must sign in again.
    SignInRequired = 41, "sign_in_required", Operator, retryable: false,
        "the refresh token is no longer valid",
        "have the user sign in again and set the new refresh_token";

    /// The owner took the access back: a person must grant it again.
    AccessRevoked = 42, "access_revoked", Operator, retryable: false,
        "the access was revoked",
        "have the owner grant access again and set the new refresh_token";

    /// A requested scope is unknown, or not allowed for this client.
    ScopeRefused = 43, "scope_refused", Operator, retryable: false,
        "a requested scope was refused",
        "request only scopes that exist and that the vendor has approved for this client";

    /// The vendor knows who asks and says no.
    AccessDenied = 44, "access_denied", Operator, retryable: false,
        "access was denied",
        "ask the vendor to allow this client, and check the gateway's keys where there are any";

    /// The vendor finds the request itself wrong.
    RequestRefused = 45, "request_refused", Operator, retryable: false,
        "the vendor refused the request as malformed",
        "check that base_url and credentials belong to this vendor; if they do, report it to caretoken";

    /// There is no token endpoint at this address.
    EndpointNotFound = 46, "endpoint_not_found", Operator, retryable: false,
        "there is no token endpoint at this address",
        "check base_url; some vendors also answer so when a permission is missing";

    /// Too many requests. [`Error::retry_after`](crate::Error::retry_after) says how long to wait
    /// where the vendor did.
    RateLimited = 47, "rate_limited", Caller, retryable: true,
        "too many requests",
        "wait before the next call; share one client instead of making many";

    /// The vendor's service is down or overloaded.
    Unavailable = 48, "unavailable", Vendor, retryable: true,
        "the vendor's service is unavailable",
        "try again later; if it lasts, ask the vendor";

    /// The answer redirects elsewhere. Redirects are never followed.
    Redirected = 60, "redirected", Operator, retryable: false,
        "the answer is a redirect, which is never followed",
        "set base_url to the vendor's own address; a captive portal or proxy may stand in between";

    /// The answer has a status that this vendor's token endpoint never gives.
    UnexpectedStatus = 61, "unexpected_status", Vendor, retryable: false,
        "the answer has an unexpected status",
        "check base_url; if it is right, ask the vendor what the status means";

    /// The answer is larger than 64 KiB. Reading stopped there.
    AnswerTooLarge = 62, "answer_too_large", Vendor, retryable: false,
        "the answer is larger than 64 KiB",
        "check base_url; a token endpoint never answers that much";

    /// The answer is not JSON: HTML, plain text, cut off, or nothing at all.
    AnswerNotJson = 63, "answer_not_json", Vendor, retryable: false,
        "the answer is not JSON",
        "check base_url and whether a proxy or portal answers in the vendor's place";

    /// The answer is JSON of another shape: a field is missing, doubled or of the wrong type.
    AnswerMalformed = 64, "answer_malformed", Vendor, retryable: false,
        "the answer does not have the vendor's documented shape",
        "check base_url and the vendor name; if both are right, the vendor changed its API";

    /// The token's lifetime makes no sense: negative, zero, fractional, out of range or absent.
    InvalidLifetime = 65, "invalid_lifetime", Vendor, retryable: false,
        "the token's lifetime makes no sense",
        "report it to the vendor; a token without a sane end of life is not used";

    /// Fresh tokens were refused again and again. See [`Client::reject`](crate::Client::reject).
    TokensRefused = 80, "tokens_refused", Operator, retryable: false,
        "fresh tokens keep being refused",
        "check that the API called belongs to this vendor and environment, and the client's permissions";

    /// The rotation callback could not store the new refresh token.
    RotationNotStored = 81, "rotation_not_stored", Caller, retryable: true,
        "the new refresh token could not be stored",
        "mend the host's storage and call again: the new refresh token is kept until it is stored";

    /// A defect in caretoken. From C, also a panic in it, after which the client cannot be used any
    /// more.
    Internal = 99, "internal", Caller, retryable: false,
        "internal error",
        "make a new client, and report this";
}

#[cfg(any(test, feature = "capi"))]
const fn with_nul(name: &'static str) -> &'static std::ffi::CStr {
    match std::ffi::CStr::from_bytes_with_nul(name.as_bytes()) {
        Ok(name) => name,
        Err(_) => c"",
    }
}

impl ErrorKind {
    /// The stable name, such as `credentials_rejected`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The name for C.
    #[cfg(any(test, feature = "capi"))]
    pub(crate) fn c_name(self) -> &'static std::ffi::CStr {
        self.row().c_name
    }

    /// The number of this kind's status in C.
    #[cfg(any(test, feature = "capi"))]
    pub(crate) fn number(self) -> i32 {
        self.row().number
    }

    /// Who must act.
    #[must_use]
    pub fn actor(self) -> ErrorActor {
        self.row().actor
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        self.row().is_retryable
    }

    /// What went wrong, in words.
    pub(super) fn message(self) -> &'static str {
        self.row().message
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().remedy
    }

    /// Its documentation, on one line.
    #[cfg(test)]
    pub(crate) fn doc(self) -> &'static str {
        self.row().doc
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name_and_a_remedy() {
        let mut names: Vec<_> = ErrorKind::ALL.iter().map(|kind| kind.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ErrorKind::ALL.len());
        assert!(ErrorKind::ALL.iter().all(|kind| !kind.remedy().is_empty()));
    }
}
