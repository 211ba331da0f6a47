//! Objects of a profile: known members, types, and the errors about them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::time::Duration;

use super::syntax::{Fault, Member, Node, Read, Value};

/// An object whose every member is known.
pub(super) struct Object<'n, 'a> {
    pub(super) at: usize,
    members: &'n [Member<'a>],
}

impl<'a> Node<'a> {
    pub(super) fn fault<T>(
        &self,
        problem: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Read<T> {
        Err(Fault::new(self.at, problem, remedy))
    }

    fn is_not<T>(&self, wanted: &str) -> Read<T> {
        let found = match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        };
        self.fault(format!("this is {found}"), format!("write {wanted}"))
    }

    /// The members of an object, no two of which have the same name.
    fn members<'n>(&'n self) -> Read<&'n [Member<'a>]> {
        let Value::Object(members) = &self.value else { return self.is_not("an object") };
        let mut names = HashSet::with_capacity(members.len());
        match members.iter().find(|member| !names.insert(&*member.name)) {
            None => Ok(members),
            Some(second) => {
                let problem = "this member is there twice";
                Err(Fault::new(second.at, problem, "remove one of the two"))
            }
        }
    }

    /// The object, where it has no members but these.
    pub(super) fn object<'n>(&'n self, known: &[&str]) -> Read<Object<'n, 'a>> {
        let members = self.members()?;
        match members.iter().find(|member| !is_remark(member) && !known.contains(&&*member.name)) {
            None => Ok(Object { at: self.at, members }),
            Some(unknown) => Err(Fault::new(
                unknown.at,
                "there is no such member",
                one_of(known, &unknown.name, "use one of"),
            )),
        }
    }

    /// The members of an object whose names are the profile's own.
    pub(super) fn entries<'n>(
        &'n self,
    ) -> Read<impl Iterator<Item = &'n Member<'a>> + use<'n, 'a>> {
        Ok(self.members()?.iter().filter(|member| !is_remark(member)))
    }

    /// The member of that name, where this is an object that has it.
    pub(super) fn object_member(&self, name: &str) -> Option<&Node<'a>> {
        let Value::Object(members) = &self.value else { return None };
        members.iter().find(|member| member.name == name).map(|member| &member.value)
    }

    pub(super) fn array(&self) -> Read<&[Node<'a>]> {
        match &self.value {
            // Some are compared with each other.
            Value::Array(items) if items.len() > 100 => {
                self.fault("this array has more than 100 items", "no profile needs so many")
            }
            Value::Array(items) => Ok(items),
            _ => self.is_not("an array"),
        }
    }

    /// The items of an array that is not empty, or the node itself where it is none.
    pub(super) fn one_or_more(&self) -> Read<&[Node<'a>]> {
        match &self.value {
            Value::Array(items) if items.is_empty() => {
                self.fault("this array is empty", "write at least one item, or leave it out")
            }
            Value::Array(_) => self.array(),
            _ => Ok(std::slice::from_ref(self)),
        }
    }

    pub(super) fn text(&self) -> Read<&str> {
        match &self.value {
            Value::Text(text) => Ok(text),
            _ => self.is_not("a string"),
        }
    }

    /// One line for people.
    pub(super) fn line(&self) -> Read<Box<str>> {
        let text = self.text()?;
        match text.is_empty() || text.chars().count() > 400 || text.chars().any(char::is_control) {
            true => self.fault(
                "this is empty, has more than 400 characters, or has a control character",
                "write one line",
            ),
            false => Ok(text.into()),
        }
    }

    pub(super) fn boolean(&self) -> Read<bool> {
        match self.value {
            Value::Bool(value) => Ok(value),
            _ => self.is_not("true or false"),
        }
    }

    /// Refuses `false` where only `true` says something.
    pub(super) fn must_be_true(&self) -> Read<()> {
        match self.value {
            Value::Bool(true) => Ok(()),
            Value::Bool(false) => {
                self.fault("false says nothing here", "write true, or leave it out")
            }
            _ => self.is_not("true"),
        }
    }

    /// A status within these bounds.
    pub(super) fn status(&self, from: u16, to: u16) -> Read<u16> {
        let status = match self.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        match status.filter(|status| (from..=to).contains(status)) {
            Some(status) => Ok(status),
            None => self.fault(
                "this is not a status that fits here",
                format!("write a whole number from {from} to {to}"),
            ),
        }
    }

    /// One of the words, as its place in the list.
    pub(super) fn word(&self, words: &[&str]) -> Read<usize> {
        let text = self.text()?;
        match words.iter().position(|word| *word == text) {
            Some(index) => Ok(index),
            None => self.fault("there is no such word", one_of(words, text, "write one of")),
        }
    }

    /// `10s`, `15m`, `6h` or `31d`.
    pub(super) fn duration(&self) -> Read<Duration> {
        let text = self.text()?;
        let number = |digits: &str| {
            let is_plain = (1..=6).contains(&digits.len())
                && !digits.starts_with('0')
                && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse::<u64>().ok().filter(|_| is_plain)
        };
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
        let found = units.iter().find_map(|(unit, seconds)| {
            Some(Duration::from_secs(number(text.strip_suffix(unit)?)? * seconds))
        });
        match found {
            Some(duration) if duration <= MOST_TIME => Ok(duration),
            _ => self.fault(
                "this is not a duration",
                "write a whole number above zero and a unit, such as 10s, 15m, 6h or 31d; at most 3650d",
            ),
        }
    }
}

/// Ten years.
pub(super) const MOST_TIME: Duration = Duration::from_secs(3650 * 86_400);

impl<'n, 'a> Object<'n, 'a> {
    pub(super) fn get(&self, name: &str) -> Option<&'n Node<'a>> {
        self.members.iter().find(|member| member.name == name).map(|member| &member.value)
    }

    pub(super) fn required(&self, name: &str) -> Read<&'n Node<'a>> {
        match self.get(name) {
            Some(node) => Ok(node),
            None => Err(Fault::new(self.at, format!("{name} is missing"), format!("add {name}"))),
        }
    }

    /// What `read` makes of a member, if it is there.
    pub(super) fn map<T>(
        &self,
        name: &str,
        read: impl FnOnce(&'n Node<'a>) -> Read<T>,
    ) -> Read<Option<T>> {
        self.get(name).map(read).transpose()
    }

    /// The one member of these that is there.
    pub(super) fn exactly_one(&self, names: &[&'static str]) -> Read<(&'static str, &'n Node<'a>)> {
        let mut found = names.iter().filter_map(|name| Some((*name, self.get(name)?)));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(Fault::new(
                self.at,
                "this says nothing",
                format!("add one of {}", names.join(", ")),
            )),
            (Some((one, _)), Some((other, node))) => Err(Fault::new(
                node.at,
                format!("{one} and {other} exclude each other"),
                "keep one of them",
            )),
        }
    }

    /// Refuses members that have no meaning beside what was found.
    pub(super) fn none_of(&self, names: &[&str], why: &str) -> Read<()> {
        match names.iter().find_map(|name| Some((*name, self.get(name)?))) {
            None => Ok(()),
            Some((name, node)) => {
                Err(Fault::new(node.at, format!("{name} has no meaning {why}"), "leave it out"))
            }
        }
    }
}

/// Members that are for editors and people.
pub(super) fn is_remark(member: &Member<'_>) -> bool {
    matches!(&*member.name, "$schema" | "$comment")
}

/// The list of words, and which of them was most likely meant.
pub(super) fn one_of(known: &[&str], found: &str, lead: &str) -> String {
    let near = known.iter().map(|word| (distance(word, found), word)).min();
    let list = known.join(", ");
    let is_near = |(distance, word): &(usize, &&str)| *distance <= 2 && *distance < word.len();
    match near.filter(is_near) {
        Some((_, word)) => format!("did you mean {word}? {lead}: {list}"),
        None => format!("{lead}: {list}"),
    }
}

/// How many letters must be put in, taken out or replaced (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    if b.len() > 60 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut corner = i;
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let best = (row[j] + 1).min(row[j + 1] + 1).min(corner + usize::from(x != y));
            corner = row[j + 1];
            row[j + 1] = best;
        }
    }
    row[b.len()]
}
