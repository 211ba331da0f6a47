//! The C ABI as C and C++ programs see it: its symbols, its headers, its behaviour, its memory.
//!
//! The programs are in `tests/c`. Each runs against a sandbox of its own, under valgrind where there
//! is one, and is told by environment variables where the sandbox is, as the sandbox's program does.
//!
//! With `CARETOKEN_TEST_WINE=PATH_OF_WINE` they are made for Windows and run there, as `.ci/windows`
//! does, without those that need what only Unix has.

#![cfg(unix)]

#[path = "c/artifact.rs"]
mod artifact;
#[path = "c/programs.rs"]
mod programs;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use artifact::{artifact, have, root, run, wine};
use caretoken::{Profile, ProfileScopes};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use programs::{
    acme, against, build_directory, checked, compile, compiler, compiler_of, play, source,
};

/// The stripped shared library's limit.
const MOST_BYTES: u64 = 2_621_440;

#[test]
fn the_recorded_functions_are_exported_and_nothing_else() {
    if !have(&["nm", "objdump"]) {
        return;
    }
    let libraries = &artifact().libraries;
    let printed = match wine() {
        None => {
            let library = libraries.join("libcaretoken.so");
            run(Command::new("nm").args(["-D", "--defined-only"]).arg(library))
        }
        Some(_) => {
            let tables =
                run(Command::new("objdump").arg("-p").arg(libraries.join("caretoken.dll")));
            let (_, names) = tables.split_once("[Ordinal/Name Pointer] Table\n").unwrap();
            names.split_once("\n\n").unwrap().0.to_owned()
        }
    };
    let mut exported: Vec<_> =
        printed.lines().filter_map(|line| line.split_whitespace().last()).collect();
    exported.sort_unstable();
    let abi = fs::read_to_string(root().join("tests/abi.txt")).unwrap();
    let prototypes = abi.lines().filter(|line| line.contains('(') && !line.starts_with("typedef "));
    let recorded =
        prototypes.filter_map(|line| line.split_once('(')?.0.split([' ', '*']).next_back());
    assert_eq!(exported, recorded.collect::<Vec<_>>());
    assert!(exported.iter().all(|name| name.starts_with("caretoken_")));
}

#[test]
fn the_shared_library_is_stripped_and_small() {
    let library = artifact().libraries.join("libcaretoken.so");
    let bytes = fs::metadata(&library).unwrap().len();
    println!("libcaretoken.so: {bytes} bytes of at most {MOST_BYTES}");
    assert!(bytes <= MOST_BYTES, "{bytes}");
    if have(&["nm"]) {
        let symbols = Command::new("nm").arg(&library).output().unwrap();
        assert_eq!(symbols.stdout, b"", "not stripped");
    }
}

#[test]
fn each_header_compiles_alone_as_c99_and_cpp17() {
    if !have(&["cc", "c++"]) {
        return;
    }
    let header = root().join("include/caretoken.h");
    let wrapper = root().join("include/caretoken.hpp");
    for standard in ["c99", "c11", "c17"] {
        run(compiler("cc", standard).args(["-fsyntax-only", "-x", "c"]).arg(&header));
    }
    let cpp = || {
        let mut command = compiler("c++", "c++17");
        command.args(["-fsyntax-only", "-Wno-pragma-once-outside-header", "-x", "c++"]);
        command
    };
    run(cpp().arg(&header));
    run(cpp().arg(&wrapper));
    run(cpp().arg("-fno-exceptions").arg(&wrapper));
    run(cpp().arg("-std=c++20").arg(&wrapper));
}

#[test]
fn wrong_arguments_get_an_error_that_names_them() {
    if have(&["cc"]) {
        play(&compile("arguments", &["arguments.c"], &[]), |_| {}, |_| {});
    }
}

fn narrow_parchments_scopes(sandbox: &Sandbox) {
    sandbox.set_allowed_scopes(Vendor::Parchment, &["create:patient"]);
}

#[test]
fn tokens_of_all_vendors_are_read_shared_and_outlive_their_client() {
    if have(&["cc"]) {
        let check = |sandbox: &Sandbox| {
            assert_eq!(sandbox.requests(Vendor::Edvak), 2, "a cached token is not fetched again");
        };
        play(&compile("tokens", &["tokens.c"], &[]), narrow_parchments_scopes, check);
    }
}

#[test]
fn profiles_are_read_make_clients_and_are_refused_by_what_is_wrong() {
    if have(&["cc"]) {
        fs::copy(acme(), build_directory().join("pr\u{f6}fil.json")).unwrap();
        let wrong = r#"{"caretoken": 1, "name": 1}"#;
        fs::write(build_directory().join("wrong.json"), wrong).unwrap();
        fs::write(build_directory().join("large.json"), " ".repeat(65537)).unwrap();
        let check = |sandbox: &Sandbox| {
            let request = sandbox.last_request(Vendor::Pattern).unwrap();
            assert_eq!(request.header("x-acme-region"), Some("eu"));
        };
        play(&compile("profiles", &["profiles.c"], &[]), |_| {}, check);
    }
}

/// A profile as `tests/c/profile_list.c` prints it.
fn listed(profile: &Profile) -> String {
    let join = |texts: Vec<&str>| texts.iter().map(|text| format!("|{text}")).collect::<String>();
    let mut texts = vec![profile.name(), profile.title(), profile.header()];
    texts.extend(profile.documentation());
    let scopes = match profile.scopes() {
        ProfileScopes::None => 0,
        ProfileScopes::Optional => 1,
        ProfileScopes::Required => 2,
        unknown => panic!("{unknown:?}"),
    };
    let needs_certificate = u8::from(profile.needs_client_certificate());
    let mut list = format!("{}|{scopes}|{needs_certificate}\n", join(texts));
    for known in profile.parameters() {
        let mut texts =
            vec![known.name(), known.about(), known.kind(), known.default_value().unwrap_or("")];
        texts.extend(known.choices());
        let flags = [known.is_secret(), known.is_required(), known.is_holder()].map(u8::from);
        list += &format!("{}|{}{}{}\n", join(texts), flags[0], flags[1], flags[2]);
    }
    list
}

#[test]
fn c_sees_of_every_profile_what_rust_sees() {
    if have(&["cc"]) {
        let files = fs::read_dir(root().join("profiles/examples")).unwrap();
        let files = files.map(|file| file.unwrap().path());
        let mut files: Vec<PathBuf> =
            files.filter(|file| file.extension().is_some_and(|end| end == "json")).collect();
        files.sort();
        assert!(files.len() > 10, "{files:?}");
        let compiled_in = Profile::names().map(|name| Profile::named(name).unwrap());
        let from_files = files.iter().map(|file| Profile::from_file(file).unwrap());
        let expected: String = compiled_in.chain(from_files).map(|one| listed(&one)).collect();

        let program = compile("profile_list", &["profile_list.c"], &[]);
        let sandbox = Sandbox::start().unwrap();
        let printed = run(checked(&sandbox, &program, true).args(&files));
        assert_eq!(printed.replace("\r\n", "\n"), expected);
    }
}

#[test]
fn the_example_for_ones_own_vendor_gets_a_token_and_shows_no_secret() {
    if have(&["cc"]) {
        let program = compile("own_vendor", &["../../examples-c/own_vendor.c"], &[]);
        let sandbox = Sandbox::start().unwrap();
        let mut command = checked(&sandbox, &program, false);
        command.arg(acme()).env("ACME_BASE_URL", sandbox.base_url(Vendor::Pattern));
        let credentials = sandbox.credentials(Vendor::Pattern);
        for (name, value) in credentials {
            command.env(format!("ACME_{}", name.to_uppercase()), value);
        }
        let printed = run(&mut command);
        for part in ["ACME_CLIENT_SECRET is set", "one of eu us", "for the header x-acme-session"] {
            assert!(printed.contains(part), "{printed}");
        }
        let request = sandbox.last_request(Vendor::Pattern).unwrap();
        assert_eq!(request.header("x-acme-region"), Some("eu"));
        assert!(
            credentials.iter().all(|(_, value)| !printed.contains(value.as_str())),
            "{printed}"
        );

        let output = checked(&sandbox, &program, false).arg(acme()).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains("acme: base_url is missing"), "{said}");
    }
}

#[test]
fn the_static_library_serves_a_program_as_well() {
    if have(&["cc"]) {
        let program = build_directory().join("tokens_static");
        let mut command = compiler_of("tokens.c");
        command.arg(source("tokens.c")).arg(artifact().libraries.join("libcaretoken.a"));
        run(command.args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program));
        let sandbox = Sandbox::start().unwrap();
        narrow_parchments_scopes(&sandbox);
        run(&mut against(&sandbox, &program, None));
    }
}

#[test]
fn errors_tell_what_happened_and_who_must_act() {
    if have(&["cc"]) {
        let set_up = |sandbox: &Sandbox| {
            let rate_limited = Fault::RateLimited { retry_after: Some("7200".into()) };
            sandbox.inject_always(Vendor::Parchment, Some(rate_limited));
            sandbox.expire_refresh_token(true);
        };
        let check = |sandbox: &Sandbox| {
            assert_eq!(sandbox.requests(Vendor::Pattern), 1, "a rejection is remembered");
        };
        play(&compile("errors", &["errors.c"], &[]), set_up, check);
    }
}

#[test]
fn a_blocked_call_ends_at_its_timeout_by_cancel_or_by_free() {
    if have(&["cc"]) {
        let set_up = |sandbox: &Sandbox| {
            let slow = Fault::DelayBefore(Duration::from_secs(20));
            sandbox.inject_always(Vendor::Pattern, Some(slow));
        };
        play(&compile("cancel", &["cancel.c"], &[]), set_up, |_| {});
    }
}

#[test]
fn siblings_share_connections_and_have_tokens_of_their_own() {
    if have(&["cc"]) {
        let check = |sandbox: &Sandbox| {
            assert_eq!((sandbox.requests(Vendor::Pattern), sandbox.connections()), (3, 1));
        };
        play(&compile("siblings", &["siblings.c"], &[]), |_| {}, check);
    }
}

#[test]
fn the_doctor_reports_the_way_and_no_secret() {
    if have(&["cc"]) {
        let check = |sandbox: &Sandbox| {
            let request = sandbox.last_request(Vendor::Pattern).unwrap();
            assert_eq!((request.method.as_str(), request.header("authorization")), ("GET", None));
        };
        play(&compile("doctor", &["doctor.c"], &[]), |_| {}, check);
    }
}

#[test]
fn the_systems_certificate_store_is_trusted_when_asked_for() {
    if have(&["cc"]) {
        let (sandbox, other) = (Sandbox::start().unwrap(), Sandbox::start().unwrap());
        let program = compile("trust", &["trust.c"], &[]);
        let mut command = against(&sandbox, &program, None);
        let (store, ca_file) = (program.with_extension("pem"), program.with_extension("other.pem"));
        fs::write(&ca_file, other.ca_pem()).unwrap();
        run(command.env("SSL_CERT_FILE", store).env("CARETOKEN_CA_FILE", ca_file));
    }
}

#[test]
fn children_of_a_busy_process_use_its_client() {
    if have(&["cc"]) {
        let program = compile("fork", &["fork.c"], &[]);
        run(&mut against(&Sandbox::start().unwrap(), &program, None));
    }
}

#[test]
fn lookups_that_hang_are_bounded_and_stay_with_their_process() {
    if have(&["cc"]) && wine().is_none() {
        let program = compile("lookups", &["lookups.c"], &["-ldl"]);
        run(&mut against(&Sandbox::start().unwrap(), &program, None));
    }
}

#[test]
fn callbacks_store_rotated_tokens_and_see_events() {
    if have(&["cc"]) {
        let check = |sandbox: &Sandbox| assert_eq!(sandbox.requests(Vendor::Ehealth), 3);
        let program = compile("callbacks", &["callbacks.c"], &[]);
        play(&program, |sandbox| sandbox.rotate_refresh_tokens(true), check);
    }
}

#[test]
fn the_cpp_wrapper_works_from_two_translation_units() {
    if have(&["c++"]) {
        let program = compile("wrapper", &["wrapper.cpp", "wrapper_second.cpp"], &[]);
        play(&program, |sandbox| sandbox.rotate_refresh_tokens(true), |_| {});
    }
}

#[test]
fn the_cpp_wrapper_works_without_exceptions() {
    if have(&["c++"]) {
        let flags = ["-fno-exceptions", "-fno-rtti"];
        play(&compile("no_exceptions", &["no_exceptions.cpp"], &flags), |_| {}, |_| {});
    }
}

#[test]
fn cpp_code_with_and_without_exceptions_shares_a_program() {
    if have(&["c++"]) {
        let object = build_directory().join("without_exceptions.o");
        let mut command = compiler_of("no_exceptions.cpp");
        command.args(["-fno-exceptions", "-fno-rtti", "-Dmain=without_exceptions", "-c"]);
        run(command.arg(source("no_exceptions.cpp")).arg("-o").arg(&object));
        let program =
            compile("mixed", &["mixed.cpp", "wrapper_second.cpp"], &[object.to_str().unwrap()]);
        play(&program, |_| {}, |_| {});
    }
}
