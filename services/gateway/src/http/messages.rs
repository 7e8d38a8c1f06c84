//! `/v1/messages`: the one door for customers' messages.

pub(super) mod fields;
pub(super) mod get;
pub(super) mod send;

/// Why a message that is dead has no execution: it could not be handled, and an operator can look at it and try it again.
const IN_DEAD_LETTERS: &str = "in_dead_letters";
/// Why a message has no execution that was handled: a person has the conversation, and sees it.
const WITH_PERSON: &str = "with_person";
