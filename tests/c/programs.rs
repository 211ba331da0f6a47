//! The C and C++ programs of `tests/c`: how they are compiled, linked and run against a sandbox.
#![allow(dead_code, reason = "each test file uses its own part of it")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use caretoken_sandbox::{Options, Sandbox, Vendor};

use crate::artifact::{artifact, have, root, run, wine};

const WARNINGS: [&str; 4] = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

/// Windows runs no program without one, and nobody else minds.
const EXTENSION: &str = "exe";

pub(crate) fn build_directory() -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(tool("cc"));
    fs::create_dir_all(&directory).unwrap();
    directory
}

/// The library where Windows looks for it. It is put there once, since programs may be running.
fn beside_the_programs() -> &'static Path {
    static COPY: OnceLock<PathBuf> = OnceLock::new();
    COPY.get_or_init(|| {
        let library = build_directory().join("caretoken.dll");
        fs::copy(artifact().libraries.join("caretoken.dll"), &library).unwrap();
        library
    })
}

/// The profile of the example for a vendor of one's own.
pub(crate) fn acme() -> PathBuf {
    root().join("examples-c/acme.json")
}

pub(crate) fn source(name: &str) -> PathBuf {
    root().join("tests/c").join(name)
}

/// What `cc`, `c++` and the like are called here.
fn tool(name: &str) -> String {
    match (wine().is_some(), name) {
        (true, "cc") => "x86_64-w64-mingw32-gcc".to_owned(),
        (true, "c++") => "x86_64-w64-mingw32-g++".to_owned(),
        _ => name.to_owned(),
    }
}

/// A compiler call with all warnings, and this library's headers.
pub(crate) fn compiler(name: &str, standard: &str) -> Command {
    let mut command = Command::new(tool(name));
    command.arg(format!("-std={standard}")).args(WARNINGS).arg("-g").arg("-I");
    command.arg(root().join("include"));
    command
}

pub(crate) fn compiler_of(file: &str) -> Command {
    match file.ends_with(".cpp") {
        true => compiler("c++", "c++17"),
        false => compiler("cc", "c99"),
    }
}

/// Compiles a program of `tests/c` and links it with the shared library.
pub(crate) fn compile(name: &str, sources: &[&str], flags: &[&str]) -> PathBuf {
    let program = build_directory().join(name).with_extension(EXTENSION);
    let mut command = compiler_of(sources[0]);
    command.args(flags).args(sources.iter().map(|name| source(name)));
    command.arg("-pthread");
    if wine().is_some() {
        command.arg("-static").arg(beside_the_programs());
    } else {
        command.arg("-L").arg(&artifact().libraries).arg("-lcaretoken");
    }
    run(command.arg("-o").arg(&program));
    program
}

/// Runs a program against a sandbox over HTTPS and against another over plain HTTP, each set up by
/// `set_up`, under valgrind where there is one. `check` looks at each sandbox afterwards.
///
/// Over HTTPS valgrind does not look for undefined values: it takes what ring's hand-written
/// assembly computes for undefined. Over HTTP it does.
pub(crate) fn play(program: &Path, set_up: impl Fn(&Sandbox), check: impl Fn(&Sandbox)) {
    for plain_http in [false, true] {
        let sandbox = Sandbox::start_with(Options { plain_http, ..Options::default() }).unwrap();
        set_up(&sandbox);
        run(checked(&sandbox, program, plain_http).arg(if plain_http { "http" } else { "https" }));
        check(&sandbox);
    }
}

/// Under valgrind where there is one, as `play` runs it.
pub(crate) fn checked(sandbox: &Sandbox, program: &Path, plain_http: bool) -> Command {
    let has_valgrind = wine().is_none() && have(&["valgrind"]);
    let valgrind = has_valgrind.then_some(["no", "yes"][usize::from(plain_http)]);
    against(sandbox, program, valgrind)
}

pub(crate) fn against(
    sandbox: &Sandbox,
    program: &Path,
    undefined_values: Option<&str>,
) -> Command {
    let runner = wine().or_else(|| undefined_values.map(|_| "valgrind".into()));
    let mut command = Command::new(runner.unwrap_or_else(|| program.into()));
    if wine().is_some() {
        command.arg(program);
    } else if let Some(undefined_values) = undefined_values {
        // "Possibly lost" is what an `Arc` of the standard library's looks like: only a pointer into
        // its middle is kept.
        command.args(["--quiet", "--error-exitcode=99", "--leak-check=full"]);
        command.args(["--show-leak-kinds=definite,indirect"]);
        command.args(["--errors-for-leak-kinds=definite,indirect"]);
        command.arg(format!("--undef-value-errors={undefined_values}")).arg(program);
    }
    tell(&mut command, sandbox, program);
    command
}

/// Tells a program where the library and the sandbox are, and what the sandbox takes. It runs where it
/// was built, and finds the profile of a vendor whose endpoint is as Pattern's.
pub(crate) fn tell(command: &mut Command, sandbox: &Sandbox, program: &Path) {
    let ca_file = program.with_extension("pem");
    fs::write(&ca_file, sandbox.ca_pem()).unwrap();
    command.env("LD_LIBRARY_PATH", &artifact().libraries).env("CARETOKEN_CA_FILE", &ca_file);
    command.current_dir(build_directory()).env("ACME_PROFILE", acme());
    for vendor in Vendor::ALL {
        let prefix = vendor.name().to_uppercase();
        command.env(format!("{prefix}_BASE_URL"), sandbox.base_url(vendor));
        command.env(format!("{prefix}_RESOURCE_URL"), sandbox.resource_url(vendor));
        for (name, value) in sandbox.credentials(vendor) {
            command.env(format!("{prefix}_{}", name.to_uppercase()), value);
        }
    }
}
