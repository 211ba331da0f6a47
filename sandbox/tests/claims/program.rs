#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};

use caretoken_sandbox::Vendor;

use crate::support;

/// The program, running; killed if a test fails half-way.
struct Program {
    child: Child,
    exports: String,
    stderr: BufReader<ChildStderr>,
}

impl Program {
    fn start(arguments: &[&str]) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_caretoken-sandbox"))
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It says that it listens after all exports are out.
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut listens = String::new();
        stderr.read_line(&mut listens).unwrap();
        assert!(listens.contains("listening on http"), "{listens}");
        let mut exports = String::new();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        for line in stdout.lines() {
            let line = line.unwrap();
            exports += &line;
            exports.push('\n');
            if line.starts_with("export PATTERN_CLIENT_SECRET=") {
                break;
            }
        }
        Program { child, exports, stderr }
    }

    /// What a shell makes of the exports.
    fn variable(&self, name: &str) -> String {
        let script = format!("{}\nprintf %s \"${name}\"", self.exports);
        let output = Command::new("sh").args(["-uc", &script]).output().unwrap();
        assert!(output.status.success(), "{name}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn end(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.stderr.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        status
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _may_have_ended = self.child.kill();
        let _may_have_ended = self.child.wait();
    }
}

/// A directory of its own, removed at the end. Its name has what a shell would stumble over.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("it's $HOME & {name} {}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }

    fn file(&self, name: &str) -> (PathBuf, String) {
        let path = self.0.join(name);
        let text = path.to_str().unwrap().to_owned();
        (path, text)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _may_be_gone = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_exports_tell_a_shell_all_it_needs() {
    let program = Program::start(&[]);
    let sandbox = support::sandbox();
    for vendor in Vendor::ALL {
        let prefix = vendor.name().to_uppercase();
        for (name, value) in sandbox.credentials(vendor) {
            assert_eq!(program.variable(&format!("{prefix}_{}", name.to_uppercase())), *value);
        }
        let resource = program.variable(&format!("{prefix}_RESOURCE_URL"));
        assert!(resource.starts_with("https://localhost:"));
    }
    assert!(program.variable("PARCHMENT_BASE_URL").ends_with("/external"));
    for line in program.exports.lines() {
        assert!(line.starts_with("export ") && line.ends_with('\''), "{line}");
    }
    let ca_file = program.variable("CARETOKEN_CA_FILE");
    assert!(std::fs::read_to_string(&ca_file).unwrap().contains("BEGIN CERTIFICATE"));
    assert_eq!(program.end("-TERM").code(), Some(0));
    assert!(!Path::new(&ca_file).exists(), "the temporary file is gone");
}

#[test]
fn an_interrupt_ends_it_well_too() {
    assert_eq!(Program::start(&[]).end("-INT").code(), Some(0));
}

#[test]
fn the_files_of_choice_are_written() {
    let scratch = Scratch::new("files");
    let (ca_path, ca) = scratch.file("ca.pem");
    let (env_path, env) = scratch.file("sandbox.env");
    std::fs::write(&env_path, "export CARETOKEN_CA_FILE='/left/over'\n").unwrap();
    let program = Program::start(&["--ca-file", &ca, "--env-file", &env]);
    assert_eq!(std::fs::read_to_string(&env_path).unwrap(), program.exports);
    assert_eq!(program.variable("CARETOKEN_CA_FILE"), ca);
    assert_eq!(std::fs::read_dir(&scratch.0).unwrap().count(), 2, "nothing else is left");
    program.end("-TERM");
    assert!(ca_path.exists(), "a file of choice stays");
    assert!(!env_path.exists(), "what names a dead server does not");
}

#[test]
fn faults_and_lives_can_be_set() {
    let program = Program::start(&[
        "--plain-http",
        "--token-life=5",
        "--fault=pattern=rate-limited:3",
        "--rotate-refresh-tokens",
    ]);
    let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
    let agent = ureq::Agent::from(agent);
    let url = program.variable("PATTERN_BASE_URL") + "/api/auth/token";
    let limited = agent.post(&url).send_empty().unwrap();
    assert_eq!(limited.status(), 429);
    assert_eq!(limited.headers()["retry-after"], "3");

    let field =
        |name: &str| (name.to_owned(), program.variable(&format!("EDVAK_{}", name.to_uppercase())));
    let fields = ["client_id", "client_secret", "username", "password"].map(field);
    let url = program.variable("EDVAK_BASE_URL") + "/ccda/ccda/generate-token";
    let mut edvak = agent.post(&url).send_form(fields).unwrap();
    let body: serde_json::Value =
        serde_json::from_str(&edvak.body_mut().read_to_string().unwrap()).unwrap();
    assert_eq!(body["token"]["expires_in"], 5);
    program.end("-TERM");
}

#[test]
fn files_that_no_sandbox_wrote_stay_as_they_are() {
    let scratch = Scratch::new("others");
    let (path, other) = scratch.file("other.json");
    std::fs::write(&path, "{}").unwrap();
    let (link_path, link) = scratch.file("link");
    std::os::unix::fs::symlink(&path, &link_path).unwrap();
    for arguments in [
        ["--env-file", &other],
        ["--env-file", &link],
        ["--ca-file", &other],
        ["--profile", "/dev/zero"],
    ] {
        let program = env!("CARGO_BIN_EXE_caretoken-sandbox");
        let output = Command::new(program).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        let why = match arguments[0] {
            "--profile" => "is larger than 64 KiB",
            _ => "was not written by a sandbox: give another path",
        };
        assert!(said.contains(why) && said.contains(arguments[1]), "{said}");
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}");
    assert!(link_path.is_symlink());
}

#[test]
fn help_explains_and_nonsense_is_refused() {
    let run = |argument: &str| {
        Command::new(env!("CARGO_BIN_EXE_caretoken-sandbox")).arg(argument).output().unwrap()
    };
    let help = run("--help");
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    for word in ["--port", "--token-life", "--ca-file", "--env-file", "--fault", "rate-limited"] {
        assert!(text.contains(word), "{word}");
    }
    for nonsense in ["--fault=acme=html", "--port=70000", "--what"] {
        assert_eq!(run(nonsense).status.code(), Some(2), "{nonsense}");
    }
    let taken = run("--ca-file=/");
    assert_eq!(taken.status.code(), Some(1));
    assert!(String::from_utf8(taken.stderr).unwrap().starts_with("caretoken-sandbox: "));
}
