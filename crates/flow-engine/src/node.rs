//! What each kind of node does.

pub(crate) mod answer;
pub(crate) mod condition;
pub(crate) mod form;
pub(crate) mod message;
pub(crate) mod set;

use crate::state::Waiting;

/// Where the flow goes after a step.
pub(crate) enum Went {
    /// To a node, or to the flow's end.
    To(Option<usize>),
    /// Nowhere before the customer answers.
    Waits(Waiting),
}
