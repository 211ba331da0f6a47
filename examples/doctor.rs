//! What lies between this machine and a vendor, step by step, for a ticket.
//!
//! Without arguments it probes the way to a sandbox in this process. It needs no credentials and
//! sends none.

use std::process::ExitCode;
use std::time::Duration;

use caretoken::{ClientBuilder, DoctorReport, Error};
use caretoken_sandbox::{Sandbox, Vendor};
use clap::Parser;

/// Examines the way to a vendor: resolve, connect, proxy, TLS, one request, clock.
///
/// Exits with 1 when no request comes through. No credentials are needed, and none are sent.
///
/// Without --vendor: the way to a sandbox on this machine, over real HTTPS.
#[derive(Parser)]
struct Arguments {
    /// parchment, ehealth, edvak or pattern
    #[arg(long, requires = "base_url")]
    vendor: Option<String>,
    /// Where the vendor's API lives, such as https://pattern.example
    #[arg(long, requires = "vendor")]
    base_url: Option<String>,
    /// A PEM file with further CA certificates to trust
    #[arg(long)]
    ca_file: Option<String>,
    /// environment, off, or a URL such as http://proxy.example:3128
    #[arg(long, default_value = "environment")]
    proxy: String,
    /// How many seconds to wait at most
    #[arg(long, default_value_t = 10)]
    timeout: u64,
}

fn main() -> ExitCode {
    match probe(&Arguments::parse()) {
        Ok(report) => {
            println!("{report}");
            if report.is_healthy() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("doctor: {error}");
            ExitCode::FAILURE
        }
    }
}

fn probe(arguments: &Arguments) -> Result<DoctorReport, Box<dyn std::error::Error>> {
    // Kept to the end: dropping the sandbox stops it.
    let mut sandbox = None;
    let mut builder = match (&arguments.vendor, &arguments.base_url) {
        (Some(vendor), Some(base_url)) => real_vendor(vendor, base_url)?,
        _ => in_sandbox(sandbox.insert(Sandbox::start()?))?,
    };
    if let Some(path) = &arguments.ca_file {
        builder = builder.set("ca_file", path.as_str())?;
    }
    builder = builder.set("proxy", arguments.proxy.as_str())?;
    Ok(builder.timeout(Duration::from_secs(arguments.timeout)).doctor()?)
}

fn real_vendor(vendor: &str, base_url: &str) -> Result<ClientBuilder, Error> {
    let mut builder = ClientBuilder::by_name(vendor)?;
    builder = builder.set("base_url", base_url)?;
    Ok(builder)
}

fn in_sandbox(sandbox: &Sandbox) -> Result<ClientBuilder, Error> {
    let mut builder = real_vendor("pattern", &sandbox.base_url(Vendor::Pattern))?;
    builder = builder.set("ca_pem", sandbox.ca_pem())?;
    Ok(builder)
}
