//! The process that is looked into, as its parent drives it.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use caretoken_sandbox::{Sandbox, Vendor};

use crate::scan::{self, Found, Needles};

/// Does what `tests/c/memory.c` says. Secrets reach it through a pipe alone.
pub(crate) struct Subject {
    child: Child,
    orders: ChildStdin,
    replies: ChildStdout,
    /// Where it runs, if that is its own.
    pub(crate) directory: Option<PathBuf>,
}

impl Subject {
    pub(crate) fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (orders, replies) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Subject { child, orders, replies, directory: None }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn order(&mut self, letter: u8, first: &str, second: &[u8], more: &[u8]) -> String {
        self.send(letter, first, second, more);
        self.reply()
    }

    fn send(&mut self, letter: u8, first: &str, second: &[u8], more: &[u8]) {
        let mut bytes = vec![letter];
        for text in [first.as_bytes(), second] {
            bytes.extend(u32::try_from(text.len()).unwrap().to_ne_bytes());
            bytes.extend_from_slice(text);
        }
        bytes.extend_from_slice(more);
        self.orders.write_all(&bytes).unwrap();
    }

    fn reply(&mut self) -> String {
        let mut byte = [0];
        while byte != [0x1e] {
            self.replies.read_exact(&mut byte).unwrap();
        }
        let mut len = [0; 4];
        self.replies.read_exact(&mut len).unwrap();
        let mut reply = vec![0; u32::from_ne_bytes(len) as usize];
        self.replies.read_exact(&mut reply).unwrap();
        String::from_utf8(reply).unwrap()
    }

    /// Makes a client of these credentials.
    pub(crate) fn client(
        &mut self,
        sandbox: &Sandbox,
        vendor: Vendor,
        credentials: &[(String, String)],
    ) {
        self.client_at(&sandbox.base_url(vendor), sandbox.ca_pem(), vendor, credentials);
    }

    /// The same, for any server.
    pub(crate) fn client_at(
        &mut self,
        base_url: &str,
        ca_pem: &str,
        vendor: Vendor,
        credentials: &[(String, String)],
    ) {
        assert_eq!(self.order(b'c', vendor.name(), b"", b""), "0");
        if vendor == Vendor::Parchment {
            self.set("scopes", "create:patient");
        }
        self.set_all(base_url, ca_pem, credentials);
    }

    /// The same, of the profile in this file; in C alone.
    pub(crate) fn client_of_file(
        &mut self,
        profile: &Path,
        base_url: &str,
        ca_pem: &str,
        credentials: &[(String, String)],
    ) {
        assert_eq!(self.order(b'j', profile.to_str().unwrap(), b"", b""), "0");
        self.set_all(base_url, ca_pem, credentials);
    }

    fn set_all(&mut self, base_url: &str, ca_pem: &str, credentials: &[(String, String)]) {
        self.set("base_url", base_url);
        self.set("ca_pem", ca_pem);
        for (name, value) in credentials {
            self.set(name, value);
        }
    }

    fn set(&mut self, name: &str, value: &str) {
        assert_eq!(self.order(b's', name, value.as_bytes(), b""), "0", "{name}");
    }

    /// Ends the configuration.
    pub(crate) fn build(&mut self) {
        assert_eq!(self.order(b'n', "", b"", b""), "0");
    }

    /// The token, or the status of the error.
    pub(crate) fn fetch(&mut self, timeout_ms: u32) -> String {
        self.order(b't', &timeout_ms.to_string(), b"", b"")
    }

    /// Begins to fetch, and does not wait for the end.
    pub(crate) fn begin_to_fetch(&mut self) {
        self.send(b't', "30000", b"", b"");
    }

    /// Takes the cached token in each way there is.
    pub(crate) fn hit(&mut self) {
        assert_eq!(self.order(b'h', "", b"", b""), "0");
    }

    /// Leaves 16 bytes in vector registers, and in no other place unless it `looks` at them.
    pub(crate) fn load_registers(&mut self, needles: &Needles, looks: bool) {
        let piece = &needles.planted()[..16];
        self.order(b'r', if looks { "l" } else { "" }, piece, b"");
    }

    /// Ends it by a signal and reads the core that the kernel writes, which has the registers of
    /// all threads. `None` where the kernel hands cores to somebody else.
    pub(crate) fn core_by_signal(mut self, needles: &Needles) -> Option<Found> {
        let directory = self.directory.clone().unwrap();
        let killed = Command::new("kill").args(["-QUIT", &self.id().to_string()]).status();
        assert!(killed.unwrap().success());
        let ended = self.child.wait().unwrap();
        assert_eq!(ended.signal(), Some(3));
        let core = fs::read_dir(directory).unwrap().flatten().map(|entry| entry.path());
        let mut core =
            core.filter(|path| path.file_name().unwrap().as_bytes().starts_with(b"core"));
        let Some(core) = core.next() else {
            let _nowhere_else_to_say_it = writeln!(io::stderr(), "skipped: needs core files");
            return None;
        };
        Some(scan::file(&core, needles).unwrap())
    }

    pub(crate) fn fetch_and_cancel(&mut self) -> String {
        self.order(b'x', "", b"", b"")
    }

    /// A callback panics during the fetch; how it ended.
    pub(crate) fn fetch_in_a_panic(&mut self) -> String {
        self.order(b'P', "", b"", b"")
    }

    /// Fetches so many tokens on eight threads; the last of each thread.
    pub(crate) fn fetch_many(&mut self, count: u32, holder: &(String, String)) -> Vec<String> {
        let all = self.order(b'm', &holder.0, holder.1.as_bytes(), &count.to_ne_bytes());
        all.lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.trim_start_matches("Bearer ").to_owned())
            .collect()
    }

    /// Forks; the forked child reads the cached token, frees everything and waits. Its pid.
    pub(crate) fn fork(&mut self) -> u32 {
        self.order(b'k', "", b"", b"").parse().unwrap()
    }

    pub(crate) fn free(&mut self) {
        self.order(b'f', "", b"", b"");
    }

    pub(crate) fn look(&self, needles: &Needles) -> Found {
        scan::process(self.id(), needles).unwrap()
    }

    /// The control: shows that the scanner would have found any copy in any form.
    pub(crate) fn plant(&mut self, needles: &Needles) {
        self.order(b'p', "", needles.planted(), b"");
        assert_finds_all(&self.look(needles), needles);
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        // The child may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if let Some(directory) = &self.directory {
            let _ = fs::remove_dir_all(directory);
        }
    }
}

pub(crate) fn assert_finds_all(found: &Found, needles: &Needles) {
    for (what, count) in needles.all() {
        let seen = found.open.get(&what).copied().unwrap_or_default();
        assert!(seen >= count, "the scanner sees {seen} of {count} pieces of a planted {what:?}");
    }
}

/// A pipe that nothing buffers.
pub(crate) fn unbuffered(number: u32, write: bool) -> File {
    let path = format!("/proc/self/fd/{number}");
    File::options().read(!write).write(write).open(path).unwrap()
}
