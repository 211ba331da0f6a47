//! Standard output.

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use caretoken::SecretBuf;

use crate::exit::Exit;
use crate::failure::Failure;

/// Writes all of it.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        // Whoever reads has seen enough.
        ErrorKind::BrokenPipe => Failure::silent(Exit::File),
        _ => Failure::file("standard output", &error, "see whether the disk is full"),
    })
}

/// Writes it as one line of JSON, which may hold a secret.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let mut text = SecretBuf::default();
    serde_json::to_writer(&mut text, value)
        .map_err(|error| Failure::new(Exit::Defect, error.to_string(), "report it"))?;
    text.push(b"\n");
    print(text.expose_secret())
}
