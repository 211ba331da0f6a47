//! `caretoken profile list`, `show` and `schema`, and which profile is meant.

use std::fs;
use std::path::Path;

use caretoken::{Error, Parameter, Profile, ProfileScopes};
use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::{print, print_json};
use crate::settings::variable_of;

/// The profile of that name that is compiled in, or else the one in the file at that path.
pub(crate) fn open(name_or_path: &str) -> Result<Profile, Failure> {
    let is_path = name_or_path.contains(['/', '\\', '.']) || Path::new(name_or_path).exists();
    match Profile::named(name_or_path) {
        Ok(profile) => Ok(profile),
        Err(_) if is_path => {
            Profile::from_file(name_or_path).map_err(|error| wrong(name_or_path, &error))
        }
        Err(error) => Err(Failure::usage(
            format!("there is no profile {name_or_path}, and no such file"),
            format!("{}; or give the path of a file", error.remedy()),
        )),
    }
}

/// The error about the profile at `path`.
fn wrong(path: &str, error: &Error) -> Failure {
    let message = error.message();
    let problem = message.strip_prefix("profile ").unwrap_or(message);
    // The place at once, in the form that editors and build tools know.
    let message = match place(problem) {
        Some((line, column, rest)) => format!("{path}:{line}:{column}: {rest}"),
        None => format!("{path} {problem}"),
    };
    let is_read = fs::metadata(path).is_ok_and(|found| found.is_file());
    let exit = if is_read { Exit::Profile } else { Exit::File };
    Failure::new(exit, message, error.remedy())
}

/// Line, column, and what is wrong there, of `is wrong at line 3, column 5 (/request): …`.
fn place(problem: &str) -> Option<(&str, &str, String)> {
    let (line, rest) = problem.strip_prefix("is wrong at line ")?.split_once(", column ")?;
    let (place, problem) = rest.split_once(": ")?;
    let (column, path) = place.split_once(' ').unwrap_or((place, ""));
    let path = path.trim_start_matches('(').trim_end_matches(')');
    Some((line, column, [path, problem].join(if path.is_empty() { "" } else { ": " })))
}

/// The text of the profile that [`open`] found.
pub(crate) fn text(name_or_path: &str) -> Result<String, Failure> {
    match Profile::text_of(name_or_path) {
        Some(text) => Ok(text.to_owned()),
        None => fs::read_to_string(name_or_path)
            .map_err(|error| Failure::file(name_or_path, &error, "give the path of a profile")),
    }
}

/// `profile show`.
pub(crate) fn show(name: &str) -> Result<(), Failure> {
    match Profile::text_of(name) {
        Some(text) => print(text.as_bytes()),
        None => Err(Failure::usage(
            format!("no profile of the name {name} is compiled in"),
            format!("use one of: {}", Profile::names().collect::<Vec<_>>().join(", ")),
        )),
    }
}

/// `profile schema`.
pub(crate) fn schema() -> Result<(), Failure> {
    print(Profile::schema().as_bytes())
}

/// `profile list`.
pub(crate) fn list(as_json: bool) -> Result<(), Failure> {
    let profiles = Profile::names().map(Profile::named).collect::<Result<Vec<_>, _>>()?;
    if as_json {
        return print_json(&profiles.iter().map(ProfileJson::from).collect::<Vec<_>>());
    }
    let mut text = String::new();
    for profile in &profiles {
        text += &format!("{}: {}\n", profile.name(), profile.title());
        for parameter in profile.parameters() {
            text += &format!("  {:<22} {}\n", parameter.name(), describe(parameter));
        }
        text += match profile.scopes() {
            ProfileScopes::Required => "  scopes                 required\n",
            ProfileScopes::Optional => "  scopes                 optional\n",
            _ => "",
        };
        text.push('\n');
    }
    text += "A parameter's environment variable is the profile's name and its own in capitals, with\n\
             _ for -, such as PATTERN_CLIENT_SECRET. `caretoken token --help` says more.\n";
    print(text.as_bytes())
}

/// What a parameter is, in some words.
fn describe(parameter: Parameter<'_>) -> String {
    let mut words = vec![match (parameter.default_value(), parameter.is_required()) {
        (Some(default), _) => format!("default {default}"),
        (None, true) => "required".to_owned(),
        (None, false) => "optional".to_owned(),
    }];
    if parameter.is_secret() {
        words.push("secret".to_owned());
    }
    let choices: Vec<_> = parameter.choices().collect();
    match parameter.kind() {
        "text" => {}
        "choice" => words.push(format!("one of {}", choices.join(" "))),
        kind => words.push(kind.replace('_', " ")),
    }
    words.join(", ")
}

#[derive(Serialize)]
struct ProfileJson<'a> {
    name: &'a str,
    title: &'a str,
    documentation: Vec<&'a str>,
    scopes: &'static str,
    parameters: Vec<ParameterJson<'a>>,
}

#[derive(Serialize)]
struct ParameterJson<'a> {
    name: &'a str,
    about: &'a str,
    kind: &'static str,
    choices: Vec<&'a str>,
    default: Option<&'a str>,
    is_required: bool,
    is_secret: bool,
    is_holder: bool,
    environment_variable: String,
}

impl<'a> From<&'a Profile> for ProfileJson<'a> {
    fn from(profile: &'a Profile) -> Self {
        let parameters = profile.parameters().map(|known| ParameterJson {
            name: known.name(),
            about: known.about(),
            kind: known.kind(),
            choices: known.choices().collect(),
            default: known.default_value(),
            is_required: known.is_required(),
            is_secret: known.is_secret(),
            is_holder: known.is_holder(),
            environment_variable: variable_of(profile.name(), known),
        });
        ProfileJson {
            name: profile.name(),
            title: profile.title(),
            documentation: profile.documentation().collect(),
            scopes: match profile.scopes() {
                ProfileScopes::Required => "required",
                ProfileScopes::Optional => "optional",
                _ => "none",
            },
            parameters: parameters.collect(),
        }
    }
}
