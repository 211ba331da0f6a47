//! The files of `src` stand in one order, and each imports only files below it (see CONTRIBUTING.md).
//!
//! `architecture/reader.rs` reads the imports from the code; `architecture/proofs.rs` proves it.

#[path = "architecture/proofs.rs"]
mod proofs;
#[path = "architecture/reader.rs"]
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use reader::{Crate, files_of, read};

/// The files of caretoken, from the lowest to the highest. A new file goes above all that it
/// imports and below all that import it.
const CARETOKEN: &[&str] = &[
    "memory/registers.rs",
    "memory/wipe.rs",
    "memory/process.rs",
    "memory/per_process.rs",
    "memory/pages.rs",
    "memory/arena.rs",
    "memory/pool.rs",
    "memory/secret.rs",
    "memory/buffer.rs",
    "memory/mod.rs",
    "error/kind.rs",
    "error/phase.rs",
    "error/details.rs",
    "error/mod.rs",
    "date.rs",
    "der.rs",
    "thread.rs",
    "event.rs",
    "file.rs",
    "json.rs",
    "stats.rs",
    "life/sync.rs",
    "life/clock.rs",
    "life/expiry.rs",
    "life/lockout.rs",
    "life/window.rs",
    "life/retry.rs",
    "life/breaker.rs",
    "life/snapshot.rs",
    "life/single_flight.rs",
    "life/mod.rs",
    "token.rs",
    "transport/url.rs",
    "transport/header.rs",
    "transport/settings.rs",
    "transport/attempt.rs",
    "transport/message.rs",
    "transport/probe_report.rs",
    "transport/limits.rs",
    "transport/system_thread.rs",
    "transport/socket.rs",
    "transport/monitor.rs",
    "transport/read_buffer.rs",
    "transport/channel.rs",
    "transport/head.rs",
    "transport/resolve.rs",
    "transport/connect.rs",
    "transport/proxy/no_proxy.rs",
    "transport/proxy/login.rs",
    "transport/proxy/selection.rs",
    "transport/proxy/tunnel.rs",
    "transport/proxy/mod.rs",
    "transport/tls/certificate.rs",
    "transport/tls/errors.rs",
    "transport/tls/key.rs",
    "transport/tls/pem.rs",
    "transport/tls/pins.rs",
    "transport/tls/refusal.rs",
    "transport/tls/tickets.rs",
    "transport/tls/system_roots.rs",
    "transport/tls/verify.rs",
    "transport/tls/platform_verifier.rs",
    "transport/tls/config.rs",
    "transport/tls/explain.rs",
    "transport/tls/session.rs",
    "transport/tls/native.rs",
    "transport/tls/stack.rs",
    "transport/tls/mod.rs",
    "transport/connection.rs",
    "transport/connector.rs",
    "transport/http/answer.rs",
    "transport/http/exchange.rs",
    "transport/http/agent.rs",
    "transport/http/mod.rs",
    "transport/probe.rs",
    "transport/interface.rs",
    "transport/https.rs",
    "transport/mod.rs",
    "doctor.rs",
    "profile/escape.rs",
    "profile/pem.rs",
    "profile/digest.rs",
    "profile/jwt.rs",
    "profile/vocabulary.rs",
    "profile/given_url.rs",
    "profile/credentials.rs",
    "profile/parse/syntax.rs",
    "profile/parse/words.rs",
    "profile/parse/names.rs",
    "profile/parse/parameters.rs",
    "profile/parse/request.rs",
    "profile/parse/values.rs",
    "profile/parse/answer.rs",
    "profile/parse/refusals.rs",
    "profile/parse/definition.rs",
    "profile/parse/mod.rs",
    "profile/source.rs",
    "profile/redact.rs",
    "profile/refusal.rs",
    "profile/read.rs",
    "profile/render.rs",
    "profile/mod.rs",
    "vendors/table.rs",
    "vendors/vendor.rs",
    "vendors/profile.rs",
    "vendors/edvak.rs",
    "vendors/ehealth.rs",
    "vendors/parchment.rs",
    "vendors/pattern.rs",
    "vendors/mod.rs",
    "config.rs",
    "client/state.rs",
    "client/limits.rs",
    "client/shared.rs",
    "client/call.rs",
    "client/fetch.rs",
    "client.rs",
    "builder/draft.rs",
    "builder/settings.rs",
    "builder/client_builder.rs",
    "builder/mod.rs",
    "capi/allocator.rs",
    "capi/panic.rs",
    "capi/types.rs",
    "capi/pthread_cancel.rs",
    "capi/status.rs",
    "capi/failure.rs",
    "capi/error.rs",
    "capi/call.rs",
    "capi/arguments.rs",
    "capi/helpers.rs",
    "capi/token.rs",
    "capi/profile.rs",
    "capi/config.rs",
    "capi/event.rs",
    "capi/callbacks.rs",
    "capi/client.rs",
    "capi/report.rs",
    "capi/mod.rs",
    "lib.rs",
];

/// The files of the sandbox, from the lowest to the highest.
const SANDBOX: &[&str] = &[
    "answer.rs",
    "body.rs",
    "certificate.rs",
    "request.rs",
    "fault.rs",
    "vendor.rs",
    "profile/memory.rs",
    "state.rs",
    "player.rs",
    "vendors/behaviour.rs",
    "vendors/edvak.rs",
    "vendors/ehealth.rs",
    "vendors/parchment.rs",
    "vendors/pattern.rs",
    "vendors/dispatch.rs",
    "vendors/mod.rs",
    "profile/text.rs",
    "profile/json.rs",
    "profile/keys.rs",
    "profile/file.rs",
    "profile/definition.rs",
    "profile/fake.rs",
    "profile/matching.rs",
    "profile/check.rs",
    "profile/answer.rs",
    "profile/refusal.rs",
    "profile/played.rs",
    "profile/mod.rs",
    "reply.rs",
    "server.rs",
    "sandbox.rs",
    "lib.rs",
    "cli.rs",
    "main.rs",
];

/// The files of the program, from the lowest to the highest.
const CLI: &[&str] = &[
    "log.rs",
    "exit.rs",
    "settings.rs",
    "arguments.rs",
    "failure.rs",
    "output.rs",
    "rotation.rs",
    "values.rs",
    "profile.rs",
    "doctor.rs",
    "generate.rs",
    "token_text.rs",
    "command.rs",
    "token.rs",
    "check/part.rs",
    "check/sample.rs",
    "check/made_up.rs",
    "check/script.rs",
    "check/outcome.rs",
    "check/report.rs",
    "check/run.rs",
    "check/mod.rs",
    "main.rs",
];

#[test]
fn each_file_of_caretoken_imports_only_files_below_it() {
    let found = crate_at("caretoken", "src");
    assert!(found.imports.len() > 200, "the reader is blind");
    assert_none(&violations(&found, CARETOKEN));
}

#[test]
fn each_file_of_the_sandbox_imports_only_files_below_it() {
    let found = crate_at("caretoken_sandbox", "sandbox/src");
    assert!(found.imports.len() > 30, "the reader is blind");
    assert_none(&violations(&found, SANDBOX));
}

#[test]
fn each_file_of_the_program_imports_only_files_below_it() {
    let found = crate_at("caretoken_cli", "cli/src");
    assert!(found.imports.len() > 50, "the reader is blind");
    assert_none(&violations(&found, CLI));
}

#[test]
fn only_the_transport_knows_ureq_and_tls() {
    let found = crate_at("caretoken", "src");
    assert!(found.externs.iter().any(|(_, _, name)| name == "ureq"), "the reader is blind");
    assert_none(&outside(&found, "transport/", &["ureq", "rustls", "native_tls"]));
}

#[test]
fn unsafe_code_stands_only_in_the_c_abi_and_in_the_memory() {
    let found = crate_at("caretoken", "src");
    assert!(found.unsafe_code.len() > 20, "the reader is blind");
    let places = ["capi/", "memory/"];
    let elsewhere: Vec<_> = found
        .unsafe_code
        .iter()
        .filter(|(file, _)| !places.iter().any(|place| file.starts_with(place)))
        .map(|(file, line)| format!("{file}:{line} is unsafe"))
        .collect();
    assert_none(&elsewhere);
}

fn crate_at(name: &str, src: &str) -> Crate {
    read(name, &files_of(&Path::new(env!("CARGO_MANIFEST_DIR")).join(src)))
}

#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// Where one of these crates is named outside of a folder.
fn outside(found: &Crate, folder: &str, names: &[&str]) -> Vec<String> {
    found
        .externs
        .iter()
        .filter(|(file, _, name)| !file.starts_with(folder) && names.contains(&name.as_str()))
        .map(|(file, line, name)| format!("{file}:{line} names {name}"))
        .collect()
}

/// All that speaks against the order. Where another order of the same files would do, it is named.
fn violations(found: &Crate, order: &[&str]) -> Vec<String> {
    let mut violations = found.flaws.clone();
    let mut place = BTreeMap::new();
    for (at, file) in order.iter().enumerate() {
        if place.insert(*file, at).is_some() {
            violations.push(format!("{file} is listed twice"));
        }
        if !found.files.contains(*file) {
            violations.push(format!("{file} is listed, but gone"));
        }
    }
    for file in found.files.iter().filter(|file| !place.contains_key(file.as_str())) {
        violations.push(format!("{file} is not listed"));
    }
    for import in &found.imports {
        let reader::Import { from, line, path, to } = import;
        if let (Some(above), Some(below)) = (place.get(from.as_str()), place.get(to.as_str()))
            && below >= above
        {
            violations
                .push(format!("{from}:{line} imports {path}, which leads to {to}, not below it"));
        }
    }
    if !violations.is_empty() {
        violations.extend(advice(found, &place));
    }
    violations
}

/// What each file imports.
type Below<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// The files that import each other in a circle; without circles, an order that holds, as near to
/// the given one as may be.
fn advice(found: &Crate, place: &BTreeMap<&str, usize>) -> Vec<String> {
    let mut below: Below<'_> =
        found.files.iter().map(|file| (file.as_str(), BTreeSet::new())).collect();
    for import in &found.imports {
        below.entry(&import.from).or_default().insert(&import.to);
    }
    let reached: Below<'_> = below.keys().map(|file| (*file, reached_from(file, &below))).collect();
    let circles: BTreeSet<Vec<&str>> = reached
        .iter()
        .filter(|(file, to)| to.contains(*file))
        .map(|(file, to)| to.iter().copied().filter(|to| reached[to].contains(file)).collect())
        .collect();
    if !circles.is_empty() {
        return circles.iter().map(|files| format!("a circle: {}", files.join(", "))).collect();
    }
    let mut order = Vec::new();
    put_in_order(below.keys().copied().collect(), &below, place, &mut order);
    let order: Vec<_> = order.iter().map(|file| format!("    \"{file}\",")).collect();
    vec![format!("this order holds:\n{}", order.join("\n"))]
}

fn reached_from<'a>(file: &'a str, below: &Below<'a>) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![file];
    while let Some(file) = open.pop() {
        let next = below.get(file).into_iter().flatten().copied();
        open.extend(next.filter(|file| reached.insert(*file)));
    }
    reached
}

/// Adds files to the order by their places, each after all that it imports. There is no circle.
fn put_in_order<'a>(
    mut files: Vec<&'a str>,
    below: &Below<'a>,
    place: &BTreeMap<&str, usize>,
    order: &mut Vec<&'a str>,
) {
    files.sort_by_key(|file| place.get(file).copied().unwrap_or(usize::MAX));
    for file in files {
        if !order.contains(&file) {
            put_in_order(below[file].iter().copied().collect(), below, place, order);
            order.push(file);
        }
    }
}
