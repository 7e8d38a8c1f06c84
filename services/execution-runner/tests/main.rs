//! The runner with a real database and broker.

mod activities;
mod faults;
mod help;
mod letters;
mod operations;
mod ownership;
mod pages;
mod poison;
mod retention;
mod roles;
mod steering;
mod support;
mod turns;
mod waits;
