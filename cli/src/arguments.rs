//! The command line, and all help.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{
    Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum, ValueHint,
};
use clap_complete::Shell;
use jiff::Timestamp;

use crate::exit::{self, Exit};
use crate::settings::SETTINGS;

/// Bearer tokens for electronic health record systems.
///
/// caretoken turns a health vendor's credentials into a bearer token that is valid now. A vendor is a
/// profile: one that is compiled in (`caretoken profile list`), or a JSON file of your own.
#[derive(Parser)]
#[command(name = "caretoken", version, max_term_width = 100)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Tell on standard error what happens, never a secret
    #[arg(short, long, global = true, display_order = 900)]
    pub(crate) verbose: bool,

    /// Write an error as one line of JSON
    #[arg(long, global = true, display_order = 900)]
    pub(crate) json_errors: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Fetch a token, and print it or run a command with it
    ///
    /// Each run asks the vendor for a new token; nothing is kept between runs. A terminal gets no token
    /// unless --show is given.
    Token(TokenArguments),

    /// Examine the way to the vendor: resolve, connect, proxy, TLS, one request, clock
    ///
    /// Needs no credentials and sends none. Prints what to paste into a ticket.
    Doctor(DoctorArguments),

    /// Check profiles, and show those that are compiled in
    #[command(subcommand)]
    Profile(ProfileCommand),

    /// Print the completions for a shell
    #[command(after_long_help = "\
Examples:
  caretoken completions bash > /etc/bash_completion.d/caretoken
  caretoken completions fish > ~/.config/fish/completions/caretoken.fish")]
    Completions {
        /// Which shell
        shell: Shell,
    },

    /// Print the manual page, for packagers
    #[command(hide = true)]
    Man {
        /// Write one page for each command into this directory, such as caretoken-token.1
        #[arg(long, value_name = "DIRECTORY", value_hint = ValueHint::DirPath)]
        to: Option<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum ProfileCommand {
    /// Check a profile, and show the requests that it makes and what it reads of an answer
    ///
    /// Sends nothing. All values in the requests are made up, but for those of --set; the answers of
    /// steps are made up, too, where none are given.
    Check(CheckArguments),

    /// List the profiles that are compiled in, and what each asks for
    List {
        /// As JSON, with all that is known
        #[arg(long)]
        json: bool,
    },

    /// Print a profile that is compiled in: a beginning for one of your own
    #[command(after_long_help = "\
Example:
  caretoken profile show pattern > acme.json")]
    Show {
        /// Its name, such as pattern
        name: String,
    },

    /// Print the JSON Schema of profiles, for editors
    Schema,
}

#[derive(Args)]
pub(crate) struct TokenArguments {
    /// The vendor: the name of a profile that is compiled in, or the path of a file
    #[arg(short, long, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) profile: String,

    /// What to print
    #[arg(long, value_enum, default_value_t = Format::Token, conflicts_with = "exec")]
    pub(crate) format: Format,

    /// Print the token even if standard output is a terminal
    #[arg(long, conflicts_with = "exec")]
    pub(crate) show: bool,

    /// Run the command behind -- with the token in its environment, and print nothing
    #[arg(long, requires = "command")]
    exec: bool,

    /// Store a new refresh token in this file, which only you can read
    ///
    /// Profiles that take a refresh token require it: where the vendor replaces that by a new one, the
    /// old one is dead. It may be the file that --file reads.
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) store_refresh_token: Option<PathBuf>,

    /// The command and its arguments
    #[arg(last = true, requires = "exec", value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// The token alone
    Token,
    /// The header that carries it, such as `Authorization: Bearer …`
    Header,
    /// One JSON object with all that is known of it
    Json,
}

#[derive(Args)]
pub(crate) struct DoctorArguments {
    /// The vendor: the name of a profile that is compiled in, or the path of a file
    #[arg(short, long, value_name = "NAME|FILE", value_hint = ValueHint::FilePath)]
    pub(crate) profile: String,

    /// The report as JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) sources: Sources,
}

#[derive(Args)]
#[command(next_help_heading = "Values, which go before those of the environment")]
pub(crate) struct Sources {
    /// A value that is not secret, such as base_url=https://api.example
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// A value from a file, such as client_secret=/run/secrets/acme
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) file: Vec<String>,

    /// The value that standard input gives
    #[arg(long, value_name = "NAME")]
    pub(crate) stdin: Option<String>,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// The path of the profile, or the name of one that is compiled in
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) profile: String,

    /// A value that is not secret, in place of a made-up one
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<String>,

    /// An optional value (or scopes) that is left out
    #[arg(long, value_name = "NAME")]
    pub(crate) without: Vec<String>,

    /// A sample of the vendor's answer: a body, or all of it as `curl -i` prints it
    ///
    /// One is the answer to the token request. Several are those to all requests in order: the steps,
    /// the token request, and the refresh where one more is given.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) answer: Vec<PathBuf>,

    /// The HTTP status of an answer that is a body alone, in the order of --answer [default: that of
    /// a success]
    #[arg(long, value_name = "STATUS", requires = "answer", value_parser = clap::value_parser!(u16).range(200..=599))]
    pub(crate) status: Vec<u16>,

    /// When the answers arrive, such as 2026-11-21T19:14:11Z [default: what the `date` header of the
    /// first answer says, or now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<Timestamp>,

    /// Show token, refresh token and extras of the answers
    #[arg(long, requires = "answer")]
    pub(crate) show: bool,
}

const EXAMPLES: &str = "\
Examples:
  caretoken profile list
  caretoken doctor --profile pattern --set base_url=https://pattern.example
  caretoken token --profile pattern --format header | curl -H @- https://pattern.example/api/me
  caretoken profile check acme.json --answer sample.json";

const TOKEN_EXAMPLES: &str = "\
Examples:
  export PATTERN_BASE_URL=https://pattern.example PATTERN_CLIENT_ID=… PATTERN_CLIENT_SECRET=…
  caretoken token --profile pattern --format header | curl -H @- https://pattern.example/api/me
  caretoken token --profile pattern --exec -- ./sync.sh
  caretoken token --profile acme.json --file api_key=/run/secrets/acme --format json
  pass show acme | caretoken token --profile acme.json --stdin api_key --show

With --exec the command has in its environment:
  CARETOKEN_ACCESS_TOKEN         the token
  CARETOKEN_HEADER               the header that carries it, such as Authorization: Bearer …
  CARETOKEN_EXPIRES_AT           when it ends (RFC 3339)
  CARETOKEN_EXPIRES_AT_UNIX_MS   the same in milliseconds since 1970
and none of the variables that this profile's credentials are read from. On Unix it takes the place
of caretoken, so that it gets all signals; elsewhere caretoken waits for it. The exit code is the
command's own.
Arguments can be read by others: write the header to a pipe, as in
  printf '%s' \"$CARETOKEN_HEADER\" | curl -H @- https://pattern.example/api/me

After exit code 77 do not run it again until somebody has acted: repeated failures can lock an
account. No run knows of another: when an error says that a password is not sent again for a while,
it is up to you to wait, after exit code 75 as well.";

const DOCTOR_EXAMPLES: &str = "\
Examples:
  caretoken doctor --profile pattern --set base_url=https://pattern.example
  caretoken doctor --profile acme.json --set ca_file=/etc/ssl/hospital.pem --json

The exit code is that of the step that failed.";

const CHECK_EXAMPLES: &str = "\
Examples:
  caretoken profile check acme.json
  caretoken profile check acme.json --set base_url=https://acme.example --without api_key
  caretoken profile check acme.json --answer sample.json
  caretoken profile check acme.json --answer refused.json --status 401

A profile that is wrong is an error with line, column and what would be right. With --answer the
exit code is the one that `caretoken token` would have. profiles/README.md describes the format.";

/// What `--help` says of values.
fn values_help() -> String {
    let mut names = String::new();
    let mut length = 0;
    for setting in SETTINGS {
        if length + setting.name.len() > 90 {
            names += "\n ";
            length = 0;
        }
        names += &format!(" {}", setting.name);
        length += setting.name.len() + 1;
    }
    format!(
        "Where values come from:
  A profile asks for values by name; `caretoken profile list` shows them. Each is looked for in
    1. the arguments --set, --file and --stdin
    2. the environment: the profile's name and the value's in capitals, with _ for -, such as
       PATTERN_CLIENT_SECRET; an empty variable counts as none
  A secret is never taken by --set: every user of a machine can read arguments. One line break at
  the end of a file or of standard input is dropped, and so is a byte order mark.
  The settings of the client can be given in the same ways; their variables begin with CARETOKEN_,
  such as CARETOKEN_CA_FILE. A proxy with a login is a secret. The README says what each does:
 {names}"
    )
}

/// The command line as clap knows it, with all help.
pub(crate) fn command() -> clap::Command {
    let codes = exit::help();
    let codes = codes.trim_end();
    let see = "Exit codes: see `caretoken --help`.";
    let values = values_help();
    Arguments::command()
        .after_long_help(format!("{EXAMPLES}\n\n{codes}"))
        .mut_subcommand("token", |command| {
            command.after_long_help(format!("{TOKEN_EXAMPLES}\n\n{values}\n\n{codes}"))
        })
        .mut_subcommand("doctor", |command| {
            command.after_long_help(format!("{DOCTOR_EXAMPLES}\n\n{values}\n\n{see}"))
        })
        .mut_subcommand("profile", |command| {
            command.mut_subcommand("check", |command| {
                command.after_long_help(format!("{CHECK_EXAMPLES}\n\n{see}"))
            })
        })
}

/// How the program ends, where the command line is not one that it can follow.
pub(crate) struct Unread {
    pub(crate) exit: Exit,
    /// What is wrong, where it was asked for as JSON.
    pub(crate) untold: Option<String>,
}

/// Reads the command line. Help, and what is wrong, is told here, but for JSON.
pub(crate) fn parse() -> Result<Arguments, Unread> {
    let matches = command().try_get_matches();
    matches.and_then(|matches| Arguments::from_arg_matches(&matches)).map_err(|mut error| {
        if error.kind() == ErrorKind::UnknownArgument {
            let tip = "values of a profile are given by --set, --file, --stdin or the environment";
            error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
            // A stray value may be a secret that was meant for an option.
            if let Some(ContextValue::String(argument)) = error.get(ContextKind::InvalidArg)
                && !argument.starts_with('-')
            {
                let hidden = ContextValue::String("(not shown: it may be secret)".to_owned());
                error.insert(ContextKind::InvalidArg, hidden);
            }
        }
        let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        if !is_help && std::env::args_os().any(|argument| argument == "--json-errors") {
            let text = error.render().to_string();
            let text = text.strip_prefix("error: ").unwrap_or(&text);
            let message = text.lines().next().unwrap_or_default();
            return Unread { exit: Exit::Usage, untold: Some(message.to_owned()) };
        }
        let is_written = error.print().is_ok();
        let exit = match is_help {
            true if is_written => Exit::Success,
            true => Exit::File,
            false => Exit::Usage,
        };
        Unread { exit, untold: None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }
}
