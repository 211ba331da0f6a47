//! `caretoken token`: one token, printed or handed to a command.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};

use caretoken::{ErrorKind, SecretBuf, Token};
use serde::Serialize;

use crate::arguments::{Format, TokenArguments};
use crate::command;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::profile;
use crate::rotation::Store;
use crate::token_text::{end, header_line};
use crate::values::{Configuration, Needed, configure};

pub(crate) fn run(arguments: &TokenArguments) -> Result<(), Failure> {
    let runs_command = !arguments.command.is_empty();
    if !runs_command && !arguments.show && io::stdout().is_terminal() {
        return Err(Failure::usage(
            "standard output is a terminal, which would show the token",
            "pipe it to the program that needs it, or add --show",
        ));
    }
    let profile = profile::open(&arguments.profile)?;
    let store = Store::open(&profile, arguments.store_refresh_token.as_deref())?;
    let configuration = configure(&profile, &arguments.sources, Needed::All)?;
    let token = fetch(&configuration, store)?;
    warn(&token);
    if runs_command {
        return command::run(&arguments.command, &token, &configuration.secret_variables());
    }
    match arguments.format {
        Format::Token => print_line(&[token.access_token().expose_secret()]),
        Format::Header => print_line(&[&header_line(&token)]),
        Format::Json => print_json(&TokenJson::from(&token)),
    }
}

fn fetch(configuration: &Configuration<'_>, store: Option<Store>) -> Result<Token, Failure> {
    let mut builder = configuration.builder.clone();
    if let Some(store) = store {
        builder = builder.on_rotation(move |new| Ok(store.put(new)?));
    }
    let client = builder.build().map_err(|error| configuration.explain(error))?;
    client.token().map_err(|error| {
        let why = std::error::Error::source(&error).map(ToString::to_string);
        let is_lost = error.kind() == ErrorKind::RotationNotStored;
        let mut failure = configuration.explain(error);
        if let Some(why) = why {
            failure.message += &format!(": {why}");
        }
        if is_lost {
            failure.remedy =
                "mend the storage; where the token is lost, a person must sign in again".to_owned();
        }
        failure
    })
}

/// Tells what is good enough for a token, and not what was wanted.
fn warn(token: &Token) {
    let missing = token.missing_scopes().join(" ");
    let life = token.lifetime().as_secs_f64();
    for (is_so, what) in [
        (!missing.is_empty(), format!("not granted: {missing}")),
        (token.lifetime_was_cut(), format!("a longer life than is plausible was cut to {life} s")),
        (token.lifetime_is_implausible(), format!("it lives for {life} s only: ask for the unit")),
    ] {
        if is_so {
            let _nowhere_else_to_say_it = writeln!(io::stderr(), "caretoken: warning: {what}");
        }
    }
}

fn print_line(parts: &[&str]) -> Result<(), Failure> {
    let mut line = SecretBuf::default();
    for part in parts.iter().chain(&["\n"]) {
        line.push(part.as_bytes());
    }
    print(line.expose_secret())
}

/// All that is known of a token.
#[derive(Serialize)]
struct TokenJson<'a> {
    vendor: &'a str,
    access_token: &'a str,
    token_type: &'a str,
    header_name: &'a str,
    header_value: &'a str,
    expires_at: String,
    expires_at_unix_ms: i64,
    lifetime_ms: u64,
    lifetime_was_cut: bool,
    lifetime_is_implausible: bool,
    scopes: &'a [String],
    missing_scopes: &'a [String],
    refresh_token: Option<&'a str>,
    request_id: Option<&'a str>,
    extras: BTreeMap<&'a str, Option<&'a str>>,
}

impl<'a> From<&'a Token> for TokenJson<'a> {
    fn from(token: &'a Token) -> Self {
        let (expires_at, expires_at_unix_ms) = end(token);
        TokenJson {
            vendor: token.vendor(),
            access_token: token.access_token().expose_secret(),
            token_type: token.token_type(),
            header_name: token.header(),
            header_value: token.authorization().expose_secret(),
            expires_at,
            expires_at_unix_ms,
            lifetime_ms: u64::try_from(token.lifetime().as_millis()).unwrap_or(u64::MAX),
            lifetime_was_cut: token.lifetime_was_cut(),
            lifetime_is_implausible: token.lifetime_is_implausible(),
            scopes: token.scopes(),
            missing_scopes: token.missing_scopes(),
            refresh_token: token.refresh_token().map(caretoken::Secret::expose_secret),
            request_id: token.request_id(),
            extras: token.extra_names().map(|name| (name, token.extra(name))).collect(),
        }
    }
}
