//! What a fault does to an answer.

use serde_json::Value;

use crate::answer::{Answer, HTML, JSON};
use crate::body::Delivery;
use crate::fault::Fault;
use crate::player::{Expiry, Player, Refusal};
use crate::request::RecordedRequest;
use crate::state::State;
use crate::vendor::Endpoint;

/// An answer, and how it goes out.
pub(crate) struct Reply {
    pub(crate) answer: Answer,
    pub(crate) delivery: Delivery,
    /// None for an answer without a date.
    pub(crate) date: Option<String>,
}

/// The answer of the token endpoint under `fault`; none when the connection is to be cut.
pub(crate) fn reply(
    state: &mut State,
    player: &dyn Player,
    request: &RecordedRequest,
    fault: Option<Fault>,
) -> Option<Reply> {
    let normal = |state: &mut State| player.answer(state, &Endpoint::Token, request);
    let (answer, delivery) = match fault {
        Some(Fault::CutBefore) => return None,
        Some(Fault::DelayDuring(pause)) => (normal(state), Delivery::Halves(pause)),
        Some(Fault::CutDuring) => (normal(state), Delivery::FirstHalf),
        Some(Fault::Oversize(total)) => (normal(state), Delivery::Padded { total, chunked: false }),
        Some(Fault::OversizeChunked(total)) => {
            (normal(state), Delivery::Padded { total, chunked: true })
        }
        Some(Fault::SkewedDate(seconds)) => {
            let answer = normal(state);
            let date = Some(state.date(seconds));
            return Some(Reply { answer, delivery: Delivery::Whole, date });
        }
        Some(Fault::NoDate) => {
            let answer = normal(state);
            return Some(Reply { answer, delivery: Delivery::Whole, date: None });
        }
        Some(Fault::BrokenJson) => (broken(normal(state)), Delivery::Whole),
        Some(Fault::WrongUnit) => (in_wrong_unit(player, normal(state)), Delivery::Whole),
        Some(Fault::RotateRefreshToken) => (rotating(state, normal), Delivery::Whole),
        Some(Fault::RateLimited { retry_after }) => {
            let mut answer = player.refuse(state, request, Refusal::RateLimited);
            if let Some(value) = retry_after {
                answer = answer.header("retry-after", value);
            }
            (answer, Delivery::Whole)
        }
        Some(Fault::Outage) => (player.refuse(state, request, Refusal::Outage), Delivery::Whole),
        Some(Fault::Status { status, headers, body, content_type }) => {
            (Answer { status, headers, body, content_type, why: None }, Delivery::Whole)
        }
        Some(Fault::Html) => {
            let page = "<!DOCTYPE html><html><body><h1>Welcome</h1></body></html>";
            (Answer::with(player.success(), HTML, page), Delivery::Whole)
        }
        Some(Fault::Empty) => (Answer::with(player.success(), "", ""), Delivery::Whole),
        Some(Fault::Redirect(location)) => {
            (Answer::with(307, "", "").header("location", location), Delivery::Whole)
        }
        Some(Fault::Json(body)) => {
            (Answer::with(player.success(), JSON, body.to_string()), Delivery::Whole)
        }
        // The wait of the one is over by now.
        Some(Fault::DelayBefore(_)) | None => (normal(state), Delivery::Whole),
    };
    let date = Some(state.date(0));
    Some(Reply { answer, delivery, date })
}

fn broken(mut answer: Answer) -> Answer {
    // Far enough that the token is on board: an error must not show it.
    answer.body.truncate(answer.body.len() * 9 / 10);
    answer
}

fn in_wrong_unit(player: &dyn Player, mut answer: Answer) -> Answer {
    if let Some(Expiry { pointer, wrong_unit }) = player.expiry()
        && let Ok(mut body) = serde_json::from_slice::<Value>(&answer.body)
        && let Some(expiry) = body.pointer_mut(pointer)
        && let Some(right) = expiry.as_u64()
    {
        *expiry = wrong_unit(right).into();
        answer.body = body.to_string().into_bytes();
    }
    answer
}

fn rotating(state: &mut State, normal: impl Fn(&mut State) -> Answer) -> Answer {
    let before = std::mem::replace(&mut state.refresh_tokens_rotate, true);
    let answer = normal(state);
    state.refresh_tokens_rotate = before;
    answer
}
