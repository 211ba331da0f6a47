//! Tickets for resuming sessions: a reconnect then needs no certificates and half the time.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// How many servers are remembered: a transport talks to one vendor, or to few.
const MAX_SERVERS: usize = 8;

/// How many TLS 1.3 tickets are kept of each. Servers send two or so, and each is used once.
const MAX_TICKETS: usize = 4;

/// Remembers TLS sessions in memory, bounded.
///
/// Unlike rustls's own store it never waits for its lock, which a forked child may inherit locked for
/// ever. Without a ticket there is a full handshake.
#[derive(Default)]
pub(super) struct Tickets(Mutex<Vec<Server>>);

struct Server {
    name: ServerName<'static>,
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    tls13: Vec<Tls13ClientSessionValue>,
}

impl Tickets {
    fn lock(&self) -> Option<MutexGuard<'_, Vec<Server>>> {
        self.0.try_lock().ok()
    }

    fn known<T>(
        &self,
        name: &ServerName<'_>,
        look: impl FnOnce(&mut Server) -> Option<T>,
    ) -> Option<T> {
        let mut servers = self.lock()?;
        servers.iter_mut().find(|server| server.name == *name).and_then(look)
    }

    /// Changes what is known of a server; the oldest makes room for a new one.
    fn remember(&self, name: ServerName<'static>, change: impl FnOnce(&mut Server)) {
        let Some(mut servers) = self.lock() else { return };
        if let Some(server) = servers.iter_mut().find(|server| server.name == name) {
            return change(server);
        }
        if servers.len() == MAX_SERVERS {
            servers.remove(0);
        }
        let mut server = Server { name, group: None, tls12: None, tls13: Vec::new() };
        change(&mut server);
        servers.push(server);
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.remember(name, |server| server.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.known(name, |server| server.group)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.remember(name, |server| server.tls12 = Some(value));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.known(name, |server| server.tls12.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.known(name, |server| server.tls12.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.remember(name, |server| {
            if server.tls13.len() == MAX_TICKETS {
                server.tls13.remove(0);
            }
            server.tls13.push(value);
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.known(name, |server| server.tls13.pop())
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}
