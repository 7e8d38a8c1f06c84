//! The whole product, as its users meet it.

mod answers;
mod bad_requests;
mod bench;
mod broker_loss;
mod clients;
mod command_line;
mod conversations;
mod events;
mod hanging;
mod injection;
mod knowledge;
mod model;
mod readme;
mod reference;
mod schemathesis;
mod secrets;
mod spine;
mod support;
mod tools;
mod up;
