//! What each kind of node does.

pub(crate) mod ai_response;
pub(crate) mod answer;
pub(crate) mod condition;
pub(crate) mod delay;
pub(crate) mod form;
pub(crate) mod handoff;
pub(crate) mod http_request;
pub(crate) mod message;
pub(crate) mod sentiment;
pub(crate) mod set;

use crate::state::Waiting;
use crate::turn::{Call, Ending};

/// Where the flow goes after a step.
pub(crate) enum Went {
    /// To a node, or to the flow's end.
    To(Option<usize>),
    /// Nowhere before something comes.
    Waits(Waiting, Ending),
    /// Nowhere before a call is over.
    Calls(Call),
}
