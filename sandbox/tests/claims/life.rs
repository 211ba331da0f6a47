use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use caretoken_sandbox::{Fault, Options, Sandbox, Vendor};

use crate::support::*;

/// What the vendor's resource answers to a token it does not accept.
fn refusal(vendor: Vendor) -> u16 {
    if vendor == Vendor::Edvak { 403 } else { 401 }
}

fn port(sandbox: &Sandbox) -> u16 {
    sandbox.origin().rsplit_once(':').unwrap().1.parse().unwrap()
}

#[test]
fn names_lead_back_to_their_vendors() {
    for vendor in Vendor::ALL {
        assert_eq!(Vendor::from_name(vendor.name()), Some(vendor));
    }
    assert_eq!(Vendor::from_name("Pattern"), None);
}

#[test]
fn credentials_are_plainly_fake_and_long_enough_to_search_for() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        for (name, value) in sandbox.credentials(vendor) {
            assert!(value.starts_with("fake") && value.len() >= 16, "{} {name}", vendor.name());
            assert_eq!(sandbox.credential(vendor, name), *value);
        }
    }
}

#[test]
fn each_token_is_accepted_by_its_own_vendor_only() {
    let sandbox = sandbox();
    let tokens = Vendor::ALL.map(|vendor| fetch(&sandbox, vendor));
    for (issuer, token) in Vendor::ALL.into_iter().zip(&tokens) {
        for vendor in Vendor::ALL {
            let expected = if vendor == issuer { 200 } else { refusal(vendor) };
            assert_eq!(probe(&sandbox, vendor, token), expected);
            assert_eq!(sandbox.accepts(vendor, token), vendor == issuer);
        }
    }
}

#[test]
fn a_revoked_token_is_refused_and_the_others_are_not() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let (one, other) = (fetch(&sandbox, vendor), fetch(&sandbox, vendor));
        sandbox.revoke(vendor, &one);
        assert_eq!(probe(&sandbox, vendor, &one), refusal(vendor));
        assert_eq!(probe(&sandbox, vendor, &other), 200);
        sandbox.revoke_all(vendor);
        assert_eq!(probe(&sandbox, vendor, &other), refusal(vendor));
        assert_eq!(probe(&sandbox, vendor, &fetch(&sandbox, vendor)), 200);
    }
}

#[test]
fn a_token_expires_by_the_servers_clock() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        sandbox.set_token_life(vendor, Duration::from_secs(600));
        let token = fetch(&sandbox, vendor);
        sandbox.set_clock_skew(570);
        assert_eq!(probe(&sandbox, vendor, &token), 200);
        sandbox.set_clock_skew(600);
        assert_eq!(probe(&sandbox, vendor, &token), refusal(vendor));
        assert!(!sandbox.accepts(vendor, &token));
        sandbox.set_clock_skew(0);
    }
    sandbox.set_token_life(Vendor::Pattern, Duration::ZERO);
    let stillborn = fetch(&sandbox, Vendor::Pattern);
    assert!(!sandbox.accepts(Vendor::Pattern, &stillborn));
}

#[test]
fn the_servers_clock_moves_everything_it_says_about_time() {
    let sandbox = sandbox();
    sandbox.set_clock_skew(-86_400);
    let then = unix_now() - 86_400;
    let ehealth = Call::token(&sandbox, Vendor::Ehealth).send(&sandbox);
    let expires_at = ehealth.json()["data"]["expires_at"].as_u64().unwrap();
    assert!(close(expires_at, then + 30 * 24 * 3600));
    let date = httpdate::parse_http_date(ehealth.header("date").unwrap()).unwrap();
    assert!(close(date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), then));
    let payload = jwt_payload(&fetch(&sandbox, Vendor::Edvak));
    assert!(close(payload["iat"].as_u64().unwrap(), then));
    assert!(close(payload["exp"].as_u64().unwrap(), then + 900));
}

#[test]
fn a_token_life_shows_in_the_vendors_unit() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        sandbox.set_token_life(vendor, Duration::from_millis(90_500));
    }
    let answer = |vendor| Call::token(&sandbox, vendor).send(&sandbox).json();
    assert_eq!(answer(Vendor::Parchment)["data"]["expiresIn"], 90);
    assert_eq!(answer(Vendor::Edvak)["token"]["expires_in"], 90);
    assert_eq!(answer(Vendor::Pattern)["expires_in"], 90_500);
    let expires_at = answer(Vendor::Ehealth)["data"]["expires_at"].as_u64().unwrap();
    assert!(close(expires_at, unix_now() + 90));
}

#[test]
fn a_huge_life_or_skew_does_no_harm() {
    let sandbox = sandbox();
    for skew in [i64::MAX, i64::MIN, 0] {
        sandbox.set_clock_skew(skew);
        for vendor in Vendor::ALL {
            sandbox.set_token_life(vendor, Duration::MAX);
            assert!(Call::token(&sandbox, vendor).send(&sandbox).status < 300);
        }
    }
}

#[test]
fn padding_makes_tokens_longer() {
    let sandbox = sandbox();
    for vendor in Vendor::ALL {
        let short = fetch(&sandbox, vendor).len();
        sandbox.set_token_padding(vendor, 4000);
        let long = fetch(&sandbox, vendor);
        assert!((3900..6000).contains(&(long.len() - short)), "{}", long.len());
        assert_eq!(probe(&sandbox, vendor, &long), 200);
    }
}

#[test]
fn a_changed_credential_makes_the_old_one_wrong() {
    let sandbox = sandbox();
    for (vendor, name) in [
        (Vendor::Parchment, "partner_secret"),
        (Vendor::Ehealth, "client_secret"),
        (Vendor::Edvak, "password"),
        (Vendor::Pattern, "client_secret"),
    ] {
        let old = Call::token(&sandbox, vendor);
        assert!(sandbox.set_credential(vendor, name, "fake-new-secret-not-real"));
        assert_eq!(old.send(&sandbox).status, refusal(vendor));
        assert!(Call::token(&sandbox, vendor).send(&sandbox).status < 300);
    }
    assert!(!sandbox.set_credential(Vendor::Pattern, "password", "x"));
}

#[test]
fn the_last_request_is_kept_as_it_arrived() {
    let sandbox = sandbox();
    assert_eq!(sandbox.last_request(Vendor::Edvak), None);
    let call = Call::token(&sandbox, Vendor::Edvak);
    sandbox.inject(Vendor::Edvak, Fault::Outage);
    call.send(&sandbox);
    let seen = sandbox.last_request(Vendor::Edvak).unwrap();
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/ccda/ccda/generate-token"));
    assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(seen.body, call.body.as_bytes());
}

#[test]
fn a_kept_connection_is_counted_once() {
    let sandbox = sandbox();
    let agent = agent(&sandbox);
    for vendor in Vendor::ALL {
        Call::token(&sandbox, vendor).try_send(&agent).unwrap();
    }
    assert_eq!(sandbox.connections(), 1);
    assert_eq!(Vendor::ALL.map(|vendor| sandbox.requests(vendor)), [1; 4]);
}

#[test]
fn a_resumed_tls_session_is_counted() {
    let sandbox = sandbox();
    let agent = agent(&sandbox);
    let call = Call::token(&sandbox, Vendor::Pattern).with("connection", "close");
    call.try_send(&agent).unwrap();
    assert_eq!(sandbox.resumed_handshakes(), 0);
    call.try_send(&agent).unwrap();
    assert_eq!(sandbox.connections(), 2);
    assert_eq!(sandbox.resumed_handshakes(), 1);
}

#[test]
fn a_path_of_no_vendor_is_not_found_and_not_counted() {
    let sandbox = sandbox();
    let mut call = Call::token(&sandbox, Vendor::Pattern);
    call.url += "/more";
    assert_eq!(call.send(&sandbox).status, 404);
    assert_eq!(sandbox.requests(Vendor::Pattern), 0);
}

#[test]
fn a_body_beyond_64_kib_is_refused() {
    let sandbox = sandbox();
    let call = Call::token(&sandbox, Vendor::Pattern).body("x".repeat(64 * 1024 + 1));
    assert_eq!(call.send(&sandbox).status, 413);
}

#[test]
fn a_client_that_does_not_trust_the_authority_gets_nothing() {
    let (sandbox, stranger) = (sandbox(), sandbox());
    let call = Call::token(&sandbox, Vendor::Pattern);
    assert!(call.try_send(&agent(&stranger)).is_err());
    assert_eq!(sandbox.requests(Vendor::Pattern), 0);
}

#[test]
fn the_addresses_are_certified_too() {
    let sandbox = sandbox();
    for host in ["127.0.0.1", "[::1]"] {
        if TcpListener::bind(format!("{host}:0")).is_err() {
            continue;
        }
        let mut call = Call::token(&sandbox, Vendor::Pattern);
        call.url = call.url.replace("localhost", host);
        assert_eq!(call.send(&sandbox).status, 200, "{host}");
    }
}

#[test]
fn plain_http_is_an_option() {
    let sandbox = Sandbox::start_with(Options { plain_http: true, ..Options::default() }).unwrap();
    assert!(sandbox.origin().starts_with("http://localhost:"));
    assert_eq!(Call::token(&sandbox, Vendor::Parchment).send(&sandbox).status, 200);
}

#[test]
fn a_port_of_choice_is_used_and_a_taken_one_is_an_error() {
    let first = sandbox();
    let options = Options { port: port(&first), ..Options::default() };
    let taken = Sandbox::start_with(options.clone()).unwrap_err();
    assert_eq!(taken.kind(), std::io::ErrorKind::AddrInUse);
    drop(first);
    let second = Sandbox::start_with(options.clone()).unwrap();
    assert_eq!(port(&second), options.port);
}

#[test]
fn dropping_it_is_prompt_and_cuts_what_is_open() {
    let sandbox = sandbox();
    let address = ("127.0.0.1", port(&sandbox));
    let mut idle = TcpStream::connect(address).unwrap();
    sandbox.inject(Vendor::Pattern, Fault::DelayBefore(Duration::from_secs(60)));
    let call = Call::token(&sandbox, Vendor::Pattern);
    let agent = agent(&sandbox);
    let waiting = std::thread::spawn(move || call.try_send(&agent).is_err());
    while sandbox.requests(Vendor::Pattern) == 0 {
        std::thread::yield_now();
    }

    let start = Instant::now();
    drop(sandbox);
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert!(waiting.join().unwrap(), "the open request is cut");
    assert!(matches!(idle.read(&mut [0]), Ok(0) | Err(_)), "so is the idle connection");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
}

#[test]
fn it_may_be_dropped_inside_another_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async { drop(Sandbox::start().unwrap()) });
}

#[test]
fn it_may_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Sandbox>();
}
