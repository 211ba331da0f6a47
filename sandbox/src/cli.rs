//! The program's options, and the exports it prints.

use std::path::{Path, PathBuf};

use caretoken_sandbox::{Fault, Sandbox, Vendor, VendorId};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser};

/// A server on loopback HTTPS that behaves like the four vendors caretoken speaks to, or like any
/// token endpoint that a profile describes.
///
/// Prints shell `export` lines to standard output and serves until SIGINT or SIGTERM. All
/// credentials in it are fake; never put it on a real network.
#[derive(Debug, Parser)]
#[command(version, after_long_help = AFTER_HELP)]
pub(crate) struct Options {
    /// Play the token endpoint that this file describes, in place of the four vendors. Can be
    /// given several times
    #[arg(long = "profile", value_name = "FILE")]
    pub(crate) profiles: Vec<PathBuf>,

    /// Let a profile expect this value of a parameter, such as another of its choices
    #[arg(long = "set", value_name = "PROFILE.PARAMETER=VALUE", value_parser = setting)]
    pub(crate) settings: Vec<(String, String, String)>,

    /// Port on the loopback addresses; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub(crate) port: u16,

    /// Speak HTTP without TLS
    #[arg(long)]
    pub(crate) plain_http: bool,

    /// How long the tokens of all vendors live [default: what each vendor's documents show; of a
    /// profile an hour, or what the file says]
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

    /// Let every token request to a vendor or profile go wrong; once for each. The names are below
    #[arg(long = "fault", alias = "faults", value_name = "NAME=FAULT", value_parser = fault)]
    pub(crate) faults: Vec<(String, Fault)>,

    /// eHealth and profiles: replace the refresh token at each refresh
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

Exports with --profile:
  CARETOKEN_CA_FILE     as above: the client's setting ca_file
  CARETOKEN_PROXY       the client's setting proxy, needed where the profile's URLs name hosts:
                        the sandbox plays them all and reaches none of them
  <NAME>_<PARAMETER>    a made-up value for each parameter, with characters that encodings trip
                        over; a parameter of kind url is a URL of the sandbox
  <NAME>_CLIENT_CERT_PEM, <NAME>_CLIENT_KEY_PEM
                        where the profile requires a client certificate
  <NAME>_SCOPES         the scopes that can be asked for, where it takes scopes
  <NAME>_RESOURCE_URL   GET it with a token, in the header that the profile says
  with NAME the profile's name in capitals, - as _, and _ before a digit

With --profile, each refusal is told on standard error: all that was not as the file says, without
a secret. Optional parameters may be left out. Everything else must be as the file says, and
nothing may come that it does not name. What steps give, UUIDs and the ids of JWTs are good once.

Faults:
  status:CODE              that status without a body
  delay:MS                 wait, then answer normally
  delay-body:MS            wait in the middle of the body
  cut, cut-body            close the connection: without an answer, in the middle of the body
  oversize:BYTES           a valid answer padded to this length
  oversize-chunked:BYTES   the same without announcing the length
  broken-json              an answer that breaks off
  html, empty              a success with an HTML page, or with nothing
  wrong-unit               the expiry in the other unit, where it has one
  skewed-date:SECONDS      a Date header that is off
  no-date                  no Date header
  rate-limited[:RETRY]     the vendor's 429, with this Retry-After
  outage                   the vendor's 503
  rotate-refresh-token     eHealth, profiles: a new refresh token, the old one dies
  redirect:URL             a 307 to this address
  json:JSON                a success with this JSON

Example:
  caretoken-sandbox --env-file sandbox.env --fault pattern=rate-limited:2 &
  while [ ! -f sandbox.env ]; do sleep 0.1; done; . ./sandbox.env
  curl --cacert \"$CARETOKEN_CA_FILE\" \"$PATTERN_BASE_URL/api/auth/token\" \\
    -u \"$PATTERN_CLIENT_ID:$PATTERN_CLIENT_SECRET\" -H 'Accept: application/json' \\
    -d grant_type=client_credentials

  caretoken-sandbox --profile acme.json --set acme.algorithm=ES256 --fault acme=wrong-unit";

fn fault(text: &str) -> Result<(String, Fault), String> {
    let (name, fault) = text.split_once('=').ok_or("expected NAME=FAULT")?;
    Ok((name.to_owned(), fault.parse()?))
}

fn setting(text: &str) -> Result<(String, String, String), String> {
    let (place, value) = text.split_once('=').ok_or("expected PROFILE.PARAMETER=VALUE")?;
    let (profile, parameter) = place.split_once('.').ok_or("expected PROFILE.PARAMETER=VALUE")?;
    Ok((profile.to_owned(), parameter.to_owned(), value.to_owned()))
}

/// Whom the program plays: the profiles, or else the four vendors.
pub(crate) fn played(sandbox: &Sandbox) -> Vec<(String, VendorId)> {
    let profiles = sandbox.profiles().map(|(name, id)| (name.to_owned(), id));
    let vendors = Vendor::ALL.map(|vendor| (vendor.name().to_owned(), vendor.into()));
    let profiles: Vec<_> = profiles.collect();
    if profiles.is_empty() { vendors.into() } else { profiles }
}

/// Ends the program with a word on its usage.
pub(crate) fn usage_error(message: String) -> ! {
    Options::command().error(ErrorKind::ValueValidation, message).exit()
}

/// Whose name this is.
pub(crate) fn find(played: &[(String, VendorId)], name: &str) -> VendorId {
    match played.iter().find(|(known, _)| known == name) {
        Some((_, id)) => *id,
        None => {
            let names: Vec<&str> = played.iter().map(|(name, _)| name.as_str()).collect();
            usage_error(format!("nobody here is named {name}; there is {}", names.join(", ")))
        }
    }
}

/// What a shell evaluates to learn where the sandbox is and how to get in.
pub(crate) fn exports(sandbox: &Sandbox, ca_file: &Path) -> String {
    let mut lines = export("CARETOKEN_CA_FILE", &ca_file.display().to_string());
    let profiles: Vec<_> = sandbox.profiles().collect();
    if profiles.is_empty() {
        for vendor in Vendor::ALL {
            let prefix = variable(vendor.name());
            lines += &export(&format!("{prefix}_BASE_URL"), &sandbox.base_url(vendor));
            lines += &of_one(sandbox, vendor.name(), vendor.into());
        }
        return lines;
    }
    lines += &export("CARETOKEN_PROXY", &sandbox.proxy_url());
    for (name, id) in profiles {
        let scopes = sandbox.allowed_scopes(id);
        if !scopes.is_empty() {
            lines += &export(&format!("{}_SCOPES", variable(name)), &scopes.join(" "));
        }
        lines += &of_one(sandbox, name, id);
    }
    lines
}

fn of_one(sandbox: &Sandbox, name: &str, id: VendorId) -> String {
    let prefix = variable(name);
    let mut lines = export(&format!("{prefix}_RESOURCE_URL"), &sandbox.resource_url(id));
    for (name, _) in sandbox.credentials(id) {
        let value = sandbox.credential(id, name);
        lines += &export(&format!("{prefix}_{}", variable(name)), &value);
    }
    lines
}

/// A name as a part of a shell variable's; a digit cannot begin one.
fn variable(name: &str) -> String {
    let name = name.to_uppercase().replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
}

/// One line, with the value quoted so that any POSIX shell reads it unchanged.
fn export(name: &str, value: &str) -> String {
    format!("export {name}='{}'\n", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_options_are_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn a_quote_in_a_value_survives_the_shell() {
        assert_eq!(export("A", "it's"), "export A='it'\\''s'\n");
    }

    #[test]
    fn a_fault_has_the_name_of_who_goes_wrong() {
        assert_eq!(fault("pattern=html"), Ok(("pattern".to_owned(), Fault::Html)));
        let page = Fault::Redirect("https://example.invalid/?a=b".into());
        let text = "edvak=redirect:https://example.invalid/?a=b";
        assert_eq!(fault(text), Ok(("edvak".to_owned(), page)));
        for text in ["html", "pattern=flood"] {
            assert!(fault(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_setting_has_a_profile_a_parameter_and_a_value() {
        let parts = ("acme".to_owned(), "alg".to_owned(), "a.b=c".to_owned());
        assert_eq!(setting("acme.alg=a.b=c"), Ok(parts));
        for text in ["acme.alg", "alg=ES256", ""] {
            assert!(setting(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_variable_is_one_that_a_shell_takes() {
        assert_eq!(variable("oauth2-password"), "OAUTH2_PASSWORD");
        assert_eq!(variable("1uphealth"), "_1UPHEALTH");
    }
}
