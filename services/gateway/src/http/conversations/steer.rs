//! Commands: what changes a conversation goes into its partition's stream, like everything that does, and is waited for.

use std::time::Duration;

use contracts::ErrorCode;
use contracts::v1::{self, Outcome, command, input::Kind};
use flow_model::Channel;

use crate::auth::Account;
use crate::http::deadline::Deadline;
use crate::http::error::ApiError;
use crate::intake::{Minted, NewInput};
use crate::state::State;

/// What a command did is waited for so long at most.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// Makes a command for the conversation of a customer.
pub(in crate::http) fn mint(
    state: &State,
    account: Account,
    conversation: &v1::Conversation,
    kind: command::Kind,
) -> Result<Minted, ApiError> {
    let channel: Channel =
        conversation.channel.parse().map_err(|_| ApiError::of(ErrorCode::InternalError))?;
    let customer_id = conversation.customer_id.clone();
    let kind = Kind::Command(v1::Command { kind: Some(kind) });
    state.intake.mint(NewInput { account: *account, channel, customer_id, kind })
}

/// Has a command done. None when it is not known in time what became of it; it will be done all the same.
pub(in crate::http) async fn send(
    state: &State,
    minted: Minted,
    deadline: Deadline,
) -> Result<Option<v1::Answer>, ApiError> {
    let waiter = state.intake.accept_and_hear(minted).await?;
    let Some(answer) = waiter.wait(deadline.wait(WAIT_MAX)).await else { return Ok(None) };
    match answer.outcome() {
        Outcome::Refused => Err(refused(&answer.reason)),
        Outcome::Dead => Err(ApiError::because(
            ErrorCode::InternalError,
            "The command failed too often and was put aside as a dead letter",
        )),
        Outcome::Done | Outcome::Executed | Outcome::Ignored | Outcome::Unspecified => Ok(Some(answer)),
    }
}

/// Has a command done that gives nothing but its effect.
pub(in crate::http) async fn obey(
    state: &State,
    account: Account,
    conversation: &v1::Conversation,
    kind: command::Kind,
    deadline: Deadline,
) -> Result<(), ApiError> {
    let minted = mint(state, account, conversation, kind)?;
    match send(state, minted, deadline).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::because(
            ErrorCode::Timeout,
            "The command is stored and will be carried out; read the conversation to see whether it has been",
        )),
    }
}

fn refused(reason: &str) -> ApiError {
    let details = match reason {
        "with_bot" => "The bot has the conversation; assign it to a person first",
        "with_person" => "A person has the conversation; release it first",
        "execution_not_running" => "The execution is not running",
        "conversation_moved_on" => {
            "The conversation has moved on since the execution failed, or it failed where nothing can be tried again"
        }
        _ => "The conversation's state does not allow it",
    };
    ApiError::because(ErrorCode::Conflict, details)
}
