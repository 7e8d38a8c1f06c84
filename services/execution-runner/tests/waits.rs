//! Flows that wait: for other systems, for times, for nobody.

use crate::support::{Stack, eventually, greet, texts, workflow};
use contracts::{subject, v1};
use flow_model::WorkflowId;
use serde_json::{Value, json};
use testkit::{FakeTarget, Reply};

/// Asks a system of ours and says what it answers.
fn call(target: &FakeTarget) -> Value {
    json!({
        "trigger": {"type": "message", "keywords": ["call"]},
        "nodes": [
            {"id": "wait", "type": "message", "content": "One moment", "next": "ask"},
            {"id": "ask", "type": "http_request", "method": "POST", "url": format!("{}/orders/{{{{ customer.id }}}}", target.url()),
             "headers": {"x-customer": "{{ customer.id }}"}, "body": {"text": "{{ message.text }}"},
             "save_as": "order", "on_error": "sorry", "next": "say"},
            {"id": "say", "type": "message", "content": "It is {{ vars.order.state }}", "next": "end"},
            {"id": "end", "type": "end"},
            {"id": "sorry", "type": "message", "content": "Sorry: {{ steps.ask.error.code }}"}
        ]
    })
}

async fn executions(stack: &Stack, workflow: WorkflowId) -> Vec<v1::Execution> {
    stack.list(stack.list_of(workflow)).await.executions
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_while_another_system_is_asked_waits_its_turn() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(200, &json!({"state": "on its way"})).held());
    let (calling, greeting) = (workflow(), workflow());
    stack.activate(calling, &call(&target)).await;
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner_with("one", &["--outbound-allow", "127.0.0.0/8"]).await;

    let both = vec![
        stack.message("ann", "m-1", "call them"),
        stack.message("ann", "m-2", "hello"),
        stack.message("ann", "m-2", "hello"),
    ];
    let asked = stack.ask(both);
    let watched = async {
        eventually("the request has come", async || !target.requests().is_empty()).await;
        let running = executions(&stack, calling).await;
        assert_eq!(running[0].status(), v1::ExecutionStatus::Running);
        // Others do not wait.
        assert_eq!(texts(&stack.say("bob", "m-1", "hello").await), ["Hi bob, you said hello"]);
        let request = v1::GetMessageRequest {
            account_id: stack.account.to_vec().into(),
            channel: "web".to_owned(),
            customer_id: "ann".to_owned(),
            message_id: "m-2".to_owned(),
        };
        let waits: v1::GetMessageResponse = stack.call(subject::runner::GET_MESSAGE, &request).await;
        assert_eq!(waits.state(), v1::MessageState::Accepted);
        target.release();
    };
    let (answers, ()) = tokio::join!(asked, watched);

    assert_eq!(texts(&answers[0]), ["One moment", "It is on its way"]);
    assert_eq!(texts(&answers[1]), ["Hi ann, you said hello"]);
    assert_eq!(answers[1].execution, answers[2].execution);
    let request = target.requests().remove(0);
    assert_eq!((request.path.as_str(), request.headers["x-customer"].as_str()), ("/orders/ann", "ann"));
    assert_eq!(request.body, json!({"text": "call them"}));
    assert!(!request.headers["idempotency-key"].is_empty());
    let steps = &answers[0].execution.as_ref().unwrap().record.as_ref().unwrap().steps;
    let statuses: Vec<v1::StepStatus> = steps.iter().map(v1::Step::status).collect();
    assert_eq!(statuses, [v1::StepStatus::Completed; 4]);
    runner.stop().await;
    let left = "SELECT (SELECT count(*) FROM running_executions) + (SELECT count(*) FROM activities) + (SELECT count(*) FROM mailboxes)";
    assert_eq!(stack.sql().await.query_one(left, &[]).await.unwrap().get::<_, i64>(0), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_may_wait_for_another_system_itself() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(200, &json!({"state": "first"})).held());
    target.next(Reply::json(200, &json!({"state": "second"})));
    let calling = workflow();
    stack.activate(calling, &call(&target)).await;
    let runner = stack.runner_with("one", &["--outbound-allow", "127.0.0.0/8"]).await;
    let asked = stack.ask(vec![stack.message("ann", "m-1", "call"), stack.message("ann", "m-2", "call")]);
    let watched = async {
        eventually("the request has come", async || !target.requests().is_empty()).await;
        target.release();
    };
    let (answers, ()) = tokio::join!(asked, watched);
    assert_eq!(texts(&answers[0]), ["One moment", "It is first"]);
    assert_eq!(texts(&answers[1]), ["One moment", "It is second"]);
    let letters: i64 =
        stack.sql().await.query_one("SELECT count(*) FROM dead_letters", &[]).await.unwrap().get(0);
    assert_eq!(letters, 0);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_tried_again_when_that_may_help_and_not_otherwise() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(503, &json!({})));
    target.next(Reply::json(200, &json!({"state": "here"})));
    target.next(Reply::json(404, &json!({})));
    let calling = workflow();
    stack.activate(calling, &call(&target)).await;
    let runner = stack.runner_with("one", &["--outbound-allow", "127.0.0.0/8"]).await;

    assert_eq!(texts(&stack.say("ann", "m-1", "call").await), ["One moment", "It is here"]);
    let requests = target.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].headers["idempotency-key"], requests[1].headers["idempotency-key"]);
    assert_eq!(texts(&stack.say("ann", "m-2", "call").await), ["One moment", "Sorry: HTTP_STATUS"]);
    assert_eq!(target.requests().len(), 3);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn private_networks_are_not_reached_unless_they_are_allowed() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    let calling = workflow();
    stack.activate(calling, &call(&target)).await;
    let runner = stack.runner("one").await;
    assert_eq!(texts(&stack.say("ann", "m-1", "call").await), ["One moment", "Sorry: HTTP_BLOCKED"]);
    assert!(target.requests().is_empty());
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_activity_outlives_the_runner_that_planned_it() {
    let stack = Stack::start().await;
    let target = FakeTarget::start();
    target.next(Reply::json(200, &json!({"state": "kept"})));
    let calling = workflow();
    stack.activate(calling, &call(&target)).await;
    let planner = stack.runner_with("planner", &["--activities", "off"]).await;
    stack.writer.append(stack.message("ann", "m-1", "call")).await.unwrap();
    eventually("it is running", async || !executions(&stack, calling).await.is_empty()).await;
    planner.kill();
    let worker =
        stack.runner_with("worker", &["--activities", "only", "--outbound-allow", "127.0.0.0/8"]).await;
    let owner = stack.runner_with("owner", &["--activities", "off"]).await;
    eventually("it is over", async || {
        executions(&stack, calling).await[0].status() == v1::ExecutionStatus::Success
    })
    .await;
    assert_eq!(target.requests().len(), 1);
    owner.stop().await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delay_ends_in_an_execution_of_its_own_whoever_owns_it_then() {
    let stack = Stack::start().await;
    let reminding = workflow();
    let remind = json!({
        "trigger": {"type": "message", "keywords": ["remind"]},
        "nodes": [
            {"id": "later", "type": "message", "content": "Later", "next": "delay"},
            {"id": "delay", "type": "delay", "duration": "1s", "next": "now"},
            {"id": "now", "type": "message", "content": "Now, {{ customer.id }}"}
        ]
    });
    stack.activate(reminding, &remind).await;
    let runner = stack.runner("one").await;
    let asked = stack.say("ann", "m-1", "remind me").await;
    let record = asked.execution.as_ref().unwrap().record.clone().unwrap();
    assert_eq!(record.next_action(), v1::NextAction::WaitForTimer);
    // What is said meanwhile and means nothing changes nothing.
    assert_eq!(stack.say("ann", "m-2", "are you there?").await.outcome(), v1::Outcome::Ignored);
    runner.stop().await;
    let runner = stack.runner("two").await;
    eventually("the timer has fired", async || executions(&stack, reminding).await.len() == 2).await;
    let request = v1::GetExecutionRequest {
        account_id: stack.account.to_vec().into(),
        workflow_id: reminding.to_vec().into(),
        execution_id: executions(&stack, reminding).await.remove(0).id,
    };
    let fired: v1::Execution = stack.call(subject::runner::GET_EXECUTION, &request).await;
    let record = fired.record.unwrap();
    assert!(record.started_by_timer);
    assert_eq!(record.replies[0].text, "Now, ann");
    let types: Vec<&str> = record.steps.iter().map(|step| step.r#type.as_str()).collect();
    assert_eq!(types, ["delay", "message"]);
    runner.stop().await;
    let timers: i64 = stack.sql().await.query_one("SELECT count(*) FROM timers", &[]).await.unwrap().get(0);
    assert_eq!(timers, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_nobody_answers_goes_on_by_itself() {
    let stack = Stack::start().await;
    let quizzing = workflow();
    let quiz = json!({
        "trigger": {"type": "message", "keywords": ["quiz"]},
        "nodes": [
            {"id": "form", "type": "form", "timeout": "1s", "on_timeout": "late", "next": "right",
             "fields": [{"name": "one", "type": "text", "required": true, "label": "What is it?"}]},
            {"id": "right", "type": "message", "content": "Right", "next": "end"},
            {"id": "end", "type": "end"},
            {"id": "late", "type": "message", "content": "Too late"}
        ]
    });
    stack.activate(quizzing, &quiz).await;
    let runner = stack.runner("one").await;
    stack.say("ann", "m-1", "quiz").await;
    stack.say("bob", "m-1", "quiz").await;
    assert_eq!(texts(&stack.say("bob", "m-2", "a bird").await), ["Right"]);
    eventually("ann has waited for too long", async || executions(&stack, quizzing).await.len() == 4).await;
    let late = executions(&stack, quizzing).await.remove(0);
    assert_eq!(
        (late.customer_id.as_str(), late.record.unwrap().replies[0].text.as_str()),
        ("ann", "Too late")
    );
    assert_eq!(stack.say("ann", "m-2", "a bird").await.outcome(), v1::Outcome::Ignored);
    runner.stop().await;
}
