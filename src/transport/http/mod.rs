//! ureq, and what keeps secrets from it.
//!
//! ureq writes all that it sends and reads to the log at trace level, and keeps it in buffers that
//! nobody wipes. So it must never see a secret:
//!
//! - It composes the request without our headers, which hold credentials, with a body of zeroes, and
//!   with the path of a URL that holds nothing secret. `agent`, which is the connection to ureq, puts
//!   headers, body, and the true path and query in as the request leaves, in one write.
//! - It never gets a byte of the answer. `answer` reads it into memory that is wiped, and ureq is
//!   shown an empty one, which says no more than whether the connection may be kept.
//! - `exchange` carries request and answer past ureq, which passes nothing through to the connection.
//!
//! ureq composes the request, keeps the pool of connections, and decides which one is used.

mod agent;
mod answer;
mod exchange;

pub(super) use agent::Agent;
