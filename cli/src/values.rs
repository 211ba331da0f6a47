//! Where the values of parameters and settings come from: arguments, files, standard input, and the
//! environment. A secret is never an argument.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read};
use std::time::Duration;

use caretoken::{Client, ClientBuilder, Error, Parameter, Profile, Secret};

use crate::arguments::Sources;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::log;
use crate::settings::{SETTINGS, Setting, variable_of};

/// Which values a command needs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needed {
    /// All that the profile requires.
    All,
    /// What leads to the vendor: no secret is looked for.
    Way,
}

/// A client's configuration, and where each of its values came from.
pub(crate) struct Configuration<'p> {
    pub(crate) profile: &'p Profile,
    pub(crate) builder: ClientBuilder,
    given: Vec<Given>,
}

struct Given {
    name: String,
    value: Secret,
    origin: Origin,
}

enum Origin {
    Argument,
    File(String),
    StandardInput,
    Variable(String),
}

/// What a name stands for.
#[derive(Clone, Copy)]
enum Named<'a> {
    Parameter(Parameter<'a>),
    Setting(&'static Setting),
}

/// Reads all values, and sets them.
pub(crate) fn configure<'p>(
    profile: &'p Profile,
    sources: &Sources,
    needed: Needed,
) -> Result<Configuration<'p>, Failure> {
    // A run ends with its first rejection: there is nothing to remember it for.
    let builder = Client::builder(profile.clone()).rejection_memory(Duration::ZERO);
    let mut configuration = Configuration { profile, builder, given: Vec::new() };
    configuration.read_arguments(&sources.set)?;
    configuration.read_files(&sources.file)?;
    configuration.read_standard_input(sources.stdin.as_deref())?;
    configuration.read_environment(needed)?;
    if needed == Needed::All {
        configuration.check_complete()?;
    }
    for given in &configuration.given {
        let changed = configuration.builder.clone().set(&given.name, given.value.clone());
        configuration.builder = changed.map_err(|error| configuration.explain(error))?;
    }
    Ok(configuration)
}

impl Configuration<'_> {
    /// Adds to an error where its value came from, or how it can be given.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let field = error.field().unwrap_or_default().to_owned();
        let mut failure = Failure::from(error);
        match (self.given.iter().find(|given| given.name == field), self.find(&field)) {
            (Some(given), _) => {
                failure.message += &match &given.origin {
                    Origin::Argument => " (it came from --set)".to_owned(),
                    Origin::File(path) => format!(" (it came from the file {path})"),
                    Origin::StandardInput => " (it came from standard input)".to_owned(),
                    Origin::Variable(name) => format!(" (it came from the variable {name})"),
                };
            }
            (None, Some(named)) => {
                let how = how_to_give(self.profile, named, &field);
                failure.remedy = match failure.remedy.starts_with("set it: ") {
                    true => how,
                    false => format!("{}; {how}", failure.remedy),
                };
            }
            (None, None) => {}
        }
        failure
    }

    /// The environment variables that may hold secrets of this profile.
    pub(crate) fn secret_variables(&self) -> Vec<String> {
        let parameters = self.profile.parameters().filter(|known| known.is_secret());
        let parameters = parameters.map(|known| variable_of(self.profile.name(), known));
        let settings = SETTINGS.iter().filter(|known| known.is_secret("@")).map(Setting::variable);
        parameters.chain(settings).collect()
    }

    fn read_arguments(&mut self, arguments: &[String]) -> Result<(), Failure> {
        for argument in arguments {
            let Some((name, value)) = argument.split_once('=') else {
                return Err(no_pair("--set", "NAME=VALUE", "base_url=https://api.example"));
            };
            let named = self.named(name, value)?;
            let is_secret = match named {
                Named::Parameter(known) => known.is_secret(),
                Named::Setting(known) => known.is_secret(value),
            };
            if is_secret {
                return Err(Failure::usage(
                    format!(
                        "{name} is secret and no argument: every user of this machine can read \
                         arguments, and shells keep them"
                    ),
                    how_to_give(self.profile, named, name),
                ));
            }
            self.give(name, Secret::from(value), Origin::Argument)?;
        }
        Ok(())
    }

    fn read_files(&mut self, arguments: &[String]) -> Result<(), Failure> {
        for argument in arguments {
            let Some((name, path)) = argument.split_once('=') else {
                return Err(no_pair("--file", "NAME=PATH", "client_secret=/run/secrets/acme"));
            };
            self.named(name, path)?;
            let remedy = format!("--file {name}=PATH takes the path of a readable file");
            let value = File::open(path)
                .map_err(|error| Failure::file(path, &error, remedy.as_str()))
                .and_then(|file| read(file, path, &remedy))?;
            self.give(name, value, Origin::File(path.to_owned()))?;
        }
        Ok(())
    }

    fn read_standard_input(&mut self, name: Option<&str>) -> Result<(), Failure> {
        let Some(name) = name else { return Ok(()) };
        self.named(name, "")?;
        if io::stdin().is_terminal() {
            return Err(Failure::usage(
                "standard input is a terminal, which shows what is typed",
                format!("pipe the value: SOME-PROGRAM | caretoken … --stdin {name}"),
            ));
        }
        let value = read(io::stdin().lock(), "standard input", "pipe the value alone")?;
        self.give(name, value, Origin::StandardInput)
    }

    fn read_environment(&mut self, needed: Needed) -> Result<(), Failure> {
        let parameters = self.profile.parameters();
        let parameters = parameters.filter(|known| needed == Needed::All || !known.is_secret());
        let parameters =
            parameters.map(|known| (known.name(), variable_of(self.profile.name(), known)));
        let settings = SETTINGS.iter().map(|setting| (setting.name, setting.variable()));
        for (name, variable) in parameters.chain(settings) {
            let is_given = self.given.iter().any(|given| given.name == name);
            let Some(value) = env::var_os(&variable).filter(|value| !value.is_empty()) else {
                continue;
            };
            if is_given {
                continue;
            }
            let Ok(value) = value.into_string() else {
                let message = format!("the variable {variable} is not UTF-8");
                return Err(Failure::usage(message, "set it to a text"));
            };
            let (name, value) = (name.to_owned(), Secret::from(value));
            self.given.push(Given { name, value, origin: Origin::Variable(variable) });
        }
        Ok(())
    }

    fn give(&mut self, name: &str, value: Secret, origin: Origin) -> Result<(), Failure> {
        let may_repeat = |known: &Setting| known.name == name && known.may_repeat;
        let is_given = self.given.iter().any(|given| given.name == name);
        if is_given && !SETTINGS.iter().any(may_repeat) {
            return Err(Failure::usage(
                format!("{name} is given twice"),
                "leave out one of --set, --file and --stdin",
            ));
        }
        self.given.push(Given { name: name.to_owned(), value, origin });
        Ok(())
    }

    fn check_complete(&self) -> Result<(), Failure> {
        let is_given = |name: &str| self.given.iter().any(|given| given.name == name);
        let missing: Vec<_> = self
            .profile
            .parameters()
            .filter(|known| known.is_required() && !is_given(known.name()))
            .collect();
        let Some(first) = missing.first() else { return Ok(()) };
        let names: Vec<_> = missing.iter().map(|known| known.name()).collect();
        let remedy = match missing.as_slice() {
            [only] => how_to_give(self.profile, Named::Parameter(*only), only.name()),
            _ => {
                let variables = missing.iter().map(|k| variable_of(self.profile.name(), *k));
                let variables = variables.collect::<Vec<_>>().join(" and ");
                let name = first.name();
                format!("set {variables}; or use --file, as in --file {name}=PATH")
            }
        };
        let message = format!("{} needs {}", self.profile.name(), names.join(" and "));
        Err(Failure::usage(message, remedy))
    }

    fn find(&self, name: &str) -> Option<Named<'_>> {
        let mut parameters = self.profile.parameters();
        let parameter = parameters.find(|known| known.name() == name).map(Named::Parameter);
        parameter.or_else(|| SETTINGS.iter().find(|known| known.name == name).map(Named::Setting))
    }

    /// What the name stands for, or the library's error that lists the names.
    fn named(&self, name: &str, value: &str) -> Result<Named<'_>, Failure> {
        self.find(name).ok_or_else(|| match self.builder.clone().set(name, value) {
            Err(error) => Failure::from(error),
            Ok(_) => Failure::new(
                Exit::Defect,
                format!("the setting {name} is not known to this program"),
                "report it",
            ),
        })
    }
}

fn no_pair(option: &str, form: &str, example: &str) -> Failure {
    let message = format!("{option} takes {form}, and one has no equals sign");
    Failure::usage(message, format!("write {option} {example}"))
}

/// The ways in which a value can be given.
fn how_to_give(profile: &Profile, named: Named<'_>, name: &str) -> String {
    let (variable, is_secret) = match named {
        Named::Parameter(known) => (variable_of(profile.name(), known), known.is_secret()),
        Named::Setting(known) => (known.variable(), known.is_secret("@")),
    };
    match is_secret {
        true => format!("set {variable}, or use --file {name}=PATH or --stdin {name}"),
        false => format!("use --set {name}=VALUE, or set {variable}"),
    }
}

/// More than any credential or list of certificates has.
const MOST_BYTES: u64 = 4 * 1024 * 1024;

/// Reads all, without one line break at the end.
fn read(source: impl Read, what: &str, remedy: &str) -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    let read = source.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file(what, &error, remedy))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Failure::usage(format!("{what} is larger than 4 MiB"), remedy));
    }
    let Ok(mut text) = String::from_utf8(bytes) else {
        return Err(Failure::usage(format!("{what} is not UTF-8"), remedy));
    };
    let without_break = text.strip_suffix('\n').map(|rest| rest.strip_suffix('\r').unwrap_or(rest));
    if let Some(length) = without_break.map(str::len) {
        text.truncate(length);
        log::note(&format!("dropped the line break at the end of {what}"));
    }
    Ok(Secret::from(text))
}
