//! Proxies: which one is used, its login, and the tunnel through it.

mod login;
mod no_proxy;
mod selection;
mod tunnel;

pub(super) use selection::{Proxies, Proxy};
