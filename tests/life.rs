//! Token life, with the clock and the vendor in the test's hands.

mod support;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;
use std::time::Duration;

use caretoken::transport::Response;
use caretoken::{Client, Clock, Error, ErrorKind, ErrorPhase, EventKind, Secret, SecretBuf, Token};
use support::{
    NOW_MS, Script, TestClock, edvak, ehealth, parchment, pattern, pattern_answer, plain, scripted,
    scripted_with, token_within,
};

const HOUR: u64 = 3600;

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn bad_gateway(script: &Script) {
    script.answer_with(502, &[], "");
}

mod windows {
    use super::*;

    #[test]
    fn a_fresh_token_is_served_without_a_request() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        for _ in 0..3 {
            assert_eq!(plain(&client.token().unwrap()), "fake-one");
        }
        clock.advance(seconds(HOUR - 301));
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        assert_eq!(script.requests(), 1);
        assert_eq!((client.stats().hits, client.stats().fetches), (3, 1));
    }

    #[test]
    fn a_due_token_is_refreshed_early() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn while_one_caller_refreshes_early_the_others_keep_the_old_token() {
        let (client, script, clock) = scripted();
        let (go, gate) = mpsc::channel::<()>();
        script.token("one", HOUR).then(move |_| {
            gate.recv().unwrap();
            let body = pattern_answer("two", HOUR);
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        thread::scope(|scope| {
            let refresher = scope.spawn(|| client.token().unwrap());
            script.wait_for_requests(2);
            assert_eq!(plain(&client.token().unwrap()), "fake-one");
            go.send(()).unwrap();
            assert_eq!(plain(&refresher.join().unwrap()), "fake-two");
        });
        assert_eq!(script.requests(), 2);
    }

    #[test]
    fn in_the_mandatory_window_callers_wait_for_the_new_token() {
        let (client, script, clock) = scripted();
        let (go, gate) = mpsc::channel::<()>();
        script.token("one", HOUR).then(move |_| {
            gate.recv().unwrap();
            let body = pattern_answer("two", HOUR);
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        client.token().unwrap();
        clock.advance(seconds(HOUR - 30));
        thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| client.token().unwrap())).collect();
            script.wait_for_requests(2);
            go.send(()).unwrap();
            for caller in callers {
                assert_eq!(plain(&caller.join().unwrap()), "fake-two");
            }
        });
    }

    #[test]
    fn short_and_long_lives_are_both_cached() {
        for (life, fresh_until) in [(10, 7), (24 * HOUR, 24 * HOUR - 301)] {
            let (client, script, clock) = scripted();
            script.token("one", life).token("two", life);
            client.token().unwrap();
            clock.advance(seconds(fresh_until));
            assert_eq!(plain(&client.token().unwrap()), "fake-one", "{life}");
            clock.advance(seconds(life - fresh_until));
            assert_eq!(plain(&client.token().unwrap()), "fake-two", "{life}");
        }
    }

    #[test]
    fn an_ehealth_token_lives_thirty_days() {
        let (client, script, clock) = scripted_with(ehealth());
        let month = 30 * 24 * HOUR;
        let body = format!(
            r#"{{"data":{{"value":"fake-access","expires_at":{}}}}}"#,
            NOW_MS / 1000 + month as i64
        );
        script.answer(201, &body);
        let token = client.token().unwrap();
        assert_eq!((token.lifetime(), token.lifetime_was_cut()), (seconds(month), false));
        clock.advance(seconds(month - 301));
        client.token().unwrap();
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn the_life_counts_from_the_moment_of_sending() {
        let (client, script, clock) = scripted();
        let slow = Arc::clone(&clock);
        script.then(move |_| {
            slow.advance(seconds(8));
            let body = pattern_answer("one", 10);
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        assert_eq!(client.token().unwrap().time_left(), seconds(2));
    }

    #[test]
    fn a_token_that_expired_on_its_way_is_an_error_not_a_loop() {
        let (client, script, clock) = scripted();
        script.then(move |_| {
            clock.advance(seconds(10));
            let body = pattern_answer("one", 10);
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        let error = client.token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidLifetime);
        // Ten seconds are plausible: nothing points at the unit.
        assert_eq!(error.message(), "the token had expired before it arrived");
        assert!(client.peek().is_none());
    }
}

mod short_lives {
    use super::*;

    /// Pattern, answered in seconds where it says milliseconds.
    const WRONG_UNIT: &str = r#"{"access_token":"fake-short","expires_in":5}"#;

    #[test]
    fn an_implausibly_short_life_is_told_with_the_unit_it_was_read_in() {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let observed = pattern().on_event(move |event| {
            if event.kind == EventKind::LifetimeImplausible {
                seen.lock().unwrap().push((event.span, event.to_string()));
            }
        });
        let (client, script, _) = scripted_with(observed);
        script.answer(200, WRONG_UNIT);
        let token = client.token().unwrap();
        assert!(token.lifetime_is_implausible() && token.is_good());
        let (span, line) = events.lock().unwrap().pop().unwrap();
        assert_eq!(span, Some(Duration::from_millis(5)));
        assert!(line.contains("5 ms") && line.contains("read as milliseconds"), "{line}");
        assert!(events.lock().unwrap().is_empty());
        // Ten seconds are the least that is plausible.
        let (client, script, _) = scripted();
        script.token("one", 10);
        assert!(!client.token().unwrap().lifetime_is_implausible());
    }

    #[test]
    fn a_life_shorter_than_the_way_of_the_answer_is_told_in_the_same_words() {
        let told = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&told);
        let observed = pattern().on_event(move |event| {
            if event.kind == EventKind::LifetimeImplausible {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        let (client, script, clock) = scripted_with(observed);
        script.then(move |_| {
            clock.advance(seconds(1));
            Ok(Response::new(200, &[], SecretBuf::from(WRONG_UNIT.as_bytes())))
        });
        let error = client.token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidLifetime);
        assert!(error.remedy().contains("read as milliseconds"), "{error}");
        assert_eq!(told.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn however_many_callers_ask_such_tokens_are_fetched_once_a_second_at_most() {
        let (client, script, clock) = scripted();
        for _ in 0..7 {
            script.answer_with(200, &[], WRONG_UNIT);
        }
        let start = clock.monotonic_ms();
        let (mut tokens, mut early) = (0, 0);
        while clock.monotonic_ms() < start + 5000 {
            // With too little time for the pause there is an error that says why.
            match token_within(&client, &clock, Duration::from_millis(2)) {
                Ok(token) => {
                    assert_eq!(plain(&token), "fake-short");
                    tokens += 1;
                }
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidLifetime);
                    assert!(error.retry_after().unwrap() <= seconds(1));
                    early += 1;
                }
            }
            clock.advance(Duration::from_millis(1));
        }
        assert!(script.requests() <= 6, "{} requests from 0 to 5 s", script.requests());
        assert!(tokens >= 5 * 5 && early > 0, "{tokens} {early}");
        // With enough time the pause is waited out.
        client.token_within(seconds(2)).unwrap();
    }
}

mod clocks {
    use super::*;

    #[test]
    fn a_wall_clock_that_steps_back_does_not_lengthen_a_life() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        let token = client.token().unwrap();
        clock.step_wall(-86_400_000);
        clock.advance(seconds(HOUR - 301));
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        clock.advance(seconds(301));
        assert!(!token.is_good());
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn suspend_and_a_step_forward_end_a_life() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        let token = client.token().unwrap();
        clock.step_wall(3_600_000);
        assert!(!token.is_good());
        assert_eq!(token.time_left(), Duration::ZERO);
        assert!(client.peek().is_none());
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn a_vendor_whose_clock_is_hours_off_gives_the_right_life() {
        for skew_hours in [-5, 7] {
            let (client, script, _) = scripted_with(ehealth());
            let server = NOW_MS + skew_hours * 3_600_000;
            let date = httpdate::fmt_http_date(
                std::time::UNIX_EPOCH + Duration::from_millis(server as u64),
            );
            let body = format!(
                r#"{{"data":{{"value":"fake-access","expires_at":{}}}}}"#,
                server / 1000 + 900
            );
            script.answer_with(201, &[("date", &date)], &body);
            assert_eq!(client.clock_skew_ms(), None);
            assert_eq!(client.token().unwrap().lifetime(), seconds(900));
            assert_eq!(client.clock_skew_ms(), Some(skew_hours * 3_600_000));
        }
    }
}

mod failures {
    use super::*;

    #[test]
    fn a_failed_early_refresh_serves_the_old_token_and_cools_down() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        bad_gateway(&script);
        script.token("two", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        for _ in 0..5 {
            assert_eq!(plain(&client.token().unwrap()), "fake-one");
        }
        assert_eq!(script.requests(), 2);
        clock.advance(seconds(1));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn a_timeout_does_not_hide_what_had_failed_before() {
        let (client, script, _clock) = scripted();
        bad_gateway(&script);
        script.then(|_| Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive)));
        let error = client.token().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Receive));
        let told = error.to_string();
        assert!(
            told.contains("the attempt before had failed: ") && told.contains("HTTP 502"),
            "{told}"
        );
    }

    #[test]
    fn an_old_token_is_served_until_its_end_and_never_past_it() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        for left in (1..=300).rev() {
            bad_gateway(&script);
            assert_eq!(plain(&client.token().unwrap()), "fake-one", "{left}");
            clock.advance(seconds(1));
        }
        for _ in 0..20 {
            bad_gateway(&script);
        }
        let error = client.token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn one_more_try_is_made_at_the_mandatory_point_whatever_the_vendor_said() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        script.answer_with(429, &[("retry-after", "1800")], "");
        script.token("two", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        client.token().unwrap();
        clock.advance(seconds(269));
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        clock.advance(seconds(1));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn what_is_safe_to_send_again_is_sent_again() {
        let (client, script, clock) = scripted();
        script.fail(ErrorKind::Resolve, ErrorPhase::Resolve);
        script.fail(ErrorKind::ConnectionLost, ErrorPhase::Receive);
        bad_gateway(&script);
        script.token("one", HOUR);
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        let slept = clock.slept.lock().unwrap();
        assert_eq!(slept.len(), 3);
        for (pause, most) in slept.iter().zip([200, 400, 800]) {
            assert!(*pause <= Duration::from_millis(most), "{pause:?}");
        }
    }

    #[test]
    fn what_is_not_safe_to_send_again_is_sent_once() {
        for builder in [edvak, ehealth] {
            for (kind, phase) in [
                (ErrorKind::ConnectionLost, ErrorPhase::Send),
                (ErrorKind::ConnectionLost, ErrorPhase::Receive),
            ] {
                let (client, script, _) = scripted_with(builder());
                script.fail(kind, phase);
                assert_eq!(client.token().unwrap_err().kind(), kind);
            }
            let (client, script, _) = scripted_with(builder());
            bad_gateway(&script);
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Unavailable);
            // Before the vendor can have seen anything, it is safe for everybody.
            let (client, script, _) = scripted_with(builder());
            script.fail(ErrorKind::Connect, ErrorPhase::Connect);
            script.fail(ErrorKind::InvalidLifetime, ErrorPhase::Read);
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::InvalidLifetime);
        }
    }

    #[test]
    fn attempts_in_one_call_are_few() {
        let (client, script, _) = scripted();
        (0..4).for_each(|_| bad_gateway(&script));
        assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(script.requests(), 4);
    }

    #[test]
    fn a_terminal_answer_is_not_asked_for_again() {
        for status in [400, 401, 403, 404, 302] {
            let (client, script, _) = scripted();
            script.answer(status, "");
            client.token().unwrap_err();
            assert_eq!(script.requests(), 1);
        }
    }

    #[test]
    fn retry_after_within_the_deadline_is_waited_out() {
        for header in ["7", "Tue, 14 Nov 2023 22:13:27 GMT"] {
            let (client, script, clock) = scripted();
            let headers = [("date", support::NOW_DATE), ("retry-after", header)];
            script.answer_with(429, &headers, "").token("one", HOUR);
            client.token_within(seconds(10)).unwrap();
            assert_eq!(*clock.slept.lock().unwrap(), [seconds(7)]);
        }
    }

    #[test]
    fn retry_after_beyond_the_deadline_is_an_error_at_once_that_says_when() {
        let (client, script, clock) = scripted();
        script.answer_with(429, &[("retry-after", "60")], "");
        let error = client.token_within(seconds(10)).unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_after()),
            (ErrorKind::RateLimited, Some(seconds(60)))
        );
        clock.advance(seconds(20));
        // From memory, and still right about the time.
        let error = client.token_within(seconds(10)).unwrap_err();
        assert_eq!(error.retry_after(), Some(seconds(40)));
        assert_eq!(script.requests(), 1);
        assert!(clock.slept.lock().unwrap().is_empty());
        // A caller with more time waits.
        script.token("one", HOUR);
        client.token_within(seconds(41)).unwrap();
        assert_eq!(*clock.slept.lock().unwrap(), [seconds(40)]);
    }

    #[test]
    fn a_retry_after_that_is_over_turns_no_pause_off() {
        for header in ["0", "Tue, 14 Nov 2023 22:13:00 GMT"] {
            let (client, script, clock) = scripted();
            for _ in 0..4 {
                script.answer_with(429, &[("retry-after", header)], "");
            }
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::RateLimited);
            let slept = clock.slept.lock().unwrap().clone();
            assert!(slept.len() == 3 && slept.iter().all(|pause| !pause.is_zero()), "{slept:?}");
            // And then the vendor is left in peace for some seconds.
            client.token_within(Duration::from_millis(500)).unwrap_err();
            assert_eq!(script.requests(), 4);
        }
    }

    #[test]
    fn a_retry_after_of_a_day_stops_nobody_for_more_than_an_hour() {
        let (client, script, clock) = scripted();
        script.answer_with(429, &[("retry-after", "86400")], "").token("one", HOUR);
        token_within(&client, &clock, seconds(2 * HOUR)).unwrap();
        assert_eq!(*clock.slept.lock().unwrap(), [seconds(HOUR)]);
    }

    #[test]
    fn a_retry_after_counts_only_where_it_means_that_the_refusal_will_pass() {
        for (status, waits) in [(429, true), (503, true), (500, true), (400, false), (404, false)] {
            let (client, script, _) = scripted_with(ehealth());
            script.answer_with(status, &[("retry-after", "40")], "");
            let error = client.token_within(seconds(1)).unwrap_err();
            assert_eq!(error.retry_after(), waits.then_some(seconds(40)), "{status}");
        }
    }

    #[test]
    fn a_call_whose_time_ends_in_a_pause_sends_nothing_more() {
        let (client, script, clock) = scripted();
        bad_gateway(&script);
        let late = Arc::clone(&clock);
        clock.while_asleep(move || late.advance(seconds(60)));
        let error = client.token_within(seconds(30)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.message().contains("HTTP 502"), "{error}");
        assert_eq!((script.requests(), client.stats().failures), (1, 1));
    }

    #[test]
    fn pauses_differ_from_client_to_client() {
        let mut pauses: Vec<_> = (0..8)
            .map(|_| {
                let (client, script, clock) = scripted();
                bad_gateway(&script);
                script.token("one", HOUR);
                client.token().unwrap();
                clock.slept.lock().unwrap()[0]
            })
            .collect();
        pauses.sort_unstable();
        pauses.dedup();
        assert!(pauses.len() > 4, "{pauses:?}");
    }

    #[test]
    fn a_failure_does_not_poison_the_client() {
        let (client, script, clock) = scripted();
        for _ in 0..4 {
            script.fail(ErrorKind::Resolve, ErrorPhase::Resolve);
        }
        assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Resolve);
        script.token("one", HOUR);
        clock.advance(seconds(1));
        client.token().unwrap();
    }

    #[test]
    fn a_refresh_that_brings_the_same_end_holds_off() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).token("one", 300);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        client.token().unwrap();
        // Due by its own short life, but the vendor has nothing newer.
        clock.advance(seconds(149));
        client.token().unwrap();
        assert_eq!(script.requests(), 2);
    }
}

mod rejections {
    use super::*;

    #[test]
    fn a_wrong_password_reaches_the_vendor_once() {
        let (client, script, clock) = scripted_with(edvak());
        script.answer(403, "");
        for _ in 0..50 {
            let error = client.token().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::CredentialsRejected);
            clock.advance(seconds(1));
        }
        assert_eq!(script.requests(), 1);
        assert_eq!(client.token().unwrap_err().retry_after(), Some(seconds(850)));
    }

    #[test]
    fn a_new_credential_or_the_end_of_the_memory_asks_again() {
        let (client, script, clock) = scripted_with(edvak());
        script.answer(403, "").answer(403, "").answer(403, "");
        client.token().unwrap_err();
        client.set_credential("password", "fake-other").unwrap();
        client.token().unwrap_err();
        assert_eq!(script.requests(), 2);
        assert!(script.sent()[1].body.ends_with("password=fake-other"));
        clock.advance(seconds(900));
        client.token().unwrap_err();
        assert_eq!(script.requests(), 3);
    }

    #[test]
    fn a_new_credential_never_inherits_the_rejection_of_the_old_one() {
        // The host sets it while it is told of the failure, before anything was learned.
        let user: Arc<Mutex<Option<Client>>> = Arc::default();
        let inside = Arc::clone(&user);
        let observed = edvak().on_event(move |event| {
            if event.kind == EventKind::FetchFailed {
                let client = inside.lock().unwrap().take().unwrap();
                client.set_credential("password", "fake-new").unwrap();
            }
        });
        let (client, script, _) = scripted_with(observed);
        *user.lock().unwrap() = Some(client.clone());
        script.answer(403, "");
        client.token().unwrap_err();
        script.answer(200, r#"{"token":{"access_token":"fake-one","expires_in":900}}"#);
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        assert!(script.sent()[1].body.ends_with("password=fake-new"));
    }

    #[test]
    fn several_credentials_are_set_at_once_or_not_at_all() {
        let (client, script, _) = scripted_with(edvak());
        let answer = r#"{"token":{"access_token":"fake-one","expires_in":900}}"#;
        script.answer(200, answer).answer(200, answer);
        client.token().unwrap();
        let new = [("username", "fake-user"), ("password", "fake-word")];
        for wrong in [("password", ""), ("passwort", "fake"), ("username", "fake\n")] {
            let error = client.set_credentials([new[0], new[1], wrong]).unwrap_err();
            assert_eq!(error.field(), Some(wrong.0));
        }
        client.token().unwrap();
        assert_eq!(script.requests(), 1);
        client.set_credentials(new).unwrap();
        client.token().unwrap();
        assert!(script.sent()[1].body.ends_with("username=fake-user&password=fake-word"));
    }

    #[test]
    fn no_request_mixes_the_credentials_of_two_sign_ins() {
        // Fetches, all rejected, go on while another thread changes user and password.
        let (client, script, _) = scripted_with(edvak().rejection_memory(Duration::ZERO));
        const ROUNDS: usize = 300;
        for _ in 0..ROUNDS * 4 {
            script.answer(403, "");
        }
        thread::scope(|scope| {
            let setter = scope.spawn(|| {
                for n in 0..ROUNDS {
                    let (user, word) = (format!("fake-user-{n}"), format!("fake-word-{n}"));
                    client.set_credentials([("username", user), ("password", word)]).unwrap();
                }
            });
            for _ in 0..ROUNDS {
                client.token().unwrap_err();
            }
            setter.join().unwrap();
        });
        for sent in script.sent() {
            let Some((_, user)) = sent.body.split_once("fake-user-") else { continue };
            let (user, word) = user.split_once("&password=fake-word-").unwrap();
            assert_eq!(user, word);
        }
    }

    #[test]
    fn holders_that_change_during_every_fetch_end_in_an_error_not_a_loop() {
        let (client, script, _) = scripted();
        for n in 0..5 {
            let rotating = client.clone();
            script.then(move |_| {
                rotating.set_credential("client_id", format!("fake-client-{n}")).unwrap();
                let body = pattern_answer("one", HOUR);
                Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
            });
        }
        let error = client.token().unwrap_err();
        assert_eq!((error.kind(), script.requests()), (ErrorKind::Cancelled, 4));
        assert!(client.peek().is_none());
    }

    #[test]
    fn a_stress_of_sign_ins_never_loses_a_token_of_the_present_holder() {
        // Each answer brings the token of the user who asked; each sign-in is followed by a call.
        let (client, script, _) = scripted_with(parchment());
        let rounds = 200;
        for _ in 0..rounds * 8 {
            let body = r#"{"success":true,"data":{"accessToken":"fake-one","expiresIn":3600}}"#;
            script.answer(200, body);
        }
        thread::scope(|scope| {
            for caller in 0..2 {
                let client = &client;
                scope.spawn(move || {
                    for n in 0..rounds {
                        client.set_credential("user_id", format!("fake-{caller}-{n}")).unwrap();
                        let _ = client.token();
                    }
                });
            }
        });
        let most = 2 * rounds + 2 * rounds;
        assert!(script.requests() <= most, "{} requests", script.requests());
    }

    #[test]
    fn a_bad_new_credential_changes_nothing() {
        let (client, script, _) = scripted_with(edvak());
        script.answer(403, "");
        client.token().unwrap_err();
        for (name, value) in [("password", ""), ("password", "fake\n"), ("passwort", "fake")] {
            let error = client.set_credential(name, value).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidSetting);
        }
        client.token().unwrap_err();
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn the_memory_can_be_turned_off() {
        let (client, script, _) = scripted_with(edvak().rejection_memory(Duration::ZERO));
        script.answer(403, "").answer(403, "");
        client.token().unwrap_err();
        client.token().unwrap_err();
        assert_eq!(script.requests(), 2);
    }

    #[test]
    fn a_rejected_refresh_keeps_a_token_that_is_still_good() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).answer_with(401, &[], "");
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        client.token().unwrap();
        clock.advance(seconds(299));
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        clock.advance(seconds(1));
        assert_eq!(client.token().unwrap_err().kind(), ErrorKind::CredentialsRejected);
        assert_eq!(script.requests(), 2);
    }

    #[test]
    fn credentials_replaced_during_a_rejected_fetch_are_tried_at_once() {
        let (client, script, _) = scripted();
        let rotating = client.clone();
        script.then(move |_| {
            rotating.set_credential("client_secret", "fake-new").unwrap();
            Ok(Response::new(401, &[], SecretBuf::default()))
        });
        script.token("one", HOUR);
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
    }

    #[test]
    fn proof_keeps_the_cached_token_and_a_new_holder_drops_it() {
        let (client, script, _) = scripted_with(parchment());
        let answer = |name: &str| {
            format!(r#"{{"success":true,"data":{{"accessToken":"fake-{name}","expiresIn":3600}}}}"#)
        };
        script.answer(200, &answer("one")).answer(200, &answer("two"));
        client.token().unwrap();
        client.set_credential("partner_secret", "fake-new").unwrap();
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        client.set_credential("user_id", "fake-other-user").unwrap();
        assert!(client.peek().is_none());
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
        assert_eq!(script.sent()[1].header("x-user-id"), Some("fake-other-user"));
    }

    #[test]
    fn a_token_fetched_for_the_previous_holder_is_never_served() {
        let (client, script, _) = scripted_with(parchment());
        let rotating = client.clone();
        let answer = |name: &str| {
            format!(r#"{{"success":true,"data":{{"accessToken":"fake-{name}","expiresIn":3600}}}}"#)
        };
        let body = answer("previous");
        script.then(move |_| {
            rotating.set_credential("user_id", "fake-other-user").unwrap();
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        script.answer(200, &answer("present"));
        assert_eq!(plain(&client.token().unwrap()), "fake-present");
        assert_eq!(plain(&client.peek().unwrap()), "fake-present");
    }
}

mod refused_tokens {
    use super::*;

    #[test]
    fn a_token_rejected_during_a_refresh_that_fails_is_not_returned() {
        for due in [300, 30] {
            let (client, script, clock) = scripted();
            script.token("one", HOUR);
            let token = client.token().unwrap();
            clock.advance(seconds(HOUR - due));
            let rejecting = client.clone();
            script.then(move |_| {
                assert!(rejecting.reject(&token));
                Ok(Response::new(502, &[], SecretBuf::default()))
            });
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Unavailable, "{due}");
        }
    }

    #[test]
    fn a_rejected_token_is_dropped_once_for_ten_reporters() {
        let (client, script, _) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        let token = client.token().unwrap();
        let barrier = Barrier::new(10);
        let dropped = AtomicU32::new(0);
        thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| {
                    barrier.wait();
                    if client.reject(&token) {
                        dropped.fetch_add(1, Ordering::SeqCst);
                    }
                    assert_eq!(plain(&client.token().unwrap()), "fake-two");
                });
            }
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 1);
        assert_eq!(script.requests(), 2);
    }

    #[test]
    fn a_token_is_known_whichever_thread_took_it() {
        for reporter in 0..5 {
            let (client, script, _) = scripted();
            script.token("one", HOUR);
            client.token().unwrap();
            let takers: Vec<_> = (0..5)
                .map(|_| {
                    thread::scope(|scope| scope.spawn(|| client.token().unwrap()).join().unwrap())
                })
                .collect();
            assert!(client.reject(&takers[reporter]));
            assert!(client.peek().is_none());
            assert!(takers.iter().all(|token| !client.reject(token)));
        }
    }

    #[test]
    fn an_old_or_foreign_token_drops_nothing() {
        let (client, script, _) = scripted();
        let (other, other_script, _) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        other_script.token("one", HOUR);
        let old = client.token().unwrap();
        assert!(client.reject(&old));
        client.token().unwrap();
        assert!(!client.reject(&old));
        assert!(!client.reject(&other.token().unwrap()));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn fresh_tokens_refused_again_and_again_end_in_an_error_not_a_storm() {
        let (client, script, clock) = scripted();
        for _ in 0..3 {
            script.token("one", HOUR);
            let token = client.token().unwrap();
            client.reject(&token);
        }
        for _ in 0..100 {
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::TokensRefused);
        }
        assert_eq!(script.requests(), 3);
        clock.advance(seconds(30));
        script.token("two", HOUR);
        client.token().unwrap();
    }
}

mod rotation {
    use super::*;

    fn answer(name: &str, refresh_token: &str) -> String {
        format!(
            r#"{{"data":{{"value":"fake-{name}","expires_at":{},
                 "details":{{"refresh_token":"{refresh_token}"}}}}}}"#,
            NOW_MS / 1000 + 900
        )
    }

    #[test]
    fn a_new_refresh_token_is_stored_before_anybody_gets_the_access_token() {
        let stored = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&stored);
        let peeker: Arc<Mutex<Option<Client>>> = Arc::default();
        let inside = Arc::clone(&peeker);
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |new: &Secret| {
            let client = inside.lock().unwrap().clone().unwrap();
            assert!(client.peek().is_none());
            seen.lock().unwrap().push(new.expose_secret().to_owned());
            Ok(())
        }));
        *peeker.lock().unwrap() = Some(client.clone());
        script.answer(201, &answer("one", "fake-rotated"));
        client.token().unwrap();
        assert_eq!(*stored.lock().unwrap(), ["fake-rotated"]);
        peeker.lock().unwrap().take();
    }

    #[test]
    fn a_stored_refresh_token_is_not_handed_over_twice() {
        let stored = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&stored);
        let (client, script, clock) = scripted_with(ehealth().on_rotation(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
            Ok(())
        }));
        script.answer(201, &answer("one", "fake-rotated"));
        client.token().unwrap();
        clock.advance(seconds(900));
        let later = answer("two", "fake-rotated").replace("1700000900", "1700009000");
        script.answer_with(201, &[], &later);
        client.token().unwrap();
        assert_eq!(stored.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn a_refresh_token_is_kept_even_if_the_rest_of_the_answer_cannot_be_used() {
        let expired = answer("one", "fake-rotated").replace("1700000900", "1600000000");
        let no_token = r#"{"data":{"details":{"refresh_token":"fake-rotated"}}}"#.to_owned();
        let bad_scope =
            answer("one", "fake-rotated").replace(r#""details":{"#, r#""details":{"scope":5,"#);
        for useless in [expired, no_token, bad_scope] {
            let stored = Arc::new(Mutex::new(Vec::new()));
            let seen = Arc::clone(&stored);
            let (client, script, clock) = scripted_with(ehealth().on_rotation(move |new| {
                seen.lock().unwrap().push(new.expose_secret().to_owned());
                Ok(())
            }));
            script.answer(201, &useless);
            let error = client.token().unwrap_err();
            assert!(
                matches!(error.kind(), ErrorKind::InvalidLifetime | ErrorKind::AnswerMalformed),
                "{error}"
            );
            assert_eq!(*stored.lock().unwrap(), ["fake-rotated"], "{useless}");
            clock.advance(seconds(60));
            script.answer_with(201, &[], &answer("two", "fake-rotated"));
            assert_eq!(plain(&client.token().unwrap()), "fake-two");
            assert!(script.sent()[1].body.contains(r#""refresh_token":"fake-rotated""#));
        }
    }

    /// Another credential that says whose token it is, set while the answer is under way.
    #[test]
    fn a_refresh_token_is_kept_whatever_else_was_set_meanwhile() {
        let stored = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&stored);
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |new: &Secret| {
            seen.lock().unwrap().push(new.expose_secret().to_owned());
            Ok(())
        }));
        let setting = client.clone();
        let body = answer("one", "fake-rotated");
        script.then(move |_| {
            setting.set_credential("client_id", "fake-other-client").unwrap();
            Ok(Response::new(201, &[], SecretBuf::from(body.as_bytes())))
        });
        script.answer(201, &answer("two", "fake-rotated"));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
        assert_eq!(*stored.lock().unwrap(), ["fake-rotated"]);
        assert!(script.sent()[1].body.contains(r#""refresh_token":"fake-rotated""#));
    }

    #[test]
    fn a_refresh_token_that_waits_to_be_stored_outlives_other_credentials_but_not_its_successor() {
        for (name, offers) in [("client_id", 2), ("refresh_token", 1)] {
            let offered = Arc::new(AtomicU32::new(0));
            let count = Arc::clone(&offered);
            let (client, script, _) = scripted_with(ehealth().on_rotation(move |_| {
                match count.fetch_add(1, Ordering::SeqCst) {
                    0 => Err("the disk is full".into()),
                    _ => Ok(()),
                }
            }));
            script.answer(201, &answer("one", "fake-rotated"));
            client.token().unwrap_err();
            client.set_credential(name, "fake-other").unwrap();
            let body = r#"{"data":{"value":"fake-two","expires_at":1700000900}}"#;
            script.answer(201, body);
            assert_eq!(plain(&client.token().unwrap()), "fake-two");
            assert_eq!(offered.load(Ordering::SeqCst), offers, "{name}");
        }
    }

    #[test]
    fn a_token_of_the_previous_holder_is_not_returned_after_its_refresh_token_was_stored() {
        let user: Arc<Mutex<Option<Client>>> = Arc::default();
        let inside = Arc::clone(&user);
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |_| {
            if let Some(client) = inside.lock().unwrap().take() {
                client.set_credential("refresh_token", "fake-of-another").unwrap();
            }
            Ok(())
        }));
        *user.lock().unwrap() = Some(client.clone());
        script.answer(201, &answer("previous", "fake-rotated"));
        script.answer(201, r#"{"data":{"value":"fake-present","expires_at":1700000900}}"#);
        assert_eq!(plain(&client.token().unwrap()), "fake-present");
    }

    #[test]
    fn a_refusal_rotates_nothing() {
        let (client, script, _) = scripted_with(ehealth().on_rotation(|_| panic!("a refusal")));
        script.answer(500, &answer("one", "fake-rotated"));
        client.token().unwrap_err();
    }

    #[test]
    fn a_useless_answer_whose_refresh_token_cannot_be_stored_tells_that_first() {
        let failing = Arc::new(AtomicU32::new(1));
        let (client, script, _) =
            scripted_with(ehealth().on_rotation(
                move |_| match failing.swap(0, Ordering::SeqCst) {
                    0 => Ok(()),
                    _ => Err("the disk is full".into()),
                },
            ));
        script.answer(201, r#"{"data":{"details":{"refresh_token":"fake-rotated"}}}"#);
        let error = client.token().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::RotationNotStored);
        // The host's own error is the source, and is shown by nobody else.
        let source = std::error::Error::source(&error).unwrap();
        assert_eq!(source.to_string(), "the disk is full");
        assert!(!format!("{error} {error:?}").contains("disk"));
        // Stored by the next call; but there is no token with it, and the failure is remembered.
        assert_eq!(client.token().unwrap_err().kind(), ErrorKind::AnswerMalformed);
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn what_could_not_be_stored_is_told_while_the_old_token_is_still_good() {
        let (client, script, clock) =
            scripted_with(ehealth().on_rotation(|_| Err("the disk is full".into())));
        let plain_answer = answer("one", "fake-refresh-token");
        script.answer(201, &plain_answer);
        client.token().unwrap();
        clock.advance(seconds(800));
        let later = answer("two", "fake-rotated").replace("1700000900", "1700009000");
        script.answer_with(201, &[], &later);
        for _ in 0..2 {
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::RotationNotStored);
        }
        assert_eq!(plain(&client.peek().unwrap()), "fake-one");
        assert_eq!(script.requests(), 2);
    }

    #[test]
    fn a_refresh_token_of_the_previous_holder_is_not_taken_over() {
        let (client, script, _) = scripted_with(ehealth().on_rotation(|_| panic!("another's")));
        let signing_in = client.clone();
        let body = answer("previous", "fake-rotated");
        script.then(move |_| {
            signing_in.set_credential("refresh_token", "fake-of-another").unwrap();
            Ok(Response::new(201, &[], SecretBuf::from(body.as_bytes())))
        });
        let present = r#"{"data":{"value":"fake-present","expires_at":1700000900}}"#;
        script.answer(201, present);
        assert_eq!(plain(&client.token().unwrap()), "fake-present");
        assert!(script.sent()[1].body.contains("fake-of-another"));
    }

    #[test]
    fn the_same_refresh_token_is_no_rotation() {
        let (client, script, _) =
            scripted_with(ehealth().on_rotation(|_| panic!("nothing has changed")));
        script.answer(201, &answer("one", "fake-refresh-token"));
        client.token().unwrap();
    }

    #[test]
    fn a_callback_that_fails_is_reported_and_nothing_is_lost() {
        let failures = Arc::new(AtomicU32::new(2));
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |_| {
            match failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)) {
                Ok(_) => Err("the disk is full".into()),
                Err(_) => Ok(()),
            }
        }));
        script.answer(201, &answer("one", "fake-rotated"));
        for _ in 0..2 {
            let error = client.token().unwrap_err();
            assert_eq!(
                (error.kind(), error.phase()),
                (ErrorKind::RotationNotStored, ErrorPhase::Store)
            );
            assert!(client.peek().is_none());
        }
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn a_token_that_expired_before_its_refresh_token_was_stored_is_not_served() {
        let failing = Arc::new(AtomicU32::new(1));
        let (client, script, clock) =
            scripted_with(ehealth().on_rotation(
                move |_| match failing.swap(0, Ordering::SeqCst) {
                    0 => Ok(()),
                    _ => Err("the disk is full".into()),
                },
            ));
        script.answer(201, &answer("one", "fake-rotated"));
        client.token().unwrap_err();
        clock.advance(seconds(900));
        let later = answer("two", "fake-rotated").replace("1700000900", "1700009000");
        script.answer_with(201, &[], &later);
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
        assert!(script.sent()[1].body.contains("fake-rotated"));
    }

    #[test]
    fn a_callback_that_panics_loses_nothing_either() {
        let calm = Arc::new(AtomicU32::new(0));
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |_| {
            assert!(calm.fetch_add(1, Ordering::SeqCst) > 0, "a defect in the host");
            Ok(())
        }));
        script.answer(201, &answer("one", "fake-rotated"));
        let caller = client.clone();
        thread::spawn(move || caller.token()).join().unwrap_err();
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn a_callback_that_asks_for_a_token_gets_an_error_not_a_deadlock() {
        let asker: Arc<Mutex<Option<Client>>> = Arc::default();
        let heard = Arc::new(Mutex::new(None));
        let (inside, hear) = (Arc::clone(&asker), Arc::clone(&heard));
        let (client, script, _) = scripted_with(ehealth().on_rotation(move |_| {
            let client = inside.lock().unwrap().clone().unwrap();
            *hear.lock().unwrap() = client.token().err();
            Ok(())
        }));
        *asker.lock().unwrap() = Some(client.clone());
        script.answer(201, &answer("one", "fake-rotated"));
        client.token().unwrap();
        let error = heard.lock().unwrap().take().unwrap();
        assert_eq!(error.field(), Some("callback"));
        asker.lock().unwrap().take();
    }
}

mod limits {
    use super::*;

    #[test]
    fn zero_time_is_enough_for_a_cached_token_and_for_nothing_else() {
        let (client, script, _) = scripted();
        let error = client.token_within(Duration::ZERO).unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Timeout, ErrorPhase::Wait));
        script.token("one", HOUR);
        client.token_within(Duration::MAX).unwrap();
        client.token_within(Duration::ZERO).unwrap();
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn a_part_of_a_millisecond_is_not_zero() {
        let (client, script, _) = scripted();
        script.token("one", HOUR);
        client.token_within(Duration::from_nanos(1)).unwrap();
    }

    #[test]
    fn a_call_without_time_never_sleeps_and_holds_nobody_up() {
        let (client, script, clock) = scripted();
        script.answer_with(429, &[("retry-after", "3600")], "");
        client.token_within(seconds(1)).unwrap_err();
        let error = token_within(&client, &clock, Duration::ZERO).unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_after()),
            (ErrorKind::RateLimited, Some(seconds(3600)))
        );
        assert!(clock.slept.lock().unwrap().is_empty());
        assert_eq!(script.requests(), 1);
    }

    #[test]
    fn a_call_without_time_teaches_nothing() {
        for due in [300, 30, 0] {
            let (client, script, clock) = scripted();
            script.token("one", HOUR).token("two", HOUR);
            client.token().unwrap();
            clock.advance(seconds(HOUR - due));
            for _ in 0..3 {
                let result = client.token_within(Duration::ZERO);
                assert_eq!(result.is_ok(), due > 0, "{due}");
            }
            assert_eq!((script.requests(), client.stats().failures), (1, 0), "{due}");
            assert!(client.refresh_if_due().unwrap(), "{due}");
        }
    }

    #[test]
    fn a_cool_down_is_slept_out_and_no_longer() {
        let (client, script, clock) = scripted();
        script.answer_with(429, &[("retry-after", "40")], "");
        client.token_within(seconds(1)).unwrap_err();
        // Cancelled while it sleeps: the rest of the pause is not.
        let cancelling = client.clone();
        clock.while_asleep(move || cancelling.cancel());
        assert_eq!(client.token_within(seconds(60)).unwrap_err().kind(), ErrorKind::Cancelled);
        assert_eq!(clock.slept_in_all(), Duration::ZERO);
        // Other credentials end it, too.
        let setting = client.clone();
        clock.while_asleep(move || setting.set_credential("client_secret", "fake-new").unwrap());
        script.token("one", HOUR);
        token_within(&client, &clock, seconds(60)).unwrap();
        assert_eq!(clock.slept_in_all(), Duration::ZERO);
        assert_eq!(
            script.sent()[1].header("authorization"),
            Some("Basic ZmFrZS1jbGllbnQ6ZmFrZS1uZXc=")
        );
    }

    #[test]
    fn an_old_token_that_ends_during_a_refresh_that_fails_is_not_served() {
        for due in [300, 30] {
            let (client, script, clock) = scripted();
            script.token("one", HOUR);
            client.token().unwrap();
            clock.advance(seconds(HOUR - due));
            script.then(move |_| {
                clock.advance(seconds(due));
                Ok(Response::new(502, &[], SecretBuf::default()))
            });
            assert_eq!(client.token().unwrap_err().kind(), ErrorKind::Unavailable, "{due}");
        }
    }

    #[test]
    fn the_transport_gets_no_more_time_than_the_caller_has() {
        let (client, script, _) = scripted();
        script.then(|attempt| {
            assert!(attempt.remaining(ErrorPhase::Connect)? <= seconds(3));
            assert!(attempt.remaining(ErrorPhase::Connect)? > seconds(2));
            Err(Error::new(ErrorKind::Timeout, ErrorPhase::Connect))
        });
        let error = client.token_within(seconds(3)).unwrap_err();
        assert_eq!(error.phase(), ErrorPhase::Connect);
    }

    #[test]
    fn a_caller_with_a_good_token_waits_five_seconds_for_a_newer_one_at_most() {
        for due in [300, 30] {
            let (client, script, clock) = scripted();
            script.token("one", HOUR);
            client.token().unwrap();
            clock.advance(seconds(HOUR - due));
            script.then(|attempt| {
                assert!(attempt.remaining(ErrorPhase::Connect)? <= seconds(5));
                Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive))
            });
            assert_eq!(plain(&client.token().unwrap()), "fake-one");
        }
    }

    #[test]
    fn a_caller_whose_good_token_ends_meanwhile_has_all_its_time_again() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 3));
        script.then(move |attempt| {
            assert!(attempt.remaining(ErrorPhase::Connect)? <= seconds(5));
            clock.advance(seconds(5));
            Err(Error::new(ErrorKind::Timeout, ErrorPhase::Receive))
        });
        script.then(|attempt| {
            assert!(attempt.remaining(ErrorPhase::Connect)? > seconds(20));
            let body = pattern_answer("two", HOUR);
            Ok(Response::new(200, &[], SecretBuf::from(body.as_bytes())))
        });
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }

    #[test]
    fn a_waiter_whose_time_ends_gets_the_old_token_while_it_is_good() {
        let (client, script, clock) = scripted();
        let (go, gate) = mpsc::channel::<()>();
        script.token("one", HOUR).then(move |_| {
            gate.recv().unwrap();
            Err(Error::new(ErrorKind::ConnectionLost, ErrorPhase::Receive))
        });
        client.token().unwrap();
        clock.advance(seconds(HOUR - 30));
        thread::scope(|scope| {
            let pilot = scope.spawn(|| client.token());
            script.wait_for_requests(2);
            assert_eq!(plain(&client.token_within(Duration::ZERO).unwrap()), "fake-one");
            go.send(()).unwrap();
            assert_eq!(plain(&pilot.join().unwrap().unwrap()), "fake-one");
        });
    }

    #[test]
    fn a_new_credential_ends_a_pause() {
        // On the system's clock, which sleeps for real.
        let start = std::time::Instant::now();
        let script = Script::new();
        let client = pattern().transport(script.clone()).build().unwrap();
        script.answer_with(429, &[("retry-after", "30")], "");
        client.token_within(seconds(1)).unwrap_err();
        script.token("one", HOUR);
        thread::scope(|scope| {
            let waiter = scope.spawn(|| client.token_within(seconds(60)));
            client.set_credential("client_secret", "fake-new").unwrap();
            assert_eq!(plain(&waiter.join().unwrap().unwrap()), "fake-one");
        });
        assert!(start.elapsed() < seconds(20), "the pause went on");
    }

    #[test]
    fn cancel_ends_a_flight_and_everybody_who_waits_and_nothing_later() {
        let (client, script, _) = scripted();
        script.then(|attempt| {
            while !attempt.is_cancelled() {
                thread::yield_now();
            }
            Err(Error::new(ErrorKind::Cancelled, ErrorPhase::Receive))
        });
        thread::scope(|scope| {
            let callers: Vec<_> = (0..4).map(|_| scope.spawn(|| client.token())).collect();
            script.wait_for_requests(1);
            while client.stats().fetches < 1 {
                thread::yield_now();
            }
            // A caller that has not begun when the others are cancelled flies next.
            script.token("one", HOUR);
            client.cancel();
            for caller in callers {
                match caller.join().unwrap() {
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Cancelled),
                    Ok(token) => assert_eq!(plain(&token), "fake-one"),
                }
            }
        });
        client.token().unwrap();
    }

    #[test]
    fn a_cancel_before_a_call_does_not_touch_it() {
        let (client, script, _) = scripted();
        client.cancel();
        script.token("one", HOUR);
        client.token().unwrap();
    }

    #[test]
    fn an_expired_token_and_256_threads_cause_one_request() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        client.token().unwrap();
        clock.advance(seconds(HOUR));
        script.token("two", HOUR);
        let barrier = Barrier::new(256);
        thread::scope(|scope| {
            for _ in 0..256 {
                scope.spawn(|| {
                    barrier.wait();
                    assert_eq!(plain(&client.token().unwrap()), "fake-two");
                });
            }
        });
        assert_eq!(script.requests(), 2);
        let stats = client.stats();
        assert_eq!((stats.fetches, stats.failures), (2, 0));
        assert_eq!(stats.hits + stats.waits, 255);
    }
}

mod idle_timer {
    use super::*;

    #[test]
    fn refresh_if_due_works_only_when_it_is_due() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR).token("two", HOUR);
        assert!(client.peek().is_none());
        assert!(client.refresh_if_due().unwrap());
        assert!(!client.refresh_if_due().unwrap());
        assert_eq!(plain(&client.peek().unwrap()), "fake-one");
        clock.advance(seconds(HOUR - 300));
        assert!(client.refresh_if_due().unwrap());
        assert_eq!(plain(&client.peek().unwrap()), "fake-two");
    }

    #[test]
    fn refresh_if_due_reports_a_failure_and_keeps_the_token() {
        let (client, script, clock) = scripted();
        script.token("one", HOUR);
        bad_gateway(&script);
        client.token().unwrap();
        clock.advance(seconds(HOUR - 300));
        assert_eq!(client.refresh_if_due().unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(plain(&client.peek().unwrap()), "fake-one");
        // Cooling down.
        assert!(!client.refresh_if_due().unwrap());
    }
}

mod observing {
    use super::*;

    #[test]
    fn every_turn_is_told_and_no_secret_with_it() {
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        let observed = pattern().on_event(move |event| {
            seen.lock().unwrap().push((event.kind, format!("{event} {event:?}")));
        });
        let (client, script, clock) = scripted_with(observed);
        script.token("one", 30 * 24 * HOUR);
        bad_gateway(&script);
        let token: Token = client.token().unwrap();
        clock.advance(token.lifetime() - seconds(300));
        client.token().unwrap();
        client.reject(&token);
        let events = events.lock().unwrap();
        let kinds: Vec<_> = events.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(
            kinds,
            [
                EventKind::FetchStarted,
                EventKind::Fetched,
                EventKind::LifetimeCut,
                EventKind::FetchStarted,
                EventKind::FetchFailed,
                EventKind::CoolingDown,
                EventKind::ServedOldToken,
                EventKind::TokenRejected
            ]
        );
        assert!(events.iter().all(|(_, text)| !text.contains("fake-")), "{events:?}");
        assert!(events[4].1.contains("error=unavailable"), "{events:?}");
    }

    #[test]
    fn an_observer_may_use_the_client() {
        let user: Arc<Mutex<Option<Client>>> = Arc::default();
        let inside = Arc::clone(&user);
        let observed = pattern().on_event(move |_| {
            if let Some(client) = inside.lock().unwrap().clone() {
                let _ = client.peek();
                client.cancel();
            }
        });
        let (client, script, _) = scripted_with(observed);
        script.token("one", HOUR);
        client.token().unwrap();
        *user.lock().unwrap() = Some(client.clone());
        client.reject(&client.peek().unwrap());
        script.token("two", HOUR);
        // It cancels the very call that it observes: an answer or a clear end, never a hang.
        if let Err(error) = client.token() {
            assert_eq!(error.kind(), ErrorKind::Cancelled);
        }
        user.lock().unwrap().take();
    }
}

#[test]
fn the_clock_of_the_test_moves_both_ways() {
    let clock = TestClock::new();
    clock.advance(seconds(1));
    clock.step_wall(-2000);
    assert_eq!((clock.monotonic_ms(), clock.wall_ms()), (1_001_000, NOW_MS - 1000));
}
