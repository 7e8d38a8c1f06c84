//! Looking for a text in everything that a product has written.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Bytes that are looked at in one piece.
const PIECE_BYTES: usize = 1 << 20;

/// Every file in a directory, and in those in it.
pub fn all(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { all(&path) } else { vec![path] }).collect()
}

/// Which of these texts a file holds, also as the database shows bytes, in hexadecimal.
pub fn found<'a>(path: &Path, wanted: &'a [String]) -> io::Result<Vec<&'a str>> {
    let forms: Vec<(&str, Vec<u8>)> = wanted
        .iter()
        .flat_map(|text| [(text.as_str(), text.clone().into_bytes()), (text.as_str(), hexadecimal(text))])
        .collect();
    let longest = forms.iter().map(|(_, form)| form.len()).max().unwrap_or(0);
    let mut file = File::open(path)?;
    let mut bytes: Vec<u8> = Vec::with_capacity(PIECE_BYTES + longest);
    let mut found: Vec<&str> = Vec::new();
    loop {
        let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut bytes)?;
        for (text, form) in &forms {
            if !found.contains(text) && holds(&bytes, form) {
                found.push(text);
            }
        }
        if read == 0 {
            return Ok(found);
        }
        // What stands on the border of two pieces is in the next one.
        bytes.drain(..bytes.len().saturating_sub(longest));
    }
}

/// Whether these bytes hold those.
pub fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    let Some((first, _)) = wanted.split_first() else { return true };
    let mut left = bytes;
    while let Some(place) = left.iter().position(|byte| byte == first) {
        left = left.get(place..).unwrap_or_default();
        if left.starts_with(wanted) {
            return true;
        }
        left = left.get(1..).unwrap_or_default();
    }
    false
}

fn hexadecimal(text: &str) -> Vec<u8> {
    text.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_wherever_it_stands_and_in_hexadecimal() {
        let path = std::env::temp_dir().join(format!("abuse-files-{}", std::process::id()));
        let wanted = ["planted-1", "planted-2", "planted-3"].map(str::to_owned);
        let mut bytes = vec![b'p'; PIECE_BYTES - 4];
        bytes.extend_from_slice(b"planted-1 and ");
        bytes.extend_from_slice(&hexadecimal("planted-2"));
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(found(&path, &wanted).unwrap(), ["planted-1", "planted-2"]);
        std::fs::remove_file(&path).unwrap();
    }
}
