//! One token from each vendor, shown and then proved at the resource it is for.
//!
//! Without arguments it starts the sandbox in this process. With `--vendor` it does the same
//! against a real vendor.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use caretoken::{ClientBuilder, Token};
use caretoken_sandbox::{Sandbox, Vendor};
use clap::Parser;
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Fetches tokens and proves that they are accepted.
///
/// Without --vendor: from all four vendors of a sandbox on this machine, over real HTTPS.
///
/// With --vendor: from that vendor. Credentials come from environment variables named after the
/// vendor and the credential, such as PATTERN_CLIENT_ID and PATTERN_CLIENT_SECRET; a missing one
/// is named in the error.
#[derive(Parser)]
struct Arguments {
    /// parchment, ehealth, edvak or pattern
    #[arg(long, requires = "base_url")]
    vendor: Option<String>,
    /// Where the vendor's API lives, such as https://pattern.example
    #[arg(long, requires = "vendor")]
    base_url: Option<String>,
    /// Scopes to request, separated by spaces (Parchment requires at least one)
    #[arg(long, default_value = "")]
    scopes: String,
    /// A PEM file with further CA certificates to trust
    #[arg(long)]
    ca_file: Option<String>,
    /// A URL to call with the token, by GET, to see whether it is accepted
    #[arg(long)]
    resource_url: Option<String>,
    /// How many seconds to wait at most
    #[arg(long, default_value_t = 10)]
    timeout: u64,
}

/// Where a token is wanted, and where it can be proved.
struct Target {
    builder: ClientBuilder,
    resource_url: Option<String>,
    /// Headers that the resource wants besides the token.
    resource_headers: Vec<(&'static str, String)>,
    ca_pem: Vec<u8>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("quickstart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool, Box<dyn Error>> {
    let timeout = Duration::from_secs(arguments.timeout);
    // Kept to the end: dropping the sandbox stops it.
    let mut sandbox = None;
    let targets = match &arguments.vendor {
        Some(vendor) => vec![real_vendor(vendor, arguments)?],
        None => {
            let sandbox = sandbox.insert(Sandbox::start()?);
            println!("A sandbox on this machine plays the four vendors at {}.\n", sandbox.origin());
            let targets = Vendor::ALL.iter().map(|vendor| in_sandbox(sandbox, *vendor));
            targets.collect::<Result<Vec<_>, _>>()?
        }
    };

    println!(
        "{:<10} {:<29} {:>10}  {:<34} {:<30} {:>8}  accepted",
        "vendor", "token", "expires in", "scopes", "request id", "took"
    );
    let mut all_accepted = true;
    for target in targets {
        let client = target.builder.timeout(timeout).build()?;
        let start = Instant::now();
        let token = client.token()?;
        let took = start.elapsed();
        let accepted = match &target.resource_url {
            None => "not tried".to_owned(),
            Some(url) => {
                let status = call_resource(url, &token, &target.resource_headers, &target.ca_pem)?;
                if status == 401 {
                    client.reject(&token);
                }
                all_accepted &= status == 200;
                format!("{} (HTTP {status})", if status == 200 { "yes" } else { "no" })
            }
        };
        println!(
            "{:<10} {:<29} {:>10}  {:<34} {:<30} {:>5} ms  {accepted}",
            client.vendor(),
            shape(&token),
            format!("{:.0} s", token.time_left().as_secs_f64()),
            shortened(&token.scopes().join(" "), 34),
            shortened(token.request_id().unwrap_or("-"), 30),
            took.as_millis(),
        );
        if !token.missing_scopes().is_empty() {
            println!("{:<10} not granted: {}", "", token.missing_scopes().join(" "));
        }
    }
    Ok(all_accepted)
}

fn in_sandbox(sandbox: &Sandbox, vendor: Vendor) -> Result<Target, caretoken::Error> {
    let mut builder = ClientBuilder::by_name(vendor.name())?;
    builder = builder.set("base_url", sandbox.base_url(vendor))?;
    builder = builder.set("ca_pem", sandbox.ca_pem())?;
    for (name, value) in sandbox.credentials(vendor) {
        builder = builder.set(name, value.as_str())?;
    }
    let mut resource_headers = Vec::new();
    if vendor == Vendor::Parchment {
        builder = builder.set("scopes", "create:patient read:patient")?;
        // Parchment's API wants this one with each call.
        let secret = sandbox.credential(vendor, "organization_secret");
        resource_headers.push(("x-organization-secret", secret));
    }
    Ok(Target {
        builder,
        resource_url: Some(sandbox.resource_url(vendor)),
        resource_headers,
        ca_pem: sandbox.ca_pem().into(),
    })
}

fn real_vendor(vendor: &str, arguments: &Arguments) -> Result<Target, Box<dyn Error>> {
    let mut builder = ClientBuilder::by_name(vendor)?;
    builder = builder.set("base_url", arguments.base_url.as_deref().unwrap_or_default())?;
    if !arguments.scopes.is_empty() {
        builder = builder.set("scopes", arguments.scopes.as_str())?;
    }
    let mut ca_pem = Vec::new();
    if let Some(path) = &arguments.ca_file {
        builder = builder.set("ca_file", path.as_str())?;
        ca_pem = std::fs::read(path)?;
    }
    let mut resource_headers = Vec::new();
    let secret = builder.parameters().filter(|known| known.is_secret());
    let names: Vec<_> =
        secret.map(|known| (known.name().to_owned(), known.is_required())).collect();
    for (name, required) in &names {
        let variable = format!("{vendor}_{name}").to_uppercase();
        match std::env::var(&variable) {
            Ok(value) => {
                if name == "organization_secret" {
                    resource_headers.push(("x-organization-secret", value.clone()));
                }
                builder = builder.set(name, value)?;
            }
            Err(_) if *required => return Err(format!("set {variable} in the environment").into()),
            Err(_) => {}
        }
    }
    Ok(Target { builder, resource_url: arguments.resource_url.clone(), resource_headers, ca_pem })
}

/// Calls the vendor's API with the token, as a program that uses caretoken would.
fn call_resource(
    url: &str,
    token: &Token,
    headers: &[(&str, String)],
    ca_pem: &[u8],
) -> Result<u16, Box<dyn Error>> {
    let mut tls = TlsConfig::builder();
    if !ca_pem.is_empty() {
        let certificates = parse_pem(ca_pem).filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        });
        let certificates: Vec<_> = certificates.collect();
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates));
    }
    let config = ureq::Agent::config_builder().tls_config(tls.build()).http_status_as_error(false);
    let agent = config.build().new_agent();
    let mut request = agent.get(url).header("authorization", token.authorization().expose_secret());
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    Ok(request.call()?.status().as_u16())
}

/// What the token looks like, with nothing of it shown.
fn shape(token: &Token) -> String {
    let text = token.access_token().expose_secret();
    let kind = if text.split('.').count() == 3 { "JWT-shaped" } else { "opaque" };
    format!("Bearer ***, {kind}, {} B", text.len())
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most - 1) {
        Some((end, _)) if text.len() > most => format!("{}…", &text[..end]),
        _ if text.is_empty() => "-".to_owned(),
        _ => text.to_owned(),
    }
}
