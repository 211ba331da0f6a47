//! `profiles/README.md`, the manual of the format, and the schema name the same members and words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::both::schema;

fn manual() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("profiles/README.md")).unwrap()
}

/// The text under a heading, up to the next one.
fn section<'a>(manual: &'a str, heading: &str) -> &'a str {
    let start = manual.find(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{heading}"));
    let text = &manual[start + heading.len() + 2..];
    text.split("\n## ").next().unwrap().split("\n### ").next().unwrap()
}

/// The rows of the table of a section: the member, and what is said of it.
fn rows(section: &str) -> Vec<(&str, &str)> {
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.map(|row| row.split_once("` | ").unwrap()).collect()
}

/// The members of a schema, but for remarks and those that are forbidden.
fn members(schema: &Value, place: &str) -> BTreeSet<String> {
    let members = schema.pointer(place).unwrap_or_else(|| panic!("{place}"));
    let members = members["properties"].as_object().unwrap().iter();
    let members = members.filter(|(name, value)| !name.starts_with('$') && **value != json!(false));
    members.map(|(name, _)| name.clone()).collect()
}

/// Whether a text names a member or a word: as `word`, or in a piece of JSON.
fn names(text: &str, word: &str) -> bool {
    text.contains(&format!("`{word}`")) || text.contains(&format!("\"{word}\""))
}

#[test]
fn each_table_of_the_manual_has_the_members_of_the_schema() {
    let (manual, schema) = (manual(), schema());
    for (heading, place, in_prose) in [
        ("## The members", "", &[][..]),
        ("### `parameters`", "/$defs/parameter", &[]),
        ("### `values`", "/$defs/value", &["as", "when", "number"]),
        ("### `request`", "/$defs/request", &["content_type"]),
        ("### `answer`", "/$defs/answer", &[]),
        ("### `refusals`", "/$defs/refusals", &[]),
        ("### `limits`", "/$defs/limits", &[]),
    ] {
        let section = section(&manual, heading);
        let mut said: BTreeSet<_> =
            rows(section).iter().map(|(name, _)| name.to_string()).collect();
        for name in in_prose {
            assert!(names(section, name), "{heading}: {name}");
            said.insert(name.to_string());
        }
        assert_eq!(said, members(&schema, place), "{heading}");
    }
}

/// The objects that the manual describes by a piece of JSON.
#[test]
fn each_section_of_the_manual_names_the_members_and_words_of_its_objects() {
    let (manual, schema) = (manual(), schema());
    for (heading, places) in [
        ("### `parameters`", &["/$defs/parameter/properties/kind"][..]),
        ("### `scopes`", &["/$defs/scopes"]),
        (
            "### `values`",
            &[
                "/$defs/basic",
                "/$defs/hmac",
                "/$defs/hmac/properties/hash",
                "/$defs/jwt",
                "/$defs/jwt/properties/alg/anyOf/0",
                "/$defs/value/properties/now",
                "/$defs/value/properties/as",
            ],
        ),
        ("### `request`", &["/$defs/request/properties/method"]),
        (
            "### `steps`",
            &["/$defs/step", "/$defs/step/properties/answer", "/$defs/step_value/properties/kind"],
        ),
        (
            "### `answer`",
            &[
                "/$defs/source",
                "/$defs/success",
                "/$defs/answer/properties/token_type",
                "/$defs/expires",
                "/$defs/expires/properties/unit",
            ],
        ),
        ("### `use`", &["/$defs/use"]),
        ("### `refresh`", &["/$defs/refresh", "/$defs/refresh/properties/life"]),
        (
            "### `refusals`",
            &[
                "/$defs/rule",
                "/$defs/rule/properties/kind",
                "/$defs/refusals/properties/code/items",
                "/$defs/refusals/properties/faulty_fields",
            ],
        ),
        ("### `limits`", &["/$defs/limits/properties/replay"]),
        ("## The members", &["/properties/client_certificate"]),
    ] {
        let section = section(&manual, heading);
        for place in places {
            let at = schema.pointer(place).unwrap_or_else(|| panic!("{place}"));
            let words: BTreeSet<String> = match &at["enum"] {
                Value::Array(words) => {
                    words.iter().map(|word| word.as_str().unwrap().to_owned()).collect()
                }
                _ => members(&schema, place),
            };
            assert!(!words.is_empty());
            for word in words {
                assert!(names(section, &word), "{heading} does not name {word} ({place})");
            }
        }
    }
}

#[test]
fn the_manual_and_the_schema_have_the_same_defaults() {
    let (manual, schema) = (manual(), schema());
    for (name, row) in rows(section(&manual, "### `limits`")) {
        let default = row.split('`').nth(1).unwrap();
        let known = &schema["$defs"]["limits"]["properties"][name]["default"];
        assert_eq!(known.as_str().map_or(known.to_string(), str::to_owned), default, "{name}");
    }
    for (heading, member, place, said) in [
        ("### `parameters`", "kind", "/$defs/parameter/properties/kind", "`text` (default)"),
        ("### `request`", "method", "/$defs/request/properties/method", "`POST` (default)"),
        ("### `answer`", "status", "/$defs/success_statuses", "Default: `[200]`"),
        ("### `refusals`", "code", "/$defs/refusals/properties/code", "Default: `[\"/error\"]`"),
        ("### `values`", "sha256", "/$defs/value/properties/as", "`hex` (default)"),
    ] {
        let known = &schema.pointer(place).unwrap()["default"];
        let known = known.as_str().map_or(known.to_string(), str::to_owned);
        assert!(said.contains(&format!("`{known}`")), "{place}");
        let rows = rows(section(&manual, heading));
        let (_, row) = rows.iter().find(|(name, _)| *name == member).unwrap();
        assert!(row.contains(said), "{member}: {row}");
    }
}
