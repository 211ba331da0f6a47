//! Limits of the process or the system: an error says which was reached, and does not blame the
//! network.

use std::io;

use mio::Poll;

use crate::error::Error;

/// What ran out, and what to do about it.
#[derive(Debug, PartialEq)]
struct Limit {
    what: &'static str,
    remedy: &'static str,
}

const FILES: Limit = Limit {
    what: "this process has too many files and sockets open",
    remedy: "raise the process's limit on open files (ulimit -n, LimitNOFILE), or find what it \
             leaves open",
};
#[cfg(unix)]
const FILES_OF_SYSTEM: Limit = Limit {
    what: "this machine has too many files and sockets open",
    remedy: "raise the system's limit on open files (fs.file-max on Linux), or find the process \
             that leaves so many open",
};
#[cfg(unix)]
const THREADS: Limit = Limit {
    what: "this process can start no more threads",
    remedy: "raise the limit on threads (ulimit -u, TasksMax, or a container's limit on pids), or \
             start fewer",
};

#[cfg(unix)]
fn limit(error: &io::Error) -> Option<Limit> {
    use nix::errno::Errno;
    match Errno::from_raw(error.raw_os_error()?) {
        Errno::EMFILE => Some(FILES),
        Errno::ENFILE => Some(FILES_OF_SYSTEM),
        // What starting a thread says (pthread_create(3)); nothing else here brings it this far.
        Errno::EAGAIN => Some(THREADS),
        _ => None,
    }
}

#[cfg(not(unix))]
fn limit(error: &io::Error) -> Option<Limit> {
    const WSAEMFILE: i32 = 10_024;
    (error.raw_os_error() == Some(WSAEMFILE)).then_some(FILES)
}

/// What ran out, in a few words, if `error` says that something did.
pub(super) fn words(error: &io::Error) -> Option<&'static str> {
    limit(error).map(|limit| limit.what)
}

/// Gives `error` the remedy for the limit that `why` says was reached, if any.
pub(super) fn remedied(error: Error, why: &io::Error) -> Error {
    match limit(why) {
        None => error,
        Some(limit) => error.with_remedy(limit.remedy),
    }
}

/// The error if no more files can be opened: a resolver that can open none says that there is no
/// such name.
pub(super) fn out_of_files() -> Option<io::Error> {
    // A file and two sockets are what a lookup opens at a time.
    let opened: io::Result<[Poll; 3]> =
        Poll::new().and_then(|first| Ok([first, Poll::new()?, Poll::new()?]));
    opened.err().filter(|error| limit(error).is_some())
}

#[cfg(all(test, unix))]
mod tests {
    use nix::errno::Errno;

    use super::*;
    use crate::error::{ErrorKind, ErrorPhase};

    #[test]
    fn a_limit_is_reported_with_its_remedy_and_nothing_else_is() {
        for (code, what, remedy) in [
            (Errno::EMFILE, "too many files", "ulimit -n"),
            (Errno::ENFILE, "this machine has too many", "fs.file-max"),
            (Errno::EAGAIN, "no more threads", "ulimit -u"),
        ] {
            let why = io::Error::from_raw_os_error(code as i32);
            assert!(words(&why).unwrap().contains(what), "{code}");
            let error = remedied(Error::new(ErrorKind::Connect, ErrorPhase::Connect), &why);
            assert!(error.remedy().contains(remedy), "{error}");
        }
        for why in [io::Error::other("EMFILE"), io::ErrorKind::ConnectionRefused.into()] {
            assert_eq!(words(&why), None);
            let error = remedied(Error::new(ErrorKind::Connect, ErrorPhase::Connect), &why);
            assert_eq!(error.remedy(), ErrorKind::Connect.remedy());
        }
    }
}
