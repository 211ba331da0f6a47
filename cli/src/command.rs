//! `--exec`: a command with the token in its environment.

use std::ffi::OsString;
use std::io::{self, ErrorKind};
use std::process::Command;

use caretoken::Token;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::token_text::{end, header_line};

/// Runs it in this process's place, where the system can do that; otherwise waits for it, and ends
/// with its exit code. `without` are variables that it does not get: they may hold credentials.
pub(crate) fn run(
    command_line: &[OsString],
    token: &Token,
    without: &[String],
) -> Result<(), Failure> {
    let Some((program, arguments)) = command_line.split_first() else { return Ok(()) };
    let (expires_at, expires_at_unix_ms) = end(token);
    let mut command = Command::new(program);
    command.args(arguments);
    for variable in without {
        command.env_remove(variable);
    }
    command
        .env("CARETOKEN_ACCESS_TOKEN", token.access_token().expose_secret())
        .env("CARETOKEN_HEADER", header_line(token))
        .env("CARETOKEN_EXPIRES_AT", expires_at)
        .env("CARETOKEN_EXPIRES_AT_UNIX_MS", expires_at_unix_ms.to_string());
    let error = replace_this_process(command);
    let exit = match error.kind() {
        ErrorKind::NotFound => Exit::NotFound,
        _ => Exit::NotRun,
    };
    let remedy = "give the command after --exec --, as in --exec -- ./sync.sh";
    let mut failed = Failure::file(program.to_string_lossy(), &error, remedy);
    failed.exit = exit;
    Err(failed)
}

/// Comes back only with an error. The command has this process's id, so that signals reach it.
#[cfg(unix)]
fn replace_this_process(mut command: Command) -> io::Error {
    std::os::unix::process::CommandExt::exec(&mut command)
}

/// Comes back only with an error.
#[cfg(not(unix))]
fn replace_this_process(mut command: Command) -> io::Error {
    // Ctrl-C reaches both. It is for the command to say what it means, and its code is passed on.
    #[cfg(windows)]
    let _without_a_console_there_is_none = ctrlc::set_handler(|| {});
    match command.status() {
        Ok(status) => std::process::exit(status.code().unwrap_or(1)),
        Err(error) => error,
    }
}
