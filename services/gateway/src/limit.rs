//! How much a key may ask for: so many requests of a class in any hour, over all gateways and their restarts.
//!
//! **What must be true.** Of one key and class never more than the limit pass in any 3600 s, whichever gateways serve them,
//! whatever dies, and whether the database is there or not. While it is there, a request is refused only when so many
//! passed in the hour, but for a slice and a share of each gateway that holds or has lost one.
//!
//! **How.** The database has a row for each key and class: the [`ledger`]. A gateway leases a slice of the limit, in one
//! transaction that holds the row, and lets as many requests pass by itself ([`holding`]). It leases the next one in the
//! background, before the slice is used up or too old, so that requests do not wait for the database. What it does not
//! use it closes, and tells the ledger how much was used. Slices are small ([`terms`]); a limit of 50 or less has slices of
//! one request, leased when that comes. A share is a slice that is kept for when the database is away.
//!
//! **Why never more.** Time is the database's clock here.
//! 1. Out of a slice that was leased at T requests pass from T to T + u only, at most as many as its size, and none once it is
//!    closed. The gateway counts u from before it asked, and gives up 5 s early.
//! 2. A slice counts from T to T + u + 3600 s with its size; or, when the ledger is told at C that it is closed with n used,
//!    from then on with n, to C + 3600 s or T + u + 3600 s. Either way what passed at t counts from T to t + 3600 s.
//! 3. A slice is leased only so large that all that counts at its T, itself included, is within the limit.
//!
//! Take any 3600 s, and of the slices out of which requests passed in them the one that was leased last, at T, which is not
//! after their end. What passed out of the others in these 3600 s passed later than T - 3600 s, and they were leased before
//! T; so all of it counts at T, by 2, and is within the limit together with the whole last slice, by 3. When the limit
//! changes, that is the largest one under which anything was leased; a gateway closes what it holds under a larger one.
//!
//! **When any line is the last one** of a gateway: before the commit nothing was leased. After it, also when the answer is
//! lost or late, the slice counts and nobody uses it; what nobody tells of counts as a whole until it is over. Closing twice
//! is closing once. What was committed after its asker gave up is such a slice. A row whose entries are all over is
//! removed; another begins empty.
//!
//! **Clocks.** The database's may run a twelfth faster or slower than a gateway's, and may be set back, which has everything
//! count longer; when it is set forward, everything counts as much less long. A gateway believes whichever of its own two
//! clocks says that more time has passed ([`moment`]).
//!
//! All of this is played in `games.rs`, by the code that runs.
//!
//! Deliberately absent: agreement between gateways beside the row, a list of gateways, any state that a gateway would
//! have to keep.

pub(crate) mod addresses;
mod holding;
pub(crate) mod ledger;
mod limiter;
mod moment;
mod overrides;
mod quota;
mod terms;

#[cfg(test)]
mod games;

pub(crate) use limiter::{Admission, Limiter};
pub use overrides::{LIMIT_MAX, Limits, NotALimit};
pub use quota::Quotas;
pub(crate) use quota::{Class, Subject};

/// The time that a limit speaks of, seconds.
pub(crate) const WINDOW_SECONDS: i64 = 3600;
/// The same in milliseconds.
pub(crate) const WINDOW_MS: i64 = WINDOW_SECONDS * 1000;

/// How a key stands after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Of which class.
    pub class: Class,
    /// Requests in any hour.
    pub limit: u32,
    /// Requests that are left, as far as this gateway knows.
    pub remaining: u32,
    /// After so many seconds there are more; 0 when nothing is used.
    pub reset_seconds: i64,
}
