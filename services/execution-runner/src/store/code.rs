//! How values stand in the database: counts as `bigint`, channels and states as small numbers, times to the millisecond.

use chrono::{DateTime, Utc};
use flow_model::Channel;

use crate::partition::port::WaitsOn;

/// A count as a `bigint`.
pub(crate) fn big(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// A `bigint` as a count.
pub(crate) fn count(big: i64) -> u64 {
    u64::try_from(big).unwrap_or(0)
}

/// A partition or revision number as an `integer`.
pub(crate) fn int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// An `integer` as a partition or revision number.
pub(crate) fn number(int: i32) -> u32 {
    u32::try_from(int).unwrap_or(0)
}

/// The latest time that is stored: the end of the year 9999, Unix milliseconds.
const LATEST_MS: i64 = 253_402_300_799_999;

/// A time; later ones are the latest.
pub(crate) fn time(ms: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(ms.min(LATEST_MS)).unwrap_or_default()
}

/// A channel's number. Part of the stored data: never renumbered.
pub(crate) fn channel(name: &str) -> i16 {
    match name.parse() {
        Ok(Channel::Whatsapp) => 1,
        Ok(Channel::Instagram) => 2,
        Ok(Channel::Voice) => 3,
        Ok(Channel::Web) => 4,
        Ok(Channel::Api) => 5,
        Err(_) => 0,
    }
}

/// The channel of a number.
pub(crate) fn channel_name(code: i16) -> &'static str {
    Channel::ALL.into_iter().map(Channel::as_str).find(|name| channel(name) == code).unwrap_or_default()
}

/// The number of what a conversation waits for. Part of the stored data: never renumbered.
pub(crate) fn waits_on_code(on: WaitsOn) -> i16 {
    match on {
        WaitsOn::Input => 0,
        WaitsOn::Time => 1,
        WaitsOn::Activity => 2,
        WaitsOn::Agent => 3,
        WaitsOn::Retry => 4,
    }
}

/// What a number says.
pub(crate) fn waits_on(code: i16) -> WaitsOn {
    match code {
        1 => WaitsOn::Time,
        2 => WaitsOn::Activity,
        3 => WaitsOn::Agent,
        4 => WaitsOn::Retry,
        _ => WaitsOn::Input,
    }
}
