//! `GET /v1/runners`: who owns what since when, and how far behind it is.

use std::collections::HashMap;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use contracts::v1;
use flow_model::RunnerId;
use platform::clock::rfc3339;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::Caller;
use super::error::ApiError;
use super::operation::{Answer, Operation, Shape};
use super::query::Query;
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

/// All runners.
#[derive(Serialize, ToSchema)]
#[schema(as = Runners)]
pub(in crate::http) struct RunnersView {
    /// By name, then group.
    runners: Vec<RunnerView>,
    /// Partitions that nobody owns: nothing of their customers is handled.
    unowned_partitions: Vec<PartitionView>,
    #[schema(format = DateTime)]
    as_of: String,
}

/// One process in one group of partitions.
#[derive(Serialize, ToSchema)]
#[schema(as = Runner)]
pub(in crate::http) struct RunnerView {
    /// A new one each time that the process is started.
    #[schema(examples("runner-01a20acf-9bb0-7c11-b0a5-7f4d2c6e1a90"))]
    id: String,
    name: String,
    group: u32,
    #[schema(format = DateTime)]
    started_at: String,
    #[schema(format = DateTime)]
    last_renewed_at: String,
    /// When its partitions go to others unless it renews its leases.
    #[schema(format = DateTime)]
    lease_expires_at: String,
    /// Whether its leases have not run out.
    alive: bool,
    /// Between its last two renewals.
    commits_per_second: f64,
    /// Between its last two renewals.
    inputs_per_second: f64,
    /// What it owns, by number.
    partitions: Vec<PartitionView>,
}

/// A slice of all customers.
#[derive(Serialize, ToSchema)]
#[schema(as = RunnerPartition)]
pub(in crate::http) struct PartitionView {
    partition: u32,
    /// Null when nobody owns it.
    #[schema(required, format = DateTime)]
    owned_since: Option<String>,
    /// Goes up with each owner.
    epoch: u64,
    /// Frames of the stream that may hold an input of this partition which is not handled. A frame holds inputs of any partition of the
    /// group, and of an idle partition they are passed with each renewal only.
    backlog_frames: u64,
    /// How long the first of them has been there; null without a backlog.
    #[schema(required)]
    oldest_input_age_seconds: Option<f64>,
}

#[derive(Serialize)]
struct One {
    data: RunnersView,
}

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "listRunners",
    method: Method::GET,
    path: "/v1/runners",
    summary: "List the execution runners",
    description: "Who owns which partitions of the customers since when, how much waits to be handled, and how much is handled. It is the same whichever account asks.",
    level: Level::FullAccess,
    class: Class::Read,
    query: &[],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "All runners",
        schema: Shape::One("Runners"),
        example: include_str!("openapi/examples/runners.json"),
    }],
    errors: &[],
    headers: &[],
};

pub(in crate::http) async fn list(
    _: Caller,
    state: web::Data<State>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    Query::of(&request, &OPERATION)?;
    let found = state.services.runners().await?;
    Ok(HttpResponse::Ok().json(One { data: RunnersView::new(found) }))
}

impl RunnersView {
    fn new(found: v1::ListRunnersResponse) -> Self {
        let as_of_ms = found.as_of_ms;
        let mut owned: HashMap<(bytes::Bytes, u32), Vec<PartitionView>> = HashMap::new();
        for state in found.partitions {
            let view = PartitionView::new(&state, as_of_ms);
            owned.entry((state.owner, state.group)).or_default().push(view);
        }
        let runners = found
            .runners
            .into_iter()
            .map(|runner| {
                let partitions = owned.remove(&(runner.id.clone(), runner.group)).unwrap_or_default();
                RunnerView::new(runner, partitions)
            })
            .collect();
        // Those of no owner, and of one that has gone since.
        let mut unowned_partitions: Vec<PartitionView> = owned.into_values().flatten().collect();
        unowned_partitions.sort_by_key(|view| view.partition);
        Self { runners, unowned_partitions, as_of: rfc3339(as_of_ms) }
    }
}

impl RunnerView {
    fn new(runner: v1::Runner, partitions: Vec<PartitionView>) -> Self {
        Self {
            id: RunnerId::from_slice(&runner.id).map(|id| id.to_string()).unwrap_or_default(),
            name: runner.name,
            group: runner.group,
            started_at: rfc3339(runner.started_at_ms),
            last_renewed_at: rfc3339(runner.renewed_at_ms),
            lease_expires_at: rfc3339(runner.expires_at_ms),
            alive: runner.alive,
            commits_per_second: rounded(runner.commits_per_second),
            inputs_per_second: rounded(runner.inputs_per_second),
            partitions,
        }
    }
}

impl PartitionView {
    fn new(state: &v1::PartitionState, as_of_ms: i64) -> Self {
        // The broker's clock, which knows when it was stored, may be ahead of the database's.
        let age_ms = state.oldest_input_at_ms.map(|stored_at_ms| (as_of_ms - stored_at_ms).max(0));
        Self {
            partition: state.partition,
            owned_since: state.owned_since_ms.map(rfc3339),
            epoch: state.epoch,
            backlog_frames: state.backlog_frames,
            oldest_input_age_seconds: age_ms.map(seconds),
        }
    }
}

/// Milliseconds as seconds. Ages are far below what an `f64` counts exactly.
#[expect(clippy::cast_precision_loss, reason = "2^53 ms are 285,000 years")]
fn seconds(ms: i64) -> f64 {
    rounded(ms as f64 / 1000.0)
}

/// To two places.
fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partitions_are_shown_with_their_owners_and_the_others_apart() {
        let state = |partition, owner: &[u8]| v1::PartitionState {
            partition,
            owner: owner.to_vec().into(),
            oldest_input_at_ms: Some(8_765),
            ..v1::PartitionState::default()
        };
        let runner = v1::Runner { id: vec![1; 16].into(), inputs_per_second: 1.234, ..v1::Runner::default() };
        let found = v1::ListRunnersResponse {
            runners: vec![runner],
            partitions: vec![state(0, &[2; 16]), state(1, &[1; 16]), state(2, b"")],
            as_of_ms: 10_000,
        };
        let view = RunnersView::new(found);
        let numbers = |views: &[PartitionView]| views.iter().map(|view| view.partition).collect::<Vec<_>>();
        assert_eq!(numbers(&view.unowned_partitions), [0, 2]);
        assert_eq!(view.runners.iter().map(|runner| numbers(&runner.partitions)).collect::<Vec<_>>(), [[1]]);
        let shown = serde_json::to_value(&view).unwrap();
        assert_eq!(shown["runners"][0]["inputs_per_second"], 1.23);
        assert_eq!(shown["unowned_partitions"][0]["oldest_input_age_seconds"], 1.24);
    }
}
