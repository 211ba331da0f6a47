//! A refresh token that ends before its access token: used while it lives, and told days ahead.

mod support;

use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use caretoken::{Client, ClientBuilder, ErrorKind, EventKind};
use support::{NOW_MS, Script, TestClock, edvak, ehealth, pattern, plain, scripted_with};

const DAY: u64 = 24 * 3600;

fn days(n: u64) -> Duration {
    Duration::from_secs(n * DAY)
}

fn now_plus(span: Duration) -> i64 {
    NOW_MS + span.as_millis() as i64
}

/// eHealth's answer on that day: an access token of thirty days.
fn answer(name: &str, day: u64) -> String {
    format!(
        r#"{{"data":{{"value":"fake-{name}","expires_at":{}}}}}"#,
        now_plus(days(day + 30)) / 1000
    )
}

type Told = Arc<Mutex<Vec<Option<Duration>>>>;

/// A client that takes note of each warning of a sign-in.
fn observed(builder: ClientBuilder) -> (Client, Arc<Script>, Arc<TestClock>, Told) {
    let told = Told::default();
    let seen = Arc::clone(&told);
    let builder = builder.on_event(move |event| {
        if event.kind == EventKind::SignInDue {
            seen.lock().unwrap().push(event.span);
        }
    });
    let (client, script, clock) = scripted_with(builder);
    (client, script, clock, told)
}

fn ends_in(builder: ClientBuilder, span: Duration) -> ClientBuilder {
    builder.refresh_token_expires_at(UNIX_EPOCH + Duration::from_millis(now_plus(span) as u64))
}

fn sign_in_due_in(client: &Client) -> Option<Duration> {
    let due = client.stats().sign_in_due_at?;
    Some(due.duration_since(UNIX_EPOCH).unwrap() - Duration::from_millis(NOW_MS as u64))
}

#[test]
fn a_refresh_token_of_seven_days_carries_the_access_to_day_36() {
    let (client, script, clock, told) = observed(ends_in(ehealth(), days(7)));
    assert_eq!(sign_in_due_in(&client), Some(days(7)));
    script.answer_with(201, &[], &answer("one", 0));
    client.token().unwrap();
    assert_eq!(sign_in_due_in(&client), Some(days(30)));
    // 80 % of seven days: 5.6 days.
    clock.advance(days(5) + Duration::from_secs(DAY / 2));
    assert_eq!(plain(&client.token().unwrap()), "fake-one");
    assert!(!client.refresh_if_due().unwrap());
    clock.advance(Duration::from_secs(DAY / 10 + 1));
    script.answer_with(201, &[], &answer("two", 6));
    assert!(client.refresh_if_due().unwrap());
    assert_eq!(sign_in_due_in(&client), Some(days(36)));
    // Once is enough.
    assert!(!client.refresh_if_due().unwrap());
    for _ in 0..22 {
        clock.advance(days(1));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }
    assert!(told.lock().unwrap().is_empty());
    // Some seven days ahead the operator is told, once.
    for _ in 0..3 {
        clock.advance(days(1));
        assert_eq!(plain(&client.token().unwrap()), "fake-two");
    }
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    let ahead = told[0].unwrap();
    assert!(ahead > days(6) && ahead <= days(7), "{ahead:?}");
    assert_eq!(script.requests(), 2);
}

#[test]
fn a_refresh_that_fails_is_tried_again_until_the_refresh_token_ends() {
    let (client, script, clock, _) = observed(ends_in(ehealth(), days(7)));
    script.answer_with(201, &[], &answer("one", 0));
    client.token().unwrap();
    clock.advance(days(6));
    for _ in 0..3 {
        script.answer_with(502, &[], "");
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        clock.advance(Duration::from_secs(60));
    }
    assert_eq!(script.requests(), 4);
    // Once it is dead, asking is no use: the token there is serves to its end.
    clock.advance(days(1));
    for _ in 0..22 {
        assert_eq!(plain(&client.token().unwrap()), "fake-one");
        clock.advance(days(1));
    }
    assert_eq!(script.requests(), 4);
    clock.advance(days(2));
    let dead = r#"{"error":{"type":"token_expired","message":"Token expired."}}"#;
    script.answer_with(401, &[], dead);
    assert_eq!(client.token().unwrap_err().kind(), ErrorKind::SignInRequired);
}

#[test]
fn short_tokens_are_told_of_before_the_refresh_token_ends() {
    let (client, script, clock, told) = observed(ends_in(ehealth(), days(10)));
    for day in 0..9_u64 {
        let end = now_plus(days(day) + Duration::from_secs(900)) / 1000;
        let body = format!(r#"{{"data":{{"value":"fake-{day}","expires_at":{end}}}}}"#);
        script.answer_with(201, &[], &body);
        client.token().unwrap();
        assert_eq!(sign_in_due_in(&client), Some(days(10)));
        assert_eq!(told.lock().unwrap().len(), usize::from(day >= 8), "{day}");
        clock.advance(days(1));
    }
    assert_eq!(*told.lock().unwrap(), [Some(days(2))]);
}

#[test]
fn a_rotated_refresh_token_has_a_known_end_and_a_new_one_does_not() {
    let (client, script, clock, _) = observed(ehealth());
    assert_eq!(sign_in_due_in(&client), None);
    let end = now_plus(days(30)) / 1000;
    let rotating = format!(
        r#"{{"data":{{"value":"fake-one","expires_at":{end},"details":{{"refresh_token":"fake-rotated"}}}}}}"#
    );
    script.answer(201, &rotating);
    client.token().unwrap();
    assert_eq!(sign_in_due_in(&client), Some(days(30)));
    clock.advance(days(6));
    script.answer_with(201, &[], &answer("two", 6));
    assert_eq!(plain(&client.token().unwrap()), "fake-two");
    // A person has signed in: nobody knows the end of what came of it, unless the host says it.
    client.set_credential("refresh_token", "fake-of-a-sign-in").unwrap();
    assert_eq!(sign_in_due_in(&client), None);
    let end = now_plus(days(13)).to_string();
    for names in [
        ["refresh_token_expires_at_ms", "refresh_token"],
        ["refresh_token", "refresh_token_expires_at_ms"],
    ] {
        let value = |name| if name == "refresh_token" { "fake-of-another" } else { end.as_str() };
        client.set_credentials(names.map(|name| (name, value(name)))).unwrap();
        assert_eq!(sign_in_due_in(&client), Some(days(13)));
    }
    // A proof changes nothing about it.
    client.set_credential("client_secret", "fake-new").unwrap();
    assert_eq!(sign_in_due_in(&client), Some(days(13)));
}

#[test]
fn a_sibling_has_the_end_of_a_refresh_token_that_it_shares_only() {
    let (client, _, _, _) = observed(ends_in(ehealth(), days(7)));
    assert_eq!(sign_in_due_in(&client.sibling().build().unwrap()), Some(days(7)));
    let other = client.sibling().set("refresh_token", "fake-of-another").unwrap();
    assert_eq!(sign_in_due_in(&other.clone().build().unwrap()), None);
    let said = ends_in(client.sibling(), days(3)).set("refresh_token", "fake-of-another").unwrap();
    assert_eq!(sign_in_due_in(&said.build().unwrap()), Some(days(3)));
}

#[test]
fn the_end_of_a_refresh_token_is_a_setting_by_name_and_only_where_there_is_one() {
    let mut builder = ehealth();
    builder = builder.set("refresh_token_expires_at_ms", now_plus(days(2)).to_string()).unwrap();
    let (client, ..) = observed(builder.clone());
    assert_eq!(sign_in_due_in(&client), Some(days(2)));
    for wrong in ["", "soon", "-1", "0", "1e9", "99999999999999999999"] {
        let error = builder.clone().set("refresh_token_expires_at_ms", wrong).unwrap_err();
        assert_eq!(error.field(), Some("refresh_token_expires_at_ms"), "{wrong}");
        let error = client.set_credentials([("refresh_token_expires_at_ms", wrong)]).unwrap_err();
        assert_eq!(error.field(), Some("refresh_token_expires_at_ms"), "{wrong}");
    }
    for other in [edvak, pattern] {
        let error = other().set("refresh_token_expires_at_ms", "1767225600000").unwrap_err();
        assert_eq!(error.field(), Some("refresh_token_expires_at_ms"));
        let error = ends_in(other(), days(1)).build().unwrap_err();
        assert!(error.message().contains("takes no refresh token"), "{error}");
        let (client, ..) = observed(other());
        client.set_credentials([("refresh_token_expires_at_ms", "1767225600000")]).unwrap_err();
    }
}

#[test]
fn an_end_that_is_past_is_shown_as_it_is_and_told() {
    let (client, script, clock, told) = observed(ehealth());
    client
        .set_credentials([("refresh_token_expires_at_ms", (NOW_MS - 3_600_000).to_string())])
        .unwrap();
    let due = client.stats().sign_in_due_at.unwrap();
    assert_eq!(due, UNIX_EPOCH + Duration::from_millis(NOW_MS as u64 - 3_600_000));
    script.answer(201, &answer("one", 0));
    client.token().unwrap();
    assert_eq!(*told.lock().unwrap(), [Some(Duration::ZERO)]);
    // The vendor took it all the same: the access lasts for thirty days.
    assert_eq!(sign_in_due_in(&client), Some(days(30)));
    clock.advance(days(20));
    assert_eq!(plain(&client.token().unwrap()), "fake-one");
    assert_eq!(script.requests(), 1);
}
