//! `profiles/profile.schema.json` and the reader of profiles are held against each other: what one
//! takes the other takes, but for faults that no schema can see, and those are listed.

#[path = "schema/bad.rs"]
mod bad;
#[path = "schema/both.rs"]
mod both;
#[path = "schema/change.rs"]
mod change;
#[path = "schema/good.rs"]
mod good;
#[path = "schema/manual.rs"]
mod manual;
#[path = "schema/shape.rs"]
mod shape;
#[path = "schema/unseen.rs"]
mod unseen;
