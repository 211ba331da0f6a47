//! Profiles that differ from a given one in one thing.

use serde_json::{Map, Value, json};

/// One thing in a profile changed.
pub(crate) struct Mutant {
    /// Which, for people.
    pub(crate) what: String,
    pub(crate) text: String,
}

/// The members that requests, tokens and errors depend on.
const OPEN: &[&str] =
    &["scopes", "values", "steps", "request", "answer", "use", "refresh", "refusals"];

/// Words that stand for each other.
const WORDS: &[&[&str]] = &[
    &["milliseconds", "seconds", "minutes", "hours", "rfc3339", "http_date"],
    &["GET", "POST"],
    &["hex", "base64", "base64url"],
    &["sha256", "sha384", "sha512"],
    &["HS256", "HS512", "RS256", "RS384", "PS256", "ES256", "ES384"],
];

/// All profiles that differ from this one in one place; not each of them is one.
pub(crate) fn mutants(profile: &Value) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut add = |what: String, at: &str, value: Value| {
        let mut changed = profile.clone();
        *changed.pointer_mut(at).unwrap() = value;
        if changed != *profile {
            mutants.push(Mutant { what, text: changed.to_string() });
        }
    };
    let mut open: Vec<String> = OPEN.iter().map(|name| format!("/{name}")).collect();
    open.retain(|at| profile.pointer(at).is_some());
    for at in &open {
        let mut without = profile.clone();
        without.as_object_mut().unwrap().remove(&at[1..]);
        add(format!("{at} left out"), "", without);
    }
    while let Some(at) = open.pop() {
        match profile.pointer(&at).unwrap() {
            Value::Object(members) => {
                for name in members.keys() {
                    let inner = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                    let mut rest: Map<String, Value> = members.clone();
                    let value = rest.remove(name).unwrap();
                    add(format!("{inner} left out"), &at, rest.clone().into());
                    rest.insert(format!("{name}x"), value);
                    add(format!("{inner} named otherwise"), &at, rest.into());
                    open.push(inner);
                }
                for (name, value) in [
                    ("x", json!("fake")),
                    ("percent_encode", json!(true)),
                    ("separator", json!(",")),
                    ("number", json!(true)),
                    ("as", json!("base64")),
                    ("life", json!("7m")),
                    ("accept", json!("text/plain")),
                    ("content-type", json!("text/plain")),
                ] {
                    let mut more = members.clone();
                    more.entry(name).or_insert(value);
                    add(format!("{at} with {name}"), &at, more.into());
                }
            }
            Value::Array(items) => {
                for place in 0..items.len() {
                    let mut rest = items.clone();
                    rest.remove(place);
                    add(format!("{at}/{place} left out"), &at, rest.into());
                    open.push(format!("{at}/{place}"));
                }
                let more = [items.as_slice(), &[json!("fake")]].concat();
                add(format!("{at} with one more"), &at, more.into());
            }
            Value::String(text) => {
                for other in other_texts(text) {
                    add(format!("{at} as {other:?}"), &at, other.into());
                }
            }
            Value::Bool(value) => add(format!("{at} as {}", !value), &at, json!(!value)),
            Value::Number(number) => {
                let other = number.as_f64().map_or(0, |number| number as i64 + 1);
                add(format!("{at} as {other}"), &at, json!(other));
            }
            Value::Null => add(format!("{at} as 0"), &at, json!(0)),
        }
    }
    mutants
}

/// What a text can be instead.
fn other_texts(text: &str) -> Vec<String> {
    if let Some(words) = WORDS.iter().find(|words| words.contains(&text)) {
        return words.iter().map(ToString::to_string).collect();
    }
    let mut others = vec![format!("{text}x")];
    if text.starts_with(['/', '{']) {
        others.push("fake".to_owned());
    }
    if text.starts_with("https://") {
        others.push(text.replace("https://", "https://x"));
    }
    if let Some((scheme, rest)) = text.split_once(' ') {
        others.push(rest.to_owned());
        others.push(format!("{} {rest}", scheme.to_lowercase()));
    }
    if text == "," {
        others = vec![" ".to_owned(), ";".to_owned()];
    }
    others
}

/// The profile without remarks, and with values whose names are in the order of the file: a value can
/// use those before it, and `Value` sorts by name.
pub(crate) fn sorted(text: &str) -> Value {
    let mut profile: Value = serde_json::from_str(text).unwrap();
    remove_remarks(&mut profile);
    let Some(values) = profile.get("values").and_then(Value::as_object) else { return profile };
    let start = text.find("\"values\"").unwrap();
    let mut names: Vec<String> = values.keys().cloned().collect();
    names.sort_by_key(|name| text[start..].find(&format!("\"{name}\": {{")).unwrap());
    for (place, name) in names.iter().enumerate() {
        let new = format!("v{place:02}_{name}");
        for end in ['}', ':'] {
            rename(&mut profile, &format!("{{{name}{end}"), &format!("{{{new}{end}"));
        }
        let values = profile["values"].as_object_mut().unwrap();
        let value = values.remove(name).unwrap();
        values.insert(new, value);
    }
    profile
}

fn remove_remarks(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !name.starts_with('$'));
            members.values_mut().for_each(remove_remarks);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_remarks),
        _ => {}
    }
}

fn rename(value: &mut Value, old: &str, new: &str) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|value| rename(value, old, new)),
        Value::Array(items) => items.iter_mut().for_each(|value| rename(value, old, new)),
        Value::String(text) => *text = text.replace(old, new),
        _ => {}
    }
}
