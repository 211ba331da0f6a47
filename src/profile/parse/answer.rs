//! Answers: where a success has its parts.

use std::sync::Arc;

use super::names::{Names, Place, header_name};
use super::syntax::{Fault, Node, Read, Value};
use super::values::{TIME_FORMATS, choose};
use super::words::Object;
use crate::profile::vocabulary::{
    Answer, Expiry, Literal, Piece, Pointer, RefreshLife, Slot, Source, Span, Success, TimeFormat,
    UNITS, Usage,
};

const ANSWER: &[&str] = &[
    "status",
    "success",
    "refused_if",
    "access_token",
    "token_type",
    "refresh_token",
    "scope",
    "expires",
    "request_id",
    "extras",
];

pub(super) fn read(node: &Node<'_>) -> Read<Answer> {
    let words = node.object(ANSWER)?;
    Ok(Answer {
        success: success(&words)?,
        access_token: source(words.required("access_token")?)?,
        token_type: words.map("token_type", token_type)?,
        refresh_token: words.map("refresh_token", source)?,
        scope: words.map("scope", pointer)?,
        expiry: expiry(words.required("expires")?)?,
        request_id: words.map("request_id", source)?,
        extras: words.map("extras", extras)?.unwrap_or_default(),
    })
}

pub(super) fn success(words: &Object<'_, '_>) -> Read<Success> {
    let statuses = words.map("status", |node| statuses(node, 200, 299))?;
    Ok(Success {
        statuses: statuses.unwrap_or_else(|| vec![200]),
        flag: words.map("success", flag)?,
        refused_if: words.map("refused_if", pointer)?,
    })
}

/// An array of statuses.
pub(super) fn statuses(node: &Node<'_>, from: u16, to: u16) -> Read<Vec<u16>> {
    node.array()?;
    let mut statuses = Vec::new();
    for item in node.one_or_more()? {
        let status = item.status(from, to)?;
        if statuses.contains(&status) {
            return item.fault("this status is there twice", "remove one of the two");
        }
        statuses.push(status);
    }
    Ok(statuses)
}

fn flag(node: &Node<'_>) -> Read<(Pointer, Literal)> {
    if let Value::Text(_) = node.value {
        return Ok((pointer(node)?, Literal::Bool(true)));
    }
    let words = node.object(&["at", "is"])?;
    let is = words.required("is")?;
    let literal = match &is.value {
        Value::Bool(value) => Literal::Bool(*value),
        Value::Text(text) => Literal::Text((&**text).into()),
        Value::Number(text) => match text.parse() {
            Ok(number) => Literal::Integer(number),
            Err(_) => return is.fault("this is not a whole number", "write a whole number"),
        },
        _ => return is.fault("this cannot be compared", "write true, false, a number or a string"),
    };
    Ok((pointer(words.required("at")?)?, literal))
}

/// RFC 6901.
pub(super) fn pointer(node: &Node<'_>) -> Read<Pointer> {
    let text = node.text()?;
    if text.chars().count() > 400
        || text.matches('/').count() > 16
        || text.contains(char::is_control)
    {
        return node.fault(
            "this pointer has more than 400 characters, more than 16 levels, or a control character",
            "no answer needs that: point to the member itself",
        );
    }
    let wrong = || {
        let remedy = "write /a/b for member b of member a; ~1 for a slash in a name, ~0 for a tilde \
                      (RFC 6901)";
        node.fault("this is not a JSON Pointer", remedy)
    };
    if text.is_empty() {
        return Ok(Pointer(Box::default()));
    }
    let Some(rest) = text.strip_prefix('/') else { return wrong() };
    let is_escaped =
        |token: &str| token.split('~').skip(1).all(|part| part.starts_with(['0', '1']));
    if !rest.split('/').all(is_escaped) {
        return wrong();
    }
    let tokens = rest.split('/').map(|token| token.replace("~1", "/").replace("~0", "~").into());
    Ok(Pointer(tokens.collect()))
}

pub(super) fn source(node: &Node<'_>) -> Read<Source> {
    if let Value::Text(_) = node.value {
        return Ok(Source::Pointer(pointer(node)?));
    }
    let words = node.object(&["header", "cookie", "body"])?;
    source_of(&words)
}

/// The members of a source that is no pointer.
pub(super) fn source_of(words: &Object<'_, '_>) -> Read<Source> {
    let (kind, inner) = words.exactly_one(&["header", "cookie", "body"])?;
    match kind {
        "header" => Ok(Source::Header(header_name(inner.at, inner.text()?)?)),
        "cookie" => {
            let name = inner.text()?;
            let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
            match name.is_empty() || name.len() > 100 || !name.bytes().all(is_token) {
                true => inner.fault("this cannot be the name of a cookie", "write its name alone"),
                false => Ok(Source::Cookie(name.into())),
            }
        }
        _ => inner.must_be_true().map(|()| Source::Body),
    }
}

fn token_type(node: &Node<'_>) -> Read<(Pointer, Vec<Box<str>>)> {
    if let Value::Text(_) = node.value {
        return Ok((pointer(node)?, vec!["bearer".into()]));
    }
    let words = node.object(&["at", "is"])?;
    let is = words.required("is")?;
    is.array()?;
    let types = is.one_or_more()?.iter().map(Node::line).collect::<Read<_>>()?;
    Ok((pointer(words.required("at")?)?, types))
}

fn expiry(node: &Node<'_>) -> Read<Expiry> {
    let words = node.object(&["in", "at", "jwt", "life", "until_refused", "unit", "default"])?;
    let (how, inner) = words.exactly_one(&["in", "at", "jwt", "life", "until_refused"])?;
    if !matches!(how, "in" | "at") {
        words.none_of(&["unit"], "here")?;
    }
    let default = words.map("default", Node::duration)?;
    Ok(match how {
        "in" => Expiry::In(span(&words, inner)?, default),
        "at" => {
            let format: TimeFormat = choose(words.required("unit")?, TIME_FORMATS)?;
            Expiry::At(pointer(inner)?, format, default)
        }
        "jwt" => {
            inner.must_be_true()?;
            Expiry::Jwt(default)
        }
        _ => {
            words.none_of(&["default"], "here")?;
            match how {
                "life" => Expiry::Life(inner.duration()?),
                _ => {
                    inner.must_be_true()?;
                    Expiry::UntilRefused
                }
            }
        }
    })
}

fn span(words: &Object<'_, '_>, at: &Node<'_>) -> Read<Span> {
    let units: Vec<_> = UNITS.iter().map(|(name, _)| *name).collect();
    let unit = UNITS[words.required("unit")?.word(&units)?];
    Ok(Span { at: pointer(at)?, unit })
}

/// The life of a refresh token that comes with an answer.
pub(super) fn refresh_life(node: &Node<'_>) -> Read<RefreshLife> {
    if let Value::Text(_) = node.value {
        return Ok(RefreshLife::Fixed(node.duration()?));
    }
    let words = node.object(&["in", "unit"])?;
    Ok(RefreshLife::In(span(&words, words.required("in")?)?))
}

fn extras(node: &Node<'_>) -> Read<Vec<(Arc<str>, Pointer)>> {
    let mut extras = Vec::new();
    for member in node.entries()? {
        let name = &*member.name;
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if name.is_empty() || name.len() > 60 || !name.bytes().all(is_plain) {
            let remedy = "use letters, digits, hyphens, dots and underscores";
            return Err(Fault::new(member.at, "this cannot be the name of an extra", remedy));
        }
        extras.push((name.into(), pointer(&member.value)?));
    }
    match extras.len() {
        1..=40 => Ok(extras),
        _ => node.fault("there are none, or more than 40", "keep what the program reads"),
    }
}

/// Which header carries the token.
pub(super) fn usage(node: Option<&Node<'_>>, names: &mut Names<'_>) -> Read<Usage> {
    let Some(node) = node else {
        let (header, before) = ("authorization".into(), "Bearer ".into());
        return Ok(Usage { header, before, after: "".into() });
    };
    let words = node.object(&["header", "value"])?;
    let header = words.map("header", |node| header_name(node.at, node.text()?))?;
    let value = words.required("value")?;
    let text = names.text(value, Place::Use)?;
    let (before, after) = match &*text.0 {
        [Piece::Value(..)] => ("", ""),
        [Piece::Literal(before), Piece::Value(..)] => (&**before, ""),
        [Piece::Value(..), Piece::Literal(after)] => ("", &**after),
        [Piece::Literal(before), Piece::Value(..), Piece::Literal(after)] => (&**before, &**after),
        _ => ("", "?"),
    };
    let is_one =
        text.slots().count() == 1 && text.slots().all(|(slot, _)| slot == Slot::AccessToken);
    if !is_one {
        let remedy = "write it once, as {access_token}, with nothing but literals around it";
        return value.fault("the access token stands here once, and nothing else", remedy);
    }
    Ok(Usage {
        header: header.unwrap_or_else(|| "authorization".into()),
        before: before.into(),
        after: after.into(),
    })
}

/// The headers of an answer that these sources read.
pub(super) fn headers<'s>(sources: impl Iterator<Item = &'s Source>) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = Vec::new();
    for source in sources {
        let name = match source {
            Source::Header(name) => Arc::clone(name),
            Source::Cookie(_) => "set-cookie".into(),
            Source::Pointer(_) | Source::Body => continue,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}
