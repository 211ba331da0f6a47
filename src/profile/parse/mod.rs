//! Reads a profile: its text in, its definition or the first fault out.
//!
//! [`syntax`] makes a tree of the text, [`words`] reads objects and words, [`names`] resolves
//! placeholders; the others read one part of a profile each, and [`definition`] all of it.

mod answer;
mod definition;
mod names;
mod parameters;
mod refusals;
mod request;
mod syntax;
mod values;
mod words;

pub(crate) use definition::parse;
pub(crate) use syntax::MOST_BYTES;
