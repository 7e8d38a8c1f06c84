//! Times as users write them: `90s`, `15m`, `2h`, `1d`, or ISO 8601 such as `PT1H30M`.

/// Milliseconds of a duration; none when the text is not one, or is longer than an `i64` holds.
///
/// ISO 8601 without years and months, whose length is not fixed, and without fractions.
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    match text.strip_prefix('P') {
        Some(rest) => iso(rest),
        None => short(text),
    }
}

fn short(text: &str) -> Option<i64> {
    let unit = text.chars().last()?;
    let number = text.strip_suffix(unit)?;
    in_ms(
        number,
        match unit {
            's' => 1_000,
            'm' => 60_000,
            'h' => 3_600_000,
            'd' => 86_400_000,
            _ => return None,
        },
    )
}

fn iso(rest: &str) -> Option<i64> {
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None => (rest, ""),
    };
    if date.is_empty() && time.is_empty() {
        return None;
    }
    let date = parts(date, &[('W', 604_800_000), ('D', 86_400_000)])?;
    date.checked_add(parts(time, &[('H', 3_600_000), ('M', 60_000), ('S', 1_000)])?)
}

/// Sums numbers with units, each unit at most once and in order.
fn parts(text: &str, units: &[(char, i64)]) -> Option<i64> {
    let mut left = text;
    let mut sum = 0_i64;
    let mut units = units.iter();
    while !left.is_empty() {
        let end = left.find(|character: char| !character.is_ascii_digit())?;
        let (number, rest) = left.split_at(end);
        let unit = rest.chars().next()?;
        let (_, factor) = units.find(|(known, _)| *known == unit)?;
        sum = sum.checked_add(in_ms(number, *factor)?)?;
        left = rest.strip_prefix(unit)?;
    }
    Some(sum)
}

fn in_ms(number: &str, factor: i64) -> Option<i64> {
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    number.parse::<i64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::parse_ms;

    #[test]
    fn durations_are_read_in_both_forms() {
        for (text, expected) in [
            ("90s", Some(90_000)),
            ("15m", Some(900_000)),
            ("2h", Some(7_200_000)),
            ("1d", Some(86_400_000)),
            ("PT1H30M", Some(5_400_000)),
            ("P1DT1S", Some(86_401_000)),
            ("P2W", Some(1_209_600_000)),
            ("PT0S", Some(0)),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1.5h", None),
            ("P", None),
            ("PT", None),
            ("P1DT", None),
            ("PT1M1H", None),
            ("P1Y", None),
            ("9223372036854775807d", None),
            ("1ü", None),
        ] {
            assert_eq!(parse_ms(text), expected, "{text}");
        }
    }
}
