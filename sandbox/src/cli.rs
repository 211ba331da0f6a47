//! The program's options, and the exports it prints.

use std::path::{Path, PathBuf};

use caretoken_sandbox::{Fault, Sandbox, Vendor};
use clap::Parser;

/// A server on loopback HTTPS that behaves like the four vendors caretoken speaks to.
///
/// Prints shell `export` lines to standard output and serves until SIGINT or SIGTERM. All
/// credentials in it are fake; never put it on a real network.
#[derive(Debug, Parser)]
#[command(version, after_long_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Port on the loopback addresses; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Speak HTTP without TLS
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// How long the tokens of all vendors live [default: what each vendor's documents show]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) token_life: Option<u64>,

    /// Write the CA certificate here and leave it there [default: a temporary file, removed at
    /// the end]
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Also write the export lines to this file, which appears complete or not at all, and is
    /// removed at the end
    #[arg(long, value_name = "PATH")]
    pub(crate) env_file: Option<PathBuf>,

    /// Let every token request to a vendor go wrong; once per vendor. The names are below
    #[arg(long = "fault", alias = "faults", value_name = "VENDOR=FAULT", value_parser = fault)]
    pub(crate) faults: Vec<(Vendor, Fault)>,

    /// eHealth: replace the refresh token at each refresh
    #[arg(long)]
    pub(crate) rotate_refresh_tokens: bool,

    /// eHealth: refuse requests without X-Custom-PSK and API-key
    #[arg(long)]
    pub(crate) require_gateway_keys: bool,
}

const AFTER_HELP: &str = "\
Exports:
  CARETOKEN_CA_FILE     the CA certificate that clients must trust, PEM
  <VENDOR>_BASE_URL     where the vendor's API is
  <VENDOR>_RESOURCE_URL GET it with a token (Parchment: and x-organization-secret)
  <VENDOR>_<CREDENTIAL> such as PARCHMENT_PARTNER_ID, PATTERN_CLIENT_SECRET
  with VENDOR one of PARCHMENT, EHEALTH, EDVAK, PATTERN

Faults:
  status:CODE              that status without a body
  delay:MS                 wait, then answer normally
  delay-body:MS            wait in the middle of the body
  cut, cut-body            close the connection: without an answer, in the middle of the body
  oversize:BYTES           a valid answer padded to this length
  oversize-chunked:BYTES   the same without announcing the length
  broken-json              an answer that breaks off
  html, empty              a success with an HTML page, or with nothing
  wrong-unit               the expiry in the other unit
  skewed-date:SECONDS      a Date header that is off
  no-date                  no Date header
  rate-limited[:RETRY]     the vendor's 429, with this Retry-After
  outage                   the vendor's 503
  rotate-refresh-token     eHealth: a new refresh token, the old one dies
  redirect:URL             a 307 to this address
  json:JSON                a success with this JSON

Example:
  caretoken-sandbox --env-file sandbox.env --fault pattern=rate-limited:2 &
  while [ ! -f sandbox.env ]; do sleep 0.1; done; . ./sandbox.env
  curl --cacert \"$CARETOKEN_CA_FILE\" \"$PATTERN_BASE_URL/api/auth/token\" \\
    -u \"$PATTERN_CLIENT_ID:$PATTERN_CLIENT_SECRET\" -H 'Accept: application/json' \\
    -d grant_type=client_credentials";

fn fault(text: &str) -> Result<(Vendor, Fault), String> {
    let (vendor, fault) = text.split_once('=').ok_or("expected VENDOR=FAULT")?;
    let known = || Vendor::ALL.map(Vendor::name).join(", ");
    let vendor = Vendor::from_name(vendor)
        .ok_or_else(|| format!("no vendor is named {vendor}; there are {}", known()))?;
    Ok((vendor, fault.parse()?))
}

/// What a shell evaluates to learn where the sandbox is and how to get in.
pub(crate) fn exports(sandbox: &Sandbox, ca_file: &Path) -> String {
    let mut lines = export("CARETOKEN_CA_FILE", &ca_file.display().to_string());
    for vendor in Vendor::ALL {
        let prefix = vendor.name().to_uppercase();
        lines += &export(&format!("{prefix}_BASE_URL"), &sandbox.base_url(vendor));
        lines += &export(&format!("{prefix}_RESOURCE_URL"), &sandbox.resource_url(vendor));
        for (name, value) in sandbox.credentials(vendor) {
            lines += &export(&format!("{prefix}_{}", name.to_uppercase()), value);
        }
    }
    lines
}

/// One line, with the value quoted so that any POSIX shell reads it unchanged.
fn export(name: &str, value: &str) -> String {
    format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_quote_in_a_value_survives_the_shell() {
        assert_eq!(export("A", "it's"), "export A='it'\\''s'\n");
    }

    #[test]
    fn a_fault_names_its_vendor() {
        assert_eq!(fault("pattern=html"), Ok((Vendor::Pattern, Fault::Html)));
        let page = Fault::Redirect("https://example.invalid/?a=b".into());
        assert_eq!(fault("edvak=redirect:https://example.invalid/?a=b"), Ok((Vendor::Edvak, page)));
        for text in ["html", "acme=html", "pattern=flood"] {
            assert!(fault(text).is_err(), "{text}");
        }
    }
}
