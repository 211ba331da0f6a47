//! A response body that goes out step by step.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

static BLANKS: [u8; 16 * 1024] = [b' '; 16 * 1024];

/// How the body goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    Whole,
    Halves(Duration),
    FirstHalf,
    Padded { total: usize, chunked: bool },
}

enum Step {
    Data(Bytes),
    Blanks(usize),
    Pause(Duration),
    Cut,
}

pub(crate) struct SteppedBody {
    steps: VecDeque<Step>,
    /// The promised length; none for a chunked body.
    length: Option<u64>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl SteppedBody {
    pub(crate) fn new(body: Vec<u8>, delivery: Delivery) -> SteppedBody {
        let mut first = Bytes::from(body);
        let mut length = Some(first.len());
        let steps = match delivery {
            Delivery::Whole if first.is_empty() => Vec::new(),
            Delivery::Whole => vec![Step::Data(first)],
            Delivery::Halves(pause) => {
                let rest = first.split_off(first.len() / 2);
                vec![Step::Data(first), Step::Pause(pause), Step::Data(rest)]
            }
            Delivery::FirstHalf => {
                first.truncate(first.len() / 2);
                // Without the pause the connection would end before the first half is sent.
                vec![Step::Data(first), Step::Pause(Duration::from_millis(1)), Step::Cut]
            }
            Delivery::Padded { total, chunked } => {
                let blanks = total.saturating_sub(first.len());
                length = (!chunked).then_some(first.len() + blanks);
                let rest = first.split_off(first.len().min(1));
                vec![Step::Data(first), Step::Blanks(blanks), Step::Data(rest)]
            }
        };
        let length = length.and_then(|length| u64::try_from(length).ok());
        SteppedBody { steps: steps.into(), length, pause: None }
    }
}

impl Body for SteppedBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let data = match self.steps.pop_front() {
                None => return Poll::Ready(None),
                Some(Step::Cut) => return Poll::Ready(Some(Err(io::Error::other("cut")))),
                Some(Step::Pause(pause)) => {
                    self.pause = Some(Box::pin(sleep(pause)));
                    continue;
                }
                Some(Step::Data(data)) => data,
                Some(Step::Blanks(blanks)) => {
                    let now = blanks.min(BLANKS.len());
                    if now < blanks {
                        self.steps.push_front(Step::Blanks(blanks - now));
                    }
                    Bytes::from_static(&BLANKS[..now])
                }
            };
            if !data.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(data))));
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.steps.is_empty() && self.pause.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
