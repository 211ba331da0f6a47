//! A profile's text as a tree of JSON in which every node knows where it stands.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::Error;

/// Far more than any profile has.
pub(crate) const MOST_BYTES: usize = 64 * 1024;
const MOST_DEPTH: usize = 24;

/// What is wrong with a profile, and where.
#[derive(Debug)]
pub(super) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    /// The place in the text, in bytes.
    at: usize,
    problem: Cow<'static, str>,
    remedy: Cow<'static, str>,
}

pub(super) type Read<T> = Result<T, Fault>;

/// A JSON value and its place in the text.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: usize,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool(bool),
    /// As it is written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Vec<Member<'a>>),
}

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) name: Cow<'a, str>,
    /// Where its name stands.
    pub(super) at: usize,
    pub(super) value: Node<'a>,
}

impl Fault {
    pub(super) fn new(
        at: usize,
        problem: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        // One copy of the code, however many callers there are: the library stays small.
        #[cold]
        #[inline(never)]
        fn new(at: usize, problem: Cow<'static, str>, remedy: Cow<'static, str>) -> Fault {
            Fault(Box::new(Inner { at, problem, remedy }))
        }
        new(at, problem.into(), remedy.into())
    }

    /// The error about the profile `text`, with line, column and path.
    pub(super) fn in_profile(self, text: &str, root: Option<&Node<'_>>) -> Error {
        let Inner { at, problem, remedy } = *self.0;
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let mut path = String::new();
        let place = match root.is_some_and(|root| path_to(root, at, &mut path)) {
            true if !path.is_empty() => format!(" ({path})"),
            _ => String::new(),
        };
        let problem = format!("is wrong at line {line}, column {column}{place}: {problem}");
        Error::setting("profile", problem, remedy)
    }
}

/// Writes the pointer to what stands at `at`.
fn path_to(node: &Node<'_>, at: usize, path: &mut String) -> bool {
    let length = path.len();
    let found = match &node.value {
        _ if node.at == at => return true,
        Value::Object(members) => members.iter().any(|member| {
            path.truncate(length);
            path.push('/');
            push_name(path, &member.name);
            member.at == at || path_to(&member.value, at, path)
        }),
        Value::Array(items) => items.iter().enumerate().any(|(index, item)| {
            path.truncate(length);
            path.push('/');
            path.push_str(&index.to_string());
            path_to(item, at, path)
        }),
        _ => false,
    };
    if !found {
        path.truncate(length);
    }
    found
}

/// Writes a name as it may be printed: it is the file's own, and may be anything.
fn push_name(path: &mut String, name: &str) {
    for (index, c) in name.chars().enumerate() {
        match c {
            _ if index == 60 => return path.push('…'),
            '~' => path.push_str("~0"),
            '/' => path.push_str("~1"),
            c if c.is_control() => path.push(char::REPLACEMENT_CHARACTER),
            c => path.push(c),
        }
    }
}

/// Where in a text the error about it is.
fn place_of(error: &serde_json::Error, text: &str) -> usize {
    let line = text.split_inclusive('\n').take(error.line().saturating_sub(1));
    let start: usize = line.map(str::len).sum();
    let mut at = (start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Reads a whole text.
pub(super) fn parse(text: &str) -> Read<Node<'_>> {
    if let Err(error) = serde_json::from_str::<&RawValue>(text) {
        let at = place_of(&error, text);
        let (problem, remedy) = match error.is_eof() {
            true => ("the text ends in the middle of its JSON", "close what is open"),
            false => {
                ("this is not JSON", "look for a comma too many or too few, or a missing quote")
            }
        };
        return Err(Fault::new(at, problem, remedy));
    }
    let start = text.len() - text.trim_start().len();
    node(text, text[start..].trim_end(), MOST_DEPTH)
}

/// The node of `raw`, which is a part of `text` and valid JSON.
fn node<'a>(text: &'a str, raw: &'a str, depth: usize) -> Read<Node<'a>> {
    let at = raw.as_ptr().addr() - text.as_ptr().addr();
    // The one thing that was not looked at when the whole text was.
    let broken = |error: serde_json::Error| {
        let problem = "this is one half of a surrogate pair";
        let remedy = "write the character itself, or both halves, such as \\ud83d\\ude00";
        Fault::new(at + place_of(&error, raw), problem, remedy)
    };
    let Some(deeper) = depth.checked_sub(1) else {
        return Err(Fault::new(at, "this is nested too deeply", "no profile needs so many levels"));
    };
    let value = match raw.as_bytes().first() {
        Some(b'n') => Value::Null,
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'"') => Value::Text(Name.deserialize_in(raw).map_err(broken)?),
        Some(b'[') => {
            let items = Items.deserialize_in(raw).map_err(broken)?;
            let items = items.into_iter().map(|item| node(text, item.get(), deeper));
            Value::Array(items.collect::<Read<_>>()?)
        }
        Some(b'{') => {
            let raw_members = Members.deserialize_in(raw).map_err(broken)?;
            let mut members: Vec<Member<'a>> = Vec::with_capacity(raw_members.len());
            let mut end = at;
            for (name, raw) in raw_members {
                let value = node(text, raw.get(), deeper)?;
                // Between the values stand commas, names and colons.
                let at = end + text[end..value.at].find('"').unwrap_or(0);
                end = value.at + raw.get().len();
                members.push(Member { name, at, value });
            }
            Value::Object(members)
        }
        _ => Value::Number(raw),
    };
    Ok(Node { at, value })
}

/// A string, borrowed where it has no escapes.
struct Name;
struct Items;
struct Members;

trait In<'a>: DeserializeSeed<'a> + Sized {
    fn deserialize_in(self, raw: &'a str) -> Result<Self::Value, serde_json::Error> {
        self.deserialize(&mut serde_json::Deserializer::from_str(raw))
    }
}

impl<'a, T: DeserializeSeed<'a>> In<'a> for T {}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(items)
    }
}

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value()?));
        }
        Ok(members)
    }
}
