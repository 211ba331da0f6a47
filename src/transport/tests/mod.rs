//! The transport against peers on loopback, well-behaved and hostile.

mod deadline;
mod examined;
mod hostile;
mod peer;
mod proxies;
mod real;
mod settings;
mod trust;
mod wire;
