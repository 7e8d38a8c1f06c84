//! Activities in number: one account's leave room for others', and all that are lost are issued again.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::time::Duration;

use crate::support::{Stack, eventually};
use bus::activities::{Activities, issue};
use bus::rpc::{RunningServer, Server};
use contracts::{subject, v1};
use flow_model::{AccountId, ExecutionId};
use platform::clock;
use prost::Message;
use serde_json::json;

/// An answer that some account's flow waits for.
fn answer(account: AccountId) -> v1::Activity {
    let now_ms = clock::now_ms();
    let id = clock::new_uuid_v7();
    let question = json!({
        "question": "Where is it?", "knowledge_base": "faq", "personality": null, "response_type": "conversational", "context_length": 4
    });
    v1::Activity {
        id: id.into_bytes().to_vec().into(),
        kind: "answer".to_owned(),
        request_json: question.to_string().into(),
        account_id: account.to_vec().into(),
        conversation_id: vec![1; 16].into(),
        customer_id: "ann".to_owned(),
        channel: "web".to_owned(),
        wait_no: 1,
        planned_at_ms: now_ms,
        deadline_at_ms: now_ms + 90_000,
        execution_id: ExecutionId::new(id).to_vec().into(),
        ..v1::Activity::default()
    }
}

/// The accounts whose activities have ended.
async fn ended(stack: &Stack) -> HashSet<bytes::Bytes> {
    let last_seq = bus::frames::stream(&stack.bus, 0).await.unwrap().last_seq;
    let mut accounts = HashSet::new();
    let show = |frame: bus::reader::StreamMessage| {
        accounts.extend(
            v1::Frame::decode(frame.payload).unwrap().inputs.into_iter().map(|input| input.account_id),
        );
        false
    };
    bus::frames::scan(&stack.bus, 0, (1, last_seq), usize::MAX, show).await.unwrap();
    accounts
}

async fn catalog_that_is_slow_for(stack: &Stack, account: bytes::Bytes) -> RunningServer {
    Server::new(&stack.bus, "workflow-catalog")
        .handle(subject::knowledge::SEARCH, move |request: v1::SearchKnowledgeRequest| {
            let waits = request.account_id == account;
            async move {
                if waits {
                    tokio::time::sleep(Duration::from_mins(1)).await;
                }
                Ok(v1::SearchKnowledgeResponse::default())
            }
        })
        .start()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_very_many_activities_leaves_room_for_others() {
    let stack = Stack::start().await;
    let (many, few) = (AccountId::named("many"), AccountId::named("few"));
    // Nobody has time for the one, and each question that is not answered keeps a place of its catalog.
    let catalogs =
        futures::future::join_all((0..4).map(|_| catalog_that_is_slow_for(&stack, many.to_vec().into())))
            .await;
    let all: Vec<v1::Activity> =
        std::iter::repeat_with(|| answer(many)).take(1_200).chain(std::iter::once(answer(few))).collect();
    issue(&stack.bus, &all).await.unwrap();

    let runner = stack.runner_with("one", &["--activities", "only"]).await;

    let of_few = bytes::Bytes::from(few.to_vec());
    let in_time = tokio::time::timeout(
        Duration::from_secs(15),
        eventually("the other's is done", async || ended(&stack).await.contains(&of_few)),
    );
    in_time.await.unwrap();
    runner.kill();
    drop(catalogs);
}

#[tokio::test(flavor = "multi_thread")]
async fn activities_that_are_done_slowly_do_not_hide_those_that_are_lost() {
    let stack = Stack::start().await;
    let runner = stack.runner_with("one", &["--activities", "off"]).await;
    eventually("the partitions have an owner", async || {
        stack.owners().await.iter().any(|(_, count)| *count == 8)
    })
    .await;
    // More than are looked at together, all of one partition.
    let lost: Vec<v1::Activity> = std::iter::repeat_with(|| answer(stack.account)).take(70).collect();
    let sql = stack.sql().await;
    for activity in &lost {
        let id = uuid::Uuid::from_slice(&activity.id).unwrap();
        sql.execute(
            "INSERT INTO activities (id, conversation_id, wait_no, partition, kind, request, issue_at)
             VALUES ($1, $1, 1, 0, 'answer', $2, now() - interval '1 minute')",
            &[&id, &activity.encode_to_vec()],
        )
        .await
        .unwrap();
    }
    // The owner looks when it expects something, and at the latest when it begins to own.
    runner.stop().await;
    let runner = stack.runner_with("two", &["--activities", "off"]).await;

    let mut issued = HashSet::new();
    let mut activities = Activities::join(&stack.bus, "answer").await.unwrap();
    while issued.len() < lost.len() {
        let next = tokio::time::timeout(Duration::from_secs(10), activities.next()).await;
        let handed_out = next.unwrap().unwrap();
        issued.insert(handed_out.activity.clone().unwrap().id);
        handed_out.is_done().await;
    }
    let due = "SELECT count(*) FROM activities WHERE issue_at <= now()";
    eventually("none is due now", async || sql.query_one(due, &[]).await.unwrap().get::<_, i64>(0) == 0)
        .await;
    runner.stop().await;
}
