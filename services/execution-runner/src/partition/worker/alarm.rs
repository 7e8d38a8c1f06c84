//! What is due by the clock: timers fire, activities that nobody has answered are issued again or have failed.
//!
//! The rows say what is due; what this keeps in memory only saves looking. An activity that was issued again is due later, so that
//! those which take long do not stand before the others. A timer fires by an input in the stream, which
//! may come twice, or late, or after its owner has died: the number of the wait makes all but the first of them nothing.

use std::collections::HashMap;
use std::time::Duration;

use contracts::v1;
use contracts::v1::input::Kind;
use flow_model::{ConversationId, ExecutionId};
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_128;

use super::Worker;
use crate::partition::activity;
use crate::partition::port::{
    Commit, Definitions, DueTimer, ISSUE_AGAIN_MS, Store, Timer, Transport, Unavailable,
};

/// A timer that has fired and is still there fires again after this, milliseconds, and an activity that is too late fails again:
/// what was put into the stream may be lost.
const FIRE_AGAIN_MS: i64 = 5_000;
/// While something is due it is looked again after this, milliseconds.
const LOOK_AGAIN_MS: i64 = 100;
/// The same after a failure, milliseconds.
const PAUSE_MS: i64 = 1_000;
/// What has rung so long ago is forgotten, milliseconds.
const FORGET_AFTER_MS: i64 = 60_000;

/// When to look, and what has rung lately.
#[derive(Debug, Default)]
pub(super) struct Alarm {
    /// Unix milliseconds; 0 looks at once.
    look_at_ms: i64,
    fired: HashMap<(ConversationId, u64), i64>,
}

impl Alarm {
    /// How long until it is to be looked.
    pub fn due_in(&self, now_ms: i64) -> Duration {
        Duration::from_millis(self.look_at_ms.saturating_sub(now_ms).try_into().unwrap_or(0))
    }

    /// Something will be due at this time.
    fn expect(&mut self, at_ms: i64) {
        self.look_at_ms = self.look_at_ms.min(at_ms);
    }

    /// Whether a timer is to fire now.
    fn fires(&mut self, timer: &Timer, now_ms: i64) -> bool {
        let key = (timer.conversation, timer.wait_no);
        let is_new = self.fired.get(&key).is_none_or(|at_ms| now_ms - *at_ms >= FIRE_AGAIN_MS);
        if is_new {
            self.fired.insert(key, now_ms);
        }
        is_new
    }

    fn forget_old(&mut self, now_ms: i64) {
        self.fired.retain(|_, at_ms| now_ms - *at_ms < FORGET_AFTER_MS);
    }
}

impl<S: Store, T: Transport, D: Definitions> Worker<S, T, D> {
    /// Does what is due. Only a store that is away is a failure: what cannot be put into the stream is tried again.
    pub(super) async fn sound_alarm(&mut self) -> Result<(), Unavailable> {
        let now_ms = (self.clock)();
        if now_ms < self.alarm.look_at_ms {
            return Ok(());
        }
        let partitions: Vec<u32> = self.owned.keys().copied().collect();
        let due = self.store.due(&partitions, now_ms).await?;
        let is_due = !due.timers.is_empty() || !due.activities.is_empty();
        self.alarm.look_at_ms = due.next_ms.unwrap_or(i64::MAX);
        if !is_due {
            self.alarm.forget_old(now_ms);
            return Ok(());
        }
        self.alarm.expect(now_ms + LOOK_AGAIN_MS);
        let timers = due.timers.iter().filter(|due| self.alarm.fires(&due.timer, now_ms));
        let mut inputs: Vec<v1::Input> = timers.map(|due| fired(due, now_ms)).collect();
        let postponed: Vec<(Uuid, i64)> =
            due.activities.iter().map(|activity| (id_of(activity), due_again(activity, now_ms))).collect();
        let (late, lost): (Vec<_>, Vec<_>) =
            due.activities.into_iter().partition(|activity| activity.deadline_at_ms <= now_ms);
        inputs.extend(late.iter().map(|activity| activity::result(activity, now_ms, Err(too_late()))));
        metrics::counter!("turnloom_runner_activities_issued_again_total").increment(lost.len() as u64);
        let appended = if inputs.is_empty() { Ok(()) } else { self.transport.append(inputs).await };
        let issued = if lost.is_empty() { Ok(()) } else { self.transport.issue(&lost).await };
        if let Err(error) = appended.and(issued) {
            tracing::warn!(%error, "what is due cannot be put into the stream; trying again");
            self.alarm = Alarm { look_at_ms: now_ms + PAUSE_MS, ..Alarm::default() };
            return Ok(());
        }
        if postponed.is_empty() { Ok(()) } else { self.store.postpone(&postponed).await }
    }

    /// Remembers what will be due because of a commit, whose activities are about to be issued.
    pub(super) fn expect(&mut self, commit: &Commit) {
        for timer in &commit.timers {
            self.alarm.expect(timer.due_at_ms);
        }
        for activity in &commit.activities {
            self.alarm.expect(activity.planned_at_ms + ISSUE_AGAIN_MS);
        }
    }
}

fn id_of(activity: &v1::Activity) -> Uuid {
    Uuid::from_slice(&activity.id).unwrap_or_default()
}

/// When an activity that was issued again, or given up, is due once more; not later than its deadline, if that is to come.
fn due_again(activity: &v1::Activity, now_ms: i64) -> i64 {
    if activity.deadline_at_ms <= now_ms {
        now_ms + FIRE_AGAIN_MS
    } else {
        activity.deadline_at_ms.min(now_ms + ISSUE_AGAIN_MS)
    }
}

/// The input of a timer that fires.
fn fired(due: &DueTimer, now_ms: i64) -> v1::Input {
    let execution = execution_of(&due.timer, now_ms);
    v1::Input {
        partition: due.timer.partition,
        account_id: due.account.to_vec().into(),
        execution_id: execution.to_vec().into(),
        customer_id: due.customer_id.clone(),
        channel: due.channel.clone(),
        accepted_at_ms: now_ms,
        traceparent: String::new(),
        answer_to: String::new(),
        kind: Some(Kind::Timer(v1::FiredTimer { wait_no: due.timer.wait_no })),
    }
}

/// The id of the execution that a timer makes: a UUIDv7 of this time whose rest names the wait.
fn execution_of(timer: &Timer, now_ms: i64) -> ExecutionId {
    let mut name = timer.conversation.as_uuid().as_bytes().to_vec();
    name.extend(timer.wait_no.to_be_bytes());
    let mut rest = [0; 10];
    rest.copy_from_slice(&xxh3_128(&name).to_be_bytes()[..10]);
    let ms = u64::try_from(now_ms).unwrap_or(0);
    ExecutionId::new(uuid::Builder::from_unix_timestamp_millis(ms, &rest).into_uuid())
}

fn too_late() -> v1::ActivityFailure {
    let message = "nobody has ended it in time".to_owned();
    v1::ActivityFailure { code: "ACTIVITY_TIMED_OUT".to_owned(), message }
}
