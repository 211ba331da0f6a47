//! The transport against peers on loopback, well-behaved and hostile.

// Elsewhere a full queue refuses instead of keeping silent.
#[cfg(target_os = "linux")]
mod addresses;
mod deadline;
mod examined;
mod hostile;
mod leak;
mod logins;
mod named;
mod peer;
mod proxies;
mod real;
mod revocation;
mod settings;
#[cfg(all(feature = "platform-verifier", not(any(windows, target_vendor = "apple"))))]
mod store;
#[cfg(feature = "native-tls")]
mod system;
mod trust;
mod wire;

/// Says that a test could not run. Not by `println!`, which the test runner would keep to itself.
fn skipped(missing: &str) {
    use std::io::Write as _;
    let _nowhere_else_to_say_it =
        writeln!(std::io::stderr(), "skipped: {missing} is not installed");
}
