//! The manual's programs in C and C++ compile without a warning, and do what the manual says; those in
//! Rust are in `docs/tests/programs.rs`. Its list of errors is the library's, and what it shows of code
//! stands in files that are tested.

#![cfg(unix)]

#[path = "c/artifact.rs"]
mod artifact;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use artifact::{artifact, have, root, run};
use caretoken::ErrorKind;
use caretoken_sandbox::{Fault, Sandbox, Vendor};

fn programs() -> PathBuf {
    root().join("docs/programs")
}

fn compile(file: &str) -> PathBuf {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("manual-{file}"));
    let (compiler, standard) = match file.ends_with(".c") {
        true => ("cc", "-std=c99"),
        false => ("c++", "-std=c++17"),
    };
    let mut command = Command::new(compiler);
    command.args([standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-pthread"]);
    command.arg(programs().join(file)).arg("-I").arg(root().join("include"));
    command.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
    run(command.arg("-o").arg(&program));
    program
}

/// The program, told where the sandbox is and what it takes.
fn program(file: &str, sandbox: &Sandbox) -> Command {
    let program = compile(file);
    let ca_file = program.with_extension("pem");
    fs::write(&ca_file, sandbox.ca_pem()).unwrap();
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", &artifact().libraries).env("CARETOKEN_CA_FILE", ca_file);
    for vendor in Vendor::ALL {
        let prefix = vendor.name().to_uppercase();
        command.env(format!("{prefix}_BASE_URL"), sandbox.base_url(vendor));
        for (name, value) in sandbox.credentials(vendor) {
            command.env(format!("{prefix}_{}", name.to_uppercase()), value);
        }
    }
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{} {}", output.status, text(&output.stderr));
    text(&output.stdout)
}

/// What it prints, and what it says on standard error.
fn ran(file: &str, sandbox: &Sandbox) -> (String, String) {
    let output = program(file, sandbox).output().unwrap();
    (printed(&output), text(&output.stderr))
}

#[test]
fn every_c_and_cpp_program_of_the_manual_is_run() {
    let tests = include_str!("manual.rs");
    for file in fs::read_dir(programs()).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        if !file.ends_with(".rs") {
            assert!(tests.contains(&format!("(\"{file}\", &sandbox)")), "{file} is not run");
        }
    }
}

#[test]
fn the_first_programs_fetch_a_token() {
    if have(&["cc", "c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert!(ran("first.c", &sandbox).0.starts_with("a token of "));
        assert!(ran("first.cpp", &sandbox).0.starts_with("a token of "));
        assert_eq!(sandbox.requests(Vendor::Pattern), 2);
    }
}

#[test]
fn the_program_with_a_buffer_sends_the_header() {
    if have(&["cc"]) {
        let sandbox = Sandbox::start().unwrap();
        assert!(ran("authorization.c", &sandbox).0.starts_with("sending a header of "));
    }
}

#[test]
fn parchments_program_tells_the_scope_that_was_not_granted() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        sandbox.set_allowed_scopes(Vendor::Parchment, &["create:patient", "read:patient"]);
        let (printed, _) = ran("parchment.cpp", &sandbox);
        assert!(printed.starts_with("not granted: delete:user\na token of "), "{printed}");
    }
}

#[test]
fn ehealths_program_stores_a_rotated_refresh_token() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        sandbox.rotate_refresh_tokens(true);
        sandbox.require_gateway_keys(true);
        let (printed, told) = ran("ehealth.cpp", &sandbox);
        assert!(printed.starts_with("stored a refresh token of "), "{printed}");
        assert!(printed.contains(" for the user "), "{printed}");
        assert!(!told.contains("fake"), "{told}");
    }
}

#[test]
fn edvaks_program_prints_the_tenant_and_sends_a_wrong_password_once() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert!(ran("edvak.cpp", &sandbox).0.contains(" bytes for the tenant "));
        let requests = sandbox.requests(Vendor::Edvak);
        let mut command = program("edvak.cpp", &sandbox);
        let output = command.env("EDVAK_PASSWORD", "fake-wrong").output().unwrap();
        assert!(text(&output.stderr).contains("credentials"), "{}", text(&output.stderr));
        assert_eq!(sandbox.requests(Vendor::Edvak), requests + 1);
    }
}

#[test]
fn the_users_program_fetches_once_for_a_user() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert_eq!(ran("users.cpp", &sandbox).0, "one token\n");
        assert_eq!(sandbox.requests(Vendor::Parchment), 1);
    }
}

#[test]
fn the_program_with_threads_fetches_once() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert_eq!(ran("threads.cpp", &sandbox).0, "8 threads, 1 fetch\n");
    }
}

#[test]
fn the_program_that_forks_fetches_once_for_both_processes() {
    if have(&["cc"]) {
        let sandbox = Sandbox::start().unwrap();
        assert_eq!(ran("fork.c", &sandbox).0, "the child used its parent's token\n");
        assert_eq!(sandbox.requests(Vendor::Pattern), 1);
    }
}

#[test]
fn the_hospitals_program_prints_the_doctors_report_when_the_way_is_closed() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert_eq!(ran("hospital.cpp", &sandbox).0, "the way is open\n");
        let mut command = program("hospital.cpp", &sandbox);
        let output = command.env_remove("CARETOKEN_CA_FILE").output().unwrap();
        let told = text(&output.stderr);
        assert!(!output.status.success() && told.contains("result   not healthy: tls"), "{told}");
    }
}

#[test]
fn the_program_about_events_sees_one_fetch_and_counts_two_calls() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        let (printed, told) = ran("events.cpp", &sandbox);
        assert_eq!(printed, "1 from the cache, 1 fetched, 0 failed\n");
        assert!(told.contains("event=fetched"), "{told}");
    }
}

#[test]
fn the_program_about_errors_tells_whom_to_ask() {
    if have(&["c++"]) {
        let sandbox = Sandbox::start().unwrap();
        assert_eq!(ran("errors.cpp", &sandbox).0, "a token\n");
        let wrong = |variable: &str, value: &str| {
            let mut command = program("errors.cpp", &sandbox);
            let output = command.env(variable, value).output().unwrap();
            assert!(!output.status.success());
            text(&output.stdout)
        };
        let rejected = wrong("PATTERN_CLIENT_SECRET", "fake-wrong");
        assert!(rejected.starts_with("alert the operator: "), "{rejected}");
        assert_eq!(wrong("PATTERN_BASE_URL", "fake"), "mend the program: base_url\n");
        let retry_after = Some("7".to_owned());
        sandbox.inject_always(Vendor::Pattern, Some(Fault::RateLimited { retry_after }));
        let later = wrong("PATTERN_UNUSED", "");
        assert_eq!(later, "queue the work, and try again in 7000 ms\n");
        sandbox.inject_always(Vendor::Pattern, Some(Fault::Html));
        assert!(wrong("PATTERN_UNUSED", "").starts_with("open a ticket at pattern, request "));
    }
}

fn chapters() -> Vec<(String, String)> {
    let mut chapters = Vec::new();
    let mut folders = vec![root().join("docs/src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "md") {
                let name = path.display().to_string();
                chapters.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(chapters.len() > 20, "{}", chapters.len());
    chapters
}

/// So that no chapter can differ from what is tested.
#[test]
fn what_the_manual_shows_of_code_is_a_file() {
    let mut shown = BTreeSet::new();
    for (chapter, text) in chapters() {
        // Outside, inside, outside, …
        for block in text.split("```").skip(1).step_by(2) {
            let (language, code) = block.split_once('\n').unwrap();
            if ["c", "cpp", "rust", "json"].contains(&language) {
                let file = code.trim().strip_prefix("{{#include ").and_then(|rest| {
                    assert!(!rest.contains('\n'), "{chapter}: {rest}");
                    rest.strip_suffix("}}")
                });
                let file = file.unwrap_or_else(|| panic!("{chapter}: code of its own: {code}"));
                shown.insert(file.rsplit('/').next().unwrap().to_owned());
            } else {
                let known = ["sh", "text", "toml", "cmake", "meson"];
                assert!(known.contains(&language), "{chapter}: {language}");
            }
        }
    }
    for file in fs::read_dir(programs()).unwrap() {
        let file = file.unwrap().file_name().into_string().unwrap();
        assert!(shown.contains(&file), "no chapter shows {file}");
    }
}

/// `## credentials_rejected`, a line that says who acts and whether to try again, what it means, causes
/// and what to do.
#[test]
fn the_manuals_list_of_errors_has_every_kind_in_order_with_who_must_act() {
    let page = fs::read_to_string(root().join("docs/src/errors.md")).unwrap();
    let sections: Vec<_> = page.split("\n### `").skip(1).collect();
    let names: Vec<_> = sections.iter().map(|section| section.split('`').next().unwrap()).collect();
    assert_eq!(names, ErrorKind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>());
    for (kind, section) in ErrorKind::ALL.iter().zip(sections) {
        let again = if kind.is_retryable() {
            "may work later by itself"
        } else {
            "stays until somebody acts"
        };
        let who = format!("\n\n*{}; {again}.*\n\n", kind.actor().name());
        assert!(section.contains(&who), "{}: {who}", kind.name());
        assert!(section.contains("\n- **Causes.** "), "{}: causes", kind.name());
        assert!(section.contains("\n- **To do.** "), "{}: what to do", kind.name());
    }
}

/// The figures that the manual's plots are made of.
#[test]
fn the_recorded_figures_of_the_benches_are_those_of_their_readme() {
    let readme = fs::read_to_string(root().join("benches/README.md")).unwrap();
    let rows: Vec<Vec<_>> = readme
        .lines()
        .map(|row| row.split('|').map(str::trim).filter(|cell| !cell.is_empty()).collect())
        .collect();
    let mut count = 0;
    for file in fs::read_dir(root().join("benches/recorded")).unwrap() {
        let recorded = fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = recorded.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        for line in lines {
            let cells: Vec<_> = line.split('\t').collect();
            assert!(rows.contains(&cells), "{line}");
            count += 1;
        }
    }
    assert!(count > 40, "{count}");
}
