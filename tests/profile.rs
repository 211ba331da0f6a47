//! Profiles from texts: what the reader refuses and says, and what the engine does by each word.

mod support;

use std::sync::Arc;
use std::time::Duration;

use caretoken::transport::{Request, Response, Transport};
use caretoken::{Client, ClientBuilder, Error, ErrorKind, Profile, SecretBuf};
use serde_json::{Value, json};
use support::{NOW_DATE, NOW_MS, Script, TestClock, plain};

/// A small profile with some members replaced.
fn profile(changes: Value) -> Value {
    let mut profile = json!({
        "caretoken": 1,
        "name": "acme",
        "parameters": { "key": { "holder": true } },
        "request": { "url": "https://api.acme.example/login", "json": { "key": "{key}" } },
        "answer": { "access_token": "/token", "expires": { "in": "/ttl", "unit": "seconds" } }
    });
    for (name, value) in changes.as_object().unwrap() {
        profile[name] = value.clone();
    }
    profile
}

fn read(changes: Value) -> Result<Profile, Error> {
    Profile::from_json(profile(changes).to_string())
}

fn builder(changes: Value) -> ClientBuilder {
    Client::builder(read(changes).unwrap_or_else(|error| panic!("{error}")))
}

fn build(builder: ClientBuilder) -> (Client, Arc<Script>, Arc<TestClock>) {
    let (script, clock) = (Script::new(), TestClock::new());
    let builder = builder.transport(script.clone()).clock(clock.clone());
    (builder.build().unwrap_or_else(|error| panic!("{error}")), script, clock)
}

/// The token of one answer to the small profile with these changes.
fn answered(
    changes: Value,
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<caretoken::Token, Error> {
    let builder = builder(changes).set("key", "fake-key").unwrap();
    let (client, script, _) = build(builder);
    let headers = [&[("date", NOW_DATE)], headers].concat();
    script.answer_with(status, &headers, body);
    client.token_within(Duration::from_millis(100))
}

mod reader {
    use super::*;

    fn fault(text: &str) -> Error {
        let error = Profile::from_json(text).unwrap_err();
        assert_eq!((error.kind(), error.field()), (ErrorKind::InvalidSetting, Some("profile")));
        error
    }

    #[test]
    fn a_fault_has_line_column_path_and_what_would_be_right() {
        let text = "{\n  \"caretoken\": 1,\n  \"name\": \"acme\",\n  \"request\": { \"url\": \"https://a.example/t\" },\n  \"answer\": {\n    \"access_token\": \"/t\",\n    \"expires\": { \"in\": \"/e\", \"unit\": \"second\" }\n  }\n}";
        let error = fault(text);
        assert_eq!(
            error.message(),
            "profile is wrong at line 7, column 38 (/answer/expires/unit): there is no such word"
        );
        assert_eq!(
            error.remedy(),
            "did you mean seconds? write one of: milliseconds, seconds, minutes, hours"
        );
        let error = fault(&text.replace("\"answer\"", "\"anser\""));
        assert!(error.message().contains("line 5, column 3 (/anser)"), "{error}");
        assert!(error.remedy().starts_with("did you mean answer?"), "{error}");
    }

    #[test]
    fn what_is_no_json_is_told_by_its_place() {
        for (text, place, problem) in [
            ("", "line 1, column 1", "ends in the middle"),
            ("{\"caretoken\": 1,", "line 1, column 16", "ends in the middle"),
            ("{\n \"name\" 1}", "line 2, column 9", "not JSON"),
            ("{} {}", "line 1, column 4", "not JSON"),
            ("[1, 2", "line 1", "ends in the middle"),
        ] {
            let error = fault(text);
            assert!(error.message().contains(place), "{text}: {error}");
            assert!(error.message().contains(problem), "{text}: {error}");
        }
        let error = Profile::from_json(b"{\n\"name\": \"\xff\"}").unwrap_err();
        assert_eq!(error.message(), "profile is not UTF-8 (in line 2)");
        let error = Profile::from_json(vec![b' '; 10 << 20]).unwrap_err();
        assert_eq!(error.message(), "profile is larger than 64 KiB");
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(fault(&deep).message().contains("nested too deeply"));
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(1000), "]".repeat(1000));
        assert!(fault(&deep).message().contains("nested too deeply"));
        let twice = r#"{"caretoken": 1, "name": "a", "name": "b"}"#;
        assert!(fault(twice).message().contains("(/name): this member is there twice"));
    }

    #[test]
    fn a_byte_order_mark_is_skipped() {
        let text = format!("\u{feff}{}", profile(json!({})));
        assert_eq!(Profile::from_json(text).unwrap().name(), "acme");
    }

    #[test]
    fn a_files_faults_and_its_own() {
        let error = Profile::from_file("/nonexistent/profile.json").unwrap_err();
        assert!(error.message().starts_with("profile cannot be read (No such file"), "{error}");
        assert!(Profile::from_file(env!("CARGO_MANIFEST_DIR")).is_err());
        if cfg!(unix) {
            let error = Profile::from_file("/dev/zero").unwrap_err();
            assert_eq!(error.message(), "profile is not a regular file");
        }
    }

    /// One fault each, with a piece of what is said about it.
    #[test]
    fn each_fault_is_named() {
        let url = |url: &str| json!({ "request": { "url": url, "json": { "key": "{key}" } } });
        let request = |request: Value| json!({ "request": request });
        let header = |name: &str, value: &str| json!({ "request": { "url": "https://a.example/t", "headers": { name: value } } });
        for (changes, said) in [
            (json!({ "caretoken": 2 }), "version"),
            (json!({ "name": "Acme" }), "name"),
            (json!({ "parameters": {} }), "{key} is neither a parameter nor a value"),
            (
                json!({ "parameters": { "key": {}, "other": {} } }),
                "the parameter other is never used",
            ),
            (
                json!({ "parameters": { "key": { "kind": "url", "holder": true } } }),
                "always is one",
            ),
            (json!({ "parameters": { "key": { "default": "fake" } } }), "a secret has no default"),
            (json!({ "parameters": { "scopes": {} } }), "meaning of its own"),
            (url("http://a.example/t"), "not an https URL"),
            (url("https://user@a.example/t"), "not a host"),
            (url("https://a.example/t?x={key}"), "no query"),
            (url("https://a.example/t#x"), "no query"),
            (url("https://a.example/a/../t"), ". and .."),
            (url("https://a.example/{key}"), "secret and would stand in a URL"),
            (url("https://{key}.a.example/t"), "cannot stand here"),
            (url("https://A.example/t"), "not a host"),
            (url("https://a.example:0/t"), "not a host"),
            (url("https://a example/t"), "no spaces"),
            (url("{key}/t"), "not of kind url"),
            (header("x-key", "a\r\nb: {key}"), "control character"),
            (header("x\r\nkey", "{key}"), "cannot be the name of a header"),
            (header("content-length", "{key}"), "the transport's own"),
            (header("host", "{key}"), "the transport's own"),
            (header("x-key", " {key}"), "begins or ends with a space"),
            (header("x-key", "token=\"{key}\""), "break out"),
            (header("x-key", "{key"), "without its other half"),
            (header("x-key", "{key:base64}"), "no such escape"),
            (header("x-key", "{access_token}"), "stands in use alone"),
            (
                request(
                    json!({ "url": "https://a.example/t", "form": { "k": "{key}" }, "json": {} }),
                ),
                "exclude each other",
            ),
            (
                request(
                    json!({ "method": "GET", "url": "https://a.example/t", "form": { "k": "{key}" } }),
                ),
                "in a GET",
            ),
            (
                request(
                    json!({ "url": "https://a.example/t", "text": "{key}", "content_type": "text/plain" }),
                ),
                "break out",
            ),
            (
                request(json!({ "url": "https://a.example/t", "text": "{key:json}" })),
                "content_type is missing",
            ),
            (
                request(json!({ "url": "https://a.example/t", "query": { "k": "{key}" } })),
                "in a URL",
            ),
            (
                json!({ "answer": { "access_token": "token", "expires": { "life": "5m" } } }),
                "not a JSON Pointer",
            ),
            (
                json!({ "answer": { "access_token": "/a~2", "expires": { "life": "5m" } } }),
                "not a JSON Pointer",
            ),
            (
                json!({ "answer": { "access_token": "/t", "expires": { "life": "0s" } } }),
                "not a duration",
            ),
            (json!({ "answer": { "access_token": "/t" } }), "expires is missing"),
            (json!({ "answer": { "access_token": "/t", "expires": {} } }), "says nothing"),
            (json!({ "limits": { "longest_life": "5s" } }), "longer than the longest"),
            (json!({ "use": { "value": "Bearer" } }), "stands here once"),
            (json!({ "use": { "value": "{access_token}{access_token}" } }), "stands here once"),
            (json!({ "scopes": {} }), "{scopes} is never used"),
            (
                json!({ "refresh": { "request": { "url": "https://a.example/r" } } }),
                "does not use {refresh_token}",
            ),
            (json!({ "values": { "v": { "uuid": true } } }), "never used"),
        ] {
            match read(changes.clone()) {
                Ok(_) => panic!("{changes} is taken"),
                Err(error) => {
                    assert!(error.to_string().contains(said), "{changes}: {error}");
                    assert!(error.message().contains("line 1, column "), "{error}");
                    assert!(!error.remedy().is_empty());
                }
            }
        }
    }

    /// What is said is true of the place that is named, and helps there.
    #[test]
    fn a_fault_is_shown_where_it_is() {
        let steps = |value: Value| {
            let answer = json!({ "values": { "v": value } });
            let request = json!({ "url": "https://a.example/s" });
            json!({
                "steps": [{ "request": request, "answer": answer }],
                "request": { "url": "https://a.example/t", "json": { "k": "{key}", "v": "{v}" } }
            })
        };
        let values = |value: Value| {
            json!({
                "values": { "v": value },
                "request": { "url": "https://a.example/t", "json": { "k": "{key}", "v": "{v}" } }
            })
        };
        let parameter = |name: &str, parameter: Value, url: &str| {
            json!({
                "parameters": { "key": {}, name: parameter },
                "request": { "url": url, "headers": { "x-p": format!("{{{name}}}") }, "json": { "k": "{key}" } }
            })
        };
        let refresh = |request: Value, answer: Value| {
            let answer_ =
                json!({ "access_token": "/t", "refresh_token": "/r", "expires": { "life": "5m" } });
            json!({ "answer": answer_, "refresh": { "request": request, "answer": answer } })
        };
        let answer = json!({ "access_token": "/t", "expires": { "life": "5m" } });
        let url = "https://a.example/t";
        for (changes, path, said) in [
            // A default is for the place where it stands.
            (
                parameter("p", json!({ "secret": false, "default": "\u{e4}" }), url),
                "/parameters/p/default",
                "outside ASCII",
            ),
            (
                parameter("p", json!({ "kind": "url", "default": "https://a.example/" }), "{p}/t"),
                "/parameters/p/default",
                "ends in a slash",
            ),
            (
                parameter("p", json!({ "kind": "url", "default": "http://localhost" }), url),
                "/parameters/p/default",
                "write https://HOST",
            ),
            (
                parameter("refresh_token", json!({ "secret": false }), url),
                "/parameters/refresh_token/secret",
                "is a secret text",
            ),
            (
                parameter("refresh_token", json!({ "kind": "integer" }), url),
                "/parameters/refresh_token/kind",
                "is a secret text",
            ),
            (json!({ "documentation": "https://" }), "/documentation", "write https://"),
            (
                json!({ "documentation": ["https://a.example", "https:///a"] }),
                "/documentation/1",
                "write https://",
            ),
            (
                json!({ "scopes": { "default": ["a", "b c"] } }),
                "/scopes/default/1",
                "no scope can have",
            ),
            (steps(json!({ "at": "/v" })), "/steps/0/answer/values/v", "kind is missing"),
            (
                steps(json!({ "header": "x-v", "kind": "url" })),
                "/steps/0/answer/values/v/kind",
                "kind has no meaning without at",
            ),
            (values(json!({ "uuid": 1 })), "/values/v/uuid", "write true"),
            (
                values(json!({ "basic": { "user": "a:{key}", "password": "x" } })),
                "/values/v/basic/user",
                "has no colon",
            ),
            (
                values(
                    json!({ "jwt": { "alg": "HS256", "key": "{key}", "header": { "alg": "none" } } }),
                ),
                "/values/v/jwt/header/alg",
                "by itself",
            ),
            (
                json!({ "values": { "refresh_token": { "uuid": true } } }),
                "/values/refresh_token",
                "meaning of its own",
            ),
            (
                json!({ "answer": { "access_token": "/a\nb", "expires": { "life": "5m" } } }),
                "/answer/access_token",
                "a control character",
            ),
            (
                json!({ "answer": { "access_token": "/a".repeat(17), "expires": { "life": "5m" } } }),
                "/answer/access_token",
                "more than 16 levels",
            ),
            (
                json!({ "refresh": { "request": { "url": url, "json": "{refresh_token}" } } }),
                "/refresh/request/json",
                "an object or an array",
            ),
            (
                json!({ "refresh": { "request": { "url": url, "json": ["{refresh_token}"] } } }),
                "/answer",
                "no answer brings a refresh token",
            ),
            // Neither a remark nor braces are a use.
            (
                refresh(json!({ "url": url, "$comment": "{refresh_token}" }), answer.clone()),
                "/refresh/request",
                "does not use",
            ),
            (
                refresh(json!({ "url": url, "json": ["{{refresh_token}}"] }), answer.clone()),
                "/refresh/request",
                "does not use",
            ),
            (
                refresh(json!({ "url": url, "query": { "r": "{refresh_token}" } }), answer),
                "/refresh/request/query/r",
                "would stand in a URL",
            ),
        ] {
            let error = read(changes.clone()).err().unwrap_or_else(|| panic!("{changes} is taken"));
            assert!(error.message().contains(&format!(" ({path}): ")), "{changes}: {error}");
            assert!(error.to_string().contains(said), "{changes}: {error}");
        }
    }

    #[test]
    fn a_secret_in_the_claims_of_a_jwt_does_not_stand_in_a_url() {
        let changes = |claims: Value, parameter: Value| {
            json!({
                "parameters": { "key": {}, "p": parameter },
                "values": { "v": { "jwt": { "alg": "HS256", "key": "{key}", "claims": claims } } },
                "request": { "url": "https://a.example/t", "query": { "v": "{v}" }, "json": { "p": "{p}" } }
            })
        };
        // The key cannot be read out of it.
        read(changes(json!({}), json!({}))).unwrap();
        read(changes(json!({ "p": "{p}" }), json!({ "in_url": true }))).unwrap();
        for claims in [json!({ "p": "{p}" }), json!({ "p": [{ "q": "x{p}" }] })] {
            let error = read(changes(claims, json!({}))).unwrap_err();
            assert!(error.message().contains("(/request/query/v): {v} is secret"), "{error}");
        }
    }

    #[test]
    fn the_longest_life_covers_that_of_the_refresh() {
        let changes = |longest: &str| {
            json!({
                "answer": { "access_token": "/t", "refresh_token": "/r", "expires": { "life": "5m" } },
                "refresh": {
                    "request": { "url": "https://a.example/r", "json": ["{refresh_token}"] },
                    "answer": { "access_token": "/t", "expires": { "life": "48h" } }
                },
                "limits": { "longest_life": longest }
            })
        };
        read(changes("48h")).unwrap();
        let error = read(changes("47h")).unwrap_err();
        assert!(
            error.message().contains("(/refresh/answer): the life in expires is longer"),
            "{error}"
        );

        // Without a limit that says otherwise, it is not cut.
        let mut changes = changes("48h");
        changes.as_object_mut().unwrap().remove("limits");
        let (client, script, clock) = build(builder(changes).set("key", "fake-key").unwrap());
        script.answer(200, r#"{"t":"fake-first","r":"fake-refresh"}"#);
        script.answer(200, r#"{"t":"fake-second"}"#);
        clock.advance(client.token().unwrap().lifetime());
        let token = client.token().unwrap();
        assert_eq!((plain(&token), token.lifetime_was_cut()), ("fake-second", false));
        assert_eq!(token.lifetime(), Duration::from_secs(48 * 3600));
    }

    #[test]
    fn a_fault_is_one_line_of_bounded_length_whatever_the_file_has() {
        let long = "x".repeat(60_000);
        for (name, path) in [
            ("a\nb\u{1b}[2J", "/a\u{fffd}b\u{fffd}[2J"),
            ("a/~b", "/a~1~0b"),
            (&*long, &*format!("/{}…", &long[..60])),
        ] {
            let error = read(json!({ name: 1 })).unwrap_err();
            assert!(
                error.message().contains(&format!(" ({path}): there is no such member")),
                "{error}"
            );
            assert!(!error.to_string().contains(char::is_control));
        }
    }

    /// The grammar of JSON allows it, and no text can have it.
    #[test]
    fn half_a_surrogate_pair_is_told_by_its_place() {
        for (text, place) in [
            ("{\n\"caretoken\": 1, \"name\": \"a\\ud83d\"}", "line 2"),
            ("{\n\"caretoken\": 1, \"n\\udc00\": 1}", "line 2"),
            ("{\"caretoken\": 1, \"name\": \"\\ud83d\\u0041\"}", "line 1"),
        ] {
            let error = fault(text);
            assert!(error.message().contains(place), "{text}: {error}");
            assert!(error.message().ends_with("this is one half of a surrogate pair"), "{error}");
        }
        let pair =
            profile(json!({})).to_string().replace("acme.example", "acme.example/\\ud83d\\ude00");
        assert!(fault(&pair).message().contains("nothing outside ASCII"));
    }

    /// Within the 64 KiB that a profile may have, nothing takes long, and nothing goes deep.
    #[test]
    fn a_hostile_text_is_read_at_once() {
        let many = |count: usize, item: &dyn Fn(usize) -> String| {
            (0..count).map(item).collect::<Vec<_>>().join(",")
        };
        let with = |member: &str, text: &str| {
            profile(json!({ member: "HERE" })).to_string().replace("\"HERE\"", text)
        };
        let names = many(4500, &|index| format!(r#""a{index}":{{}}"#));
        let step_values = many(4500, &|index| format!(r#""a{index}":"""#));
        let codes = |last: usize| {
            many(100, &|index| format!("\"{}\"", if index == 99 { last + 1000 } else { index }))
        };
        let rules =
            many(100, &|index| format!(r#"{{"code":[{}],"kind":"unavailable"}}"#, codes(index)));
        let body = |text: &str| {
            format!(r#"{{"url":"https://a.example/t","json":{{"k":"{{key}}","x":{text}}}}}"#)
        };
        let texts = [
            // Taken, and large.
            (
                with(
                    "request",
                    &body(&format!("{{{}}}", many(7000, &|index| format!("\"{index}\":1")))),
                ),
                None,
            ),
            (with("request", &body(&format!("\"{}\"", "{key}".repeat(12_000)))), None),
            (with("request", &body(&format!("\"{}\"", "{{}}".repeat(15_000)))), None),
            (with("request", &body(&"9".repeat(60_000))), None),
            (with("request", &body(&format!("\"{}\"", "\\ud83d\\ude00".repeat(5_000)))), None),
            // Refused.
            (with("parameters", &format!("{{{names}}}")), Some("more than 40 parameters")),
            (
                with(
                    "values",
                    &format!(
                        "{{{}}}",
                        names
                            .replace("{}", r#"{"uuid":true}"#)
                            .split_at(60_000)
                            .0
                            .rsplit_once(',')
                            .unwrap()
                            .0
                    ),
                ),
                Some("more than 40 values"),
            ),
            (
                with(
                    "steps",
                    &format!(
                        r#"[{{"request":{{"url":"https://a.example"}},"answer":{{"values":{{{step_values}}}}}}}]"#
                    ),
                ),
                Some("more than 40 values"),
            ),
            (with("refusals", &format!(r#"{{"rules":[{rules}]}}"#)), Some("more than 40 rules")),
            (
                with(
                    "refusals",
                    &format!(
                        r#"{{"rules":[{{"code":[{}],"kind":"unavailable"}}]}}"#,
                        many(10_000, &|_| "\"a\"".into())
                    ),
                ),
                Some("more than 100 items"),
            ),
            (
                with(
                    "parameters",
                    &format!(
                        r#"{{"c":{{"kind":"choice","choices":[{}]}}}}"#,
                        many(8_000, &|index| format!("\"{index}\""))
                    ),
                ),
                Some("more than 100 items"),
            ),
            (
                with("answer", &format!(r#"{{"status":[{}]}}"#, many(15_000, &|_| "200".into()))),
                Some("more than 100 items"),
            ),
            (
                format!("{{{}}}", many(6_000, &|index| format!("\"{index}\":1"))),
                Some("there is no such member"),
            ),
            (format!("{{{}}}", many(10_000, &|_| "\"a\":1".into())), Some("there twice")),
            (
                with("title", &format!("\"{}\"", "x".repeat(60_000))),
                Some("more than 400 characters"),
            ),
            (
                with("limits", &format!(r#"{{"longest_life":"{}d"}}"#, "9".repeat(60_000))),
                Some("not a duration"),
            ),
            (with("limits", r#"{"longest_life":"18446744073709551616s"}"#), Some("not a duration")),
            (with("caretoken", &"1".repeat(60_000)), Some("version")),
            (
                with("answer", &format!(r#"{{"status":[{}]}}"#, "2".repeat(60_000))),
                Some("not a status"),
            ),
            (
                with("answer", &format!(r#"{{"access_token":"{}"}}"#, "/".repeat(60_000))),
                Some("more than 400 characters"),
            ),
            (
                with("request", &body(&format!("\"{}\"", "{a".repeat(30_000)))),
                Some("without its other half"),
            ),
            (
                with(
                    "request",
                    &format!(r#"{{"url":"https://a.example{}"}}"#, "/{key}".repeat(10_000)),
                ),
                Some("would stand in a URL"),
            ),
            (
                with("request", &format!(r#"{{"url":"https://{}"}}"#, "a.".repeat(30_000))),
                Some("not a host"),
            ),
            (format!("{}1", "[".repeat(60_000)), Some("ends in the middle")),
            (format!("{}{}", "[".repeat(30_000), "]".repeat(30_000)), Some("nested too deeply")),
            (
                format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)),
                Some("nested too deeply"),
            ),
            (format!("\"{}", "\\u00".repeat(12_000)), Some("not JSON")),
            (with("title", &format!("\"{}\\ud800\"", "\\u00e4".repeat(9_000))), Some("surrogate")),
        ];
        // Less than a thread of a C program has.
        let thread = std::thread::Builder::new().stack_size(128 * 1024);
        let read_all = move || {
            for (text, said) in texts {
                assert!(text.len() <= 64 * 1024, "{} bytes: {said:?}", text.len());
                let start = std::time::Instant::now();
                let result = Profile::from_json(&text);
                let took = start.elapsed();
                match (result, said) {
                    (Ok(_), None) => {}
                    (Err(error), Some(said)) => {
                        assert!(error.message().contains(said), "{error}");
                        assert!(error.to_string().len() < 4096, "{said}");
                    }
                    (result, said) => panic!("{said:?}: {result:?}"),
                }
                // Without optimisation and on a machine that does other things, too.
                assert!(took < Duration::from_millis(500), "{said:?} took {took:?}");
            }
        };
        thread.spawn(read_all).unwrap().join().unwrap();
    }

    #[test]
    fn a_rule_that_can_never_fit_is_a_fault() {
        let rules = |rules: Value| json!({ "refusals": { "rules": rules } });
        for (changes, said) in [
            (rules(json!([{ "kind": "access_denied" }])), "fits every refusal"),
            (
                rules(json!([
                    { "status": 401, "kind": "access_denied" },
                    { "status": 401, "code": "x", "kind": "rate_limited" }
                ])),
                "/refusals/rules/1): this rule can never fit",
            ),
            (
                rules(json!([
                    { "code": ["x", "y"], "kind": "access_denied" },
                    { "status": [400, 401], "code": "y", "kind": "rate_limited" }
                ])),
                "can never fit",
            ),
            (rules(json!([{ "field": "key", "kind": "access_denied" }])), "faulty_fields"),
            (rules(json!([{ "status": 700, "kind": "access_denied" }])), "200 to 599"),
            (rules(json!([{ "status": 401, "kind": "timeout" }])), "no such kind"),
        ] {
            let error = read(changes.clone()).unwrap_err();
            assert!(error.to_string().contains(said), "{changes}: {error}");
        }
        read(rules(json!([
            { "status": 401, "code": "x", "kind": "rate_limited" },
            { "status": 401, "code": null, "kind": "access_denied" },
            { "status": 401, "kind": "access_revoked" },
            { "code": "x", "kind": "unavailable" }
        ])))
        .unwrap();
    }

    #[test]
    fn steps_and_values_go_in_the_order_of_the_file() {
        let step = |url: &str, value: &str| {
            json!({
                "request": { "url": url, "json": { "key": "{key}" } },
                "answer": { "values": { value: "/v" } }
            })
        };
        let uses = |a: &str, b: &str| {
            let mut steps =
                [step("https://a.example/1", "one"), step("https://a.example/2", "two")];
            steps[0]["request"]["json"]["other"] = json!(a);
            steps[1]["request"]["json"]["other"] = json!(b);
            let request =
                json!({ "url": "https://a.example/t", "json": { "a": "{one}", "b": "{two}" } });
            read(json!({ "steps": steps, "request": request }))
        };
        uses("x", "{one}").unwrap();
        for (a, b) in [("{two}", "x"), ("{one}", "x"), ("{two}", "{one}"), ("x", "{two}")] {
            let error = uses(a, b).unwrap_err();
            assert!(error.message().contains("known only after a later step"), "{error}");
        }
        let values = json!({ "a": { "text": "{b}" }, "b": { "text": "{key}" } });
        let request = json!({ "url": "https://a.example/t", "json": { "a": "{a}" } });
        let error = read(json!({ "values": values, "request": request })).unwrap_err();
        assert!(error.message().contains("{b} is made later"), "{error}");
        let many = json!({ "steps": [step("https://a.example/1", "a"), step("https://a.example/1", "b"), step("https://a.example/1", "c"), step("https://a.example/1", "d")] });
        assert!(read(many).unwrap_err().message().contains("more than 3"));
    }

    #[test]
    fn a_parameter_cannot_have_the_name_of_a_setting() {
        let changes = json!({
            "parameters": { "timeout_ms": {} },
            "request": { "url": "https://a.example/t", "json": { "t": "{timeout_ms}" } }
        });
        let error = builder(changes).build().unwrap_err();
        assert!(error.message().contains("timeout_ms, which is a setting's name"), "{error}");
    }

    #[test]
    fn remarks_may_stand_anywhere_and_are_not_sent() {
        let mut text = profile(json!({}));
        text["$schema"] = json!("profile.schema.json");
        for place in [
            "/parameters",
            "/parameters/key",
            "/request",
            "/request/json",
            "/answer",
            "/answer/expires",
        ] {
            text.pointer_mut(place).unwrap()["$comment"] = json!("{nothing}");
        }
        let builder = Client::builder(Profile::from_json(text.to_string()).unwrap());
        let (client, script, _) = build(builder.set("key", "fake-key").unwrap());
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        assert_eq!(script.sent()[0].body, r#"{"key":"fake-key"}"#);
    }
}

mod answers {
    use super::*;

    fn answer(answer: Value) -> Value {
        let mut whole = json!({ "access_token": "/token", "expires": { "life": "5m" } });
        for (name, value) in answer.as_object().unwrap() {
            whole[name] = value.clone();
        }
        json!({ "answer": whole })
    }

    #[test]
    fn every_way_to_say_when_a_token_ends() {
        let jwt = |exp: i64| {
            use base64::Engine as _;
            let claims = format!(r#"{{"exp":{exp}}}"#);
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            format!("e30.{claims}.fake-signature")
        };
        let soon = NOW_MS / 1000 + 600;
        for (expires, token, end, seconds) in [
            (json!({ "in": "/e", "unit": "milliseconds" }), "fake".into(), json!(90_000), 90),
            (json!({ "in": "/e", "unit": "seconds" }), "fake".into(), json!("90"), 90),
            (json!({ "in": "/e", "unit": "minutes" }), "fake".into(), json!(15), 900),
            (json!({ "in": "/e", "unit": "hours" }), "fake".into(), json!(2), 7200),
            (
                json!({ "in": "/e", "unit": "hours", "default": "7m" }),
                "fake".into(),
                json!(null),
                420,
            ),
            (json!({ "at": "/e", "unit": "seconds" }), "fake".into(), json!(soon), 600),
            (json!({ "at": "/e", "unit": "milliseconds" }), "fake".into(), json!(soon * 1000), 600),
            (
                json!({ "at": "/e", "unit": "rfc3339" }),
                "fake".into(),
                json!("2023-11-14T22:23:20Z"),
                600,
            ),
            (
                json!({ "at": "/e", "unit": "rfc3339" }),
                "fake".into(),
                json!("2023-11-15 00:23:20.000+02:00"),
                600,
            ),
            (
                json!({ "at": "/e", "unit": "http_date" }),
                "fake".into(),
                json!("Tue, 14 Nov 2023 22:23:20 GMT"),
                600,
            ),
            (json!({ "jwt": true }), jwt(soon), json!(null), 600),
            (json!({ "jwt": true, "default": "8m" }), "fake-opaque".into(), json!(null), 480),
            (json!({ "life": "15m" }), "fake".into(), json!(null), 900),
            // A JWT can shorten each.
            (json!({ "life": "15m" }), jwt(soon), json!(null), 600),
        ] {
            let body = json!({ "token": token, "e": end }).to_string();
            let token = answered(answer(json!({ "expires": expires })), 200, &[], &body);
            let token = token.unwrap_or_else(|error| panic!("{expires}: {error}"));
            assert_eq!(token.lifetime(), Duration::from_secs(seconds), "{expires}");
        }
    }

    #[test]
    fn an_end_that_cannot_be_read_is_no_guess() {
        for (expires, end, said) in [
            (json!({ "in": "/e", "unit": "seconds" }), json!(null), "e is missing"),
            (json!({ "in": "/e", "unit": "seconds" }), json!("soon"), "e is not a number"),
            (json!({ "in": "/e", "unit": "hours" }), json!(i64::MAX), "e is out of range"),
            (
                json!({ "at": "/e", "unit": "rfc3339" }),
                json!("tomorrow"),
                "e is not a date of RFC 3339",
            ),
            (json!({ "at": "/e", "unit": "rfc3339" }), json!(5), "e is not a string"),
            (
                json!({ "at": "/e", "unit": "http_date" }),
                json!("2023-11-14"),
                "e is not a date of HTTP",
            ),
            (json!({ "jwt": true }), json!(null), "token is no JWT that says when it ends"),
        ] {
            let body = json!({ "token": "fake-opaque", "e": end }).to_string();
            let error =
                answered(answer(json!({ "expires": expires })), 200, &[], &body).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidLifetime, "{expires}");
            assert_eq!(error.message(), said);
        }
    }

    #[test]
    fn a_token_may_stand_in_a_header_a_cookie_or_be_the_body() {
        let header = answer(json!({ "access_token": { "header": "x-auth-token" } }));
        let token =
            answered(header.clone(), 200, &[("X-Auth-Token", "fake-in-header")], "").unwrap();
        assert_eq!(plain(&token), "fake-in-header");
        let error = answered(header, 200, &[], "{}").unwrap_err();
        assert_eq!(error.message(), "the answer has no header x-auth-token");

        let cookie = answer(json!({ "access_token": { "cookie": "session" } }));
        let cookies = [
            ("set-cookie", "sessionid=fake-other; Path=/"),
            ("Set-Cookie", "session=fake-cookie; HttpOnly"),
        ];
        assert_eq!(plain(&answered(cookie, 200, &cookies, "<html>").unwrap()), "fake-cookie");

        let body = answer(json!({ "access_token": { "body": true } }));
        assert_eq!(
            plain(&answered(body.clone(), 200, &[], "\r\n fake-body \n").unwrap()),
            "fake-body"
        );
        let error = answered(body, 200, &[], "<html>sorry, no</html>").unwrap_err();
        assert_eq!(
            error.message(),
            "the answer's body has characters that no bearer token can have"
        );

        let whole = answer(json!({ "access_token": "" }));
        assert_eq!(plain(&answered(whole, 200, &[], "\"fake-string\"").unwrap()), "fake-string");
        let item = answer(json!({ "access_token": "/tokens/1/a~1b" }));
        let token = answered(item, 200, &[], r#"{"tokens":[{},{"a/b":"fake-item"}]}"#);
        assert_eq!(plain(&token.unwrap()), "fake-item");
    }

    #[test]
    fn a_success_can_be_told_by_a_member_of_any_kind() {
        for (success, good, bad, senseless) in [
            (json!("/ok"), json!(true), json!(false), json!("true")),
            (json!({ "at": "/ok", "is": 0 }), json!(0), json!(4), json!("0")),
            (
                json!({ "at": "/ok", "is": "SUCCESS" }),
                json!("SUCCESS"),
                json!("FAILURE"),
                json!(null),
            ),
            (json!({ "at": "/ok", "is": false }), json!(false), json!(true), json!(0)),
        ] {
            let changes = answer(json!({ "success": success }));
            let call = |ok: &Value| {
                let body = json!({ "ok": ok, "token": "fake-token", "error": "invalid_client" });
                answered(changes.clone(), 200, &[], &body.to_string())
            };
            call(&good).unwrap();
            assert_eq!(call(&bad).unwrap_err().kind(), ErrorKind::CredentialsRejected, "{success}");
            assert_eq!(
                call(&senseless).unwrap_err().kind(),
                ErrorKind::AnswerMalformed,
                "{success}"
            );
        }
    }

    #[test]
    fn an_error_inside_a_200_is_a_refusal() {
        let mut changes = answer(json!({ "refused_if": "/errors" }));
        changes["refusals"] = json!({ "code": ["/errors/0/code"], "rules": [{ "code": "AUTH", "kind": "credentials_rejected", "remedy": "check the key" }] });
        let body = r#"{"errors":[{"code":"AUTH"}],"token":"fake-token"}"#;
        let error = answered(changes.clone(), 200, &[], body).unwrap_err();
        assert_eq!(
            (error.kind(), error.remedy()),
            (ErrorKind::CredentialsRejected, "check the key")
        );
        assert_eq!(error.vendor_code(), Some("AUTH"));
        for nothing in ["null", "false", "0", "\"\"", "[]", "{}"] {
            let body = format!(r#"{{"errors":{nothing},"token":"fake-token"}}"#);
            answered(changes.clone(), 200, &[], &body).unwrap();
        }
    }

    #[test]
    fn what_rules_leave_open_follows_rfc_6749_and_then_the_status() {
        for (status, body, kind) in [
            (400, r#"{"error":"invalid_client"}"#, ErrorKind::CredentialsRejected),
            (400, r#"{"error":"invalid_scope"}"#, ErrorKind::ScopeRefused),
            (400, r#"{"error":17}"#, ErrorKind::RequestRefused),
            (403, "", ErrorKind::AccessDenied),
            (500, "<html>", ErrorKind::Unavailable),
        ] {
            assert_eq!(answered(json!({}), status, &[], body).unwrap_err().kind(), kind, "{body}");
        }
        let number = json!({ "refusals": { "code": ["/errno"], "rules": [{ "code": "17", "kind": "access_revoked" }] } });
        let error = answered(number, 400, &[], r#"{"errno":17}"#).unwrap_err();
        assert_eq!((error.kind(), error.vendor_code()), (ErrorKind::AccessRevoked, Some("17")));
    }

    #[test]
    fn the_token_says_which_header_it_is_for() {
        let use_ = |header: &str, value: &str| {
            let changes = json!({ "use": { "header": header, "value": value } });
            assert_eq!(read(changes.clone()).unwrap().header(), header);
            answered(changes, 200, &[], r#"{"token":"fake-token","ttl":60}"#).unwrap()
        };
        let token = use_("x-session", "{access_token}");
        assert_eq!((token.header(), token.token_type()), ("x-session", ""));
        assert_eq!(token.authorization().expose_secret(), "fake-token");
        assert_eq!(plain(&token), "fake-token");
        let token = use_("authorization", "Token token=\"{access_token}\"");
        assert_eq!((token.header(), token.token_type()), ("authorization", "Token"));
        assert_eq!(token.authorization().expose_secret(), "Token token=\"fake-token\"");
        assert_eq!(plain(&token), "fake-token");
        let shown = format!("{token:?} {:?}", token.access_token());
        assert!(!shown.contains("fake-token"), "{shown}");
    }

    #[test]
    fn a_token_cannot_leave_what_its_header_has_around_it() {
        let call = |header: &str, value: &str, token: &str| {
            let changes = json!({ "use": { "header": header, "value": value } });
            answered(changes, 200, &[], &json!({ "token": token, "ttl": 60 }).to_string())
        };
        let quoted = "Token token=\"{access_token}\"";
        for (header, value, token) in [
            ("authorization", quoted, "fake\",evil=\"1"),
            ("authorization", quoted, "fake\\"),
            ("x-a", "token={access_token}", "fake,evil=1"),
            ("cookie", "s={access_token}", "fake;admin=1"),
            ("cookie", "{access_token}", "fake;admin=1"),
        ] {
            let error = call(header, value, token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::AnswerMalformed, "{value}: {error}");
            assert!(!error.to_string().contains("fake"), "{error}");
        }
        for value in ["Bearer {access_token}", "{access_token}"] {
            assert_eq!(plain(&call("authorization", value, "fake,token;").unwrap()), "fake,token;");
        }
        call("cookie", "s={access_token}", "fake+/=.token").unwrap();
    }

    #[test]
    fn a_value_cannot_add_a_cookie() {
        let changes = |value: &str| json!({ "request": { "url": "https://a.example/t", "headers": { "cookie": value } } });
        for bad in ["fake; admin=1", "fake,x", "\"fake\"", "fake key", "fake\\"] {
            let error = builder(changes("s={key}; t=1")).set("key", bad).unwrap_err();
            assert_eq!(error.field(), Some("key"), "{bad}");
            let (client, script, _) =
                build(builder(changes("s={key:url}")).set("key", bad).unwrap());
            script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
            client.token().unwrap();
            assert!(
                !script.sent()[0].header("cookie").unwrap().contains([';', ',', '"', ' ', '\\'])
            );
        }
        let (client, script, _) = build(builder(changes("s={key}")).set("key", "fake+/=").unwrap());
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        assert_eq!(script.sent()[0].header("cookie"), Some("s=fake+/="));
    }

    #[test]
    fn a_whole_url_ends_as_its_parameter_says() {
        let changes = json!({
            "parameters": { "token_url": { "kind": "url", "ends_in": "/token" }, "key": {} },
            "request": { "url": "{token_url}", "json": { "key": "{key}" } }
        });
        let error =
            builder(changes.clone()).set("token_url", "https://a.example/other").unwrap_err();
        assert_eq!(error.message(), "token_url does not have the vendor's path");
        assert!(error.remedy().ends_with("/token"), "{error}");
        builder(changes).set("token_url", "https://a.example/x/token").unwrap();
    }

    #[test]
    fn a_refresh_token_that_cannot_be_sent_is_dropped() {
        let changes = json!({
            "answer": { "access_token": "/token", "refresh_token": "/refresh", "expires": { "in": "/ttl", "unit": "seconds" } },
            "refresh": { "request": { "url": "https://a.example/r", "headers": { "x-r": "{refresh_token}" } } }
        });
        let (client, script, clock) = build(builder(changes).set("key", "fake-key").unwrap());
        for _ in 0..2 {
            script.answer(200, r#"{"token":"fake-token","refresh":"f\u00e4ke","ttl":60}"#);
            let token = client.token().unwrap();
            clock.advance(token.lifetime());
        }
        assert!(script.sent().iter().all(|sent| sent.body == r#"{"key":"fake-key"}"#));
    }

    #[test]
    fn scopes_by_another_separator_are_joined_and_split() {
        let changes = json!({
            "scopes": { "separator": ",", "default": ["a"] },
            "request": { "url": "https://a.example/t", "form": { "key": "{key}", "scope": "{scopes}" } },
            "answer": { "access_token": "/token", "scope": "/scope", "expires": { "life": "5m" } }
        });
        let builder = builder(changes).set("key", "fake-key").unwrap();
        let (client, script, _) = build(builder.clone().scopes(["b", "c"]));
        script.answer(200, r#"{"token":"fake-token","scope":"b, c d"}"#);
        assert_eq!(client.token().unwrap().scopes(), ["b", "c", "d"]);
        assert_eq!(script.sent()[0].body, "key=fake-key&scope=b%2Cc");
        let (client, script, _) = build(builder.clone());
        script.answer(200, r#"{"token":"fake-token"}"#);
        assert_eq!(client.token().unwrap().scopes(), ["a"]);
        assert_eq!(script.sent()[0].body, "key=fake-key&scope=a");
        assert_eq!(builder.scopes(["b,c"]).build().unwrap_err().field(), Some("scopes"));
    }
}

mod steps {
    use super::*;

    fn two_steps() -> Value {
        json!({
            "steps": [{
                "request": { "url": "https://login.example/session", "json": { "key": "{key}" } },
                "answer": { "status": [201], "values": { "session": "/session", "practice": "/practice" } }
            }],
            "request": {
                "method": "GET",
                "url": "https://api.example/practices/{practice}/token",
                "headers": { "x-session": "{session}" },
                "query": { "for": "{practice}" }
            }
        })
    }

    fn client() -> (Client, Arc<Script>, Arc<TestClock>) {
        build(builder(two_steps()).set("key", "fake-key").unwrap())
    }

    #[test]
    fn a_value_of_one_answer_goes_into_the_next_request() {
        let (client, script, clock) = client();
        for session in ["fake-session-1", "fake-session-2"] {
            script.answer(201, &format!(r#"{{"session":"{session}","practice":17}}"#));
            script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        }
        let token = client.token().unwrap();
        clock.advance(token.lifetime());
        client.token().unwrap();
        let sent = script.sent();
        assert_eq!(
            sent[1].golden(),
            "GET https://api.example/practices/17/token?for=17\naccept: application/json\nx-session: fake-session-1\n\n\n"
        );
        assert_eq!(sent[3].header("x-session"), Some("fake-session-2"));
        assert_eq!(client.stats().fetches, 4);
    }

    #[test]
    fn what_a_step_answers_is_checked_like_a_token() {
        for (status, body, kind) in [
            (401, r#"{"error":"invalid_client"}"#, ErrorKind::CredentialsRejected),
            (200, r#"{"session":"fake-session","practice":17}"#, ErrorKind::UnexpectedStatus),
            (201, r#"{"session":"fake-session"}"#, ErrorKind::AnswerMalformed),
            (201, r#"{"session":"","practice":17}"#, ErrorKind::AnswerMalformed),
            (201, r#"{"session":{},"practice":17}"#, ErrorKind::AnswerMalformed),
            (201, "<html>", ErrorKind::AnswerNotJson),
        ] {
            let (client, script, _) = client();
            script.answer(status, body);
            let error = client.token_within(Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), kind, "{body}: {error}");
            assert_eq!(error.vendor(), Some("acme"));
            assert_eq!(script.requests(), 1);
        }
    }

    #[test]
    fn a_steps_value_cannot_break_out_of_its_place() {
        for (session, practice) in
            [("fake\\r\\nx-evil: 1", "17"), ("fäke", "17"), ("fake", ".."), ("fake", ".")]
        {
            let (client, script, _) = client();
            script.answer(201, &format!(r#"{{"session":"{session}","practice":"{practice}"}}"#));
            // The built-in transport checks headers; this one must not even get them.
            match client.token_within(Duration::from_millis(50)) {
                Err(error) => assert!(!error.to_string().contains("fake"), "{error}"),
                Ok(_) => panic!("{session} {practice}"),
            }
            assert_eq!(script.requests(), 1, "{session} {practice}");
        }
        let (client, script, _) = client();
        script.answer(201, r#"{"session":"fake","practice":"../a?b=c#d/%2e%2e"}"#);
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        assert!(script.sent()[1].url.starts_with(
            "https://api.example/practices/..%2Fa%3Fb%3Dc%23d%2F%252e%252e/token?for="
        ));
    }

    #[test]
    fn a_steps_value_cannot_break_out_of_basic_or_a_cookie() {
        for (headers, bad, good) in [
            (json!({ "authorization": "Basic {pair}" }), "fake\r\n", "f\u{e4}ke"),
            (json!({ "cookie": "s={session}", "x-p": "{pair}" }), "fake;admin=1", "fake"),
        ] {
            let mut profile = two_steps();
            profile["values"] =
                json!({ "pair": { "basic": { "user": "{session}", "password": "{session}" } } });
            profile["request"]["headers"] = headers;
            for (session, is_good) in [(bad, false), (good, true)] {
                let (client, script, _) =
                    build(builder(profile.clone()).set("key", "fake-key").unwrap());
                script.answer(201, &json!({ "session": session, "practice": 17 }).to_string());
                if is_good {
                    script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
                }
                let result = client.token_within(Duration::from_millis(50));
                assert_eq!(result.is_ok(), is_good, "{session:?}: {result:?}");
                assert_eq!(script.requests(), if is_good { 2 } else { 1 }, "{session:?}");
            }
        }
    }

    #[test]
    fn a_steps_value_is_not_shown_by_a_later_refusal() {
        let (client, script, _) = client();
        script.answer(201, r#"{"session":"fake-session-0123","practice":17}"#);
        script.answer(401, r#"{"error":"fake-session-0123"}"#);
        let error = client.token_within(Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.vendor_code(), None);
        assert!(!error.to_string().contains("fake-session"), "{error}");
    }

    fn discovery() -> Value {
        json!({
            "parameters": { "base_url": { "kind": "url" }, "key": {} },
            "steps": [{
                "request": { "method": "GET", "url": "{base_url}/.well-known/conf" },
                "answer": { "values": { "token_endpoint": { "at": "/token_endpoint", "kind": "url" } } }
            }],
            "values": { "aud": { "text": "{endpoint}" } },
            "request": { "url": "{token_endpoint}/x", "form": { "key": "{key}", "aud": "{aud}" } }
        })
    }

    #[test]
    fn a_discovered_url_is_followed_on_the_same_host_and_below_it() {
        for (found, is_good) in [
            ("https://fhir.example/token", true),
            ("https://auth.fhir.example/token", true),
            ("https://FHIR.example/token", true),
            ("https://evil.example/token", false),
            ("https://evilfhir.example/token", false),
            ("https://fhir.example.evil.example/token", false),
            ("http://fhir.example/token", false),
            ("https://fhir.example:8443/token", false),
            ("https://fhir.example@evil.example/token", false),
            ("https://fhir.example/token?x=", false),
            ("/token", false),
            ("//evil.example/token", false),
        ] {
            let builder = builder(discovery()).set("base_url", "https://fhir.example").unwrap();
            let (client, script, _) = build(builder.set("key", "fake-key").unwrap());
            script.answer(200, &json!({ "token_endpoint": found }).to_string());
            if is_good {
                script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
            }
            let result = client.token_within(Duration::from_millis(50));
            assert_eq!(result.is_ok(), is_good, "{found}: {result:?}");
            let sent = script.sent();
            assert_eq!(sent.len(), if is_good { 2 } else { 1 }, "{found}");
            if is_good {
                assert_eq!(sent[1].url, format!("{}/x", found.replace("FHIR", "fhir")));
                assert!(sent[1].body.contains("aud=https%3A%2F%2F"), "{}", sent[1].body);
            }
        }
    }
}

mod places {
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    use super::*;

    fn percent_decoded(text: &str) -> Option<String> {
        percent_encoding::percent_decode_str(text).decode_utf8().ok().map(|text| text.into_owned())
    }

    fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
        text.strip_prefix(before)?.strip_suffix(after)
    }

    /// Where a value can stand, with other things around it.
    struct Place {
        name: &'static str,
        /// What the parameter says besides.
        parameter: fn() -> Value,
        /// The request and the values of a profile, for a placeholder of this name.
        members: fn(&str) -> Value,
        /// The value as the vendor reads it. `None` where what is around it has changed.
        read: fn(&support::Sent) -> Option<String>,
    }

    const URL: &str = "https://a.example/t";

    fn secret() -> Value {
        json!({ "in_url": true })
    }

    fn header(value: String) -> Value {
        json!({ "request": { "url": URL, "headers": { "x-a": value, "x-canary": "1" } } })
    }

    fn of_header<'s>(sent: &'s support::Sent, before: &str, after: &str) -> Option<&'s str> {
        let names = sent.headers.iter().map(|(name, _)| name.as_str());
        let value = sent.header("x-a")?;
        let is_line =
            value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && value.trim() == value;
        (names.eq(["accept", "x-a", "x-canary"]) && is_line)
            .then(|| between(value, before, after))
            .flatten()
    }

    fn text(content_type: &str, text: &str, name: &str) -> Value {
        let text = text.replace("VALUE", name);
        json!({ "request": { "url": URL, "text": text, "content_type": content_type } })
    }

    fn basic(name: &str, other: &str, percent_encode: bool) -> Value {
        let (user, password) = match other {
            "user" => ("fake-user".to_owned(), format!("{{{name}}}")),
            _ => (format!("{{{name}}}"), "fake-password".to_owned()),
        };
        json!({
            "values": { "pair": { "basic": { "user": user, "password": password, "percent_encode": percent_encode } } },
            "request": { "url": URL, "headers": { "x-a": "Basic {pair}", "x-canary": "1" } }
        })
    }

    fn of_basic(sent: &support::Sent) -> Option<(String, String)> {
        use base64::Engine as _;
        let pair = of_header(sent, "Basic ", "")?;
        let pair = base64::engine::general_purpose::STANDARD.decode(pair).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (user, password) = pair.split_once(':')?;
        Some((user.to_owned(), password.to_owned()))
    }

    fn jwt(part: &str, name: &str) -> Value {
        let key = "fake-key-of-thirty-two-bytes-or-more";
        json!({
            "values": { "signed": { "jwt": { "alg": "HS256", "key": key, part: { "v": format!("{{{name}}}"), "w": 1 } } } },
            "request": { "url": URL, "form": { "a": "{signed}" } }
        })
    }

    fn of_jwt(sent: &support::Sent, part: usize, members: usize) -> Option<String> {
        use base64::Engine as _;
        let part = sent.body.strip_prefix("a=")?.split('.').nth(part)?;
        let part = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).ok()?;
        let part: Value = serde_json::from_slice(&part).ok()?;
        (part.as_object()?.len() == members && part["w"] == 1).then_some(())?;
        Some(part["v"].as_str()?.to_owned())
    }

    /// Names and values as a server reads them.
    fn fields(text: &str) -> Option<Vec<(String, String)>> {
        let decoded = |text: &str| {
            let text = text.replace('+', " ");
            percent_encoding::percent_decode_str(&text)
                .decode_utf8()
                .ok()
                .map(|text| text.into_owned())
        };
        let pairs = text.split('&').map(|pair| pair.split_once('='));
        pairs.map(|pair| Some((decoded(pair?.0)?, decoded(pair?.1)?))).collect()
    }

    /// The value of the first of two fields.
    fn first_field(text: &str) -> Option<String> {
        match <[(String, String); 2]>::try_from(fields(text)?).ok()? {
            [(name, value), (canary, one)]
                if (&*name, &*canary, &*one) == ("n&=\u{e4}", "c", "1") =>
            {
                Some(value)
            }
            _ => None,
        }
    }

    /// What a parser of XML reads; `None` where the text has more than characters.
    fn of_xml(text: &str) -> Option<String> {
        if text.contains(['<', '>', '"', '\'', '\t', '\n', '\r']) {
            return None;
        }
        let mut value = String::new();
        let mut pieces = text.split('&');
        value.push_str(pieces.next()?);
        for piece in pieces {
            let (name, rest) = piece.split_once(';')?;
            value.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => char::from_u32(name.strip_prefix('#')?.parse().ok()?)?,
            });
            value.push_str(rest);
        }
        Some(value)
    }

    /// What a reader of RFC 9110 §5.6.4 reads behind the opening quotation mark, and what follows.
    fn of_quoted(text: &str) -> Option<(String, &str)> {
        let (mut value, mut chars) = (String::new(), text.chars());
        loop {
            match chars.next()? {
                '"' => return Some((value, chars.as_str())),
                '\\' => value.push(chars.next()?),
                c => value.push(c),
            }
        }
    }

    fn json_of(sent: &support::Sent) -> Option<Value> {
        let body: Value = serde_json::from_str(&sent.body).ok()?;
        (body.as_object()?.len() == 2 && body["c"] == 1).then(|| body["a"].clone())
    }

    fn in_json(text: &str, name: &str) -> Value {
        json!({ "request": { "url": URL, "json": { "a": text.replace("VALUE", name), "c": 1 } } })
    }

    const PLACES: &[Place] = &[
        Place {
            name: "a header",
            parameter: secret,
            members: |name| header(format!("{{{name}}}")),
            read: |sent| Some(of_header(sent, "", "")?.to_owned()),
        },
        Place {
            name: "a part of a header",
            parameter: secret,
            members: |name| header(format!("a {{{name}}} z")),
            read: |sent| Some(of_header(sent, "a ", " z")?.to_owned()),
        },
        Place {
            name: "a URL in a header",
            parameter: secret,
            members: |name| header(format!("<https://b.example/?a={{{name}:url}}&c=1>")),
            read: |sent| percent_decoded(of_header(sent, "<https://b.example/?a=", "&c=1>")?),
        },
        Place {
            name: "a cookie",
            parameter: secret,
            members: |name| header(format!("a={{{name}:url}}; c=1")),
            read: |sent| percent_decoded(of_header(sent, "a=", "; c=1")?),
        },
        Place {
            name: "a quoted string of a header",
            parameter: secret,
            members: |name| header(format!("Digest a=\"{{{name}:quoted}}\", c=\"1\"")),
            read: |sent| {
                let (value, rest) = of_quoted(of_header(sent, "Digest a=\"", "")?)?;
                (rest == ", c=\"1\"").then_some(value)
            },
        },
        Place {
            name: "the user of Basic",
            parameter: secret,
            members: |name| basic(name, "password", false),
            read: |sent| {
                of_basic(sent).filter(|(_, it)| it == "fake-password").map(|(user, _)| user)
            },
        },
        Place {
            name: "the password of Basic",
            parameter: secret,
            members: |name| basic(name, "user", false),
            read: |sent| {
                of_basic(sent).filter(|(it, _)| it == "fake-user").map(|(_, password)| password)
            },
        },
        Place {
            name: "the user of Basic, percent-encoded",
            parameter: secret,
            members: |name| basic(name, "password", true),
            read: |sent| {
                let (user, password) = of_basic(sent)?;
                percent_decoded(&user).filter(|_| password == "fake-password")
            },
        },
        Place {
            name: "the password of Basic, percent-encoded",
            parameter: secret,
            members: |name| basic(name, "user", true),
            read: |sent| {
                let (user, password) = of_basic(sent)?;
                percent_decoded(&password).filter(|_| user == "fake-user")
            },
        },
        Place {
            name: "a query",
            parameter: secret,
            members: |name| json!({ "request": { "url": URL, "query": { "n&=\u{e4}": format!("{{{name}}}"), "z": "" } } }),
            read: |sent| {
                let query = sent.url.strip_prefix("https://a.example/t?")?;
                query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#').then_some(())?;
                first_field(&query.replace("&z=", "&c=1"))
            },
        },
        Place {
            name: "a segment of a path",
            parameter: || json!({ "kind": "path_segment", "in_url": true }),
            members: |name| json!({ "request": { "url": format!("https://a.example/a/{{{name}}}/z") } }),
            read: |sent| {
                let segment = between(&sent.url, "https://a.example/a/", "/z")?;
                let is_one =
                    !segment.contains(['/', '?', '#', '\\']) && !matches!(segment, "." | ".." | "");
                percent_decoded(segment).filter(|_| is_one)
            },
        },
        Place {
            name: "a label of a host",
            parameter: || json!({ "kind": "host_label" }),
            members: |name| json!({ "request": { "url": format!("https://{{{name}}}.a.example/t") } }),
            read: |sent| {
                let label = between(&sent.url, "https://", ".a.example/t")?;
                (!label.contains(['.', '/', '@', ':', '?', '#'])).then(|| label.to_owned())
            },
        },
        Place {
            name: "a host",
            parameter: || json!({ "kind": "host" }),
            members: |name| json!({ "request": { "url": format!("https://{{{name}}}/t") } }),
            read: |sent| {
                let host = between(&sent.url, "https://", "/t")?;
                (!host.contains(['/', '@', '?', '#', '\\'])).then(|| host.to_owned())
            },
        },
        Place {
            name: "a form",
            parameter: secret,
            members: |name| json!({ "request": { "url": URL, "form": { "n&=\u{e4}": format!("{{{name}}}"), "z": "" } } }),
            read: |sent| first_field(&sent.body.replace("&z=", "&c=1")),
        },
        Place {
            name: "a string of JSON",
            parameter: secret,
            members: |name| in_json("{VALUE}", name),
            read: |sent| Some(json_of(sent)?.as_str()?.to_owned()),
        },
        Place {
            name: "a part of a string of JSON",
            parameter: secret,
            members: |name| in_json("a {VALUE} z", name),
            read: |sent| Some(between(json_of(sent)?.as_str()?, "a ", " z")?.to_owned()),
        },
        Place {
            name: "JSON in a string of JSON",
            parameter: secret,
            members: |name| in_json(r#"{{"a":"{VALUE:json}","c":1}}"#, name),
            read: |sent| {
                let inner: Value = serde_json::from_str(json_of(sent)?.as_str()?).ok()?;
                (inner.as_object()?.len() == 2 && inner["c"] == 1).then_some(())?;
                Some(inner["a"].as_str()?.to_owned())
            },
        },
        Place {
            name: "GraphQL in a string of JSON",
            parameter: secret,
            members: |name| in_json("mutation {{ a(b: \"{VALUE:json}\") {{ c }} }}", name),
            read: |sent| {
                serde_json::from_str(between(
                    json_of(sent)?.as_str()?,
                    "mutation { a(b: ",
                    ") { c } }",
                )?)
                .ok()
            },
        },
        Place {
            name: "a number of JSON",
            parameter: || json!({ "kind": "integer" }),
            members: |name| in_json("{VALUE}", name),
            // What a step gives is a string there, like everything whose kind is not known.
            read: |sent| match json_of(sent)? {
                Value::Number(number) => Some(number.to_string()),
                other => Some(other.as_str()?.to_owned()),
            },
        },
        Place {
            name: "an attribute of XML",
            parameter: secret,
            members: |name| text("text/xml", "<a b=\"{VALUE:xml}\" c=\"1\"/>", name),
            read: |sent| of_xml(between(&sent.body, "<a b=\"", "\" c=\"1\"/>")?),
        },
        Place {
            name: "an attribute of XML in single quotes",
            parameter: secret,
            members: |name| text("text/xml", "<a b='{VALUE:xml}' c='1'/>", name),
            read: |sent| of_xml(between(&sent.body, "<a b='", "' c='1'/>")?),
        },
        Place {
            name: "the text of XML",
            parameter: secret,
            members: |name| text("text/xml", "<a>{VALUE:xml}</a>", name),
            read: |sent| of_xml(between(&sent.body, "<a>", "</a>")?),
        },
        Place {
            name: "a text of JSON",
            parameter: secret,
            members: |name| text("application/vnd.a+json", r#"{{"a":"{VALUE:json}","c":1}}"#, name),
            read: |sent| Some(json_of(sent)?.as_str()?.to_owned()),
        },
        Place {
            name: "a text of GraphQL",
            parameter: secret,
            members: |name| {
                text("application/graphql", "mutation {{ a(b: \"{VALUE:json}\") }}", name)
            },
            read: |sent| serde_json::from_str(between(&sent.body, "mutation { a(b: ", ") }")?).ok(),
        },
        Place {
            name: "a text of a form",
            parameter: secret,
            members: |name| {
                text("application/x-www-form-urlencoded", "n%26%3D%C3%A4={VALUE:url}&c=1", name)
            },
            read: |sent| first_field(&sent.body),
        },
        Place {
            name: "the header of a JWT",
            parameter: secret,
            members: |name| jwt("header", name),
            read: |sent| of_jwt(sent, 0, 4),
        },
        Place {
            name: "a claim of a JWT",
            parameter: secret,
            members: |name| jwt("claims", name),
            read: |sent| of_jwt(sent, 1, 5),
        },
    ];

    /// Where a value comes from.
    #[derive(Clone, Copy, Debug)]
    enum Origin {
        Parameter,
        Step,
        Scopes(&'static str),
        /// The refresh token of an earlier answer.
        Answer,
    }

    /// The profile with the value at that place, or what the reader says against it.
    fn profile_of(place: &Place, origin: Origin, is_derived: bool) -> Result<Profile, Error> {
        let name = match origin {
            Origin::Parameter | Origin::Step => "v",
            Origin::Scopes(_) => "scopes",
            Origin::Answer => "refresh_token",
        };
        let mut profile = (place.members)(if is_derived { "a_text" } else { name });
        if is_derived {
            profile["values"]["a_text"] = json!({ "text": format!("{{{name}}}") });
        }
        profile["caretoken"] = json!(1);
        profile["name"] = json!("acme");
        profile["answer"] = json!({ "access_token": "/token", "expires": { "life": "1m" } });
        match origin {
            Origin::Parameter => profile["parameters"] = json!({ "v": (place.parameter)() }),
            Origin::Step => {
                let request = json!({ "url": "https://a.example/step" });
                profile["steps"] =
                    json!([{ "request": request, "answer": { "values": { "v": "/v" } } }]);
            }
            Origin::Scopes(separator) => profile["scopes"] = json!({ "separator": separator }),
            Origin::Answer => {
                profile["answer"]["refresh_token"] = json!("/v");
                let request = profile["request"].take();
                profile["refresh"] = json!({ "request": request });
                profile["request"] = json!({ "url": "https://a.example/first" });
            }
        }
        Profile::from_json(profile.to_string())
    }

    /// The request with the value at that place; `None` where it was refused before it was sent.
    fn sent_with(profile: Profile, origin: Origin, values: &[String]) -> Option<support::Sent> {
        let (script, clock) = (Script::new(), TestClock::new());
        let mut builder = Client::builder(profile).transport(script.clone()).clock(clock.clone());
        match origin {
            Origin::Parameter => {
                builder = match builder.set("v", values[0].as_str()) {
                    Ok(builder) => builder,
                    Err(error) => {
                        assert_eq!(error.field(), Some("v"));
                        return None;
                    }
                }
            }
            Origin::Scopes(_) => builder = builder.scopes(values),
            Origin::Step | Origin::Answer => {}
        }
        let client = builder.build().ok()?;
        let body = json!({ "v": values[0], "token": "fake-token" }).to_string();
        let before = match origin {
            Origin::Parameter | Origin::Scopes(_) => 0,
            Origin::Step | Origin::Answer => 1,
        };
        script.answer(200, &body);
        script.answer(200, &body);
        let mut result = client.token_within(Duration::from_millis(100));
        if let (Origin::Answer, Ok(token)) = (origin, &result) {
            clock.advance(token.lifetime());
            result = client.token_within(Duration::from_millis(100));
        }
        let mut sent = script.sent();
        assert_eq!(sent.len(), before + usize::from(result.is_ok()), "{result:?}");
        // A renewal that cannot be sent is dropped, and the login is sent instead.
        let is_dropped = matches!(origin, Origin::Answer)
            && sent.last().is_some_and(|sent| sent.url.ends_with("/first"));
        result.ok().and_then(|_| sent.pop()).filter(|_| !is_dropped)
    }

    /// Values that try to break out, and any others.
    fn value() -> impl Strategy<Value = String> {
        let evil = prop::sample::select(vec![
            "\"",
            "\\",
            "\\\"",
            "'",
            "<",
            ">",
            "&",
            "&amp;",
            "{",
            "}",
            "{key}",
            "{{",
            "\r\n",
            "\n",
            "\0",
            "%",
            "%00",
            "%2F",
            "/",
            "../",
            "?",
            "#",
            "&canary=2",
            "=",
            ";",
            ",",
            " ",
            "\t",
            "@evil.example",
            ":8443",
            ".evil.example",
            "ä",
            "\u{2028}",
            "]]>",
            "\"}",
            "*/",
            "--",
        ]);
        prop_oneof![
            prop::collection::vec(evil, 1..5).prop_map(|parts| parts.concat()),
            "[ -~]{1,12}",
            "\\PC{1,8}",
        ]
    }

    const ORIGINS: &[Origin] = &[
        Origin::Parameter,
        Origin::Step,
        Origin::Answer,
        Origin::Scopes(" "),
        Origin::Scopes(","),
        Origin::Scopes(", "),
        Origin::Scopes("&"),
        Origin::Scopes("\""),
        Origin::Scopes("\\"),
        Origin::Scopes("'"),
        Origin::Scopes("<"),
        Origin::Scopes("%"),
        Origin::Scopes("/"),
        Origin::Scopes(":"),
    ];

    /// Without this, a place that the reader refuses would never be looked at.
    #[test]
    fn a_plain_value_reaches_each_place_from_each_origin() {
        for place in PLACES {
            for origin in ORIGINS {
                for is_derived in [false, true] {
                    let is_of_url = place.name.contains("path") || place.name.contains("host");
                    let is_made_before = place.name.contains("Basic") || place.name.contains("JWT");
                    let cannot = match origin {
                        Origin::Parameter => is_derived && is_of_url,
                        Origin::Step => is_derived && is_of_url || place.name.contains("host"),
                        Origin::Scopes(_) => is_of_url,
                        // No value is made of it, and it does not stand in a URL.
                        Origin::Answer => {
                            is_derived || is_of_url || is_made_before || place.name == "a query"
                        }
                    };
                    let profile = profile_of(place, *origin, is_derived);
                    assert_eq!(
                        profile.is_err(),
                        cannot,
                        "{} {origin:?} {is_derived}: {profile:?}",
                        place.name
                    );
                    let Ok(profile) = profile else { continue };
                    let plain = if place.name.contains("number") { "17" } else { "fake" };
                    let sent = sent_with(profile, *origin, &[plain.to_owned()]);
                    let read = sent.as_ref().and_then(|sent| (place.read)(sent));
                    assert_eq!(
                        read.as_deref(),
                        Some(plain),
                        "{} {origin:?} {is_derived}: {sent:?}",
                        place.name
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, rng_seed: RngSeed::Fixed(11), ..ProptestConfig::default() })]

        #[test]
        fn no_value_breaks_out_of_its_place(
            place in prop::sample::select((0..PLACES.len()).collect::<Vec<_>>()),
            origin in prop::sample::select(ORIGINS),
            is_derived in any::<bool>(),
            value in value(),
            scopes in prop::collection::vec("[!#-\\[\\]-~]{1,8}", 1..4),
        ) {
            let place = &PLACES[place];
            let Ok(profile) = profile_of(place, origin, is_derived) else { return Ok(()) };
            let (values, expected) = match origin {
                Origin::Scopes(separator) => { let joined = scopes.join(separator); (scopes, joined) }
                _ => (vec![value.clone()], value),
            };
            let Some(sent) = sent_with(profile, origin, &values) else { return Ok(()) };
            // Names of hosts have no case.
            let expected = if place.name.contains("host") { expected.to_ascii_lowercase() } else { expected };
            prop_assert_eq!((place.read)(&sent), Some(expected), "{}, {:?}: {:?}", place.name, origin, sent);
        }
    }

    /// The scopes as an array of JSON are not joined.
    #[test]
    fn scopes_of_an_array_stay_apart() {
        let changes = json!({
            "scopes": { "separator": "," },
            "request": { "url": "https://a.example/t", "json": { "key": "{key}", "scope": ["{scopes}"] } }
        });
        let scopes = ["a/b.*", "c:d", "{e}", "'f'", "<g>", "h&i=j"];
        let (client, script, _) =
            build(builder(changes).set("key", "fake-key").unwrap().scopes(scopes));
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        let body: Value = serde_json::from_str(&script.sent()[0].body).unwrap();
        assert_eq!(body, json!({ "key": "fake-key", "scope": scopes }));
    }

    #[test]
    fn a_form_and_a_text_body_keep_their_values_too() {
        let evil = "a&b=c\"<>+ %\\ä";
        let form = json!({ "request": { "url": "https://a.example/t", "form": { "k": "x{key}y", "z": "1" } } });
        let (client, script, _) = build(builder(form).set("key", evil).unwrap());
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        assert_eq!(script.sent()[0].body, "k=xa%26b%3Dc%22%3C%3E%2B+%25%5C%C3%A4y&z=1");

        let text = json!({ "request": {
            "url": "https://a.example/t", "content_type": "text/xml; charset=utf-8",
            "text": "<l k=\"{key:xml}\">{{}}</l>"
        } });
        let (client, script, _) = build(builder(text).set("key", evil).unwrap());
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        let sent = &script.sent()[0];
        assert_eq!(sent.header("content-type"), Some("text/xml; charset=utf-8"));
        assert_eq!(sent.body, "<l k=\"a&amp;b=c&quot;&lt;&gt;+ %\\ä\">{}</l>");
    }

    #[test]
    fn a_host_that_the_caller_gives_is_one() {
        let host = |kind: &str, url: &str, value: &str| {
            let changes = json!({
                "parameters": { "key": {}, "host": { "kind": kind } },
                "request": { "url": url, "json": { "key": "{key}" } }
            });
            let builder = builder(changes).set("key", "fake-key").unwrap();
            builder.set("host", value).and_then(|builder| builder.transport(Script::new()).build())
        };
        for good in ["api.example", "api.example:8443", "192.0.2.1", "[2001:db8::1]:443"] {
            host("host", "https://{host}/t", good).unwrap();
        }
        for bad in [
            "api.example/x",
            "a@b.example",
            "https://a.example",
            "a b",
            "a#b",
            "a?b",
            "a\\b",
            "",
            "a:0",
            "a:b",
        ] {
            assert_eq!(
                host("host", "https://{host}/t", bad).unwrap_err().field(),
                Some("host"),
                "{bad}"
            );
        }
        for bad in ["a.b", "a/b", "a@b", "-a", "a-", "", "ä", "a:1", "a%2e"] {
            let error = host("host_label", "https://{host}.vendor.example/t", bad).unwrap_err();
            assert_eq!(error.field(), Some("host"), "{bad}");
        }
        // The domain must be the file's own.
        for url in ["https://vendor.{host}/t", "https://{host}/t", "https://a{host}/t"] {
            let changes = json!({
                "parameters": { "key": {}, "host": { "kind": "host_label" } },
                "request": { "url": url, "json": { "key": "{key}" } }
            });
            assert!(read(changes).is_err(), "{url}");
        }
    }
}

mod values {
    use super::*;

    #[test]
    fn a_value_is_made_anew_for_each_attempt_and_kept_within_it() {
        let changes = json!({
            "values": {
                "id": { "uuid": true },
                "s": { "now": "seconds", "number": true },
                "a_ms": { "now": "milliseconds" },
                "day": { "now": "rfc3339" },
                "date": { "now": "http_date" },
                "hash": { "sha256": "{key}|{a_ms}", "as": "base64" },
                "mac": { "hmac": { "hash": "sha512", "key": "{key}", "text": "{a_ms}" } }
            },
            "request": {
                "url": "https://a.example/t",
                "headers": { "x-id": "{id}", "x-date": "{date}", "x-hash": "{hash}", "x-mac": "{mac}" },
                "json": { "id": "{id}", "s": "{s}", "ms": "{a_ms}", "day": "{day}" }
            }
        });
        let (client, script, clock) = build(builder(changes).set("key", "fake-key").unwrap());
        for _ in 0..2 {
            script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
            clock.advance(client.token().unwrap().lifetime());
        }
        let sent = script.sent();
        let id = |index: usize| sent[index].header("x-id").unwrap();
        assert_ne!(id(0), id(1));
        let body: Value = serde_json::from_str(&sent[0].body).unwrap();
        assert_eq!(
            body,
            json!({ "id": id(0), "s": 1_700_000_000, "ms": "1700000000000", "day": "2023-11-14T22:13:20Z" })
        );
        assert_eq!(sent[0].header("x-date"), Some(NOW_DATE));
        assert_ne!(sent[0].header("x-mac"), sent[1].header("x-mac"));
        assert_eq!(sent[0].header("x-mac").unwrap().len(), 128);
        let digest = ring::digest::digest(&ring::digest::SHA256, b"fake-key|1700000000000");
        use base64::Engine as _;
        let digest = base64::engine::general_purpose::STANDARD.encode(digest);
        assert_eq!(sent[0].header("x-hash"), Some(digest.as_str()));
    }

    #[test]
    fn what_is_absent_is_left_out() {
        let changes = json!({
            "parameters": { "key": {}, "extra": { "optional": true }, "number": { "kind": "integer", "optional": true } },
            "values": { "either": { "text": ["{extra}", "{key}"] } },
            "request": {
                "url": "https://a.example/t",
                "headers": { "x-extra": "a {extra}", "x-either": "{either}" },
                "json": { "key": "{key}", "extra": "{extra}", "list": ["{extra}", "{key}"], "in": { "number": "{number}" } }
            }
        });
        let builder = builder(changes).set("key", "fake-key").unwrap();
        let (client, script, _) = build(builder.clone());
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        let sent = &script.sent()[0];
        assert_eq!(sent.body, r#"{"in":{},"key":"fake-key","list":["fake-key"]}"#);
        assert_eq!((sent.header("x-extra"), sent.header("x-either")), (None, Some("fake-key")));
        let builder = builder.set("extra", "more").unwrap().set("number", "-17").unwrap();
        let (client, script, _) = build(builder);
        script.answer(200, r#"{"token":"fake-token","ttl":60}"#);
        client.token().unwrap();
        let sent = &script.sent()[0];
        assert_eq!(
            sent.body,
            r#"{"extra":"more","in":{"number":-17},"key":"fake-key","list":["more","fake-key"]}"#
        );
        assert_eq!(
            (sent.header("x-extra"), sent.header("x-either")),
            (Some("a more"), Some("more"))
        );
    }

    #[test]
    fn an_integer_is_one_and_a_choice_is_chosen() {
        let changes = json!({
            "parameters": { "key": {}, "n": { "kind": "integer" }, "c": { "kind": "choice", "choices": ["a", "b"], "default": "a" } },
            "request": { "url": "https://a.example/t", "json": { "key": "{key}", "n": "{n}", "c": "{c}" } }
        });
        for bad in ["", "1.5", "01", "-0", "1e3", "0x1", " 1", "1,\"a\":2", "1234567890123456789"] {
            assert_eq!(
                builder(changes.clone()).set("n", bad).unwrap_err().field(),
                Some("n"),
                "{bad}"
            );
        }
        let error = builder(changes.clone()).set("c", "A").unwrap_err();
        assert_eq!(error.remedy(), "use one of: a, b");
        builder(changes).set("n", "0").unwrap().set("c", "b").unwrap();
    }
}

/// Nothing that a file says can do more than ask for a token where it says so.
mod hostile {
    use super::*;

    /// Refuses every request that is not https to a host that ends in `.acme.example`.
    struct Guard;

    impl Transport for Guard {
        fn send(
            &self,
            request: &Request,
            _: &caretoken::transport::Attempt,
        ) -> Result<Response, Error> {
            assert!(
                request.url().as_str().starts_with("https://api.acme.example/"),
                "{}",
                request.url()
            );
            Ok(Response::new(200, &[], SecretBuf::from(&br#"{"token":"fake-token","ttl":60}"#[..])))
        }
    }

    #[test]
    fn a_profile_knows_no_other_clients_secrets() {
        let one = builder(json!({})).set("key", "fake-key-of-one").unwrap();
        let one = one.transport(Arc::new(Guard)).build().unwrap();
        one.token().unwrap();
        // The same name, and parameters of the same names.
        let (other, script, _) = build(builder(json!({})).set("key", "fake-key-of-other").unwrap());
        script.answer(200, r#"{"token":"fake-other","ttl":60}"#);
        assert_eq!(plain(&other.token().unwrap()), "fake-other");
        assert!(!script.sent()[0].body.contains("of-one"));
        assert_eq!(plain(&one.token().unwrap()), "fake-token");
    }

    #[test]
    fn there_are_no_words_for_tls_proxies_and_logs() {
        for word in [
            "tls",
            "proxy",
            "redirects",
            "log",
            "roots",
            "verify",
            "insecure",
            "settings",
            "timeout",
        ] {
            let error = read(json!({ word: true })).unwrap_err();
            assert!(error.message().contains("there is no such member"), "{word}: {error}");
            let mut request = profile(json!({}));
            request["request"][word] = json!(true);
            assert!(Profile::from_json(request.to_string()).is_err(), "{word}");
        }
    }

    #[test]
    fn what_a_file_says_of_itself_shows_no_secret_and_breaks_no_line() {
        for text in ["two\nlines", "\u{1b}[2J", ""] {
            for member in ["title", "documentation"] {
                assert!(read(json!({ member: text })).is_err(), "{member} {text:?}");
            }
            let rules = json!([{ "status": 401, "kind": "access_denied", "remedy": text }]);
            assert!(read(json!({ "refusals": { "rules": rules } })).is_err(), "{text:?}");
        }
        // No placeholder has a meaning in a remedy.
        let rules = json!([{ "status": 401, "kind": "access_denied", "remedy": "ask for {key}" }]);
        let error = answered(json!({ "refusals": { "rules": rules } }), 401, &[], "").unwrap_err();
        assert_eq!(error.remedy(), "ask for {key}");
    }

    #[test]
    fn a_client_certificate_is_asked_for_where_the_file_says_so() {
        let changes = json!({ "client_certificate": "required" });
        assert!(read(changes.clone()).unwrap().needs_client_certificate());
        assert!(!read(json!({})).unwrap().needs_client_certificate());
        let builder = builder(changes).set("key", "fake-key").unwrap();
        let error = builder.clone().build().unwrap_err();
        assert_eq!(error.field(), Some("client_cert_pem"));
    }
}
