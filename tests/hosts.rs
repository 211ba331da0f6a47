//! What hosts do to the library besides calling it: load and unload it, run out of memory, cancel
//! threads, give them small stacks, interrupt them by signals.
//!
//! The programs are in `tests/c`.

#![cfg(target_os = "linux")]

#[path = "c/artifact.rs"]
mod artifact;
#[path = "c/programs.rs"]
mod programs;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use artifact::{artifact, have, run};
use caretoken_sandbox::{Fault, Sandbox, Vendor};
use programs::{against, build_directory, compile, compiler_of, play, source, tell};

/// Pattern takes 100 ms for each answer.
fn slow_down(sandbox: &Sandbox) {
    let slow = Fault::DelayBefore(Duration::from_millis(100));
    sandbox.inject_always(Vendor::Pattern, Some(slow));
}

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
    let slow_lookup = shared_object("slow_lookup.c", "slow_lookup.so", |command| {
        command.arg("-ldl");
    });
    let sandbox = Sandbox::start().unwrap();
    let mut command = against(&sandbox, &host_of(plugin), None);
    println!("{}", run(command.arg(plugin).env("LD_PRELOAD", slow_lookup)));
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
        play(&compile("cancelled_threads", &["cancelled_threads.c"], &[]), slow_down, |_| {});
    }
}

#[test]
fn signals_interrupt_no_call_and_handlers_and_masks_stay_as_they_are() {
    if have(&["cc"]) {
        let sandbox = Sandbox::start().unwrap();
        slow_down(&sandbox);
        run(&mut against(&sandbox, &compile("signals", &["signals.c"], &[]), None));
    }
}

#[test]
fn a_child_with_its_parents_process_id_does_not_take_itself_for_it() {
    let unshare = ["--user", "--map-root-user", "--pid", "--fork", "--kill-child"];
    if !have(&["cc", "unshare"]) {
        return;
    }
    if !Command::new("unshare").args(unshare).arg("true").status().is_ok_and(|end| end.success()) {
        let _nowhere_else_to_say_it = writeln!(io::stderr(), "skipped: needs PID namespaces");
        return;
    }
    let program = compile("pid_namespace", &["pid_namespace.c"], &[]);
    let sandbox = Sandbox::start().unwrap();
    let mut command = Command::new("unshare");
    tell(command.args(unshare).arg(&program), &sandbox, &program);
    run(&mut command);
}

#[test]
fn a_thread_with_64_kib_of_stack_can_fetch() {
    if have(&["cc"]) {
        let program = compile("small_stack", &["small_stack.c"], &[]);
        println!("{}", run(&mut against(&Sandbox::start().unwrap(), &program, None)));
    }
}

#[test]
fn a_hit_needs_no_memory_and_a_fetch_without_any_ends_the_process() {
    if have(&["cc"]) {
        let program = compile("out_of_memory", &["out_of_memory.c"], &[]);
        run(&mut against(&Sandbox::start().unwrap(), &program, None));
    }
}
