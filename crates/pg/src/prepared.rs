//! Statements that a connection parses once.
//!
//! Diesel takes a text of its caller's for one of many and has it parsed and planned each time, which for a statement that touches
//! few rows costs more than its execution, and a round trip more. Keep away from texts that differ from call to call, since each stays
//! in its connection, and from statements whose best plan depends on their values, such as pages of lists: the database may
//! plan a prepared one for any values.

use diesel::QueryResult;
use diesel::pg::Pg;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::sql_types::Untyped;

/// A statement that stays prepared on the connections that it has been run on.
#[derive(Debug, Clone, Copy)]
pub struct Prepared<Q>(Q);

/// Has statements prepared.
pub trait Prepare: Sized {
    /// The same, parsed once on each connection.
    fn prepared(self) -> Prepared<Self>;
}

impl<Q: Query<SqlType = Untyped>> Prepare for Q {
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}

/// Told apart by its text.
impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q> Query for Prepared<Q> {
    type SqlType = Untyped;
}
