//! The faults that no schema can see, with a case of each.

use serde_json::{Value, json};

use crate::both::{Fault, read, text, validator};
use crate::good::smallest_with;

const NAMES: &str = "what a name stands for";
const ORDER: &str = "the order of steps and values";
const SOMEWHERE: &str = "whether it stands somewhere else";
const OTHER_MEMBER: &str = "the value of another member";
const NUMBERS: &str = "how a number is written";
const ADDRESSES: &str = "what is a host or a certificate";
const REMARKS: &str = "how many members there are besides remarks";
const TEXT: &str = "the text of the file";

/// What the reader says, after its place, with `*` for anything; and what a schema would have to know.
const UNSEEN: &[(&str, &str)] = &[
    ("*: {*} is neither a parameter nor a value", NAMES),
    ("*: {scopes} stands for nothing, since the profile has no scopes", NAMES),
    ("*: this is not a parameter of kind *", NAMES),
    ("*: this is no parameter of kind choice", NAMES),
    ("*: this name is taken", NAMES),
    ("/values/*/when/*: there is no such word", NAMES),
    ("*: {*} is not of kind url", NAMES),
    ("*: {*} cannot stand here: *", NAMES),
    ("*: only a path_segment or a value of a step can stand in a path", NAMES),
    ("*: only a parameter can stand in a host", NAMES),
    ("*: a * cannot be optional", NAMES),
    ("*: a host parameter is the whole host, port included", NAMES),
    ("*: a host_label stands before a domain", NAMES),
    ("*: {*} is secret and would stand in a URL, which ends up in logs", NAMES),
    ("*: the URL of the token request has a secret in it, and so has {endpoint}", NAMES),
    ("*: this algorithm needs a private key", NAMES),
    ("*: this is no certificate", NAMES),
    ("*: this is no choice", NAMES),
    ("*: it can be something that is no algorithm", NAMES),
    ("*: some of these algorithms need a private key, and some a shared secret", NAMES),
    ("*: this can be absent", NAMES),
    ("*: {*} is made later", ORDER),
    ("*: {*} is known only after a later step", ORDER),
    ("*: * is never used", SOMEWHERE),
    ("*: this request does not use {refresh_token}", SOMEWHERE),
    ("*: this rule can never fit: an earlier one fits wherever it does", SOMEWHERE),
    ("*: this rule can never fit: that is no parameter", SOMEWHERE),
    ("*: the shortest life is longer than the longest", OTHER_MEMBER),
    ("*: the life in expires is longer than limits.longest_life", OTHER_MEMBER),
    ("/scopes/default/*: have one that is empty or has characters no scope can have", OTHER_MEMBER),
    ("*: this cannot be its value: * is not one of the choices", OTHER_MEMBER),
    ("/parameters/*/default: this cannot be its value: *", ADDRESSES),
    ("*/request/url: this is not a host", ADDRESSES),
    ("/caretoken: this version of the format is not known", NUMBERS),
    ("*/success/is: this is not a whole number", NUMBERS),
    ("*/status*: this is not a status that fits here", NUMBERS),
    ("*: there are more than * parameters", REMARKS),
    ("*: there are more than * values", REMARKS),
    ("*: the steps give more than * values", REMARKS),
    ("*: there are more than * fields", REMARKS),
    ("*: there are more than * headers", REMARKS),
    ("*: there are none, or more than *", REMARKS),
    ("*: this member is there twice", TEXT),
    ("*: this is nested too deeply", TEXT),
    ("*: profile is larger than * KiB", TEXT),
];

pub(crate) fn is_listed(fault: &Fault) -> bool {
    row(fault).is_some()
}

fn row(fault: &Fault) -> Option<usize> {
    let said = format!("{}: {}", fault.path, fault.problem);
    UNSEEN.iter().position(|(pattern, _)| fits(pattern, &said))
}

/// Whether a text is one of the pattern, in which `*` stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((before, after)) => text.strip_prefix(before).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| fits(after, &rest[at..]))
        }),
    }
}

/// Texts that the schema takes and the reader refuses, at least one for each row.
fn cases() -> Vec<String> {
    let url = "https://a.example/t";
    let with = |changes: &[(&str, Value)]| smallest_with(changes);
    let parameters = |parameters: Value, text: &str| {
        with(&[("/parameters", parameters), ("/request/json", json!({ "x": text }))])
    };
    let at_url = |parameter: Value, url: &str| {
        with(&[("/parameters", json!({ "p": parameter })), ("/request/url", json!(url))])
    };
    let value = |value: Value, parameters: Value| {
        with(&[
            ("/parameters", parameters),
            ("/values", json!({ "v": value })),
            ("/request/json", json!({ "v": "{v}" })),
        ])
    };
    let step = |value: &str, source: Value| json!({ "request": { "url": url }, "answer": { "values": { value: source } } });
    let jwt = |alg: &str, key: &str| json!({ "jwt": { "alg": alg, "key": key } });
    let many = |count: usize, value: Value| {
        Value::Object((0..count).map(|index| (format!("a{index}"), value.clone())).collect())
    };
    let rules = |rules: Value| {
        with(&[
            ("/refusals/rules", rules),
            ("/refusals/faulty_fields", json!({ "list": "/l", "name": "/n" })),
        ])
    };
    let refresh_answer =
        json!({ "access_token": "/t", "refresh_token": "/r", "expires": { "life": "5m" } });
    let refresh = |request: Value| {
        with(&[("/answer", refresh_answer.clone()), ("/refresh/request", request)])
    };
    let mut cases = vec![
        // What a name stands for.
        with(&[("/request/json", json!(["{x}"]))]),
        with(&[("/request/json", json!(["{scopes}"]))]),
        value(json!({ "certificate_sha256": "{x}" }), json!({})),
        value(json!({ "uuid": true, "when": { "p": "x" } }), json!({ "p": {} })),
        value(
            json!({ "uuid": true, "when": { "p": "x" } }),
            json!({ "p": { "kind": "choice", "choices": ["a"] } }),
        ),
        value(json!({ "uuid": true }), json!({ "v": {} })),
        at_url(json!({}), "{p}/t"),
        at_url(json!({ "secret": false }), "https://a.example/{p}"),
        at_url(json!({ "secret": false }), "https://{p}.a.example"),
        parameters(json!({ "p": { "kind": "private_key" } }), "{p}"),
        with(&[("/request/url", json!("https://a.example/{endpoint}"))]),
        with(&[("/request/url", json!("https://{endpoint}"))]),
        at_url(
            json!({ "kind": "path_segment", "secret": false, "optional": true }),
            "https://a.example/{p}",
        ),
        at_url(json!({ "kind": "url", "optional": true }), "{p}"),
        at_url(json!({ "kind": "host" }), "https://{p}:8443"),
        at_url(json!({ "kind": "host_label" }), "https://a.{p}"),
        at_url(json!({ "kind": "path_segment" }), "https://a.example/{p}"),
        with(&[
            ("/steps", json!([step("s", json!("/s"))])),
            ("/request", json!({ "url": "https://a.example/{s}", "json": ["{endpoint}"] })),
        ]),
        value(jwt("RS256", "{p}"), json!({ "p": {} })),
        value(json!({ "certificate_sha256": "{p}" }), json!({ "p": {} })),
        value(jwt("{p}", "x"), json!({ "p": {} })),
        value(jwt("{p}", "x"), json!({ "p": { "kind": "choice", "choices": ["none"] } })),
        value(jwt("{p}", "x"), json!({ "p": { "kind": "choice", "choices": ["HS256", "ES256"] } })),
        value(
            jwt("{p}", "x"),
            json!({ "p": { "kind": "choice", "choices": ["HS256"], "optional": true } }),
        ),
        // Order.
        with(&[
            ("/values", json!({ "a": { "text": "{b}" }, "b": { "text": "{a}" } })),
            ("/request/json", json!(["{a}"])),
        ]),
        with(&[(
            "/steps",
            json!([{ "request": { "url": url, "json": ["{s}"] }, "answer": { "values": { "s": "/s" } } }]),
        )]),
        // Somewhere else.
        with(&[("/parameters/p", json!({}))]),
        with(&[("/values/v", json!({ "uuid": true }))]),
        with(&[("/scopes", json!({}))]),
        with(&[("/steps", json!([step("s", json!("/s"))]))]),
        refresh(json!({ "url": url })),
        rules(
            json!([{ "status": 401, "kind": "unavailable" }, { "status": 401, "kind": "access_denied" }]),
        ),
        rules(json!([{ "field": "p", "kind": "unavailable" }])),
        // Other members.
        with(&[("/limits", json!({ "shortest_life": "21m", "longest_life": "20m" }))]),
        with(&[("/limits/longest_life", json!("14m"))]),
        with(&[
            ("/scopes", json!({ "separator": ",", "default": ["a,b"] })),
            ("/request/json", json!(["{scopes}"])),
        ]),
        parameters(json!({ "p": { "kind": "choice", "choices": ["a"], "default": "b" } }), "{p}"),
        // Addresses, and what is encoded.
        at_url(json!({ "kind": "host", "default": "1.2.3" }), "https://{p}"),
        parameters(json!({ "p": { "kind": "certificate", "default": "x" } }), "x"),
        with(&[("/request/url", json!("https://300.0.0.1"))]),
        // Numbers.
        with(&[("/caretoken", json!(1.0))]),
        with(&[("/answer/success", json!({ "at": "/a", "is": 1.0 }))]),
        with(&[("/answer/status", json!([200.0]))]),
        // Counts.
        with(&[("/parameters", many(41, json!({})))]),
        with(&[("/values", many(41, json!({ "uuid": true })))]),
        with(&[(
            "/steps",
            json!([{ "request": { "url": url }, "answer": { "values": many(41, json!("/v")) } }]),
        )]),
        with(&[("/request/form", many(61, json!("x")))]),
        with(&[("/request/headers", many(61, json!("x")))]),
        with(&[("/answer/extras", many(41, json!("/x")))]),
    ];
    let certificate = cases
        .iter_mut()
        .find(|case| case["parameters"]["p"]["kind"] == "certificate" && case["values"].is_null());
    let certificate = certificate.unwrap();
    certificate["values"] = json!({ "v": { "certificate_sha256": "{p}" } });
    certificate["request"]["json"] = json!(["{v}"]);
    let mut texts: Vec<_> = cases.iter().map(text).collect();
    // What has no form as a tree.
    let smallest = text(&with(&[]));
    texts.push(smallest.replace("\"name\":", "\"name\":\"other\",\"name\":"));
    let deep = format!("{}{}", "[".repeat(30), "]".repeat(30));
    texts.push(text(&with(&[("/request/json", json!("HERE"))])).replace("\"HERE\"", &deep));
    texts.push(format!("{smallest}{}", " ".repeat(64 * 1024)));
    texts
}

#[test]
fn each_fault_that_no_schema_can_see_is_found_by_the_reader() {
    let cases = cases();
    let mut hit = vec![false; UNSEEN.len()];
    for case in &cases {
        let short: String = case.chars().take(400).collect();
        assert!(validator().is_valid(&serde_json::from_str(case).unwrap()), "{short}");
        let fault = read(case).err().unwrap_or_else(|| panic!("{short} is taken"));
        hit[row(&fault).unwrap_or_else(|| panic!("{short}: {fault:?}"))] = true;
        assert!(!fault.remedy.is_empty(), "{fault:?}");
    }
    for ((problem, why), hit) in UNSEEN.iter().zip(hit) {
        assert!(hit, "no case is of the row {problem:?} ({why})");
    }
}
