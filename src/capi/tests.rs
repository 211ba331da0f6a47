//! What only Rust can bring about: panics in the core, and a life without sockets, for Miri.

use std::panic::{self, AssertUnwindSafe};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::*;
use crate::builder::ClientBuilder;
use crate::error::{Error, ErrorKind};
use crate::transport::{Attempt, Request, Response, Transport};

/// Panics with the request in its message, as a failed slicing of it would.
struct Panicking;

impl Transport for Panicking {
    fn send(&self, request: &Request, _: &Attempt) -> Result<Response, Error> {
        panic!("{:?}", String::from_utf8_lossy(request.body().expose_secret()))
    }
}

fn panicking_client() -> *mut caretoken_client {
    client_on(Panicking)
}

fn client_on(transport: impl Transport) -> *mut caretoken_client {
    let mut builder = ClientBuilder::by_name("edvak").unwrap().transport(Arc::new(transport));
    for (name, value) in [
        ("base_url", "https://edvak.example"),
        ("client_id", "fake-id"),
        ("client_secret", "fake-secret"),
        ("username", "fake-user"),
        ("password", "fake-password"),
    ] {
        builder = builder.set(name, value).unwrap();
    }
    caretoken_client::into_c(builder.build().unwrap())
}

fn line_of(error: *const caretoken_error) -> String {
    // SAFETY: the error lives.
    text_of(unsafe { (*error).line })
}

#[test]
fn a_panic_becomes_an_error_without_its_message_and_poisons_the_client() {
    let client = panicking_client();
    let mut token = ptr::dangling();
    let mut error = ptr::dangling();
    // SAFETY: all pointers are good.
    let status = unsafe { caretoken_client_token(client, 1000, &mut token, &mut error) };
    assert_eq!(status, CARETOKEN_INTERNAL);
    assert!(token.is_null());
    let line = line_of(error);
    assert!(line.contains("internal error at src/capi/tests.rs:"), "{line}");
    assert!(!line.contains("fake"), "{line}");

    // SAFETY: all pointers are good; each error is freed once, and the client last.
    unsafe {
        caretoken_error_free(error);
        let mut length = 1;
        let status = caretoken_client_authorization(
            client,
            1000,
            ptr::null_mut(),
            0,
            &mut length,
            &mut error,
        );
        assert_eq!((status, length), (CARETOKEN_INTERNAL, 0));
        assert!(line_of(error).starts_with("an earlier internal error"), "{}", line_of(error));
        caretoken_error_free(error);
        assert_eq!(caretoken_client_peek(client, &mut token, ptr::null_mut()), CARETOKEN_INTERNAL);
        assert_eq!(caretoken_client_cancel(client, ptr::null_mut()), CARETOKEN_INTERNAL);
        caretoken_client_free(client);
    }
}

/// Notes that it is dropped, and panics then.
struct Noted(Arc<AtomicBool>);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
        panic!("again");
    }
}

#[test]
fn what_a_panic_carries_is_freed_even_if_that_panics() {
    let is_dropped = Arc::new(AtomicBool::new(false));
    let noted = Noted(Arc::clone(&is_dropped));
    assert!(super::panic::catch(|| panic::panic_any(noted)).is_none());
    assert!(is_dropped.load(Ordering::SeqCst));
}

#[test]
fn the_error_that_stands_in_for_one_that_could_not_be_made_is_not_freed() {
    let unknown = &raw const super::error::UNKNOWN;
    // SAFETY: it lives for ever.
    unsafe { caretoken_error_free(unknown) };
    assert!(line_of(unknown).starts_with("internal error"));
}

/// In a process of its own, since all tests share one standard error.
#[test]
fn a_panic_inside_the_boundary_prints_nothing_and_one_outside_prints_as_ever() {
    const MARK: &str = "CARETOKEN_TEST_PANICS";
    if std::env::var_os(MARK).is_some() {
        let client = panicking_client();
        // SAFETY: all pointers are good.
        unsafe {
            caretoken_client_refresh_if_due(client, ptr::null_mut(), ptr::null_mut());
            caretoken_client_free(client);
        }
        let outside = panic::catch_unwind(AssertUnwindSafe(|| panic!("outside the boundary")));
        assert!(outside.is_err());
        return;
    }
    let name = "a_panic_inside_the_boundary_prints_nothing_and_one_outside_prints_as_ever";
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact", &format!("capi::tests::{name}")])
        .env(MARK, "1")
        .output()
        .unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("1 passed"), "{printed}");
    assert!(printed.contains("outside the boundary"), "{printed}");
    assert!(!printed.contains("fake-"), "{printed}");
}

/// The constants that `status.rs` documents for C: name in lower case, number, comment.
fn constants() -> Vec<(String, i32, String)> {
    let (mut constants, mut comment) = (Vec::new(), String::new());
    for line in include_str!("status.rs").lines() {
        if let Some(words) = line.strip_prefix("///") {
            comment.push_str(words);
            continue;
        }
        if let Some((name, number)) = line
            .strip_prefix("pub const CARETOKEN_")
            .and_then(|rest| rest.strip_suffix(';')?.split_once(": caretoken_status = "))
        {
            let comment = comment.trim().to_owned();
            constants.push((name.to_lowercase(), number.parse().unwrap(), comment));
        }
        comment.clear();
    }
    constants
}

/// cbindgen expands no macros, so that the constants cannot be made of the table of kinds.
#[test]
fn the_documented_statuses_are_the_kinds_of_error_and_three_more() {
    let mut statuses = constants();
    let others: Vec<_> = statuses.drain(..3).map(|(name, number, _)| (name, number)).collect();
    let named = |name: &str, number| (name.to_owned(), number);
    assert_eq!(others, [named("ok", 0), named("null_argument", 1), named("buffer_too_small", 2)]);

    let mut kinds: Vec<_> = ErrorKind::ALL.iter().collect();
    kinds.sort_by_key(|kind| kind.number());
    assert_eq!(
        statuses.iter().map(|(name, number, _)| (name.as_str(), *number)).collect::<Vec<_>>(),
        kinds.iter().map(|kind| (kind.name(), kind.number())).collect::<Vec<_>>()
    );
    for (kind, (name, _, comment)) in kinds.iter().zip(&statuses) {
        let first =
            format!("{}.", kind.doc().trim().trim_end_matches('.').split(". ").next().unwrap());
        assert!(comment.starts_with(&first), "{name}: {comment:?} does not begin with {first:?}");
    }
}

#[test]
fn every_status_has_a_name_and_no_other_number() {
    for (name, number, _) in constants() {
        assert_eq!(text_of(status::name_of(number)), name);
    }
    let named = (-1000..1000).filter(|number| text_of(status::name_of(*number)) != "unknown");
    assert_eq!(named.count(), constants().len());
}

/// Answers with `secret` wherever an error might take a text from.
struct Echo {
    status: u16,
    secret: String,
}

impl Transport for Echo {
    fn send(&self, _: &Request, _: &Attempt) -> Result<Response, Error> {
        let secret = &self.secret;
        let body = format!(
            r#"{{"error":{{"type":"{secret}","{secret}":"{secret}","invalid":[{{"entry":"{secret}"}}]}},
                 "meta":{{"request_id":"{secret}"}},"data":{{"value":"{secret}","expires_at":"{secret}"}}}}"#
        );
        let headers = [("retry-after", secret.as_str()), ("date", secret)];
        Ok(Response::new(self.status, &headers, body.as_bytes().into()))
    }
}

#[test]
fn no_error_shows_a_piece_of_a_secret() {
    use std::hash::{BuildHasher, Hasher, RandomState};
    for status in [200, 201, 302, 400, 401, 403, 404, 422, 429, 500] {
        let number = || RandomState::new().build_hasher().finish();
        let secret = format!("{:016x}{:016x}", number(), number());
        let echo = Echo { status, secret: secret.clone() };
        let mut builder = ClientBuilder::by_name("ehealth").unwrap().transport(Arc::new(echo));
        for (name, value) in [
            ("base_url", "https://ehealth.example"),
            ("client_id", "fake-id"),
            ("client_secret", &secret),
            ("refresh_token", &secret),
            ("timeout_ms", "100"),
        ] {
            builder = builder.set(name, value).unwrap();
        }
        let client = caretoken_client::into_c(builder.build().unwrap());
        let (mut token, mut error) = (ptr::null(), ptr::null());
        // SAFETY: all pointers are good.
        let failed = unsafe { caretoken_client_token(client, -1, &mut token, &mut error) };
        assert_ne!(failed, CARETOKEN_OK);
        // SAFETY: the error lives.
        let read = unsafe { &*error };
        for text in [
            read.kind,
            read.line,
            read.message,
            read.remedy,
            read.actor,
            read.field,
            read.phase,
            read.vendor,
            read.vendor_code,
            read.request_id,
        ] {
            let text = text_of(text);
            let mut pieces = secret.as_bytes().windows(8).map(|p| std::str::from_utf8(p).unwrap());
            assert!(!pieces.any(|piece| text.contains(piece)), "{status}: {text}");
        }
        // SAFETY: each is freed once.
        unsafe {
            caretoken_error_free(error);
            caretoken_client_free(client);
        }
    }
}

/// Answers with one token after the other.
#[derive(Default)]
struct Counting(AtomicUsize);

impl Transport for Counting {
    fn send(&self, _: &Request, _: &Attempt) -> Result<Response, Error> {
        let number = self.0.fetch_add(1, Ordering::SeqCst);
        let body = format!(
            r#"{{"token":{{"access_token":"fake-token-{number}","expires_in":900,"patient":"fake-{number}"}}}}"#
        );
        Ok(Response::new(200, &[], body.as_bytes().into()))
    }
}

/// What one thread of C hands to another.
struct Handed(*const caretoken_token);

// SAFETY: tokens may be read and freed by any thread.
unsafe impl Send for Handed {}

unsafe extern "C" fn count_event(user_data: *mut std::ffi::c_void, event: *const caretoken_event) {
    // SAFETY: the test gives its counter, which lives as long as the client.
    let count = unsafe { &*user_data.cast::<AtomicUsize>() };
    // SAFETY: the event lives until this returns.
    assert!(text_of(unsafe { (*event).vendor }) == "edvak");
    count.fetch_add(1, Ordering::SeqCst);
}

fn text_of(text: caretoken_str) -> String {
    // SAFETY: the text's owner lives.
    let bytes = unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.len) };
    // SAFETY: there is a NUL behind each text.
    assert_eq!(unsafe { text.data.add(text.len).read() }, 0);
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A profile is read, makes a config, and is freed before it.
#[test]
fn a_profile_by_pointers() {
    let text = br#"{
        "caretoken": 1, "name": "acme", "documentation": "https://acme.example/login",
        "parameters": {
            "site": { "kind": "choice", "choices": ["a", "b"], "default": "b" },
            "key": { "holder": true }
        },
        "request": { "url": "https://acme.example/login", "form": { "k": "{key}", "s": "{site}" } },
        "answer": { "access_token": "/token", "expires": { "life": "1h" } }
    }"#;
    let (mut profile, mut config, none) = (ptr::null(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: all pointers are good, and each is freed once.
    unsafe {
        let data = text.as_ptr().cast();
        assert_eq!(caretoken_profile_parse(data, text.len(), &mut profile, none), CARETOKEN_OK);
        let seen = &*profile;
        assert_eq!(text_of(seen.title), "acme");
        assert_eq!(text_of(*seen.documentation), "https://acme.example/login");
        let parameters = std::slice::from_raw_parts(seen.parameters, seen.parameters_len);
        let names: Vec<_> = parameters.iter().map(|known| text_of((**known).name)).collect();
        assert_eq!(names, ["site", "key"]);
        let site = &*parameters[0];
        let choices = std::slice::from_raw_parts(site.choices, site.choices_len);
        assert_eq!(choices.iter().map(|choice| text_of(*choice)).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(text_of(site.default_value), "b");
        assert!((*parameters[1]).choices.is_null());

        assert_eq!(caretoken_config_from_profile(profile, &mut config, none), CARETOKEN_OK);
        caretoken_profile_free(profile);
        let set = caretoken_config_set(config, c"site".as_ptr(), c"a".as_ptr(), 1, none);
        assert_eq!(set, CARETOKEN_OK);
        caretoken_config_free(config);

        let mut count = 0;
        let names = caretoken_profile_names(&mut count);
        let names = std::slice::from_raw_parts(names, count + 1);
        let expected = crate::vendors::names().chain([""]);
        assert!(names.iter().map(|name| text_of(*name)).eq(expected));
    }
}

/// Each pointer on its way through the ABI and back; under Miri no rule of Rust's is broken and
/// nothing stays behind.
#[test]
fn a_whole_life_by_pointers() {
    let parent = client_on(Counting::default());
    let (mut config, mut client) = (ptr::null_mut(), ptr::null_mut());
    let (mut first, mut second) = (ptr::null(), ptr::null());
    let (mut error, none) = (ptr::null(), ptr::null_mut());
    let events = AtomicUsize::new(0);
    let user_data = ptr::from_ref(&events).cast_mut().cast();
    // SAFETY: all pointers are good, and each is freed once.
    unsafe {
        assert_eq!(caretoken_client_sibling(parent, &mut config, none), CARETOKEN_OK);
        caretoken_client_free(parent);
        let on_event: caretoken_on_event = Some(count_event);
        assert_eq!(caretoken_config_set_on_event(config, on_event, user_data, none), CARETOKEN_OK);
        let set = caretoken_config_set(config, c"username".as_ptr(), c"ada".as_ptr(), 3, none);
        assert_eq!(set, CARETOKEN_OK);
        assert_eq!(caretoken_client_new(config, &mut client, none), CARETOKEN_OK);
        caretoken_config_free(config);

        assert_eq!(caretoken_client_token(client, -1, &mut first, &mut error), CARETOKEN_OK);
        assert!(error.is_null());
        assert_eq!(text_of((*first).access_token), "fake-token-0");
        assert_eq!(text_of((*first).authorization), "Bearer fake-token-0");
        assert_eq!(text_of(caretoken_token_extra(first, c"patient".as_ptr())), "fake-0");
        let handed = Handed(caretoken_token_clone(first));
        std::thread::spawn(move || {
            let Handed(token) = { handed };
            assert!(caretoken_token_time_left_ms(token) > 0);
            caretoken_token_free(token);
        })
        .join()
        .unwrap();

        let (mut buffer, mut length) = ([1; 20], 0);
        let start = buffer.as_mut_ptr();
        let short = caretoken_client_authorization(client, 0, start, 19, &mut length, &mut error);
        assert_eq!((short, length), (CARETOKEN_BUFFER_TOO_SMALL, 19));
        assert!(line_of(error).contains("buffer"), "{}", line_of(error));
        caretoken_error_free(error);
        let whole = caretoken_client_authorization(client, 0, start, 20, &mut length, none);
        assert_eq!((whole, length, start.add(19).read()), (CARETOKEN_OK, 19, 0));

        let mut dropped = false;
        assert_eq!(caretoken_client_reject(client, first, &mut dropped, none), CARETOKEN_OK);
        assert!(dropped);
        assert_eq!(caretoken_client_token(client, -1, &mut second, none), CARETOKEN_OK);
        let mut stats = std::mem::MaybeUninit::<caretoken_stats>::uninit();
        let size = std::mem::size_of::<caretoken_stats>();
        assert_eq!(caretoken_client_stats(client, size, stats.as_mut_ptr(), none), CARETOKEN_OK);
        assert_eq!(stats.assume_init_ref().fetches, 2);
        caretoken_client_free(client);
        // Tokens outlive their client.
        assert_eq!(text_of((*second).access_token), "fake-token-1");
        assert_eq!(text_of((*first).access_token), "fake-token-0");
        caretoken_token_free(first);
        caretoken_token_free(second);
    }
    assert_eq!(events.load(Ordering::SeqCst), 5);
}
