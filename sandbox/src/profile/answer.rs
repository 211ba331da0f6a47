//! An answer put together from what must stand where.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::definition::success_at;
use super::file::{Pointer, Source, Success};
use crate::answer::{Answer, JSON, TEXT};

/// An answer in the making. What was put somewhere first stays there.
#[derive(Default)]
pub(crate) struct Draft {
    headers: Vec<(String, String)>,
    /// The body, where it is one value.
    text: Option<String>,
    members: Vec<(Vec<String>, Value)>,
}

impl Draft {
    pub(crate) fn put(&mut self, source: &Source, value: &str) {
        match source {
            Source::At(pointer) => self.put_at(pointer, value.into()),
            Source::Header { header } => self.headers.push((header.clone(), value.to_owned())),
            Source::Cookie { cookie } => {
                // Not the only one, nor the only one whose name begins so.
                let another = format!("{cookie}-2=fake-other; Path=/");
                self.headers.push(("set-cookie".to_owned(), another));
                let cookie = format!("{cookie}={value}; Path=/; Secure; HttpOnly");
                self.headers.push(("set-cookie".to_owned(), cookie));
            }
            Source::Body { .. } => self.text = Some(value.to_owned()),
        }
    }

    pub(crate) fn put_at(&mut self, pointer: &Pointer, value: Value) {
        let tokens = pointer.split('/').skip(1);
        let tokens = tokens.map(|token| token.replace("~1", "/").replace("~0", "~"));
        let tokens: Vec<String> = tokens.collect();
        let is_taken = |(known, _): &(Vec<String>, Value)| {
            known.starts_with(&tokens) || tokens.starts_with(known)
        };
        if !self.members.iter().any(is_taken) {
            self.members.push((tokens, value));
        }
    }

    /// Says whether it is a success.
    pub(crate) fn put_success(&mut self, success: Option<&Success>, is_success: bool) {
        let Some(success) = success else { return };
        let right = match success {
            Success::At(_) => Value::Bool(true),
            Success::Is { is, .. } => is.clone(),
        };
        let value = if is_success { right } else { another(&right) };
        self.put_at(success_at(success), value);
    }

    pub(crate) fn into_answer(self, status: u16) -> Answer {
        let mut answer = match self.text {
            Some(text) => Answer::with(status, TEXT, text),
            None => Answer::with(status, JSON, nested(self.members).to_string()),
        };
        answer.headers = self.headers;
        answer
    }
}

/// Another value of the same type.
fn another(value: &Value) -> Value {
    match value {
        Value::Bool(value) => (!value).into(),
        Value::Number(number) => match number.as_i64() {
            Some(number) => number.wrapping_add(100).into(),
            None => 100.into(),
        },
        Value::String(text) => format!("fake not {text}").into(),
        _ => Value::Bool(false),
    }
}

/// One value that has each of these at its place. Where all names are numbers, it is an array.
fn nested(members: Vec<(Vec<String>, Value)>) -> Value {
    let mut inside: BTreeMap<String, Vec<(Vec<String>, Value)>> = BTreeMap::new();
    for (mut tokens, value) in members {
        if tokens.is_empty() {
            return value;
        }
        let first = tokens.remove(0);
        inside.entry(first).or_default().push((tokens, value));
    }
    let places: Option<Vec<usize>> = inside.keys().map(|name| index(name)).collect();
    match places.filter(|places| !places.is_empty()) {
        Some(places) => {
            let length = places.iter().max().map_or(0, |last| last + 1);
            let mut items = vec![Value::Null; length];
            for (place, members) in places.into_iter().zip(inside.into_values()) {
                items[place] = nested(members);
            }
            Value::Array(items)
        }
        None => {
            let members = inside.into_iter().map(|(name, members)| (name, nested(members)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// A token of a pointer that can be a place in an array.
fn index(token: &str) -> Option<usize> {
    let number: usize = token.parse().ok().filter(|number| *number < 100)?;
    (number.to_string() == token).then_some(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_value_stands_at_its_pointer() {
        let mut draft = Draft::default();
        for (pointer, value) in
            [("/a/b", 1), ("/a/c~1d/~0", 2), ("/list/1/x", 3), ("/mixed/0", 4), ("/mixed/y", 5)]
        {
            draft.put_at(&pointer.to_owned(), value.into());
        }
        // The first stays, and what would be in its way is not put.
        draft.put_at(&"/a/b".to_owned(), 6.into());
        draft.put_at(&"/a/b/z".to_owned(), 7.into());
        draft.put_at(&"/a".to_owned(), 8.into());
        let body: Value = serde_json::from_slice(&draft.into_answer(200).body).unwrap();
        let right = json!({
            "a": {"b": 1, "c/d": {"~": 2}}, "list": [null, {"x": 3}], "mixed": {"0": 4, "y": 5}
        });
        assert_eq!(body, right);
        for (pointer, value) in [("/a/c~1d/~0", 2), ("/list/1/x", 3)] {
            assert_eq!(body.pointer(pointer), Some(&json!(value)));
        }
    }

    #[test]
    fn another_value_is_of_the_same_type() {
        for value in [json!(true), json!(0), json!(i64::MAX), json!("SUCCESS"), json!(1.5)] {
            let other = another(&value);
            assert_ne!(other, value);
            assert_eq!(std::mem::discriminant(&other), std::mem::discriminant(&value));
        }
    }

    #[test]
    fn a_whole_document_is_one_value() {
        let mut draft = Draft::default();
        draft.put(&Source::At(String::new()), "fake");
        assert_eq!(draft.into_answer(200).body, b"\"fake\"");
    }
}
