//! The sandbox as a program: prints where it is, serves until it is told to stop.

mod cli;

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use caretoken_sandbox::{Profile, Sandbox};
use clap::Parser as _;

use crate::cli::Options;

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _nowhere_else_to_say_it = writeln!(io::stderr(), "caretoken-sandbox: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    // Before anything is printed, so that whoever reads it may send a signal at once.
    let signals = Signals::listen()?;
    // One left over by a killed run would lead to a port where nobody listens.
    let env_file = options.env_file.as_deref().map(Removed::existing).transpose()?;

    let sandbox = Sandbox::start_with(caretoken_sandbox::Options {
        port: options.port,
        plain_http: options.plain_http,
        profiles: options.profiles.iter().map(Profile::from_file).collect::<io::Result<_>>()?,
        on_refusal: Some(|refusal| {
            let _nowhere_else_to_say_it = writeln!(io::stderr(), "caretoken-sandbox: {refusal}");
        }),
    })?;
    configure(&sandbox, options);

    let temporary_ca;
    let ca_file = match &options.ca_file {
        Some(path) => {
            write_whole(path, sandbox.ca_pem())?;
            std::path::absolute(path)?
        }
        None => {
            temporary_ca = temporary_file(sandbox.ca_pem())?;
            temporary_ca.path.clone()
        }
    };

    let exports = cli::exports(&sandbox, &ca_file);
    if let Some(file) = &env_file {
        write_whole(&file.path, &exports)?;
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(exports.as_bytes())?;
    stdout.flush()?;
    writeln!(
        io::stderr(),
        "caretoken-sandbox: listening on {}, stop it with Ctrl-C or kill {}",
        sandbox.origin(),
        std::process::id()
    )?;
    signals.wait();
    Ok(())
}

fn configure(sandbox: &Sandbox, options: &Options) {
    let played = cli::played(sandbox);
    if let Some(seconds) = options.token_life {
        for (_, id) in &played {
            sandbox.set_token_life(*id, Duration::from_secs(seconds));
        }
    }
    for (name, fault) in &options.faults {
        sandbox.inject_always(cli::find(&played, name), Some(fault.clone()));
    }
    for (profile, parameter, value) in &options.settings {
        if !sandbox.set_credential(cli::find(&played, profile), parameter, value) {
            cli::usage_error(format!("{profile} has no {parameter} that can have this value"));
        }
    }
    sandbox.rotate_refresh_tokens(options.rotate_refresh_tokens);
    sandbox.require_gateway_keys(options.require_gateway_keys);
}

/// A file that is removed when the program ends.
struct Removed {
    path: PathBuf,
}

impl Removed {
    /// Removes what is there now, too.
    fn existing(path: &Path) -> io::Result<Removed> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(about(path, &error)),
            _ => Ok(Removed { path: path.to_owned() }),
        }
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        let _gone_either_way = fs::remove_file(&self.path);
    }
}

/// A new file in the temporary directory; nobody else's file or link is followed.
fn temporary_file(content: &str) -> io::Result<Removed> {
    let directory = std::path::absolute(std::env::temp_dir())?;
    let mut tried = 0;
    loop {
        let name = format!("caretoken-sandbox-{}-{tried}.pem", std::process::id());
        let path = directory.join(name);
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                let removed = Removed { path };
                file.write_all(content.as_bytes())?;
                return Ok(removed);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < 100 => tried += 1,
            Err(error) => return Err(about(&path, &error)),
        }
    }
}

/// Writes a file that appears complete or not at all.
fn write_whole(path: &Path, content: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, content).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _may_not_exist = fs::remove_file(&beside);
    }
    written.map_err(|error| about(path, &error))
}

fn about(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// The signals that end the program.
struct Signals {
    runtime: tokio::runtime::Runtime,
    #[cfg(unix)]
    kinds: [tokio::signal::unix::Signal; 2],
}

impl Signals {
    fn listen() -> io::Result<Signals> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        #[cfg(unix)]
        let kinds = {
            use tokio::signal::unix::{SignalKind, signal};
            let _in_runtime = runtime.enter();
            [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]
        };
        Ok(Signals {
            runtime,
            #[cfg(unix)]
            kinds,
        })
    }

    #[cfg(unix)]
    fn wait(mut self) {
        let [interrupt, terminate] = &mut self.kinds;
        self.runtime.block_on(std::future::poll_fn(|context| {
            match interrupt.poll_recv(context).is_ready() || terminate.poll_recv(context).is_ready()
            {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            }
        }));
    }

    #[cfg(not(unix))]
    fn wait(self) {
        let _either_way = self.runtime.block_on(tokio::signal::ctrl_c());
    }
}
