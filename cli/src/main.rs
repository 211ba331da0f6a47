//! The program `caretoken`: bearer tokens for people and scripts.
//!
//! [`arguments`] has the command line and all help, [`exit`] the exit codes, [`values`] where values
//! come from. There is one module for each command.

#![warn(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::panic, reason = "tests stop at the first surprise")
)]

mod arguments;
mod check;
mod command;
mod doctor;
mod exit;
mod failure;
mod generate;
mod log;
mod output;
mod profile;
mod rotation;
mod settings;
mod token;
mod token_text;
mod values;

use std::process::ExitCode;

use crate::arguments::{Command, ProfileCommand};
use crate::failure::Failure;

/// Wipes every block of memory that is freed: libraries keep copies of secrets that no `Drop` of ours
/// reaches.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    let arguments = match arguments::parse() {
        Ok(arguments) => arguments,
        Err(exit) => return exit.into(),
    };
    if arguments.verbose {
        log::start();
    }
    match run(&arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            failure.tell(arguments.json_errors);
            failure.exit.into()
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Token(arguments) => token::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        Command::Profile(ProfileCommand::Check(arguments)) => check::run(arguments),
        Command::Profile(ProfileCommand::List { json }) => profile::list(*json),
        Command::Profile(ProfileCommand::Show { name }) => profile::show(name),
        Command::Profile(ProfileCommand::Schema) => profile::schema(),
        Command::Completions { shell } => generate::completions(*shell),
        Command::Man { to } => generate::man(to.as_deref()),
    }
}
