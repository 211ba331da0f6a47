//! The settings of the client, by their names in the library, and which may be arguments.

use caretoken::Parameter;

pub(crate) struct Setting {
    pub(crate) name: &'static str,
    /// Whether its value is secret.
    is_secret: bool,
    /// Whether it may be given several times.
    pub(crate) may_repeat: bool,
}

const fn setting(name: &'static str) -> Setting {
    Setting { name, is_secret: false, may_repeat: false }
}

const fn repeated(name: &'static str) -> Setting {
    Setting { may_repeat: true, ..setting(name) }
}

const fn secret(name: &'static str) -> Setting {
    Setting { is_secret: true, ..setting(name) }
}

/// What each does stands in the README.
pub(crate) static SETTINGS: &[Setting] = &[
    setting("scopes"),
    setting("timeout_ms"),
    repeated("ca_pem"),
    repeated("ca_file"),
    setting("roots"),
    repeated("crl_pem"),
    repeated("crl_file"),
    setting("tls"),
    setting("client_cert_pem"),
    setting("client_cert_file"),
    secret("client_key_pem"),
    setting("client_key_file"),
    setting("pins"),
    setting("proxy"),
    repeated("resolve"),
    setting("max_idle_ms"),
    setting("user_agent"),
    setting("rejection_memory_ms"),
    setting("refresh_token_expires_at_ms"),
    setting("percent_encode_credentials"),
    setting("plain_http_to_loopback"),
    setting("require_locked_memory"),
];

impl Setting {
    /// Whether this value must not be an argument.
    pub(crate) fn is_secret(&self, value: &str) -> bool {
        // The URL of a proxy may hold a login.
        self.is_secret || (self.name == "proxy" && value.contains('@'))
    }

    /// The environment variable that is looked at.
    pub(crate) fn variable(&self) -> String {
        variable("caretoken", self.name)
    }
}

/// The environment variable of a profile's parameter.
pub(crate) fn variable_of(profile: &str, parameter: Parameter<'_>) -> String {
    variable(profile, parameter.name())
}

fn variable(owner: &str, name: &str) -> String {
    format!("{owner}_{name}").replace('-', "_").to_ascii_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_settings_are_those_of_the_library() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../src/builder/settings.md");
        let list = std::fs::read_to_string(path).unwrap();
        let rows = list.lines().filter_map(|line| line.strip_prefix("- `")?.split_once("`: "));
        let rows: Vec<_> = rows.collect();
        let names: Vec<_> = rows.iter().map(|(name, _)| *name).collect();
        assert_eq!(SETTINGS.iter().map(|setting| setting.name).collect::<Vec<_>>(), names);
        for (name, about) in &rows {
            // `ca_file` is as `ca_pem`.
            let model = about.strip_prefix("As `").and_then(|rest| rest.split('`').next());
            let about = model.map_or(*about, |model| {
                rows.iter().find(|(name, _)| *name == model).map_or(*about, |(_, about)| *about)
            });
            let setting = SETTINGS.iter().find(|setting| setting.name == *name).unwrap();
            assert_eq!(setting.may_repeat, about.contains("May be set repeatedly"), "{name}");
        }
    }

    #[test]
    fn a_proxys_url_is_secret_where_it_has_a_login() {
        let proxy = SETTINGS.iter().find(|setting| setting.name == "proxy").unwrap();
        assert!(!proxy.is_secret("off") && !proxy.is_secret("http://proxy.example:3128"));
        assert!(proxy.is_secret("http://fake:fake@proxy.example:3128"));
    }
}
