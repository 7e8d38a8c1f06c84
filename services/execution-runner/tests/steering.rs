//! People and API consumers take part: handing over, taking over, saying, giving back, cancelling, retrying, erasing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{Stack, ask_name, eventually, greet, texts, workflow};
use contracts::v1::command::Kind;
use contracts::{subject, v1};
use flow_model::ConversationId;
use serde_json::{Value, json};
use testkit::{FakeTarget, Reply};

fn hand_over() -> Value {
    json!({
        "trigger": {"type": "message", "keywords": ["human"]},
        "nodes": [
            {"id": "wait", "type": "message", "content": "Somebody will come", "next": "hand"},
            {"id": "hand", "type": "handoff", "team": "sales", "note": "said: {{ message.text }}", "next": "back"},
            {"id": "back", "type": "message", "content": "It is me again"}
        ]
    })
}

fn call(target: &FakeTarget) -> Value {
    json!({
        "trigger": {"type": "message", "keywords": ["call"]},
        "nodes": [
            {"id": "ask", "type": "http_request", "method": "GET", "url": target.url(), "save_as": "one", "next": "say"},
            {"id": "say", "type": "message", "content": "It is {{ vars.one.state }}"}
        ]
    })
}

const OUTBOUND: [&str; 2] = ["--outbound-allow", "127.0.0.0/8"];

async fn command(stack: &Stack, customer: &str, kind: Kind) -> v1::Answer {
    let mut input = stack.message(customer, "", "");
    input.kind = Some(v1::input::Kind::Command(v1::Command { kind: Some(kind) }));
    stack.ask(vec![input]).await.remove(0)
}

fn assign(agent: &str, return_after_ms: i64) -> Kind {
    let (team, agent) = ("sales".to_owned(), agent.to_owned());
    Kind::Assign(v1::Assign { team, agent, return_after_ms, ..v1::Assign::default() })
}

fn say(text: &str) -> Kind {
    Kind::Say(v1::Say { text: text.to_owned(), agent: String::new() })
}

fn id(stack: &Stack, customer: &str) -> ConversationId {
    ConversationId::of(stack.account, "web", customer)
}

async fn conversation(stack: &Stack, customer: &str) -> v1::Conversation {
    let (account_id, conversation_id) = (stack.account.to_vec().into(), id(stack, customer).to_vec().into());
    let request = v1::GetConversationRequest { account_id, conversation_id };
    stack.call(subject::runner::GET_CONVERSATION, &request).await
}

/// What was said, oldest first: by whom, and what.
async fn said(stack: &Stack, customer: &str, limit: u32) -> Vec<(v1::Author, String)> {
    let mut request = v1::ListConversationMessagesRequest {
        account_id: stack.account.to_vec().into(),
        conversation_id: id(stack, customer).to_vec().into(),
        limit,
        cursor: String::new(),
    };
    let mut said = Vec::new();
    loop {
        let page: v1::ListConversationMessagesResponse =
            stack.call(subject::runner::CONVERSATION_MESSAGES, &request).await;
        said.extend(page.messages.iter().map(|message| (message.author(), message.text.clone())));
        request.cursor = page.next_cursor;
        if request.cursor.is_empty() {
            said.reverse();
            return said;
        }
    }
}

/// Types of events after one of them, oldest first; their numbers are checked.
async fn happened(stack: &Stack, customer: &str, after_seq: u64) -> Vec<String> {
    let request = v1::ConversationEventsRequest {
        account_id: stack.account.to_vec().into(),
        conversation_id: id(stack, customer).to_vec().into(),
        after_seq,
        limit: 100,
    };
    let events: v1::ConversationEventsResponse =
        stack.call(subject::runner::CONVERSATION_EVENTS, &request).await;
    let events: Vec<Value> =
        events.events_json.iter().map(|event| serde_json::from_slice(event).unwrap()).collect();
    let numbers: Vec<u64> = events.iter().map(|event| event["conversation_seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (after_seq + 1..).take(events.len()).collect::<Vec<_>>());
    events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flow_hands_over_and_goes_on_when_it_is_given_back() {
    use v1::Author::{Bot, Customer, Person};
    let stack = Stack::start().await;
    let handing = workflow();
    stack.activate(handing, &hand_over()).await;
    let runner = stack.runner("one").await;

    let first = stack.say("ann", "m-1", "a human, please").await.execution.unwrap();
    assert_eq!(first.record.unwrap().next_action(), v1::NextAction::WaitForAgent);
    let stands = conversation(&stack, "ann").await;
    let person = stands.person.unwrap();
    assert_eq!((person.team.as_str(), person.note.as_str()), ("sales", "said: a human, please"));
    assert_eq!(stands.wait.unwrap().reason(), v1::WaitReason::Person);
    assert_eq!(stands.owner_epoch, 1);
    // The bot is silent, whatever the customer says.
    let heard = stack.say("ann", "m-2", "human? anybody?").await;
    assert_eq!((heard.outcome(), heard.execution.is_none()), (v1::Outcome::Done, true));
    assert_eq!(command(&stack, "bob", say("hi")).await.reason, "with_bot");
    command(&stack, "ann", assign("eve", 0)).await;
    command(&stack, "ann", say("Eve here")).await;
    let back = command(&stack, "ann", Kind::Release(v1::Release {})).await;
    assert_eq!(texts(&back), ["It is me again"]);
    let record = back.execution.unwrap().record.unwrap();
    assert!(record.started_by_release);
    assert_eq!(record.owner_epoch, 3);

    let all = [
        (Customer, "a human, please"),
        (Bot, "Somebody will come"),
        (Customer, "human? anybody?"),
        (Person, "Eve here"),
        (Bot, "It is me again"),
    ];
    let all = all.map(|(author, text)| (author, text.to_owned()));
    for limit in [1, 2, 100] {
        assert_eq!(said(&stack, "ann", limit).await, all, "{limit}");
    }
    let types = [
        "customer.created",
        "message.received",
        "trigger.activated",
        "workflow.started",
        "message.sent",
        "conversation.assigned",
        "workflow.completed",
        "message.received",
        "conversation.assigned",
        "message.sent",
        "conversation.released",
        "workflow.started",
        "message.sent",
        "workflow.completed",
    ];
    for after in 0..types.len() {
        assert_eq!(happened(&stack, "ann", after as u64).await, types[after..]);
    }
    let stands = conversation(&stack, "ann").await;
    assert_eq!((stands.last_seq, stands.person, stands.wait), (types.len() as u64, None, None));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bot_was_about_to_say_is_not_said_when_a_person_has_taken_over() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(200, &json!({"state": "too late"})).held());
    let (calling, greeting) = (workflow(), workflow());
    stack.activate(calling, &call(&target)).await;
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner_with("one", &OUTBOUND).await;

    let asked = stack.ask(vec![stack.message("ann", "m-1", "call"), stack.message("ann", "m-2", "hello")]);
    let watched = async {
        eventually("the request has come", async || !target.requests().is_empty()).await;
        command(&stack, "ann", assign("eve", 0)).await;
        target.release();
    };
    let (answers, ()) = tokio::join!(asked, watched);
    let failed = answers[0].execution.clone().unwrap();
    assert_eq!(failed.record.unwrap().error.unwrap().code, "HANDED_OVER");
    // What waited in the mailbox is for the person.
    assert_eq!(answers[1].outcome(), v1::Outcome::Done);
    assert_eq!(texts(&stack.say("bob", "m-1", "hello").await), ["Hi bob, you said hello"]);
    runner.stop().await;
    let replies = "SELECT (SELECT count(*) FROM activities) + (SELECT count(*) FROM running_executions)";
    assert_eq!(stack.sql().await.query_one(replies, &[]).await.unwrap().get::<_, i64>(0), 0);
    let runner = stack.runner("two").await;
    let spoken: Vec<String> = said(&stack, "ann", 100).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(spoken, ["call", "hello"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_does_nothing_gives_the_conversation_back() {
    let stack = Stack::start().await;
    let (handing, greeting) = (workflow(), workflow());
    stack.activate(handing, &hand_over()).await;
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner("one").await;
    stack.say("ann", "m-1", "human").await;
    command(&stack, "ann", assign("eve", 300)).await;
    eventually("the bot has it again", async || conversation(&stack, "ann").await.person.is_none()).await;
    let spoken: Vec<String> = said(&stack, "ann", 100).await.into_iter().map(|(_, text)| text).collect();
    assert_eq!(spoken, ["human", "Somebody will come", "It is me again"]);
    assert_eq!(texts(&stack.say("ann", "m-2", "hello").await), ["Hi ann, you said hello"]);
    // One that no flow has handed over.
    command(&stack, "ann", assign("eve", 300)).await;
    eventually("the bot has it again", async || conversation(&stack, "ann").await.person.is_none()).await;
    assert_eq!(texts(&stack.say("ann", "m-3", "hello").await), ["Hi ann, you said hello"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_execution_is_cancelled_once() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(200, &json!({"state": "too late"})).held());
    let (calling, greeting) = (workflow(), workflow());
    stack.activate(calling, &call(&target)).await;
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner_with("one", &OUTBOUND).await;
    let asked = stack.ask(vec![stack.message("ann", "m-1", "call"), stack.message("ann", "m-2", "hello")]);
    let watched = async {
        eventually("the request has come", async || !target.requests().is_empty()).await;
        let running = conversation(&stack, "ann").await;
        assert_eq!(running.wait.unwrap().reason(), v1::WaitReason::Activity);
        let execution_id = running.running_execution_id;
        let other = Kind::Cancel(v1::Cancel { execution_id: vec![7; 16].into() });
        assert_eq!(command(&stack, "ann", other).await.reason, "execution_not_running");
        let cancel = Kind::Cancel(v1::Cancel { execution_id });
        assert_eq!(command(&stack, "ann", cancel.clone()).await.outcome(), v1::Outcome::Done);
        assert_eq!(command(&stack, "ann", cancel).await.reason, "execution_not_running");
        target.release();
    };
    let (answers, ()) = tokio::join!(asked, watched);
    let failed = answers[0].execution.clone().unwrap();
    assert_eq!(failed.record.unwrap().error.unwrap().code, "CANCELLED");
    assert_eq!(texts(&answers[1]), ["Hi ann, you said hello"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cancelled_before_it_was_committed_is_never_asked_for() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    stack.activate(workflow(), &call(&target)).await;
    let message = stack.message("ann", "m-1", "call");
    let mut cancel = stack.message("ann", "", "");
    let execution_id = message.execution_id.clone();
    cancel.kind =
        Some(v1::input::Kind::Command(v1::Command { kind: Some(Kind::Cancel(v1::Cancel { execution_id })) }));
    // They are in one batch, since both wait for the first runner.
    let asked = stack.ask(vec![message, cancel]);
    let runner = async {
        eventually("both are there", async || {
            bus::frames::stream(&stack.bus, 0).await.unwrap().last_seq >= 3
        })
        .await;
        stack.runner_with("one", &["--activities", "off"]).await
    };
    let (answers, runner) = tokio::join!(asked, runner);

    assert_eq!(answers[1].outcome(), v1::Outcome::Done);
    let failed = answers[0].execution.clone().unwrap();
    assert_eq!(failed.record.unwrap().error.unwrap().code, "CANCELLED");
    let left = stack.sql().await.query_one("SELECT count(*) FROM activities", &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_execution_is_tried_again_from_its_failed_node_until_something_else_happens() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    let calling = workflow();
    let mut flow = call(&target);
    flow["nodes"]
        .as_array_mut()
        .unwrap()
        .insert(0, json!({"id": "moment", "type": "message", "content": "One moment", "next": "ask"}));
    stack.activate(calling, &flow).await;
    let (greeting, asking) = (workflow(), workflow());
    stack.activate(greeting, &greet()).await;
    stack.activate(asking, &ask_name()).await;
    let runner = stack.runner_with("one", &OUTBOUND).await;
    let retry = |execution: &v1::Execution| {
        let execution_id = execution.id.clone();
        Kind::Retry(v1::Retry { execution_id, text: "call".to_owned(), ..v1::Retry::default() })
    };
    target.next(Reply::json(404, &json!({})));
    let failed = stack.say("ann", "m-1", "call").await.execution.unwrap();
    assert_eq!(failed.status(), v1::ExecutionStatus::Failed);
    assert_eq!(conversation(&stack, "ann").await.failed_execution_id, failed.id);
    target.next(Reply::json(200, &json!({"state": "here"})));
    let again = command(&stack, "ann", retry(&failed)).await;
    // Not the whole flow once more.
    assert_eq!(texts(&again), ["It is here"]);
    let execution = again.execution.unwrap();
    let record = execution.record.clone().unwrap();
    assert_eq!((record.retry_of, record.input_text.as_str()), (failed.id.clone(), "call"));
    let steps: Vec<&str> = record.steps.iter().map(|step| step.node_id.as_str()).collect();
    assert_eq!(steps, ["ask", "say"]);
    for of in [&failed, &execution] {
        assert_eq!(command(&stack, "ann", retry(of)).await.reason, "conversation_moved_on");
    }
    target.next(Reply::json(404, &json!({})));
    let failed = stack.say("ann", "m-2", "call").await.execution.unwrap();
    // What no workflow takes changes nothing, what one takes does.
    stack.say("ann", "m-3", "nothing").await;
    assert_eq!(conversation(&stack, "ann").await.failed_execution_id, failed.id);
    stack.say("ann", "m-4", "start").await;
    assert_eq!(command(&stack, "ann", retry(&failed)).await.reason, "conversation_moved_on");
    assert_eq!(texts(&stack.say("ann", "m-5", "Ann").await), ["Thanks Ann"]);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_customer_is_a_new_one_when_it_comes_again() {
    let stack = Stack::start().await;
    let asking = workflow();
    stack.activate(asking, &ask_name()).await;
    let runner = stack.runner("one").await;
    stack.say("ann", "m-1", "start").await;
    stack.say("bob", "m-1", "start").await;
    stack.say("ann", "m-2", "Ann Secret").await;
    stack.say("ann", "m-3", "nothing but Secret").await;
    let before = conversation(&stack, "ann").await;
    assert_eq!(command(&stack, "ann", Kind::Erase(v1::Erase {})).await.outcome(), v1::Outcome::Done);
    let request = v1::EraseCustomerRequest {
        account_id: stack.account.to_vec().into(),
        customer_id: "ann".to_owned(),
        erased_as: "erased-1".to_owned(),
    };
    let erased: v1::EraseCustomerResponse = stack.call(subject::runner::ERASE_CUSTOMER, &request).await;
    assert_eq!((erased.executions, erased.messages, erased.done), (2, 5, true));
    let again: v1::EraseCustomerResponse = stack.call(subject::runner::ERASE_CUSTOMER, &request).await;
    assert_eq!((again.executions, again.messages, again.done), (0, 0, true));
    // Lists and totals stay what they were.
    let listed = stack.list(stack.list_of(asking)).await;
    assert_eq!(listed.total, 3);
    let told = format!("{listed:?}");
    assert!(!told.contains("Secret") && !told.contains("\"ann\""), "{told}");
    let list = v1::ListConversationsRequest {
        account_id: stack.account.to_vec().into(),
        limit: 20,
        ..v1::ListConversationsRequest::default()
    };
    let known: v1::ListConversationsResponse = stack.call(subject::runner::LIST_CONVERSATIONS, &list).await;
    let customers: Vec<&str> = known.conversations.iter().map(|one| one.customer_id.as_str()).collect();
    assert_eq!((customers, known.total), (vec!["bob"], 1));
    // A message that was handled is not handled again.
    let repeated = stack.say("ann", "m-1", "start").await.execution.unwrap();
    assert_eq!(repeated.customer_id, "erased-1");
    stack.say("ann", "m-4", "start").await;
    let stands = conversation(&stack, "ann").await;
    let types = happened(&stack, "ann", before.last_seq).await;
    assert_eq!(types[0], "customer.created");
    assert_eq!(stands.wait.unwrap().variables_json, "{}");
    let known: v1::ListConversationsResponse = stack.call(subject::runner::LIST_CONVERSATIONS, &list).await;
    assert_eq!(known.total, 2);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conversations_are_listed_by_owner_channel_and_customer_page_by_page() {
    let stack = Stack::start().await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner("one").await;
    for n in 0..7 {
        stack.say(&format!("customer-{n}"), "m-1", "hello").await;
    }
    command(&stack, "customer-3", assign("eve", 0)).await;
    let list = async |change: &dyn Fn(&mut v1::ListConversationsRequest)| {
        let mut request = v1::ListConversationsRequest {
            account_id: stack.account.to_vec().into(),
            page: 1,
            limit: 3,
            ..v1::ListConversationsRequest::default()
        };
        change(&mut request);
        let page: v1::ListConversationsResponse =
            stack.call(subject::runner::LIST_CONVERSATIONS, &request).await;
        let customers: Vec<String> =
            page.conversations.iter().map(|one| one.customer_id.replace("customer-", "")).collect();
        (customers.join(""), page.total, page.next_cursor)
    };
    let (first, total, next) = list(&|_| {}).await;
    assert_eq!((first.as_str(), total), ("654", 7));
    let (second, _, next) = list(&|request| request.cursor.clone_from(&next)).await;
    let (third, _, next) = list(&|request| request.cursor.clone_from(&next)).await;
    assert_eq!((second.as_str(), third.as_str(), next.as_str()), ("321", "0", ""));
    assert_eq!(list(&|request| request.page = 2).await.0, "321");
    assert_eq!(list(&|request| request.page = 9).await.0, "");
    let owner = |owner: v1::Owner| move |request: &mut v1::ListConversationsRequest| request.set_owner(owner);
    let (human, total, _) = list(&owner(v1::Owner::Person)).await;
    assert_eq!((human.as_str(), total), ("3", 1));
    let (bot, total, _) = list(&owner(v1::Owner::Bot)).await;
    assert_eq!((bot.as_str(), total), ("654", 6));
    let (one, total, _) = list(&|request| request.customer_id = "customer-5".to_owned()).await;
    assert_eq!((one.as_str(), total), ("5", 1));
    let (none, total, _) = list(&|request| request.channel = "voice".to_owned()).await;
    assert_eq!((none.as_str(), total), ("", 0));
    runner.stop().await;
}
