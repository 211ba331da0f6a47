//! What the placeholders of a profile stand for, and the texts that they stand in.

use std::sync::Arc;

use super::syntax::{Fault, Node, Read};
use super::words::one_of;
use crate::profile::escape::Escape;
use crate::profile::vocabulary::{Kind, Parameter, Piece, Places, REFRESH_TOKEN, Slot, Text};
use crate::transport::header_flaw;

/// Where a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Header,
    /// The header `cookie`.
    Cookie,
    /// A form or a string of JSON.
    Body,
    Query,
    Path,
    Host,
    /// A text body.
    Free,
    /// The user of HTTP Basic, where it is not percent-encoded.
    BasicUser,
    Basic,
    /// A value that stands elsewhere.
    Value,
    /// What is hashed or signed.
    Digest,
    /// The header that carries the token.
    Use,
}

/// All names, and which of them have been used.
#[derive(Default)]
pub(super) struct Names<'a> {
    pub(super) parameters: Vec<Parameter>,
    /// Of each parameter: where its name stands, whether it was used, and whether it may stand in a URL.
    pub(super) of_parameters: Vec<Known>,
    /// Whether scopes can be requested, and `{scopes}` was used.
    pub(super) scopes: Option<Known>,
    pub(super) derived: Vec<DerivedName<'a>>,
    pub(super) step_values: Vec<StepName<'a>>,
    /// How many of the derived values can be used where the reader is.
    pub(super) derived_so_far: usize,
    /// How many of the steps can be used where the reader is.
    pub(super) steps_so_far: usize,
    /// How many steps the URL of the token request needs.
    pub(super) endpoint_needs: usize,
    /// Where `{endpoint}` was used.
    pub(super) endpoint_used: Option<usize>,
    /// Whether `{refresh_token}` is that of an answer.
    pub(super) is_refresh: bool,
    /// Whether that was used.
    pub(super) refresh_token_used: bool,
    /// What the request, or the derived value, that is being read uses.
    pub(super) slots: Vec<Slot>,
}

pub(super) struct Known {
    pub(super) at: usize,
    pub(super) is_used: bool,
    pub(super) may_be_in_url: bool,
}

pub(super) struct DerivedName<'a> {
    pub(super) name: &'a str,
    pub(super) known: Known,
    /// The steps that must be done before.
    pub(super) needs: usize,
    /// The derived values that it uses, itself included.
    pub(super) uses: Vec<usize>,
    /// Whether each attempt makes another.
    pub(super) is_fresh: bool,
    pub(super) is_number: bool,
    /// Where it stands.
    pub(super) places: Places,
}

pub(super) struct StepName<'a> {
    pub(super) name: &'a str,
    pub(super) step: usize,
    pub(super) known: Known,
    pub(super) is_url: bool,
}

/// Names that stand for something in every profile.
pub(super) const RESERVED: &[&str] = &["scopes", "endpoint", "access_token"];

/// What shows that a text is of another language.
const OF_A_LANGUAGE: &[char] = &['"', '\'', '<', '>', '(', ')', '{', '}', '\\'];

impl<'a> Names<'a> {
    /// Reads a text with placeholders.
    pub(super) fn text(&mut self, node: &Node<'_>, place: Place) -> Read<Text> {
        let text = node.text()?;
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(found) = rest.find(['{', '}']) {
            let (before, after) = rest.split_at(found);
            literal.push_str(before);
            if let Some(tail) = after.strip_prefix("{{").or_else(|| after.strip_prefix("}}")) {
                literal.push_str(&after[..1]);
                rest = tail;
                continue;
            }
            let inner = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let Some((inner, tail)) = inner else {
                return node.fault(
                    "this has a brace without its other half",
                    "write {name} for a value, and {{ or }} for a brace",
                );
            };
            let (name, escape) = match inner.split_once(':') {
                Some((name, escape)) => (name, Some(read_escape(node, escape)?)),
                None => (inner, None),
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal).into()));
            }
            let slot = self.slot(node, name, place)?;
            if place == Place::Path && !matches!(slot, Slot::Parameter(_) | Slot::Step(_)) {
                return node.fault(
                    "only a path_segment or a value of a step can stand in a path",
                    "send it elsewhere",
                );
            }
            pieces.push(Piece::Value(slot, escape));
            rest = tail;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.into()));
        }
        let text = Text(pieces.into());
        check_literals(node, &text, place)?;
        check_escapes(node, &text, place)?;
        for (slot, escape) in text.slots() {
            self.note_place(slot, places(place, escape));
            self.slots.push(slot);
        }
        Ok(text)
    }

    /// What the name stands for.
    pub(super) fn slot(&mut self, node: &Node<'_>, name: &str, place: Place) -> Read<Slot> {
        match name {
            "access_token" if place == Place::Use => return Ok(Slot::AccessToken),
            "access_token" => {
                return node.fault(
                    "{access_token} stands in use alone",
                    "use a value that is there before the request",
                );
            }
            "refresh_token" if self.is_refresh => {
                self.refresh_token_used = true;
                return match place {
                    Place::Query => node.fault(
                        "{refresh_token} is secret and would stand in a URL, which ends up in logs",
                        "send it elsewhere",
                    ),
                    _ => Ok(Slot::RefreshToken),
                };
            }
            "endpoint" => {
                self.endpoint_used = Some(node.at);
                return match self.endpoint_needs <= self.steps_so_far {
                    true => Ok(Slot::Endpoint),
                    false => node.fault(
                        "{endpoint} is known only after a later step",
                        "use it after that step",
                    ),
                };
            }
            "scopes" => {
                return match &mut self.scopes {
                    Some(known) => {
                        known.is_used = true;
                        Ok(Slot::Scopes)
                    }
                    None => node.fault(
                        "{scopes} stands for nothing, since the profile has no scopes",
                        "add scopes, such as \"scopes\": {}",
                    ),
                };
            }
            _ => {}
        }
        if let Some(index) = self.parameters.iter().position(|known| &*known.name == name) {
            self.of_parameters[index].is_used = true;
            self.check_kind(node, index, place)?;
            return Ok(Slot::Parameter(index));
        }
        if let Some(index) = self.derived.iter().position(|known| known.name == name) {
            return self.use_derived(node, index, place);
        }
        if let Some(index) = self.step_values.iter().position(|known| known.name == name) {
            let known = &mut self.step_values[index];
            known.known.is_used = true;
            if known.step >= self.steps_so_far {
                return node.fault(
                    format!("{{{name}}} is known only after a later step"),
                    match self.is_refresh {
                        true => "send something else: a refresh is sent without the steps",
                        false => {
                            "use values of earlier steps alone: steps are taken in the order of the file"
                        }
                    },
                );
            }
            return Ok(Slot::Step(index));
        }
        let names = self.parameters.iter().map(|known| &*known.name);
        let names = names.chain(self.derived.iter().map(|known| known.name));
        let names: Vec<_> = names.chain(self.step_values.iter().map(|known| known.name)).collect();
        let remedy = match names.is_empty() {
            true => "add it to parameters".to_owned(),
            false => format!("add it to parameters; {}", one_of(&names, name, "or use one of")),
        };
        // It is the file's own text, but not necessarily fit to be printed.
        let shown = if is_name(name) { format!("{{{name}}}") } else { "this name".to_owned() };
        node.fault(format!("{shown} is neither a parameter nor a value"), remedy)
    }

    fn use_derived(&mut self, node: &Node<'_>, index: usize, place: Place) -> Read<Slot> {
        let known = &mut self.derived[index];
        known.known.is_used = true;
        let name = known.name;
        if index >= self.derived_so_far {
            return node.fault(
                format!("{{{name}}} is made later"),
                "move it before what uses it: values are made in the order of the file",
            );
        }
        if known.needs > self.steps_so_far {
            return node.fault(
                format!("{{{name}}} is known only after a later step"),
                "use it after that step",
            );
        }
        if matches!(place, Place::Query | Place::Path) && !known.known.may_be_in_url {
            return in_url(node, name);
        }
        Ok(Slot::Derived(index))
    }

    /// Whether a parameter of that kind, and secret or not, can stand there.
    fn check_kind(&self, node: &Node<'_>, index: usize, place: Place) -> Read<()> {
        let parameter = &self.parameters[index];
        let name = &parameter.name;
        if matches!(place, Place::Query | Place::Path)
            && parameter.is_secret
            && !self.of_parameters[index].may_be_in_url
        {
            return in_url(node, name);
        }
        let problem = match (&parameter.kind, place) {
            (Kind::PrivateKey, _) => "a private key is for jwt alone",
            (Kind::Certificate, _) => "a certificate is for certificate_sha256 alone",
            (Kind::PathSegment, Place::Path) => return Ok(()),
            (_, Place::Path) => "only a path_segment can stand in a path",
            (Kind::Host | Kind::HostLabel, Place::Host) => return Ok(()),
            (_, Place::Host) => "only a host or host_label can stand in a host",
            _ => return Ok(()),
        };
        node.fault(
            format!("{{{name}}} cannot stand here: {problem}"),
            "change its kind, or its place",
        )
    }

    /// Notes that a value stands in these places.
    fn note_place(&mut self, slot: Slot, places: Places) {
        match slot {
            Slot::Parameter(index) => self.parameters[index].places.add(places),
            Slot::Derived(index) => self.derived[index].places.add(places),
            _ => {}
        }
    }

    /// What stands in a derived text stands where that does.
    pub(super) fn pass_places_on(&mut self, texts: &[Text], places: Places) {
        for (slot, escape) in texts.iter().flat_map(Text::slots) {
            if escape.is_none() {
                self.note_place(slot, places);
            }
        }
    }

    /// The steps that the slots need.
    pub(super) fn needs(&self, slots: &[Slot]) -> usize {
        let need = |slot: &Slot| match slot {
            Slot::Step(index) => self.step_values[*index].step + 1,
            Slot::Derived(index) => self.derived[*index].needs,
            Slot::Endpoint => self.endpoint_needs,
            _ => 0,
        };
        slots.iter().map(need).max().unwrap_or(0)
    }

    /// The derived values that the slots use, in the order in which they are made.
    pub(super) fn derived_of(&self, slots: &[Slot]) -> Vec<usize> {
        let is_used = |derived: &usize| {
            slots.iter().any(|slot| match slot {
                Slot::Derived(index) => self.derived[*index].uses.contains(derived),
                _ => false,
            })
        };
        (0..self.derived.len()).filter(is_used).collect()
    }

    /// The parameter that stands alone in a text such as `{private_key}`.
    pub(super) fn parameter(&mut self, node: &Node<'_>, wanted: &str) -> Read<usize> {
        let name = node.text()?.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
        let index = self.parameters.iter().position(|known| Some(&*known.name) == name);
        match index {
            Some(index) => {
                self.of_parameters[index].is_used = true;
                self.slots.push(Slot::Parameter(index));
                Ok(index)
            }
            None => node.fault(
                format!("this is not {wanted}"),
                format!("write the name of one in braces: {wanted}"),
            ),
        }
    }

    /// Refuses what nothing uses.
    pub(super) fn check_all_used(&self) -> Read<()> {
        let unused = |known: &Known, what: &str, remedy: &'static str| match known.is_used {
            true => Ok(()),
            false => Err(Fault::new(known.at, format!("{what} is never used"), remedy)),
        };
        for (known, parameter) in self.of_parameters.iter().zip(&self.parameters) {
            let what = format!("the parameter {}", parameter.name);
            unused(known, &what, "use it in the request, or remove it")?;
        }
        for derived in &self.derived {
            unused(&derived.known, "this value", "use it, or remove it")?;
        }
        for value in &self.step_values {
            unused(&value.known, "this value of a step", "use it, or remove it")?;
        }
        match &self.scopes {
            Some(known) => unused(known, "{scopes}", "use it in the request, or remove scopes"),
            None => Ok(()),
        }
    }
}

fn in_url<T>(node: &Node<'_>, name: &str) -> Read<T> {
    node.fault(
        format!("{{{name}}} is secret and would stand in a URL, which ends up in logs"),
        "send it elsewhere; or say \"in_url\": true in its parameter where the vendor leaves no \
         choice, or \"secret\": false where it is none",
    )
}

fn read_escape(node: &Node<'_>, name: &str) -> Read<Escape> {
    match Escape::parse(name) {
        Some(escape) => Ok(escape),
        None => {
            let names = Escape::NAMES.map(|(name, _)| name);
            node.fault("there is no such escape", one_of(&names, name, "use one of"))
        }
    }
}

/// Which checks a value needs that stands there.
fn places(place: Place, escape: Option<Escape>) -> Places {
    let mut places = match place {
        Place::Header | Place::Use if escape != Some(Escape::Url) => Places::HEADER,
        Place::Cookie if escape != Some(Escape::Url) => Places(Places::HEADER.0 | Places::COOKIE.0),
        Place::BasicUser => Places(Places::BASIC_USER.0 | Places::BASIC.0),
        Place::Basic => Places::BASIC,
        Place::Query | Place::Path | Place::Host => Places::URL,
        _ => Places::BODY,
    };
    match escape {
        Some(Escape::Xml) => places.add(Places::XML),
        Some(Escape::Quoted) => places.add(Places::HEADER),
        _ => {}
    }
    places
}

fn check_literals(node: &Node<'_>, text: &Text, place: Place) -> Read<()> {
    if !matches!(place, Place::Header | Place::Cookie | Place::Use) {
        return Ok(());
    }
    // A value stands for one letter: what is around it may be a space.
    let whole: String = text
        .0
        .iter()
        .map(|piece| match piece {
            Piece::Literal(literal) => literal,
            Piece::Value(..) => "x",
        })
        .collect();
    match header_flaw(&whole) {
        _ if whole.is_empty() => node.fault("this header is empty", "leave it out"),
        Some(flaw) => node.fault(format!("this {flaw}"), "write visible ASCII, with spaces inside"),
        None => Ok(()),
    }
}

/// A value inside a text of another language needs the escape of that language.
fn check_escapes(node: &Node<'_>, text: &Text, place: Place) -> Read<()> {
    let is_of_a_language = text.0.iter().any(|piece| match piece {
        Piece::Literal(literal) => literal.contains(OF_A_LANGUAGE),
        Piece::Value(..) => false,
    });
    let needs = match place {
        Place::Free => true,
        Place::Header | Place::Cookie | Place::Body | Place::Query | Place::Value => {
            is_of_a_language
        }
        _ => false,
    };
    let has_bare = text.slots().any(|(_, escape)| escape.is_none());
    let may_have = !matches!(place, Place::Path | Place::Host | Place::Use | Place::Digest);
    let has_escape = text.slots().any(|(_, escape)| escape.is_some());
    let has_block = text.0.iter().any(|piece| match piece {
        Piece::Literal(literal) => literal.contains("\"\"\""),
        Piece::Value(..) => false,
    });
    if has_block && has_escape {
        let remedy = "write it between single quotation marks, or send it as a variable";
        return node.fault("a block string of GraphQL has no escapes", remedy);
    }
    match (needs && has_bare, has_escape && !may_have) {
        (false, false) => Ok(()),
        (true, _) => node.fault(
            "a value here stands in a text of another language, and could break out of it",
            "name the escape of that language, such as {name:json}, {name:xml}, {name:url} or \
             {name:quoted}",
        ),
        (_, true) => node.fault("an escape has no meaning here", "write the name alone"),
    }
}

/// The names of parameters and values.
pub(super) fn is_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Refuses a name that is none, or means something else.
pub(super) fn check_name(at: usize, name: &str) -> Read<()> {
    if !is_name(name) {
        return Err(Fault::new(
            at,
            "this cannot be a name",
            "use a-z, 0-9 and _, a letter first, at most 40 characters",
        ));
    }
    match RESERVED.contains(&name) {
        true => Err(Fault::new(at, "this name has a meaning of its own", "choose another name")),
        false => Ok(()),
    }
}

/// The same for values: the refresh token is given, or comes with an answer.
pub(super) fn check_value_name(at: usize, name: &str) -> Read<()> {
    match name == REFRESH_TOKEN {
        true => Err(Fault::new(at, "this name has a meaning of its own", "choose another name")),
        false => check_name(at, name),
    }
}

/// The names of headers, in lower case, that a profile may set.
pub(super) fn header_name(at: usize, name: &str) -> Read<Arc<str>> {
    let is_token =
        |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || name.len() > 60 || !name.bytes().all(is_token) {
        let remedy = "use lower case letters, digits and hyphens (RFC 9110 §5.1)";
        return Err(Fault::new(at, "this cannot be the name of a header", remedy));
    }
    let is_the_transports = matches!(
        name,
        "host"
            | "content-length"
            | "transfer-encoding"
            | "connection"
            | "keep-alive"
            | "te"
            | "trailer"
            | "upgrade"
            | "expect"
            | "user-agent"
            | "accept-encoding"
    ) || name.starts_with("proxy-");
    match is_the_transports {
        true => Err(Fault::new(at, "this header is the transport's own", "leave it out")),
        false => Ok(name.into()),
    }
}
