//! `parameters`: what the caller gives.

use super::names::{Known, Names, check_name};
use super::syntax::{Fault, Member, Node, Read};
use super::words::Object;
use crate::profile::credentials::check_value;
use crate::profile::vocabulary::{Kind, Parameter, Places, REFRESH_TOKEN, UrlRule};

const KINDS: &[&str] = &[
    "text",
    "integer",
    "choice",
    "url",
    "host",
    "host_label",
    "path_segment",
    "private_key",
    "certificate",
];

pub(super) fn read(node: Option<&Node<'_>>, names: &mut Names<'_>) -> Read<()> {
    let Some(node) = node else { return Ok(()) };
    for member in node.entries()? {
        let (parameter, known) = parameter(member)?;
        names.parameters.push(parameter);
        names.of_parameters.push(known);
    }
    match names.parameters.len() > 40 {
        true => node.fault("there are more than 40 parameters", "no endpoint asks for so many"),
        false => Ok(()),
    }
}

fn parameter(member: &Member<'_>) -> Read<(Parameter, Known)> {
    check_name(member.at, &member.name)?;
    let words = member.value.object(&[
        "about", "kind", "choices", "secret", "in_url", "optional", "default", "holder", "ends_in",
        "life",
    ])?;
    let flag = |name| Ok(words.map(name, Node::boolean)?.unwrap_or(false));
    let kind = kind(&words)?;
    let can_be_secret = matches!(kind, Kind::Text | Kind::Integer | Kind::PathSegment);
    let is_secret = match (&kind, words.get("secret")) {
        (Kind::PrivateKey, None) => true,
        (_, None) => can_be_secret,
        (_, Some(node)) if can_be_secret => node.boolean()?,
        (Kind::PrivateKey, Some(node)) => {
            return node.fault("a private key is always secret", "leave it out");
        }
        (_, Some(node)) => return node.fault("this kind is never secret", "leave it out"),
    };
    let may_be_in_url = !is_secret || flag("in_url")?;
    if !is_secret || kind == Kind::PrivateKey {
        words.none_of(&["in_url"], "here")?;
    }
    let is_optional = flag("optional")?;
    let mut parameter = Parameter {
        name: (&*member.name).into(),
        about: words.map("about", Node::line)?.unwrap_or_default(),
        is_secret,
        is_required: !is_optional && words.get("default").is_none(),
        default: None,
        is_holder: match kind {
            Kind::Url(_) | Kind::Host | Kind::HostLabel => {
                words.none_of(&["holder"], "here: what names a host always is one")?;
                true
            }
            _ => flag("holder")?,
        },
        kind,
        life: words.map("life", Node::duration)?,
        places: Places::default(),
    };
    match &*member.name == REFRESH_TOKEN {
        // It is replaced by those of answers, so it must be like them.
        true if parameter.kind != Kind::Text || !is_secret => {
            let wrong = if parameter.kind == Kind::Text { "secret" } else { "kind" };
            let at = words.get(wrong).map_or(member.at, |node| node.at);
            let remedy = "remove kind and secret from the parameter";
            return Err(Fault::new(at, "refresh_token is a secret text", remedy));
        }
        true => {}
        false => words.none_of(&["life"], "but for refresh_token")?,
    }
    if let Some(node) = words.get("default") {
        if is_secret {
            return node.fault("a secret has no default", "remove it, or say \"secret\": false");
        }
        if is_optional {
            return node.fault("what has a default is never absent", "remove optional");
        }
        parameter.default = Some(node.text()?.into());
    }
    Ok((parameter, Known { at: member.at, is_used: false, may_be_in_url }))
}

/// Checks the defaults, once it is known where they stand.
pub(super) fn check_defaults(node: Option<&Node<'_>>, names: &Names<'_>) -> Read<()> {
    let Some(node) = node else { return Ok(()) };
    for (member, parameter) in node.entries()?.zip(&names.parameters) {
        let Some(node) = member.value.object_member("default") else { continue };
        let text = node.text()?;
        if let Err(error) = check_value(parameter, text) {
            return node.fault(
                format!("this cannot be its value: {}", error.message()),
                error.remedy().to_owned(),
            );
        }
        if matches!(parameter.kind, Kind::Url(_)) && !text.starts_with("https://") {
            return node.fault("this is not an https URL", "write https://HOST[:PORT]/PATH");
        }
    }
    Ok(())
}

fn kind(words: &Object<'_, '_>) -> Read<Kind> {
    let kind = words.map("kind", |node| node.word(KINDS))?.map_or("text", |index| KINDS[index]);
    if kind != "choice" {
        words.none_of(&["choices"], "for this kind")?;
    }
    if kind != "url" {
        words.none_of(&["ends_in"], "for this kind")?;
    }
    Ok(match kind {
        "text" => Kind::Text,
        "integer" => Kind::Integer,
        "choice" => Kind::Choice(choices(words.required("choices")?)?),
        "url" => {
            let ends_in = words.map("ends_in", ends_in)?.unwrap_or_default();
            Kind::Url(UrlRule { ends_in, followed_by: "".into() })
        }
        "host" => Kind::Host,
        "host_label" => Kind::HostLabel,
        "path_segment" => Kind::PathSegment,
        "private_key" => Kind::PrivateKey,
        _ => Kind::Certificate,
    })
}

fn choices(node: &Node<'_>) -> Read<Vec<Box<str>>> {
    let mut choices: Vec<Box<str>> = Vec::new();
    for item in node.array()? {
        let text = item.line()?;
        if choices.contains(&text) {
            return item.fault("this choice is there twice", "remove one of the two");
        }
        choices.push(text);
    }
    match choices.is_empty() {
        true => node.fault("there is nothing to choose from", "write at least one choice"),
        false => Ok(choices),
    }
}

/// A literal path without an end of its own.
fn ends_in(node: &Node<'_>) -> Read<Box<str>> {
    let text = node.text()?;
    let is_segment = |segment: &str| {
        !matches!(segment, "" | "." | "..")
            && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
    };
    match text.strip_prefix('/').is_some_and(|path| path.split('/').all(is_segment)) {
        true => Ok(text.into()),
        false => Err(Fault::new(
            node.at,
            "this is not the end of a path",
            "write it with a slash before and none behind, such as /external",
        )),
    }
}
