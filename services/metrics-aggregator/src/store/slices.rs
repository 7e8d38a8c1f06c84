//! The aggregator's tables that are cut by time, into thirty days of quarters.

use std::collections::BTreeSet;

use diesel::sql_types::{Array, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use pg::Prepare;
use pg::slices::Sliced;

use super::StoreError;

/// The buckets.
pub(super) const ROLLUPS: Sliced = Sliced::new("rollups", 30);
/// Who was there.
pub(super) const VISITS: Sliced = Sliced::new("visits", 30);

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

/// Makes the slices that rows of these quarters need, in their transaction. Until it ends none of the tables loses a slice.
pub(super) async fn make_room(
    connection: &mut AsyncPgConnection,
    quarters_ms: impl Iterator<Item = i64>,
) -> Result<(), StoreError> {
    let numbers: BTreeSet<i64> = quarters_ms.map(|ms| ROLLUPS.slice_of(ms)).collect();
    let slices = || numbers.iter().flat_map(|slice| [ROLLUPS, VISITS].map(|sliced| (sliced, *slice)));
    let names: Vec<String> = slices().map(|(sliced, slice)| sliced.name(slice)).collect();
    connection.batch_execute("LOCK TABLE ONLY rollups, ONLY visits IN ROW EXCLUSIVE MODE").await?;
    let row: ThereRow = sql_query("SELECT bool_and(to_regclass(name) IS NOT NULL) IS NOT FALSE AS there FROM UNNEST($1::text[]) AS name")
        .bind::<Array<Text>, _>(names)
        .prepared()
        .get_result(connection)
        .await?;
    if !row.there {
        for (sliced, slice) in slices() {
            connection.batch_execute(&sliced.making(slice)).await?;
        }
    }
    Ok(())
}
