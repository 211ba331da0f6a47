//! A password that may lock an account is sent as seldom as it can be.

mod support;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use caretoken::transport::Response;
use caretoken::{Client, Error, ErrorKind, ErrorPhase, SecretBuf};
use support::{Script, TestClock, edvak, pattern, plain, scripted_with, token_within};

const ANSWER: &str = r#"{"token":{"access_token":"fake-one","expires_in":900}}"#;

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Answers that leave it open whether the password was wrong.
type Play = fn(&Script);
const OPEN: &[(&str, Play)] = &[
    ("500", |script| _ = script.answer(500, "")),
    ("503 with Retry-After: 0", |script| _ = script.answer_with(503, &[("retry-after", "0")], "")),
    ("408", |script| _ = script.answer(408, "")),
    ("429", |script| _ = script.answer(429, "")),
    ("a redirect", |script| _ = script.answer(302, "")),
    ("200 without a token", |script| _ = script.answer(200, "{}")),
    ("200 that is a page", |script| _ = script.answer(200, "<html>")),
    ("201", |script| _ = script.answer(201, ANSWER)),
    ("cut while sending", |script| _ = script.fail(ErrorKind::ConnectionLost, ErrorPhase::Send)),
    ("cut while receiving", |script| {
        _ = script.fail(ErrorKind::ConnectionLost, ErrorPhase::Receive)
    }),
    ("no answer", |script| _ = script.fail(ErrorKind::Timeout, ErrorPhase::Receive)),
    ("cancelled after sending", |script| {
        _ = script.fail(ErrorKind::Cancelled, ErrorPhase::Receive)
    }),
    ("too large", |script| _ = script.fail(ErrorKind::AnswerTooLarge, ErrorPhase::Receive)),
];

/// Calls every second for so long, each call with `timeout`; returns how many errors said that the
/// password is not sent.
fn ask(client: &Client, clock: &TestClock, span: Duration, timeout: Duration) -> u32 {
    let mut told = 0;
    for _ in 0..span.as_secs() {
        let error = token_within(client, clock, timeout).unwrap_err();
        told += u32::from(error.message().contains("not sent again before"));
        clock.advance(seconds(1));
    }
    told
}

#[test]
fn any_refusal_of_a_password_is_remembered() {
    for status in [400, 401, 403, 404, 405, 407, 409, 410, 422, 451] {
        let (client, script, clock) = scripted_with(edvak());
        script.answer(status, "");
        for asked in 0..899 {
            let error = token_within(&client, &clock, seconds(1)).unwrap_err();
            assert!(
                error.message().contains(
                    "the same credentials are not sent again before Tue, 14 Nov 2023 22:28:20 GMT, \
                     unless set anew"
                ),
                "{status}: {error}"
            );
            assert_eq!(error.retry_after(), Some(seconds(900 - asked)), "{status}");
            clock.advance(seconds(1));
        }
        assert_eq!(script.requests(), 1, "{status}");
        // Set anew, it is sent at once.
        script.answer(200, ANSWER);
        client.set_credential("password", "fake-other").unwrap();
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
    }
}

#[test]
fn no_quarter_of_an_hour_has_more_than_five_sendings_of_an_open_password() {
    for (name, play) in OPEN {
        let (client, script, clock) = scripted_with(edvak());
        for _ in 0..10 {
            play(&script);
        }
        let told = ask(&client, &clock, seconds(895), Duration::from_millis(500));
        assert!(script.requests() <= 5, "{name}: {} sendings", script.requests());
        assert!(script.requests() > 1, "{name}: it is tried again");
        assert!(told > 880, "{name}: {told}");
    }
}

#[test]
fn an_open_password_is_never_sent_twice_in_one_call() {
    for (name, play) in OPEN {
        let (client, script, clock) = scripted_with(edvak());
        for _ in 0..4 {
            play(&script);
        }
        let error = token_within(&client, &clock, seconds(3600)).unwrap_err();
        assert_eq!(script.requests(), 1, "{name}: {error}");
        // The next call waits for the pause to end.
        let _ = token_within(&client, &clock, seconds(3600));
        assert!(script.requests() <= 2, "{name}");
        assert!(
            script.requests() == 1 || clock.slept_in_all() >= seconds(10),
            "{name}: {:?}",
            clock.slept_in_all()
        );
    }
}

#[test]
fn whoever_waits_does_not_send_it_at_once_when_the_first_caller_gives_up() {
    let (client, script, clock) = scripted_with(edvak());
    let (go, gate) = std::sync::mpsc::channel::<()>();
    script.then(move |_| {
        gate.recv().unwrap();
        Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive))
    });
    script.answer(200, ANSWER);
    thread::scope(|scope| {
        let first = scope.spawn(|| client.token_within(seconds(5)));
        script.wait_for_requests(1);
        let waiters: Vec<_> =
            (0..4).map(|_| scope.spawn(|| client.token_within(seconds(9)))).collect();
        go.send(()).unwrap();
        assert_eq!(first.join().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
        for waiter in waiters {
            let error = waiter.join().unwrap().unwrap_err();
            assert!(error.message().contains("nobody knows how the password was taken"), "{error}");
        }
    });
    assert_eq!(script.requests(), 1);
    // With more time than the pause it is tried again.
    assert_eq!(plain(&token_within(&client, &clock, seconds(11)).unwrap()), "fake-one");
}

#[test]
fn what_surely_never_arrived_is_free() {
    let (client, script, clock) = scripted_with(edvak());
    for (kind, phase) in [
        (ErrorKind::Resolve, ErrorPhase::Resolve),
        (ErrorKind::Connect, ErrorPhase::Connect),
        (ErrorKind::Proxy, ErrorPhase::Proxy),
    ] {
        script.fail(kind, phase);
    }
    script.answer(200, ANSWER);
    client.token().unwrap();
    assert!(clock.slept_in_all() < seconds(2));
    assert_eq!(script.requests(), 4);
}

#[test]
fn a_right_password_ends_the_row_and_new_credentials_do() {
    let (client, script, clock) = scripted_with(edvak());
    for _ in 0..3 {
        script.answer(500, "");
        let _ = client.token_within(seconds(800));
    }
    script.answer(200, ANSWER);
    let token = token_within(&client, &clock, seconds(800)).unwrap();
    assert_eq!(script.requests(), 4);
    // Accepted: the pauses begin anew.
    client.reject(&token);
    script.answer(500, "");
    let error = client.token_within(seconds(1)).unwrap_err();
    assert_eq!(error.retry_after(), Some(seconds(10)));
    // Set anew: nothing is remembered.
    client.set_credential("password", "fake-other").unwrap();
    script.answer(500, "");
    let error = client.token_within(seconds(1)).unwrap_err();
    assert_eq!(error.retry_after(), Some(seconds(10)));
    assert_eq!(script.requests(), 6);
}

#[test]
fn an_open_password_is_not_sent_at_the_next_window_either() {
    let (client, script, clock) = scripted_with(edvak());
    script.answer(200, ANSWER);
    client.token().unwrap();
    // Due early 180 s before its end, and without choice 30 s before it.
    clock.advance(seconds(720));
    let mut sent_at = Vec::new();
    for second in 0..900 {
        script.answer(500, "");
        let before = script.requests();
        let result = token_within(&client, &clock, Duration::from_millis(500));
        assert_eq!(result.is_ok(), second < 180, "{second}");
        if script.requests() > before {
            sent_at.push(second);
        }
        clock.advance(seconds(1));
    }
    assert_eq!(sent_at, [0, 10, 50, 210, 850]);
}

#[test]
fn secrets_that_lock_nothing_are_sent_again_as_before() {
    let (client, script, _) = scripted_with(pattern());
    script.answer(500, "").answer(500, "");
    script.then(|_| {
        let body = r#"{"access_token":"fake-one","expires_in":3600000}"#;
        Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
    });
    client.token().unwrap();
    assert_eq!(script.requests(), 3);
}

#[test]
fn two_hundred_callers_send_an_open_password_once() {
    let (client, script, _) = scripted_with(edvak());
    script.answer(500, "");
    let client = Arc::new(client);
    thread::scope(|scope| {
        for _ in 0..200 {
            scope.spawn(|| client.token_within(seconds(5)).unwrap_err());
        }
    });
    assert_eq!(script.requests(), 1);
}

#[test]
fn a_call_whose_good_token_ends_meanwhile_sends_the_password_once_all_the_same() {
    let (client, script, clock) = scripted_with(edvak());
    script.answer(200, ANSWER);
    client.token().unwrap();
    clock.advance(seconds(897));
    let late = Arc::clone(&clock);
    script.then(move |_| {
        late.advance(seconds(5));
        Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive))
    });
    let error = client.token_within(seconds(300)).unwrap_err();
    assert_eq!((error.kind(), script.requests()), (ErrorKind::Timeout, 2));
    assert!(error.message().contains("not sent again before"), "{error}");
}

#[test]
fn who_has_a_good_token_waits_for_the_answer_where_an_end_would_leave_it_open() {
    let (client, script, clock) = scripted_with(edvak());
    script.answer(200, ANSWER);
    client.token().unwrap();
    clock.advance(seconds(890));
    script.then(|attempt| {
        assert!(attempt.remaining(ErrorPhase::Connect)? > seconds(20));
        Ok(Response::new(200, &[], SecretBuf::from(ANSWER.as_bytes())))
    });
    client.token().unwrap();
    assert_eq!(script.requests(), 2);
}

#[test]
fn setting_nothing_ends_no_row() {
    let (client, script, _) = scripted_with(edvak());
    script.answer(403, "");
    client.token().unwrap_err();
    let nothing: [(&str, &str); 0] = [];
    client.set_credentials(nothing).unwrap();
    client.token().unwrap_err();
    assert_eq!(script.requests(), 1);
    // The same value, set by a person who has had the account unlocked, does.
    script.answer(200, ANSWER);
    client.set_credential("password", "fake p&ss=w+rd%").unwrap();
    client.token().unwrap();
}

#[test]
fn a_panic_of_who_is_told_forgets_no_refusal() {
    let observed = edvak().on_event(|event| {
        assert!(event.kind != caretoken::EventKind::FetchFailed, "a defect in the host");
    });
    let (client, script, _) = scripted_with(observed);
    script.answer(403, "");
    let caller = client.clone();
    thread::spawn(move || caller.token()).join().unwrap_err();
    assert_eq!(client.token().unwrap_err().kind(), ErrorKind::CredentialsRejected);
    assert_eq!(script.requests(), 1);
}

#[test]
fn no_step_of_the_wall_clock_shortens_or_lengthens_the_pause() {
    for step_ms in [3_600_000, -3_600_000] {
        let (client, script, clock) = scripted_with(edvak());
        script.answer(500, "");
        client.token_within(seconds(1)).unwrap_err();
        clock.step_wall(step_ms);
        let error = client.token_within(seconds(1)).unwrap_err();
        assert_eq!(error.retry_after(), Some(seconds(10)), "{step_ms}");
        clock.advance(seconds(10));
        script.answer(403, "");
        client.token_within(seconds(1)).unwrap_err();
        clock.step_wall(step_ms);
        let error = client.token_within(seconds(1)).unwrap_err();
        assert_eq!(error.retry_after(), Some(seconds(900)), "{step_ms}");
        assert_eq!(script.requests(), 2);
    }
}

#[test]
fn who_was_not_cancelled_is_not_told_so() {
    let (client, script, _) = scripted_with(edvak());
    script.fail(ErrorKind::Cancelled, ErrorPhase::Receive);
    assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Cancelled);
    let error = client.token_within(seconds(1)).unwrap_err();
    assert_eq!((error.kind(), error.retry_after()), (ErrorKind::Timeout, Some(seconds(10))));
    assert!(error.message().starts_with("a call was cancelled before"), "{error}");
}

#[test]
fn who_gives_a_token_has_taken_the_password_for_right() {
    let (client, script, _) = scripted_with(edvak());
    script.answer(200, r#"{"token":{"access_token":"fake-one","expires_in":0}}"#);
    let error = client.token_within(seconds(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidLifetime);
    assert!(!error.message().contains("password"), "{error}");
}
