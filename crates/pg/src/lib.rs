//! PostgreSQL for the services: a pool, transactions in tasks of their own, migrations.
//!
//! Every wait has an end: for a connection, for a statement, for a whole transaction. Each service lives in a
//! schema of its own, which its connections find by `search_path`. No table is known here, but how one is cut by time.

mod config;
mod durability;
mod error;
mod migrate;
mod pool;
mod prepared;
pub mod raw;
mod roles;
pub mod slices;

pub use config::PgConfig;
pub use durability::{Durability, durability_problems};
pub use error::{Unavailable, is_unavailable};
pub use migrate::{MigrateError, migrate};
pub use pool::{Connection, Pool};
pub use prepared::{Prepare, Prepared};
pub use roles::role_of;
