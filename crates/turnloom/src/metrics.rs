//! `turnloom metrics …`: numbers of a workflow, and whether they are right.

use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use contracts::{subject, v1};
use flow_model::{AccountId, WorkflowId};
use serde_json::{Value, json};

use crate::api::Api;
use crate::connection::Connection;
use crate::output::{self, BOLD, DIM, Format, GREEN, YELLOW, bar, member, percent, sparkline, styled};
use crate::printing::println;
use crate::workflows;

/// A rebuild reads every execution of its span again.
const REBUILD_DEADLINE: Duration = Duration::from_mins(10);

/// What to do with metrics.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Shows the numbers of a workflow
    Show {
        /// Its id or name
        workflow: String,
        /// From this date or time; 30 days unless given
        #[arg(long)]
        since: Option<String>,
        /// Up to this date or time; now unless given
        #[arg(long)]
        until: Option<String>,
        /// hour, day, week or month
        #[arg(long, default_value = "day")]
        granularity: String,
        /// IANA name of a time zone
        #[arg(long, default_value = "UTC")]
        timezone: String,
    },
    /// Counts a span again from the runner's records and shows every difference; none is expected
    Rebuild(Rebuild),
}

/// What `rebuild` takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Rebuild {
    /// The workflow's id or name; all of the account unless given
    workflow: Option<String>,
    /// From this date or time; 30 days ago unless given
    #[arg(long)]
    since: Option<String>,
    /// Up to this date or time; now unless given
    #[arg(long)]
    until: Option<String>,
    /// Puts what differs right
    #[arg(long)]
    apply: bool,
    /// Whose
    #[arg(long, default_value = "default")]
    account: String,
    /// Where NATS is; that of the `turnloom up` in the data directory unless set
    #[arg(long, env = "TURNLOOM_NATS_URL", hide_env_values = true)]
    nats_url: Option<String>,
}

/// Does it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(command: Command, connection: &Connection, format: Format) -> anyhow::Result<()> {
    let api = connection.api()?;
    match command {
        Command::Show { workflow, since, until, granularity, timezone } => {
            let id = workflows::id_of(&api, &workflow).await?;
            let mut query = vec![("granularity", granularity), ("timezone", timezone)];
            query.extend(since.map(|since| ("start_date", since)));
            query.extend(until.map(|until| ("end_date", until)));
            let answer = api.get(&format!("/v1/workflows/{id}/metrics"), &query).await?;
            let found = answer.get("data").unwrap_or(&answer);
            if format.json {
                return output::json(found);
            }
            show(found);
            Ok(())
        }
        Command::Rebuild(arguments) => rebuild(&arguments, &api, connection, format).await,
    }
}

/// Numbers, and their course as bars.
pub(crate) fn show(found: &Value) {
    let number = |name: &str| member(found, &format!("/metrics/{name}"));
    println!(
        "{} to {}",
        styled(BOLD, &member(found, "/period/start_date")),
        styled(BOLD, &member(found, "/period/end_date"))
    );
    let complete = found.get("complete").and_then(Value::as_bool) == Some(true);
    let note = if complete { "complete" } else { "some events are still on their way" };
    println!("  {}", styled(DIM, &format!("as of {}, {note}", member(found, "/as_of"))));
    let duration = |name: &str| match number(name).as_str() {
        "–" => "–".to_owned(),
        ms => format!("{ms} ms"),
    };
    let rows = [
        ("executions", number("total_executions")),
        ("successful", number("successful_executions")),
        ("failed", number("failed_executions")),
        ("success rate", percent(found.pointer("/metrics/success_rate"))),
        ("average duration", duration("average_duration_ms")),
        (
            "p50 / p95 / p99",
            ["p50", "p95", "p99"].map(|name| duration(&format!("{name}_duration_ms"))).join(" / "),
        ),
        (
            "messages in / out",
            format!("{} / {}", number("total_messages_received"), number("total_messages_sent")),
        ),
        ("unique customers", number("unique_customers")),
    ];
    for (name, value) in rows {
        println!("  {name:<18} {value}");
    }
    show_ai(found);
    show_channels(found);
    show_course(found);
}

/// What AI answers took, when there were any.
fn show_ai(found: &Value) {
    let Some(ai) = found.pointer("/metrics/ai").filter(|ai| ai.is_object()) else { return };
    let number = |name: &str| member(ai, &format!("/{name}"));
    let rows = [
        ("ai answers", format!("{}, {} fallbacks", number("answers"), number("fallbacks"))),
        ("tokens in / out", format!("{} / {}", number("prompt_tokens"), number("completion_tokens"))),
        ("model cost", number("cost")),
    ];
    for (name, value) in rows {
        println!("  {name:<18} {value}");
    }
}

fn show_channels(found: &Value) {
    let channels = found.pointer("/metrics/channel_breakdown").and_then(Value::as_object);
    let channels: Vec<(&String, u64)> = channels
        .into_iter()
        .flatten()
        .map(|(name, executions)| (name, executions.as_u64().unwrap_or(0)))
        .collect();
    let largest = channels.iter().map(|(_, executions)| *executions).max().unwrap_or(0);
    for (name, executions) in channels {
        println!("  {name:<18} {} {executions}", styled(GREEN, &bar(executions, largest, 24)));
    }
}

/// The series: bars when it is short, one line of columns when it is long.
fn show_course(found: &Value) {
    const BARS_MAX: usize = 14;
    const COLUMNS_MAX: usize = 60;
    let series = ["hourly", "daily", "weekly", "monthly"]
        .into_iter()
        .find_map(|name| found.get(format!("{name}_metrics"))?.as_array());
    let Some(series) = series else { return };
    let executions: Vec<u64> =
        series.iter().map(|point| point.get("executions").and_then(Value::as_u64).unwrap_or(0)).collect();
    if series.len() > BARS_MAX {
        // Neighbours share a column when there are too many.
        let columns: Vec<u64> = executions
            .chunks(executions.len().div_ceil(COLUMNS_MAX))
            .map(|neighbours| neighbours.iter().sum())
            .collect();
        let ends =
            [series.first(), series.last()].map(|point| point.map_or(String::new(), |p| member(p, "/date")));
        println!(
            "  {} {} {}",
            styled(DIM, &ends[0]),
            styled(GREEN, &sparkline(&columns)),
            styled(DIM, &ends[1])
        );
        return;
    }
    let largest = executions.iter().copied().max().unwrap_or(0);
    for (point, executions) in series.iter().zip(executions) {
        let date = member(point, "/date");
        println!("  {date:<26} {} {executions}", styled(GREEN, &bar(executions, largest, 24)));
    }
}

async fn rebuild(
    arguments: &Rebuild,
    api: &Api,
    connection: &Connection,
    format: Format,
) -> anyhow::Result<()> {
    let bus = connection.bus(arguments.nats_url.as_deref(), "turnloom-metrics").await?;
    let now = platform::clock::now();
    let end_ms = arguments.until.as_deref().map(moment).transpose()?.unwrap_or(now).timestamp_millis();
    let default_start = now - chrono::Duration::days(30);
    let start_ms =
        arguments.since.as_deref().map(moment).transpose()?.unwrap_or(default_start).timestamp_millis();
    let ids = if let Some(workflow) = &arguments.workflow {
        vec![workflows::id_of(api, workflow).await?]
    } else {
        let all = workflows::pages(api, "/v1/workflows", &[], u32::MAX).await?;
        all.iter().map(|workflow| member(workflow, "/id")).collect()
    };
    let mut told = Vec::new();
    let mut differences = 0;
    for id in ids {
        let workflow: WorkflowId = id.parse().with_context(|| format!("{id} is not an id"))?;
        let request = v1::RebuildMetricsRequest {
            account_id: AccountId::named(&arguments.account).to_vec().into(),
            workflow_id: workflow.to_vec().into(),
            start_ms,
            end_ms,
            apply: arguments.apply,
        };
        let answer: v1::RebuildMetricsResponse =
            bus.rpc().call(subject::metrics::REBUILD, &request, REBUILD_DEADLINE).await?;
        differences += answer.differences.len();
        if format.json {
            told.push(as_json(&id, &answer));
        } else {
            show_differences(&id, &answer, start_ms);
        }
    }
    if format.json {
        output::json(&Value::Array(told))?;
    }
    if differences > 0 && !arguments.apply {
        anyhow::bail!("{differences} numbers differ; --apply puts them right");
    }
    Ok(())
}

/// A date, which begins at 00:00 UTC, or a time.
///
/// # Errors
/// When it is neither.
pub(crate) fn moment(text: &str) -> anyhow::Result<DateTime<Utc>> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Ok(date.and_hms_opt(0, 0, 0).unwrap_or_default().and_utc());
    }
    let time = DateTime::parse_from_rfc3339(text);
    Ok(time.with_context(|| format!("'{text}' is not a date or a time"))?.with_timezone(&Utc))
}

fn as_json(id: &str, answer: &v1::RebuildMetricsResponse) -> Value {
    let difference = |difference: &v1::MetricsDifference| {
        json!({
            "quarter": platform::clock::rfc3339(difference.quarter_ms), "channel": difference.channel,
            "name": difference.name, "stored": difference.stored, "recorded": difference.recorded,
        })
    };
    json!({
        "workflow_id": id,
        "since": platform::clock::rfc3339(answer.start_ms),
        "until": platform::clock::rfc3339(answer.end_ms),
        "executions": answer.executions,
        "differences": answer.differences.iter().map(difference).collect::<Vec<_>>(),
    })
}

fn show_differences(id: &str, answer: &v1::RebuildMetricsResponse, since_ms: i64) {
    let count = answer.differences.len();
    let sign = if count == 0 { styled(GREEN, "✓") } else { styled(YELLOW, "~") };
    println!("{sign} {id}: {} executions counted again, {count} differences", answer.executions);
    if answer.start_ms > since_ms {
        let kept_since = platform::clock::rfc3339(answer.start_ms);
        println!("  {}", styled(DIM, &format!("since {kept_since}: no earlier execution is kept")));
    }
    if count > 0 {
        let row = |difference: &v1::MetricsDifference| {
            vec![
                format!("  {}", platform::clock::rfc3339(difference.quarter_ms)),
                difference.channel.clone(),
                difference.name.clone(),
                difference.stored.to_string(),
                difference.recorded.to_string(),
            ]
        };
        let headings = ["  QUARTER", "CHANNEL", "NUMBER", "STORED", "RECORDED"];
        output::table(&headings, answer.differences.iter().map(row).collect());
    }
}
