//! How events become numbers: buckets by account, workflow, channel and quarter of an hour, and a fold that
//! counts each event once.
//!
//! Pure: no I/O, no clock. The caller keeps the buckets and the places that the fold has reached, and stores both
//! in one transaction.

pub mod bucket;
pub mod fold;

pub use bucket::{Bucket, BucketKey, QUARTER_MS};
pub use fold::{Fact, Fold, Place, What};
