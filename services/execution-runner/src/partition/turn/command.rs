//! Commands, and the time that a person has a conversation: who owns it, what they say, how it comes back.
//!
//! The owner is part of the conversation, and changes by inputs like everything else does. So what the bot says is
//! either told before a person has taken over, or not at all.

use contracts::v1;
use contracts::v1::conversation_note::Kind;
use flow_engine::{Cause, Failure};

use super::begun::{Begun, Ran, begin};
use super::{
    Began, Commanded, Executed, REFUSED_ERASED, REFUSED_MOVED_ON, REFUSED_NOT_RUNNING, REFUSED_WITH_BOT,
    REFUSED_WITH_PERSON, Surroundings, Taken, is_cancelled, resume, run, settle,
};
use crate::partition::activity;
use crate::partition::arrival::{Arrival, Assignment, Command, Retried};
use crate::partition::port::{Conversation, Person, Running, WaitsOn};

/// Why a conversation came back: its person did nothing for too long.
pub(super) const TIMEOUT: &str = "timeout";
/// Its person gave it back.
const RELEASED: &str = "released";

/// Does what a command says.
pub(super) fn obey(
    command: &Command,
    arrival: &Arrival,
    conversation: Conversation,
    running: Option<&Running>,
    around: &mut Surroundings<'_>,
) -> Taken {
    let now_ms = (around.clock)().max(arrival.accepted_at_ms);
    match command {
        _ if conversation.is_erased() => Taken::Refused(REFUSED_ERASED),
        Command::Cancel { only } => {
            let is_it = |running: &Running| {
                only.is_none_or(|only| running.execution.id.as_ref() == only.as_uuid().as_bytes().as_slice())
            };
            if only.is_some() && !(conversation.is_running() && running.is_some_and(is_it)) {
                return Taken::Refused(REFUSED_NOT_RUNNING);
            }
            end(arrival, conversation, running, &Failure::of("CANCELLED", "it was cancelled"), now_ms)
        }
        Command::Retry(retried) => retry(retried, arrival, conversation, around),
        Command::Assign(assignment) => assign(assignment, arrival, conversation, running, around, now_ms),
        Command::Release if conversation.person.is_none() => done(arrival, conversation),
        Command::Release => release(arrival, conversation, RELEASED, around),
        Command::Say { text, agent } => say(text, agent, arrival, conversation),
        Command::Erase => {
            let gone = Failure::of("CANCELLED", "the customer's data were erased");
            let Taken::Commanded(commanded, mut erased) = end(arrival, conversation, running, &gone, now_ms)
            else {
                return Taken::Stale;
            };
            erased.person = None;
            erased.customer_id = String::new();
            Taken::Commanded(commanded, erased)
        }
    }
}

fn done(arrival: &Arrival, mut conversation: Conversation) -> Taken {
    conversation.updated_at_ms = arrival.accepted_at_ms;
    Taken::Commanded(Box::default(), conversation)
}

/// Ends what the conversation is in; an execution that is running has failed.
fn end(
    arrival: &Arrival,
    mut conversation: Conversation,
    running: Option<&Running>,
    why: &Failure,
    now_ms: i64,
) -> Taken {
    let mut commanded = Commanded::default();
    if let Some(running) = running.filter(|_| conversation.is_running()) {
        commanded.activity_over = Some(activity::id_of(&conversation));
        let ran = Ran::failed(why.clone());
        let ended: Executed = Begun::of(running.clone()).end(ran, &mut conversation, now_ms);
        commanded.ended = Some(ended);
    }
    conversation.wait = None;
    conversation.wait_no += 1;
    conversation.updated_at_ms = arrival.accepted_at_ms;
    Taken::Commanded(Box::new(commanded), conversation)
}

/// Gives the conversation to a person. A flow that waits for one goes on to wait; any other is over.
fn assign(
    assignment: &Assignment,
    arrival: &Arrival,
    conversation: Conversation,
    running: Option<&Running>,
    around: &Surroundings<'_>,
    now_ms: i64,
) -> Taken {
    let waits_for_one = conversation.wait.as_ref().is_some_and(|wait| wait.on == WaitsOn::Agent);
    let taken = if waits_for_one {
        done(arrival, conversation)
    } else {
        let why = Failure::of("HANDED_OVER", "a person has taken the conversation over");
        end(arrival, conversation, running, &why, now_ms)
    };
    let Taken::Commanded(mut commanded, mut conversation) = taken else { return taken };
    let return_after_ms = assignment.return_after_ms.unwrap_or(around.return_after_ms);
    conversation.owner_epoch += 1;
    conversation.wait_no += 1;
    conversation.person = Some(Person {
        team: assignment.team.clone(),
        agent: assignment.agent.clone(),
        note: assignment.note.clone(),
        since_ms: arrival.accepted_at_ms,
        until_ms: arrival.accepted_at_ms.saturating_add(return_after_ms),
        return_after_ms,
    });
    let assigned = handoff_of(&conversation).map(Kind::Assigned);
    commanded.note = Some(note(arrival, &mut conversation, assigned));
    Taken::Commanded(commanded, conversation)
}

/// Who has the conversation, as it is told.
pub(super) fn handoff_of(conversation: &Conversation) -> Option<v1::Handoff> {
    let person = conversation.person.as_ref()?;
    Some(v1::Handoff {
        team: person.team.clone(),
        agent: person.agent.clone(),
        note: person.note.clone(),
        owner_epoch: conversation.owner_epoch,
    })
}

/// A person says something; their time with the conversation begins anew.
fn say(text: &str, agent: &str, arrival: &Arrival, mut conversation: Conversation) -> Taken {
    let Some(person) = &mut conversation.person else { return Taken::Refused(REFUSED_WITH_BOT) };
    let agent = if agent.is_empty() { person.agent.clone() } else { agent.to_owned() };
    person.until_ms = arrival.accepted_at_ms.saturating_add(person.return_after_ms);
    conversation.wait_no += 1;
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let owner_epoch = conversation.owner_epoch;
    let said = v1::Said { text: text.to_owned(), agent, owner_epoch };
    let note = note(arrival, &mut conversation, Some(Kind::Said(said)));
    Taken::Commanded(Box::new(Commanded { note: Some(note), ..Commanded::default() }), conversation)
}

/// The bot has the conversation again; a flow that waited for that goes on, in an execution of its own.
pub(super) fn release(
    arrival: &Arrival,
    mut conversation: Conversation,
    reason: &str,
    around: &Surroundings<'_>,
) -> Taken {
    let wait = conversation.wait.take();
    let wait = wait.filter(|wait| wait.on == WaitsOn::Agent && !is_cancelled(wait, around));
    let course = wait.map(resume);
    let flow = match &course {
        None => None,
        Some(course) => match around.flows.get(&(course.workflow, course.revision)) {
            None => return Taken::NeedsFlow(course.workflow, course.revision),
            Some(flow) => flow.clone(),
        },
    };
    conversation.person = None;
    conversation.owner_epoch += 1;
    conversation.wait_no += 1;
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let released = v1::Released { owner_epoch: conversation.owner_epoch, reason: reason.to_owned() };
    let note = note(arrival, &mut conversation, Some(Kind::Released(released)));
    let commanded = Commanded { note: Some(note), ..Commanded::default() };
    let Some(course) = course else { return Taken::Commanded(Box::new(commanded), conversation) };
    let begun = begin(arrival, &conversation, false, &course);
    let ran = run("", &begun, course.state.as_deref(), Cause::Released, flow.as_deref(), around);
    with(commanded, settle(begun, ran, conversation, &course, flow.as_deref(), around))
}

/// Runs the node at which the conversation's last execution failed once more.
fn retry(
    retried: &Retried,
    arrival: &Arrival,
    mut conversation: Conversation,
    around: &Surroundings<'_>,
) -> Taken {
    if conversation.person.is_some() {
        return Taken::Refused(REFUSED_WITH_PERSON);
    }
    let wait = conversation.wait.take();
    let is_it = wait.filter(|wait| {
        wait.on == WaitsOn::Retry && wait.failed == Some(retried.execution) && !is_cancelled(wait, around)
    });
    let Some(course) = is_it.map(resume) else { return Taken::Refused(REFUSED_MOVED_ON) };
    let Some(flow) = around.flows.get(&(course.workflow, course.revision)) else {
        return Taken::NeedsFlow(course.workflow, course.revision);
    };
    let flow = flow.clone();
    conversation.updated_at_ms = arrival.accepted_at_ms;
    let begun = begin(arrival, &conversation, false, &course);
    let state = course.state.as_deref();
    let ran = run(&retried.text, &begun, state, Cause::Retry, flow.as_deref(), around);
    with(Commanded::default(), settle(begun, ran, conversation, &course, flow.as_deref(), around))
}

/// A command whose flow ran.
fn with(mut commanded: Commanded, taken: Taken) -> Taken {
    match taken {
        Taken::Executed(executed, conversation) => {
            commanded.began = Some(Began::Executed(executed));
            Taken::Commanded(Box::new(commanded), conversation)
        }
        Taken::Calls(calls, conversation) => {
            commanded.began = Some(Began::Calls(calls));
            Taken::Commanded(Box::new(commanded), conversation)
        }
        other => other,
    }
}

fn note(arrival: &Arrival, conversation: &mut Conversation, kind: Option<Kind>) -> v1::ConversationNote {
    conversation.seq += 1;
    v1::ConversationNote {
        id: arrival.execution.to_vec().into(),
        account_id: arrival.account.to_vec().into(),
        conversation_id: arrival.conversation.to_vec().into(),
        customer_id: arrival.customer_id.clone(),
        channel: arrival.channel.as_str().to_owned(),
        at_ms: arrival.accepted_at_ms,
        conversation_seq: conversation.seq,
        kind,
    }
}
