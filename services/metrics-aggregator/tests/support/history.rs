//! Random histories: what the runner tells of them, and what a plain GROUP BY says.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use super::Stack;
use bus::publish::Outgoing;
use chrono::{DateTime, SecondsFormat, Timelike, Utc};
use contracts::{subject, v1};
use flow_model::{AccountId, ExecutionId, WorkflowId};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use tokio_postgres::Client;

const QUARTER_MS: i64 = 15 * 60 * 1000;
const DAY_MS: i64 = 96 * QUARTER_MS;
const EXECUTIONS: usize = 300;
/// Days around which clocks change in the zones below, and a plain one.
const CENTRES: [&str; 5] = [
    "2026-03-29T01:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2026-10-25T01:00:00Z",
    "2026-01-01T00:00:00Z",
];
const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "America/New_York",
    "Pacific/Chatham",
    "Etc/GMT+12",
];

/// One execution.
pub struct Ran {
    pub id: ExecutionId,
    pub at_ms: i64,
    pub channel: &'static str,
    pub customer: String,
    pub failed: bool,
    pub duration_ms: i64,
    pub by_api: bool,
    pub replies: usize,
}

pub fn history(rng: &mut StdRng) -> Vec<Ran> {
    let centre = CENTRES[rng.random_range(0..CENTRES.len())];
    let centre = DateTime::parse_from_rfc3339(centre).unwrap().timestamp_millis();
    let spread = [DAY_MS / 4, 3 * DAY_MS, 60 * DAY_MS, 200 * DAY_MS][rng.random_range(0..4)];
    let ran = |rng: &mut StdRng| {
        let at_ms = centre + rng.random_range(-spread..spread);
        let id = uuid::Builder::from_unix_timestamp_millis(at_ms.unsigned_abs(), &rng.random()).into_uuid();
        Ran {
            id: ExecutionId::new(id),
            at_ms,
            channel: ["whatsapp", "web", "voice"][rng.random_range(0..3)],
            customer: format!("customer-{}", rng.random_range(0..40)),
            failed: rng.random_range(0..5) == 0,
            duration_ms: if rng.random() { rng.random_range(0..20) } else { rng.random_range(0..100_000) },
            by_api: rng.random_range(0..6) == 0,
            replies: rng.random_range(0..4),
        }
    };
    (0..EXECUTIONS).map(|_| ran(rng)).collect()
}

/// The history as the runner tells it: commits of some executions each, one message for each event type of a commit.
pub fn told(workflow: WorkflowId, history: &[Ran], commit_no: &mut [u64]) -> Vec<Vec<Outgoing>> {
    history
        .chunks(4)
        .enumerate()
        .map(|(number, executions)| {
            let partition = number % commit_no.len();
            commit_no[partition] += 1;
            commit(workflow, executions, u32::try_from(partition).unwrap(), commit_no[partition])
        })
        .collect()
}

fn commit(workflow: WorkflowId, executions: &[Ran], partition: u32, commit_no: u64) -> Vec<Outgoing> {
    let mut by_type: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for execution in executions {
        let mut tell = |event_type: &'static str| {
            let time = DateTime::<Utc>::from_timestamp_millis(execution.at_ms).unwrap();
            let event = json!({
                "type": event_type, "time": time.to_rfc3339_opts(SecondsFormat::Millis, true),
                "data": {
                    "partition": partition, "commit_no": commit_no, "index": 0, "channel": execution.channel,
                    "customer_id": execution.customer, "workflow_id": workflow.to_string(),
                    "execution_id": execution.id.to_string(), "duration_ms": execution.duration_ms,
                    "status": if execution.failed { "failed" } else { "success" },
                }
            });
            by_type.entry(event_type).or_default().push(event);
        };
        if !execution.by_api {
            tell("message.received");
        }
        tell("workflow.started");
        (0..execution.replies).for_each(|_| tell("message.sent"));
        tell("workflow.completed");
        if execution.failed {
            tell("workflow.failed");
        }
    }
    let mut index = 0;
    let message = |(event_type, mut events): (&str, Vec<Value>)| {
        for event in &mut events {
            event["data"]["index"] = json!(index);
            index += 1;
        }
        Outgoing {
            subject: subject::events(AccountId::named("default"), event_type),
            headers: Vec::new(),
            payload: Value::Array(events).to_string().into(),
        }
    };
    by_type.into_iter().map(message).collect()
}

pub async fn keep(client: &Client, workflow: WorkflowId, history: &[Ran]) {
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS history (workflow uuid, at timestamptz, channel text, customer text, failed bool,
                duration_ms bigint, received bigint, sent bigint)",
        )
        .await
        .unwrap();
    for ran in history {
        let at = DateTime::<Utc>::from_timestamp_millis(ran.at_ms).unwrap();
        let sent = i64::try_from(ran.replies).unwrap();
        client
            .execute(
                "INSERT INTO history VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
                &[
                    workflow.as_uuid(),
                    &at,
                    &ran.channel,
                    &ran.customer,
                    &ran.failed,
                    &ran.duration_ms,
                    &i64::from(!ran.by_api),
                    &sent,
                ],
            )
            .await
            .unwrap();
    }
}

/// Numbers of one bucket: executions, failed ones, sum of durations.
type Row = (i64, i64, i64);

/// What the database says of each bucket that has something, by its name there.
async fn grouped(client: &Client, workflow: WorkflowId, question: &Question) -> BTreeMap<String, Row> {
    let name = match question.granularity {
        // The same hour twice, before and after a change of the clocks, is two.
        v1::Granularity::Hour => {
            "to_char(date_trunc('hour', at AT TIME ZONE $4), 'YYYY-MM-DD HH24') || ' ' ||
             extract(epoch FROM (at AT TIME ZONE $4) - (at AT TIME ZONE 'UTC'))::int"
        }
        v1::Granularity::Day => "to_char(at AT TIME ZONE $4, 'YYYY-MM-DD')",
        v1::Granularity::Week => "to_char(date_trunc('week', at AT TIME ZONE $4), 'YYYY-MM-DD')",
        _ => "to_char(date_trunc('month', at AT TIME ZONE $4), 'YYYY-MM-DD')",
    };
    let sql = format!(
        "SELECT {name}, count(*), count(*) FILTER (WHERE failed), sum(duration_ms)::bigint FROM history
         WHERE workflow = $1 AND at >= $2 AND at < $3 GROUP BY 1"
    );
    let (from, to) = question.times();
    let rows = client.query(&sql, &[workflow.as_uuid(), &from, &to, &question.zone]).await.unwrap();
    rows.iter().map(|row| (row.get(0), (row.get(1), row.get(2), row.get(3)))).collect()
}

/// What to ask.
pub struct Question {
    pub span: (i64, i64),
    pub granularity: v1::Granularity,
    pub zone: &'static str,
}

impl Question {
    pub fn random(rng: &mut StdRng, history: &[Ran]) -> Self {
        let granularities =
            [v1::Granularity::Hour, v1::Granularity::Day, v1::Granularity::Week, v1::Granularity::Month];
        let granularity = granularities[rng.random_range(0..4)];
        let longest = if granularity == v1::Granularity::Hour { 80 * DAY_MS } else { 200 * DAY_MS };
        let start = history[rng.random_range(0..history.len())].at_ms - rng.random_range(0..2 * DAY_MS);
        let length = rng.random_range(QUARTER_MS..longest);
        let start = start.div_euclid(QUARTER_MS) * QUARTER_MS;
        let end = (start + length).div_euclid(QUARTER_MS) * QUARTER_MS;
        Self { span: (start, end), granularity, zone: ZONES[rng.random_range(0..ZONES.len())] }
    }

    fn times(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        let time = |ms| DateTime::<Utc>::from_timestamp_millis(ms).unwrap();
        (time(self.span.0), time(self.span.1))
    }

    /// A year, from a border of a day on or from anywhere.
    pub fn of_a_year(rng: &mut StdRng, history: &[Ran]) -> Self {
        let granularities = [v1::Granularity::Day, v1::Granularity::Week, v1::Granularity::Month];
        let start = history[rng.random_range(0..history.len())].at_ms - rng.random_range(0..400 * DAY_MS);
        let unit = if rng.random() { DAY_MS } else { QUARTER_MS };
        let start = start.div_euclid(unit) * unit;
        let granularity = granularities[rng.random_range(0..3)];
        Self {
            span: (start, start + 365 * DAY_MS),
            granularity,
            zone: ZONES[rng.random_range(0..ZONES.len())],
        }
    }

    /// The database's name of a bucket.
    fn name(&self, label: &str) -> String {
        if self.granularity != v1::Granularity::Hour {
            return label.to_owned();
        }
        let time = DateTime::parse_from_rfc3339(label).unwrap();
        format!("{} {:02} {}", time.date_naive(), time.hour(), time.offset().local_minus_utc())
    }
}

pub async fn check(stack: &Stack, client: &Client, workflow: WorkflowId, question: &Question) {
    let shown = format!("{:?} {:?} {}", question.times(), question.granularity, question.zone);
    let found = stack.metrics(workflow, question.span, question.granularity, question.zone).await;
    assert_eq!((found.start_ms, found.end_ms), question.span, "{shown}");
    let number = |number: u64| i64::try_from(number).unwrap();
    let mut told: BTreeMap<String, Row> = BTreeMap::new();
    for point in &found.series {
        let numbers = point.numbers.unwrap();
        let row =
            (number(numbers.succeeded + numbers.failed), number(numbers.failed), number(numbers.duration_ms));
        let earlier = told.insert(question.name(&point.label), row);
        assert_eq!(earlier, None, "{shown}: {} comes twice", point.label);
    }
    told.retain(|_, row| row.0 > 0);
    assert_eq!(told, grouped(client, workflow, question).await, "{shown}");

    let (from, to) = question.times();
    let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [workflow.as_uuid(), &from, &to];
    let all = client
        .query_one(
            "SELECT count(*) FILTER (WHERE NOT failed), count(*) FILTER (WHERE failed), COALESCE(sum(received), 0)::bigint,
                COALESCE(sum(sent), 0)::bigint, count(DISTINCT customer),
                percentile_disc(0.5) WITHIN GROUP (ORDER BY duration_ms), percentile_disc(0.95) WITHIN GROUP (ORDER BY duration_ms),
                percentile_disc(0.99) WITHIN GROUP (ORDER BY duration_ms)
             FROM history WHERE workflow = $1 AND at >= $2 AND at < $3",
            &parameters,
        )
        .await
        .unwrap();
    let totals = found.totals.unwrap();
    let numbers = [
        totals.succeeded,
        totals.failed,
        totals.messages_received,
        totals.messages_sent,
        found.unique_customers,
    ];
    for (column, told) in numbers.into_iter().enumerate() {
        assert_eq!(number(told), all.get::<_, i64>(column), "{shown}: column {column}");
    }
    for (column, told) in
        [found.p50_duration_ms, found.p95_duration_ms, found.p99_duration_ms].into_iter().enumerate()
    {
        let exact: Option<i64> = all.get(5 + column);
        assert_eq!(told.is_some(), exact.is_some(), "{shown}");
        let (told, exact) = (told.unwrap_or(0), exact.unwrap_or(0));
        let allowed = if exact < 128 { 0 } else { exact / 128 + 1 };
        assert!((told - exact).abs() <= allowed, "{shown}: {told} for {exact}");
    }
    let channels = client
        .query(
            "SELECT channel, count(*) FROM history WHERE workflow = $1 AND at >= $2 AND at < $3 GROUP BY 1 ORDER BY 1",
            &parameters,
        )
        .await
        .unwrap();
    let exact: Vec<(String, i64)> = channels.iter().map(|row| (row.get(0), row.get(1))).collect();
    let told: Vec<(String, i64)> =
        found.channels.iter().map(|channel| (channel.channel.clone(), number(channel.executions))).collect();
    assert_eq!(told, exact, "{shown}");
}
