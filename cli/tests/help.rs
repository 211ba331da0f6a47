//! Help, version, completions and manual pages.

mod support;

use std::fs;
use std::process::Command;

use support::{Run, clean, program, run};
use tempfile::TempDir;

const COMMANDS: &[&[&str]] = &[
    &[],
    &["token"],
    &["doctor"],
    &["profile"],
    &["profile", "check"],
    &["profile", "list"],
    &["profile", "show"],
    &["profile", "schema"],
    &["completions"],
    &["man"],
];

fn help(command: &[&str]) -> String {
    run(program().args(command).arg("--help")).success()
}

/// The table of exit codes: each code and what stands beside it.
fn exit_codes(text: &str) -> Vec<(u8, &str)> {
    let table = text.split("Exit codes, by who must act:\n").nth(1).unwrap();
    let rows = table.lines().take_while(|line| !line.is_empty());
    let rows = rows.map(|line| line.trim_start().split_once(' ').unwrap());
    rows.map(|(code, about)| (code.parse().unwrap(), about.trim())).collect()
}

#[test]
fn all_help_fits_a_hundred_columns() {
    for command in COMMANDS {
        for line in help(command).lines() {
            assert!(line.chars().count() <= 100, "{command:?}: {line}");
        }
    }
}

#[test]
fn the_help_tells_every_exit_code_or_where_it_is_told() {
    let main = help(&[]);
    let codes = exit_codes(&main);
    let numbers: Vec<_> = codes.iter().map(|(code, _)| *code).collect();
    assert_eq!(numbers, [0, 64, 65, 70, 74, 75, 76, 77, 126, 127]);
    assert_eq!(exit_codes(&help(&["token"])), codes);
    for command in [&["doctor"][..], &["profile", "check"]] {
        assert!(help(command).contains("Exit codes: see `caretoken --help`."), "{command:?}");
    }
}

#[test]
fn the_help_has_examples_that_the_program_understands() {
    let mut seen = 0;
    for command in COMMANDS {
        let text = help(command);
        for line in text.lines().filter_map(|line| line.strip_prefix("  caretoken ")) {
            // Up to the pipe, the redirection or the command to be run.
            let own = line.split([' ']).take_while(|word| !["|", ">", "--"].contains(word));
            let own: Vec<_> = own.filter(|word| *word != "--exec").collect();
            // Without any time nothing reaches the network.
            let Run { err, .. } = run(program().args(&own).env("CARETOKEN_TIMEOUT_MS", "0"));
            assert!(!err.contains("Usage:"), "{line}: {err}");
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

#[test]
fn the_version_is_that_of_the_package() {
    let expected = format!("caretoken {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(run(program().arg("--version")).success(), expected);
}

#[test]
fn a_command_line_that_is_wrong_is_usage() {
    for arguments in
        [&[][..], &["profile"], &["tokn"], &["token"], &["--no-such"], &["profile", "check"]]
    {
        let Run { code, out, err } = run(program().args(arguments));
        assert_eq!((code, out.as_str()), (Some(64), ""), "{arguments:?}");
        assert!(err.contains("--help") || err.contains("Usage:"), "{err}");
    }
}

#[test]
fn completions_are_made_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = run(program().args(["completions", shell])).success();
        assert!(script.contains("store-refresh-token") && script.contains("caretoken"), "{shell}");
        // Those whose shell is here are read by it.
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("completions");
        fs::write(&path, script).unwrap();
        if ["bash", "fish", "zsh"].contains(&shell)
            && let Ok(checked) = clean(shell).arg("-n").arg(&path).output()
        {
            assert!(checked.status.success() && checked.stderr.is_empty(), "{checked:?}");
        }
    }
}

#[test]
fn there_is_a_manual_page_for_each_command() {
    let directory = TempDir::new().unwrap();
    let to = directory.path().join("man1");
    run(program().args(["man", "--to"]).arg(&to)).success();
    let mut found: Vec<_> = fs::read_dir(&to)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort();
    // The hidden command has none.
    let mut expected: Vec<_> = COMMANDS
        .iter()
        .filter(|command| **command != ["man"])
        .map(|command| format!("{}.1", [&["caretoken"], *command].concat().join("-")))
        .collect();
    expected.sort();
    assert_eq!(found, expected);
    let token = fs::read_to_string(to.join("caretoken-token.1")).unwrap();
    for part in ["CARETOKEN_ACCESS_TOKEN", "Exit codes", "PATTERN_CLIENT_SECRET"] {
        assert!(token.contains(part), "{part}");
    }
    assert!(run(program().arg("man")).success().contains(".TH caretoken 1"));
    // Where there is man, it reads them without complaint.
    if let Ok(read) =
        Command::new("man").args(["--warnings", "-l"]).arg(to.join("caretoken.1")).output()
        && read.status.success()
    {
        assert!(read.stderr.is_empty(), "{}", String::from_utf8_lossy(&read.stderr));
    }
}
