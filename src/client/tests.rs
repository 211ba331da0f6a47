//! Tests that must know which threads wait: they go on when all that should wait do.

#[path = "../../tests/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

use super::Client;
use super::call::Step;
use crate::error::{Error, ErrorKind, ErrorPhase};
use crate::life::clock::instant_after as deadline;
use crate::memory::SecretBuf;
use crate::transport::Response;
use support::{
    NOW_MS, Script, TestClock, ehealth, parchment, pattern_answer, plain, scripted, scripted_with,
};

const HOUR: u64 = 3600;

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// Blocks until so many threads wait for the fetch under way.
fn until_waiting(client: &Client, count: usize) {
    while client.0.flight.get().waiting() != count {
        thread::yield_now();
    }
}

/// The next request is answered when the sender says so.
fn held_back(
    script: &Script,
    answer: impl FnOnce() -> Result<Response, Error> + Send + 'static,
) -> Sender<()> {
    let (go, gate) = mpsc::channel();
    script.then(move |_| {
        gate.recv().unwrap();
        answer()
    });
    go
}

fn empty(status: u16) -> Result<Response, Error> {
    Ok(Response::new(status, &[], SecretBuf::default()))
}

/// A client whose token has so many seconds left.
fn with_seconds_left(left: u64) -> (Client, Arc<Script>, Arc<TestClock>) {
    let (client, script, clock) = scripted();
    script.token("one", HOUR);
    client.token().unwrap();
    clock.advance(seconds(HOUR - left));
    (client, script, clock)
}

#[test]
fn one_callers_timeout_lets_the_next_in_line_fetch() {
    let (client, script, _) = scripted();
    let go = held_back(&script, || Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive)));
    script.token("one", HOUR);
    thread::scope(|scope| {
        let hasty = scope.spawn(|| client.token_within(seconds(1)));
        script.wait_for_requests(1);
        let patient = scope.spawn(|| client.token_within(seconds(60)));
        until_waiting(&client, 1);
        go.send(()).unwrap();
        assert_eq!(hasty.join().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(plain(&patient.join().unwrap().unwrap()), "fake-one");
    });
    assert_eq!(script.requests(), 2);
}

#[test]
fn a_failure_that_may_pass_is_shared_by_all_who_wait_at_one_request() {
    let (client, script, clock) = scripted_with(ehealth());
    let go = held_back(&script, || empty(502));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..8).map(|_| scope.spawn(|| client.token())).collect();
        script.wait_for_requests(1);
        until_waiting(&client, 7);
        go.send(()).unwrap();
        for caller in callers {
            assert_eq!(caller.join().unwrap().unwrap_err().kind(), ErrorKind::Unavailable);
        }
    });
    assert_eq!((script.requests(), clock.slept_in_all()), (1, Duration::ZERO));
    let stats = client.stats();
    assert_eq!((stats.waits, stats.failures), (7, 1));
}

#[test]
fn who_came_after_new_credentials_were_set_is_not_told_of_the_old_ones() {
    let (client, script, _) = scripted_with(ehealth());
    let go = held_back(&script, || empty(400));
    let body = r#"{"data":{"value":"fake-one","expires_at":1700000900}}"#;
    script.answer(201, body);
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.token());
        script.wait_for_requests(1);
        client.set_credential("client_secret", "fake-new").unwrap();
        let waiter = scope.spawn(|| client.token());
        until_waiting(&client, 1);
        go.send(()).unwrap();
        assert_eq!(leader.join().unwrap().unwrap_err().kind(), ErrorKind::RequestRefused);
        assert_eq!(plain(&waiter.join().unwrap().unwrap()), "fake-one");
    });
    assert!(script.sent()[1].body.contains("fake-new"));
}

#[test]
fn all_who_wait_get_the_token_and_are_counted() {
    let (client, script, _) = scripted();
    let answer = pattern_answer("one", HOUR);
    let go =
        held_back(&script, move || Ok(Response::new(200, &[], SecretBuf::from(answer.as_bytes()))));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| client.token().unwrap())).collect();
        script.wait_for_requests(1);
        until_waiting(&client, 3);
        go.send(()).unwrap();
        for caller in callers {
            assert_eq!(plain(&caller.join().unwrap()), "fake-one");
        }
    });
    assert_eq!((script.requests(), client.stats().waits), (1, 3));
}

#[test]
fn a_waiter_is_not_handed_a_token_that_ended_while_it_waited() {
    let (client, script, clock) = with_seconds_left(30);
    let go = held_back(&script, || empty(401));
    thread::scope(|scope| {
        let callers: Vec<_> = (0..2).map(|_| scope.spawn(|| client.token())).collect();
        script.wait_for_requests(2);
        until_waiting(&client, 1);
        clock.advance(seconds(30));
        go.send(()).unwrap();
        for caller in callers {
            let error = caller.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
        }
    });
}

#[test]
fn a_waiter_is_handed_neither_anothers_token_nor_one_that_was_rejected() {
    for is_rejected in [true, false] {
        let (client, script, _clock) = with_seconds_left(30);
        let go = held_back(&script, || empty(400));
        let waiter_asks_again = pattern_answer("two", HOUR);
        thread::scope(|scope| {
            let callers: Vec<_> = (0..2).map(|_| scope.spawn(|| client.token())).collect();
            script.wait_for_requests(2);
            until_waiting(&client, 1);
            if is_rejected {
                assert!(client.reject(&client.peek().unwrap()));
            } else {
                client.set_credential("client_id", "fake-other-client").unwrap();
            }
            script.answer_with(200, &[], &waiter_asks_again);
            go.send(()).unwrap();
            for caller in callers {
                match caller.join().unwrap() {
                    Ok(token) => assert_eq!(plain(&token), "fake-two"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::RequestRefused),
                }
            }
        });
    }
}

#[test]
fn a_waiter_with_a_good_token_gives_up_after_five_seconds() {
    let (client, script, clock) = with_seconds_left(30);
    let go = held_back(&script, || empty(502));
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.token_within(seconds(60)));
        script.wait_for_requests(2);
        let waiter = scope.spawn(|| client.token_within(seconds(60)));
        until_waiting(&client, 1);
        clock.advance(seconds(4));
        client.0.flight.get().wake();
        until_waiting(&client, 1);
        clock.advance(seconds(1));
        client.0.flight.get().wake();
        assert_eq!(plain(&waiter.join().unwrap().unwrap()), "fake-one");
        go.send(()).unwrap();
        assert_eq!(plain(&leader.join().unwrap().unwrap()), "fake-one");
    });
}

#[test]
fn a_waiter_whose_good_token_ends_meanwhile_has_all_its_time_again() {
    let (client, script, clock) = with_seconds_left(3);
    let answer = pattern_answer("two", HOUR);
    let go =
        held_back(&script, move || Ok(Response::new(200, &[], SecretBuf::from(answer.as_bytes()))));
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.token_within(seconds(60)));
        script.wait_for_requests(2);
        let waiter = scope.spawn(|| client.token_within(seconds(60)));
        until_waiting(&client, 1);
        clock.advance(seconds(6));
        client.0.flight.get().wake();
        go.send(()).unwrap();
        assert_eq!(plain(&waiter.join().unwrap().unwrap()), "fake-two");
        leader.join().unwrap().unwrap();
    });
}

#[test]
fn a_waiter_without_a_token_waits_as_long_as_it_may() {
    let (client, script, clock) = scripted();
    let answer = pattern_answer("one", HOUR);
    let go =
        held_back(&script, move || Ok(Response::new(200, &[], SecretBuf::from(answer.as_bytes()))));
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.token_within(seconds(60)));
        script.wait_for_requests(1);
        let waiter = scope.spawn(|| client.token_within(seconds(60)));
        until_waiting(&client, 1);
        clock.advance(seconds(20));
        client.0.flight.get().wake();
        go.send(()).unwrap();
        assert_eq!(plain(&waiter.join().unwrap().unwrap()), "fake-one");
        leader.join().unwrap().unwrap();
    });
}

#[test]
fn all_who_wait_are_told_of_a_refresh_token_that_could_not_be_stored() {
    let answer = |name: &str, life: i64, refresh: &str| {
        let end = NOW_MS / 1000 + life;
        format!(
            r#"{{"data":{{"value":"fake-{name}","expires_at":{end},
                 "details":{{"refresh_token":"{refresh}"}}}}}}"#
        )
    };
    let (client, script, clock) =
        scripted_with(ehealth().on_rotation(|_| Err("the disk is full".into())));
    script.answer(201, &answer("one", 900, "fake-refresh-token"));
    client.token().unwrap();
    clock.advance(seconds(880));
    let rotating = answer("two", 9000, "fake-rotated");
    let go = held_back(&script, move || {
        Ok(Response::new(201, &[], SecretBuf::from(rotating.as_bytes())))
    });
    thread::scope(|scope| {
        let callers: Vec<_> = (0..3).map(|_| scope.spawn(|| client.token())).collect();
        script.wait_for_requests(2);
        until_waiting(&client, 2);
        go.send(()).unwrap();
        for caller in callers {
            let error = caller.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::RotationNotStored);
        }
    });
}

#[test]
fn a_caller_whose_time_ends_as_a_fetch_is_abandoned_starts_none() {
    let (client, script, clock) = scripted();
    let go = held_back(&script, || Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive)));
    thread::scope(|scope| {
        let leader = scope.spawn(|| client.token_within(seconds(5)));
        script.wait_for_requests(1);
        let waiter = scope.spawn(|| client.token_within(seconds(5)));
        until_waiting(&client, 1);
        clock.advance(seconds(5));
        go.send(()).unwrap();
        assert_eq!(leader.join().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(waiter.join().unwrap().unwrap_err().kind(), ErrorKind::Timeout);
    });
    assert_eq!((script.requests(), client.stats().failures), (1, 1));
}

#[test]
fn nobody_gets_anothers_token_from_the_cache() {
    let (client, script, _) = scripted_with(parchment());
    let body = r#"{"success":true,"data":{"accessToken":"fake-one","expiresIn":3600}}"#;
    script.answer(200, body);
    client.token().unwrap();
    assert!(client.hit(|_| ()).is_some());
    client.set_credential("user_id", "fake-other-user").unwrap();
    assert!(client.hit(|_| ()).is_none() && client.peek().is_none());
}

#[test]
fn a_waiter_asks_again_where_the_token_it_waited_for_is_no_longer_the_one() {
    let (client, script, clock) = scripted();
    script.token("one", HOUR).token("two", HOUR);
    let first = client.token().unwrap();
    let step = |token: &crate::Token| client.0.after_waiting(Some(Ok(token.clone())), false);
    assert!(matches!(step(&first), Step::Done(Ok(token)) if token.is(&first)));
    assert!(client.reject(&first));
    assert!(matches!(step(&first), Step::Again));
    let second = client.token().unwrap();
    assert!(matches!(step(&first), Step::Again));
    clock.advance(seconds(HOUR));
    assert!(matches!(step(&second), Step::Again));
    assert!(matches!(client.0.after_waiting(None, false), Step::Again));
    assert_eq!(client.stats().waits, 1);
}

#[test]
fn hits_need_no_thought_again_once_a_turn_has_passed() {
    let day = seconds(24 * HOUR);
    let end = std::time::UNIX_EPOCH + Duration::from_millis(NOW_MS as u64) + 7 * day;
    let (client, script, clock) = scripted_with(ehealth().refresh_token_expires_at(end));
    let month = NOW_MS / 1000 + 30 * 24 * HOUR as i64;
    script.answer(201, &format!(r#"{{"data":{{"value":"fake-one","expires_at":{month}}}}}"#));
    client.token().unwrap();
    let is_hit = || client.hit(|_| ()).is_some();
    assert!(is_hit());
    // The refresh token has died unused.
    clock.advance(7 * day);
    assert!(!is_hit());
    client.token().unwrap();
    assert!(is_hit());
    // The sign-in is told.
    clock.advance(17 * day);
    assert!(!is_hit());
    client.token().unwrap();
    assert!(is_hit());
    clock.advance(6 * day);
    assert!(!is_hit() && client.peek().is_none());
}

#[test]
fn a_timeout_beyond_all_times_is_one_that_nobody_waits_for() {
    let left = |timeout| deadline(timeout).duration_since(std::time::Instant::now());
    assert!(left(Duration::MAX) > seconds(364 * 24 * HOUR));
    assert!(left(seconds(5)) > seconds(4) && left(seconds(5)) <= seconds(5));
}
