//! Samples of a vendor's answers.

use std::fs;
use std::path::PathBuf;

use caretoken::transport::Response;
use caretoken::{Secret, SecretBuf};

use super::part::Part;
use crate::failure::Failure;

/// An answer: status, headers, body.
#[derive(Clone)]
pub(super) struct Sample {
    /// Where it is from.
    pub(super) origin: String,
    /// `None` where nobody says: that of a success then.
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) body: SecretBuf,
}

impl Sample {
    pub(super) fn response(&self, success: u16) -> Response {
        let headers = self.headers.iter();
        let headers: Vec<_> =
            headers.map(|(name, value)| (name.as_str(), value.expose_secret())).collect();
        Response::new(self.status.unwrap_or(success), &headers, self.body.clone())
    }

    /// The time of its `date` header, in Unix milliseconds.
    pub(super) fn date_ms(&self) -> Option<i64> {
        let mut headers = self.headers.iter();
        let (_, date) = headers.find(|(name, _)| name.eq_ignore_ascii_case("date"))?;
        let date = jiff::fmt::rfc2822::parse(date.expose_secret()).ok()?;
        Some(date.timestamp().as_millisecond())
    }
}

/// Reads the files, each with the part of the flow that it answers.
pub(super) fn read(
    files: &[PathBuf],
    statuses: &[u16],
    parts: &[Part],
) -> Result<Vec<(Part, Sample)>, Failure> {
    let steps = parts.iter().filter(|part| matches!(part, Part::Step(_))).count();
    let answered = match files.len() {
        0 => &[],
        1 => &parts[steps..=steps],
        count if (steps + 1..=parts.len()).contains(&count) => &parts[..count],
        _ => {
            let names: Vec<_> = parts.iter().map(|part| part.name(steps)).collect();
            return Err(Failure::usage(
                "so many answers do not fit the requests of this profile",
                format!(
                    "give one, to the token request, or one to each in order: {}",
                    names.join(", ")
                ),
            ));
        }
    };
    if statuses.len() > files.len() {
        let message = "there are more statuses than answers";
        return Err(Failure::usage(message, "give one --status for each --answer, in order"));
    }
    let statuses = statuses.iter().copied().map(Some).chain(std::iter::repeat(None));
    let samples = answered.iter().zip(files).zip(statuses);
    samples.map(|((part, file), status)| Ok((*part, sample(file, status)?))).collect()
}

fn sample(file: &PathBuf, status: Option<u16>) -> Result<Sample, Failure> {
    let origin = file.display().to_string();
    let bytes = fs::read(file).map_err(|error| {
        Failure::file(&origin, &error, "give the path of a file with an answer of the vendor")
    })?;
    let mut sample =
        Sample { origin, status: None, headers: Vec::new(), body: SecretBuf::default() };
    let mut rest = &bytes[..];
    // `curl -i` prints the heads of a proxy and of interim answers before.
    while rest.starts_with(b"HTTP/") {
        let (head, body) = split_head(rest);
        let Some((found, headers)) = parse_head(head) else {
            return Err(Failure::usage(
                format!("{}: the head of this answer cannot be read", sample.origin),
                "write a line HTTP/1.1 200, lines NAME: VALUE, and an empty line before the body",
            ));
        };
        (sample.status, sample.headers, rest) = (Some(found), headers, body);
    }
    if status.is_some() && sample.status.is_some() {
        return Err(Failure::usage(
            format!("{} has a status of its own", sample.origin),
            "leave --status out, or give the body alone",
        ));
    }
    sample.status = sample.status.or(status);
    sample.body = SecretBuf::from(rest);
    Ok(sample)
}

/// Head and body.
fn split_head(answer: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    for line in answer.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    answer.split_at(at)
}

/// Status and headers.
fn parse_head(head: &[u8]) -> Option<(u16, Vec<(String, Secret)>)> {
    let mut lines = std::str::from_utf8(head).ok()?.trim_end().lines();
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_owned(), Secret::from(value.trim())))
    });
    Some((status, headers.collect::<Option<_>>()?))
}
