//! The committed header is the one that the build generates, and tells the truth.

#[path = "c/artifact.rs"]
mod artifact;

use std::env;
use std::fs;
use std::process::Command;

use artifact::{artifact, have, root, run};

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = fs::read_to_string(&artifact().header).unwrap();
    let committed = root().join("include/caretoken.h");
    if env::var_os("UPDATE_HEADER").is_some_and(|value| value == "1") {
        // In one step: the other tests read it.
        let fresh = committed.with_extension("h.new");
        fs::write(&fresh, &generated).unwrap();
        fs::rename(fresh, &committed).unwrap();
    }
    let committed = fs::read_to_string(committed).unwrap_or_default();
    let first_difference = generated
        .lines()
        .chain(std::iter::repeat(""))
        .zip(committed.lines().chain(std::iter::repeat("")))
        .take(generated.lines().count().max(committed.lines().count()))
        .position(|(generated, committed)| generated != committed);
    assert!(
        generated == committed,
        "include/caretoken.h is stale (first difference in line {:?}): \
         run UPDATE_HEADER=1 cargo test --test header",
        first_difference.map(|line| line + 1)
    );
}

#[test]
fn the_headers_version_is_that_of_the_crate() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    for (name, value) in [
        ("VERSION", concat!("\"", env!("CARGO_PKG_VERSION"), "\"")),
        ("VERSION_MAJOR", env!("CARGO_PKG_VERSION_MAJOR")),
        ("VERSION_MINOR", env!("CARGO_PKG_VERSION_MINOR")),
        ("VERSION_PATCH", env!("CARGO_PKG_VERSION_PATCH")),
    ] {
        let line = format!("#define CARETOKEN_{name} {value}");
        assert!(header.lines().any(|known| known == line), "{line}");
    }
}

/// The texts of the header are written for C developers; nothing of Rust shines through.
#[test]
fn the_header_is_plain_ascii_and_speaks_c() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    for (number, line) in header.lines().enumerate() {
        assert!(line.is_ascii(), "line {}: {line}", number + 1);
        for rust in ["Option<", "[`", "::", "&mut", "Arc<"] {
            assert!(!line.contains(rust), "line {}: {line}", number + 1);
        }
    }
}

#[test]
fn every_function_of_the_header_has_words_of_its_own() {
    let header = fs::read_to_string(&artifact().header).unwrap();
    let lines: Vec<&str> = header.lines().collect();
    let mut functions = 0;
    for (number, line) in lines.iter().enumerate() {
        let is_function = line.contains("caretoken_")
            && line.contains('(')
            && !line.starts_with([' ', '#', '*', '/'])
            && !line.starts_with("typedef");
        if is_function {
            functions += 1;
            assert_eq!(lines[number - 1].trim(), "*/", "no words for {line}");
        }
    }
    assert!(functions > 25, "{functions}");
}

/// Both as written in the headers' introductions: the C one runs until it misses its secret.
#[test]
fn the_example_in_the_header_compiles_and_runs() {
    if !have(&["cc"]) {
        return;
    }
    let header = fs::read_to_string(root().join("include/caretoken.h")).unwrap();
    let example: Vec<&str> = header
        .lines()
        .skip_while(|line| !line.contains("A complete program:"))
        .skip(1)
        .take_while(|line| !line.contains("It links with"))
        .map(|line| line.strip_prefix(" *     ").unwrap_or_default())
        .collect();
    assert!(example.len() > 30);
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (source, program) = (directory.join("header_example.c"), directory.join("header_example"));
    fs::write(&source, example.join("\n") + "\n").unwrap();
    run(Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"])
        .arg(root().join("include"))
        .arg(&source)
        .arg("-L")
        .arg(&artifact().libraries)
        .arg("-lcaretoken")
        .arg("-o")
        .arg(&program));
    let output = Command::new(&program)
        .env("LD_LIBRARY_PATH", &artifact().libraries)
        .env_remove("PATTERN_CLIENT_SECRET")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stderr).unwrap();
    assert!(printed.starts_with("client_secret is empty"), "{printed}");
}
