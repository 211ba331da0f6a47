//! The README's C and C++ programs compile without a warning, link, and fetch a token.

#![cfg(unix)]

#[path = "c/artifact.rs"]
mod artifact;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use artifact::{artifact, have, root, run};
use caretoken_sandbox::{Sandbox, Vendor};

/// The only block of that language.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let start = format!("\n```{language}\n");
    let mut blocks = readme.split(&start).skip(1);
    let block = blocks.next().unwrap().split("\n```").next().unwrap().to_owned();
    assert!(blocks.next().is_none(), "one {language} program");
    block
}

fn compile(compiler: &str, standard: &str, language: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let source = directory.join(format!("readme.{language}"));
    fs::write(&source, block(language)).unwrap();
    let program = directory.join(format!("readme-{language}"));
    let mut command = Command::new(compiler);
    command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Wpedantic", "-Werror"]);
    command.arg(source).arg("-I").arg(root().join("include"));
    command.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
    run(command.arg("-o").arg(&program));
    program
}

fn fetches_a_token(program: &Path) {
    let sandbox = Sandbox::start().unwrap();
    let ca_file = program.with_extension("pem");
    fs::write(&ca_file, sandbox.ca_pem()).unwrap();
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", &artifact().libraries).env("CARETOKEN_CA_FILE", ca_file);
    command.env("PATTERN_BASE_URL", sandbox.base_url(Vendor::Pattern));
    for (name, value) in sandbox.credentials(Vendor::Pattern) {
        command.env(format!("PATTERN_{}", name.to_uppercase()), value);
    }
    let printed = run(&mut command);
    assert!(printed.starts_with("a token of "), "{printed}");
    assert_eq!(sandbox.requests(Vendor::Pattern), 1);
}

#[test]
fn the_c_program_of_the_readme_works() {
    if have(&["cc"]) {
        fetches_a_token(&compile("cc", "c99", "c"));
    }
}

#[test]
fn the_cpp_program_of_the_readme_works() {
    if have(&["c++"]) {
        fetches_a_token(&compile("c++", "c++17", "cpp"));
    }
}
