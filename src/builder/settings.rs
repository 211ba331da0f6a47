//! The one list of settings.
//!
//! A setting is a row: its name, its default, what it does, and how its value is read. `set` by
//! name, the list in the error about an unknown name, the README, the C header and the manual
//! of [`ClientBuilder::set`](crate::ClientBuilder::set) follow from it: run
//! `UPDATE_LISTS=1 cargo test -p caretoken --lib settings` after a change.

use std::path::Path;
use std::time::Duration;

use crate::builder::draft::Draft;
use crate::error::Error;
use crate::file;
use crate::memory::{Secret, SecretBuf, wipe};
use crate::profile::{REFRESH_TOKEN_END, refresh_token_end, unknown_name};
use crate::transport::{ProxyChoice, TlsStack, TrustRoots, check_user_agent};

pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What holds where it is not set.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the lists, which a test writes"))]
    default: &'static str,
    /// In Markdown.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the lists, which a test writes"))]
    about: &'static str,
    set: fn(&mut Draft, &Value<'_>) -> Result<(), Error>,
}

pub(super) static SETTINGS: &[Setting] = &[
    Setting {
        name: "scopes",
        default: "none",
        about: "The scopes to request, separated by spaces, where the profile takes any; `parchment` requires at least one.",
        set: |draft, value| value.into(&mut draft.config.scopes, Value::words),
    },
    Setting {
        name: "timeout_ms",
        default: "`30000`",
        about: "How many milliseconds a call may block at most, in all.",
        set: |draft, value| draft.set_timeout(value.name, value.milliseconds()?),
    },
    Setting {
        name: "ca_pem",
        default: "none",
        about: "CA certificates (PEM) to trust besides those of `roots`: a private CA, or a network that inspects TLS. May be set repeatedly.",
        set: |draft, value| {
            append_pem(&mut draft.https().ca_pem, value.text.as_bytes());
            Ok(())
        },
    },
    Setting {
        name: "ca_file",
        default: "none",
        about: "As `ca_pem`, from the file at this path, which is read at once.",
        set: |draft, value| value.set_from_file(draft, "ca_pem"),
    },
    Setting {
        name: "roots",
        default: "`bundled`",
        about: "Whose CAs are trusted: `bundled`, those of the Mozilla root programme; `system`, those of the operating system's store (on Linux `SSL_CERT_FILE` and `SSL_CERT_DIR` name another place); `none`, those in `ca_pem` alone.",
        set: |draft, value| {
            let roots = value.one_of(&[
                ("bundled", TrustRoots::Bundled),
                ("system", TrustRoots::System),
                ("none", TrustRoots::None),
            ])?;
            draft.https().roots = Some(roots);
            Ok(())
        },
    },
    Setting {
        name: "crl_pem",
        default: "none",
        about: "Certificate revocation lists (PEM), one for each issuer. A list counts however old it is; a certificate whose issuer has no list is accepted. May be set repeatedly.",
        set: |draft, value| {
            append_pem(&mut draft.https().crl_pem, value.text.as_bytes());
            Ok(())
        },
    },
    Setting {
        name: "crl_file",
        default: "none",
        about: "As `crl_pem`, from the file at this path, which is read at once.",
        set: |draft, value| value.set_from_file(draft, "crl_pem"),
    },
    Setting {
        name: "tls",
        default: "`rustls`",
        about: "`rustls`, or `system`: OpenSSL, SChannel or Secure Transport, in a build with the feature `native-tls`. With `system`, `roots` is `system` unless it is set to `none`, pins are compared with the server's own key alone, and client keys must be PKCS#8.",
        set: |draft, value| {
            let stack =
                value.one_of(&[("rustls", TlsStack::Rustls), ("system", TlsStack::System)])?;
            draft.https().tls_stack = stack;
            Ok(())
        },
    },
    Setting {
        name: "client_cert_pem",
        default: "none",
        about: "The certificate chain (PEM), its own certificate first, that identifies this client (mutual TLS).",
        set: |draft, value| {
            draft.https().client_cert_pem = Some(value.text.as_bytes().to_vec());
            Ok(())
        },
    },
    Setting {
        name: "client_cert_file",
        default: "none",
        about: "As `client_cert_pem`, from the file at this path, which is read at once.",
        set: |draft, value| value.set_from_file(draft, "client_cert_pem"),
    },
    Setting {
        name: "client_key_pem",
        default: "none",
        about: "The key (PEM: PKCS#8, PKCS#1 or SEC1, not encrypted) of `client_cert_pem`.",
        set: |draft, value| {
            draft.https().client_key_pem = Some(Secret::from(value.text));
            Ok(())
        },
    },
    Setting {
        name: "client_key_file",
        default: "none",
        about: "As `client_key_pem`, from the file at this path, which is read at once.",
        set: |draft, value| value.set_from_file(draft, "client_key_pem"),
    },
    Setting {
        name: "pins",
        default: "none",
        about: "SHA-256 of public keys (base64, RFC 7469), separated by spaces: the server's key, or that of a CA that vouches for it, must be among them.",
        set: |draft, value| value.into(&mut draft.https().pins, Value::words),
    },
    Setting {
        name: "proxy",
        default: "`environment`",
        about: "`environment`: what `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say when the client is made; `off`; or a URL: `http://`, `socks5://` or `socks5h://`, with `user:password@` where the proxy asks for it, special characters as `%XX`. A login that the proxy refused is not sent again for 15 minutes by this client and its siblings, and one whose outcome is unknown at most five times in 15 minutes; a new client begins anew.",
        set: |draft, value| {
            draft.https().proxy = ProxyChoice::parse(value.text);
            Ok(())
        },
    },
    Setting {
        name: "resolve",
        default: "none",
        about: "`host=address`: connects to this address without asking DNS, for split-horizon DNS and tests. May be set repeatedly.",
        set: |draft, value| {
            let (host, address) = value.text.split_once('=').unwrap_or((value.text, ""));
            let address = address.parse().map_err(|_| {
                let problem = "is not of the form host=address";
                Error::setting(value.name, problem, "write for example api.example.com=10.1.2.3")
            })?;
            draft.https().resolve.push((host.to_owned(), address));
            Ok(())
        },
    },
    Setting {
        name: "max_idle_ms",
        default: "`20000`",
        about: "How many milliseconds a connection is kept for the next request; 0 keeps none.",
        set: |draft, value| value.into(&mut draft.https().max_idle_age, Value::milliseconds),
    },
    Setting {
        name: "user_agent",
        default: "`caretoken/` and the version",
        about: "The `User-Agent` header.",
        set: |draft, value| {
            check_user_agent(value.text)?;
            draft.https().user_agent = value.text.to_owned().into();
            Ok(())
        },
    },
    Setting {
        name: "rejection_memory_ms",
        default: "`900000`",
        about: "How many milliseconds rejected credentials are not sent again, so that no account gets locked; 0 turns it off, also where that can lock an account.",
        set: |draft, value| value.into(&mut draft.config.rejection_memory, Value::milliseconds),
    },
    Setting {
        name: REFRESH_TOKEN_END,
        default: "not known",
        about: "When the configured refresh token ends, in Unix milliseconds; for profiles that take a refresh token, such as `ehealth`. The token is used once more before its end, and the event `sign_in_due` tells days ahead that a person must sign in again.",
        set: |draft, value| {
            let end_ms = refresh_token_end(draft.definition(), value.text)?;
            draft.set_refresh_token_end(Some(end_ms));
            Ok(())
        },
    },
    Setting {
        name: "percent_encode_credentials",
        default: "as the profile says; `false` for `pattern`",
        about: "`true` percent-encodes client id and secret before they are joined for HTTP Basic (RFC 6749 section 2.3.1), and `false` joins them as they are; for profiles with HTTP Basic.",
        set: |draft, value| {
            draft.config.percent_encode_credentials = Some(value.boolean()?);
            Ok(())
        },
    },
    Setting {
        name: "plain_http_to_loopback",
        default: "`false`",
        about: "`true` allows `http://` to this machine itself, for tests; all addresses of the host must be loopback.",
        set: |draft, value| value.into(&mut draft.config.plain_http_to_loopback, Value::boolean),
    },
    Setting {
        name: "require_locked_memory",
        default: "`false`",
        about: "`true` refuses to work where the system does not let all credentials and tokens be locked into RAM.",
        set: |draft, value| value.into(&mut draft.config.require_locked_memory, Value::boolean),
    },
];

/// Sets the setting or credential of that name.
pub(super) fn set(draft: &mut Draft, name: &str, value: Secret) -> Result<(), Error> {
    let text = value.expose_secret();
    if !is_known(draft, name) {
        let credentials = draft.definition().parameters.iter().map(|known| &*known.name);
        let settings = SETTINGS.iter().map(|setting| setting.name);
        let names: Vec<_> = credentials.chain(settings).collect();
        let what = format!("a setting of {}", draft.definition().name);
        return Err(unknown_name(name, text, &what, &names));
    }
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
        return draft.set_credential(name, value);
    };
    if text.contains('\0') {
        return Err(Error::setting(setting.name, "has a NUL in it", "remove it"));
    }
    // On a copy, so that a value that cannot be used changes nothing.
    let mut changed = draft.clone();
    (setting.set)(&mut changed, &Value { name: setting.name, text })?;
    *draft = changed;
    Ok(())
}

/// Whether there is a credential or setting of that name.
pub(super) fn is_known(draft: &Draft, name: &str) -> bool {
    is_setting(name) || draft.definition().parameters.iter().any(|known| *known.name == *name)
}

/// Whether there is a setting of that name, whatever the profile.
pub(super) fn is_setting(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name == name)
}

/// The value of a setting, with its name for errors.
struct Value<'a> {
    name: &'static str,
    text: &'a str,
}

impl Value<'_> {
    /// Stores what `read` makes of it.
    fn into<T>(
        &self,
        place: &mut T,
        read: impl FnOnce(&Self) -> Result<T, Error>,
    ) -> Result<(), Error> {
        *place = read(self)?;
        Ok(())
    }

    fn words(&self) -> Result<Vec<String>, Error> {
        Ok(self.text.split_ascii_whitespace().map(str::to_owned).collect())
    }

    fn boolean(&self) -> Result<bool, Error> {
        self.one_of(&[("true", true), ("false", false)])
    }

    fn one_of<T: Copy>(&self, choices: &[(&'static str, T)]) -> Result<T, Error> {
        let found = choices.iter().find(|(word, _)| *word == self.text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let problem = match words.as_slice() {
                [first, second] => format!("is neither {first} nor {second}"),
                [others @ .., last] => format!("is not one of {} and {last}", others.join(", ")),
                [] => String::new(),
            };
            Error::setting(self.name, problem, "write one of them")
        })
    }

    fn milliseconds(&self) -> Result<Duration, Error> {
        self.text.parse().map(Duration::from_millis).map_err(|_| {
            let remedy = "write milliseconds as digits, such as 10000";
            Error::setting(self.name, "is not a whole number of milliseconds", remedy)
        })
    }

    /// Sets the setting `name` to what the file at this path holds.
    fn set_from_file(&self, draft: &mut Draft, name: &'static str) -> Result<(), Error> {
        let mut pem = self.file()?;
        // PEM is ASCII; what stands around it may be in any encoding.
        pem.expose_mut().iter_mut().filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
        let text = pem.expose_text().unwrap_or_default();
        match SETTINGS.iter().find(|setting| setting.name == name) {
            Some(setting) => (setting.set)(draft, &Value { name: self.name, text }),
            None => Ok(()),
        }
    }

    /// What the file at this path holds.
    fn file(&self) -> Result<SecretBuf, Error> {
        let read = match self.text {
            "" => Err("is empty".to_owned()),
            path => file::read(Path::new(path), MAX_FILE),
        };
        let mut content = read.map_err(|problem| {
            Error::setting(self.name, problem, "give the path of a readable PEM file")
        })?;
        let kept = SecretBuf::from(&content[..]);
        wipe(&mut content);
        Ok(kept)
    }
}

/// Far above all certificates of all CAs.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Appends a PEM text to what was given before.
pub(super) fn append_pem(all: &mut Option<Vec<u8>>, pem: &[u8]) {
    let all = all.get_or_insert_default();
    all.extend_from_slice(pem);
    all.push(b'\n');
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::ClientBuilder;
    use crate::error::{ErrorKind, ErrorPhase};
    use crate::transport::{Attempt, Request, Response, Transport};
    use crate::vendors::{by_name, names};

    /// Holds the part of a file between two texts against what the table says, or replaces it.
    fn hold(file: &str, begin: &str, end: &str, wanted: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = fs::read_to_string(&path).unwrap();
        let start =
            text.find(begin).unwrap_or_else(|| panic!("{file} has no {begin:?}")) + begin.len();
        let length = text[start..].find(end).unwrap_or_else(|| panic!("{file} has no {end:?}"));
        let present = &text[start..start + length];
        if std::env::var_os("UPDATE_LISTS").is_some() {
            fs::write(&path, [&text[..start], wanted, &text[start + length..]].concat()).unwrap();
        } else {
            let differs = |(present, wanted)| present != wanted;
            let first = present.lines().zip(wanted.lines()).find(|pair| differs(*pair));
            assert!(
                present == wanted,
                "{file} differs from SETTINGS, first in {first:?}: \
                 run UPDATE_LISTS=1 cargo test -p caretoken --lib settings"
            );
        }
    }

    /// `name  text`, wrapped for the header, with the text in a column of its own.
    fn entry(name: &str, text: &str) -> String {
        const COLUMN: usize = 21;
        let mut lines = vec![format!("  {name}")];
        if name.len() + 2 > COLUMN - 2 {
            lines.push(String::new());
        }
        for word in text.replace('`', "").split(' ') {
            let line = lines.last_mut().unwrap();
            if line.len() > COLUMN && line.len() + 1 + word.len() > 94 {
                lines.push(format!("{:COLUMN$}{word}", ""));
            } else if line.len() > COLUMN {
                *line += &format!(" {word}");
            } else {
                *line = format!("{line:COLUMN$}{word}");
            }
        }
        lines.iter().map(|line| format!("/// {line}\n")).collect()
    }

    fn text(setting: &Setting) -> String {
        format!("{} Default: {}.", setting.about, setting.default)
    }

    #[test]
    fn the_manual_of_set_lists_the_settings() {
        let list = SETTINGS.iter().map(|row| format!("- `{}`: {}\n", row.name, text(row)));
        hold(
            "src/builder/settings.md",
            "<!-- from SETTINGS -->\n\n",
            "\n<!-- end -->",
            &list.collect::<String>(),
        );
    }

    #[test]
    fn the_readme_lists_the_settings_and_the_credentials_of_each_vendor() {
        let row = |row: &Setting| format!("| `{}` | {} | {} |\n", row.name, row.default, row.about);
        let rows: String = SETTINGS.iter().map(row).collect();
        hold(
            "README.md",
            "| setting | default | what it does |\n|---|---|---|\n",
            "\n**The system's TLS**",
            &rows,
        );

        let readme =
            fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        for vendor in names() {
            let name = format!("| `{vendor}` |");
            let row = readme.lines().find(|line| line.contains(&name));
            let row = row.unwrap_or_else(|| panic!("no row for {name}"));
            for known in &by_name(vendor).unwrap().parameters {
                assert!(row.contains(&format!("`{}`", known.name)), "{row}: {}", known.name);
            }
        }
    }

    #[test]
    fn the_header_lists_the_credentials_of_each_vendor_and_the_settings() {
        let credential = |known: &crate::profile::Parameter| match known.is_required {
            true => known.name.to_string(),
            false => format!("[{}]", known.name),
        };
        let vendors = names().map(|vendor| {
            let definition = by_name(vendor).unwrap();
            let names: Vec<_> = definition.parameters.iter().map(credential).collect();
            entry(vendor, &names.join(", "))
        });
        let settings = SETTINGS.iter().map(|row| entry(row.name, &text(row)));
        let list: String =
            vendors.chain(["///\n/// The settings:\n///\n".to_owned()]).chain(settings).collect();
        let end = "///\n/// A value that cannot be used";
        hold("src/capi/config.rs", "may be left out]:\n///\n", end, &list);
    }

    struct Nowhere;

    impl Transport for Nowhere {
        fn send(&self, _: &Request, _: &Attempt) -> Result<Response, Error> {
            Err(Error::new(ErrorKind::Connect, ErrorPhase::Connect))
        }
    }

    /// A setting of the built-in transport would clash with the injected one when the client is built.
    #[test]
    fn a_value_that_cannot_be_used_changes_nothing() {
        let builder = ClientBuilder::by_name("ehealth").unwrap().transport(Arc::new(Nowhere));
        let mut builder = builder.set("base_url", "https://vendor.example").unwrap();
        for name in ["client_id", "client_secret", "refresh_token"] {
            builder = builder.set(name, "fake").unwrap();
        }
        let mut refused = 0;
        for setting in SETTINGS {
            let mut changed = builder.clone();
            if changed.change(setting.name, "/nonexistent/\u{1}".into()).is_err() {
                refused += 1;
                changed.build().unwrap_or_else(|error| panic!("{}: {error}", setting.name));
            }
        }
        assert!(refused > 9, "{refused}");
    }

    #[test]
    fn a_key_file_may_have_any_bytes_around_the_key() {
        let path = std::env::temp_dir().join(format!("caretoken-key-{}.pem", std::process::id()));
        fs::write(&path, b"friendlyName: M\xfcller\n-----BEGIN PRIVATE KEY-----\n").unwrap();
        let mut draft = Draft::new(by_name("edvak").unwrap());
        let result = set(&mut draft, "client_key_file", path.to_str().unwrap().into());
        fs::remove_file(&path).unwrap();
        result.unwrap();
        let key = draft.https().client_key_pem.clone().unwrap();
        assert!(key.expose_secret().starts_with("friendlyName: M?ller\n-----BEGIN"));
    }

    #[test]
    fn names_are_unique_and_no_credentials() {
        for (index, setting) in SETTINGS.iter().enumerate() {
            assert!(SETTINGS[index + 1..].iter().all(|other| other.name != setting.name));
            for vendor in names() {
                let definition = by_name(vendor).unwrap();
                assert!(definition.parameters.iter().all(|known| *known.name != *setting.name));
            }
        }
    }
}
