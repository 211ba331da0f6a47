//! What the reader says of a text, and what the schema says.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use caretoken::Profile;
use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::Value;

use crate::unseen;

/// What the reader says against a text.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where it is: a JSON Pointer. Empty for the whole text.
    pub(crate) path: String,
    pub(crate) problem: String,
    pub(crate) remedy: String,
}

pub(crate) fn read(text: &str) -> Result<(), Fault> {
    let Err(error) = Profile::from_json(text) else { return Ok(()) };
    let fault = |path: &str, problem: &str| Fault {
        path: path.to_owned(),
        problem: problem.to_owned(),
        remedy: error.remedy().to_owned(),
    };
    let message = error.message();
    Err(match message.strip_prefix("profile is wrong at line ") {
        None => fault("", message),
        Some(rest) => {
            let (place, problem) = rest.split_once(": ").unwrap();
            let path =
                place.split_once(" (").map_or("", |(_, path)| path.strip_suffix(')').unwrap());
            fault(path, problem)
        }
    })
}

pub(crate) fn schema() -> Value {
    serde_json::from_str(Profile::schema()).unwrap()
}

/// The schema, compiled.
pub(crate) fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| jsonschema::draft202012::new(&schema()).unwrap())
}

/// The paths of what the schema finds wrong. A member that should not be there
/// is named itself, and so is an item that is there twice.
pub(crate) fn seen_by_schema(profile: &Value) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for error in validator().iter_errors(profile) {
        let path = error.instance_path().as_str();
        let member = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                paths.extend(unexpected.iter().map(|name| member(name)));
            }
            ValidationErrorKind::PropertyNames { error } => {
                paths.insert(member(error.instance().as_str().unwrap()));
            }
            ValidationErrorKind::UniqueItems => {
                let items = error.instance().as_array().unwrap();
                let is_second = |index: &usize| items[..*index].contains(&items[*index]);
                let second = (0..items.len()).filter(is_second);
                paths.extend(second.map(|index| format!("{path}/{index}")));
            }
            _ => {
                paths.insert(path.to_owned());
            }
        }
    }
    paths
}

/// The text of a profile. `serde_json` sorts members by name, and values are made in the order of the
/// file: each comes after those that it uses.
pub(crate) fn text(profile: &Value) -> String {
    let Some(values) = profile.get("values").and_then(Value::as_object) else {
        return profile.to_string();
    };
    let mut open: Vec<_> = values.iter().map(|(name, value)| (name, value.to_string())).collect();
    let mut written = Vec::new();
    while !open.is_empty() {
        let uses = |text: &str, name: &str| {
            text.contains(&format!("{{{name}}}")) || text.contains(&format!("{{{name}:"))
        };
        let is_free = |(name, text): &(&String, String)| {
            open.iter().all(|(other, _)| other == name || !uses(text, other))
        };
        let (name, text) = open.remove(open.iter().position(is_free).unwrap_or(0));
        written.push(format!("{}:{text}", Value::from(name.as_str())));
    }
    let mut rest = profile.clone();
    rest.as_object_mut().unwrap().remove("values");
    let rest = rest.to_string();
    let comma = if rest == "{}" { "" } else { "," };
    format!("{{\"values\":{{{}}}{comma}{}", written.join(","), &rest[1..])
}

/// Where the two disagree; `None` where they do not.
pub(crate) fn disagreement(profile: &Value) -> Option<String> {
    match (validator().is_valid(profile), read(&text(profile))) {
        (true, Ok(())) | (false, Err(_)) => None,
        (true, Err(fault)) if unseen::is_listed(&fault) => None,
        (true, Err(fault)) => Some(format!("the reader alone refuses {profile}: {fault:?}")),
        (false, Ok(())) => {
            let paths = seen_by_schema(profile);
            Some(format!("the schema alone refuses {profile}: {paths:?}"))
        }
    }
}

/// Where the reader finds a fault that the schema does not show at the same place.
pub(crate) fn other_place(profile: &Value) -> Option<String> {
    let fault = read(&text(profile)).err()?;
    let paths = seen_by_schema(profile);
    match paths.is_empty() || paths.contains(&fault.path) || unseen::is_listed(&fault) {
        true => None,
        false => Some(format!("{profile}: the reader says {fault:?}, the schema {paths:?}")),
    }
}
