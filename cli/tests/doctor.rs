//! `caretoken doctor`: the way to the vendor, without a credential.

mod support;

use std::net::TcpListener;

use caretoken_sandbox::Vendor;
use support::{Run, Scene, program, run};

#[test]
fn the_way_to_each_vendor_is_healthy_and_no_credential_is_needed_or_sent() {
    for vendor in Vendor::ALL {
        let scene = Scene::new(vendor);
        let text = run(program().arg("doctor").args(scene.way())).success();
        assert!(text.ends_with("result   healthy\n"), "{text}");
        assert!(text.contains(&format!("vendor   {}", vendor.name())), "{text}");
        let request = scene.sandbox.last_request(vendor).unwrap();
        assert_eq!((request.method.as_str(), request.body.as_slice()), ("GET", &b""[..]));
        assert_eq!(scene.requests(), 1);
    }
}

#[test]
fn credentials_in_the_environment_are_not_even_read() {
    let scene = Scene::new(Vendor::Pattern);
    let mut command = program();
    // It could not be used.
    command.arg("doctor").args(scene.way()).env("PATTERN_CLIENT_ID", "fake:id\n");
    run(&mut command).success();
    let base_url = scene.sandbox.base_url(Vendor::Pattern);
    let mut command = program();
    command.args(["doctor", "--profile", "pattern"]).env("PATTERN_BASE_URL", base_url);
    run(command.env("CARETOKEN_CA_FILE", scene.path("ca.pem"))).success();
}

#[test]
fn the_report_can_be_json() {
    let scene = Scene::new(Vendor::Pattern);
    let report = run(program().args(["doctor", "--json"]).args(scene.way())).json();
    assert_eq!((&report["vendor"], &report["is_healthy"]), (&"pattern".into(), &true.into()));
    let steps = report["steps"].as_array().unwrap();
    let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["resolve", "connect", "proxy", "tls", "request", "clock"]);
    assert!(steps[3]["outcome"] == "ok" && steps[3]["took_ms"].is_number(), "{report}");
    assert!(steps[2]["outcome"] == "skipped" && steps[2]["took_ms"].is_null(), "{report}");
    assert!(report["error"].is_null());
    assert!(report["text"].as_str().unwrap().ends_with("result   healthy"), "{report}");
}

#[test]
fn the_exit_code_is_that_of_the_step_that_failed() {
    let scene = Scene::new(Vendor::Pattern);
    let Run { code, out, err } = run(program().arg("doctor").args(&scene.way()[..4]));
    assert_eq!((code, err.as_str()), (Some(77), ""), "{out}");
    assert!(out.contains("result   not healthy: tls failed") && out.contains("to do"), "{out}");

    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base_url = format!("base_url=https://{free}");
    let mut command = program();
    command.args(["doctor", "--profile", "pattern", "--set", &base_url, "--json"]);
    let Run { code, out, .. } = run(&mut command);
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &report["is_healthy"]), (Some(75), &false.into()));
    assert_eq!(
        (&report["error"]["kind"], &report["error"]["exit_code"]),
        (&"connect".into(), &75.into())
    );

    // A proxy that is not there; one with a login may come from the environment.
    let mut command = program();
    command.arg("doctor").args(scene.way()).args(["--set", &format!("proxy=http://{free}")]);
    let Run { code, out, .. } = run(&mut command);
    assert!(code == Some(75) && out.contains("result   not healthy"), "{out}");
    let mut command = program();
    command.arg("doctor").args(scene.way());
    command.env("CARETOKEN_PROXY", format!("http://fake:hidden-value@{free}"));
    let Run { code, out, err } = run(&mut command);
    assert!(code == Some(75) && !out.contains("hidden-value"), "{out}");
    assert_eq!(err, "");
}

#[test]
fn what_is_missing_or_wrong_is_told() {
    let error = run(program().args(["doctor", "--profile", "pattern"])).failure(64);
    assert!(error.contains("--set base_url=VALUE, or set PATTERN_BASE_URL"), "{error}");
    let arguments = ["doctor", "--profile", "pattern", "--set", "base_url=http://a.example"];
    let error = run(program().args(arguments)).failure(64);
    assert!(error.contains("base_url") && error.contains("--set"), "{error}");
    let error = run(program().arg("doctor")).err;
    assert!(error.contains("--profile <NAME|FILE>"), "{error}");
}
