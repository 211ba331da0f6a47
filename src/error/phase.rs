//! `ErrorPhase`: where in a call something went wrong.

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
