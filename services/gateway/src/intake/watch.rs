//! Looks how long inputs wait in the groups' streams.
//!
//! A stream is purged below its lowest cursor every few seconds, so its first message is hardly older than the oldest input
//! that waits: while that is young nobody need be asked, and this works when all runners are dead. When it is old, a
//! runner says of which partition; when none answers, it counts for all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, Layout, frames};
use contracts::{subject, v1};
use platform::clock;
use tokio::time::Instant;

use super::overload::{Backlog, Door};

/// Pause between two looks.
const EVERY: Duration = Duration::from_secs(2);
/// How long a runner may take to answer.
const ASK_DEADLINE: Duration = Duration::from_secs(3);
/// How long an answer stands in for one that does not come: one call that fails must not close every partition.
const ANSWER_COUNTS: Duration = Duration::from_secs(15);

/// Looks for ever.
pub(super) async fn run(bus: Bus, layout: Layout, door: Arc<Door>) {
    let mut watch = Watch { bus, layout, door, answer: None };
    loop {
        watch.look().await;
        tokio::time::sleep(EVERY).await;
    }
}

struct Watch {
    bus: Bus,
    layout: Layout,
    door: Arc<Door>,
    /// What the runners said last: the oldest input of each partition that has one, and when they said it.
    answer: Option<(Instant, HashMap<u32, i64>)>,
}

impl Watch {
    async fn look(&mut self) {
        let mut streams = Vec::new();
        for group in 0..self.layout.groups {
            match frames::stream(&self.bus, group).await {
                Ok(stream) => streams.push((group, stream.oldest_at_ms())),
                // Nothing comes in without it; what is known of its backlog stays.
                Err(error) => tracing::debug!(group, %error, "a stream cannot be looked at"),
            }
        }
        let now_ms = clock::now_ms();
        let unremarkable_ms = self.door.rules().unremarkable_ms();
        let is_old = |oldest: &i64| now_ms - *oldest > unremarkable_ms;
        let old = |oldest: Option<i64>| oldest.filter(is_old);
        if streams.iter().any(|(_, oldest)| old(*oldest).is_some()) {
            self.ask().await;
        }
        for (group, oldest) in streams {
            self.door.set_backlog(group as usize, self.backlog(group, old(oldest)));
        }
        self.show(now_ms);
    }

    /// What waits in a group whose stream begins with something old, or does not.
    fn backlog(&self, group: u32, old: Option<i64>) -> Backlog {
        match (old, &self.answer) {
            (None, _) => Backlog::Unremarkable,
            (Some(_), Some((at, oldest))) if at.elapsed() <= ANSWER_COUNTS => {
                let of_group =
                    oldest.iter().filter(|(partition, _)| *partition % self.layout.groups == group);
                Backlog::Of(of_group.map(|(partition, at)| (*partition, *at)).collect())
            }
            (Some(at), Some(_) | None) => Backlog::Somewhere(at),
        }
    }

    async fn ask(&mut self) {
        let request = v1::ListRunnersRequest {};
        let client = self.bus.rpc().at_once();
        let told = client.call(subject::runner::LIST_RUNNERS, &request, ASK_DEADLINE).await;
        match told {
            Ok(v1::ListRunnersResponse { partitions, .. }) => {
                let oldest = partitions
                    .iter()
                    .filter_map(|partition| Some((partition.partition, partition.oldest_input_at_ms?)))
                    .collect();
                self.answer = Some((Instant::now(), oldest));
            }
            Err(error) => tracing::debug!(%error, "no runner says which partitions are behind"),
        }
    }

    fn show(&self, now_ms: i64) {
        for group in 0..self.layout.groups {
            let of_group =
                (0..self.layout.partitions).filter(|partition| partition % self.layout.groups == group);
            let overloaded = of_group
                .filter(|partition| self.door.is_overloaded(group as usize, *partition, now_ms))
                .count();
            metrics::gauge!("turnloom_intake_partitions_overloaded", "group" => group.to_string())
                .set(u32::try_from(overloaded).unwrap_or(u32::MAX));
        }
    }
}
