//! The database and the broker are killed under load: what was acknowledged is handled once.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use crate::support::{Stack, eventually, greet, workflow};
use local_stack::Postgres;

const MESSAGES: usize = 600;

/// Appends all messages, each again until it is acknowledged, and kills the dependency on the way.
async fn through(stack: &mut Stack, mut kill: impl FnMut(&mut Stack), mut back: impl FnMut(&mut Stack)) {
    let greeting = workflow();
    stack.activate(greeting, &greet()).await;
    let runner = stack.runner("one").await;
    for n in 0..MESSAGES {
        if n == MESSAGES / 3 {
            kill(stack);
        }
        if n == MESSAGES / 2 {
            back(stack);
        }
        let input = stack.message(&format!("c{}", n % 30), &format!("m-{n}"), &format!("hello {n}"));
        let deadline = tokio::time::Instant::now() + crate::support::PATIENCE;
        while stack.writer.append(input.clone()).await.is_err() {
            assert!(tokio::time::Instant::now() < deadline, "message {n} is never acknowledged");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            if n < MESSAGES / 2 {
                back(stack);
            }
        }
    }
    eventually("all are handled", || async {
        let answer: Result<contracts::v1::ListExecutionsResponse, _> = stack
            .bus
            .rpc()
            .call(
                contracts::subject::runner::LIST_EXECUTIONS,
                &stack.list_of(greeting),
                crate::support::PATIENCE,
            )
            .await;
        answer.is_ok_and(|list| list.total == MESSAGES as u64)
    })
    .await;
    let rows = stack
        .sql()
        .await
        .query(
            "SELECT count(*) FROM (SELECT customer_id, count(*) AS n, count(DISTINCT id) AS ids FROM executions GROUP BY 1) AS c
             WHERE n = $1 AND ids = n",
            &[&i64::try_from(MESSAGES / 30).unwrap()],
        )
        .await
        .unwrap();
    assert_eq!(rows[0].get::<_, i64>(0), 30);
    runner.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_database_costs_time_only() {
    let mut postgres = Postgres::ephemeral().unwrap();
    let mut stack = Stack::on(postgres.url()).await;
    let server = std::cell::RefCell::new(&mut postgres);
    through(&mut stack, |_| server.borrow_mut().kill(), |_| server.borrow_mut().start_again().unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_broker_costs_time_only() {
    let mut stack = Stack::start().await;
    through(
        &mut stack,
        |stack| stack.nats.kill(),
        |stack| {
            if stack.nats.pid().is_none() {
                stack.nats.start_again().unwrap();
            }
        },
    )
    .await;
}
