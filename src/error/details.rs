//! `Error`: one failure with all that is known about it.

use std::borrow::Cow;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use super::kind::{ErrorActor, ErrorKind};
use super::phase::ErrorPhase;

/// What went wrong, where, and who must do what about it.
///
/// Cheap to clone, safe to log: it holds statuses, codes, names and shapes, never a credential, a
/// token or a part of an answer's body. `Display` gives one line with all of it. Its
/// [`source`](std::error::Error::source) is the error of the host's own callback, where one failed:
/// what that holds is the host's to know.
#[derive(Clone)]
pub struct Error(Arc<Details>);

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let source: &(dyn std::error::Error + Send + Sync) = &****self.0.source.as_ref()?;
        Some(source)
    }
}

#[derive(Clone)]
struct Details {
    kind: ErrorKind,
    phase: ErrorPhase,
    vendor: Option<Arc<str>>,
    message: Cow<'static, str>,
    remedy: Cow<'static, str>,
    field: Option<Cow<'static, str>>,
    http_status: Option<u16>,
    vendor_code: Option<Box<str>>,
    request_id: Option<Box<str>>,
    retry_after: Option<Duration>,
    /// A password went out, and the same call must not send it again.
    sent_password: bool,
    /// The error of the host's own callback. It is only read.
    source: Option<Arc<AssertUnwindSafe<Box<dyn std::error::Error + Send + Sync>>>>,
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(vendor) = &self.vendor {
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
    #[cold]
    #[inline(never)]
    #[must_use]
    pub fn new(kind: ErrorKind, phase: ErrorPhase) -> Self {
        Error(Arc::new(Details {
            kind,
            phase,
            vendor: None,
            message: kind.message().into(),
            remedy: kind.remedy().into(),
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
        // One copy of the code, however many callers there are: the library stays small.
        #[cold]
        #[inline(never)]
        fn setting(
            field: Cow<'static, str>,
            problem: &dyn fmt::Display,
            remedy: Cow<'static, str>,
        ) -> Error {
            Error::new(ErrorKind::InvalidSetting, ErrorPhase::Configure)
                .with_message(format!("{field} {problem}"))
                .with_remedy(remedy)
                .with(|details| details.field = Some(field))
        }
        setting(field.into(), &problem, remedy.into())
    }

    fn with(mut self, change: impl FnOnce(&mut Details)) -> Self {
        change(self.details());
        self
    }

    #[cold]
    #[inline(never)]
    fn details(&mut self) -> &mut Details {
        Arc::make_mut(&mut self.0)
    }

    /// Replaces the message. It must hold no secret and no part of an answer's body.
    #[must_use]
    pub fn with_message(self, message: impl Into<Cow<'static, str>>) -> Self {
        self.with(|details| details.message = message.into())
    }

    /// Replaces the remedy.
    #[must_use]
    pub fn with_remedy(self, remedy: impl Into<Cow<'static, str>>) -> Self {
        self.with(|details| details.remedy = remedy.into())
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
        self.with(|details| details.phase = phase)
    }

    pub(crate) fn with_vendor(self, vendor: &Arc<str>) -> Self {
        self.with(|details| details.vendor = Some(Arc::clone(vendor)))
    }

    pub(crate) fn with_status(self, status: u16) -> Self {
        self.with(|details| details.http_status = Some(status))
    }

    pub(crate) fn with_vendor_code(self, code: Option<Box<str>>) -> Self {
        self.with(|details| details.vendor_code = code)
    }

    pub(crate) fn with_request_id(self, id: Option<Box<str>>) -> Self {
        self.with(|details| details.request_id = id)
    }

    pub(crate) fn with_retry_after(self, wait: Option<Duration>) -> Self {
        self.with(|details| details.retry_after = wait)
    }

    /// Keeps the error of the host's own callback as the source. `Display` does not show it: nobody
    /// here knows what it holds.
    pub(crate) fn with_source(self, source: Box<dyn std::error::Error + Send + Sync>) -> Self {
        self.with(|details| details.source = Some(Arc::new(AssertUnwindSafe(source))))
    }

    /// Notes that a password went out: the same call must not send it again, whatever the kind.
    pub(crate) fn with_password_sent(self) -> Self {
        self.with(|details| details.sent_password = true)
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
    pub fn vendor(&self) -> Option<&str> {
        self.0.vendor.as_deref()
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
    fn an_error_prints_all_it_knows_in_one_line() {
        let error = Error::new(ErrorKind::RateLimited, ErrorPhase::Read)
            .with_vendor(&"pattern".into())
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
