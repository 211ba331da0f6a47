//! The closed vocabulary of what can go wrong, and who must act.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// What went wrong. One kind, one meaning, one thing to do.
///
/// The names ([`name`](ErrorKind::name)) are stable: monitoring may match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A setting, credential name or argument cannot be used; [`Error::field`] names it.
    InvalidSetting,
    /// The host name did not resolve.
    Resolve,
    /// A proxy refused or failed.
    Proxy,
    /// A proxy wants a user name and password, or refused those it was given. Those are not sent
    /// again for a while: they mostly belong to a directory account that could get locked.
    ProxyLoginRejected,
    /// No address of the host accepted a connection.
    Connect,
    /// TLS failed: certificate, host name or protocol version.
    Tls,
    /// The connection broke while the request or the answer was under way.
    ConnectionLost,
    /// The deadline passed; [`Error::phase`] says where the time went.
    Timeout,
    /// `cancel` was called.
    Cancelled,
    /// The client id, secret, user name or password is wrong or expired.
    CredentialsRejected,
    /// The refresh token is dead: a person must sign in again.
    SignInRequired,
    /// The owner took the access back: a person must grant it again.
    AccessRevoked,
    /// A requested scope is unknown, or not allowed for this client.
    ScopeRefused,
    /// The vendor knows who asks and says no.
    AccessDenied,
    /// The vendor finds the request itself wrong.
    RequestRefused,
    /// There is no token endpoint at this address.
    EndpointNotFound,
    /// Too many requests; [`Error::retry_after`] says how long to wait where the vendor did.
    RateLimited,
    /// The vendor's service is down or overloaded.
    Unavailable,
    /// The answer redirects elsewhere. Redirects are never followed.
    Redirected,
    /// The answer has a status that this vendor's token endpoint never gives.
    UnexpectedStatus,
    /// The answer is larger than 64 KiB; reading stopped there.
    AnswerTooLarge,
    /// The answer is not JSON: HTML, plain text, cut off or nothing at all.
    AnswerNotJson,
    /// The answer is JSON of another shape: a field is missing, doubled or of the wrong type.
    AnswerMalformed,
    /// The token's lifetime makes no sense: negative, zero, fractional, out of range or absent.
    InvalidLifetime,
    /// Fresh tokens were refused again and again ([`Client::reject`](crate::Client::reject)).
    TokensRefused,
    /// The host's callback could not store the rotated refresh token.
    RotationNotStored,
    /// A defect in caretoken. From C, also a panic in it, after which the client cannot be used any
    /// more.
    Internal,
}

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

/// Where in a call something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorPhase {
    /// Before any call: settings and arguments.
    Configure,
    /// Waiting for another thread's fetch, for a pause between attempts, or for a cool-down to end.
    Wait,
    /// Looking up the host name.
    Resolve,
    /// Talking to a proxy.
    Proxy,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Sending the request. From here on the vendor may have acted on it.
    Send,
    /// Receiving the answer.
    Receive,
    /// Making sense of the answer.
    Read,
    /// Handing a rotated refresh token to the host.
    Store,
}

impl ErrorPhase {
    /// The variant's name in lower case, such as `resolve`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorPhase::Configure => "configure",
            ErrorPhase::Wait => "wait",
            ErrorPhase::Resolve => "resolve",
            ErrorPhase::Proxy => "proxy",
            ErrorPhase::Connect => "connect",
            ErrorPhase::Tls => "tls",
            ErrorPhase::Send => "send",
            ErrorPhase::Receive => "receive",
            ErrorPhase::Read => "read",
            ErrorPhase::Store => "store",
        }
    }

    /// Whether the vendor may have seen the request when this phase failed (RFC 9110 §9.2.2).
    pub(crate) fn may_have_reached_the_vendor(self) -> bool {
        matches!(
            self,
            ErrorPhase::Send | ErrorPhase::Receive | ErrorPhase::Read | ErrorPhase::Store
        )
    }
}

/// One row of what is known about a kind.
struct Row {
    name: &'static str,
    actor: ErrorActor,
    retryable: bool,
    message: &'static str,
    remedy: &'static str,
}

impl ErrorKind {
    /// Every kind, for tables and tests.
    pub const ALL: &'static [ErrorKind] = &[
        ErrorKind::InvalidSetting,
        ErrorKind::Resolve,
        ErrorKind::Proxy,
        ErrorKind::ProxyLoginRejected,
        ErrorKind::Connect,
        ErrorKind::Tls,
        ErrorKind::ConnectionLost,
        ErrorKind::Timeout,
        ErrorKind::Cancelled,
        ErrorKind::CredentialsRejected,
        ErrorKind::SignInRequired,
        ErrorKind::AccessRevoked,
        ErrorKind::ScopeRefused,
        ErrorKind::AccessDenied,
        ErrorKind::RequestRefused,
        ErrorKind::EndpointNotFound,
        ErrorKind::RateLimited,
        ErrorKind::Unavailable,
        ErrorKind::Redirected,
        ErrorKind::UnexpectedStatus,
        ErrorKind::AnswerTooLarge,
        ErrorKind::AnswerNotJson,
        ErrorKind::AnswerMalformed,
        ErrorKind::InvalidLifetime,
        ErrorKind::TokensRefused,
        ErrorKind::RotationNotStored,
        ErrorKind::Internal,
    ];

    fn row(self) -> Row {
        let row = |name, actor, retryable, message, remedy| Row {
            name,
            actor,
            retryable,
            message,
            remedy,
        };
        use ErrorActor::{Caller, Operator, Vendor};
        match self {
            ErrorKind::InvalidSetting => row(
                "invalid_setting",
                Caller,
                false,
                "a setting cannot be used",
                "correct the named setting",
            ),
            ErrorKind::Resolve => row(
                "resolve",
                Operator,
                true,
                "the host name did not resolve",
                "check base_url and the machine's DNS",
            ),
            ErrorKind::Proxy => row(
                "proxy",
                Operator,
                true,
                "the proxy failed",
                "check the proxy's address and rules; the vendor was not reached",
            ),
            ErrorKind::ProxyLoginRejected => row(
                "proxy_login_rejected",
                Operator,
                false,
                "the proxy rejected the login",
                "give the right user name and password in the proxy's URL and make a new client; \
                 the account may be locked",
            ),
            ErrorKind::Connect => row(
                "connect",
                Operator,
                true,
                "no connection to the host",
                "check base_url, firewall and proxy, or whether the vendor is down",
            ),
            ErrorKind::Tls => row(
                "tls",
                Operator,
                false,
                "the TLS handshake failed",
                "check the CA certificates, the host name and this machine's clock; \
                 a network that inspects TLS needs its own CA in the settings",
            ),
            ErrorKind::ConnectionLost => row(
                "connection_lost",
                Operator,
                true,
                "the connection broke",
                "try again; if it keeps happening, look for a firewall or proxy that cuts connections",
            ),
            ErrorKind::Timeout => row(
                "timeout",
                Operator,
                true,
                "the deadline passed",
                "try again, or allow more time; the phase says what was slow",
            ),
            ErrorKind::Cancelled => row(
                "cancelled",
                Caller,
                true,
                "the call was cancelled",
                "call again when the token is wanted",
            ),
            ErrorKind::CredentialsRejected => row(
                "credentials_rejected",
                Operator,
                false,
                "the credentials were rejected",
                "check the client id and secret (or user name and password) with the vendor and set them anew",
            ),
            ErrorKind::SignInRequired => row(
                "sign_in_required",
                Operator,
                false,
                "the refresh token is no longer valid",
                "have the user sign in again and set the new refresh_token",
            ),
            ErrorKind::AccessRevoked => row(
                "access_revoked",
                Operator,
                false,
                "the access was revoked",
                "have the owner grant access again and set the new refresh_token",
            ),
            ErrorKind::ScopeRefused => row(
                "scope_refused",
                Operator,
                false,
                "a requested scope was refused",
                "request only scopes that exist and that the vendor has approved for this client",
            ),
            ErrorKind::AccessDenied => row(
                "access_denied",
                Operator,
                false,
                "access was denied",
                "ask the vendor to allow this client, and check the gateway's keys where there are any",
            ),
            ErrorKind::RequestRefused => row(
                "request_refused",
                Operator,
                false,
                "the vendor refused the request as malformed",
                "check that base_url and credentials belong to this vendor; if they do, report it to caretoken",
            ),
            ErrorKind::EndpointNotFound => row(
                "endpoint_not_found",
                Operator,
                false,
                "there is no token endpoint at this address",
                "check base_url; some vendors also answer so when a permission is missing",
            ),
            ErrorKind::RateLimited => row(
                "rate_limited",
                Caller,
                true,
                "too many requests",
                "wait before the next call; share one client instead of making many",
            ),
            ErrorKind::Unavailable => row(
                "unavailable",
                Vendor,
                true,
                "the vendor's service is unavailable",
                "try again later; if it lasts, ask the vendor",
            ),
            ErrorKind::Redirected => row(
                "redirected",
                Operator,
                false,
                "the answer is a redirect, which is never followed",
                "set base_url to the vendor's own address; a captive portal or proxy may stand in between",
            ),
            ErrorKind::UnexpectedStatus => row(
                "unexpected_status",
                Vendor,
                false,
                "the answer has an unexpected status",
                "check base_url; if it is right, ask the vendor what the status means",
            ),
            ErrorKind::AnswerTooLarge => row(
                "answer_too_large",
                Vendor,
                false,
                "the answer is larger than 64 KiB",
                "check base_url; a token endpoint never answers that much",
            ),
            ErrorKind::AnswerNotJson => row(
                "answer_not_json",
                Vendor,
                false,
                "the answer is not JSON",
                "check base_url and whether a proxy or portal answers in the vendor's place",
            ),
            ErrorKind::AnswerMalformed => row(
                "answer_malformed",
                Vendor,
                false,
                "the answer does not have the vendor's documented shape",
                "check base_url and the vendor name; if both are right, the vendor changed its API",
            ),
            ErrorKind::InvalidLifetime => row(
                "invalid_lifetime",
                Vendor,
                false,
                "the token's lifetime makes no sense",
                "report it to the vendor; a token without a sane end of life is not used",
            ),
            ErrorKind::TokensRefused => row(
                "tokens_refused",
                Operator,
                false,
                "fresh tokens keep being refused",
                "check that the API called belongs to this vendor and environment, and the client's permissions",
            ),
            ErrorKind::RotationNotStored => row(
                "rotation_not_stored",
                Caller,
                true,
                "the new refresh token could not be stored",
                "mend the host's storage and call again: the new refresh token is kept until it is stored",
            ),
            ErrorKind::Internal => row(
                "internal",
                Caller,
                false,
                "internal error",
                "make a new client, and report this",
            ),
        }
    }

    /// The stable name, such as `credentials_rejected`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Who must act.
    #[must_use]
    pub fn actor(self) -> ErrorActor {
        self.row().actor
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(self) -> bool {
        self.row().retryable
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        self.row().remedy
    }
}

/// What went wrong, where, and who must do what about it.
///
/// Cheap to clone, safe to log: it holds statuses, codes, names and shapes, never a credential, a
/// token or a part of an answer's body. `Display` gives one line with all of it.
#[derive(Clone)]
pub struct Error(Arc<Report>);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[derive(Clone)]
struct Report {
    kind: ErrorKind,
    phase: ErrorPhase,
    vendor: Option<&'static str>,
    message: Cow<'static, str>,
    remedy: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    http_status: Option<u16>,
    vendor_code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    retry_after: Option<Duration>,
    /// A password went out, and the same call must not send it again.
    sent_password: bool,
    /// The error of the host's own callback.
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(vendor) = self.vendor {
            write!(f, "{vendor}: ")?;
        }
        f.write_str(&self.message)?;
        let mut facts = Facts { f, open: false };
        facts.add(
            "phase ",
            Some(self.phase).filter(|p| *p != ErrorPhase::Configure).map(ErrorPhase::name),
        )?;
        facts.add("HTTP ", self.http_status)?;
        facts.add("code ", self.vendor_code.as_deref())?;
        facts.add("request id ", self.request_id.as_deref())?;
        facts.add("retry after ", self.retry_after.map(|d| format!("{} s", d.as_secs_f32())))?;
        if facts.open {
            f.write_str(")")?;
        }
        write!(f, "; to do ({}): {}", self.kind.actor().name(), self.remedy)
    }
}

/// Writes ` (a, b, c` of the facts that are there.
struct Facts<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    open: bool,
}

impl Facts<'_, '_> {
    fn add(&mut self, label: &str, value: Option<impl fmt::Display>) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        self.f.write_str(if self.open { ", " } else { " (" })?;
        self.open = true;
        write!(self.f, "{label}{value}")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({}: {})", self.kind().name(), self.0)
    }
}

impl Error {
    /// An error of this kind with its standard message and remedy.
    ///
    /// Public for injected [`Transport`](crate::transport::Transport)s. Give it nothing secret.
    #[must_use]
    pub fn new(kind: ErrorKind, phase: ErrorPhase) -> Self {
        let row = kind.row();
        Error(Arc::new(Report {
            kind,
            phase,
            vendor: None,
            message: row.message.into(),
            remedy: row.remedy.into(),
            field: None,
            http_status: None,
            vendor_code: None,
            request_id: None,
            retry_after: None,
            sent_password: false,
            source: None,
        }))
    }

    /// A setting that cannot be used: its name, what is wrong with it, what to do.
    pub(crate) fn setting(
        field: impl Into<Cow<'static, str>>,
        problem: impl fmt::Display,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        let field = field.into();
        Error::new(ErrorKind::InvalidSetting, ErrorPhase::Configure)
            .with_message(format!("{field} {problem}"))
            .with_remedy(remedy)
            .with(|report| report.field = Some(field))
    }

    fn with(mut self, change: impl FnOnce(&mut Report)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// Replaces the message. It must hold no secret and no part of an answer's body.
    #[must_use]
    pub fn with_message(self, message: impl Into<Cow<'static, str>>) -> Self {
        self.with(|report| report.message = message.into())
    }

    /// Replaces the remedy.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.with(|report| report.remedy = remedy.into())
    }

    /// If time ran out after an `earlier` attempt had failed, tells that too: it is the reason.
    pub(crate) fn after(self, earlier: Option<&Error>) -> Self {
        match earlier.filter(|_| self.kind() == ErrorKind::Timeout) {
            None => self,
            Some(earlier) => {
                let status = earlier.http_status().map(|status| format!(" (HTTP {status})"));
                let (now, before) = (self.message(), earlier.message());
                let status = status.unwrap_or_default();
                let message = format!("{now}; the attempt before had failed: {before}{status}");
                self.with_message(message)
            }
        }
    }

    pub(crate) fn with_phase(self, phase: ErrorPhase) -> Self {
        self.with(|report| report.phase = phase)
    }

    pub(crate) fn with_vendor(self, vendor: &'static str) -> Self {
        self.with(|report| report.vendor = Some(vendor))
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        self.with(|report| report.http_status = Some(status))
    }

    pub(crate) fn with_vendor_code(self, code: Option<Box<str>>) -> Self {
        self.with(|report| report.vendor_code = code)
    }

    pub(crate) fn with_request_id(self, id: Option<Box<str>>) -> Self {
        self.with(|report| report.request_id = id)
    }

    pub(crate) fn with_retry_after(self, wait: Option<Duration>) -> Self {
        self.with(|report| report.retry_after = wait)
    }

    /// Keeps the error of the host's own callback. `Display` does not show it: it is the host's, and
    /// nobody knows what it holds.
    pub(crate) fn with_source(self, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        self.with(|report| report.source = Some(source.into()))
    }

    /// Notes that a password went out: the same call must not send it again, whatever the kind.
    pub(crate) fn with_password_sent(self) -> Self {
        self.with(|report| report.sent_password = true)
    }

    /// Whether a password went out that the same call must not send again.
    pub(crate) fn has_sent_password(&self) -> bool {
        self.0.sent_password
    }

    /// What went wrong.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Where in the call it went wrong.
    #[must_use]
    pub fn phase(&self) -> ErrorPhase {
        self.0.phase
    }

    /// The vendor's name, such as `pattern`, where one is involved.
    #[must_use]
    pub fn vendor(&self) -> Option<&'static str> {
        self.0.vendor
    }

    /// What went wrong in words, without the facts that have accessors of their own.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// What to do about it, in one line.
    #[must_use]
    pub fn remedy(&self) -> &str {
        &self.0.remedy
    }

    /// Who must do it.
    #[must_use]
    pub fn actor(&self) -> ErrorActor {
        self.0.kind.actor()
    }

    /// The setting, credential or argument that an [`ErrorKind::InvalidSetting`] is about.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// The HTTP status of the answer, where there was one.
    #[must_use]
    pub fn http_status(&self) -> Option<u16> {
        self.0.http_status
    }

    /// The vendor's own code for the error, such as `invalid_client`, where the answer has one.
    #[must_use]
    pub fn vendor_code(&self) -> Option<&str> {
        self.0.vendor_code.as_deref()
    }

    /// The vendor's id of the request, for its support, where the answer has one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.0.request_id.as_deref()
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.0.kind.is_retryable()
    }

    /// How long to wait before the next call: what the vendor said (RFC 9110 §10.2.3), or what is
    /// left of a cool-down.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
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

    #[test]
    fn an_error_prints_all_it_knows_in_one_line() {
        let error = Error::new(ErrorKind::RateLimited, ErrorPhase::Read)
            .with_vendor("pattern")
            .with_status(429)
            .with_vendor_code(Some("slow_down".into()))
            .with_request_id(Some("req-1".into()))
            .with_retry_after(Some(Duration::from_millis(1500)));
        assert_eq!(
            error.to_string(),
            "pattern: too many requests (phase read, HTTP 429, code slow_down, request id req-1, \
             retry after 1.5 s); to do (caller): wait before the next call; share one client \
             instead of making many"
        );
    }

    #[test]
    fn a_setting_error_names_the_field() {
        let error = Error::setting("timeout", "is zero", "give at least one millisecond");
        assert_eq!(error.field(), Some("timeout"));
        assert_eq!(
            error.to_string(),
            "timeout is zero; to do (caller): give at least one millisecond"
        );
    }
}
