//! `caretoken profile check`: the requests that a profile makes, and what it reads of an answer,
//! without a vendor.
//!
//! [`part`] names the requests, [`sample`] has the answers that are given, [`made_up`] values and
//! answers where none are, [`script`] a transport that catches requests and a clock that stands still,
//! [`outcome`] what one check comes to, [`report`] what is printed.

mod made_up;
mod outcome;
mod part;
mod report;
mod run;
mod sample;
mod script;

pub(crate) use run::run;
