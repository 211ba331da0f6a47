//! What the sandbox claims to do, checked over real HTTPS.

mod edvak;
mod ehealth;
mod faults;
mod life;
mod parchment;
mod pattern;
mod program;
mod support;
