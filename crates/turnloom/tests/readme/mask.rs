//! Hides what differs from run to run: ids, times, durations with their bars, and the width of columns.

/// A line without them.
pub fn masked(line: &str) -> String {
    // A step that took a moment longer has a bar.
    let words: Vec<&str> = line.split_whitespace().filter(|word| !is_bar(word)).collect();
    let word = |(position, word): (usize, &&str)| {
        let measured = words.get(position + 1).is_some_and(|next| next.starts_with("ms"))
            || position.checked_sub(1).is_some_and(|before| words[before].contains("_ms\":"));
        if is_time(word) {
            "TIME".to_owned()
        } else if measured && word.starts_with(|first: char| first.is_ascii_digit()) {
            "N".to_owned()
        } else {
            without_uuids(word)
        }
    };
    let masked: Vec<String> = words.iter().enumerate().map(word).collect();
    masked.join(" ")
}

fn is_bar(word: &str) -> bool {
    word.chars().all(|c| ('█'..='▏').contains(&c))
}

/// A date, a time, or both.
fn is_time(word: &str) -> bool {
    let word = word.trim_matches(['"', ',']);
    let digits = word.chars().filter(char::is_ascii_digit).count();
    digits >= 6 && word.chars().all(|c| c.is_ascii_digit() || "-:.TZ+".contains(c))
}

fn without_uuids(word: &str) -> String {
    const UUID: usize = 36;
    let mut rest = word;
    let mut kept = String::new();
    while let Some(first) = rest.chars().next() {
        let is_uuid = rest.get(..UUID).is_some_and(|part| {
            part.chars().all(|c| c.is_ascii_hexdigit() || c == '-') && part.matches('-').count() == 4
        });
        if is_uuid {
            kept.push_str("UUID");
            rest = &rest[UUID..];
        } else {
            kept.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    kept
}
