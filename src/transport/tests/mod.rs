//! The transport against peers on loopback, well-behaved and hostile.

// Elsewhere a full queue refuses instead of keeping silent.
#[cfg(target_os = "linux")]
mod addresses;
mod deadline;
mod hostile;
mod leak;
mod logins;
mod named;
#[cfg(feature = "native-tls")]
mod native;
mod peer;
mod probe;
mod proxies;
mod real;
mod requests;
mod revocation;
mod settings;
#[cfg(all(feature = "platform-verifier", not(any(windows, target_vendor = "apple"))))]
mod system_roots;
mod trust;
mod wire;

/// Says that a test could not run. Not by `println!`, which the test runner would keep to itself.
fn skipped(missing: &str) {
    use std::io::Write as _;
    let _nowhere_else_to_say_it =
        writeln!(std::io::stderr(), "skipped: {missing} is not installed");
}
