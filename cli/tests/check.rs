//! `caretoken profile check`: what is wrong with a profile, the requests it makes, and what it reads.

mod support;

use std::fs;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use caretoken_sandbox::Vendor;
use serde_json::{Value as Json, json};
use support::{Run, Scene, program, root, run};
use tempfile::TempDir;

/// The moment of the golden files.
const NOW: &str = "2023-11-14T22:13:20Z";

fn golden(file: &str) -> Option<String> {
    fs::read_to_string(root().join("tests/golden").join(file)).ok()
}

fn table(file: &str) -> Json {
    serde_json::from_str(&golden(file).unwrap()).unwrap()
}

fn example(name: &str) -> String {
    root().join(format!("profiles/examples/{name}.json")).to_str().unwrap().to_owned()
}

fn examples() -> Vec<String> {
    let files = fs::read_dir(root().join("profiles/examples")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> =
        names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    names.sort();
    names
}

fn check(arguments: &[&str]) -> Run {
    run(program().args(["profile", "check"]).args(arguments))
}

/// The section of a report that begins with this line.
#[track_caller]
fn section<'r>(report: &'r str, title: &str) -> &'r str {
    let start = format!("---- {title} ----\n");
    let rest = report.split(&start).nth(1).unwrap_or_else(|| panic!("no {title} in {report}"));
    &rest[..rest.find("\n----").unwrap() + 1]
}

fn request<'r>(report: &'r str, name: &str) -> &'r str {
    section(report, &format!("{name}, with made-up values"))
}

/// The sample answers of an example, as files: those of its steps, then that of the token request.
fn answers(name: &str, directory: &TempDir) -> Vec<PathBuf> {
    let steps = (1..).map(|step| format!("examples/{name}.step{step}"));
    let steps: Vec<_> =
        steps.take_while(|step| golden(&format!("{step}.request")).is_some()).collect();
    let files = steps.into_iter().chain([format!("examples/{name}")]);
    files
        .map(|file| {
            if golden(&format!("{file}.answer.json")).is_some() {
                return root().join("tests/golden").join(format!("{file}.answer.json"));
            }
            // Headers, an empty line and the body: all but the first line of a head.
            let text = golden(&format!("{file}.answer")).unwrap();
            let path = directory.path().join(file.replace('/', "-"));
            let (head, body) = match text.strip_prefix('\n') {
                Some(body) => ("", body),
                None => text.split_once("\n\n").unwrap_or((text.trim_end(), "")),
            };
            let gap = if head.is_empty() { "" } else { "\r\n" };
            let head = head.replace('\n', "\r\n");
            fs::write(&path, format!("HTTP/1.1 200 OK\r\n{head}{gap}\r\n{body}")).unwrap();
            path
        })
        .collect()
}

#[test]
fn every_profile_shows_all_its_requests_without_a_sample() {
    let compiled_in = run(program().args(["profile", "list", "--json"])).json();
    let names = compiled_in.as_array().unwrap().iter();
    let mut profiles: Vec<_> = names.map(|row| row["name"].as_str().unwrap().to_owned()).collect();
    profiles.extend(examples().iter().map(|name| example(name)));
    assert!(profiles.len() > 20);
    for profile in profiles {
        let report = check(&[&profile]).success();
        let text = match profile.ends_with(".json") {
            true => fs::read_to_string(&profile).unwrap(),
            false => run(program().args(["profile", "show", &profile])).success(),
        };
        let definition: Json = serde_json::from_str(&text).unwrap();
        let steps = definition["steps"].as_array().map_or(0, Vec::len);
        let refresh = usize::from(definition.get("refresh").is_some());
        let requests = report.matches(", with made-up values ----\n").count();
        assert_eq!(requests, steps + 1 + refresh, "{report}");
        assert!(report.contains("Nothing was sent."), "{report}");
    }
}

/// What the check is told for an example, so that its request becomes that of the golden file.
struct Told {
    arguments: Vec<String>,
    /// Secrets of the golden files, and what the check makes up in their place; the longest first.
    made_up: Vec<(String, String)>,
    /// Where the answers are.
    _directory: TempDir,
}

fn told(name: &str, profile: &Json) -> Told {
    let directory = TempDir::new().unwrap();
    let values = &table("examples/values.json")[name];
    let parameters = profile["parameters"].as_object();
    let mut arguments = vec!["--at".to_owned(), NOW.to_owned()];
    for answer in answers(name, &directory) {
        arguments.extend(["--answer".to_owned(), answer.to_str().unwrap().to_owned()]);
    }
    let mut made_up = Vec::new();
    for (parameter, known) in parameters.into_iter().flatten() {
        let is_public =
            known["secret"] == false || ["url", "choice"].map(Json::from).contains(&known["kind"]);
        match values[parameter].as_str() {
            Some(value) if is_public => {
                arguments.extend(["--set".to_owned(), format!("{parameter}={value}")]);
            }
            Some(value) => {
                let fake = format!("fake-{}", parameter.replace('_', "-"));
                made_up.push((value.replace('@', "%40"), fake.clone()));
                made_up.push((value.to_owned(), fake));
            }
            None if known["optional"] == true => {
                arguments.extend(["--without".to_owned(), parameter.clone()]);
            }
            None => {}
        }
    }
    if let Some(scopes) = values["scopes"].as_array() {
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
        arguments.extend(["--set".to_owned(), format!("scopes={}", scopes.join(" "))]);
    } else if profile["scopes"].is_object() && profile["scopes"]["default"].is_null() {
        arguments.extend(["--without".to_owned(), "scopes".to_owned()]);
    }
    // HTTP Basic.
    for user in ["username", "email"] {
        if let (Some(name), Some(password)) = (values[user].as_str(), values["password"].as_str()) {
            let pair = STANDARD.encode(format!("{name}:{password}"));
            made_up.push((pair, STANDARD.encode(format!("fake-{user}:fake-password"))));
        }
    }
    made_up.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    made_up.dedup();
    Told { arguments, made_up, _directory: directory }
}

#[test]
fn the_requests_are_those_of_the_golden_files() {
    let (mut same, mut compared) = (Vec::new(), 0);
    for name in examples() {
        let path = example(&name);
        let profile: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let Told { arguments, made_up, _directory } = told(&name, &profile);
        let arguments = [&path].into_iter().chain(&arguments).map(String::as_str);
        let report = check(&arguments.collect::<Vec<_>>()).success();
        let steps = profile["steps"].as_array().map_or(0, Vec::len);
        let mut parts: Vec<_> = (1..=steps)
            .map(|step| (format!("step {step} of {steps}"), format!(".step{step}")))
            .collect();
        parts.push(("token request".to_owned(), String::new()));
        if profile.get("refresh").is_some() {
            parts.push(("refresh request".to_owned(), ".refresh".to_owned()));
        }
        for (part, suffix) in parts {
            let mut expected = golden(&format!("examples/{name}{suffix}.request")).unwrap();
            for (value, fake) in &made_up {
                // Marked, so that no other value is found in it.
                expected = expected.replace(value.as_str(), &format!("\0{fake}"));
            }
            compared += 1;
            if request(&report, &part) == expected.replace('\0', "") {
                same.push(format!("{name}{suffix}"));
            }
        }
    }
    // In the others a value is signed, or escaped for a language inside JSON.
    let is_signed = |name: &String| golden(&format!("examples/{name}.assertion.json")).is_some();
    let mut other: Vec<_> = examples().into_iter().filter(is_signed).collect();
    other.extend(["semble", "spike"].map(str::to_owned));
    assert_eq!(same.len(), compared - other.len(), "{same:?}");
    assert!(!same.iter().any(|name| other.contains(name)) && compared > 19, "{same:?}");
}

#[test]
fn the_tokens_are_those_of_the_samples() {
    let expected = table("examples/expected.json");
    for name in examples() {
        let path = example(&name);
        let profile: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let Told { arguments, _directory, .. } = told(&name, &profile);
        let arguments = [&path, "--show"].into_iter().chain(arguments.iter().map(String::as_str));
        let report = check(&arguments.collect::<Vec<_>>()).success();
        let report = report.split("This would be a token:\n").nth(1).unwrap();
        let expected = &expected[&name];
        let line = |label: &str| {
            let rest = report.split(&format!("  {label:<14} ")).nth(1);
            rest.unwrap_or_else(|| panic!("no {label} in {report}")).lines().next().unwrap()
        };
        let (header, value) = line("header").split_once(": ").unwrap();
        assert_eq!(header.to_lowercase(), expected["header"].as_str().unwrap(), "{name}");
        assert_eq!(value, expected["authorization"], "{name}");
        match expected["life_s"].as_u64() {
            None => assert_eq!(line("life"), "until it is refused", "{name}"),
            Some(life) => {
                let end = jiff::Timestamp::from_second(1_700_000_000 + life as i64).unwrap();
                // The answer of one has a date of its own.
                let is_there = line("life").contains(&format!("until {end:.3}"));
                assert!(is_there, "{name}: {}", line("life"));
            }
        }
        let scopes = expected["scopes"].as_array().unwrap();
        let scopes: Vec<_> = scopes.iter().map(|scope| scope.as_str().unwrap()).collect();
        if !scopes.is_empty() {
            assert_eq!(line("scopes"), scopes.join(" "), "{name}");
        }
        for (extra, value) in expected["extras"].as_object().unwrap() {
            let line = format!("  extra          {extra}: {}\n", value.as_str().unwrap());
            assert!(report.contains(&line), "{line} in {report}");
        }
        assert_eq!(report.contains("refresh token "), !expected["refresh_token"].is_null());
    }
}

/// A file with a profile in it.
struct Profile {
    directory: TempDir,
    path: String,
}

impl Profile {
    fn new(text: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("acme.json").to_str().unwrap().to_owned();
        fs::write(&path, text).unwrap();
        Profile { directory, path }
    }

    /// The smallest profile with some members changed or added.
    fn with(members: Json) -> Self {
        let mut profile = json!({
            "caretoken": 1,
            "name": "acme",
            "parameters": { "key": {} },
            "request": { "url": "https://api.acme.example/login", "json": { "key": "{key}" } },
            "answer": { "access_token": "/token", "expires": { "in": "/ttl", "unit": "seconds" } }
        });
        for (name, member) in members.as_object().unwrap() {
            profile[name] = member.clone();
        }
        Profile::new(&profile.to_string())
    }

    fn answer(&self, name: &str, text: &str) -> String {
        let path = self.directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn check(&self, arguments: &[&str]) -> Run {
        check(&[&[self.path.as_str()], arguments].concat())
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place_and_what_would_be_right() {
    for (text, place, problem, remedy) in [
        ("{", ":1:1: ", "the text ends in the middle of its JSON", "close what is open"),
        ("{\n  \"caretoken\": 2\n}", ":2:16: ", "/caretoken: this version", "write 1"),
        (
            "{ \"caretoken\": 1, \"name\": \"acme\",\n  \"requst\": {} }",
            ":2:3: ",
            "/requst: there is no such member",
            "did you mean request?",
        ),
        ("\u{feff}{}", ":1:1: ", "is missing", "caretoken"),
    ] {
        let profile = Profile::new(text);
        let error = profile.check(&[]).failure(65);
        let start = format!("caretoken: {}{place}", profile.path);
        assert!(error.starts_with(&start), "{error}");
        let (problem_line, to_do) = error.split_once('\n').unwrap();
        assert!(problem_line.contains(problem) && to_do.contains(remedy), "{error}");
    }
    let error = Profile::new(&" ".repeat(70_000)).check(&[]).failure(65);
    assert!(error.contains("is larger than 64 KiB"), "{error}");
    let error = check(&["absent/acme.json"]).failure(74);
    assert!(error.contains("absent/acme.json cannot be read"), "{error}");
    // `token` says the same.
    let profile = Profile::new("{");
    let error = run(program().args(["token", "--profile", &profile.path])).failure(65);
    assert!(error.contains("acme.json:1:1: "), "{error}");
}

/// The sandbox expects what the check makes up.
#[test]
fn what_is_shown_is_what_arrives() {
    for vendor in Vendor::ALL {
        let scene = Scene::new(vendor);
        let mut command = program();
        command.arg("token").args(scene.way());
        for (name, _) in scene.sandbox.credentials(vendor) {
            let fake = format!("fake-{}", name.replace('_', "-"));
            assert!(scene.sandbox.set_credential(vendor, name, &fake));
            command.env(scene.variable(name), fake);
        }
        let base_url = format!("base_url={}", scene.sandbox.base_url(vendor));
        let mut arguments = vec![vendor.name(), "--set", &base_url];
        let stored = scene.path("refresh-token");
        match vendor {
            Vendor::Parchment => {
                let scopes = ["--set", "scopes=create:patient read:patient"];
                command.args(scopes);
                arguments.extend(scopes);
                arguments.extend(["--without", "authorization_bearer"]);
            }
            Vendor::Ehealth => {
                command.args(["--store-refresh-token", &stored]);
            }
            _ => {}
        }
        let report = check(&arguments).success();
        let shown = request(&report, "token request");
        let Run { code, err, .. } = run(&mut command);
        assert_eq!(code, Some(0), "{err}");

        let arrived = scene.sandbox.last_request(vendor).unwrap();
        let (head, body) = shown.strip_suffix('\n').unwrap().split_once("\n\n").unwrap();
        assert_eq!(body.as_bytes(), arrived.body, "{shown}");
        let (line, headers) = head.split_once('\n').unwrap();
        let url = format!("{}{}", scene.sandbox.origin(), arrived.path);
        assert_eq!(line, format!("{} {url}", arrived.method));
        for header in headers.lines() {
            let (name, value) = header.split_once(": ").unwrap();
            let is_it = |(of, other): &(String, String)| of == name && other == value;
            assert!(arrived.headers.iter().any(is_it), "{header} in {arrived:?}");
        }
        // Besides those, what the report says that the transport adds.
        let added = ["host", "user-agent", "content-length"];
        for (name, _) in &arrived.headers {
            let is_shown = headers.lines().any(|line| line.starts_with(&format!("{name}: ")));
            assert!(is_shown || added.contains(&name.as_str()), "{name} in {shown}");
        }
    }
}

#[test]
fn a_unit_that_may_be_wrong_is_pointed_out() {
    let directory = TempDir::new().unwrap();
    let life = |profile: &str, expires_in: i64| {
        let path = directory.path().join("answer.json");
        let answer = json!({ "access_token": "fake-token", "expires_in": expires_in });
        fs::write(&path, answer.to_string()).unwrap();
        let report = check(&[profile, "--at", NOW, "--answer", path.to_str().unwrap()]).success();
        let life = report.lines().find_map(|line| line.strip_prefix("  life           "));
        life.unwrap().to_owned()
    };
    assert_eq!(
        life("pattern", 3_600_000),
        "1 h, until 2023-11-14T23:13:20.000Z (/expires_in in milliseconds)"
    );
    assert_eq!(
        life("pattern", 3600),
        "3 s 600 ms, until 2023-11-14T22:13:23.600Z (/expires_in in milliseconds; SHORTER than is \
         plausible: is the unit right?)"
    );
    let cut = life("oauth2-client-credentials", 3_600_000);
    assert!(cut.contains("24 h, until") && cut.contains("/expires_in in seconds"), "{cut}");
    assert!(cut.contains("5m where that is missing; CUT, since it was longer"), "{cut}");
}

#[test]
fn an_answer_that_is_an_error_is_told_with_its_exit_code() {
    let profile = Profile::with(json!({}));
    let refused = profile.answer("refused.json", r#"{"error":"invalid_client"}"#);
    let Run { code, out, err } = profile.check(&["--answer", &refused, "--status", "401"]);
    assert_eq!((code, err.as_str()), (Some(77), ""), "{out}");
    let answer = section(&out, &format!("answer to token request: {refused}, HTTP 401"));
    assert_eq!(
        answer,
        "This would be the error credentials_rejected (exit code 77):\n  acme: the credentials were \
         rejected (phase read, HTTP 401, code invalid_client)\n  to do (operator): check the client \
         id and secret (or user name and password) with the vendor and set them anew\n"
    );
    for (name, answer, arguments, kind, exit) in [
        ("html", "<html>".to_owned(), &[][..], "answer_not_json", 76),
        ("none", "{}".to_owned(), &[], "answer_malformed", 76),
        ("outage", "{}".to_owned(), &["--status", "503"], "unavailable", 75),
        ("large", "x".repeat(70_000), &[], "answer_too_large", 76),
        ("moved", "HTTP/1.1 302 Found\nlocation: /\n\n".to_owned(), &[], "redirected", 77),
        ("old", r#"{"token":"fake","ttl":0}"#.to_owned(), &[], "invalid_lifetime", 76),
    ] {
        let path = profile.answer(name, &answer);
        let Run { code, out, .. } = profile.check(&[&["--answer", &path], arguments].concat());
        assert_eq!(code, Some(exit), "{out}");
        assert!(out.contains(&format!("the error {kind} (exit code {exit})")), "{out}");
        assert_eq!(out.contains("--at TIME"), name == "old", "{out}");
    }
}

#[test]
fn an_answer_may_be_what_curl_prints() {
    let profile = Profile::with(json!({
        "answer": {
            "status": [201],
            "access_token": { "header": "x-token" },
            "expires": { "at": "/end", "unit": "rfc3339" }
        }
    }));
    let whole = "HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/2 201\r\n\
                 date: Thu, 29 Jun 2017 15:00:00 GMT\r\nX-Token: fake-token\r\n\r\n\
                 {\"end\":\"2017-06-29T15:20:00Z\"}";
    let path = profile.answer("answer", whole);
    let report = profile.check(&["--answer", &path, "--show"]).success();
    assert!(report.contains(&format!("{path}, HTTP 201 ----")), "{report}");
    assert!(report.contains("  header         Authorization: Bearer fake-token\n"), "{report}");
    // Its own date says when it came.
    assert!(report.contains("  life           20 min, until 2017-06-29T15:20:00.000Z"), "{report}");

    let error = profile.check(&["--answer", &path, "--status", "201"]).failure(64);
    assert!(error.contains("has a status of its own"), "{error}");
    let path = profile.answer("broken", "HTTP/1.1 OK\n\n{}");
    let error = profile.check(&["--answer", &path]).failure(64);
    assert!(error.contains("the head of this answer cannot be read"), "{error}");
    let error = profile.check(&["--answer", "absent.json"]).failure(74);
    assert!(error.contains("absent.json"), "{error}");
}

#[test]
fn answers_belong_to_the_requests_in_order() {
    let step = |name: &str| {
        json!({
            "request": { "url": format!("https://api.acme.example/{name}") },
            "answer": { "values": { name: format!("/{name}") } }
        })
    };
    let profile = Profile::with(json!({
        "steps": [step("first"), step("second")],
        "request": { "url": "https://api.acme.example/login",
            "json": { "key": "{key}", "values": ["{first}", "{second}"] } },
        "answer": { "access_token": "/token", "refresh_token": "/again", "expires": { "life": "1h" } },
        "refresh": { "request": { "url": "https://api.acme.example/again",
            "json": { "key": "{key}", "again": "{refresh_token}" } } }
    }));
    let first = profile.answer("1", r#"{"first":"fake-1"}"#);
    let second = profile.answer("2", r#"{"second":"fake-2"}"#);
    let token = profile.answer("3", r#"{"token":"fake-3","again":"fake-4"}"#);
    let again = profile.answer("4", r#"{"token":"fake-5"}"#);
    let all = ["--answer", &first, "--answer", &second, "--answer", &token];

    let report = profile.check(&["--answer", &token]).success();
    assert!(
        request(&report, "token request").contains(r#"["fake-first","fake-second"]"#),
        "{report}"
    );
    let made_up = section(&report, "answer to step 1 of 2, made up");
    assert_eq!(made_up, "HTTP 200\n\n{\"first\":\"fake-first\"}\n");
    assert!(request(&report, "refresh request").contains(r#""again":"fake-4""#), "{report}");

    let report = profile.check(&all).success();
    assert!(request(&report, "token request").contains(r#"["fake-1","fake-2"]"#), "{report}");
    let with_refresh = [&all[..], &["--answer", &again, "--show"]].concat();
    let report = profile.check(&with_refresh).success();
    let answer = section(&report, &format!("answer to refresh request: {again}, HTTP 200"));
    assert!(answer.contains("Authorization: Bearer fake-5"), "{answer}");

    let with_refresh = [
        &with_refresh[..8],
        &["--status", "200", "--status", "200", "--status", "200", "--status", "400"],
    ]
    .concat();
    let report = profile.check(&with_refresh).success();
    let answer = section(&report, &format!("answer to refresh request: {again}, HTTP 400"));
    assert!(answer.contains("a refusal: the client goes on with the token request"), "{answer}");

    for wrong in [&all[..4], &[&with_refresh[..8], &["--answer", &again]].concat()] {
        let error = profile.check(wrong).failure(64);
        assert!(
            error.contains("step 1 of 2, step 2 of 2, token request, refresh request"),
            "{error}"
        );
    }
    let error = profile.check(&["--answer", &token, "--status", "200", "--status", "200"]);
    assert!(error.failure(64).contains("more statuses than answers"));

    // A step that the vendor refuses ends the flow.
    let mut refused = all.to_vec();
    refused.extend(["--status", "403"]);
    let Run { code, out, .. } = profile.check(&refused);
    assert_eq!(code, Some(77), "{out}");
    let answer = section(&out, &format!("answer to step 1 of 2: {first}, HTTP 403"));
    assert!(answer.contains("the error access_denied (exit code 77)"), "{answer}");
    assert!(!out.contains("step 2 of 2"), "{out}");

    let bare = profile.answer("bare", r#"{"token":"fake-3"}"#);
    let report = profile.check(&["--answer", &bare]).success();
    assert!(report.contains("The refresh request is not shown"), "{report}");
}

#[test]
fn what_may_be_real_in_an_answer_is_hidden_unless_asked_for() {
    let profile = Profile::with(json!({
        "answer": { "access_token": "/token", "refresh_token": "/again", "expires": { "life": "1h" },
            "extras": { "patient": "/patient" } }
    }));
    let text = r#"{"token":"odd-token","again":"odd-again","patient":"odd-patient"}"#;
    let path = profile.answer("answer.json", text);
    let report = profile.check(&["--answer", &path]).success();
    assert!(!report.contains("odd-"), "{report}");
    for line in [
        "  header         Authorization: Bearer *** (length 9)\n",
        "  refresh token  *** (length 9)\n",
        "  extra          patient: *** (length 11)\n",
        "--show shows it",
    ] {
        assert!(report.contains(line), "{line} in {report}");
    }
    let report = profile.check(&["--answer", &path, "--show"]).success();
    assert_eq!(report.matches("odd-").count(), 3, "{report}");
}

#[test]
fn no_real_credential_comes_near_it() {
    let mut command = program();
    command.args(["profile", "check", "pattern"]);
    command.env("PATTERN_CLIENT_ID", "odd-id").env("PATTERN_CLIENT_SECRET", "odd-secret");
    command.env("PATTERN_BASE_URL", "https://odd.example");
    let report = run(&mut command).success();
    assert!(!report.contains("odd"), "{report}");
    let error = check(&["pattern", "--set", "client_secret=odd-secret"]).failure(64);
    assert!(error.contains("client_secret is secret") && !error.contains("odd"), "{error}");
    for argument in ["odd-secret", "odd-secret=client_secret"] {
        let error = check(&["pattern", "--set", argument]).failure(64);
        assert!(!error.contains("odd"), "{error}");
    }
    let error = check(&["pattern", "--without", "client_id"]).failure(64);
    assert!(error.contains("no optional parameter client_id"), "{error}");
    let error = check(&["pattern", "--set", "base_url=ftp://a.example"]).failure(64);
    assert!(error.contains("base_url"), "{error}");
}

#[test]
fn what_is_left_out_is_not_in_the_request() {
    let whole = check(&["ehealth"]).success();
    assert!(
        request(&whole, "token request").contains("\nx-custom-psk: fake-custom-psk\n"),
        "{whole}"
    );
    let part = check(&["ehealth", "--without", "custom_psk", "--without", "api_key"]).success();
    let part = request(&part, "token request");
    assert!(!part.contains("x-custom-psk") && !part.contains("api-key"), "{part}");
    let choice = check(&[
        "oauth2-client-credentials",
        "--set",
        "client_authentication=body",
        "--without",
        "scopes",
    ]);
    let choice = choice.success();
    let choice = request(&choice, "token request");
    assert!(choice.ends_with(
        "\n\ngrant_type=client_credentials&client_id=fake-client-id&client_secret=fake-client-secret\n"
    ), "{choice}");
}

#[test]
fn every_kind_of_parameter_has_a_value() {
    let mut parameters = json!({
        "a_host": { "kind": "host" },
        "a_label": { "kind": "host_label" },
        "a_segment": { "kind": "path_segment", "secret": false },
        "a_number": { "kind": "integer" },
        "a_choice": { "kind": "choice", "choices": ["one", "two"] },
        "a_key": { "kind": "private_key" },
        "a_certificate": { "kind": "certificate" }
    });
    for alg in ["RS256", "PS512", "ES256", "ES384"] {
        let profile = Profile::with(json!({
            "parameters": parameters,
            "values": {
                "print": { "certificate_sha256": "{a_certificate}" },
                "proof": { "jwt": { "alg": alg, "key": "{a_key}", "claims": { "x": "{print}" } } }
            },
            "steps": [{
                "request": { "url": "https://{a_label}.acme.example/{a_segment}",
                    "json": { "number": "{a_number}", "choice": "{a_choice}" } },
                "answer": { "values": { "code": "/code" } }
            }],
            "request": { "url": "https://{a_host}/login", "json": { "proof": "{proof}", "code": "{code}" } }
        }));
        let report = profile.check(&[]).success();
        let step = request(&report, "step 1 of 1");
        assert!(
            step.starts_with("POST https://fake-a-label.acme.example/fake-a-segment\n"),
            "{step}"
        );
        assert!(step.ends_with("\n\n{\"choice\":\"one\",\"number\":12345}\n"), "{step}");
        let token = request(&report, "token request");
        assert!(token.starts_with("POST https://acme.example/login\n"), "{token}");
        let header = token.split(r#""proof":""#).nth(1).unwrap().split('.').next().unwrap();
        let header = URL_SAFE_NO_PAD.decode(header).unwrap();
        let header: Json = serde_json::from_slice(&header).unwrap();
        assert_eq!(header["alg"], alg);
    }
    // The key of an HMAC is as long as its hash.
    parameters = json!({ "secret": {} });
    let profile = Profile::with(json!({
        "parameters": parameters,
        "values": { "proof": { "jwt": { "alg": "HS512", "key": "{secret}", "claims": {} } } },
        "request": { "url": "https://api.acme.example/login", "json": { "proof": "{proof}" } }
    }));
    let report = profile.check(&[]).success();
    assert!(request(&report, "token request").contains(r#"{"proof":"eyJ"#), "{report}");
}

#[test]
fn every_form_of_answer_can_be_made_up() {
    let token = json!("/data/token");
    for answer in [
        json!({ "access_token": token, "expires": { "in": "/data/ttl", "unit": "milliseconds" } }),
        json!({ "access_token": token, "expires": { "in": "/ttl", "unit": "minutes" } }),
        json!({ "access_token": token, "expires": { "in": "/ttl", "unit": "hours" } }),
        json!({ "access_token": token, "expires": { "at": "/end", "unit": "seconds" } }),
        json!({ "access_token": token, "expires": { "at": "/end", "unit": "milliseconds" } }),
        json!({ "access_token": token, "expires": { "at": "/end", "unit": "rfc3339" } }),
        json!({ "access_token": token, "expires": { "at": "/end", "unit": "http_date" } }),
        json!({ "access_token": token, "expires": { "jwt": true } }),
        json!({ "access_token": { "header": "x-token" }, "expires": { "until_refused": true } }),
        json!({ "access_token": { "cookie": "sid" }, "expires": { "life": "1h" } }),
        json!({ "access_token": { "body": true }, "expires": { "life": "1h" } }),
        json!({
            "status": [201], "success": { "at": "/code", "is": 0 }, "refused_if": "/errors",
            "access_token": token, "token_type": { "at": "/data/type", "is": ["jwt"] },
            "refresh_token": "/a~1b/again", "scope": "/scope", "request_id": { "header": "x-id" },
            "extras": { "user": "/data", "name": "/data/token/name" },
            "expires": { "in": "/ttl", "unit": "seconds", "default": "5m" }
        }),
    ] {
        let profile = Profile::with(json!({ "answer": answer }));
        let report = profile.check(&[]).success();
        assert!(report.contains("Nothing was sent."), "{report}");
    }
    // A URL of a step leads to the host of its own request.
    let profile = Profile::with(json!({
        "steps": [{
            "request": { "method": "GET", "url": "https://api.acme.example/discovery" },
            "answer": { "values": { "login_url": { "at": "/token_endpoint", "kind": "url" } } }
        }],
        "request": { "url": "{login_url}", "json": { "key": "{key}" } }
    }));
    let report = profile.check(&[]).success();
    let token = request(&report, "token request");
    assert!(token.starts_with("POST https://api.acme.example/fake-login-url\n"), "{token}");
}

#[test]
fn a_report_begins_with_the_values_and_says_which_are_made_up() {
    let path = example("withings");
    let report = check(&[&path, "--set", "base_url=https://a.example"]).success();
    let start = format!(
        "{path} is right: the profile withings, Withings, refresh token with signed requests\n\n\
         Values in the requests below. None is real but what --set gave:\n  base_url               \
         given     https://a.example\n  client_id              made up   fake-client-id\n"
    );
    assert!(report.starts_with(&start), "{report}");
    let report = check(&[&path]).success();
    assert!(report.contains("  base_url               default   https://wbsapi.withings.net\n"));
    let report = check(&["oauth2-jwt-bearer"]).success();
    let line = "  private_key            made up   -----BEGIN RSA PRIVATE KEY----- …\n";
    assert!(report.contains(line), "{report}");
    let profile = Profile::with(json!({
        "parameters": {},
        "request": { "url": "https://api.acme.example/login" }
    }));
    assert!(profile.check(&[]).success().contains("gave:\n  none\n\n"));
}
