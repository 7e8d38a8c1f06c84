//! Who was there: by quarter of an hour, and from that by UTC day, so that distinct customers of many days are a sum.
//!
//! `visits` says it all; `visitors` and `returns` follow from it (`flow_rollup::visitor`) in the transaction that changes it,
//! whose caller holds the row of `progress`. Rows of `returns` that come to 0 stay; they go with their day. Should they ever differ, the
//! owner of the schema has `make_visitors()`, which makes both anew.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use flow_model::WorkflowId;
use flow_rollup::day::day_of;
use flow_rollup::{Day, Returns, Span, Visit, Visitor};
use pg::Prepare;
use uuid::Uuid;

use super::by_day::days_around;
use super::retention::KEPT_SINCE;
use super::{StoreError, time};

/// Customers of workflows, and days of theirs.
type Days = BTreeMap<(WorkflowId, Uuid), BTreeSet<Day>>;
/// What is news of a customer: [`Visitor::comes`] or [`Visitor::leaves`].
type Step = fn(&mut Visitor, Day, &mut Returns) -> bool;

#[derive(QueryableByName)]
struct VisitRow {
    #[diesel(sql_type = SqlUuid)]
    workflow_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    customer: Uuid,
    #[diesel(sql_type = Timestamptz)]
    quarter: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct KnownRow {
    #[diesel(sql_type = Nullable<Array<Integer>>)]
    days: Option<Vec<Day>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    kept_since: Option<DateTime<Utc>>,
}

/// Notes who was there.
pub(super) async fn add(connection: &mut AsyncPgConnection, visits: &[Visit]) -> Result<(), StoreError> {
    let new: Vec<VisitRow> = sql_query(
        "INSERT INTO visits (workflow_id, quarter, customer)
         SELECT * FROM UNNEST($1::uuid[], $2::timestamptz[], $3::uuid[]) ON CONFLICT DO NOTHING
         RETURNING workflow_id, quarter, customer",
    )
    .bind::<Array<SqlUuid>, _>(visits.iter().map(|visit| *visit.workflow.as_uuid()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(visits.iter().map(|visit| time(visit.quarter_ms)).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(visits.iter().map(|visit| visit.customer).collect::<Vec<_>>())
    .prepared()
    .get_results(connection)
    .await?;
    follow(connection, &days_of(new), Visitor::comes).await
}

/// Forgets who was there in a span.
pub(super) async fn remove(
    connection: &mut AsyncPgConnection,
    workflow: WorkflowId,
    span: Span,
) -> Result<(), StoreError> {
    let removed = sql_query(
        "DELETE FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3 RETURNING workflow_id, quarter, customer",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(span.start_ms))
    .bind::<Timestamptz, _>(time(span.end_ms))
    .get_results(connection)
    .await?;
    let mut left = days_of(removed);
    // Who was there in another quarter of the same day still was there on that day.
    let days = days_around(span);
    let stayed = sql_query(
        "SELECT workflow_id, quarter, customer FROM visits WHERE workflow_id = $1 AND quarter >= $2 AND quarter < $3",
    )
    .bind::<SqlUuid, _>(workflow.as_uuid())
    .bind::<Timestamptz, _>(time(days.start_ms))
    .bind::<Timestamptz, _>(time(days.end_ms))
    .get_results(connection)
    .await?;
    for (customer, days) in days_of(stayed) {
        if let Some(left) = left.get_mut(&customer) {
            left.retain(|day| !days.contains(day));
        }
    }
    follow(connection, &left, Visitor::leaves).await
}

fn days_of(visits: Vec<VisitRow>) -> Days {
    let mut days = Days::new();
    for visit in visits {
        let customer = (WorkflowId::new(visit.workflow_id), visit.customer);
        days.entry(customer).or_default().insert(day_of(visit.quarter.timestamp_millis()));
    }
    days
}

/// Brings `visitors` and `returns` up to date with what is news.
async fn follow(connection: &mut AsyncPgConnection, news: &Days, step: Step) -> Result<(), StoreError> {
    if news.is_empty() {
        return Ok(());
    }
    let known = known(connection, news).await?;
    let mut changed: Vec<(&(WorkflowId, Uuid), Visitor)> = Vec::new();
    let mut returns: BTreeMap<WorkflowId, Returns> = BTreeMap::new();
    for ((customer, days), row) in news.iter().zip(known) {
        let mut visitor = Visitor::of(row.days.unwrap_or_default());
        // Days that are not kept any more count for nobody.
        let kept = row.kept_since.map_or(Day::MIN, |time| day_of(time.timestamp_millis()));
        visitor.forget_before(kept);
        let returns = returns.entry(customer.0).or_default();
        let taken = days.range(kept..).filter(|day| step(&mut visitor, **day, returns)).count();
        if taken > 0 {
            changed.push((customer, visitor));
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    keep(connection, &changed).await?;
    count(connection, &returns).await
}

/// What is known of customers, in their order.
async fn known(connection: &mut AsyncPgConnection, customers: &Days) -> Result<Vec<KnownRow>, StoreError> {
    let rows = sql_query(format!(
        "SELECT days, {KEPT_SINCE} AS kept_since
         FROM UNNEST($1::uuid[], $2::uuid[]) WITH ORDINALITY AS wanted (workflow_id, customer, position)
         LEFT JOIN LATERAL (SELECT days FROM visitors WHERE visitors.workflow_id = wanted.workflow_id
             AND visitors.customer = wanted.customer LIMIT 1) AS known ON true ORDER BY position"
    ))
    .bind::<Array<SqlUuid>, _>(customers.keys().map(|(workflow, _)| *workflow.as_uuid()).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(customers.keys().map(|(_, customer)| *customer).collect::<Vec<_>>())
    .prepared()
    .get_results(connection)
    .await?;
    Ok(rows)
}

async fn keep(
    connection: &mut AsyncPgConnection,
    changed: &[(&(WorkflowId, Uuid), Visitor)],
) -> Result<(), StoreError> {
    let workflows: Vec<Uuid> = changed.iter().map(|((workflow, _), _)| *workflow.as_uuid()).collect();
    let customers: Vec<Uuid> = changed.iter().map(|((_, customer), _)| *customer).collect();
    let days: Vec<String> = changed.iter().map(|(_, visitor)| as_text(visitor.days())).collect();
    sql_query(
        "INSERT INTO visitors (workflow_id, customer, days)
         SELECT workflow_id, customer, days::integer[]
         FROM UNNEST($1::uuid[], $2::uuid[], $3::text[]) AS changed (workflow_id, customer, days)
         ON CONFLICT (workflow_id, customer) DO UPDATE SET days = EXCLUDED.days",
    )
    .bind::<Array<SqlUuid>, _>(&workflows)
    .bind::<Array<SqlUuid>, _>(&customers)
    .bind::<Array<Text>, _>(days)
    .prepared()
    .execute(connection)
    .await?;
    if changed.iter().all(|(_, visitor)| !visitor.days().is_empty()) {
        return Ok(());
    }
    sql_query(
        "DELETE FROM visitors USING UNNEST($1::uuid[], $2::uuid[]) AS changed (workflow_id, customer)
         WHERE visitors.workflow_id = changed.workflow_id AND visitors.customer = changed.customer AND days = '{}'",
    )
    .bind::<Array<SqlUuid>, _>(workflows)
    .bind::<Array<SqlUuid>, _>(customers)
    .execute(connection)
    .await?;
    Ok(())
}

/// As the database writes them: of arrays in an array all would have to have one length.
fn as_text(days: &[Day]) -> String {
    format!("{{{}}}", days.iter().map(Day::to_string).collect::<Vec<_>>().join(","))
}

async fn count(
    connection: &mut AsyncPgConnection,
    returns: &BTreeMap<WorkflowId, Returns>,
) -> Result<(), StoreError> {
    let changes =
        returns.iter().flat_map(|(workflow, returns)| returns.changes().map(|change| (*workflow, change)));
    let (mut workflows, mut widths, mut last_days, mut days, mut customers) =
        (vec![], vec![], vec![], vec![], vec![]);
    for (workflow, (of, change)) in changes {
        workflows.push(*workflow.as_uuid());
        widths.push(of.width);
        last_days.push(of.last_day);
        days.push(of.day);
        customers.push(change);
    }
    sql_query(
        "INSERT INTO returns AS stored (workflow_id, width, last_day, day, customers)
         SELECT * FROM UNNEST($1::uuid[], $2::int[], $3::int[], $4::int[], $5::bigint[])
         ON CONFLICT (workflow_id, width, last_day, day) DO UPDATE SET customers = stored.customers + EXCLUDED.customers",
    )
    .bind::<Array<SqlUuid>, _>(workflows)
    .bind::<Array<Integer>, _>(widths)
    .bind::<Array<Integer>, _>(last_days)
    .bind::<Array<Integer>, _>(days)
    .bind::<Array<BigInt>, _>(customers)
    .prepared()
    .execute(connection)
    .await?;
    Ok(())
}
