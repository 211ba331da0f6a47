//! Good profiles, changed at random: whatever comes of it, reader and schema agree.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

use crate::both::{disagreement, other_place, schema};
use crate::good;

/// One change at a place.
#[derive(Clone, Debug)]
enum Change {
    Remove,
    Replace(Value),
    /// A member of an object, or an item of an array.
    Add(String, Value),
    Rename(String),
    /// Puts something into a text.
    Insert(&'static str, Index),
    Wrap,
}

/// All values of the good profiles, with their names; those of arrays have none.
fn parts() -> Vec<(String, Value)> {
    fn walk(name: &str, value: &Value, parts: &mut Vec<(String, Value)>) {
        parts.push((name.to_owned(), value.clone()));
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(name, value, parts))
            }
            Value::Array(items) => items.iter().for_each(|item| walk("", item, parts)),
            _ => {}
        }
    }
    let mut parts = Vec::new();
    good::all().iter().for_each(|profile| walk("", profile, &mut parts));
    parts.sort_by_key(|(name, value)| (name.clone(), value.to_string()));
    parts.dedup();
    parts
}

/// Names that members have somewhere, and some that none has.
fn names() -> Vec<String> {
    fn walk(schema: &Value, names: &mut Vec<String>) {
        match schema {
            Value::Object(members) => {
                if let Some(known) = members.get("properties").and_then(Value::as_object) {
                    names.extend(known.keys().cloned());
                }
                members.values().for_each(|value| walk(value, names));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, names)),
            _ => {}
        }
    }
    let mut names: Vec<String> = [
        "",
        "x",
        "X",
        "scopes",
        "endpoint",
        "access_token",
        "host",
        "content-length",
        "proxy-x",
        "x-a",
        "a b",
        "ä",
        "_a",
        "1a",
        "a/b",
        "a~b",
        "user-agent",
        "content-type",
        "alg",
        "iat",
        "kid",
    ]
    .map(str::to_owned)
    .into();
    names.push("x".repeat(41));
    names.push("x".repeat(61));
    walk(&schema(), &mut names);
    names.sort();
    names.dedup();
    names
}

fn odd_values() -> Vec<Value> {
    let texts = [
        "",
        " ",
        "x",
        "X y",
        "ä",
        "a\r\nb",
        "\u{85}",
        "/",
        "/a",
        "a/b",
        "/a~",
        "/a~2",
        "/a\n",
        "{key}",
        "{key:json}",
        "{key",
        "key}",
        "{{",
        "{{}}",
        "{{{key}}}",
        "{}",
        "{:json}",
        "{key:}",
        "{key:base64}",
        "{Key}",
        "{ key }",
        "{scopes}",
        "{endpoint}",
        "{access_token}",
        "Bearer {access_token}",
        "{access_token}{access_token}",
        "{access_token:json}",
        "{refresh_token}",
        "({key})",
        "({key:json})",
        "\"\"\"{key:json}\"\"\"",
        "'{key:quoted}'",
        "\\{key}",
        "a:{key}",
        "{client_id}",
        "{private_key}",
        "{certificate}",
        "0s",
        "1s",
        "10s",
        "5m",
        "01m",
        "1.5h",
        "24h",
        "25h",
        "86400s",
        "86401s",
        "1d",
        "2d",
        "3650d",
        "3651d",
        "87600h",
        "87601h",
        "999999s",
        "1000000s",
        "-5m",
        "5 m",
        "5M",
        "http://a.example",
        "https://a.example",
        "https://A.example/x",
        "https://a.example/",
        "https://a.example//x",
        "https://a.example/../x",
        "https://a.example/.x",
        "https://a.example/x?y",
        "https://a.example/x#y",
        "https://u@a.example/x",
        "https://a.example:0/x",
        "https://a.example:99999/x",
        "https://a.example:/x",
        "https://a.example\\x",
        "https://",
        "https:///x",
        "https://a/%2",
        "https://a/%2f",
        "https://[::1]/x",
        "https://300.1.1.1/x",
        "https://{host}/x",
        "https://{host}:1/x",
        "https://{tenant}.acme.example/x",
        "https://x.{tenant}/x",
        "{base_url}",
        "{base_url}/x",
        "{base_url}x",
        "{base_url}/{base_url}",
        "https://a.example/{practice}/x",
        "https://a.example/x y",
        "text/xml",
        "Bearer",
        "bearer",
        "GET",
        "POST",
        "get",
        "true",
        "1",
        "200",
        "-1",
        "01",
        "-0",
        "api.example:8443",
        "a/b@c",
        "-a",
        "a-",
        "..",
        ".",
        "HS256",
        "RS256",
        "none",
        "required",
        "harmless",
        "seconds",
        "hours",
        "rfc3339",
        "url",
        "text",
        "integer",
        "choice",
        "host_label",
        "private_key",
        "credentials_rejected",
        "timeout",
        "scope",
        "key",
        "x,y",
        ", ",
        "a b",
        "\"",
        "\\",
        "----",
        "-----BEGIN CERTIFICATE-----",
    ];
    let mut values: Vec<_> = texts.iter().map(|text| json!(text)).collect();
    values.extend(
        [
            "x".repeat(400),
            "x".repeat(401),
            "ä".repeat(400),
            format!("/{}", "ä".repeat(399)),
            "/a".repeat(16),
            "/a".repeat(17),
        ]
        .map(Value::from),
    );
    values.extend([
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(2),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!(199),
        json!(200),
        json!(299),
        json!(300),
        json!(599),
        json!(600),
        json!(200.0),
        json!(1e300),
        json!(i64::MAX),
        json!(i64::MIN),
        json!(u64::MAX),
        json!({}),
        json!([]),
        json!([[]]),
        json!([{}]),
        json!([null]),
        json!([200]),
        json!([200, 200]),
        json!(["x"]),
        json!(["x", "x"]),
        json!([""]),
        json!({ "$comment": [] }),
        json!({ "x": "x" }),
        json!({ "at": "/a" }),
        json!({ "at": "/a", "is": 1 }),
        json!({ "header": "x-a" }),
    ]);
    values
}

/// Pieces of texts, URLs, pointers, durations and headers, in any order.
fn text() -> impl Strategy<Value = Value> {
    let pieces = vec![
        "{",
        "}",
        "{{",
        "}}",
        "{key}",
        "{client_id}",
        "{practice}",
        "{key:json}",
        "{access_token}",
        "{scopes}",
        "{base_url}",
        "https://",
        "a.example",
        ".",
        "..",
        "/",
        "//",
        ":",
        "443",
        "0",
        "9",
        "?",
        "#",
        "@",
        "%",
        "%2f",
        "[",
        "]",
        "::1",
        "~",
        "~0",
        "~1",
        "\"",
        "\"\"\"",
        "'",
        "\\",
        "<",
        "(",
        "a",
        "A",
        "ä",
        "-",
        "_",
        "*",
        "!",
        "$",
        "+",
        ";",
        "=",
        ",",
        " ",
        "\t",
        "\r\n",
        "\u{7f}",
        "\u{85}",
        "\u{a0}",
        "\u{2028}",
        "s",
        "m",
        "h",
        "d",
        "Bearer ",
        "text/xml",
    ];
    prop::collection::vec(select(pieces), 0..7).prop_map(|pieces| json!(pieces.concat()))
}

fn change() -> impl Strategy<Value = Change> {
    let parts = parts();
    let values: Vec<Value> = parts.iter().map(|(_, value)| value.clone()).collect();
    let value = prop_oneof![select(odd_values()), select(values), text()].boxed();
    let inserted = vec![
        "{",
        "}",
        "{{",
        "{key}",
        "{key:json}",
        ":",
        "/",
        "~",
        "\"",
        "'",
        "\\",
        " ",
        "\r\n",
        "\0",
        "ä",
        "A",
        "0",
        ".",
        "?",
        "@",
        "\u{7f}",
        "\u{9f}",
    ];
    prop_oneof![
        Just(Change::Remove),
        value.clone().prop_map(Change::Replace),
        (select(names()), value).prop_map(|(name, value)| Change::Add(name, value)),
        select(parts).prop_map(|(name, value)| Change::Add(name, value)),
        select(names()).prop_map(Change::Rename),
        (select(inserted), any::<Index>()).prop_map(|(piece, place)| Change::Insert(piece, place)),
        Just(Change::Wrap),
    ]
}

/// The paths of all values, the whole first.
fn paths(value: &Value) -> Vec<String> {
    fn walk(value: &Value, path: String, paths: &mut Vec<String>) {
        let deeper = |name: &str| format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(name, value)| walk(value, deeper(name), paths))
            }
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| walk(item, deeper(&index.to_string()), paths)),
            _ => {}
        }
        paths.push(path);
    }
    let mut paths_ = Vec::new();
    walk(value, String::new(), &mut paths_);
    paths_.reverse();
    paths_
}

fn parent<'a>(profile: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, name) = path.rsplit_once('/')?;
    Some((profile.pointer_mut(parent)?, name.replace("~1", "/").replace("~0", "~")))
}

fn apply(profile: &mut Value, place: &Index, change: &Change) {
    let paths = paths(profile);
    let path = place.get(&paths).clone();
    match change {
        Change::Remove | Change::Rename(_) => {
            let Some((parent, name)) = parent(profile, &path) else { return };
            match parent {
                Value::Array(items) => drop(items.remove(name.parse().unwrap())),
                other => {
                    let members = other.as_object_mut().unwrap();
                    let value = members.remove(&name).unwrap();
                    if let Change::Rename(name) = change {
                        members.insert(name.clone(), value);
                    }
                }
            }
        }
        Change::Replace(value) => *profile.pointer_mut(&path).unwrap() = value.clone(),
        Change::Add(name, value) => match profile.pointer_mut(&path).unwrap() {
            Value::Object(members) => drop(members.insert(name.clone(), value.clone())),
            Value::Array(items) => items.push(value.clone()),
            other => *other = value.clone(),
        },
        Change::Insert(piece, place) => {
            if let Value::String(text) = profile.pointer_mut(&path).unwrap() {
                let places: Vec<_> =
                    (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
                text.insert_str(*place.get(&places), piece);
            }
        }
        Change::Wrap => {
            let value = profile.pointer_mut(&path).unwrap();
            *value = json!([value.take()]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

    #[test]
    fn changed_profiles_are_taken_or_refused_by_both(
        profile in select(good::all()),
        changes in prop::collection::vec((any::<Index>(), change()), 1..4),
    ) {
        let mut changed = profile;
        for (place, change) in &changes {
            apply(&mut changed, place, change);
        }
        prop_assert_eq!(disagreement(&changed), None);
    }
}

/// With one change, there is one fault: both show it at the same place.
#[test]
fn a_wrong_value_is_shown_at_the_same_place_by_both() {
    let wrong = [
        json!(null),
        json!(true),
        json!(-1),
        json!("\n"),
        json!([]),
        json!([{}]),
        json!({}),
        json!({ "x": 1 }),
    ];
    let mut refused = 0;
    for profile in good::own() {
        for path in paths(&profile) {
            for wrong in &wrong {
                let mut changed = profile.clone();
                *changed.pointer_mut(&path).unwrap() = wrong.clone();
                assert_eq!(disagreement(&changed), None);
                assert_eq!(other_place(&changed), None, "{path}");
                refused += 1;
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}
