//! The only place that knows HTTP, TLS, proxies and sockets.
//!
//! A [`Transport`] sends one [`Request`] to the vendor and returns the [`Response`]. The built-in
//! one speaks HTTPS. A host may inject its own (for an HTTP stack it already has, or for tests) with
//! [`ClientBuilder::transport`](crate::ClientBuilder::transport).
//!
//! The files, from the highest to the lowest: `https` is the built-in transport. It sends requests
//! with `http`, where ureq is, and probes the way to a vendor with `probe`. Both open each
//! `connection` with the `connector`: `resolve` finds addresses, `connect` opens a socket, `proxy` a
//! tunnel, `tls` a session. What a connection reads and writes is a `channel`: a socket or a session.
//! Below are `head` (of an HTTP answer), `socket`, `message`, `attempt` and `url`.

mod attempt;
mod channel;
mod connect;
mod connection;
mod connector;
mod head;
mod header;
mod http;
mod https;
mod interface;
mod limits;
mod message;
mod monitor;
mod probe;
mod probe_report;
mod proxy;
mod read_buffer;
mod resolve;
mod settings;
mod socket;
mod system_thread;
mod tls;
mod url;

#[cfg(test)]
mod tests;

pub use attempt::Attempt;
pub(crate) use attempt::{CancelSource, CancelToken};
pub(crate) use header::{check_user_agent, cookie_flaw, header_flaw};
pub(crate) use https::HttpsTransport;
pub use interface::Transport;
pub(crate) use message::RequestParts;
pub use message::{MAX_ANSWER, Method, Request, Response};
pub use probe_report::{Probe, ProbeOutcome, ProbeStep};
pub(crate) use settings::{ProxyChoice, Settings};
pub use settings::{TlsStack, TrustRoots};
pub use url::Url;
