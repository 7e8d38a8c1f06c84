//! The verbs of Turnloom: compile a configuration, find the workflow that a message starts, run one turn.
//!
//! Pure: no I/O, no randomness, no async; the time comes in as a parameter. The same graph, state, input and time
//! give the same turn, so recovery and replay are [`advance`] again. A turn always ends: steps, fuel, output
//! and state are bounded.

mod advance;
mod expression;
mod graph;
pub mod matcher;
mod node;
mod scope;
pub mod secrets;
mod state;
mod syntax;
mod template;
mod turn;

pub use advance::{STEPS_MAX, advance};
pub use graph::{CompileError, Graph};
pub use state::{STATE_BYTES_MAX, State, StateError};
pub use syntax::Syntax;
pub use turn::{Call, CallKind, Cause, Ending, Failure, Input, Object, Reply, Step, StepStatus, Turn};
