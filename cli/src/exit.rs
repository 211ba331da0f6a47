//! The one table of exit codes: by who must act.

use std::process::ExitCode;

use caretoken::ErrorKind;

/// How the program ends. The numbers are those of sysexits(3) where one fits, and those of shells for
/// commands that cannot be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Success = 0,
    Usage = 64,
    Profile = 65,
    Defect = 70,
    File = 74,
    Later = 75,
    Vendor = 76,
    Operator = 77,
    NotRun = 126,
    NotFound = 127,
}

struct Row {
    exit: Exit,
    about: &'static str,
    /// The kinds of errors of the library that end so.
    kinds: &'static [ErrorKind],
}

/// In the order of the numbers, as `--help` shows them.
static EXITS: &[Row] = &[
    Row { exit: Exit::Success, about: "success; with --exec, the command's own code", kinds: &[] },
    Row {
        exit: Exit::Usage,
        about: "you: an argument, a value or a setting cannot be used",
        kinds: &[ErrorKind::InvalidSetting],
    },
    Row { exit: Exit::Profile, about: "you: the profile is wrong", kinds: &[] },
    Row {
        exit: Exit::Defect,
        about: "nobody: a defect of caretoken; report it",
        kinds: &[ErrorKind::Internal],
    },
    Row {
        exit: Exit::File,
        about: "you: a file, the standard input or the output failed",
        kinds: &[ErrorKind::RotationNotStored],
    },
    Row {
        exit: Exit::Later,
        about: "try again later: network, timeout, too many requests, outage",
        kinds: &[
            ErrorKind::Resolve,
            ErrorKind::Proxy,
            ErrorKind::Connect,
            ErrorKind::ConnectionLost,
            ErrorKind::Timeout,
            ErrorKind::Cancelled,
            ErrorKind::RateLimited,
            ErrorKind::Unavailable,
        ],
    },
    Row {
        exit: Exit::Vendor,
        about: "the vendor: its answer is not the documented one",
        kinds: &[
            ErrorKind::UnexpectedStatus,
            ErrorKind::AnswerTooLarge,
            ErrorKind::AnswerNotJson,
            ErrorKind::AnswerMalformed,
            ErrorKind::InvalidLifetime,
        ],
    },
    Row {
        exit: Exit::Operator,
        about: "the operator: credentials, sign-in, permissions, certificates, addresses",
        kinds: &[
            ErrorKind::ProxyLoginRejected,
            ErrorKind::Tls,
            ErrorKind::CredentialsRejected,
            ErrorKind::SignInRequired,
            ErrorKind::AccessRevoked,
            ErrorKind::ScopeRefused,
            ErrorKind::AccessDenied,
            ErrorKind::RequestRefused,
            ErrorKind::EndpointNotFound,
            ErrorKind::Redirected,
            ErrorKind::TokensRefused,
        ],
    },
    Row { exit: Exit::NotRun, about: "with --exec: the command cannot be run", kinds: &[] },
    Row { exit: Exit::NotFound, about: "with --exec: there is no such command", kinds: &[] },
];

impl Exit {
    pub(crate) fn of(kind: ErrorKind) -> Self {
        let row = EXITS.iter().find(|row| row.kinds.contains(&kind));
        row.map_or(Exit::Defect, |row| row.exit)
    }

    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit.code())
    }
}

/// The table for `--help`.
pub(crate) fn help() -> String {
    let rows = EXITS.iter().map(|row| format!("  {:>3}  {}\n", row.exit.code(), row.about));
    format!("Exit codes, by who must act:\n{}", rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use caretoken::ErrorActor;

    use super::*;

    #[test]
    fn every_kind_has_one_exit_code_which_says_who_must_act() {
        for kind in ErrorKind::ALL.iter().copied() {
            let rows = EXITS.iter().filter(|row| row.kinds.contains(&kind)).count();
            assert_eq!(rows, 1, "{}", kind.name());
            let expected = match (kind, kind.is_retryable(), kind.actor()) {
                (ErrorKind::Internal, ..) => Exit::Defect,
                // What failed is a file.
                (ErrorKind::RotationNotStored, ..) => Exit::File,
                (_, true, _) => Exit::Later,
                (_, _, ErrorActor::Caller) => Exit::Usage,
                (_, _, ErrorActor::Operator) => Exit::Operator,
                (_, _, ErrorActor::Vendor) => Exit::Vendor,
                (_, _, actor) => panic!("{actor:?} has no exit code"),
            };
            assert_eq!(Exit::of(kind), expected, "{}", kind.name());
        }
    }

    #[test]
    fn the_help_has_each_code_once_and_in_order() {
        let help = help();
        let codes = help.lines().skip(1).map(|line| line.split_whitespace().next().unwrap());
        let codes: Vec<u8> = codes.map(|code| code.parse().unwrap()).collect();
        assert_eq!(codes, [0, 64, 65, 70, 74, 75, 76, 77, 126, 127]);
    }
}
