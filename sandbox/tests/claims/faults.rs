use std::time::{Duration, Instant};

use caretoken_sandbox::{Fault, Sandbox, Vendor};
use serde_json::json;

use crate::support::*;

fn under(sandbox: &Sandbox, vendor: Vendor, fault: Fault) -> Answer {
    sandbox.inject(vendor, fault);
    Call::token(sandbox, vendor).send(sandbox)
}

fn success(vendor: Vendor) -> u16 {
    if vendor == Vendor::Ehealth { 201 } else { 200 }
}

fn expiry_pointer(vendor: Vendor) -> &'static str {
    match vendor {
        Vendor::Parchment => "/data/expiresIn",
        Vendor::Ehealth => "/data/expires_at",
        Vendor::Edvak => "/token/expires_in",
        Vendor::Pattern => "/expires_in",
    }
}

fn date(answer: &Answer) -> u64 {
    let date = httpdate::parse_http_date(answer.header("date").unwrap()).unwrap();
    date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn a_fault_is_used_once_and_several_queue_up() {
    let sandbox = sandbox();
    sandbox.inject(Vendor::Edvak, Fault::Outage);
    sandbox.inject(Vendor::Edvak, Fault::Empty);
    let call = Call::token(&sandbox, Vendor::Edvak);
    assert_eq!(call.send(&sandbox).status, 503);
    assert!(call.send(&sandbox).body.is_empty());
    assert_eq!(call.send(&sandbox).access_token(Vendor::Edvak).split('.').count(), 3);
    assert_eq!(sandbox.requests(Vendor::Edvak), 3, "faulted requests count");
}

#[test]
fn a_standing_fault_stays_until_changed_and_the_queue_goes_first() {
    let sandbox = sandbox();
    let call = Call::token(&sandbox, Vendor::Pattern);
    sandbox.inject_always(Vendor::Pattern, Some(Fault::Outage));
    sandbox.inject(Vendor::Pattern, Fault::Html);
    assert_eq!(call.send(&sandbox).status, 200);
    assert_eq!(call.send(&sandbox).status, 503);
    assert_eq!(call.send(&sandbox).status, 503);
    assert_eq!(Call::token(&sandbox, Vendor::Edvak).send(&sandbox).status, 200);
    sandbox.inject_always(Vendor::Pattern, None);
    assert_eq!(call.send(&sandbox).json()["token_type"], "bearer");
    sandbox.inject_always(Vendor::Pattern, Some(Fault::Outage));
    sandbox.inject(Vendor::Pattern, Fault::Html);
    sandbox.clear_faults(Vendor::Pattern);
    assert_eq!(call.send(&sandbox).json()["token_type"], "bearer");
}

#[test]
fn status_headers_and_body_are_of_choice() {
    let sandbox = sandbox();
    let fault = Fault::Status {
        status: 418,
        headers: vec![
            ("x-one".into(), "1".into()),
            ("date".into(), "Mon, 15 Jan 2024 10:30:00 GMT".into()),
            ("content-length".into(), "9999".into()),
        ],
        body: b"short and stout".to_vec(),
        content_type: "text/tea".into(),
    };
    let answer = under(&sandbox, Vendor::Parchment, fault);
    assert_eq!(answer.status, 418);
    assert_eq!(answer.header("x-one"), Some("1"));
    assert_eq!(answer.header("content-type"), Some("text/tea"));
    assert_eq!(answer.text(), "short and stout");
    assert_eq!(date(&answer), 1_705_314_600);
}

#[test]
fn what_http_cannot_express_is_a_500() {
    let sandbox = sandbox();
    let odd = |status: u16, name: &str, value: &str, content_type: &str| Fault::Status {
        status,
        headers: vec![(name.into(), value.into())],
        body: Vec::new(),
        content_type: content_type.into(),
    };
    for fault in [
        odd(42, "a", "b", ""),
        odd(101, "a", "b", ""),
        odd(200, "not a name", "b", ""),
        odd(200, "a", "b\r\nc: d", ""),
        odd(200, "a", "b", "\0"),
        Fault::Redirect("\n".into()),
    ] {
        let answer = under(&sandbox, Vendor::Edvak, fault.clone());
        assert_eq!(answer.status, 500, "{fault:?}");
        assert!(answer.text().contains("fault"));
    }
}

#[test]
fn a_delay_comes_before_or_within_a_normal_answer() {
    let sandbox = sandbox();
    let pause = Duration::from_millis(60);
    for fault in [Fault::DelayBefore(pause), Fault::DelayDuring(pause)] {
        let start = Instant::now();
        let answer = under(&sandbox, Vendor::Ehealth, fault);
        assert!(start.elapsed() >= pause);
        assert_eq!(answer.status, 201);
        assert!(sandbox.accepts(Vendor::Ehealth, &answer.access_token(Vendor::Ehealth)));
    }
}

#[test]
fn a_delayed_body_starts_before_the_pause() {
    let sandbox = sandbox();
    sandbox.inject(Vendor::Pattern, Fault::DelayDuring(Duration::from_secs(60)));
    let call = Call::token(&sandbox, Vendor::Pattern);
    let request = call.headers.iter().fold(
        ureq::http::Request::builder().method("POST").uri(&call.url),
        |request, (name, value)| request.header(*name, value),
    );
    let mut response = agent(&sandbox).run(request.body(call.body).unwrap()).unwrap();
    let mut first = [0; 1];
    std::io::Read::read_exact(&mut response.body_mut().as_reader(), &mut first).unwrap();
    assert_eq!(&first, b"{");
}

#[test]
fn a_cut_ends_the_connection_before_or_within_the_answer() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let call = Call::token(&sandbox, vendor);
        for fault in [Fault::CutBefore, Fault::CutDuring] {
            sandbox.inject(vendor, fault.clone());
            assert!(call.try_send(&agent(&sandbox)).is_err(), "{fault:?}");
        }
        assert_eq!(sandbox.requests(vendor), 2);
        assert_eq!(call.send(&sandbox).status, success(vendor));
    }
}

#[test]
fn a_body_cut_within_has_status_headers_and_a_length_it_does_not_keep() {
    let sandbox =
        Sandbox::start_with(caretoken_sandbox::Options { plain_http: true, ..Default::default() })
            .unwrap();
    sandbox.inject(Vendor::Pattern, Fault::CutDuring);
    let raw = raw_exchange(&sandbox, &Call::token(&sandbox, Vendor::Pattern));
    let (head, body) = raw.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    let promised: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse().ok())
        .unwrap();
    assert_eq!(body.len(), promised / 2);
}

/// All bytes that come back until the server closes.
fn raw_exchange(sandbox: &Sandbox, call: &Call) -> String {
    use std::io::{Read as _, Write as _};
    let origin = sandbox.origin();
    let authority = origin.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(authority).unwrap();
    let path = call.url.strip_prefix(&origin).unwrap();
    let mut request = format!("{} {path} HTTP/1.1\r\nhost: {authority}\r\n", call.method);
    for (name, value) in &call.headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n{}", call.body.len(), call.body);
    stream.write_all(request.as_bytes()).unwrap();
    let mut raw = String::new();
    stream.read_to_string(&mut raw).unwrap();
    raw
}

#[test]
fn an_oversize_answer_is_valid_json_of_the_asked_length() {
    let sandbox = sandbox();
    let sized = under(&sandbox, Vendor::Parchment, Fault::Oversize(70_000));
    assert_eq!(sized.header("content-length"), Some("70000"));
    let chunked = under(&sandbox, Vendor::Parchment, Fault::OversizeChunked(70_000));
    assert_eq!(chunked.header("transfer-encoding"), Some("chunked"));
    for answer in [sized, chunked] {
        assert_eq!(answer.body.len(), 70_000);
        assert!(sandbox.accepts(Vendor::Parchment, &answer.access_token(Vendor::Parchment)));
    }
}

#[test]
fn an_endless_answer_costs_the_sandbox_nothing() {
    let sandbox = sandbox();
    sandbox.inject(Vendor::Edvak, Fault::Oversize(usize::MAX));
    assert!(Call::token(&sandbox, Vendor::Edvak).try_send(&agent(&sandbox)).is_err());
}

#[test]
fn broken_json_html_and_nothing_come_with_the_status_of_success() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let broken = under(&sandbox, vendor, Fault::BrokenJson);
        assert_eq!(broken.status, success(vendor));
        assert!(broken.text().starts_with('{'));
        assert!(serde_json::from_slice::<serde_json::Value>(&broken.body).is_err());

        let html = under(&sandbox, vendor, Fault::Html);
        assert_eq!(html.status, success(vendor));
        assert!(html.header("content-type").unwrap().starts_with("text/html"));
        assert!(html.text().starts_with("<!DOCTYPE html>"));

        let empty = under(&sandbox, vendor, Fault::Empty);
        assert_eq!(empty.status, success(vendor));
        assert!(empty.body.is_empty() && empty.header("content-type").is_none());
    }
}

#[test]
fn the_wrong_unit_is_off_by_a_thousand() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let expiry = |answer: &Answer| {
            answer.json().pointer(expiry_pointer(vendor)).unwrap().as_u64().unwrap()
        };
        let right = expiry(&Call::token(&sandbox, vendor).send(&sandbox));
        let wrong = expiry(&under(&sandbox, vendor, Fault::WrongUnit));
        match vendor {
            Vendor::Pattern => assert_eq!(wrong, right / 1000),
            Vendor::Ehealth => assert!(close(wrong / 1000, right)),
            _ => assert_eq!(wrong, right * 1000),
        }
    }
}

#[test]
fn the_date_of_one_answer_can_be_off_or_missing() {
    let sandbox = sandbox();
    let skewed = under(&sandbox, Vendor::Ehealth, Fault::SkewedDate(-7200));
    assert!(close(date(&skewed), unix_now() - 7200));
    let expires_at = skewed.json()["data"]["expires_at"].as_u64().unwrap();
    assert!(close(expires_at, unix_now() + 30 * 24 * 3600), "only the header is off");
    let none = under(&sandbox, Vendor::Ehealth, Fault::NoDate);
    assert_eq!((none.status, none.header("date")), (201, None));
    assert!(close(date(&Call::token(&sandbox, Vendor::Ehealth).send(&sandbox)), unix_now()));
}

#[test]
fn each_vendor_has_its_429_and_503() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let limited = |retry_after: Option<&str>| {
            let retry_after = retry_after.map(str::to_owned);
            under(&sandbox, vendor, Fault::RateLimited { retry_after })
        };
        let hinted = limited(Some("7"));
        assert_eq!((hinted.status, hinted.header("retry-after")), (429, Some("7")));
        let silent = limited(None);
        assert_eq!((silent.status, silent.header("retry-after")), (429, None));
        let outage = under(&sandbox, vendor, Fault::Outage);
        assert_eq!(outage.status, 503);
        match vendor {
            Vendor::Parchment => {
                let kind = "https://parchment.health/errors/rate-limit";
                assert_eq!(hinted.json()["error"]["type"], kind);
                assert_eq!(outage.json()["statusCode"], 503);
            }
            Vendor::Ehealth => {
                assert_eq!(hinted.json()["meta"]["code"], 429);
                assert_eq!(outage.json()["meta"]["code"], 503);
            }
            Vendor::Edvak => assert!(outage.text().starts_with("<html>")),
            Vendor::Pattern => assert_eq!(hinted.text(), "Too Many Requests"),
        }
    }
}

#[test]
fn one_refresh_can_rotate_the_refresh_token() {
    let sandbox = sandbox();
    let old = Call::token(&sandbox, Vendor::Ehealth);
    let rotated = under(&sandbox, Vendor::Ehealth, Fault::RotateRefreshToken);
    let fresh = sandbox.credential(Vendor::Ehealth, "refresh_token");
    assert_eq!(rotated.json()["data"]["details"]["refresh_token"], fresh);
    assert_eq!(old.send(&sandbox).status, 401);
    let next = Call::token(&sandbox, Vendor::Ehealth).send(&sandbox);
    assert!(next.json()["data"]["details"]["refresh_token"].is_null());
}

#[test]
fn a_redirect_is_a_307_with_its_location() {
    let sandbox = sandbox();
    let target = format!("{}/elsewhere", sandbox.origin());
    let answer = under(&sandbox, Vendor::Pattern, Fault::Redirect(target.clone()));
    assert_eq!((answer.status, answer.header("location")), (307, Some(target.as_str())));
}

#[test]
fn json_of_choice_comes_with_the_status_of_success() {
    let sandbox = sandbox();
    let body = json!({"expires_in": "3600"});
    for vendor in Vendor::ALL {
        let answer = under(&sandbox, vendor, Fault::Json(body.clone()));
        assert_eq!(answer.status, success(vendor));
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(answer.json(), body);
    }
}
