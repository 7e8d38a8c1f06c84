//! How the loop does, as operators see it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use contracts::v1;

use super::port::{Ownership, Rates, Stream};

/// What the loop has measured so far.
pub(super) struct Gauges {
    group: u32,
    /// When the newest input that was handled had been accepted, Unix milliseconds.
    handled_through_ms: i64,
    /// Partitions whose backlog is shown.
    shown: BTreeSet<u32>,
    /// Since the rates were asked for last.
    commits: u32,
    inputs: u32,
}

impl Gauges {
    /// Has measured nothing yet.
    pub fn new(group: u32, now_ms: i64) -> Self {
        Self { group, handled_through_ms: now_ms, shown: BTreeSet::new(), commits: 0, inputs: 0 }
    }

    /// So many partitions are owned.
    pub fn owned(&self, partitions: usize) {
        metrics::gauge!("turnloom_runner_partitions_owned", "group" => self.group.to_string())
            .set(u32::try_from(partitions).unwrap_or(u32::MAX));
    }

    /// Frames that wait, and how long the oldest of them has: of each owned partition, since each can be behind by
    /// itself. A partition that is not owned any more has nothing that waits here.
    pub fn backlog(&mut self, owned: &BTreeMap<u32, Ownership>, position: u64, stream: &Stream, now_ms: i64) {
        // The frame that waits is newer than the last that was handled, and the stream still has it.
        let waits_since_ms = self.handled_through_ms.max(stream.first_at_ms);
        for partition in std::mem::take(&mut self.shown).difference(&owned.keys().copied().collect()) {
            show(*partition, 0, 0);
        }
        for ownership in owned.values() {
            let frames = stream.last_seq.saturating_sub(ownership.applied_seq.max(position));
            let age_ms = if frames == 0 { 0 } else { (now_ms - waits_since_ms).max(0) };
            show(ownership.partition, frames, age_ms);
            self.shown.insert(ownership.partition);
        }
    }

    /// A batch was handled: so many inputs, the newest accepted then.
    pub fn batch(&mut self, inputs: usize, accepted_through_ms: Option<i64>) {
        metrics::histogram!("turnloom_runner_batch_inputs")
            .record(f64::from(u32::try_from(inputs).unwrap_or(u32::MAX)));
        self.handled_through_ms = self.handled_through_ms.max(accepted_through_ms.unwrap_or(0));
        self.commits = self.commits.saturating_add(1);
        self.inputs = self.inputs.saturating_add(u32::try_from(inputs).unwrap_or(u32::MAX));
    }

    /// What was done in the time since this was asked last.
    pub fn rates(&mut self, elapsed: Duration) -> Rates {
        let per_second = |count: u32| (f64::from(count) / elapsed.as_secs_f64().max(0.001)) as f32;
        Rates {
            commits_per_second: per_second(std::mem::take(&mut self.commits)),
            inputs_per_second: per_second(std::mem::take(&mut self.inputs)),
        }
    }

    /// Turns are over.
    #[expect(clippy::unused_self, reason = "beside the others, which need it")]
    pub fn turns(&self, executions: &[(u32, v1::Execution)], now_ms: i64) {
        for (_, execution) in executions {
            let failed = execution.status() == v1::ExecutionStatus::Failed;
            let status = if failed { "failed" } else { "success" };
            metrics::counter!("turnloom_runner_turns_total", "status" => status).increment(1);
            metrics::histogram!("turnloom_runner_turn_seconds")
                .record(seconds(now_ms - execution.started_at_ms));
        }
    }
}

fn show(partition: u32, frames: u64, age_ms: i64) {
    let partition = partition.to_string();
    metrics::gauge!("turnloom_runner_backlog_frames", "partition" => partition.clone())
        .set(f64::from(u32::try_from(frames).unwrap_or(u32::MAX)));
    metrics::gauge!("turnloom_runner_backlog_age_seconds", "partition" => partition).set(seconds(age_ms));
}

fn seconds(ms: i64) -> f64 {
    f64::from(u32::try_from(ms.max(0)).unwrap_or(u32::MAX)) / 1000.0
}
