//! Runs the program as a stranger would, and looks at all that it wrote.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part of it")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use caretoken_sandbox::{Sandbox, Vendor};
use serde_json::Value as Json;
use tempfile::TempDir;

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_caretoken");

/// How a run ended, and what it wrote.
#[derive(Debug)]
pub struct Run {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Run {
    /// The output of a run that must have succeeded without a word beside it.
    #[track_caller]
    pub fn success(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// The two lines of a run that must have failed so, and printed nothing.
    #[track_caller]
    pub fn failure(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        let lines: Vec<_> = self.err.lines().collect();
        let [message, to_do] = lines[..] else { panic!("{}", self.err) };
        assert!(message.starts_with("caretoken: "), "{message}");
        assert!(to_do.starts_with("to do: ") || to_do.starts_with("to do ("), "{to_do}");
        self.err
    }

    #[track_caller]
    pub fn json(self) -> Json {
        serde_json::from_str(&self.success()).unwrap()
    }
}

/// The program with an environment that has nothing in it but what a test puts there.
pub fn program() -> Command {
    clean(PROGRAM)
}

/// Any program with such an environment.
pub fn clean(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env_clear();
    // What programs need to be found and to run at all.
    for kept in ["PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP", "WINEPREFIX", "WINEDEBUG"] {
        if let Some(value) = std::env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command.stdin(Stdio::null());
    command
}

pub fn run(command: &mut Command) -> Run {
    let output = command.output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn run_with_input(command: &mut Command, input: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // It may end without reading.
    let _may_be_gone = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// A vendor's sandbox, and a directory for files.
pub struct Scene {
    pub sandbox: Sandbox,
    pub vendor: Vendor,
    pub directory: TempDir,
}

impl Scene {
    pub fn new(vendor: Vendor) -> Self {
        let scene = Scene {
            sandbox: Sandbox::start().unwrap(),
            vendor,
            directory: TempDir::new().unwrap(),
        };
        scene.file("ca.pem", scene.sandbox.ca_pem());
        scene
    }

    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a file, and returns its path.
    pub fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    pub fn variable(&self, credential: &str) -> String {
        format!("{}_{credential}", self.vendor.name()).to_uppercase()
    }

    pub fn credential(&self, name: &str) -> String {
        self.sandbox.credential(self.vendor, name)
    }

    /// What leads to the sandbox, as arguments.
    pub fn way(&self) -> [String; 6] {
        [
            "--profile".to_owned(),
            self.vendor.name().to_owned(),
            "--set".to_owned(),
            format!("base_url={}", self.sandbox.base_url(self.vendor)),
            "--set".to_owned(),
            format!("ca_file={}", self.path("ca.pem")),
        ]
    }

    /// `caretoken token` for the sandbox, all of whose credentials are in the environment.
    pub fn token(&self) -> Command {
        let mut command = program();
        command.arg("token").args(self.way());
        for (name, value) in self.sandbox.credentials(self.vendor) {
            command.env(self.variable(name), value);
        }
        command
    }

    /// Whether the sandbox gave this token.
    pub fn accepts(&self, token: &str) -> bool {
        self.sandbox.accepts(self.vendor, token)
    }

    pub fn requests(&self) -> u64 {
        self.sandbox.requests(self.vendor)
    }

    /// Fails where the text has one of the sandbox's secrets in it.
    #[track_caller]
    pub fn assert_has_no_secret(&self, text: &str) {
        for (name, value) in self.sandbox.credentials(self.vendor) {
            assert!(!text.contains(value.as_str()), "{name} in {text}");
        }
        assert!(!text.contains("Bearer "), "{text}");
    }
}
