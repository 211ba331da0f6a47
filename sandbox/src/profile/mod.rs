//! Plays any profile: refuses what the file does not describe, answers as it describes.
//!
//! All of it is written from the words of `profiles/README.md`, and none of it is shared with the
//! library that renders requests and reads answers: so no mistake can hide in both.

mod answer;
mod check;
mod definition;
mod fake;
mod file;
mod json;
mod keys;
mod matching;
pub(crate) mod memory;
mod played;
mod refusal;
mod text;

pub(crate) use check::CLIENT_CERTIFICATE;
pub use definition::Profile;
pub(crate) use played::Played;
