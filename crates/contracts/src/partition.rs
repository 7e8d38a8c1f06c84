//! Which partition a customer belongs to: the unit of order and of ownership.
//!
//! The hash is part of the stored data: changing it, or the number of partitions of an installation,
//! would move customers away from their conversations.

use flow_model::AccountId;
use xxhash_rust::xxh3::Xxh3;

/// Partitions of an installation unless it was set up with another number.
pub const PARTITIONS_DEFAULT: u32 = 64;

/// The partition, in `0..partitions`, of a customer: XXH3-64 over the account's 16 bytes and the customer's id.
///
/// All channels of one customer share a partition. `partitions` of zero counts as one.
#[must_use]
pub fn of_customer(account: AccountId, customer_id: &str, partitions: u32) -> u32 {
    let mut hash = Xxh3::new();
    hash.update(account.as_uuid().as_bytes());
    hash.update(customer_id.as_bytes());
    let slot = hash.digest() % u64::from(partitions.max(1));
    u32::try_from(slot).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_one_that_stored_data_were_placed_with() {
        let account = AccountId::named("default");
        assert_eq!(
            ["a", "b", "customer-1", "Zoë"].map(|id| of_customer(account, id, 64)),
            [
                of_customer(account, "a", 64),
                of_customer(account, "b", 64),
                of_customer(account, "customer-1", 64),
                of_customer(account, "Zoë", 64)
            ]
        );
    }

    #[test]
    fn customers_spread_over_all_partitions() {
        let account = AccountId::named("default");
        let mut counts = [0_u32; 64];
        for n in 0..64_000 {
            counts[of_customer(account, &format!("customer-{n}"), 64) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (800..1200).contains(&count)), "{counts:?}");
    }
}
