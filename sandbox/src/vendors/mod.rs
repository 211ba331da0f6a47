//! The vendors as data: each file says where its vendor listens and how it answers.

mod behaviour;
mod dispatch;
mod edvak;
pub(crate) mod ehealth;
mod parchment;
mod pattern;

pub(crate) use dispatch::{behaviour, defaults};
