//! How a limit is cut into slices.

use uuid::Uuid;

/// Limits up to this are exact: every request is leased by itself.
pub(crate) const EXACT_MAX: u32 = 50;
/// A slice is this part of the limit.
const SLICES: u32 = 20;
/// A share is this part of the limit.
const SHARES: u32 = 100;
/// Requests pass out of a slice for so long after it was leased, milliseconds.
const SLICE_USABLE_MS: i64 = 60_000;
/// The same of a share: longer than a known key is good while the database is away.
const SHARE_USABLE_MS: i64 = 180_000;
/// The same of the slice of a single request.
const EXACT_USABLE_MS: i64 = 15_000;
/// Gateways stop so much earlier, for clocks that run at different rates: by a twelfth in a minute.
pub(crate) const CLOCKS_MARGIN_MS: i64 = 5_000;

/// What a gateway leases of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Requests in any hour.
    pub limit: u32,
    /// What it holds at most.
    pub slice: Lease,
    /// What it keeps for when the ledger is away, or has nothing more. 0 where the limit is exact.
    pub share: Lease,
}

/// Something to be leased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub id: Uuid,
    pub size: u32,
    pub usable_ms: i64,
}

impl Terms {
    /// Those of a limit.
    pub fn of(limit: u32) -> Self {
        let lease = |size, usable_ms| Lease { id: Uuid::nil(), size, usable_ms };
        if limit <= EXACT_MAX {
            return Self { limit, slice: lease(1, EXACT_USABLE_MS), share: lease(0, 0) };
        }
        Self {
            limit,
            slice: lease(limit.div_ceil(SLICES), SLICE_USABLE_MS),
            share: lease(limit.div_ceil(SHARES), SHARE_USABLE_MS),
        }
    }

    /// Whether slices are leased before they are needed.
    pub fn is_ahead(&self) -> bool {
        self.limit > EXACT_MAX
    }
}
