//! `refusals`: what the vendor's errors mean.

use super::answer::{pointer, source, statuses};
use super::names::Names;
use super::syntax::{Fault, Node, Read, Value};
use super::words::{Object, one_of};
use crate::error::ErrorKind;
use crate::profile::vocabulary::{Code, CodeAt, Pointer, Refusals, Rule};

/// What a vendor can mean. All other kinds are for caretoken to find.
const KINDS: &[ErrorKind] = &[
    ErrorKind::CredentialsRejected,
    ErrorKind::SignInRequired,
    ErrorKind::AccessRevoked,
    ErrorKind::AccessDenied,
    ErrorKind::ScopeRefused,
    ErrorKind::RequestRefused,
    ErrorKind::RateLimited,
    ErrorKind::EndpointNotFound,
    ErrorKind::Unavailable,
];

pub(super) fn read(node: Option<&Node<'_>>, names: &Names<'_>) -> Read<Refusals> {
    let standard = || vec![CodeAt::Text(Pointer([Box::from("error")].into()))];
    let Some(node) = node else {
        return Ok(Refusals {
            status: None,
            request_id: None,
            codes: standard(),
            faults: None,
            rules: Vec::new(),
        });
    };
    let words = node.object(&["status", "request_id", "code", "faulty_fields", "rules"])?;
    let faults = words.map("faulty_fields", |node| {
        let words = node.object(&["list", "name"])?;
        Ok((pointer(words.required("list")?)?, pointer(words.required("name")?)?))
    })?;
    let mut rules: Vec<Rule> = Vec::new();
    if let Some(node) = words.get("rules") {
        let items = node.array()?;
        // Each is compared with those before it.
        if items.len() > 40 {
            return node.fault("there are more than 40 rules", "join some");
        }
        for item in items {
            let rule = rule(item, faults.is_some(), names)?;
            if rules.iter().any(|earlier| earlier.covers(&rule)) {
                return item.fault(
                    "this rule can never fit: an earlier one fits wherever it does",
                    "put it before that, or remove it",
                );
            }
            rules.push(rule);
        }
    }
    Ok(Refusals {
        status: words.map("status", pointer)?,
        request_id: words.map("request_id", source)?,
        codes: words.map("code", codes)?.unwrap_or_else(standard),
        faults,
        rules,
    })
}

fn codes(node: &Node<'_>) -> Read<Vec<CodeAt>> {
    // None, where what looks like a code is prose.
    let places = node.array()?.iter().map(|item| {
        if let Value::Text(_) = item.value {
            return Ok(CodeAt::Text(pointer(item)?));
        }
        let words = item.object(&["last_segment", "only_key_of"])?;
        let (how, inner) = words.exactly_one(&["last_segment", "only_key_of"])?;
        Ok(match how {
            "last_segment" => CodeAt::LastSegment(pointer(inner)?),
            _ => CodeAt::Key(pointer(inner)?),
        })
    });
    places.collect()
}

fn rule(node: &Node<'_>, has_faults: bool, names: &Names<'_>) -> Read<Rule> {
    let words = node.object(&["status", "code", "field", "kind", "remedy"])?;
    let kind = words.required("kind")?;
    let name = kind.text()?;
    let known: Vec<_> = KINDS.iter().map(|kind| kind.name()).collect();
    let Some(found) = KINDS.iter().find(|kind| kind.name() == name) else {
        return kind.fault("there is no such kind", one_of(&known, name, "write one of"));
    };
    if ["status", "code", "field"].iter().all(|name| words.get(name).is_none()) {
        let remedy = "add status, code or field";
        return Err(Fault::new(node.at, "this rule fits every refusal", remedy));
    }
    Ok(Rule {
        statuses: words.map("status", rule_status)?.unwrap_or_default(),
        code: code(&words)?,
        field: words.map("field", |node| field(node, has_faults, names))?,
        kind: *found,
        remedy: words.map("remedy", Node::line)?,
    })
}

fn rule_status(node: &Node<'_>) -> Read<Vec<u16>> {
    match node.value {
        Value::Array(_) => statuses(node, 200, 599),
        _ => Ok(vec![node.status(200, 599)?]),
    }
}

fn code(words: &Object<'_, '_>) -> Read<Code> {
    let Some(node) = words.get("code") else { return Ok(Code::Any) };
    if let Value::Null = node.value {
        return Ok(Code::Absent);
    }
    let codes: Read<Vec<_>> = node.one_or_more()?.iter().map(Node::line).collect();
    Ok(Code::OneOf(codes?))
}

/// A faulty field that is one of ours.
fn field(node: &Node<'_>, has_faults: bool, names: &Names<'_>) -> Read<Box<str>> {
    let name = node.line()?;
    if !has_faults {
        let remedy = "add faulty_fields, or remove field";
        return node.fault(
            "this rule can never fit: the profile does not say where faulty fields are listed",
            remedy,
        );
    }
    let is_ours = *name == *"scope" || names.parameters.iter().any(|known| *known.name == *name);
    match is_ours {
        true => Ok(name),
        false => {
            let known = names.parameters.iter().map(|known| &*known.name);
            let known: Vec<_> = known.chain(["scope"]).collect();
            let remedy = one_of(&known, &name, "write one of");
            node.fault("this rule can never fit: that is no parameter", remedy)
        }
    }
}

impl Rule {
    /// Whether it fits wherever `later` does.
    fn covers(&self, later: &Rule) -> bool {
        let statuses = self.statuses.is_empty()
            || (!later.statuses.is_empty()
                && later.statuses.iter().all(|status| self.statuses.contains(status)));
        let codes = match (&self.code, &later.code) {
            (Code::Any, _) | (Code::Absent, Code::Absent) => true,
            (Code::OneOf(ours), Code::OneOf(theirs)) => {
                theirs.iter().all(|code| ours.contains(code))
            }
            _ => false,
        };
        statuses && codes && (self.field.is_none() || self.field == later.field)
    }
}
