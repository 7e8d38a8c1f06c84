//! `GET /v1/workflows/{workflow_id}/metrics`: numbers of a period, and their course.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use chrono::{DateTime, Days, SecondsFormat, TimeZone, Utc};
use chrono_tz::Tz;
use contracts::{ErrorCode, v1};
use flow_model::WorkflowId;
use flow_rollup::series;
use platform::clock::{self, rfc3339};
use serde::Serialize;
use utoipa::ToSchema;

use super::usage::AiUsageView;
use super::view::rate;
use crate::http::caller::Caller;
use crate::http::error::ApiError;
use crate::http::operation::{Answer, Kind, Operation, Parameter, Shape};
use crate::http::query::{Moment, Query};
use crate::key::Level;
use crate::limit::Class;
use crate::state::State;

/// Days of a period whose beginning is not given, its last one included.
const DAYS_DEFAULT: u64 = 30;

pub(in crate::http) static OPERATION: Operation = Operation {
    id: "getWorkflowMetrics",
    method: Method::GET,
    path: "/v1/workflows/{workflow_id}/metrics",
    summary: "Get workflow metrics",
    description: "Numbers by quarter of an hour, summed: a `start_date` or `end_date` between two quarters is moved outwards, and \
                  `period` says what was used. An execution counts at its start. The series is named after the granularity: \
                  `hourly_metrics`, `daily_metrics`, `weekly_metrics` (ISO weeks), `monthly_metrics`; at most 2000 buckets.",
    level: Level::ReadOnly,
    class: Class::Read,
    query: &[
        Parameter {
            name: "start_date",
            description: "Start of the period; a date begins at midnight of `timezone`. 30 days before its end unless given",
            required: false,
            kind: Kind::Time { example: "2024-01-01" },
        },
        Parameter {
            name: "end_date",
            description: "End of the period; a date is included. Now unless given",
            required: false,
            kind: Kind::Time { example: "2024-01-31" },
        },
        Parameter {
            name: "granularity",
            description: "How fine the series is; `day` unless given",
            required: false,
            kind: Kind::Choice(&["hour", "day", "week", "month"]),
        },
        Parameter {
            name: "timezone",
            description: "IANA name of the zone whose hours, days, weeks and months count; `UTC` unless given",
            required: false,
            kind: Kind::Zone,
        },
    ],
    body: None,
    answers: &[Answer {
        status: 200,
        description: "The numbers",
        schema: Shape::One("WorkflowMetrics"),
        example: include_str!("../openapi/examples/metrics.json"),
    }],
    errors: &[ErrorCode::WorkflowNotFound],
    headers: &[],
};

/// The numbers of a workflow.
#[derive(Serialize, ToSchema)]
#[schema(as = WorkflowMetrics)]
pub(in crate::http) struct MetricsView {
    workflow_id: String,
    period: PeriodView,
    /// Everything that was handled before this is counted.
    #[schema(format = DateTime)]
    as_of: String,
    /// Whether nothing of the period that was handled before `as_of` is missing.
    complete: bool,
    metrics: NumbersView,
    #[serde(skip_serializing_if = "Option::is_none")]
    hourly_metrics: Option<Vec<PointView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    daily_metrics: Option<Vec<PointView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    weekly_metrics: Option<Vec<PointView>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    monthly_metrics: Option<Vec<PointView>>,
}

/// The period that was counted, both ends included.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricsPeriod)]
pub(in crate::http) struct PeriodView {
    #[schema(format = DateTime)]
    start_date: String,
    #[schema(format = DateTime)]
    end_date: String,
}

/// Numbers of the whole period.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricsNumbers)]
pub(in crate::http) struct NumbersView {
    total_executions: u64,
    successful_executions: u64,
    failed_executions: u64,
    /// Successful ones among all, 0 to 1, rounded to two decimals.
    #[schema(required)]
    success_rate: Option<f64>,
    /// Mean, rounded to whole milliseconds.
    #[schema(required)]
    average_duration_ms: Option<u64>,
    /// Median; exact below 128 ms, else off by at most 0.8 %.
    #[schema(required)]
    p50_duration_ms: Option<i64>,
    #[schema(required)]
    p95_duration_ms: Option<i64>,
    #[schema(required)]
    p99_duration_ms: Option<i64>,
    total_messages_sent: u64,
    total_messages_received: u64,
    /// Exact, for any period.
    unique_customers: u64,
    /// Executions by channel; channels without any are left out.
    channel_breakdown: BTreeMap<String, u64>,
    /// What AI answers took; left out when there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AiUsageView, required = false)]
    ai: Option<AiUsageView>,
}

/// One bucket of a series.
#[derive(Serialize, ToSchema)]
#[schema(as = MetricsPoint)]
pub(in crate::http) struct PointView {
    /// When it begins: a date, or for an hour a time with the zone's offset.
    date: String,
    executions: u64,
    #[schema(required)]
    success_rate: Option<f64>,
    #[schema(required)]
    average_duration_ms: Option<u64>,
    /// What AI answers took; left out when there were none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = AiUsageView, required = false)]
    ai: Option<AiUsageView>,
}

#[derive(Serialize)]
struct One {
    data: MetricsView,
}

pub(in crate::http) async fn metrics(
    Caller { account }: Caller,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let query = Query::of(&request, &OPERATION)?;
    let zone = zone(&query)?;
    let (start_ms, end_ms) = period(&query, zone, clock::now_ms())?;
    let granularity = query
        .choice(
            "granularity",
            &[
                ("hour", v1::Granularity::Hour),
                ("day", v1::Granularity::Day),
                ("week", v1::Granularity::Week),
                ("month", v1::Granularity::Month),
            ],
        )?
        .unwrap_or(v1::Granularity::Day);
    let id = super::id_of(&path)?;
    state.services.workflow(account, id).await?;
    let wanted = v1::GetMetricsRequest {
        account_id: account.to_vec().into(),
        workflow_id: id.to_vec().into(),
        start_ms,
        end_ms,
        granularity: granularity.into(),
        timezone: zone.name().to_owned(),
    };
    let found = state.services.metrics(&wanted).await?;
    Ok(HttpResponse::Ok().json(One { data: view(id, granularity, found) }))
}

fn zone(query: &Query) -> Result<Tz, ApiError> {
    let Some(name) = query.text("timezone")? else { return Ok(Tz::UTC) };
    name.parse().map_err(|_| {
        let details = "The parameter 'timezone' must be an IANA name such as Europe/Berlin";
        ApiError::invalid("timezone", details)
    })
}

/// The first millisecond, and the first one after the end.
fn period(query: &Query, zone: Tz, now_ms: i64) -> Result<(i64, i64), ApiError> {
    let start = query.moment("start_date")?;
    let end = query.moment("end_date")?.unwrap_or(Moment::Time(now_ms));
    let start_ms = match start {
        Some(start) => start.first_ms(zone),
        None => default_start(end, zone),
    };
    if start_ms > end.last_ms(zone) {
        return Err(ApiError::invalid("end_date", "The parameter 'end_date' is before 'start_date'"));
    }
    Ok((start_ms, end.end_ms(zone)))
}

fn default_start(end: Moment, zone: Tz) -> i64 {
    let last = match end {
        Moment::Date(date) => date,
        Moment::Time(ms) => {
            let utc = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default();
            zone.from_utc_datetime(&utc.naive_utc()).date_naive()
        }
    };
    series::begins(last.checked_sub_days(Days::new(DAYS_DEFAULT - 1)).unwrap_or(last), zone)
}

fn view(id: WorkflowId, granularity: v1::Granularity, found: v1::GetMetricsResponse) -> MetricsView {
    let totals = found.totals.unwrap_or_default();
    let points: Vec<PointView> = found.series.into_iter().map(point).collect();
    let mut view = MetricsView {
        workflow_id: id.to_string(),
        period: PeriodView {
            start_date: whole_seconds(found.start_ms),
            end_date: whole_seconds(found.end_ms - 1000),
        },
        as_of: rfc3339(found.as_of_ms),
        complete: found.complete,
        metrics: NumbersView {
            total_executions: totals.succeeded + totals.failed,
            successful_executions: totals.succeeded,
            failed_executions: totals.failed,
            success_rate: rate(totals.succeeded, totals.failed),
            average_duration_ms: mean(&totals),
            p50_duration_ms: found.p50_duration_ms,
            p95_duration_ms: found.p95_duration_ms,
            p99_duration_ms: found.p99_duration_ms,
            total_messages_sent: totals.messages_sent,
            total_messages_received: totals.messages_received,
            unique_customers: found.unique_customers,
            channel_breakdown: found
                .channels
                .into_iter()
                .map(|channel| (channel.channel, channel.executions))
                .collect(),
            ai: totals.ai.map(AiUsageView::from),
        },
        hourly_metrics: None,
        daily_metrics: None,
        weekly_metrics: None,
        monthly_metrics: None,
    };
    match granularity {
        v1::Granularity::Hour => view.hourly_metrics = Some(points),
        v1::Granularity::Day | v1::Granularity::Unspecified => view.daily_metrics = Some(points),
        v1::Granularity::Week => view.weekly_metrics = Some(points),
        v1::Granularity::Month => view.monthly_metrics = Some(points),
    }
    view
}

fn point(point: v1::SeriesPoint) -> PointView {
    let numbers = point.numbers.unwrap_or_default();
    PointView {
        date: point.label,
        executions: numbers.succeeded + numbers.failed,
        success_rate: rate(numbers.succeeded, numbers.failed),
        average_duration_ms: mean(&numbers),
        ai: numbers.ai.map(AiUsageView::from),
    }
}

/// Rounded half up, by whole numbers; none when nothing ran.
fn mean(numbers: &v1::Numbers) -> Option<u64> {
    let over = numbers.succeeded + numbers.failed;
    (numbers.duration_ms * 2 + over).checked_div(over * 2)
}

/// A time on a whole second, as the reference writes it.
fn whole_seconds(ms: i64) -> String {
    DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Secs, true)
}
