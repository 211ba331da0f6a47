//! The C++ wrapper with the compilers there are: what must not compile, exceptions that cross shared
//! objects, and threads under the tools that look for races.

#![cfg(target_os = "linux")]

#[path = "c/artifact.rs"]
mod artifact;
#[path = "c/programs.rs"]
mod programs;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use artifact::{artifact, have, root, run};
use caretoken_sandbox::Sandbox;
use programs::{against, build_directory, source, tell};

/// A compiler call as C++ teams make it; the wrapper is theirs, not the system's.
fn compiler(name: &str) -> Command {
    let mut command = Command::new(name);
    command.args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror", "-I"]);
    command.arg(root().join("include"));
    command
}

/// The lines of `views.cpp` that must not compile, with the reasons.
fn mistakes(name: &str) -> Vec<(usize, String)> {
    let text = fs::read_to_string(source("views.cpp")).unwrap();
    let lines = text.lines().enumerate().skip(2);
    let with_reason = lines.filter_map(|(index, line)| {
        let (_, reason) = line.split_once("  // ")?;
        Some((index + 1, reason.trim().to_owned()))
    });
    with_reason.filter(|(_, reason)| name == "clang++" || !reason.starts_with("-W")).collect()
}

/// The errors that a compiler reports, by line.
fn errors(name: &str) -> Vec<(usize, String)> {
    let mut command = compiler(name);
    command.arg("-fsyntax-only").arg(source("views.cpp"));
    // Clang stops at 20; GCC has no such option, and no such limit.
    command.args((name == "clang++").then_some("-ferror-limit=0"));
    let said = String::from_utf8(command.output().unwrap().stderr).unwrap();
    let errors = said.lines().filter_map(|line| {
        let (place, what) = line.split_once(": error: ")?;
        let (file, position) = place.split_once(".cpp:")?;
        assert!(file.ends_with("views"), "{said}");
        Some((position.split(':').next()?.parse().unwrap(), what.to_owned()))
    });
    errors.collect()
}

#[test]
fn a_view_of_a_temporary_and_a_result_nobody_looks_at_do_not_compile() {
    for name in ["g++", "clang++"] {
        if !have(&[name]) {
            continue;
        }
        let (mistakes, errors) = (mistakes(name), errors(name));
        let lines =
            |list: &[(usize, String)]| list.iter().map(|(line, _)| *line).collect::<Vec<_>>();
        assert_eq!(lines(&errors), lines(&mistakes), "{name}: {errors:#?}");
        for ((line, reason), (_, said)) in mistakes.iter().zip(&errors) {
            assert!(said.contains(reason), "{name}, line {line}: {said}");
        }
        assert!(mistakes.len() >= 25, "{mistakes:?}");
    }
}

#[test]
fn the_wrapper_compiles_under_the_warnings_that_strict_teams_turn_on() {
    let common = ["-Wconversion", "-Wsign-conversion", "-Wold-style-cast", "-Wextra-semi"];
    for (name, own) in [("g++", "-Wuseless-cast"), ("clang++", "-Wweak-vtables")] {
        if have(&[name]) {
            let mut command = compiler(name);
            run(command.args(common).arg(own).arg("-fsyntax-only").arg(source("wrapper.cpp")));
        }
    }
}

/// Both are compiled with `-fvisibility=hidden`, and the plug-in is loaded so that its symbols are its
/// own.
#[test]
fn an_exception_that_one_shared_object_throws_is_caught_in_another() {
    for name in ["g++", "clang++"] {
        if !have(&[name, "nm"]) {
            continue;
        }
        let thrower = build_directory().join(format!("thrower-{name}.so"));
        let catcher = build_directory().join(format!("catcher-{name}"));
        let mut command = compiler(name);
        command.args(["-fvisibility=hidden", "-shared", "-fPIC"]).arg(source("thrower.cpp"));
        command.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
        run(command.arg("-o").arg(&thrower));
        let mut command = compiler(name);
        command.args(["-fvisibility=hidden"]).arg(source("catcher.cpp"));
        command.arg("-L").arg(&artifact().libraries).args(["-lcaretoken", "-ldl"]);
        run(command.arg("-o").arg(&catcher));

        let exported = run(Command::new("nm").args(["-DC", "--defined-only"]).arg(&thrower));
        let of_exception = |what: &str| {
            let name = format!("V {what} for caretoken::with_exceptions::exception");
            exported.lines().any(|line| line.ends_with(&name))
        };
        assert!(of_exception("typeinfo") && of_exception("vtable"), "{exported}");
        run(Command::new(&catcher).arg(&thrower).env("LD_LIBRARY_PATH", &artifact().libraries));
    }
}

/// A header cannot do better than weak symbols where it throws, and none elsewhere.
#[test]
fn a_unit_that_throws_nothing_has_nothing_of_the_exception() {
    for name in ["g++", "clang++"] {
        if !have(&[name, "nm"]) {
            continue;
        }
        for (source_name, throws) in [("no_exceptions.cpp", false), ("thrower.cpp", true)] {
            let object = build_directory().join(format!("{source_name}-{name}.o"));
            let mut command = compiler(name);
            run(command.arg("-c").arg(source(source_name)).arg("-o").arg(&object));
            let symbols = run(Command::new("nm").args(["-C", "--defined-only"]).arg(&object));
            let of_exception =
                |line: &&str| line.contains("for caretoken::with_exceptions::exception");
            let found: Vec<_> = symbols.lines().filter(of_exception).collect();
            assert_eq!(found.is_empty(), !throws, "{found:?}");
            assert!(found.iter().all(|line| line.contains(" V ")), "{found:?}");
        }
    }
}

/// A program of threads that share a client.
fn threads(name: &str, flag: &str) -> PathBuf {
    let program = build_directory().join(name);
    let mut command = compiler("g++");
    command.args(["-g", "-O1", flag]).args(["threads.cpp", "wrapper_second.cpp"].map(source));
    command.arg("-L").arg(&artifact().libraries).args(["-lcaretoken", "-pthread"]);
    run(command.arg("-o").arg(&program));
    program
}

/// Runs the program and returns whether it ended well, with what was said.
fn look_for_races(checker: &mut Command) -> (bool, String) {
    let output = checker.output().unwrap();
    (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn suppressions(name: &str) -> PathBuf {
    root().join("suppressions").join(name)
}

#[test]
fn thread_sanitizer_finds_the_programs_races_and_none_in_the_library() {
    if !have(&["g++"]) {
        return;
    }
    let program = threads("threads_tsan", "-fsanitize=thread");
    let sandbox = Sandbox::start().unwrap();
    let check = |wrong: &str| {
        let suppressed = format!("suppressions={}", suppressions("tsan.supp").display());
        let mut command = against(&sandbox, &program, None);
        look_for_races(command.arg(wrong).env("TSAN_OPTIONS", suppressed))
    };
    let (is_clean, said) = check("nothing");
    assert!(is_clean, "{said}");
    for wrong in ["race", "callback"] {
        let (is_clean, said) = check(wrong);
        assert!(!is_clean && said.contains("data race") && said.contains("threads.cpp"), "{said}");
    }
}

#[test]
fn helgrind_and_drd_find_the_programs_races_and_none_in_the_library() {
    if !have(&["cc", "g++", "valgrind"]) {
        return;
    }
    let helper = build_directory().join("caretoken_valgrind.so");
    let mut command = Command::new("cc");
    command.args(["-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-I"]);
    command.arg(root().join("include")).arg(suppressions("valgrind.c"));
    run(command.arg("-o").arg(&helper));

    let program = threads("threads", "-fno-omit-frame-pointer");
    let sandbox = Sandbox::start().unwrap();
    let check = |tool: &str, wrong: &str| {
        let mut command = Command::new("valgrind");
        tell(&mut command, &sandbox, &program);
        command.args(["--quiet", "--error-exitcode=99"]).arg(format!("--tool={tool}"));
        command.arg(format!("--suppressions={}", suppressions("valgrind.supp").display()));
        command.arg(&program).arg(wrong).env("LD_PRELOAD", &helper);
        look_for_races(&mut command)
    };
    for tool in ["helgrind", "drd"] {
        let (is_clean, said) = check(tool, "nothing");
        assert!(is_clean, "{said}");
        let (is_clean, said) = check(tool, "race");
        assert!(!is_clean && said.contains("threads.cpp"), "{said}");
    }
}
