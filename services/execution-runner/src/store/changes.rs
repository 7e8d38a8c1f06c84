//! Several changes as one statement.
//!
//! Each statement costs the database and the runner a message, mostly a system call and a wake-up, whatever it does: more than a
//! small change itself. So the changes of a commit are written as one statement, each as a part of a `WITH` clause (PostgreSQL,
//! "Data-Modifying Statements in WITH"). All parts see the rows as they were before, so no two may touch the same row: what has
//! to go first goes in a statement before, in the same transaction.

use std::collections::HashMap;
use std::fmt::Write;

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Statement};

/// Prepared statements that are kept; when there are more all are dropped and prepared again as they are needed. A loop meets
/// a few dozen combinations of changes.
const PREPARED_MAX: usize = 256;

/// The columns that a change takes, from `$1` on.
pub(super) type Columns = Vec<Box<dyn ToSql + Sync + Send>>;

/// A column from a list.
pub(super) fn column<T, V>(items: &[T], value: impl Fn(&T) -> V) -> Box<dyn ToSql + Sync + Send>
where
    V: ToSql + Sync + Send + 'static,
{
    Box::new(items.iter().map(value).collect::<Vec<V>>())
}

/// Statements by the names of their changes, prepared on one connection.
#[derive(Default)]
pub(super) struct Prepared(HashMap<Vec<&'static str>, Statement>);

/// A change that is a part of a statement.
struct Change {
    name: &'static str,
    sql: &'static str,
    columns: Columns,
}

/// The changes of one transaction.
#[derive(Default)]
pub(super) struct Changes {
    fence: Option<Change>,
    first: Vec<Change>,
    others: Vec<Change>,
}

impl Changes {
    /// What must change as many rows as its first column has elements, or nothing changes: the statement divides by zero.
    pub fn fence(&mut self, sql: &'static str, columns: Columns) {
        self.fence = Some(Change { name: FENCE, sql, columns });
    }

    /// A change of rows that no other one touches, but for those that go first.
    pub fn add(&mut self, name: &'static str, sql: &'static str, columns: Columns) {
        self.others.push(Change { name, sql, columns });
    }

    /// A change that goes before others of the same rows.
    pub fn add_first(&mut self, name: &'static str, sql: &'static str, columns: Columns) {
        self.first.push(Change { name, sql, columns });
    }

    /// Makes all of them, or none.
    pub async fn make(self, client: &Client, prepared: &mut Prepared) -> Result<(), Error> {
        let Self { fence, first, others } = self;
        if first.is_empty() {
            let all: Vec<Change> = fence.into_iter().chain(others).collect();
            let statement = prepared.statement(client, &all).await?;
            return run(client, &statement, &all).await;
        }
        let first: Vec<Change> = fence.into_iter().chain(first).collect();
        let before = prepared.statement(client, &first).await?;
        let after = prepared.statement(client, &others).await?;
        // Each future sends its message when it is first polled, so all of them go out in order before any is waited for.
        let (begun, removed, changed, ended) = futures::join!(
            client.batch_execute("BEGIN"),
            run(client, &before, &first),
            run(client, &after, &others),
            client.batch_execute("COMMIT"),
        );
        begun.and(removed).and(changed).and(ended)
    }
}

impl Prepared {
    async fn statement(&mut self, client: &Client, changes: &[Change]) -> Result<Statement, Error> {
        let names: Vec<&'static str> = changes.iter().map(|change| change.name).collect();
        if let Some(statement) = self.0.get(&names) {
            return Ok(statement.clone());
        }
        if self.0.len() >= PREPARED_MAX {
            self.0.clear();
        }
        let statement = client.prepare(&text(changes)).await?;
        self.0.insert(names, statement.clone());
        Ok(statement)
    }
}

/// The name of the part that is a fence.
const FENCE: &str = "fence";

/// One statement of these changes. The query that ends it runs first, and with it the fence.
fn text(changes: &[Change]) -> String {
    let mut text = String::new();
    let mut before = 0;
    for change in changes {
        text.push_str(if text.is_empty() { "WITH " } else { ", " });
        // A name of its own, since it hides the table of the same name.
        write!(text, "{}_part AS (", change.name).ok();
        add_shifted(&mut text, change.sql, before);
        text.push(')');
        before += change.columns.len();
    }
    let is_fenced = changes.first().is_some_and(|change| change.name == FENCE);
    text.push_str(if is_fenced {
        " SELECT 1 / (count(*) = cardinality($1::int[]))::int FROM fence_part"
    } else {
        " SELECT 1"
    });
    text
}

/// Adds a statement whose parameters come after so many others.
fn add_shifted(text: &mut String, sql: &str, before: usize) {
    let mut pieces = sql.split('$');
    text.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        write!(text, "${}{rest}", number.parse::<usize>().unwrap_or(0) + before).ok();
    }
}

async fn run(client: &Client, statement: &Statement, changes: &[Change]) -> Result<(), Error> {
    let columns = changes.iter().flat_map(|change| &change.columns);
    let columns: Vec<&(dyn ToSql + Sync)> = columns.map(|column| &**column as &(dyn ToSql + Sync)).collect();
    client.query(statement, &columns).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(name: &'static str, sql: &'static str, columns: usize) -> Change {
        Change { name, sql, columns: (0..columns).map(|_| column(&[0], |n: &i32| *n)).collect() }
    }

    #[test]
    fn parameters_are_numbered_through() {
        let one = change("one", "INSERT INTO one SELECT * FROM UNNEST($1::int[], $2::int[])", 2);
        let two = change("two", "DELETE FROM two WHERE id = ANY($1)", 1);
        assert_eq!(
            text(&[one, two]),
            "WITH one_part AS (INSERT INTO one SELECT * FROM UNNEST($1::int[], $2::int[])), \
             two_part AS (DELETE FROM two WHERE id = ANY($3)) SELECT 1"
        );
    }

    #[test]
    fn a_fence_is_looked_at_first() {
        let fence = change(FENCE, "UPDATE one SET a = $2 WHERE id = ANY($1) RETURNING 1", 2);
        let text = text(&[fence, change("two", "DELETE FROM two WHERE id = ANY($1)", 1)]);
        assert!(text.ends_with("(DELETE FROM two WHERE id = ANY($3)) SELECT 1 / (count(*) = cardinality($1::int[]))::int FROM fence_part"), "{text}");
    }
}
