//! What hosts do to the library besides calling it: load and unload it, run out of memory, cancel
//! threads, give them small stacks, interrupt them by signals.
//!
//! The programs are in `tests/c`.

#![cfg(target_os = "linux")]

#[path = "c/artifact.rs"]
mod artifact;
#[path = "c/programs.rs"]
mod programs;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use artifact::{artifact, have, run};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use programs::{against, build_directory, compile, compiler_of, play, source};

/// A shared object of one source of `tests/c`, linked with what `link` says.
fn shared_object(source_name: &str, name: &str, link: impl Fn(&mut Command)) -> PathBuf {
    let object = build_directory().join(name);
    let mut command = compiler_of(source_name);
    command.args(["-shared", "-fPIC", "-pthread"]).arg(source(source_name));
    link(&mut command);
    run(command.arg("-o").arg(&object));
    object
}

/// A program that knows nothing of caretoken, one for each plug-in.
fn host_of(plugin: &Path) -> PathBuf {
    let program = plugin.with_extension("host");
    let mut command = compiler_of("plugin_host.c");
    run(command.arg(source("plugin_host.c")).args(["-ldl", "-pthread", "-o"]).arg(&program));
    program
}

/// 200 times: load, fetch while other threads' lookups hang, free everything, unload.
fn survives_its_unloading(plugin: &Path) {
    let slow_lookup =
        shared_object("slow_lookup.c", "slow_lookup.so", |command| drop(command.arg("-ldl")));
    let sandbox = Sandbox::start().unwrap();
    let mut command = against(&sandbox, &host_of(plugin), None);
    println!("{}", run(command.arg(plugin).env("LD_PRELOAD", slow_lookup)));
}

#[test]
fn the_library_outlives_its_unloading() {
    if !have(&["cc", "readelf"]) {
        return;
    }
    let library = artifact().libraries.join("libcaretoken.so");
    let dynamic = run(Command::new("readelf").arg("-dW").arg(library));
    assert!(dynamic.lines().any(|line| line.contains("FLAGS_1") && line.contains("NODELETE")));
}

#[test]
fn a_host_loads_and_unloads_a_plugin_200_times_under_load() {
    if have(&["cc"]) {
        let plugin = shared_object("plugin.c", "plugin.so", |command| {
            command.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
        });
        survives_its_unloading(&plugin);
    }
}

/// As the README tells who links a plug-in with the static library.
#[test]
fn a_plugin_with_the_static_library_inside_does_the_same_and_exports_nothing_of_it() {
    if !have(&["cc", "nm"]) {
        return;
    }
    let plugin = shared_object("plugin.c", "plugin_of_caretoken.so", |command| {
        command.arg(artifact().libraries.join("libcaretoken.a"));
        command.args(["-lpthread", "-ldl", "-lm", "-Wl,--exclude-libs,ALL", "-Wl,-z,nodelete"]);
    });
    let exported = run(Command::new("nm").args(["-D", "--defined-only"]).arg(&plugin));
    let names = exported.lines().filter_map(|line| line.split_whitespace().last());
    assert_eq!(names.collect::<Vec<_>>(), ["plugin_work"]);
    survives_its_unloading(&plugin);
}

#[test]
fn a_thread_is_cancelled_after_its_call_and_never_in_the_middle() {
    if have(&["cc"]) {
        let set_up = |sandbox: &Sandbox| {
            let slow = Fault::DelayBefore(Duration::from_millis(100));
            sandbox.inject_always(Vendor::Pattern, Some(slow));
        };
        play(&compile("cancelled_threads", &["cancelled_threads.c"], &[]), set_up, |_| {});
    }
}
