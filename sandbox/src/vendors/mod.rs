//! The vendors as data: each file says where its vendor listens and how it answers.

mod dispatch;
mod edvak;
pub(crate) mod ehealth;
mod parchment;
mod pattern;
mod profile;

pub(crate) use dispatch::{answer, new_state, profile, route};
pub(crate) use profile::{Profile, Refusal};
