//! How long something is kept: so many days, or for ever.

/// A setting such as `--keep-executions-days`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    days: Option<u32>,
}

impl Keep {
    /// A hundred years: who wants more wants for ever.
    pub const DAYS_MAX: u32 = 36_500;
    /// It never goes.
    pub const FOREVER: Self = Self { days: None };

    /// So many days.
    #[must_use]
    pub const fn days(days: u32) -> Self {
        Self { days: Some(days) }
    }

    /// Reads a setting that may be `MIN` days or more, or `0` or `forever`.
    ///
    /// # Errors
    /// What it may be, when it is something else.
    pub fn parse<const MIN: u32>(text: &str) -> Result<Self, String> {
        if text == "0" || text.eq_ignore_ascii_case("forever") {
            return Ok(Self::FOREVER);
        }
        let days = text.parse::<u32>().ok().filter(|days| (MIN..=Self::DAYS_MAX).contains(days));
        days.map(Self::days).ok_or_else(|| {
            format!("it is {MIN} to {} days, or 0 or forever, which is for ever", Self::DAYS_MAX)
        })
    }

    /// How many days; none is for ever.
    #[must_use]
    pub fn in_days(self) -> Option<u32> {
        self.days
    }

    /// What began before this is over its time, Unix milliseconds; none when nothing ever is.
    #[must_use]
    pub fn since_ms(self, now_ms: i64) -> Option<i64> {
        Some(now_ms - self.ms()?)
    }

    /// The same in milliseconds.
    #[must_use]
    pub fn ms(self) -> Option<i64> {
        Some(i64::from(self.days?) * 24 * 60 * 60 * 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_days_or_for_ever_is_read_and_nothing_else() {
        for (text, days) in
            [("8", Some(8)), ("400", Some(400)), ("36500", Some(36_500)), ("0", None), ("Forever", None)]
        {
            assert_eq!(Keep::parse::<8>(text).map(Keep::in_days), Ok(days), "{text}");
        }
        for text in ["7", "-1", "36501", "", "30d", "never", "99999999999"] {
            let refused = Keep::parse::<8>(text);
            assert_eq!(
                refused.unwrap_err(),
                "it is 8 to 36500 days, or 0 or forever, which is for ever",
                "{text}"
            );
        }
    }

    #[test]
    fn what_began_earlier_is_over_its_time() {
        assert_eq!(Keep::days(2).since_ms(172_800_001), Some(1));
        assert_eq!(Keep::FOREVER.since_ms(1), None);
    }
}
