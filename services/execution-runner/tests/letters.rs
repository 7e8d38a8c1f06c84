//! Dead letters: what cannot be handled is there once, seen by its account only, and tried again with one effect.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crate::support::{KEPT_FOR_EVER, PATIENCE, Stack, eventually, greet, workflow};
use bus::publish::Outgoing;
use bus::rpc::CallError;
use contracts::v1::{DeadLetterKind, DeadLetterStatus, MessageState};
use contracts::{ErrorCode, subject, v1};
use execution_runner::partition::port::message_key;
use execution_runner::store::Kept;
use flow_model::{AccountId, ConversationId};
use platform::keep::Keep;
use prost::Message;
use uuid::Uuid;

const INSERT: &str = "INSERT INTO dead_letters (incarnation, grp, seq, position, payload, error, attempts, id, kind, account_id, channel,
    customer_id, message_id, message_key, execution_id) VALUES (1, 0, $1, 0, $2, 'it failed', 5, $3, $4, $5, $6, $7, $8, $9, $10)";

/// Puts a message aside as the partition loop does when it has failed too often; gives the letter's id.
async fn bury(stack: &Stack, number: i64, input: &v1::Input) -> Uuid {
    let id = platform::clock::new_uuid_v7();
    let kind = i16::try_from(i32::from(DeadLetterKind::Message)).unwrap();
    let account = AccountId::from_slice(&input.account_id).unwrap();
    let Some(v1::input::Kind::Message(message)) = &input.kind else { unreachable!("it is a message") };
    let conversation = ConversationId::of(account, &input.channel, &input.customer_id);
    let key = message_key(conversation, &message.message_id);
    let execution = Uuid::from_slice(&input.execution_id).unwrap();
    stack
        .sql()
        .await
        .execute(
            INSERT,
            &[
                &number,
                &input.encode_to_vec(),
                &id,
                &kind,
                account.as_uuid(),
                &input.channel,
                &input.customer_id,
                &message.message_id,
                &key,
                &execution,
            ],
        )
        .await
        .unwrap();
    id
}

async fn list(stack: &Stack, request: v1::ListDeadLettersRequest) -> v1::ListDeadLettersResponse {
    stack.call(subject::runner::LIST_DEAD_LETTERS, &request).await
}

fn all_of(account: AccountId) -> v1::ListDeadLettersRequest {
    v1::ListDeadLettersRequest {
        account_id: account.to_vec().into(),
        page: 1,
        limit: 20,
        ..v1::ListDeadLettersRequest::default()
    }
}

async fn get(stack: &Stack, account: AccountId, id: &[u8]) -> Result<v1::DeadLetter, CallError> {
    let request = v1::GetDeadLetterRequest { account_id: account.to_vec().into(), id: id.to_vec().into() };
    stack.bus.rpc().call(subject::runner::GET_DEAD_LETTER, &request, PATIENCE).await
}

async fn retry(stack: &Stack, account: AccountId, id: &[u8]) -> Result<v1::DeadLetter, CallError> {
    let request = v1::RetryDeadLetterRequest { account_id: account.to_vec().into(), id: id.to_vec().into() };
    stack.bus.rpc().call(subject::runner::RETRY_DEAD_LETTER, &request, PATIENCE).await
}

fn code(refused: Result<v1::DeadLetter, CallError>) -> ErrorCode {
    match refused {
        Err(CallError::Refused(failure)) => failure.error_code(),
        other => unreachable!("{other:?}"),
    }
}

async fn state(stack: &Stack, customer: &str, message_id: &str) -> MessageState {
    let request = v1::GetMessageRequest {
        account_id: stack.account.to_vec().into(),
        channel: "web".to_owned(),
        customer_id: customer.to_owned(),
        message_id: message_id.to_owned(),
    };
    let answer: v1::GetMessageResponse = stack.call(subject::runner::GET_MESSAGE, &request).await;
    answer.state()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_nobody_can_read_is_a_letter_of_the_operators_and_stays() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    stack.activate(workflow(), &greet()).await;
    let garbage = b"\xff no frame".to_vec();
    let outgoing =
        Outgoing { subject: subject::turns(0), headers: Vec::new(), payload: garbage.clone().into() };
    stack.bus.publish_all(&[outgoing]).await.unwrap();
    // What comes after it goes on, and a new owner does not meet it again.
    stack.say("ann", "m-1", "hello").await;
    runner.stop().await;
    let runner = stack.runner("two").await;
    stack.say("ann", "m-2", "hello").await;

    let listed = list(&stack, all_of(stack.account)).await;

    assert_eq!((listed.total, listed.dead_letters.len()), (1, 1));
    let letter = &listed.dead_letters[0];
    assert_eq!((letter.kind(), letter.status()), (DeadLetterKind::Frame, DeadLetterStatus::Open));
    assert!(letter.payload.is_empty(), "only in the answer to a get");
    assert!(letter.attempts >= 1 && !letter.error.is_empty());
    let whole = get(&stack, stack.account, &letter.id).await.unwrap();
    assert_eq!((whole.payload.to_vec(), whole.payload_bytes), (garbage.clone(), garbage.len() as u64));
    assert_eq!(code(retry(&stack, stack.account, &letter.id).await), ErrorCode::Conflict);
    let other = AccountId::named("other");
    assert_eq!(list(&stack, all_of(other)).await.total, 0);
    assert_eq!(code(get(&stack, other, &letter.id).await), ErrorCode::DeadLetterNotFound);
    assert_eq!(code(retry(&stack, other, &letter.id).await), ErrorCode::DeadLetterNotFound);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_tried_again_by_two_at_once_is_handled_once() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let mut input = stack.message("ann", "m-1", "hello");
    input.answer_to = "nobody.waits.any.more".to_owned();
    let id = bury(&stack, 1, &input).await;
    assert_eq!(state(&stack, "ann", "m-1").await, MessageState::Dead);

    let both = futures::join!(
        retry(&stack, stack.account, id.as_bytes()),
        retry(&stack, stack.account, id.as_bytes())
    );

    for outcome in [both.0, both.1] {
        match outcome {
            Ok(letter) => assert_eq!(letter.status(), DeadLetterStatus::Retried),
            refused @ Err(_) => assert_eq!(code(refused), ErrorCode::Conflict),
        }
    }
    eventually("it is handled", || async { state(&stack, "ann", "m-1").await == MessageState::Handled })
        .await;
    // Whatever was put into the stream before this message is handled with it.
    stack.say("ann", "m-2", "hello").await;
    let listed = stack.list(stack.list_of(greeting)).await;
    let ids: Vec<&bytes::Bytes> = listed.executions.iter().map(|execution| &execution.id).collect();
    assert_eq!((listed.total, ids[1]), (2, &input.execution_id), "as it was accepted");
    assert_eq!(code(retry(&stack, stack.account, id.as_bytes()).await), ErrorCode::Conflict);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_paged_newest_first_and_filtered_by_status() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let other = AccountId::named("other");
    let mut ids = Vec::new();
    for number in 0..7 {
        let customer = format!("c{number}");
        ids.push(bury(&stack, number, &stack.message(&customer, "m-1", "hello")).await);
        let foreign =
            v1::Input { account_id: other.to_vec().into(), ..stack.message(&customer, "m-1", "hello") };
        bury(&stack, 100 + number, &foreign).await;
    }
    ids.reverse();
    retry(&stack, stack.account, ids[2].as_bytes()).await.unwrap();
    let found = |response: &v1::ListDeadLettersResponse| {
        let id = |letter: &v1::DeadLetter| Uuid::from_slice(&letter.id).unwrap();
        response.dead_letters.iter().map(id).collect::<Vec<Uuid>>()
    };
    let all = v1::ListDeadLettersRequest { limit: 3, ..all_of(stack.account) };

    let mut by_page = Vec::new();
    let mut by_cursor = Vec::new();
    let mut cursor = String::new();
    for page in 1..=3 {
        let paged = list(&stack, v1::ListDeadLettersRequest { page, ..all.clone() }).await;
        let followed = list(&stack, v1::ListDeadLettersRequest { cursor, ..all.clone() }).await;
        assert_eq!((paged.total, followed.total), (7, 7));
        by_page.extend(found(&paged));
        by_cursor.extend(found(&followed));
        cursor = followed.next_cursor;
        assert_eq!(cursor.is_empty(), page == 3, "page {page}");
    }
    assert_eq!(by_page, ids);
    assert_eq!(by_cursor, ids);
    let beyond = list(&stack, v1::ListDeadLettersRequest { page: 4, ..all.clone() }).await;
    assert_eq!((beyond.total, beyond.dead_letters.len()), (7, 0));
    for (status, total) in [(DeadLetterStatus::Open, 6), (DeadLetterStatus::Retried, 1)] {
        let some = list(&stack, v1::ListDeadLettersRequest { status: status.into(), ..all.clone() }).await;
        assert_eq!(some.total, total);
        assert!(some.dead_letters.iter().all(|letter| letter.status() == status));
    }
    let full = list(&stack, v1::ListDeadLettersRequest { limit: 7, ..all }).await;
    assert_eq!((full.dead_letters.len(), full.next_cursor.as_str()), (7, ""));
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn letters_that_were_tried_again_long_ago_are_forgotten() {
    let stack = Stack::start().await;
    let runner = stack.runner("one").await;
    let mut ids = Vec::new();
    for number in 0..3 {
        ids.push(bury(&stack, number, &stack.message("ann", &format!("m-{number}"), "hello")).await);
    }
    let retried = "UPDATE dead_letters SET retried_at = now() - $2 * interval '1 day' WHERE id = $1";
    for (id, days) in [(ids[0], 31.0), (ids[1], 29.0)] {
        stack.sql().await.execute(retried, &[&id, &days]).await.unwrap();
    }

    let kept = Kept { dead_letters: Keep::days(30), ..KEPT_FOR_EVER };
    let tidying = stack.maintenance(kept);
    tidying.run_once(platform::clock::now_ms()).await.unwrap();

    assert_eq!(code(get(&stack, stack.account, ids[0].as_bytes()).await), ErrorCode::DeadLetterNotFound);
    assert_eq!(list(&stack, all_of(stack.account)).await.total, 2);
    runner.stop().await;
}
