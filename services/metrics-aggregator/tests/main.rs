//! The aggregator with a real database and broker.

mod ai;
mod counting;
mod days;
mod help;
mod measuring;
mod retention;
mod support;
