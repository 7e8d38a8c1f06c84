//! How events become numbers, and numbers become series.
//!
//! Buckets by account, workflow, channel and quarter of an hour; a fold that counts each event once; a sketch of
//! durations; what AI answers took; the borders of hours, days, weeks and months in any time zone; and what makes long spans cheap:
//! sums by UTC day, and distinct customers as a sum. Pure: no I/O, no clock. The caller keeps the buckets and the places that the fold has
//! reached, and stores both in one transaction.

pub mod bucket;
pub mod day;
pub mod fold;
pub mod series;
pub mod sketch;
pub mod usage;
pub mod visitor;

pub use bucket::{Bucket, BucketKey, QUARTER_MS, Visit, customer_key};
pub use day::{Cut, DAY_MS, Day, by_day};
pub use fold::{Fact, Fold, Hole, Place, Reached, What, holes};
pub use series::{Granularity, Interval, Span, intervals};
pub use sketch::Sketch;
pub use usage::AiUsage;
pub use visitor::{Returns, Visitor};
