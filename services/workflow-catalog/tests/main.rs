//! The catalog with a real database and broker.

mod announcements;
mod erasing;
mod help;
mod knowledge;
mod meaning;
mod questions;
mod secrets;
mod support;
mod workflows;
