//! All of a profile.

use std::sync::Arc;
use std::time::Duration;

use super::answer;
use super::names::{Known, Names, StepName, check_value_name};
use super::syntax::{self, Fault, MOST_BYTES, Node, Read, Value};
use super::values::taken;
use super::words::Object;
use super::{parameters, refusals, request, values};
use crate::error::Error;
use crate::profile::credentials::scope_flaw;
use crate::profile::vocabulary::{
    Answer, Definition, Derived, Expiry, How, Plausible, REFRESH_TOKEN, Refresh, Scopes, Source,
    Step, StepValue,
};

const MEMBERS: &[&str] = &[
    "caretoken",
    "name",
    "title",
    "documentation",
    "parameters",
    "scopes",
    "values",
    "steps",
    "request",
    "answer",
    "use",
    "refresh",
    "refusals",
    "limits",
    "client_certificate",
];
const MOST_STEPS: usize = 3;
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);
const SHORTEST_LIFE: Duration = Duration::from_secs(10);

/// Reads a profile.
pub(crate) fn parse(bytes: &[u8]) -> Result<Definition, Error> {
    let wrong = |problem: String, remedy| Err(Error::setting("profile", problem, remedy));
    if bytes.len() > MOST_BYTES {
        let problem = format!("is larger than {} KiB", MOST_BYTES / 1024);
        return wrong(problem, "check that it is a profile and not another file");
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            let problem = format!("is not UTF-8 (in line {line})");
            return wrong(problem, "save it as UTF-8");
        }
    };
    let root = syntax::parse(text).map_err(|fault| fault.in_profile(text, None))?;
    definition(&root).map_err(|fault| fault.in_profile(text, Some(&root)))
}

fn definition(root: &Node<'_>) -> Read<Definition> {
    let words = root.object(MEMBERS)?;
    version(&words)?;
    let name = name(words.required("name")?)?;
    let mut names = Names::default();
    parameters::read(words.get("parameters"), &mut names)?;
    let scopes = words.map("scopes", scopes)?;
    names.scopes =
        words.get("scopes").map(|node| Known { at: node.at, is_used: false, may_be_in_url: true });
    values::read_names(words.get("values"), &mut names)?;
    step_names(words.get("steps"), &mut names)?;
    names.endpoint_needs = endpoint_needs(words.required("request")?, &names)?;

    let mut derived = values::read(words.get("values"), &mut names)?;
    let steps = steps(words.get("steps"), &mut names)?;
    names.steps_so_far = steps.len();
    let mut request = request::read(words.required("request")?, &mut names)?;
    let answer_node = words.required("answer")?;
    let answer = answer::read(answer_node)?;
    let usage = answer::usage(words.get("use"), &mut names)?;
    let refusals = refusals::read(words.get("refusals"), &names)?;
    let of_refusals = || refusals.request_id.iter();
    request.answer_headers = answer::headers(sources(&answer).chain(of_refusals()));
    let refresh = words.map("refresh", |node| {
        let mut refresh = refresh(node, (&answer, answer_node), &mut names)?;
        let answer = refresh.answer.as_ref().unwrap_or(&answer);
        refresh.request.answer_headers = answer::headers(sources(answer).chain(of_refusals()));
        Ok(refresh)
    })?;
    names.check_all_used()?;
    if let Some(at) = names.endpoint_used.filter(|_| request.url.has_hidden_path) {
        let problem = "the URL of the token request has a secret in it, and so has {endpoint}";
        return Err(Fault::new(at, problem, "write the URL that is meant"));
    }
    pass_places_on(&mut derived, &mut names);
    parameters::check_defaults(words.get("parameters"), &names)?;
    let renewed = words.get("refresh").and_then(|node| node.object_member("answer"));
    let renewed = refresh.as_ref().and_then(|refresh| refresh.answer.as_ref()).zip(renewed);
    let limits = limits(words.get("limits"), [Some((&answer, answer_node)), renewed])?;
    Ok(Definition {
        name,
        title: words.map("title", Node::line)?.unwrap_or_default(),
        documentation: words.map("documentation", documentation)?.unwrap_or_default(),
        parameters: names.parameters,
        scopes,
        derived,
        steps,
        request,
        answer,
        usage,
        refresh,
        refusals,
        life: limits.life,
        failures_lock: limits.failures_lock,
        replay_is_harmless: limits.replay_is_harmless,
        needs_client_certificate: words
            .map("client_certificate", |node| node.word(&["required"]))?
            .is_some(),
    })
}

fn version(words: &Object<'_, '_>) -> Read<()> {
    let node = words.required("caretoken")?;
    match node.value {
        Value::Number("1") => Ok(()),
        Value::Number(_) => node.fault(
            "this version of the format is not known",
            "write 1, or use a version of caretoken that knows the other",
        ),
        _ => node.fault("this is not a version", "write 1"),
    }
}

fn name(node: &Node<'_>) -> Read<Arc<str>> {
    let text = node.text()?;
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    match (1..=40).contains(&text.len()) && text.bytes().all(is_plain) && !text.starts_with('-') {
        true => Ok(text.into()),
        false => node.fault(
            "this cannot be a profile's name",
            "use a-z, 0-9 and hyphens, no hyphen first, at most 40 characters",
        ),
    }
}

fn documentation(node: &Node<'_>) -> Read<Vec<Box<str>>> {
    let pages = node.one_or_more()?.iter().map(|item| {
        let text = item.line()?;
        let rest = text.strip_prefix("https://").unwrap_or_default();
        match !rest.is_empty()
            && !rest.starts_with(['/', '?', '#'])
            && !text.contains(char::is_whitespace)
        {
            true => Ok(text),
            false => item.fault("this is not the https URL of a page", "write https://…"),
        }
    });
    pages.collect()
}

fn scopes(node: &Node<'_>) -> Read<Scopes> {
    let words = node.object(&["required", "separator", "default"])?;
    let separator = words.map("separator", |node| {
        let text = node.text()?;
        let is_plain = |b: u8| (b.is_ascii_graphic() || b == b' ') && !b.is_ascii_alphanumeric();
        match (1..=3).contains(&text.len()) && text.bytes().all(is_plain) {
            true => Ok(text.into()),
            false => node.fault(
                "this cannot stand between scopes",
                "write one to three characters that are neither letters nor digits",
            ),
        }
    })?;
    let default = words.map("default", |node| {
        node.array()?;
        node.one_or_more()?.iter().map(|item| item.text().map(str::to_owned)).collect()
    })?;
    let scopes = Scopes {
        are_required: words.map("required", Node::boolean)?.unwrap_or(false),
        separator: separator.unwrap_or_else(|| " ".into()),
        default: default.unwrap_or_default(),
    };
    for (index, scope) in scopes.default.iter().enumerate() {
        if let Some((problem, remedy)) = scope_flaw(&scopes, std::slice::from_ref(scope)) {
            return words.required("default")?.array()?[index].fault(problem, remedy);
        }
    }
    Ok(scopes)
}

/// Takes note of the names of the steps' values.
fn step_names<'a>(node: Option<&'a Node<'_>>, names: &mut Names<'a>) -> Read<()> {
    let Some(node) = node else { return Ok(()) };
    let steps = node.array()?;
    if steps.is_empty() || steps.len() > MOST_STEPS {
        let problem = format!("there are no steps, or more than {MOST_STEPS}");
        return node.fault(problem, "leave steps out, or write up to three");
    }
    for (step, item) in steps.iter().enumerate() {
        let words = item.object(&["request", "answer"])?;
        let words = words.required("answer")?.object(STEP_ANSWER)?;
        let values = words.required("values")?;
        for member in values.entries()? {
            check_value_name(member.at, &member.name)?;
            let name = &*member.name;
            let is_taken = names.parameters.iter().any(|known| *known.name == *name)
                || names.derived.iter().any(|known| known.name == name)
                || names.step_values.iter().any(|known| known.name == name);
            if is_taken {
                return taken(member);
            }
            let known = Known { at: member.at, is_used: false, may_be_in_url: true };
            let is_url = member.value.object_member("at").is_some();
            names.step_values.push(StepName { name, step, known, is_url });
            // They are looked up by name.
            if names.step_values.len() > 40 {
                let remedy = "name those that later requests need";
                return values.fault("the steps give more than 40 values", remedy);
            }
        }
        if !names.step_values.iter().any(|value| value.step == step) {
            return values.fault("this step gives no value", "name what later requests need of it");
        }
    }
    Ok(())
}

const STEP_ANSWER: &[&str] = &["status", "success", "refused_if", "values"];

/// How many steps the URL of the token request needs.
fn endpoint_needs(request: &Node<'_>, names: &Names<'_>) -> Read<usize> {
    let Value::Object(members) = &request.value else { return Ok(0) };
    let url = members.iter().find(|member| member.name == "url");
    let url = url.map_or(Ok(""), |member| member.value.text())?;
    let needs =
        names.step_values.iter().filter(|value| url.contains(&format!("{{{}}}", value.name)));
    Ok(needs.map(|value| value.step + 1).max().unwrap_or(0))
}

fn steps(node: Option<&Node<'_>>, names: &mut Names<'_>) -> Read<Vec<Step>> {
    let Some(node) = node else { return Ok(Vec::new()) };
    let mut steps = Vec::new();
    for (index, item) in node.array()?.iter().enumerate() {
        names.steps_so_far = index;
        let words = item.object(&["request", "answer"])?;
        let mut request = request::read(words.required("request")?, names)?;
        let words = words.required("answer")?.object(STEP_ANSWER)?;
        let values = words.required("values")?;
        let values = values.entries()?.map(|member| step_value(&member.name, &member.value));
        let values: Vec<_> = values.collect::<Read<_>>()?;
        request.answer_headers = answer::headers(values.iter().map(|value| &value.source));
        steps.push(Step { request, success: answer::success(&words)?, values });
    }
    Ok(steps)
}

fn step_value(name: &str, node: &Node<'_>) -> Read<StepValue> {
    let Value::Object(_) = node.value else {
        return Ok(StepValue { name: name.into(), source: answer::source(node)?, is_url: false });
    };
    let words = node.object(&["at", "kind", "header", "cookie", "body"])?;
    let at = words.get("at");
    let source = match at {
        Some(at) => {
            words.none_of(&["header", "cookie", "body"], "beside at")?;
            words.required("kind")?.word(&["url"])?;
            Source::Pointer(answer::pointer(at)?)
        }
        None => {
            words.none_of(&["kind"], "without at")?;
            answer::source_of(&words)?
        }
    };
    Ok(StepValue { name: name.into(), source, is_url: at.is_some() })
}

fn refresh(
    node: &Node<'_>,
    (answer, answer_node): (&Answer, &Node<'_>),
    names: &mut Names<'_>,
) -> Read<Refresh> {
    let words = node.object(&["request", "answer", "life"])?;
    if names.parameters.iter().any(|known| &*known.name == REFRESH_TOKEN) {
        return node.fault(
            "there is a parameter refresh_token, so that the request itself renews the token",
            "remove refresh, or the parameter",
        );
    }
    // It is sent by itself, without the steps.
    (names.is_refresh, names.steps_so_far) = (true, 0);
    let request_node = words.required("request")?;
    let request = request::read(request_node, names)?;
    names.is_refresh = false;
    if !names.refresh_token_used {
        let remedy = "write {refresh_token} where it stands";
        return request_node.fault("this request does not use {refresh_token}", remedy);
    }
    if answer.refresh_token.is_none() {
        return answer_node.fault(
            "no answer brings a refresh token",
            "say in answer.refresh_token where it stands, or remove refresh",
        );
    }
    Ok(Refresh {
        request,
        answer: words.map("answer", answer::read)?,
        life: words.map("life", answer::refresh_life)?,
    })
}

fn sources(answer: &Answer) -> impl Iterator<Item = &Source> {
    [&answer.access_token].into_iter().chain(&answer.refresh_token).chain(&answer.request_id)
}

/// What stands in a derived text stands where that does: the last of them first.
fn pass_places_on(derived: &mut [Derived], names: &mut Names<'_>) {
    for index in (0..derived.len()).rev() {
        if let How::Text(texts) = &derived[index].how {
            let places = names.derived[index].places;
            names.pass_places_on(texts, places);
        }
    }
}

struct Limits {
    life: Plausible,
    failures_lock: bool,
    replay_is_harmless: bool,
}

/// What the profile says of lives and replays. `answers` are that to the token request and that to the
/// refresh.
fn limits(node: Option<&Node<'_>>, answers: [Option<(&Answer, &Node<'_>)>; 2]) -> Read<Limits> {
    let said = |answer: &Answer| match &answer.expiry {
        Expiry::Life(life) => Some(*life),
        Expiry::In(_, default) | Expiry::At(_, _, default) | Expiry::Jwt(default) => *default,
        Expiry::UntilRefused => None,
    };
    let said = answers.iter().flatten().filter_map(|(answer, node)| Some((said(answer)?, *node)));
    let said = said.max_by_key(|(life, _)| *life);
    let mut limits = Limits {
        life: Plausible {
            shortest: SHORTEST_LIFE,
            longest: said.map_or(LONGEST_LIFE, |(life, _)| life.max(LONGEST_LIFE)),
        },
        failures_lock: false,
        replay_is_harmless: false,
    };
    let Some(node) = node else { return Ok(limits) };
    let words = node.object(&["longest_life", "shortest_life", "replay", "failures_lock"])?;
    if let Some(longest) = words.map("longest_life", Node::duration)? {
        limits.life.longest = longest;
        if let Some((_, node)) = said.filter(|(life, _)| *life > longest) {
            return node.fault(
                "the life in expires is longer than limits.longest_life",
                "make one fit the other",
            );
        }
    }
    if let Some(shortest) = words.map("shortest_life", Node::duration)? {
        limits.life.shortest = shortest;
    }
    if limits.life.shortest > limits.life.longest {
        return Err(Fault::new(
            node.at,
            "the shortest life is longer than the longest",
            "make one fit the other",
        ));
    }
    limits.failures_lock = words.map("failures_lock", Node::boolean)?.unwrap_or(false);
    let replay = words.map("replay", |node| node.word(&["harmful", "harmless"]))?;
    limits.replay_is_harmless = replay == Some(1);
    Ok(limits)
}
