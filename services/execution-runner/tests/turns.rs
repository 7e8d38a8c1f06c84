//! Turns on a real stack: what comes in is handled once, in order, and can be read back.

use crate::support::{Stack, ask_name, greet, texts, workflow};
use contracts::{subject, v1};

#[tokio::test(flavor = "multi_thread")]
async fn a_message_runs_its_workflow_and_is_read_back() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;

    let answer = stack.say("ann", "m-1", "well, HELLO there").await;

    assert_eq!(answer.outcome(), v1::Outcome::Executed);
    assert_eq!(texts(&answer), ["Hi ann, you said well, HELLO there"]);
    let execution = answer.execution.unwrap();
    assert_eq!(execution.status(), v1::ExecutionStatus::Success);
    let read: v1::Execution = stack
        .call(
            subject::runner::GET_EXECUTION,
            &v1::GetExecutionRequest {
                account_id: stack.account.to_vec().into(),
                workflow_id: greeting.to_vec().into(),
                execution_id: execution.id.clone(),
            },
        )
        .await;
    assert_eq!(read, execution);
    let listed = stack.list(stack.list_of(greeting)).await;
    assert_eq!(listed.total, 1);
    assert_eq!(listed.executions[0].id, execution.id);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_sent_many_times_is_handled_once() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;

    let first = stack.ask((0..32).map(|_| stack.message("ann", "m-1", "hello")).collect()).await;
    runner.stop().await;
    let runner = stack.runner("two").await;
    let again = stack.say("ann", "m-1", "hello").await;

    let id = first[0].execution.as_ref().unwrap().id.clone();
    for answer in first.iter().chain([&again]) {
        assert_eq!(answer.execution.as_ref().unwrap().id, id);
    }
    assert_eq!(stack.list(stack.list_of(greeting)).await.total, 1);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_waits_and_goes_on_with_another_runner() {
    let stack = Stack::start().await;
    let asking = workflow();
    stack.activate(asking, &ask_name()).await;
    let runner = stack.runner("one").await;
    let asked = stack.say("ann", "m-1", "start").await;
    runner.stop().await;
    let runner = stack.runner("two").await;
    let thanked = stack.say("ann", "m-2", "Ann").await;
    let ignored = stack.say("ann", "m-3", "something else").await;

    assert_eq!(texts(&asked), ["Name?"]);
    assert_eq!(texts(&thanked), ["Thanks Ann"]);
    assert_eq!(ignored.outcome(), v1::Outcome::Ignored);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_message_is_told_before_and_after_it_is_handled() {
    let stack = Stack::start().await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    stack.runner("one").await.stop().await;
    let request = |message_id: &str| v1::GetMessageRequest {
        account_id: stack.account.to_vec().into(),
        channel: "web".to_owned(),
        customer_id: "ann".to_owned(),
        message_id: message_id.to_owned(),
    };
    let state = async |message_id: &str| {
        let answer: v1::GetMessageResponse =
            stack.call(subject::runner::GET_MESSAGE, &request(message_id)).await;
        answer.state()
    };
    let runner = stack.runner("two").await;
    assert_eq!(state("never").await, v1::MessageState::Unspecified);
    stack.say("ann", "m-1", "hello").await;
    assert_eq!(state("m-1").await, v1::MessageState::Handled);
    stack.say("ann", "m-2", "nothing of interest").await;
    assert_eq!(state("m-2").await, v1::MessageState::Ignored);
    // Nobody owns the partitions any more, but the endpoint of another process would still answer.
    stack
        .sql()
        .await
        .execute(
            "UPDATE partitions SET epoch = epoch + 1, owner = $1, expires_at = 'infinity'",
            &[&platform::clock::new_uuid_v4()],
        )
        .await
        .unwrap();
    stack.writer.append(stack.message("ann", "m-3", "hello")).await.unwrap();
    assert_eq!(state("m-3").await, v1::MessageState::Accepted);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_filters_and_totals_agree() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let inputs =
        (0..120).map(|n| stack.message(&format!("c{}", n % 3), &format!("m-{n}"), "hello")).collect();
    let answers = stack.ask(inputs).await;
    let newest_first: Vec<_> =
        answers.iter().rev().map(|answer| answer.execution.as_ref().unwrap().id.clone()).collect();
    let ids = |response: &v1::ListExecutionsResponse| {
        response.executions.iter().map(|execution| execution.id.clone()).collect::<Vec<_>>()
    };
    let all = stack.list_of(greeting);

    let mut by_page = Vec::new();
    for page in 1..=3 {
        let response = stack.list(v1::ListExecutionsRequest { page, limit: 50, ..all.clone() }).await;
        assert_eq!(response.total, 120);
        by_page.extend(ids(&response));
    }
    let mut by_cursor = Vec::new();
    let mut cursor = String::new();
    loop {
        let response =
            stack.list(v1::ListExecutionsRequest { limit: 50, cursor: cursor.clone(), ..all.clone() }).await;
        by_cursor.extend(ids(&response));
        cursor = response.next_cursor;
        if cursor.is_empty() {
            break;
        }
    }
    assert_eq!(by_page, newest_first);
    assert_eq!(by_cursor, newest_first);

    let of_one = stack
        .list(v1::ListExecutionsRequest { customer_id: "c1".to_owned(), limit: 100, ..all.clone() })
        .await;
    assert_eq!((of_one.total, of_one.executions.len()), (40, 40));
    let mut failed = all.clone();
    failed.set_status(v1::ExecutionStatus::Failed);
    assert_eq!(stack.list(failed).await.total, 0);
    let (first, last) = (
        answers[20].execution.as_ref().unwrap().started_at_ms,
        answers[99].execution.as_ref().unwrap().started_at_ms,
    );
    let within = stack
        .list(v1::ListExecutionsRequest {
            start_at_ms: Some(first),
            end_at_ms: Some(last),
            limit: 100,
            ..all.clone()
        })
        .await;
    let expected = answers
        .iter()
        .filter(|answer| (first..=last).contains(&answer.execution.as_ref().unwrap().started_at_ms))
        .count();
    assert_eq!(within.total, expected as u64);
    assert_eq!(stack.list(v1::ListExecutionsRequest { page: 1000, ..all.clone() }).await.executions, []);
    let totals: v1::WorkflowTotalsResponse = stack
        .call(
            subject::runner::WORKFLOW_TOTALS,
            &v1::WorkflowTotalsRequest {
                account_id: stack.account.to_vec().into(),
                workflow_ids: vec![greeting.to_vec().into()],
            },
        )
        .await;
    assert_eq!((totals.totals[0].succeeded, totals.totals[0].failed), (120, 0));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_wait_is_over_and_a_deactivated_workflow_starts_nothing() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let asking = workflow();
    stack.activate(asking, &ask_name()).await;
    stack.say("ann", "m-1", "start").await;
    stack.say("bob", "m-1", "start").await;

    stack.mark(asking, 2, v1::WorkflowStatus::Inactive, &ask_name(), 0).await;
    assert_eq!(texts(&stack.say("ann", "m-2", "Ann").await), ["Thanks Ann"]);
    assert_eq!(stack.say("cid", "m-1", "start").await.outcome(), v1::Outcome::Ignored);

    stack.mark(asking, 3, v1::WorkflowStatus::Inactive, &ask_name(), 3).await;
    assert_eq!(stack.say("bob", "m-2", "Bob").await.outcome(), v1::Outcome::Ignored);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_told_in_order_with_gap_free_numbers() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    for n in 0..5 {
        stack.say("ann", &format!("m-{n}"), "hello").await;
    }
    let subscription =
        bus::events::Subscription::durable(&stack.bus, "test", subject::EVENTS_ALL, bus::events::Begin::All)
            .await
            .unwrap();
    let mut events: Vec<serde_json::Value> = Vec::new();
    let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
    while events.len() < 26 {
        assert!(tokio::time::Instant::now() < deadline, "{} events", events.len());
        for message in subscription.next_batch(100, std::time::Duration::from_millis(500)).await.unwrap() {
            events.extend(serde_json::from_slice::<Vec<serde_json::Value>>(&message.payload).unwrap());
            message.ack().await.unwrap();
        }
    }
    // Five events for each message, and one for the customer.
    let mut numbers: Vec<u64> =
        events.iter().map(|event| event["data"]["conversation_seq"].as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=26).collect::<Vec<u64>>());
    let places: Vec<(u64, u64)> = events
        .iter()
        .map(|event| (event["data"]["commit_no"].as_u64().unwrap(), event["data"]["index"].as_u64().unwrap()))
        .collect();
    assert!(places.is_sorted(), "{places:?}");
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_that_took_too_long_is_over() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let asking = workflow();
    stack.activate(asking, &ask_name()).await;
    stack.say("ann", "m-1", "start").await;
    stack.say("bob", "m-1", "start").await;
    // As if it came later: the wait time-out is a day unless the workflow says otherwise.
    let later = async |customer: &str, hours: i64| {
        let mut input = stack.message(customer, "m-2", "Ann");
        input.accepted_at_ms += hours * 60 * 60 * 1000;
        stack.ask(vec![input]).await.remove(0)
    };
    assert_eq!(texts(&later("ann", 23).await), ["Thanks Ann"]);
    assert_eq!(later("bob", 25).await.outcome(), v1::Outcome::Ignored);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_input_that_cannot_be_read_is_kept_aside_and_the_others_go_on() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let mut broken = stack.message("ann", "m-1", "hello");
    broken.execution_id = "short".into();
    stack.writer.append(broken).await.unwrap();

    assert_eq!(texts(&stack.say("ann", "m-2", "hello").await).len(), 1);

    let rows = stack.sql().await.query("SELECT error FROM dead_letters", &[]).await.unwrap();
    assert_eq!(rows.len(), 1);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn executions_of_a_workflow_that_is_erased_are_gone_and_others_stay() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let (gone, kept) = (workflow(), workflow());
    for (id, customer, keyword) in [(gone, "ann", "hello"), (kept, "bob", "hello")] {
        stack.activate(id, &greet()).await;
        let answer = stack.say(customer, "m-1", keyword).await;
        assert_eq!(answer.execution.unwrap().workflow_id, id.to_vec());
    }
    assert_eq!(stack.list(stack.list_of(gone)).await.total, 1);

    let request = v1::EraseWorkflowRequest {
        account_id: stack.account.to_vec().into(),
        workflow_id: gone.to_vec().into(),
    };
    let erased: v1::EraseWorkflowResponse = stack.call(subject::runner::ERASE_WORKFLOW, &request).await;

    assert!(erased.done);
    let listed = stack.list(stack.list_of(gone)).await;
    assert_eq!((listed.total, listed.executions.len()), (0, 0));
    assert_eq!(stack.list(stack.list_of(kept)).await.total, 1);
    runner.stop().await;
}
