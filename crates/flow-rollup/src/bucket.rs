//! A bucket: what happened in one quarter of an hour of one workflow on one channel.

use flow_model::{AccountId, Channel, WorkflowId};
use uuid::Uuid;

use crate::sketch::Sketch;
use crate::usage::AiUsage;

/// A quarter of an hour in milliseconds. Every time zone's days begin at the start of a quarter.
pub const QUARTER_MS: i64 = 15 * 60 * 1000;

/// Names a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketKey {
    /// Whose.
    pub account: AccountId,
    /// Which workflow.
    pub workflow: WorkflowId,
    /// Over which channel.
    pub channel: Channel,
    /// Start of the quarter, Unix milliseconds, a multiple of [`QUARTER_MS`].
    pub quarter_ms: i64,
}

/// What a bucket counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bucket {
    /// Executions that succeeded.
    pub succeeded: i64,
    /// Executions that failed.
    pub failed: i64,
    /// Sum of the durations of both, milliseconds.
    pub duration_ms: i64,
    /// Messages of customers that executions of the workflow took.
    pub messages_received: i64,
    /// Replies.
    pub messages_sent: i64,
    /// The durations of both, milliseconds.
    pub durations: Sketch,
    /// What their AI answers took.
    pub ai: AiUsage,
}

/// A customer had an execution of a workflow in a quarter of an hour. Distinct customers of any span are counted from
/// these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Visit {
    /// Which workflow.
    pub workflow: WorkflowId,
    /// Start of the quarter, Unix milliseconds, a multiple of [`QUARTER_MS`].
    pub quarter_ms: i64,
    /// The customer, by [`customer_key`].
    pub customer: Uuid,
}

/// Stands for a customer's id where a fixed length is wanted: a name-based UUID (RFC 9562, version 5).
#[must_use]
pub fn customer_key(customer_id: &str) -> Uuid {
    const CUSTOMERS: Uuid = Uuid::from_u128(0x5a0c_4a4e_9d1b_4d7e_b8e3_6f1c_2f67_90ab);
    Uuid::new_v5(&CUSTOMERS, customer_id.as_bytes())
}

impl Bucket {
    /// Adds another bucket's numbers. Adding is commutative and associative, so any order of folding gives the same.
    pub fn add(&mut self, other: &Self) {
        self.add_counts(other);
        self.durations.merge(&other.durations);
    }

    /// Adds another bucket's numbers without its durations.
    pub fn add_counts(&mut self, other: &Self) {
        self.count(other, 1);
    }

    /// Takes away what [`Bucket::add_counts`] has added.
    pub fn subtract_counts(&mut self, other: &Self) {
        self.count(other, -1);
    }

    fn count(&mut self, other: &Self, times: i64) {
        self.succeeded += times * other.succeeded;
        self.failed += times * other.failed;
        self.duration_ms += times * other.duration_ms;
        self.messages_received += times * other.messages_received;
        self.messages_sent += times * other.messages_sent;
        self.ai.add_times(other.ai, times);
    }
}

/// The quarter that a time belongs to.
#[must_use]
pub fn quarter_of(time_ms: i64) -> i64 {
    time_ms.div_euclid(QUARTER_MS) * QUARTER_MS
}
