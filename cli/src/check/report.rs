//! What a check prints.

use std::time::Duration;

use caretoken::{Error, ErrorKind, Profile, Token};
use serde_json::Value as Json;

use super::made_up::{Origin, Values};
use super::outcome::Outcome;
use super::part::{Part, success_status};
use super::script::Sent;
use crate::arguments::CheckArguments;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::token_text::{capitalized, end};

pub(super) struct Report<'a> {
    pub(super) profile: &'a Profile,
    pub(super) definition: &'a Json,
    pub(super) values: &'a Values,
    pub(super) arguments: &'a CheckArguments,
}

impl Report<'_> {
    pub(super) fn text(&self, outcome: &Outcome) -> String {
        let mut text = format!(
            "{} is right: the profile {}, {}\n\n",
            self.arguments.profile,
            self.profile.name(),
            self.profile.title()
        );
        text += &self.values();
        for sent in &outcome.sent {
            text += &self.request(sent);
            text += &self.answer(sent, outcome);
        }
        text += &self.end(outcome);
        text
    }

    /// The values that stand in the requests.
    fn values(&self) -> String {
        let mut text =
            "Values in the requests below. None is real but what --set gave:\n".to_owned();
        for value in self.values.iter() {
            let origin = match value.origin {
                Origin::MadeUp => "made up",
                Origin::Given => "given",
                Origin::Default => "default",
            };
            let shown = match value.text.split_once('\n') {
                Some((first, _)) => format!("{first} …"),
                None => value.text.clone(),
            };
            text += &format!("  {:<22} {origin:<8}  {shown}\n", value.name);
        }
        if self.values.iter().next().is_none() {
            text += "  none\n";
        }
        text.push('\n');
        text
    }

    fn name(&self, part: Part) -> String {
        part.name(self.definition["steps"].as_array().map_or(0, Vec::len))
    }

    fn request(&self, sent: &Sent) -> String {
        format!("---- {}, with made-up values ----\n{}\n", self.name(sent.part), sent.request)
    }

    fn answer(&self, sent: &Sent, outcome: &Outcome) -> String {
        let name = self.name(sent.part);
        let status = success_status(sent.part.answer(self.definition));
        let status = sent.answer.status.unwrap_or(status);
        let is_last = outcome.sent.last().is_some_and(|last| last.part == sent.part);
        let error = outcome.error().filter(|_| is_last).map(Report::error);
        let origin = &sent.answer.origin;
        if !origin.is_empty() {
            let title = format!("---- answer to {name}: {origin}, HTTP {status} ----\n");
            let reading = error.unwrap_or_else(|| self.reading(sent.part, outcome));
            return format!("{title}{reading}----\n\n");
        }
        if !matches!(sent.part, Part::Step(_)) && error.is_none() {
            return "----\n\n".to_owned();
        }
        let mut text = format!("---- answer to {name}, made up ----\nHTTP {status}\n");
        for (header, value) in &sent.answer.headers {
            text += &format!("{header}: {}\n", value.expose_secret());
        }
        let body = sent.answer.body.expose_text().unwrap_or_default();
        format!("{text}\n{body}\n{}----\n\n", error.unwrap_or_default())
    }

    /// What an answer without an error is.
    fn reading(&self, part: Part, outcome: &Outcome) -> String {
        match (part, &outcome.token, &outcome.refreshed) {
            (Part::Refresh, ..) if outcome.refresh_was_refused => {
                "This would be a refusal: the client goes on with the token request.\n".to_owned()
            }
            (Part::Token, Ok(token), _) | (Part::Refresh, _, Some(Ok(token))) => {
                self.token(token, part)
            }
            _ => "This would be a success: its values stand in the next request.\n".to_owned(),
        }
    }

    fn error(error: &Error) -> String {
        let exit = Exit::of(error.kind()).code();
        let failure = Failure::from(error.clone());
        let hint = match error.kind() {
            ErrorKind::InvalidLifetime => "  If the sample is old, say when it came: --at TIME\n",
            _ => "",
        };
        format!(
            "This would be the error {} (exit code {exit}):\n  {}\n  {}\n{hint}",
            error.kind().name(),
            failure.message,
            failure.to_do()
        )
    }

    /// What a program would get.
    fn token(&self, token: &Token, part: Part) -> String {
        let mut text = "This would be a token:\n".to_owned();
        let mut line = |name: &str, value: String| text += &format!("  {name:<14} {value}\n");
        let value = match self.arguments.show {
            true => token.authorization().expose_secret().to_owned(),
            false => {
                let usage = self.definition["use"]["value"].as_str();
                let hidden = self.hidden(token.access_token().expose_secret());
                usage.unwrap_or("Bearer {access_token}").replace("{access_token}", &hidden)
            }
        };
        line("header", format!("{}: {value}", capitalized(token.header())));
        line("life", self.life(token, part));
        let asked = self.values.iter().find(|value| value.name == "scopes");
        let are_made_up = asked.is_some_and(|value| value.origin == Origin::MadeUp);
        let as_asked = asked.is_some_and(|value| value.text == token.scopes().join(" "));
        line(
            "scopes",
            match token.scopes() {
                [] => "none".to_owned(),
                _ if are_made_up && as_asked => "as requested".to_owned(),
                scopes => scopes.join(" "),
            },
        );
        // Made-up scopes are never granted.
        if !are_made_up && !token.missing_scopes().is_empty() {
            line("not granted", token.missing_scopes().join(" "));
        }
        if let Some(refresh_token) = token.refresh_token() {
            line("refresh token", self.hidden(refresh_token.expose_secret()));
        }
        line("request id", token.request_id().unwrap_or("none").to_owned());
        for name in token.extra_names() {
            let value = self.hidden(token.extra(name).unwrap_or_default());
            line("extra", format!("{name}: {value}"));
        }
        text
    }

    /// A value of an answer, which may be a real one.
    fn hidden(&self, value: &str) -> String {
        match self.arguments.show {
            true => value.to_owned(),
            false => format!("*** (length {})", value.chars().count()),
        }
    }

    fn life(&self, token: &Token, part: Part) -> String {
        let expires = &part.answer(self.definition)["expires"];
        let unit = expires["unit"].as_str().unwrap_or_default();
        let from = if let Some(pointer) = expires["in"].as_str() {
            format!("{pointer} in {unit}")
        } else if let Some(pointer) = expires["at"].as_str() {
            let unit = match unit {
                "rfc3339" => "a date of RFC 3339".to_owned(),
                "http_date" => "a date of HTTP".to_owned(),
                unit => format!("{unit} since 1970"),
            };
            format!("{pointer} as {unit}")
        } else if expires["jwt"].as_bool() == Some(true) {
            "exp of the token, a JWT".to_owned()
        } else if expires["until_refused"].as_bool() == Some(true) {
            return "until it is refused".to_owned();
        } else {
            "as the profile says".to_owned()
        };
        let default = match expires["default"].as_str() {
            Some(default) => format!("; {default} where that is missing"),
            None => String::new(),
        };
        let flag = match (token.lifetime_was_cut(), token.lifetime_is_implausible()) {
            (true, _) => "; CUT, since it was longer than is plausible: is the unit right?",
            (_, true) => "; SHORTER than is plausible: is the unit right?",
            _ => "",
        };
        let (life, end) = (span(token.lifetime()), end(token).0);
        format!("{life}, until {end} ({from}{default}{flag})")
    }

    fn end(&self, outcome: &Outcome) -> String {
        let has_refresh = self.definition.get("refresh").is_some();
        let mut text = String::new();
        if has_refresh && outcome.token.is_ok() && outcome.refreshed.is_none() {
            text += "The refresh request is not shown: this answer has no refresh token.\n";
        }
        if self.arguments.answer.is_empty() {
            text += "To see the token that would be read, give a sample: --answer FILE\n";
        } else if outcome.token.is_ok() && !self.arguments.show {
            text += "What may be real is hidden as ***; --show shows it.\n";
        }
        text + "The transport adds host, user-agent and content-length. Nothing was sent.\n"
    }
}

/// Hours, minutes and seconds; milliseconds where there are some.
fn span(span: Duration) -> String {
    let (seconds, ms) = (span.as_secs(), span.subsec_millis());
    let parts =
        [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s"), (ms.into(), "ms")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, unit)| format!("{count} {unit}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_all_their_units() {
        for (ms, expected) in [
            (3_600_000, "1 h"),
            (5_400_000, "1 h 30 min"),
            (7_199_000, "1 h 59 min 59 s"),
            (1, "1 ms"),
        ] {
            assert_eq!(span(Duration::from_millis(ms)), expected);
        }
    }
}
