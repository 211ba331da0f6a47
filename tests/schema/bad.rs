//! Profiles with one fault that both refuse, and show at the same place.

use serde_json::{Value, json};

use crate::both::{read, seen_by_schema, text, validator};
use crate::good::{own, put};

/// A good profile of `tests/schema`, by its name.
fn named(name: &str) -> Value {
    own().into_iter().find(|profile| profile["name"] == name).unwrap_or_else(|| panic!("{name}"))
}

/// Refuses `value` at `put_at` of the profile, and names `path`.
#[track_caller]
fn refused(name: &str, put_at: &str, value: &Value, path: &str) {
    let mut profile = named(name);
    assert!(validator().is_valid(&profile) && read(&text(&profile)).is_ok());
    put(&mut profile, put_at, value.clone());
    let fault = read(&text(&profile)).err().unwrap_or_else(|| panic!("{put_at} {value} is taken"));
    assert_eq!(fault.path, path, "{put_at} {value}: {fault:?}");
    assert!(!fault.remedy.is_empty(), "{fault:?}");
    let paths = seen_by_schema(&profile);
    assert!(
        paths.contains(path),
        "{put_at} {value}: the schema says {paths:?}, the reader {fault:?}"
    );
}

/// Each of these values at each of these places.
fn all_refused(name: &str, places: &[&str], values: &[Value]) {
    for place in places {
        for value in values {
            refused(name, place, value, place);
        }
    }
}

fn texts(texts: &[&str]) -> Vec<Value> {
    texts.iter().map(|text| json!(text)).collect()
}

#[test]
fn members_that_are_missing() {
    for (name, object, member) in [
        ("answers", "", "caretoken"),
        ("answers", "", "name"),
        ("answers", "", "request"),
        ("answers", "", "answer"),
        ("answers", "/answer", "access_token"),
        ("answers", "/answer", "expires"),
        ("answers", "/answer", "refresh_token"),
        ("answers", "/answer/expires", "at"),
        ("answers", "/answer/expires", "unit"),
        ("answers", "/answer/success", "at"),
        ("answers", "/answer/success", "is"),
        ("answers", "/answer/token_type", "at"),
        ("answers", "/answer/token_type", "is"),
        ("answers", "/answer/access_token", "cookie"),
        ("answers", "/request", "url"),
        ("answers", "/request", "content_type"),
        ("answers", "/steps/0", "request"),
        ("answers", "/steps/0", "answer"),
        ("answers", "/steps/0/request", "url"),
        ("answers", "/steps/0/answer", "values"),
        ("answers", "/steps/0/answer/values/token_endpoint", "kind"),
        ("answers", "/steps/0/answer/values/session", "header"),
        ("answers", "/refresh", "request"),
        ("answers", "/refresh/life", "in"),
        ("answers", "/refresh/life", "unit"),
        ("answers", "/refusals/code/1", "last_segment"),
        ("answers", "/refusals/faulty_fields", "list"),
        ("answers", "/refusals/faulty_fields", "name"),
        ("answers", "/refusals/rules/0", "kind"),
        ("answers", "/refusals/rules/3", "code"),
        ("parameters-0", "/parameters/sort", "choices"),
        ("values", "/values/pair", "basic"),
        ("values", "/values/pair/basic", "user"),
        ("values", "/values/pair/basic", "password"),
        ("values", "/values/tag/hmac", "hash"),
        ("values", "/values/tag/hmac", "key"),
        ("values", "/values/tag/hmac", "text"),
        ("values", "/values/assertion/jwt", "alg"),
        ("values", "/values/assertion/jwt", "key"),
        ("values", "/use", "value"),
    ] {
        let mut value = named(name).pointer(object).unwrap().clone();
        value.as_object_mut().unwrap().remove(member).unwrap();
        // A refresh without its token is shown where the token is missing.
        refused(name, object, &value, object);
    }
}

#[test]
fn members_that_do_not_exist() {
    for (name, objects) in [
        (
            "answers",
            &[
                "",
                "/request",
                "/steps/0",
                "/steps/0/request",
                "/steps/0/answer",
                "/steps/0/answer/values/session",
                "/steps/0/answer/success",
                "/answer",
                "/answer/success",
                "/answer/token_type",
                "/answer/expires",
                "/answer/access_token",
                "/refresh",
                "/refresh/life",
                "/refresh/answer",
                "/refresh/request",
                "/refusals",
                "/refusals/code/1",
                "/refusals/faulty_fields",
                "/refusals/rules/0",
                "/limits",
                "/parameters/key",
            ][..],
        ),
        (
            "values",
            &[
                "/values/pair",
                "/values/pair/basic",
                "/values/tag/hmac",
                "/values/assertion/jwt",
                "/scopes",
                "/use",
            ][..],
        ),
    ] {
        for object in objects {
            for member in ["tls", "Name", "$ref", "", "a/b"] {
                let path = format!("{object}/{}", member.replace('/', "~1"));
                let mut value = named(name).pointer(object).unwrap().clone();
                value[member] = json!(true);
                refused(name, object, &value, &path);
            }
        }
    }
}

#[test]
fn names_that_are_none() {
    let long = "x".repeat(41);
    for bad in ["", "A", "1a", "_a", "a-b", "ä", "a b", &long, "scopes", "endpoint", "access_token"]
    {
        for (name, object, value) in [
            ("answers", "/parameters", json!({})),
            ("values", "/values", json!({ "uuid": true })),
            ("answers", "/steps/0/answer/values", json!("/x")),
        ] {
            let place = format!("{object}/{bad}");
            all_refused(name, &[&place], &[value]);
        }
    }
    refused(
        "answers",
        "/steps/0/answer/values/refresh_token",
        &json!("/x"),
        "/steps/0/answer/values/refresh_token",
    );
    refused("values", "/values/refresh_token", &json!({ "uuid": true }), "/values/refresh_token");
    refused("answers", "/answer/extras/a b", &json!("/x"), "/answer/extras/a b");
    all_refused(
        "answers",
        &["/name"],
        &texts(&["", "-a", "A", "a_b", "a b", "ä", &long, "a\r\nb"]),
    );
}

#[test]
fn headers() {
    for bad in [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
        "user-agent",
        "accept-encoding",
        "proxy-authorization",
        "X-A",
        "x a",
        "x:a",
        "ä",
        "",
    ] {
        all_refused("answers", &[&format!("/request/headers/{bad}")], &[json!("x")]);
        all_refused("values", &["/use/header"], &[json!(bad)]);
        all_refused("answers", &["/answer/refresh_token/header"], &[json!(bad)]);
    }
    all_refused("values", &["/use/header"], &[json!("x".repeat(61)), json!(1)]);
    let values = [
        "",
        " ",
        "a\r\nb: c",
        "a\nb",
        "a\0",
        "\u{7f}",
        " a",
        "a ",
        "ä",
        "a\tb",
        "{key",
        "key}",
        "{key:base64}",
    ];
    all_refused("answers", &["/request/headers/x-session"], &texts(&values));
    all_refused(
        "answers",
        &["/request/headers/x-session"],
        &texts(&["\"{key}\"", "({key})", "\\{key}", "{access_token}"]),
    );
    all_refused(
        "parameters-0",
        &["/request/headers/accept", "/request/headers/content-type"],
        &texts(&["{plain_text}", "", "ä"]),
    );
    all_refused(
        "answers",
        &["/request/content_type"],
        &texts(&["", "xml", "text/{key}", "text/xml\r\nx: y"]),
    );
    all_refused(
        "values",
        &["/use/value"],
        &texts(&[
            "",
            "Bearer",
            "{access_token} ",
            "{access_token}{access_token}",
            "{key}",
            "{access_token:json}",
            "ä {access_token}",
        ]),
    );
}

#[test]
fn texts_and_what_they_could_break() {
    for place in ["/request/json/text", "/request/query/secret", "/request/headers/x-left-out"] {
        all_refused(
            "parameters-0",
            &[place],
            &texts(&[
                "{",
                "}",
                "{}",
                "{{}",
                "{a",
                "a}",
                "{A}",
                "{ a}",
                "{a:}",
                "{a:html}",
                "{sort:json:json}",
                "'{sort}",
                "\"{sort}\"",
                "<{sort}>",
                "({sort})",
                "{{{sort}}}",
                "\\{sort}",
                "\"\"\"{sort:json}\"\"\"",
                "{access_token}",
                "{access_token:json}",
            ]),
        );
    }
    all_refused(
        "answers",
        &["/request/text"],
        &texts(&["{key}", "<a b='{key:xml}'>{key}</a>", "\"\"\"{key:json}", "{key:xml"]),
    );
    all_refused("values", &["/values/who/text"], &[json!([]), json!(null), json!({})]);
    refused("values", "/values/who/text/0", &json!("({client_id})"), "/values/who/text/0");
    refused("values", "/values/who/text/1", &json!(1), "/values/who/text/1");
    all_refused(
        "values",
        &["/values/pair/basic/user"],
        &texts(&["a:b", "{client_id}:", "{client_id", "\"\"\"{client_id:json}"]),
    );
    all_refused(
        "values",
        &["/values/digest/sha256", "/values/tag/hmac/key", "/values/tag/hmac/text"],
        &texts(&["{client_id:json}", "{", "}"]),
    );
}

#[test]
fn urls() {
    all_refused(
        "answers",
        &["/request/url", "/steps/0/request/url", "/refresh/request/url"],
        &texts(&[
            "",
            "/token",
            "a.example",
            "http://a.example",
            "HTTPS://a.example",
            "ftp://a.example",
            "https://",
            "https:///t",
            "https://u@a.example",
            "https://u:p@a.example/t",
            "https://a.example:/t",
            "https://a.example:x/t",
            "https://A.example/t",
            "https://ä.example/t",
            "https://a.example/ä",
            "https://a example/t",
            "https://a.example/ t",
            "https://a.example\\t",
            "https://a.example/t?x=y",
            "https://a.example/t#x",
            "https://a.example//t",
            "https://a.example/../t",
            "https://a.example/.",
            "https://a.example/%2",
            "https://a.example/\"",
            "https://a.example/t\r\n",
            "{base_url}t",
            "{base_url}?x",
            "{base_url",
            "{base_url:url}/t",
            "{{base_url}}/t",
            "https://{",
            "https://a.example/{item",
            "https://a.example/{item:url}",
        ]),
    );
    all_refused(
        "answers",
        &["/documentation", "/title"],
        &[json!(""), json!("\u{85}"), json!("x".repeat(401)), json!(1), json!([])],
    );
    all_refused(
        "answers",
        &["/documentation"],
        &texts(&[
            "http://a.example",
            "a.example",
            "https://",
            "https:///a",
            "https://a b",
            "HTTPS://a.example",
        ]),
    );
}

#[test]
fn bodies_and_methods() {
    refused("answers", "/request/json", &json!({}), "/request/text");
    refused("answers", "/request/form", &json!({ "a": "b" }), "/request/text");
    refused("parameters-0", "/request/form", &json!({ "a": "b" }), "/request/json");
    refused("parameters-0", "/request/content_type", &json!("text/xml"), "/request/content_type");
    refused("answers", "/request/method", &json!("GET"), "/request/text");
    refused("parameters-0", "/request/method", &json!("GET"), "/request/json");
    refused("values", "/request/method", &json!("GET"), "/request/form");
    all_refused("answers", &["/request/method"], &texts(&["get", "PUT", ""]));
    all_refused(
        "parameters-0",
        &["/request/json"],
        &[json!("x"), json!(1), json!(null), json!(true)],
    );
    all_refused("values", &["/request/form"], &[json!({}), json!({ "$comment": "x" }), json!([])]);
    all_refused("values", &["/request/form/id"], &[json!(1), json!(null), json!(["x"]), json!({})]);
    all_refused("parameters-0", &["/request/query"], &[json!({}), json!("a=b")]);
}

#[test]
fn parameters() {
    let of = |name: &str, member: &str| format!("/parameters/{name}/{member}");
    for (name, member, values) in [
        ("plain_text", "kind", texts(&["string", "Text", ""])),
        ("plain_text", "choices", vec![json!(["a"])]),
        ("sort", "choices", vec![json!([]), json!("a")]),
        ("sort", "secret", vec![json!(false), json!(true)]),
        ("base_url", "secret", vec![json!(false)]),
        ("base_url", "holder", vec![json!(true), json!(false)]),
        ("host", "holder", vec![json!(true)]),
        ("tenant", "holder", vec![json!(true)]),
        ("host", "in_url", vec![json!(true)]),
        ("plain_text", "in_url", vec![json!(true), json!(false)]),
        ("plain_text", "life", vec![json!("5m")]),
        ("plain_text", "ends_in", vec![json!("/a")]),
        (
            "base_url",
            "ends_in",
            texts(&["", "a", "/", "/a/", "//a", "/a/../b", "/.", "/ä", "/{a}", "/a b"]),
        ),
        ("secret_text", "default", vec![json!("x")]),
        ("secret_number", "default", vec![json!("1")]),
        ("code", "default", vec![json!("1")]),
        (
            "plain_text",
            "default",
            vec![json!(""), json!("a\r\nb"), json!("a\0"), json!(1), json!(null)],
        ),
        ("number", "default", texts(&["", "x", "1.5", "01", "-0", "1e3", "1234567890123456789"])),
        (
            "base_url",
            "default",
            texts(&[
                "",
                "http://a.example/external/v1",
                "HTTPS://a.example/external/v1",
                "https://a.example/external/v1?x",
                "https://a.example/external/v1#x",
                "https://a b/external/v1",
                "a.example",
            ]),
        ),
        (
            "host",
            "default",
            texts(&["", "a/b", "a@b", "https://a.example", "a b", "a.example:x", "a?b", "a#b"]),
        ),
        ("tenant", "default", texts(&["", "a.b", "-a", "a-", "a_b", "a:1"])),
        ("practice", "default", texts(&["", ".", "..", "a/b", "a b", "ä"])),
        ("left_out", "default", vec![json!("x")]),
        (
            "refresh_token",
            "life",
            texts(&[
                "", "0s", "01m", "5", "m", "5 m", "-5m", "5M", "1.5h", "3651d", "87601h",
                "1000000s",
            ]),
        ),
        ("refresh_token", "kind", vec![json!("integer"), json!("path_segment")]),
        ("refresh_token", "secret", vec![json!(false)]),
        ("plain_text", "about", vec![json!(""), json!("a\nb"), json!(1)]),
    ] {
        all_refused("parameters-0", &[&of(name, member)], &values);
    }
    for member in ["secret", "in_url", "optional", "holder"] {
        all_refused(
            "parameters-0",
            &[&of("secret_text", member)],
            &[json!("true"), json!(1), json!(null)],
        );
    }
    for member in ["secret", "in_url", "default"] {
        all_refused(
            "values",
            &[&of("private_key", member)],
            &[if member == "default" { json!("x") } else { json!(true) }],
        );
    }
    refused(
        "values",
        "/parameters/certificate/in_url",
        &json!(true),
        "/parameters/certificate/in_url",
    );
}

#[test]
fn scopes_and_values() {
    refused(
        "parameters-0",
        "/parameters/sort/choices",
        &json!(["a", "a"]),
        "/parameters/sort/choices/1",
    );
    refused("values", "/request/form/", &json!("x"), "/request/form/");
    for (place, values) in [
        ("/scopes/separator", texts(&["", "a", "1", "----", "ä", "\n"])),
        ("/scopes/required", vec![json!("true"), json!(1)]),
        ("/scopes/default", vec![json!([]), json!("x"), json!({})]),
        (
            "/scopes/default/0",
            vec![json!(""), json!("a b"), json!("a\"b"), json!("a\\b"), json!("ä"), json!(1)],
        ),
        ("/values/id/uuid", vec![json!(false), json!("v4"), json!(1)]),
        ("/values/day/now", vec![json!("minutes"), json!("RFC3339"), json!(true)]),
        ("/values/day/number", vec![json!(true), json!(false)]),
        ("/values/seconds/number", vec![json!("true"), json!(1)]),
        ("/values/day/as", vec![json!("hex")]),
        ("/values/tag/as", vec![json!("base32"), json!("Hex"), json!(1)]),
        ("/values/tag/hmac/hash", vec![json!("md5"), json!("sha1"), json!(256)]),
        ("/values/tag/hmac", vec![json!("x"), json!([])]),
        ("/values/pair/basic", vec![json!("x"), json!([])]),
        ("/values/pair/basic/percent_encode", vec![json!("true"), json!(1)]),
        ("/values/pair/text", vec![json!("x")]),
        ("/values/id/now", vec![json!("seconds")]),
        ("/values/digest/hmac", vec![json!({})]),
        ("/values/tag/jwt", vec![json!({})]),
        ("/values/shared/certificate_sha256", vec![json!("{certificate}")]),
        (
            "/values/thumbprint/certificate_sha256",
            vec![json!("certificate"), json!("{certificate}x"), json!(true)],
        ),
        ("/values/assertion/jwt/alg", vec![json!("none"), json!("HS1"), json!("rs256"), json!(1)]),
        (
            "/values/rs256/jwt/key",
            vec![json!("x"), json!("x{private_key}"), json!("{private_key:json}")],
        ),
        ("/values/shared/jwt/key", vec![json!("{client_secret:json}"), json!("{"), json!(1)]),
        (
            "/values/assertion/jwt/life",
            vec![
                json!("25h"),
                json!("1441m"),
                json!("86401s"),
                json!("2d"),
                json!("0s"),
                json!(300),
            ],
        ),
        ("/values/assertion/jwt/header/alg", vec![json!("RS256")]),
        ("/values/assertion/jwt/header", vec![json!([]), json!("x")]),
        ("/values/assertion/jwt/claims", vec![json!([]), json!("x")]),
        ("/values/assertion/jwt/claims/iss", vec![json!("({client_id})"), json!("{")]),
        ("/values/assertion/when", vec![json!({}), json!([]), json!("x")]),
        ("/values/assertion/when/algorithm", vec![json!([]), json!(1), json!(null)]),
    ] {
        all_refused("values", &[place], &values);
    }
}

#[test]
fn answers() {
    let pointers = [
        json!("a"),
        json!("a/b"),
        json!("/~"),
        json!("/~2"),
        json!("#/a"),
        json!("$.a"),
        json!("/a\nb"),
        json!("/a".repeat(17)),
        json!(format!("/{}", "ä".repeat(400))),
        json!(1),
        json!(null),
        json!([]),
    ];
    all_refused(
        "answers",
        &[
            "/answer/access_token",
            "/answer/refresh_token",
            "/answer/request_id",
            "/answer/token_type",
            "/answer/token_type/at",
            "/answer/scope",
            "/answer/success",
            "/answer/success/at",
            "/answer/refused_if",
            "/answer/expires/at",
            "/answer/extras/user_id",
            "/steps/0/answer/values/item",
            "/steps/0/answer/values/token_endpoint/at",
            "/steps/0/answer/success/at",
            "/steps/0/answer/refused_if",
            "/refresh/life/in",
            "/refusals/status",
            "/refusals/request_id",
            "/refusals/code/0",
            "/refusals/code/1/last_segment",
            "/refusals/code/2/only_key_of",
            "/refusals/faulty_fields/list",
            "/refusals/faulty_fields/name",
        ],
        &pointers,
    );
    for (place, values) in [
        ("/answer/status", vec![json!([]), json!(200), json!("200")]),
        (
            "/answer/status/0",
            vec![json!(199), json!(300), json!(401), json!("200"), json!(200.5), json!(null)],
        ),
        ("/steps/0/answer/status/1", vec![json!(300)]),
        ("/answer/success/is", vec![json!(null), json!([]), json!(1.5)]),
        ("/answer/token_type/is", vec![json!([]), json!("jwt"), json!(null)]),
        ("/answer/token_type/is/0", vec![json!(""), json!(1), json!("a\nb")]),
        (
            "/answer/access_token/cookie",
            vec![
                json!(""),
                json!("a;b"),
                json!("a b"),
                json!("ä"),
                json!("x".repeat(101)),
                json!(1),
            ],
        ),
        ("/answer/access_token/body", vec![json!(true)]),
        ("/answer/refresh_token/cookie", vec![json!("a")]),
        ("/steps/0/answer/values/all/body", vec![json!(false), json!("true"), json!(1)]),
        ("/steps/0/answer/values/token_endpoint/kind", vec![json!("host"), json!(true)]),
        ("/steps/0/answer/values/token_endpoint/header", vec![json!("x-a")]),
        ("/steps/0/answer/values/session/kind", vec![json!("url")]),
        ("/steps/0/answer/values", vec![json!({}), json!({ "$comment": "x" }), json!([])]),
        ("/steps", vec![json!([]), json!({}), json!(null)]),
        ("/answer/extras", vec![json!({}), json!({ "$schema": "x" }), json!([])]),
        ("/answer/expires", vec![json!({}), json!("5m"), json!(300), json!({ "unit": "seconds" })]),
        ("/answer/expires/unit", vec![json!("hours"), json!("second"), json!("unix"), json!(1)]),
        (
            "/answer/expires/default",
            vec![json!("0s"), json!("5"), json!(300), json!("99999999999999999999s")],
        ),
        ("/answer/expires/life", vec![json!("5m")]),
        ("/refresh/answer/expires/unit", vec![json!("seconds")]),
        ("/refresh/answer/expires/jwt", vec![json!(false), json!("x")]),
        ("/refresh/answer/expires/life", vec![json!("5m")]),
        ("/refresh/life", vec![json!("0m"), json!(5), json!([])]),
        ("/refresh/life/unit", vec![json!("rfc3339"), json!("days")]),
        ("/limits/longest_life", vec![json!("0s"), json!("forever"), json!(86400)]),
        ("/limits/shortest_life", vec![json!("0d"), json!(1)]),
        ("/limits/replay", vec![json!("safe"), json!(true)]),
        ("/limits/failures_lock", vec![json!("true"), json!(1)]),
        ("/client_certificate", vec![json!("optional"), json!(true)]),
        ("/caretoken", vec![json!(0), json!(2), json!("1"), json!(null), json!(true)]),
    ] {
        all_refused("answers", &[place], &values);
    }
    refused(
        "answers",
        "/answer/expires",
        &json!({ "in": "/e", "unit": "rfc3339" }),
        "/answer/expires/unit",
    );
    refused(
        "answers",
        "/answer/expires",
        &json!({ "in": "/e", "at": "/e", "unit": "seconds" }),
        "/answer/expires/at",
    );
    refused(
        "answers",
        "/answer/expires",
        &json!({ "life": "5m", "default": "5m" }),
        "/answer/expires/default",
    );
    refused(
        "answers",
        "/answer/expires",
        &json!({ "until_refused": true, "default": "5m" }),
        "/answer/expires/default",
    );
    refused(
        "answers",
        "/answer/expires",
        &json!({ "until_refused": false }),
        "/answer/expires/until_refused",
    );
    refused(
        "answers",
        "/answer/expires",
        &json!({ "life": "5m", "until_refused": true }),
        "/answer/expires/until_refused",
    );
    refused("answers", "/answer/status", &json!([200, 201, 200]), "/answer/status/2");
    let values = "/steps/0/answer/values/all";
    refused("answers", &format!("{values}/at"), &json!("/a"), &format!("{values}/body"));
    refused("answers", "/parameters/refresh_token", &json!({}), "/refresh");
}

#[test]
fn refusals() {
    for (place, values) in [
        (
            "/refusals/rules/0/status",
            vec![json!(199), json!(600), json!("401"), json!(null), json!([]), json!(401.5)],
        ),
        ("/refusals/rules/1/status/0", vec![json!(199), json!(600), json!("401")]),
        ("/refusals/rules/0/code", vec![json!(""), json!(17), json!([]), json!({}), json!("a\nb")]),
        ("/refusals/rules/1/code/0", vec![json!(""), json!(null), json!(17)]),
        ("/refusals/rules/0/kind", vec![json!("timeout"), json!("credentials rejected"), json!(1)]),
        ("/refusals/rules/0/remedy", vec![json!(""), json!("a\nb"), json!("\u{1b}[2J"), json!(1)]),
        ("/refusals/rules/0/field", vec![json!(""), json!(1)]),
        ("/refusals/rules", vec![json!({}), json!("x")]),
        ("/refusals/code", vec![json!("/error"), json!({})]),
        ("/refusals/code/1/only_key_of", vec![json!("/a")]),
    ] {
        all_refused("answers", &[place], &values);
    }
    let without_list = json!({ "rules": [{ "field": "key", "kind": "access_denied" }] });
    refused("answers", "/refusals", &without_list, "/refusals/rules/0/field");
    refused(
        "answers",
        "/refusals/rules/0",
        &json!({ "kind": "access_denied" }),
        "/refusals/rules/0",
    );
}

#[test]
fn what_is_no_object() {
    for wrong in [json!(null), json!(true), json!(1), json!("x"), json!([])] {
        assert!(read(&wrong.to_string()).is_err() && !validator().is_valid(&wrong), "{wrong}");
    }
}
