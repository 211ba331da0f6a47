//! Made-up values for what a caller gives. They have the characters that encodings trip over.

use std::collections::BTreeMap;

use super::definition::{Definition, Named, Place};
use super::file::Kind;
use super::keys;

/// A value for each parameter.
pub(crate) fn parameters(
    definition: &Definition,
    origin: &str,
) -> Result<Vec<(String, String)>, String> {
    let mut values: BTreeMap<&str, String> = BTreeMap::new();
    for (name, parameter) in &definition.file.parameters {
        let profile = &definition.file.name;
        let value = match parameter.kind {
            Kind::Text => text(definition, name),
            Kind::Integer => format!("7{:05}", name.bytes().map(u32::from).sum::<u32>()),
            Kind::Choice => {
                let first = parameter.choices.first();
                parameter.default.as_ref().or(first).cloned().unwrap_or_default()
            }
            Kind::Url => {
                let end = parameter.ends_in.as_deref().unwrap_or_default();
                format!("{origin}/{profile}/{name}{end}")
            }
            Kind::Host => host(origin).to_owned(),
            Kind::HostLabel => format!("fake-{}", name.replace('_', "-")),
            // The only characters that such a value can have.
            Kind::PathSegment => format!("fake.{name}~-1"),
            // Below: they need to know the choices.
            Kind::PrivateKey | Kind::Certificate => continue,
        };
        values.insert(name, value);
    }
    for (name, parameter) in &definition.file.parameters {
        if parameter.kind == Kind::PrivateKey {
            let choice = |name: &str| values.get(name).cloned().unwrap_or_default();
            let key = private_key(definition, name, choice)?;
            values.insert(name, key);
        }
    }
    let key = definition.file.parameters.iter().find(|(_, p)| p.kind == Kind::PrivateKey);
    let key = key.and_then(|(name, _)| values.get(name.as_str())).cloned();
    for (name, parameter) in &definition.file.parameters {
        if parameter.kind == Kind::Certificate {
            values.insert(name, keys::certificate(key.as_deref())?);
        }
    }
    Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A key that fits what it signs, under these choices.
pub(crate) fn private_key(
    definition: &Definition,
    name: &str,
    choice: impl Fn(&str) -> String,
) -> Result<String, String> {
    let algorithms = definition.signed_by(name).map(|jwt| definition.algorithm(jwt, &choice));
    let mut algorithms = algorithms.flatten();
    let algorithm = algorithms.next().ok_or_else(|| format!("{name} signs nothing"))?;
    let key = keys::private_key(algorithm)?;
    match algorithms.all(|other| keys::fits(&key, other)) {
        true => Ok(key),
        false => Err(format!("no key fits all that {name} signs")),
    }
}

/// Scopes to ask for: those that the file asks for by itself, and some more.
pub(crate) fn scopes(definition: &Definition) -> Vec<String> {
    let defaults = definition.file.scopes.iter().flat_map(|scopes| scopes.defaults.clone());
    defaults.chain(["fake/one.read".to_owned(), "fake/two:write".to_owned()]).collect()
}

/// The host of the sandbox's own URLs, with the port.
pub(crate) fn host(origin: &str) -> &str {
    origin.split_once("://").map_or(origin, |(_, host)| host)
}

fn text(definition: &Definition, name: &str) -> String {
    let places = definition.places_of(name);
    let stands_in = |place: Place| places.contains(&place);
    if stands_in(Place::Cookie) {
        return format!("fake-{name}-value");
    }
    let mut text = format!("fake {name} +&%2B=\"<\\'{{x}}");
    if !stands_in(Place::User { is_encoded: false }) {
        text.push(':');
    }
    if !stands_in(Place::Header) && !stands_in(Place::Url) {
        text.push('ü');
    }
    text.push('~');
    if stands_in(Place::SharedKey) {
        // As long as the longest hash.
        while text.len() < 64 {
            text.push('x');
        }
    }
    text
}

/// What a step's answer gives, or an answer besides its token. It may stand in a cookie.
pub(crate) fn value(name: &str, unique: &str) -> String {
    format!("fake-{name}+/{unique}=")
}

/// The value of an extra.
pub(crate) fn extra(name: &str) -> String {
    format!("fake {name}")
}

/// Whether a parameter can have this value.
pub(crate) fn is_fit(definition: &Definition, name: &str, value: &str) -> bool {
    match definition.named(name) {
        Some(Named::Parameter(parameter)) => match parameter.kind {
            Kind::Choice => parameter.choices.iter().any(|choice| choice == value),
            Kind::Certificate => keys::certificate_sha256(value).is_some(),
            Kind::PrivateKey => keys::is_private_key(value),
            _ => !value.is_empty(),
        },
        _ => false,
    }
}
