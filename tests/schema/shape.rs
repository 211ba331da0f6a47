//! The schema itself: valid, closed, and with words for people.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::both::schema;

/// Calls `look` with every schema in this one, and its path.
fn walk(schema: &Value, path: &str, look: &mut dyn FnMut(&str, &Value)) {
    look(path, schema);
    let Value::Object(members) = schema else { return };
    for (name, value) in members {
        let path = format!("{path}/{name}");
        match (name.as_str(), value) {
            (
                "properties" | "patternProperties" | "dependentSchemas" | "$defs",
                Value::Object(known),
            ) => {
                known
                    .iter()
                    .for_each(|(name, schema)| walk(schema, &format!("{path}/{name}"), look));
            }
            ("allOf" | "anyOf" | "oneOf", Value::Array(schemas)) => {
                schemas.iter().for_each(|schema| walk(schema, &path, look));
            }
            (
                "items" | "additionalProperties" | "propertyNames" | "if" | "then" | "else" | "not",
                schema,
            ) => {
                walk(schema, &path, look);
            }
            _ => {}
        }
    }
}

/// The schema that `$ref` names.
fn target<'a>(whole: &'a Value, schema: &Value) -> Option<&'a Value> {
    let name = schema["$ref"].as_str()?.strip_prefix("#").unwrap();
    Some(whole.pointer(name).unwrap_or_else(|| panic!("{name}")))
}

#[test]
fn the_schema_is_one_of_the_version_that_it_names() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    jsonschema::draft202012::meta::validate(&schema).unwrap();
}

#[test]
fn the_schema_has_no_unknown_keyword() {
    const KEYWORDS: &[&str] = &[
        "$schema",
        "$comment",
        "$ref",
        "$defs",
        "title",
        "description",
        "default",
        "examples",
        "type",
        "const",
        "enum",
        "pattern",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "items",
        "minItems",
        "maxItems",
        "uniqueItems",
        "properties",
        "patternProperties",
        "additionalProperties",
        "propertyNames",
        "required",
        "minProperties",
        "dependentSchemas",
        "allOf",
        "anyOf",
        "not",
        "if",
        "then",
        "else",
    ];
    walk(&schema(), "", &mut |path, schema| {
        for name in schema.as_object().into_iter().flat_map(|members| members.keys()) {
            assert!(KEYWORDS.contains(&name.as_str()), "{path}/{name}");
        }
    });
}

#[test]
fn every_definition_is_used() {
    let whole = schema();
    let mut used = BTreeSet::new();
    walk(&whole, "", &mut |_, schema| {
        if target(&whole, schema).is_some() {
            used.insert(schema["$ref"].as_str().unwrap().to_owned());
        }
    });
    for name in whole["$defs"].as_object().unwrap().keys() {
        assert!(used.contains(&format!("#/$defs/{name}")), "{name}");
    }
}

#[test]
fn every_object_is_closed_and_takes_remarks() {
    let mut objects = 0;
    walk(&schema(), "", &mut |path, schema| {
        let is_object = match &schema["type"] {
            Value::Array(types) => types.contains(&json!("object")),
            name => name == "object",
        };
        if schema.get("additionalProperties").is_some() {
            objects += 1;
            for remark in ["$schema", "$comment"] {
                assert_eq!(
                    schema["properties"][remark],
                    json!({ "$ref": "#/$defs/remark" }),
                    "{path}"
                );
            }
        } else if is_object {
            // Then what it refers to is closed: only JSON is not an object of the format.
            assert_eq!(schema["$ref"], "#/$defs/json", "{path}");
        }
    });
    assert!(objects > 30, "{objects}");
}

#[test]
fn every_member_has_words_for_people() {
    let whole = schema();
    let mut members = 0;
    walk(&whole, "", &mut |path, schema| {
        let is_condition =
            ["/if", "/then", "/else", "/dependentSchemas"].iter().any(|word| path.contains(word));
        let known = ["properties", "patternProperties"].into_iter();
        for (name, member) in known.filter_map(|known| schema.get(known)?.as_object()).flatten() {
            // A member that is forbidden, or only narrowed, has its words elsewhere.
            if is_condition
                || *member == json!(false)
                || schema.get("additionalProperties").is_none()
            {
                continue;
            }
            members += 1;
            let words = |key: &str| {
                member.get(key).or_else(|| target(&whole, member)?.get(key)).and_then(Value::as_str)
            };
            let description = words("description").unwrap_or_else(|| panic!("{path}: {name}"));
            assert!(
                description.ends_with('.') && description.chars().count() <= 420,
                "{path}: {name}"
            );
            if path.is_empty() {
                assert!(words("title").is_some(), "{name}");
            }
        }
    });
    assert!(members > 150, "{members}");
}

#[test]
fn examples_and_defaults_are_what_they_stand_at() {
    let whole = schema();
    let mut found = 0;
    walk(&whole, "", &mut |path, schema| {
        let examples = schema.get("examples").and_then(Value::as_array).into_iter().flatten();
        for value in examples.chain(schema.get("default").filter(|_| !path.ends_with("properties")))
        {
            let mut alone = schema.clone();
            alone["$defs"] = whole["$defs"].clone();
            let validator = jsonschema::draft202012::new(&alone).unwrap();
            assert!(validator.is_valid(value), "{path}: {value}");
            found += 1;
        }
    });
    assert!(found > 40, "{found}");
}
