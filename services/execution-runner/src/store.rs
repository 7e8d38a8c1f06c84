//! The runner's tables.
//!
//! The partition loop's side ([`PgStore`]) is written by hand over one connection, since its statements are sent in
//! one go; the rest of the product reads through the pool. No other service touches these tables.

mod changes;
mod code;
mod commit;
mod conversations;
pub(crate) mod dead_letters;
mod due;
pub(crate) mod erase;
mod lease;
mod load;
mod loop_store;
mod maintenance;
pub(crate) mod read;
pub(crate) mod republish;
mod retention;
mod setup;
mod slices;
mod waits;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

use conversations::noted_at_ms;
pub(crate) use load::deduplication_ms;
pub use loop_store::PgStore;
pub use maintenance::{Maintenance, MaintenanceError};
pub use retention::{Kept, Retention};
pub use setup::{PrepareError, prepare};

/// The schema that the tables live in.
pub const SCHEMA: &str = "runner";
/// The tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
