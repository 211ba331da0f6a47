//! JSON of an answer as a small tree whose every text is wiped when dropped.
//!
//! `serde_json::Value` would keep unwiped copies and would let the last of two equal keys win.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::memory::SecretBuf;

/// A token answer nests three levels; more than this is no token answer.
const MAX_DEPTH: usize = 16;

/// A JSON value (RFC 8259).
pub(crate) enum Json {
    Null,
    Bool(bool),
    /// A whole number, also when written as `3600.0`.
    Integer(i64),
    /// Any other number.
    Number(f64),
    Text(SecretBuf),
    Array(Vec<Json>),
    Object(Vec<(SecretBuf, Json)>),
}

/// Why bytes are not usable JSON. Says nothing of their content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Defect {
    #[error("is empty")]
    Empty,
    #[error("is HTML")]
    Html,
    #[error("is not UTF-8 text")]
    NotText,
    #[error("is not JSON")]
    NotJson,
    #[error("is JSON cut off before its end")]
    CutOff,
    #[error("is nested too deeply")]
    TooDeep,
    #[error("has the same key twice in one object")]
    DuplicateKey,
}

impl Json {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Json, Defect> {
        let Ok(text) = std::str::from_utf8(bytes) else { return Err(Defect::NotText) };
        // A byte order mark is not JSON, but some servers send one (RFC 8259 §8.1 lets us skip it).
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(Defect::Empty);
        }
        if text.starts_with('<') {
            return Err(Defect::Html);
        }
        let defect = Cell::new(None);
        let seed = Seed { depth: MAX_DEPTH, defect: &defect };
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let parsed = seed.deserialize(&mut deserializer);
        let parsed = parsed.and_then(|json| deserializer.end().map(|()| json));
        parsed.map_err(|error| {
            let otherwise = if error.is_eof() { Defect::CutOff } else { Defect::NotJson };
            defect.get().unwrap_or(otherwise)
        })
    }

    /// A number that was not written as a whole one, though it may be one.
    pub(crate) fn of_number(value: f64) -> Json {
        // Up to 2^53 every whole f64 is exactly one integer.
        let is_whole = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
        if is_whole { Json::Integer(value as i64) } else { Json::Number(value) }
    }

    /// The value that `path` leads to, by names of members and numbers of items; `null` counts as
    /// absent.
    pub(crate) fn at(&self, path: &[impl AsRef<str>]) -> Option<&Json> {
        let mut found = self;
        for name in path {
            let name = name.as_ref();
            found = match found {
                Json::Object(members) => {
                    let is_it =
                        |(key, _): &&(SecretBuf, Json)| key.expose_secret() == name.as_bytes();
                    &members.iter().find(is_it)?.1
                }
                // RFC 6901 §4: no leading zeroes.
                Json::Array(items) if name == "0" || !name.starts_with(['0', '+']) => {
                    items.get(name.parse::<usize>().ok()?)?
                }
                _ => return None,
            };
        }
        Some(found).filter(|found| !matches!(found, Json::Null))
    }

    /// The text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => text.expose_text(),
            _ => None,
        }
    }

    pub(crate) fn text_at(&self, path: &[impl AsRef<str>]) -> Option<&str> {
        self.at(path)?.text()
    }
}

struct Seed<'a> {
    depth: usize,
    defect: &'a Cell<Option<Defect>>,
}

impl Seed<'_> {
    fn fail<E: serde::de::Error>(&self, defect: Defect) -> E {
        self.defect.set(Some(defect));
        E::custom("")
    }

    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            None => Err(self.fail(Defect::TooDeep)),
            Some(depth) => Ok(Seed { depth, defect: self.defect }),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(i64::try_from(value).map_or(Json::Number(value as f64), Json::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::of_number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(SecretBuf::from(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Json::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members: Vec<(SecretBuf, Json)> = Vec::new();
        while let Some(key) = map.next_key_seed(self.deeper()?)? {
            let Json::Text(key) = key else { return Err(A::Error::custom("")) };
            if members.iter().any(|(known, _)| known.expose_secret() == key.expose_secret()) {
                return Err(self.fail(Defect::DuplicateKey));
            }
            members.push((key, map.next_value_seed(self.deeper()?)?));
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defect(text: &[u8]) -> Defect {
        Json::parse(text).err().unwrap()
    }

    #[test]
    fn members_are_found_by_their_path() {
        let json = Json::parse(br#"{"a":{"b":"c","n":null},"i":3,"f":3600.0,"h":0.5}"#).unwrap();
        assert_eq!(json.text_at(&["a", "b"]), Some("c"));
        assert!(json.at(&["a", "n"]).is_none());
        assert!(json.at(&["a", "b", "c"]).is_none());
        assert!(matches!(json.at(&["i"]), Some(Json::Integer(3))));
        assert!(matches!(json.at(&["f"]), Some(Json::Integer(3600))));
        assert!(matches!(json.at(&["h"]), Some(Json::Number(_))));
    }

    #[test]
    fn each_defect_is_told_apart() {
        assert_eq!(defect(b""), Defect::Empty);
        assert_eq!(defect(b" \r\n"), Defect::Empty);
        assert_eq!(defect(b"<!doctype html>"), Defect::Html);
        assert_eq!(defect(b"\xff\xfe"), Defect::NotText);
        assert_eq!(defect(b"Service down"), Defect::NotJson);
        assert_eq!(defect(b"{\"a\":1} {}"), Defect::NotJson);
        assert_eq!(defect(b"{\"a\":\"b"), Defect::CutOff);
        assert_eq!(defect(b"{\"a\":1,\"a\":2}"), Defect::DuplicateKey);
        let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert_eq!(defect(&nested(17)), Defect::TooDeep);
        assert_eq!(defect(&nested(30_000)), Defect::TooDeep);
        assert!(Json::parse(&nested(16)).is_ok());
    }

    #[test]
    fn numbers_beyond_exact_integers_stay_numbers() {
        for text in ["18446744073709551615", "1e300", "-0.1"] {
            assert!(matches!(Json::parse(text.as_bytes()), Ok(Json::Number(_))), "{text}");
        }
    }
}
