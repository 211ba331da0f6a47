//! How the profile says no: the answer that its rules take for what it is.

use serde_json::{Value, json};

use super::answer::Draft;
use super::definition::{Asked, Definition};
use super::file::{Code, Rule, Success};
use crate::answer::Answer;

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    Credentials,
    SignIn,
    AccessRevoked,
    Scope,
    Request,
    NotFound,
    RateLimited,
    Outage,
}

impl Reason {
    /// The kind in a rule, and what is answered where no rule is for it: RFC 6749 §5.2, or the
    /// plain HTTP status.
    fn words(self) -> (&'static str, &'static [(u16, Option<&'static str>)]) {
        match self {
            Reason::Credentials => (
                "credentials_rejected",
                &[(401, Some("invalid_client")), (400, Some("invalid_client"))],
            ),
            Reason::SignIn => ("sign_in_required", &[(400, Some("invalid_grant"))]),
            Reason::AccessRevoked => ("access_revoked", &[(400, Some("invalid_grant"))]),
            Reason::Scope => ("scope_refused", &[(400, Some("invalid_scope"))]),
            Reason::Request => ("request_refused", &[(400, Some("invalid_request"))]),
            Reason::NotFound => ("endpoint_not_found", &[(404, None)]),
            Reason::RateLimited => ("rate_limited", &[(429, None)]),
            Reason::Outage => ("unavailable", &[(503, None)]),
        }
    }
}

/// What a refusal shows of itself.
struct Shape {
    status: u16,
    code: Option<String>,
    field: Option<String>,
}

/// The refusal of a request, which may be about a field of it.
pub(crate) fn refusal(
    definition: &Definition,
    asked: Asked,
    reason: Reason,
    field: Option<&str>,
    request_id: &str,
) -> Answer {
    let shape = shape(definition, asked, reason, field);
    let (_, success, refused_if) = definition.success(asked);
    let refusals = &definition.file.refusals;
    let mut draft = Draft::default();
    if let (Some(code), Some(place)) = (&shape.code, refusals.code.first()) {
        match place {
            Code::At(pointer) => draft.put_at(pointer, code_beside(success, pointer, code)),
            Code::LastSegment { last_segment } => {
                let uri = format!("https://vendor.example/errors/{code}");
                draft.put_at(last_segment, uri.into());
            }
            Code::OnlyKeyOf { only_key_of } => {
                draft.put_at(only_key_of, json!({ code.as_str(): "fake refusal" }));
            }
        }
    }
    if let (Some(fields), Some(field)) = (&refusals.faulty_fields, &shape.field) {
        let sent_as = if field == "scope" { "scopes" } else { field };
        let sent_as = definition.field_of(asked, sent_as).unwrap_or(field);
        let mut entry = Draft::default();
        entry.put_at(&fields.name, sent_as.into());
        let entry: Value = serde_json::from_slice(&entry.into_answer(200).body).unwrap_or_default();
        draft.put_at(&fields.list, json!([entry]));
    }
    if let Some(pointer) = &refusals.status {
        draft.put_at(pointer, shape.status.into());
    }
    draft.put_success(success, false);
    if let Some(pointer) = refused_if {
        draft.put_at(pointer, json!([{ "message": "fake refusal" }]));
    }
    if let Some(source) = &refusals.request_id {
        draft.put(source, request_id);
    }
    draft.into_answer(shape.status)
}

/// A code where the success is told too is of the type that a success has.
fn code_beside(success: Option<&Success>, pointer: &str, code: &str) -> Value {
    let is_number =
        matches!(success, Some(Success::Is { at, is }) if at == pointer && is.is_number());
    match code.parse::<i64>() {
        Ok(number) if is_number => number.into(),
        _ => code.into(),
    }
}

fn shape(definition: &Definition, asked: Asked, reason: Reason, field: Option<&str>) -> Shape {
    let refusals = &definition.file.refusals;
    let (kind, plain) = reason.words();
    let (success_statuses, success, refused_if) = definition.success(asked);
    // A code can be shown where the file says where it stands.
    let can_show = |code: &Option<String>| code.is_none() || !refusals.code.is_empty();
    let can_refuse = |status: u16| {
        !success_statuses.contains(&status) || success.is_some() || refused_if.is_some()
    };
    let statuses = |rule: &Rule| match &rule.status {
        Some(statuses) => statuses.as_slice().to_vec(),
        None => plain.iter().map(|(status, _)| *status).collect(),
    };
    let codes = |rule: &Rule| match &rule.code {
        Some(Some(codes)) => codes.as_slice().iter().cloned().map(Some).collect(),
        _ => vec![None],
    };
    let mut shapes = Vec::new();
    for rule in refusals.rules.iter().filter(|rule| rule.kind == kind) {
        if rule.field.is_some() && rule.field.as_deref() != field {
            continue;
        }
        for status in statuses(rule) {
            for code in codes(rule) {
                shapes.push(Shape { status, code, field: rule.field.clone() });
            }
        }
    }
    let fallback = plain.iter().map(|(status, code)| {
        let code = code.map(str::to_owned).filter(|_| !refusals.code.is_empty());
        Shape { status: *status, code, field: None }
    });
    // The first of them that a reader of the rules takes for the right kind.
    let of_rules = shapes.len();
    shapes.extend(fallback);
    let position = shapes.iter().enumerate().position(|(at, shape)| {
        can_show(&shape.code)
            && can_refuse(shape.status)
            && match refusals.rules.iter().find(|rule| fits(rule, shape)) {
                Some(rule) => rule.kind == kind,
                None => at >= of_rules,
            }
    });
    shapes.swap_remove(position.unwrap_or(of_rules))
}

fn fits(rule: &Rule, shape: &Shape) -> bool {
    let Rule { status, code, field, .. } = rule;
    status.as_ref().is_none_or(|statuses| statuses.as_slice().contains(&shape.status))
        && match (code, &shape.code) {
            (None, _) | (Some(None), None) => true,
            (Some(Some(codes)), Some(code)) => codes.as_slice().contains(code),
            _ => false,
        }
        && (field.is_none() || *field == shape.field)
}
