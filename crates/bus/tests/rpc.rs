//! Request and reply: what is answered, refused, missing, too slow or broken is told apart.
#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a handler that panics is tested, and a test fails by panicking"
)]

use std::time::{Duration, Instant};

use crate::support::Broker;
use bus::rpc::{CallError, RunningServer, Server};
use contracts::v1::{self, Failure};
use contracts::{ErrorCode, subject};

const DEADLINE: Duration = Duration::from_secs(5);

async fn serve(broker: &Broker) -> RunningServer {
    Server::new(&broker.bus, "test")
        .handle(subject::catalog::DELETE, |request: v1::DeleteWorkflowRequest| async move {
            match &request.workflow_id[..] {
                b"refused" => Err(Failure::because(ErrorCode::WorkflowNotFound, "nowhere").at("workflow")),
                b"panic" => panic!("on purpose"),
                b"slow" => std::future::pending().await,
                id => Ok(v1::Workflow { id: id.to_vec().into(), ..v1::Workflow::default() }),
            }
        })
        .start()
        .await
        .unwrap()
}

async fn ask(broker: &Broker, what: &'static str, deadline: Duration) -> Result<v1::Workflow, CallError> {
    let request =
        v1::DeleteWorkflowRequest { workflow_id: what.into(), ..v1::DeleteWorkflowRequest::default() };
    broker.bus.rpc().call(subject::catalog::DELETE, &request, deadline).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_outcome_of_a_call_is_told_apart() {
    let broker = Broker::start().await;
    let started = Instant::now();
    let missing = ask(&broker, "anything", DEADLINE).await;
    assert!(matches!(missing, Err(CallError::Unavailable(_))), "{missing:?}");
    assert!(started.elapsed() < DEADLINE, "a service that is missing is known at once");

    let server = serve(&broker).await;
    assert_eq!(ask(&broker, "fine", DEADLINE).await.unwrap().id, "fine");
    let Err(CallError::Refused(failure)) = ask(&broker, "refused", DEADLINE).await else {
        unreachable!("it is refused");
    };
    assert_eq!(failure, Failure::because(ErrorCode::WorkflowNotFound, "nowhere").at("workflow"));
    let Err(CallError::Refused(failure)) = ask(&broker, "panic", DEADLINE).await else {
        unreachable!("it is refused");
    };
    assert_eq!(failure.error_code(), ErrorCode::InternalError);
    let slow = ask(&broker, "slow", Duration::from_millis(200)).await;
    assert!(matches!(slow, Err(CallError::TimedOut)), "{slow:?}");
    assert_eq!(ask(&broker, "fine", DEADLINE).await.unwrap().id, "fine", "the panic was one request's");
    drop(server);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_in_a_way_that_nobody_can_read_may_have_been_done() {
    let broker = Broker::start().await;
    // A number stands where the workflow's id should.
    let server = Server::new(&broker.bus, "test")
        .handle(subject::catalog::DELETE, |_: v1::DeleteWorkflowRequest| async { Ok(7_u64) });
    let _running = server.start().await.unwrap();
    let strange = ask(&broker, "anything", DEADLINE).await;
    assert!(matches!(strange, Err(CallError::TimedOut)), "{strange:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stopped_takes_no_more_requests() {
    let broker = Broker::start().await;
    let server = serve(&broker).await;
    ask(&broker, "fine", DEADLINE).await.unwrap();
    server.stop().await;
    let refused = ask(&broker, "fine", Duration::from_secs(1)).await;
    assert!(matches!(refused, Err(CallError::Unavailable(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_at_once_while_the_broker_is_away_and_work_when_it_is_back() {
    let mut broker = Broker::start().await;
    let _server = serve(&broker).await;
    broker.nats.kill();
    crate::support::eventually("the bus notices", || async { broker.bus.check().await.is_err() }).await;
    let away = tokio::time::timeout(DEADLINE, ask(&broker, "fine", DEADLINE)).await.unwrap();
    assert!(matches!(away, Err(CallError::Unavailable(_))), "{away:?}");
    broker.nats.start_again().unwrap();
    crate::support::eventually("calls work again", || async { ask(&broker, "fine", DEADLINE).await.is_ok() })
        .await;
}
