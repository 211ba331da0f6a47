//! What happens in the library, on standard error.

use std::io::{self, Write as _};

use ::log::{LevelFilter, Log, Metadata, Record};

struct StandardError;

impl Log for StandardError {
    /// Other libraries may tell more than is good.
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "caretoken"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let level = record.level().as_str().to_ascii_lowercase();
            let _nowhere_else_to_say_it =
                writeln!(io::stderr(), "caretoken: {level}: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Starts to tell what happens.
pub(crate) fn start() {
    if ::log::set_logger(&StandardError).is_ok() {
        ::log::set_max_level(LevelFilter::Debug);
    }
}

/// Tells what the program itself did.
pub(crate) fn note(text: &str) {
    ::log::info!(target: "caretoken", "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_libraries_are_not_heard() {
        let is_heard = |target| StandardError.enabled(&Metadata::builder().target(target).build());
        assert!(is_heard("caretoken"));
        assert!(!is_heard("ureq_proto::client") && !is_heard("rustls"));
    }
}
