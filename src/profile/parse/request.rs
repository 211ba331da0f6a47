//! Requests: `request`, `steps` and `refresh.request`.

use std::sync::Arc;

use super::names::{Names, Place, header_name};
use super::syntax::{Fault, Node, Read, Value};
use super::words::Object;
use crate::profile::vocabulary::{
    Body, JsonTemplate, Kind, Piece, RequestTemplate, Slot, Text, UrlStart, UrlTemplate,
};
use crate::transport::{Method, Url};

const METHODS: &[&str] = &["POST", "GET"];
const MOST_FIELDS: usize = 60;

pub(super) fn read(node: &Node<'_>, names: &mut Names<'_>) -> Read<RequestTemplate> {
    let words = node.object(&[
        "method",
        "url",
        "query",
        "headers",
        "form",
        "json",
        "text",
        "content_type",
    ])?;
    names.slots.clear();
    let method = match words.map("method", |node| node.word(METHODS))? {
        Some(1) => Method::Get,
        _ => Method::Post,
    };
    let url = url(words.required("url")?, names)?;
    let query = words.map("query", |node| fields(node, names, Place::Query))?.unwrap_or_default();
    let (body, content_type) = body(&words, method, names)?;
    let headers = headers(words.get("headers"), content_type, names)?;
    let slots = std::mem::take(&mut names.slots);
    let derived = names.derived_of(&slots);
    let is_fresh = derived.iter().any(|index| names.derived[*index].is_fresh);
    Ok(RequestTemplate {
        method,
        url,
        query,
        headers,
        body,
        derived,
        answer_headers: Vec::new(),
        is_fresh,
    })
}

type Fields = Vec<(Box<str>, Text)>;

fn fields(node: &Node<'_>, names: &mut Names<'_>, place: Place) -> Read<Fields> {
    let mut fields = Vec::new();
    for member in node.entries()? {
        if member.name.is_empty() {
            return Err(Fault::new(member.at, "this field has no name", "name it"));
        }
        fields.push(((&*member.name).into(), names.text(&member.value, place)?));
    }
    match fields.len() {
        0 => node.fault("there are no fields", "leave it out"),
        count if count > MOST_FIELDS => {
            node.fault(format!("there are more than {MOST_FIELDS} fields"), "remove some")
        }
        _ => Ok(fields),
    }
}

fn headers(
    node: Option<&Node<'_>>,
    content_type: Option<Text>,
    names: &mut Names<'_>,
) -> Read<Vec<(Arc<str>, Text)>> {
    let mut headers: Vec<(Arc<str>, Text)> = Vec::new();
    if let Some(text) = content_type {
        headers.push(("content-type".into(), text));
    }
    headers.push(("accept".into(), literal("application/json")));
    let Some(node) = node else { return Ok(headers) };
    for member in node.entries()? {
        let name = header_name(member.at, &member.name)?;
        let place = if &*name == "cookie" { Place::Cookie } else { Place::Header };
        let text = names.text(&member.value, place)?;
        match headers.iter().position(|(known, _)| *known == name) {
            // Ours, and now the file's.
            Some(index) => match text.literal() {
                Some(_) => headers[index].1 = text,
                None => {
                    return member.value.fault("this header is always the same", "write a literal");
                }
            },
            None if &*name == "content-type" && text.literal().is_none() => {
                return member.value.fault("this header is always the same", "write a literal");
            }
            None => headers.push((name, text)),
        }
    }
    match headers.len() > MOST_FIELDS {
        true => node.fault(format!("there are more than {MOST_FIELDS} headers"), "remove some"),
        false => Ok(headers),
    }
}

fn literal(text: &str) -> Text {
    Text([Piece::Literal(text.into())].into())
}

fn body(
    words: &Object<'_, '_>,
    method: Method,
    names: &mut Names<'_>,
) -> Read<(Body, Option<Text>)> {
    const BODIES: &[&str] = &["form", "json", "text"];
    if words.get("text").is_none() {
        words.none_of(&["content_type"], "without text")?;
    }
    if !BODIES.iter().any(|name| words.get(name).is_some()) {
        return Ok((Body::None, None));
    }
    if method == Method::Get {
        words.none_of(BODIES, "in a GET")?;
    }
    let (kind, node) = words.exactly_one(BODIES)?;
    Ok(match kind {
        "form" => {
            let fields = fields(node, names, Place::Body)?;
            (Body::Form(fields), Some(literal("application/x-www-form-urlencoded")))
        }
        "json" => {
            if !matches!(node.value, Value::Object(_) | Value::Array(_)) {
                return node.fault("a body is an object or an array", "write one");
            }
            (Body::Json(json(node, names)?), Some(literal("application/json")))
        }
        _ => {
            let content_type = names.text(words.required("content_type")?, Place::Header)?;
            if content_type.literal().is_none_or(|text| !text.contains('/')) {
                let node = words.required("content_type")?;
                return node.fault("this is no media type", "write one, such as text/xml");
            }
            (Body::Text(names.text(node, Place::Free)?), Some(content_type))
        }
    })
}

/// JSON with placeholders.
pub(super) fn json(node: &Node<'_>, names: &mut Names<'_>) -> Read<JsonTemplate> {
    Ok(match &node.value {
        Value::Null => JsonTemplate::Raw("null".into()),
        Value::Bool(true) => JsonTemplate::Raw("true".into()),
        Value::Bool(false) => JsonTemplate::Raw("false".into()),
        Value::Number(text) => JsonTemplate::Raw((*text).into()),
        Value::Text(_) => json_text(names.text(node, Place::Body)?, names),
        Value::Array(items) => match items.as_slice() {
            [item] if matches!(&item.value, Value::Text(text) if text == "{scopes}") => {
                names.text(item, Place::Body)?;
                JsonTemplate::ScopeArray
            }
            items => {
                let items = items.iter().map(|item| json(item, names));
                JsonTemplate::Array(items.collect::<Read<_>>()?)
            }
        },
        Value::Object(_) => JsonTemplate::Object(json_members(node, names)?),
    })
}

pub(super) fn json_members(
    node: &Node<'_>,
    names: &mut Names<'_>,
) -> Read<Vec<(Box<str>, JsonTemplate)>> {
    let members = node.entries()?;
    members.map(|member| Ok((quoted(&member.name), json(&member.value, names)?))).collect()
}

fn json_text(text: Text, names: &Names<'_>) -> JsonTemplate {
    if let Some(literal) = text.literal() {
        return JsonTemplate::Raw(quoted(literal));
    }
    match &*text.0 {
        [Piece::Value(slot, None)] if is_number(*slot, names) => JsonTemplate::Number(*slot),
        _ => JsonTemplate::Text(text),
    }
}

fn is_number(slot: Slot, names: &Names<'_>) -> bool {
    match slot {
        Slot::Parameter(index) => names.parameters[index].kind == Kind::Integer,
        Slot::Derived(index) => names.derived[index].is_number,
        _ => false,
    }
}

/// `https://host/path`, or a URL that is given and what follows it.
fn url(node: &Node<'_>, names: &mut Names<'_>) -> Read<UrlTemplate> {
    let text = node.text()?;
    if text.contains(['?', '#']) {
        return node.fault("a URL here has no query and no fragment", "write the query in query");
    }
    if text.contains(|c: char| c.is_whitespace() || c.is_control() || !c.is_ascii() || c == '\\') {
        let remedy = "write ASCII; a host in its xn-- form, a path percent-encoded";
        return node
            .fault("a URL here has no spaces, no backslash and nothing outside ASCII", remedy);
    }
    if let Some(rest) = text.strip_prefix("https://") {
        let end = rest.find('/').unwrap_or(rest.len());
        let (host, path) = rest.split_at(end);
        let host = part(node, names, host, Place::Host)?;
        check_host(node, &host, names)?;
        return with_path(node, names, UrlStart::Host(host), path);
    }
    let given = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let Some((name, path)) = given else {
        return node.fault(
            "this is not an https URL",
            "write https://HOST/PATH, or begin with a parameter of kind url, such as {base_url}/token",
        );
    };
    let slot = names.slot(node, name, Place::Value)?;
    names.slots.push(slot);
    let start = match slot {
        Slot::Parameter(index) => {
            let Kind::Url(rule) = &mut names.parameters[index].kind else {
                let remedy = "begin with https:// or a parameter of kind url";
                return node.fault(format!("{{{name}}} is not of kind url"), remedy);
            };
            if rule.followed_by.is_empty() {
                rule.followed_by = path.split('{').next().unwrap_or_default().into();
            }
            if !names.parameters[index].is_required && names.parameters[index].default.is_none() {
                return node.fault("a URL cannot be optional", "make the parameter required");
            }
            UrlStart::Parameter(index)
        }
        Slot::Step(index) if names.step_values[index].is_url => UrlStart::Step(index),
        _ => {
            let remedy = "begin with https:// or a parameter of kind url";
            return node.fault(format!("{{{name}}} is not of kind url"), remedy);
        }
    };
    with_path(node, names, start, path)
}

/// The text of a part of a node's text.
fn part(node: &Node<'_>, names: &mut Names<'_>, text: &str, place: Place) -> Read<Text> {
    let part = Node { at: node.at, value: Value::Text(text.into()) };
    names.text(&part, place)
}

fn with_path(
    node: &Node<'_>,
    names: &mut Names<'_>,
    start: UrlStart,
    path: &str,
) -> Read<UrlTemplate> {
    if !path.is_empty() && !path.starts_with('/') {
        return node.fault("a path begins with a slash", "write a slash behind the host");
    }
    let path = part(node, names, path, Place::Path)?;
    let mut shape = String::new();
    for piece in &*path.0 {
        match piece {
            Piece::Literal(literal) => shape.push_str(literal),
            Piece::Value(..) => shape.push('x'),
        }
    }
    let is_escaped = |text: &str| {
        let mut parts = text.split('%');
        parts.next();
        parts.all(|part| part.len() >= 2 && part.bytes().take(2).all(|b| b.is_ascii_hexdigit()))
    };
    let is_path = |b: u8| b.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/".contains(&b);
    if shape.split('/').any(|segment| matches!(segment, "." | "..")) {
        return node.fault("a path here has no . and .. in it", "write the path that is meant");
    }
    if shape.contains("//") || !is_escaped(&shape) || !shape.bytes().all(is_path) {
        let remedy = "write segments between slashes, other characters as %XX";
        return node.fault("this path has something that no path has", remedy);
    }
    let has_hidden_path = path.slots().any(|(slot, _)| match slot {
        Slot::Parameter(index) => names.parameters[index].is_secret,
        _ => true,
    });
    for (slot, _) in path.slots() {
        if let Slot::Parameter(index) = slot {
            let parameter = &names.parameters[index];
            if !parameter.is_required && parameter.default.is_none() {
                return node.fault("a part of a path cannot be optional", "make it required");
            }
        }
    }
    Ok(UrlTemplate { start, path, has_hidden_path })
}

/// A literal host must be one; a host parameter is all of it; labels stand between dots.
fn check_host(node: &Node<'_>, host: &Text, names: &Names<'_>) -> Read<()> {
    let mut shape = String::new();
    let (mut labels, mut wholes) = (0, 0);
    for piece in &*host.0 {
        match piece {
            Piece::Literal(literal) => shape.push_str(literal),
            Piece::Value(Slot::Parameter(index), _) => {
                let parameter = &names.parameters[*index];
                if !parameter.is_required && parameter.default.is_none() {
                    return node.fault("a part of a host cannot be optional", "make it required");
                }
                match parameter.kind {
                    Kind::Host => wholes += 1,
                    _ => labels += 1,
                }
                shape.push('x');
            }
            Piece::Value(..) => {
                let remedy = "use a parameter of kind host or host_label";
                return node.fault("only a parameter can stand in a host", remedy);
            }
        }
    }
    if wholes > 0 && (labels > 0 || host.0.len() > 1) {
        let remedy = "use host_label for a part of a host";
        return node.fault("a host parameter is the whole host, port included", remedy);
    }
    let has_own_domain = |text: &Text| {
        // A label that the caller gives must not choose the domain: two labels behind it are the file's.
        let last = text.0.iter().rposition(|piece| matches!(piece, Piece::Value(..)));
        let behind = last.and_then(|last| text.0.get(last + 1));
        last.is_none()
            || matches!(behind, Some(Piece::Literal(rest))
                if rest.trim_start_matches(|c: char| c != '.').matches('.').count() >= 2)
    };
    if wholes == 0 && !has_own_domain(host) {
        let remedy =
            "write the domain behind it, such as {tenant}.vendor.example; or use kind host";
        return node.fault("a host_label stands before a domain", remedy);
    }
    match Url::parse(&format!("https://{shape}")) {
        Ok(url) if url.path().is_empty() && shape.bytes().all(|b| !b.is_ascii_uppercase()) => {
            Ok(())
        }
        _ => node
            .fault("this is not a host", "write a host name in lower case, with a port or without"),
    }
}

/// A text as JSON has it, quotes included.
fn quoted(text: &str) -> Box<str> {
    serde_json::to_string(text).unwrap_or_default().into()
}
