//! Profiles that both take: those of this repository, and some that have every word of the format.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::both::{disagreement, read, schema, seen_by_schema, text};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The profiles of a folder, with their paths.
fn files(name: &str) -> Vec<(PathBuf, Value)> {
    let mut paths: Vec<_> =
        fs::read_dir(folder(name)).unwrap().map(|file| file.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.ends_with(".json") && !name.ends_with(".schema.json")
    });
    let parsed = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        (path, serde_json::from_str(&text).unwrap())
    };
    paths.into_iter().map(parsed).collect()
}

/// The profiles of `tests/schema`, which have every member of the format.
pub(crate) fn own() -> Vec<Value> {
    files("tests/schema").into_iter().map(|(_, profile)| profile).collect()
}

/// The smallest of them, with something put into its place.
pub(crate) fn smallest_with(changes: &[(&str, Value)]) -> Value {
    let mut profile: Value = serde_json::from_str(include_str!("smallest.json")).unwrap();
    for (path, value) in changes {
        put(&mut profile, path, value.clone());
    }
    profile
}

/// Puts a value where the path leads; the objects on the way are made.
pub(crate) fn put(profile: &mut Value, path: &str, value: Value) {
    let mut place = profile;
    for name in path.split('/').skip(1) {
        place = match place {
            Value::Array(items) => &mut items[name.parse::<usize>().unwrap()],
            other => &mut other[name],
        };
    }
    *place = value;
}

/// The words that `own` has not, one profile for each.
fn words() -> Vec<Value> {
    let expires = |unit: &str, how: &str| {
        smallest_with(&[("/answer/expires", json!({ how: "/e", "unit": unit }))])
    };
    let refresh = |unit: &str| {
        smallest_with(&[
            ("/answer/refresh_token", json!("/r")),
            (
                "/refresh",
                json!({
                    "request": { "url": "https://a.example", "form": { "r": "{refresh_token}" } },
                    "life": { "in": "/l", "unit": unit }
                }),
            ),
        ])
    };
    vec![
        expires("milliseconds", "in"),
        expires("minutes", "in"),
        expires("seconds", "at"),
        expires("milliseconds", "at"),
        expires("http_date", "at"),
        refresh("milliseconds"),
        refresh("seconds"),
        refresh("hours"),
    ]
}

/// All of them.
pub(crate) fn all() -> Vec<Value> {
    let theirs = ["profiles", "profiles/examples"].into_iter().flat_map(files);
    let theirs = theirs.map(|(_, profile)| profile);
    theirs.chain(own()).chain(words()).collect()
}

#[test]
fn every_profile_of_the_repository_names_the_schema_and_keeps_to_it() {
    let mut count = 0;
    for folder_of in ["profiles", "profiles/examples"] {
        for (path, profile) in files(folder_of) {
            let named = profile["$schema"].as_str().unwrap_or_else(|| panic!("{path:?}"));
            let named = path.parent().unwrap().join(named).canonicalize().unwrap();
            assert_eq!(named, folder("profiles/profile.schema.json").canonicalize().unwrap());
            assert!(seen_by_schema(&profile).is_empty(), "{path:?}");
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}

#[test]
fn both_take_the_good_profiles() {
    for profile in all() {
        assert_eq!(disagreement(&profile), None);
        read(&text(&profile)).unwrap_or_else(|fault| panic!("{profile}: {fault:?}"));
    }
}

#[test]
fn both_take_remarks_in_every_object() {
    fn remark(value: &mut Value) {
        match value {
            Value::Object(members) => {
                members.values_mut().for_each(remark);
                members.insert("$schema".into(), json!(["{no name}"]));
                members.insert("$comment".into(), json!({ "x": null }));
            }
            Value::Array(items) => items.iter_mut().for_each(remark),
            _ => {}
        }
    }
    for mut profile in all() {
        remark(&mut profile);
        assert_eq!(disagreement(&profile), None);
        read(&text(&profile)).unwrap_or_else(|fault| panic!("{profile}: {fault:?}"));
    }
}

/// Without one of its words, the schema would refuse one of the good profiles: so each is used.
#[test]
fn the_good_profiles_have_every_word_of_the_schema() {
    let (whole, all) = (schema(), all());
    let mut less = Vec::new();
    without_a_word(&whole, &mut String::new(), &mut less);
    assert!(less.len() > 150, "{}", less.len());
    let is_missed = |schema: &Value| {
        let validator = jsonschema::draft202012::new(schema).unwrap();
        all.iter().any(|profile| !validator.is_valid(profile))
    };
    for place in less {
        let mut schema = whole.clone();
        let (parent, last) = place.rsplit_once('/').unwrap();
        let last = last.replace("~1", "/").replace("~0", "~");
        match schema.pointer_mut(parent).unwrap() {
            Value::Array(words) => drop(words.remove(last.parse().unwrap())),
            members => members[last.as_str()] = json!(false),
        }
        assert!(is_missed(&schema), "no good profile has {place}");
    }
}

/// The places of words: names of members and items of `enum`. Those of conditions are repetitions.
fn without_a_word(schema: &Value, path: &mut String, places: &mut Vec<String>) {
    let length = path.len();
    match schema {
        Value::Object(members) => {
            for (name, value) in members {
                path.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                match (name.as_str(), value) {
                    (
                        "if" | "then" | "else" | "dependentSchemas" | "not" | "examples"
                        | "default",
                        _,
                    ) => {}
                    ("properties" | "patternProperties", Value::Object(known)) => {
                        let is_word = |(name, value): &(&String, &Value)| {
                            **value != json!(false) && !["$schema", "$comment"].contains(&&***name)
                        };
                        for (name, value) in known.iter().filter(is_word) {
                            let length = path.len();
                            path.push_str(&format!(
                                "/{}",
                                name.replace('~', "~0").replace('/', "~1")
                            ));
                            places.push(path.clone());
                            without_a_word(value, path, places);
                            path.truncate(length);
                        }
                    }
                    ("enum", Value::Array(words)) => {
                        places.extend((0..words.len()).map(|index| format!("{path}/{index}")));
                    }
                    _ => without_a_word(value, path, places),
                }
                path.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push_str(&format!("/{index}"));
                without_a_word(item, path, places);
                path.truncate(length);
            }
        }
        _ => {}
    }
}
