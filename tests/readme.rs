//! The README's C and C++ programs compile without a warning, link, fetch a token, and tell which of
//! their variables is missing. Its profile and the program that uses it are the examples, and work. Its
//! table of errors is the library's.

#![cfg(unix)]

#[path = "c/artifact.rs"]
mod artifact;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use artifact::{artifact, have, root, run};
use caretoken::ErrorKind;
use caretoken_sandbox::{Sandbox, Vendor};

/// Rows of the README name one kind or several of the same sort.
#[test]
fn the_readmes_table_of_errors_has_every_kind_with_its_actor() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let table = readme.split("\n| kind | who |").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut missing = ErrorKind::ALL.to_vec();
    for row in table.lines().skip(2) {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let [_, names, actors, _, again, _] = cells[..] else { panic!("{row}") };
        let mut of_the_kinds = Vec::new();
        for name in names.split(", ") {
            let is_named = |kind: &ErrorKind| format!("`{}`", kind.name()) == name;
            let index = missing.iter().position(is_named).unwrap_or_else(|| panic!("{name}"));
            let kind = missing.remove(index);
            assert_eq!(again.starts_with("yes"), kind.is_retryable(), "{row}");
            of_the_kinds.push(kind.actor().name());
        }
        of_the_kinds.dedup();
        assert_eq!(of_the_kinds.join(", "), actors, "{row}");
    }
    assert_eq!(missing, []);
}

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

/// Without each of its variables alone, and without all of them.
fn says_what_is_missing(program: &Path) {
    let variables = [
        ("base_url", "PATTERN_BASE_URL", "https://pattern.invalid"),
        ("client_id", "PATTERN_CLIENT_ID", "fake-client"),
        ("client_secret", "PATTERN_CLIENT_SECRET", "fake-secret"),
    ];
    let run = |missing: &str, all_are_missing: bool| {
        let mut command = Command::new(program);
        command.env("LD_LIBRARY_PATH", &artifact().libraries);
        for (name, variable, value) in variables {
            match all_are_missing || name == missing {
                true => command.env_remove(variable),
                false => command.env(variable, value),
            };
        }
        let output = command.output().unwrap();
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "without {missing}: {} {line}", output.status);
        assert!(line.starts_with(missing) && line.lines().count() == 1, "{missing}: {line}");
        assert!(line.contains("to do (") && !line.contains("fake-"), "{line}");
    };
    for (name, ..) in variables {
        run(name, false);
    }
    run("base_url", true);
}

#[test]
fn the_c_program_of_the_readme_works_and_says_which_variable_is_missing() {
    if have(&["cc"]) {
        let program = compile("cc", "c99", "c");
        fetches_a_token(&program);
        says_what_is_missing(&program);
    }
}

#[test]
fn the_cpp_program_of_the_readme_works_and_says_which_variable_is_missing() {
    if have(&["c++"]) {
        let program = compile("c++", "c++17", "cpp");
        fetches_a_token(&program);
        says_what_is_missing(&program);
    }
}

/// The README's profile of ten lines and its program, as the files that it names.
#[test]
fn the_profile_of_the_readme_and_its_program_are_the_examples() {
    let example = |name: &str| fs::read_to_string(root().join("examples").join(name)).unwrap();
    let profile = block("json");
    assert_eq!(format!("{profile}\n"), example("northside.json"));
    assert!(profile.lines().count() <= 10, "{profile}");
    let program = example("own_vendor.rs");
    let (about, code) = program.split_once("\n\n").unwrap();
    assert!(about.lines().all(|line| line.starts_with("//! ")), "{about}");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(readme.contains(&format!("\n```rust,no_run\n{code}```\n")), "{code}");
}

/// As the README tells it, but for where the sandbox writes what it exports.
#[test]
fn the_commands_of_the_readme_check_play_and_use_the_profile() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let commands = readme.split("\n```sh\n").find(|block| block.contains("profile check")).unwrap();
    let commands = commands.split("\n```").next().unwrap();
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let commands = commands.replace("./northside.env", "northside.env");
    let exports = directory.join("northside.env");
    let commands = commands.replace("northside.env", exports.to_str().unwrap());
    // Where a command fails, nothing that was started stays.
    let script = format!("trap 'kill $! 2>/dev/null || :' EXIT\n{commands}");
    let mut shell = Command::new("sh");
    shell.args(["-ec", &script.replace("cargo run ", "cargo run --quiet ")]).current_dir(root());
    let printed = run(&mut shell);
    assert!(printed.contains("a token of 32 bytes, for the header authorization\n"), "{printed}");
    assert!(!exports.exists(), "{}", exports.display());
}
