//! What the runner wrote and told, as the floor repeats it.

use std::time::Duration;

use anyhow::Context;
use bus::Bus;
use bus::publish::Outgoing;
use bus::reader::{self, Reader};
use bytes::Bytes;
use contracts::subject;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::number::{count, index};

/// Rows and messages of each kind that are repeated in turn.
const KEPT: usize = 2000;
/// Records that are repeated in turn.
const RECORDS: i64 = 1000;
/// A stream that has nothing for so long has no more.
const WAIT: Duration = Duration::from_millis(500);
/// What the runner says of its messages.
const CONTENT_TYPE: &str = "content-type";

/// What is repeated.
pub(super) struct Pattern {
    /// Executions that the runner wrote.
    pub executions: u64,
    /// Their workflow and its revision.
    pub workflow: (Uuid, i32),
    /// Their channel's number, and that of their status.
    pub codes: (i16, i16),
    /// Some of their records.
    pub records: Vec<Vec<u8>>,
    told: [Told; 2],
}

/// Messages of one stream.
struct Told {
    /// How many the runner published.
    all: u64,
    /// Some of them.
    kept: Vec<Outgoing>,
    /// How many were repeated.
    repeated: u64,
}

impl Pattern {
    /// Takes it from the runner's tables and streams.
    pub async fn take(client: &Client, bus: &Bus) -> anyhow::Result<Self> {
        let row = client.query_one("SELECT count(*) FROM executions", &[]).await?;
        let executions = u64::try_from(row.get::<_, i64>(0)).unwrap_or(0);
        let sample = "SELECT record, workflow_id, revision, channel, status FROM executions LIMIT $1";
        let rows = client.query(sample, &[&RECORDS]).await?;
        let one = rows.first().context("the runner has written no executions")?;
        let (workflow, codes) = ((one.get(1), one.get(2)), (one.get(3), one.get(4)));
        let records = rows.iter().map(|row| row.get::<_, Vec<u8>>(0)).collect();
        let events = Told::take(bus, subject::EVENTS_STREAM, "application/cloudevents-batch+json").await?;
        let replies = Told::take(bus, subject::REPLIES_STREAM, "application/x-protobuf").await?;
        Ok(Self { executions, workflow, codes, records, told: [events, replies] })
    }

    /// The record of the n-th execution.
    pub fn record(&self, n: u64) -> Vec<u8> {
        let place = index(n) % self.records.len().max(1);
        self.records.get(place).cloned().unwrap_or_default()
    }

    /// What so many more executions tell.
    pub fn told_by(&mut self, executions: u64) -> Vec<Outgoing> {
        let all = self.executions.max(1);
        self.told.iter_mut().flat_map(|told| told.next(executions, all)).collect()
    }
}

impl Told {
    async fn take(bus: &Bus, stream: &str, content_type: &str) -> anyhow::Result<Self> {
        let all = reader::stream_state(bus, stream).await?.last_seq;
        let mut reader = Reader::open(bus, stream, 1).await?;
        let mut kept: Vec<Outgoing> = Vec::new();
        while kept.len() < KEPT {
            let read = reader.next_batch(KEPT - kept.len(), WAIT).await?;
            if read.is_empty() {
                break;
            }
            kept.extend(read.into_iter().map(|message| Outgoing {
                subject: message.subject,
                headers: vec![(CONTENT_TYPE, content_type.to_owned())],
                payload: Bytes::copy_from_slice(&message.payload),
            }));
        }
        Ok(Self { all, kept, repeated: 0 })
    }

    /// Its part for so many executions of `all`; what does not divide evenly is made up for later.
    fn next(&mut self, executions: u64, all: u64) -> Vec<Outgoing> {
        let many = count(self.kept.len());
        if many == 0 {
            return Vec::new();
        }
        // Counted in executions × messages, so nothing is rounded away.
        let due = self.repeated + executions * self.all;
        let (from, to) = (self.repeated / all, due / all);
        self.repeated = due;
        (from..to).filter_map(|n| self.kept.get(index(n % many)).cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_much_is_told_as_the_runner_told() {
        let message = |subject: &str| Outgoing {
            subject: subject.to_owned(),
            headers: Vec::new(),
            payload: Bytes::new(),
        };
        // 7 messages for 10 executions.
        let mut told = Told { all: 7, kept: vec![message("a"), message("b"), message("c")], repeated: 0 };
        let subjects: Vec<Vec<String>> = [3, 3, 4]
            .into_iter()
            .map(|executions| told.next(executions, 10).into_iter().map(|message| message.subject).collect())
            .collect();
        assert_eq!(subjects, [vec!["a", "b"], vec!["c", "a"], vec!["b", "c", "a"]]);
        assert!(Told { all: 7, kept: Vec::new(), repeated: 0 }.next(10, 10).is_empty());
    }
}
