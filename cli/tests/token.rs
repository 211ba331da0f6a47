//! `caretoken token`: what it prints, where credentials come from, what it refuses, how it ends.

mod support;

use std::fs;
use std::net::TcpListener;

use caretoken_sandbox::{Fault, Vendor};
use serde_json::Value as Json;
use support::{Run, Scene, program, run, run_with_input};

#[test]
fn it_prints_the_token_alone_or_its_header_or_all_of_it() {
    let scene = Scene::new(Vendor::Pattern);
    let token = run(&mut scene.token()).success();
    assert!(token.ends_with('\n') && scene.accepts(token.trim_end()), "{token}");

    let header = run(scene.token().args(["--format", "header"])).success();
    let token = header.strip_prefix("Authorization: Bearer ").unwrap();
    assert!(scene.accepts(token.trim_end()), "{header}");

    let json = run(scene.token().args(["--format", "json"])).json();
    assert!(scene.accepts(json["access_token"].as_str().unwrap()));
    assert_eq!(json["vendor"], "pattern");
    assert_eq!(json["token_type"], "Bearer");
    assert_eq!(json["header_name"], "authorization");
    let value = format!("Bearer {}", json["access_token"].as_str().unwrap());
    assert_eq!(json["header_value"], value);
    assert_eq!(json["lifetime_ms"], 3_600_000);
    assert_eq!((&json["refresh_token"], &json["request_id"]), (&Json::Null, &Json::Null));
    // Both say the same moment.
    let end: jiff::Timestamp = json["expires_at"].as_str().unwrap().parse().unwrap();
    assert_eq!(json["expires_at_unix_ms"], end.as_millisecond());
    let left = end.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3000..=3600).contains(&left), "{left}");
}

#[test]
fn all_that_a_vendor_says_of_a_token_is_in_the_json() {
    let scene = Scene::new(Vendor::Edvak);
    let json = run(scene.token().args(["--format", "json"])).json();
    assert_eq!(json["extras"]["patient"], "3");
    assert!(json["refresh_token"].as_str().unwrap().len() > 10);
    assert!(json["scopes"].as_array().unwrap().contains(&Json::from("tenant")));
    assert_eq!(json["missing_scopes"], Json::Array(Vec::new()));
}

#[test]
fn a_profile_may_be_a_file_and_name_another_header() {
    let scene = Scene::new(Vendor::Pattern);
    let text = fs::read_to_string(support::root().join("profiles/pattern.json")).unwrap();
    let text = text.replacen("\"name\": \"pattern\"", "\"name\": \"acme-2\"", 1).replacen(
        "\"limits\"",
        "\"use\": { \"header\": \"x-acme-token\", \"value\": \"{access_token}\" }, \"limits\"",
        1,
    );
    let path = scene.file("acme.json", &text);
    let mut command = program();
    command.args(["token", "--format", "header", "--profile", &path]).args(&scene.way()[2..]);
    command.env("ACME_2_CLIENT_ID", scene.credential("client_id"));
    command.env("ACME_2_CLIENT_SECRET", scene.credential("client_secret"));
    let header = run(&mut command).success();
    assert!(scene.accepts(header.strip_prefix("X-Acme-Token: ").unwrap().trim_end()), "{header}");
}

#[test]
fn settings_come_from_the_environment_as_well() {
    let scene = Scene::new(Vendor::Pattern);
    let mut command = program();
    command.args(["token", "--profile", "pattern"]);
    command.env("CARETOKEN_CA_FILE", scene.path("ca.pem"));
    command.env("PATTERN_BASE_URL", scene.sandbox.base_url(Vendor::Pattern));
    for (name, value) in scene.sandbox.credentials(Vendor::Pattern) {
        command.env(scene.variable(name), value);
    }
    assert!(scene.accepts(run(&mut command).success().trim_end()));
    // The arguments go before it.
    run(command.args(["--set", "base_url=https://localhost:1", "--set", "timeout_ms=500"]))
        .failure(75);
}

#[test]
fn a_secret_comes_from_a_file_without_the_line_break_at_its_end() {
    let scene = Scene::new(Vendor::Pattern);
    let secret = scene.credential("client_secret");
    for content in [secret.clone(), format!("{secret}\n"), format!("{secret}\r\n")] {
        let path = scene.file("secret", &content);
        let mut command = scene.token();
        command.env_remove("PATTERN_CLIENT_SECRET");
        command.args(["--file", &format!("client_secret={path}"), "--verbose"]);
        let Run { code, out, err } = run(&mut command);
        assert_eq!(code, Some(0), "{err}");
        assert!(scene.accepts(out.trim_end()));
        let tells = err.contains(&format!("dropped the line break at the end of {path}"));
        assert_eq!(tells, content != secret, "{err}");
        scene.assert_has_no_secret(&err);
    }
    // No more than one: a secret may end in a line break of its own.
    let path = scene.file("secret", &format!("{secret}\n\n"));
    let argument = format!("client_secret={path}");
    let error = run(scene.token().args(["--file", &argument])).failure(64);
    assert!(error.contains("client_secret has a line break") && error.contains(&path), "{error}");
}

#[test]
fn a_secret_comes_from_standard_input() {
    let scene = Scene::new(Vendor::Pattern);
    let secret = format!("{}\n", scene.credential("client_secret"));
    let mut command = scene.token();
    command.env_remove("PATTERN_CLIENT_SECRET").args(["--stdin", "client_secret"]);
    assert!(scene.accepts(run_with_input(&mut command, &secret).success().trim_end()));
    // It goes before the environment.
    let mut command = scene.token();
    command.args(["--stdin", "client_secret"]);
    let error = run_with_input(&mut command, "fake-wrong-secret").failure(77);
    assert!(error.contains("the credentials were rejected"), "{error}");
    assert!(!error.contains("fake-wrong-secret"), "{error}");
    // The next run knows nothing of it.
    assert!(!error.contains("not sent again"), "{error}");
}

#[test]
fn a_secret_is_never_an_argument() {
    let scene = Scene::new(Vendor::Pattern);
    for (arguments, variable) in [
        (["--set", "client_secret=fake-hidden-value"], "PATTERN_CLIENT_SECRET"),
        (["--set", "client_id=fake-hidden-value"], "PATTERN_CLIENT_ID"),
        (["--set", "client_key_pem=fake-hidden-value"], "CARETOKEN_CLIENT_KEY_PEM"),
        (["--set", "proxy=http://fake:fake-hidden-value@proxy.example:1"], "CARETOKEN_PROXY"),
    ] {
        let error = run(scene.token().args(arguments)).failure(64);
        let name = arguments[1].split('=').next().unwrap();
        assert!(error.contains(&format!("{name} is secret")), "{error}");
        assert!(error.contains(variable) && error.contains("--file"), "{error}");
        assert!(!error.contains("hidden-value"), "{error}");
    }
    assert_eq!(scene.requests(), 0);
}

#[test]
fn what_may_be_a_secret_in_the_wrong_place_is_not_repeated() {
    let scene = Scene::new(Vendor::Pattern);
    for arguments in [
        &["fake-hidden-value"][..],
        &["--client-secret=fake-hidden-value"],
        &["--client-secret", "fake-hidden-value"],
        &["--set", "fake-hidden-value"],
        &["--set", "fake-hidden-value=client_secret"],
        &["--file", "fake-hidden-value"],
        &["--stdin", "client_secret=fake-hidden-value"],
    ] {
        let Run { code, out, err } = run(scene.token().args(arguments));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{err}");
        assert!(!err.contains("hidden-value"), "{arguments:?}: {err}");
    }
    assert_eq!(scene.requests(), 0);
}

#[test]
fn what_is_missing_is_named_with_the_ways_to_give_it() {
    let missing = |given: &[(&str, &str)]| {
        let mut command = program();
        command.args(["token", "--profile", "pattern"]);
        run(command.envs(given.iter().copied())).failure(64)
    };
    let all = missing(&[("PATTERN_CLIENT_SECRET", "")]);
    assert!(all.contains("pattern needs base_url and client_id and client_secret"), "{all}");
    assert!(all.contains("PATTERN_BASE_URL and PATTERN_CLIENT_ID"), "{all}");
    let one = [("PATTERN_BASE_URL", "https://a.example"), ("PATTERN_CLIENT_ID", "fake")];
    assert_eq!(
        missing(&one),
        "caretoken: pattern needs client_secret\n\
         to do: set PATTERN_CLIENT_SECRET, or use --file client_secret=PATH or --stdin client_secret\n"
    );
    let scene = Scene::new(Vendor::Parchment);
    let error = run(&mut scene.token()).failure(64);
    assert!(error.contains("--set scopes=VALUE, or set CARETOKEN_SCOPES"), "{error}");
    run(scene.token().args(["--set", "scopes=create:patient"])).success();
}

#[test]
fn a_value_that_cannot_be_used_is_told_with_its_origin_and_not_shown() {
    let scene = Scene::new(Vendor::Pattern);
    let error = run(scene.token().env("PATTERN_CLIENT_ID", "fake:hidden")).failure(64);
    assert!(error.contains("client_id has a colon in it"), "{error}");
    assert!(error.contains("variable PATTERN_CLIENT_ID") && !error.contains("hidden"), "{error}");
    let error = run(scene.token().args(["--set", "timeout_ms=soon"])).failure(64);
    assert!(error.contains("timeout_ms") && error.contains("--set"), "{error}");
    let path = scene.path("absent");
    let error = run(scene.token().args(["--file", &format!("client_id={path}")])).failure(74);
    assert!(error.contains(&path) && error.contains("--file client_id=PATH"), "{error}");
    for twice in [["--set", "roots=none"], ["--set", "base_url=https://a.example"]] {
        let error = run(scene.token().args(twice).args(twice)).failure(64);
        assert!(error.contains("is given twice"), "{error}");
    }
    // But for what may be.
    let again = format!("ca_file={}", scene.path("ca.pem"));
    run(scene.token().args(["--set", &again])).success();
    assert_eq!(scene.requests(), 1);
}

#[test]
fn names_that_do_not_exist_are_answered_with_those_that_do() {
    let error = run(program().args(["token", "--profile", "acme"])).failure(64);
    assert!(error.contains("no profile acme") && error.contains("parchment, ehealth"), "{error}");
    let error = run(program().args(["token", "--profile", "./acme.json"])).failure(74);
    assert!(error.contains("./acme.json cannot be read"), "{error}");
    let arguments = ["token", "--profile", "pattern", "--set", "host=a.example"];
    let error = run(program().args(arguments)).failure(64);
    assert!(error.contains("host is not a setting of pattern"), "{error}");
    assert!(error.contains("base_url, client_id, client_secret, scopes"), "{error}");
}

#[test]
fn the_exit_code_says_who_must_act() {
    let scene = Scene::new(Vendor::Edvak);
    for (fault, code, message) in [
        (Fault::Html, 76, "the answer is HTML"),
        (Fault::Redirect("https://a.example/".into()), 77, "is a redirect"),
        (Fault::Outage, 75, "unavailable"),
        (Fault::CutBefore, 75, "connection"),
        (Fault::RateLimited { retry_after: Some("100".into()) }, 75, "retry after 100 s"),
    ] {
        scene.sandbox.inject(Vendor::Edvak, fault);
        let error = run(&mut scene.token()).failure(code);
        assert!(error.contains(message), "{error}");
        scene.assert_has_no_secret(&error);
    }
    let error = run(scene.token().env("EDVAK_PASSWORD", "fake-wrong-password")).failure(77);
    assert!(error.contains("the credentials were rejected"), "{error}");
    assert!(!error.contains("wrong-password"), "{error}");
}

#[test]
fn nobody_listens_and_nobody_is_trusted() {
    let scene = Scene::new(Vendor::Pattern);
    let mut stranger = program();
    stranger.args(["token"]).args(&scene.way()[..4]);
    for (name, value) in scene.sandbox.credentials(Vendor::Pattern) {
        stranger.env(scene.variable(name), value);
    }
    let error = run(&mut stranger).failure(77);
    assert!(error.contains("certificate"), "{error}");

    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut nobody = program();
    nobody.args(["token", "--profile", "pattern", "--set", "timeout_ms=500"]);
    nobody.args(["--set", &format!("base_url=https://{free}")]);
    nobody.env("PATTERN_CLIENT_ID", "fake").env("PATTERN_CLIENT_SECRET", "fake-hidden-value");
    let error = run(&mut nobody).failure(75);
    assert!(!error.contains("hidden-value"), "{error}");
}

#[test]
fn an_error_can_be_json() {
    let scene = Scene::new(Vendor::Pattern);
    let mut command = scene.token();
    command.env("PATTERN_CLIENT_SECRET", "fake-wrong-secret").arg("--json-errors");
    let Run { code, out, err } = run(&mut command);
    assert_eq!((code, out.as_str(), err.lines().count()), (Some(77), "", 1), "{err}");
    let error: Json = serde_json::from_str(&err).unwrap();
    assert_eq!(error["kind"], "credentials_rejected");
    assert_eq!((&error["actor"], &error["exit_code"]), (&"operator".into(), &77.into()));
    assert_eq!((&error["http_status"], &error["phase"]), (&401.into(), &"read".into()));
    assert!(error["remedy"].as_str().unwrap().starts_with("check the client id"));

    let Run { code, err, .. } = run(program().args(["token", "-p", "pattern", "--json-errors"]));
    let error: Json = serde_json::from_str(&err).unwrap();
    assert_eq!((code, &error["exit_code"]), (Some(64), &64.into()));
    assert!(error["message"].as_str().unwrap().contains("client_secret"), "{error}");
}

#[test]
fn verbose_tells_what_happens_and_no_secret() {
    let scene = Scene::new(Vendor::Pattern);
    let Run { code, out, err } = run(scene.token().arg("-v"));
    assert_eq!(code, Some(0), "{err}");
    for event in ["event=fetch_started vendor=pattern", "event=fetched vendor=pattern took_ms="] {
        assert!(err.contains(event), "{err}");
    }
    assert!(err.lines().all(|line| line.starts_with("caretoken: ")), "{err}");
    scene.assert_has_no_secret(&err);
    assert!(!err.contains(out.trim_end()));
}

#[test]
fn a_token_that_is_not_what_was_wanted_comes_with_a_warning() {
    let scene = Scene::new(Vendor::Parchment);
    scene.sandbox.set_allowed_scopes(Vendor::Parchment, &["create:patient"]);
    let scopes = ["--set", "scopes=create:patient read:patient"];
    let Run { code, out, err } = run(scene.token().args(scopes));
    assert!(code == Some(0) && scene.accepts(out.trim_end()), "{err}");
    assert_eq!(err, "caretoken: warning: not granted: read:patient\n");

    let scene = Scene::new(Vendor::Pattern);
    scene.sandbox.inject(Vendor::Pattern, Fault::WrongUnit);
    let Run { code, err, .. } = run(&mut scene.token());
    assert_eq!(code, Some(0), "{err}");
    assert!(err.contains("warning: it lives for 3.6 s only"), "{err}");
}

#[test]
fn a_new_refresh_token_is_stored_and_used_by_the_next_run() {
    let scene = Scene::new(Vendor::Ehealth);
    scene.sandbox.rotate_refresh_tokens(true);
    let path = scene.file("refresh-token", &scene.credential("refresh_token"));
    let argument = format!("refresh_token={path}");
    let mut seen = vec![scene.credential("refresh_token")];
    for _ in 0..3 {
        let mut command = scene.token();
        command.env_remove("EHEALTH_REFRESH_TOKEN");
        command.args(["--file", &argument, "--store-refresh-token", &path]);
        assert!(scene.accepts(run(&mut command).success().trim_end()));
        let stored = fs::read_to_string(&path).unwrap();
        assert_eq!(stored, scene.credential("refresh_token"));
        assert!(!seen.contains(&stored), "{stored}");
        seen.push(stored);
    }
    // The file, the CA, and nothing that was left behind.
    assert_eq!(fs::read_dir(scene.directory.path()).unwrap().count(), 2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn nothing_is_sent_where_a_new_refresh_token_would_be_lost() {
    let scene = Scene::new(Vendor::Ehealth);
    let error = run(&mut scene.token()).failure(64);
    assert!(error.contains("--store-refresh-token PATH"), "{error}");
    let absent = scene.path("absent/refresh-token");
    let error = run(scene.token().args(["--store-refresh-token", &absent])).failure(74);
    assert!(error.contains(&absent), "{error}");
    let directory = scene.path("");
    let error = run(scene.token().args(["--store-refresh-token", &directory])).failure(64);
    assert!(error.contains("is a directory"), "{error}");
    assert_eq!(scene.requests(), 0);

    // One that does not rotate leaves no file.
    let path = scene.path("refresh-token");
    run(scene.token().args(["--store-refresh-token", &path])).success();
    assert!(!fs::exists(&path).unwrap());
    assert_eq!(fs::read_dir(scene.directory.path()).unwrap().count(), 1);

    let scene = Scene::new(Vendor::Pattern);
    let error = run(scene.token().args(["--store-refresh-token", &path])).failure(64);
    assert!(error.contains("takes no refresh token"), "{error}");
}

/// The file can be made, but nothing can be written.
#[cfg(target_os = "linux")]
#[test]
fn a_new_refresh_token_that_cannot_be_stored_is_told_before_any_token_is_used() {
    let scene = Scene::new(Vendor::Ehealth);
    scene.sandbox.rotate_refresh_tokens(true);
    let path = scene.path("refresh-token");
    let mut token = scene.token();
    token.args(["--store-refresh-token", &path]);
    let mut limited = support::clean("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 0; exec \"$@\"", "sh", support::PROGRAM]);
    limited.args(token.get_args()).envs(token.get_envs().filter_map(|(k, v)| Some((k, v?))));
    let error = run(&mut limited).failure(74);
    assert!(error.contains("the new refresh token could not be stored"), "{error}");
    assert!(error.contains(": File too large; it is lost"), "{error}");
    assert!(!fs::exists(&path).unwrap());
    scene.assert_has_no_secret(&error);
}

#[cfg(unix)]
#[test]
fn a_command_has_the_token_in_its_environment_and_no_credential() {
    let scene = Scene::new(Vendor::Pattern);
    let mut command = scene.token();
    command.env("PATTERN_OTHER", "kept").env("CARETOKEN_PROXY", "off");
    let environment = run(command.args(["--exec", "--", "env"])).success();
    let value = |name: &str| {
        let lines = environment.lines().find_map(|line| line.strip_prefix(&format!("{name}=")));
        lines.unwrap_or_else(|| panic!("{name} is not in {environment}"))
    };
    let token = value("CARETOKEN_ACCESS_TOKEN");
    assert!(scene.accepts(token));
    assert_eq!(value("CARETOKEN_HEADER"), format!("Authorization: Bearer {token}"));
    let end: jiff::Timestamp = value("CARETOKEN_EXPIRES_AT").parse().unwrap();
    assert_eq!(value("CARETOKEN_EXPIRES_AT_UNIX_MS"), end.as_millisecond().to_string());
    assert_eq!(value("PATTERN_OTHER"), "kept");
    for (name, secret) in scene.sandbox.credentials(Vendor::Pattern) {
        assert!(!environment.contains(secret.as_str()), "{name}");
    }
    assert!(!environment.contains("CARETOKEN_PROXY"), "{environment}");
}

#[cfg(unix)]
#[test]
fn a_command_takes_the_place_of_the_program() {
    let scene = Scene::new(Vendor::Pattern);
    let ended = run(scene.token().args(["--exec", "--", "sh", "-c", "exit 7"]));
    assert_eq!((ended.code, ended.err.as_str()), (Some(7), ""));
    // A signal to the process that was started reaches the command, whose arguments are its own.
    let mut command = scene.token();
    let child =
        command.args(["--exec", "--", "sh", "-c", "echo $$; tr '\\0' '\\n' < /proc/$$/cmdline"]);
    let child = child.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(output.lines().next(), Some(id.as_str()));
    scene.assert_has_no_secret(&output);
    assert!(!cfg!(target_os = "linux") || output.contains("cmdline"), "{output}");
    // It reads what is left of standard input.
    let mut command = scene.token();
    command.args(["--exec", "--", "cat"]);
    assert_eq!(run_with_input(&mut command, "to the command").success(), "to the command");
}

#[test]
fn a_command_that_cannot_be_run_is_told_as_shells_tell_it() {
    let scene = Scene::new(Vendor::Pattern);
    let error = run(scene.token().args(["--exec", "--", "no-such-command-anywhere"])).failure(127);
    assert!(error.contains("no-such-command-anywhere"), "{error}");
    #[cfg(unix)]
    run(scene.token().args(["--exec", "--", &scene.path("ca.pem")])).failure(126);
    for arguments in [&["--exec"][..], &["--", "env"], &["--exec", "--show", "--", "env"]] {
        let Run { code, out, .. } = run(scene.token().args(arguments));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
    }
}

/// A shell that ends in a way of its own, run by the program.
#[test]
fn the_exit_code_of_a_command_is_passed_on() {
    let scene = Scene::new(Vendor::Pattern);
    let shell: &[&str] =
        if cfg!(windows) { &["cmd", "/c", "exit 42"] } else { &["sh", "-c", "exit 42"] };
    let Run { code, out, err } = run(scene.token().args(["--exec", "--"]).args(shell));
    assert_eq!((code, out.as_str(), err.as_str()), (Some(42), "", ""));
}

/// Runs a command line of a shell in a terminal of its own.
#[cfg(target_os = "linux")]
fn in_terminal(scene: &Scene, line: &str) -> Option<Run> {
    let mut command = support::clean("script");
    command.args(["--quiet", "--return", "--command", line, "/dev/null"]);
    command.env("CARETOKEN_CA_FILE", scene.path("ca.pem"));
    command.env("PATTERN_BASE_URL", scene.sandbox.base_url(Vendor::Pattern));
    for (name, value) in scene.sandbox.credentials(Vendor::Pattern) {
        command.env(scene.variable(name), value);
    }
    match command.output() {
        Err(_) => {
            println!("skipped: script is not installed");
            None
        }
        Ok(output) => Some(Run {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }),
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_terminal_gets_a_token_only_if_asked_for() {
    let scene = Scene::new(Vendor::Pattern);
    for format in ["token", "header", "json"] {
        let line = format!("{} token --profile pattern --format {format}", support::PROGRAM);
        let Some(Run { code, out, .. }) = in_terminal(&scene, &line) else { return };
        assert_eq!(code, Some(64), "{out}");
        assert!(out.contains("standard output is a terminal") && out.contains("--show"), "{out}");
        assert_eq!(scene.requests(), 0);
    }
    let line = format!("{} token --profile pattern --show", support::PROGRAM);
    let shown = in_terminal(&scene, &line).unwrap();
    assert!(shown.code == Some(0) && scene.accepts(shown.out.trim_end()), "{shown:?}");
    let line = format!("{} token --profile pattern --exec -- echo done", support::PROGRAM);
    let done = in_terminal(&scene, &line).unwrap();
    assert_eq!((done.code, done.out.trim_end()), (Some(0), "done"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_secret_is_not_typed_where_it_would_be_shown() {
    let scene = Scene::new(Vendor::Pattern);
    let program = support::PROGRAM;
    let line = format!("{program} token --profile pattern --stdin client_secret | cat");
    let Some(Run { out, .. }) = in_terminal(&scene, &line) else { return };
    assert!(out.contains("standard input is a terminal"), "{out}");
    assert_eq!(scene.requests(), 0);
}

#[test]
fn a_reader_that_has_gone_is_no_reason_to_complain() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = program().args(["profile", "list"]).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(74), &b""[..]));
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_cannot_be_written_is_told() {
    let full = fs::File::create("/dev/full").unwrap();
    let output = program().args(["profile", "list"]).stdout(full).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{error}");
    assert!(error.starts_with("caretoken: standard output: No space left on device\n"), "{error}");
}
