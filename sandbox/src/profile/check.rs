//! Whether a request is one that the profile describes, and if not, all that is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::definition::Asked;
use super::file::Request;
use super::json;
use super::matching::{Class, Found, Known, Trial, shown};
use super::text::Template;
use crate::request::{RecordedRequest, form_fields};

/// What any HTTP client may add.
const OF_THE_TRANSPORT: &[&str] = &[
    "host",
    "content-length",
    "user-agent",
    "connection",
    "keep-alive",
    "accept-encoding",
    "accept-language",
    "transfer-encoding",
    "te",
    "expect",
    "cache-control",
    "pragma",
];

/// The credential that is a client's certificate.
pub(crate) const CLIENT_CERTIFICATE: &str = "client_cert_pem";

/// Takes the request for one of the profile, in the way that leaves the fewest complaints.
pub(crate) fn check(known: &Known<'_>, request: &RecordedRequest) -> Found {
    let optional = known.definition.optional(known.asked);
    let mut best: Option<Found> = None;
    for choice in 0..1_usize << optional.len() {
        let absent = optional.iter().enumerate().filter(|(at, _)| choice >> at & 1 == 1);
        let found = taken_for(known, request, absent.map(|(_, name)| *name).collect());
        if best.as_ref().is_none_or(|best| found.complaints.len() < best.complaints.len()) {
            best = Some(found);
        }
        if best.as_ref().is_some_and(|best| best.complaints.is_empty()) {
            break;
        }
    }
    best.unwrap_or_else(|| Trial::new(known, BTreeSet::new()).finish())
}

/// Whether the URL is that of the request in `known`.
pub(crate) fn has_url(known: &Known<'_>, url: &str) -> bool {
    let trial = Trial::new(known, BTreeSet::new());
    trial.fits(known.definition.url(known.asked), url)
}

/// The URL without the query.
pub(crate) fn url(request: &RecordedRequest) -> String {
    format!("{}{}", request.origin, path_and_query(request).0)
}

fn path_and_query(request: &RecordedRequest) -> (&str, Option<&str>) {
    match request.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&request.path, None),
    }
}

fn taken_for<'a>(
    known: &'a Known<'a>,
    request: &RecordedRequest,
    absent: BTreeSet<&'a str>,
) -> Found {
    let described = known.definition.request(known.asked);
    let mut trial = Trial::new(known, absent);
    if request.method != described.method.name() {
        let text = format!("the method is not {}", described.method.name());
        trial.complain(Class::NotFound, text);
    }
    // What the others are made of may stand in it.
    trial.text("the URL", known.definition.url(known.asked), &url(request));
    query(&mut trial, described, request);
    headers(&mut trial, described, request);
    body(&mut trial, described, request);
    client_certificate(&mut trial, known, request);
    trial.finish()
}

fn query<'a>(trial: &mut Trial<'a>, described: &'a Request, request: &RecordedRequest) {
    match form_fields(path_and_query(request).1.unwrap_or_default().as_bytes(), b":/?@,;!$'()") {
        Ok(sent) => fields(trial, "query", &described.query, &sent),
        Err(why) => trial.complain(Class::Request, format!("query: {why}")),
    }
}

fn fields<'a>(
    trial: &mut Trial<'a>,
    what: &str,
    described: &'a BTreeMap<String, Template>,
    sent: &BTreeMap<String, String>,
) {
    for (name, template) in described {
        one(trial, &format!("{what} {name}"), template, sent.get(name).map(String::as_str));
    }
    for name in sent.keys().filter(|name| !described.contains_key(*name)) {
        trial.complain(Class::Request, format!("{what} {} is not in the profile", shown(name)));
    }
}

fn one<'a>(trial: &mut Trial<'a>, place: &str, template: &'a Template, sent: Option<&str>) {
    match (sent, trial.is_absent(template)) {
        (Some(text), false) => trial.text(place, template, text),
        (None, true) => {}
        (None, false) => trial.complain(Class::Request, format!("{place} is missing")),
        (Some(_), true) => {
            trial.complain(Class::Request, format!("{place} is there, though its value is absent"));
        }
    }
}

fn headers<'a>(trial: &mut Trial<'a>, described: &'a Request, request: &RecordedRequest) {
    let mut sent: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in &request.headers {
        if sent.insert(name, value).is_some() {
            trial.complain(Class::Request, format!("header {} is there twice", shown(name)));
        }
    }
    for (name, template) in &described.headers {
        match name.as_str() {
            "content-type" | "accept" => {}
            _ => one(trial, &format!("header {name}"), template, sent.get(name.as_str()).copied()),
        }
    }
    let fixed = |name: &str| described.headers.get(name).map(|text| text.source.as_str());
    let accept = fixed("accept").unwrap_or("application/json");
    media_type(trial, "accept", Some(accept), sent.get("accept").copied());
    let of_the_body = described.content_type.as_deref();
    let of_the_body = of_the_body.or(described.json.as_ref().map(|_| "application/json"));
    let of_the_body =
        of_the_body.or(described.form.as_ref().map(|_| "application/x-www-form-urlencoded"));
    let content_type = fixed("content-type").or(of_the_body);
    media_type(trial, "content-type", content_type, sent.get("content-type").copied());
    for name in sent.keys() {
        let is_known = described.headers.contains_key(*name)
            || ["accept", "content-type"].contains(name)
            || OF_THE_TRANSPORT.contains(name);
        if !is_known {
            let text = format!("header {} is not in the profile", shown(name));
            trial.complain(Class::Request, text);
        }
    }
}

/// Compares media types; names have no case, and spaces around a semicolon mean nothing.
fn media_type(trial: &mut Trial<'_>, name: &str, right: Option<&str>, sent: Option<&str>) {
    let plain = |text: &str| -> String {
        let parts: Vec<_> = text.split(';').map(|part| part.trim().to_lowercase()).collect();
        parts.join(";")
    };
    match (right, sent) {
        (Some(right), Some(sent)) if plain(right) == plain(sent) => {}
        (None, None) => {}
        (Some(right), _) => {
            trial.complain(Class::Request, format!("header {name} is not {right}"));
        }
        (None, Some(_)) => {
            trial.complain(Class::Request, format!("header {name} is there, but no body"));
        }
    }
}

fn body<'a>(trial: &mut Trial<'a>, described: &'a Request, request: &RecordedRequest) {
    let body = request.body.as_slice();
    if let Some(form) = &described.form {
        match form_fields(body, b"") {
            Ok(sent) => fields(trial, "form field", form, &sent),
            Err(why) => trial.complain(Class::Request, format!("the body: {why}")),
        }
    } else if let Some(template) = &described.json {
        match json::parse(body) {
            Ok(value) => trial.json("JSON", "", template, &value),
            Err(_) => trial.complain(Class::Request, "the body is not JSON, or has a name twice"),
        }
    } else if let Some(template) = &described.text {
        match std::str::from_utf8(body) {
            Ok(text) => one(trial, "the body", template, Some(text)),
            Err(_) => trial.complain(Class::Request, "the body is not UTF-8"),
        }
    } else if !body.is_empty() {
        trial.complain(Class::Request, "there is a body, and the profile has none");
    }
}

fn client_certificate(trial: &mut Trial<'_>, known: &Known<'_>, request: &RecordedRequest) {
    if !known.definition.needs_client_certificate() {
        return;
    }
    let ours = known.parameters.iter().find(|(name, _)| name == CLIENT_CERTIFICATE);
    let ours = ours.and_then(|(_, pem)| CertificateDer::from_pem_slice(pem.as_bytes()).ok());
    match (&request.client_certificate, ours) {
        (Some(sent), Some(ours)) if *sent == *ours => {}
        (None, _) => trial.complain(Class::Credentials, "there is no client certificate"),
        _ => trial.complain(Class::Credentials, "the client certificate is another one"),
    }
}

/// How a request is called where it is spoken about.
pub(crate) fn title(known: &Known<'_>) -> String {
    let request = known.definition.request(known.asked);
    let what = match known.asked {
        Asked::Step(step) => format!("step {}", step + 1),
        Asked::Token => "the token request".to_owned(),
        Asked::Refresh => "the refresh request".to_owned(),
    };
    format!("{what} ({} {})", request.method.name(), request.url.source)
}
