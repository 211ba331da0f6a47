//! The C artifact: built once by the tests that need it, as `examples-c/Makefile` builds it.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub(crate) struct Artifact {
    /// Where `libcaretoken.so` and `libcaretoken.a` are.
    pub(crate) libraries: PathBuf,
    /// The header that the build script generated.
    #[allow(dead_code, reason = "only the header's own tests read it")]
    pub(crate) header: PathBuf,
}

/// The Wine to run C and C++ programs with, if they are to be those of Windows.
pub(crate) fn wine() -> Option<OsString> {
    env::var_os("CARETOKEN_TEST_WINE")
}

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where this test program's own target directory has room for the C artifact's.
pub(crate) fn target_dir() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("capi")
}

/// Builds the shared and the static library, or finds them fresh.
pub(crate) fn artifact() -> &'static Artifact {
    static BUILT: OnceLock<Artifact> = OnceLock::new();
    BUILT.get_or_init(|| {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // What the outer cargo said about this test would make ring's build script run again.
        let told = env::vars_os().map(|(name, _)| name);
        for name in told.filter(|name| is_about_this_test(&name.to_string_lossy())) {
            command.env_remove(name);
        }
        let output = command
            .current_dir(root())
            .args(["rustc", "--release", "--lib", "--features", "capi"])
            .args(["--crate-type", "cdylib,staticlib"])
            .args(wine().map(|_| "--target=x86_64-pc-windows-gnu"))
            .args(["--message-format", "json-render-diagnostics", "--target-dir"])
            .arg(target_dir())
            .args(["--", "--print", "native-static-libs"])
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the C artifact does not build");

        let messages = String::from_utf8(output.stdout).unwrap();
        let messages = messages.lines().map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect("cargo speaks JSON")
        });
        let ours = |message: &serde_json::Value| {
            let id = message["package_id"].as_str().unwrap_or_default().to_owned();
            // `path+file:///…/dir#caretoken@0.1.0`, or without the name where `dir` has the same.
            let is_path = id.starts_with("path+file://");
            is_path && (id.contains("#caretoken@") || id.contains("/caretoken#"))
        };
        let (mut libraries, mut header) = (None, None);
        for message in messages.filter(ours) {
            match message["reason"].as_str() {
                Some("build-script-executed") => {
                    header =
                        message["out_dir"].as_str().map(|dir| Path::new(dir).join("caretoken.h"));
                }
                Some("compiler-artifact") if message["target"]["name"] == "caretoken" => {
                    let file = message["filenames"][0].as_str().map(PathBuf::from);
                    libraries = file.and_then(|file| Some(file.parent()?.to_owned()));
                }
                _ => {}
            }
        }
        let libraries = libraries.expect("cargo names the libraries");
        // The name that programs ask for.
        #[cfg(unix)]
        if wine().is_none() {
            let name = libraries.join("libcaretoken.so.0");
            let made = std::os::unix::fs::symlink("libcaretoken.so", name);
            let is_there = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
            assert!(made.as_ref().err().is_none_or(is_there), "{made:?}");
        }
        Artifact { libraries, header: header.expect("cargo names the build script's directory") }
    })
}

fn is_about_this_test(variable: &str) -> bool {
    let starts = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "OUT_DIR"];
    starts.iter().any(|start| variable.starts_with(start))
}

/// Whether these programs can be run here. If not, the test says so and counts as skipped.
pub(crate) fn have(programs: &[&str]) -> bool {
    let missing: Vec<_> = programs.iter().filter(|program| !runs(program)).collect();
    if !missing.is_empty() {
        // Not by `eprintln`, which nobody sees while the test passes.
        let _nowhere_else_to_say_it = writeln!(io::stderr(), "skipped: needs {missing:?}");
    }
    missing.is_empty()
}

fn runs(program: &str) -> bool {
    let silent =
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    silent.is_ok_and(|status| status.success())
}

/// Runs to the end; fails with all that was printed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let printed =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(
        output.status.success(),
        "{command:?}\n{}\n{}\n{}",
        output.status,
        printed[0],
        printed[1]
    );
    printed.concat()
}
