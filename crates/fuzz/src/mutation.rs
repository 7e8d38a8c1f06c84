//! Changes to inputs, the same for the same seed.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Changes that are made to one input at most.
const CHANGES_MAX: u32 = 6;
/// Bytes of an input at most: what is longer finds nothing more, and takes longer.
const BYTES_MAX: usize = 16 * 1024;
/// Bytes that are repeated at most.
const REPEATED_MAX: usize = 4096;
/// What decoders look for.
const TOKENS: [&str; 40] = [
    "{",
    "}",
    "[",
    "]",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "-",
    "0",
    "1e999",
    "9223372036854775808",
    "{{",
    "}}",
    "{%",
    "%}",
    "(",
    ")",
    "?",
    ":",
    ".",
    "<",
    "</",
    ">",
    "<!--",
    "&#x",
    "#",
    "```",
    "|",
    "/",
    "%%EOF",
    "obj",
    "stream",
    "data:",
    "\u{0}",
    "\u{202e}",
    "\u{feff}",
    "İ",
];

/// Makes inputs of those of a corpus.
#[derive(Debug)]
pub struct Mutator {
    rng: StdRng,
}

impl Mutator {
    /// With this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { rng: StdRng::seed_from_u64(seed) }
    }

    /// An input made of one of these, or of two.
    pub fn input(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut input = self.pick(corpus).cloned().unwrap_or_default();
        for _ in 0..self.rng.random_range(1..=CHANGES_MAX) {
            self.change(&mut input, corpus);
        }
        input.truncate(BYTES_MAX);
        input
    }

    fn change(&mut self, input: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let (start, end) = self.span(input.len());
        match self.rng.random_range(0..9_u8) {
            0 => self.set(input, start, |byte, random| byte ^ (1 << (random % 8))),
            1 => self.set(input, start, |_, random| random),
            2 => self.set(input, start, |byte, random| byte.wrapping_add(random % 35).wrapping_sub(17)),
            3 => drop(input.drain(start..end)),
            4 => {
                let piece = input.get(start..end).unwrap_or_default().to_vec();
                let times =
                    (REPEATED_MAX / piece.len().max(1)).clamp(1, 1 << self.rng.random_range(0..8_u32));
                insert(input, end, &piece.repeat(times));
            }
            5 => {
                let token = self.pick(&TOKENS).copied().unwrap_or_default();
                let times = 1 << self.rng.random_range(0..8_u32);
                insert(input, start, token.repeat(times).as_bytes());
            }
            6 => input.truncate(start),
            7 => {
                let other = self.pick(corpus).cloned().unwrap_or_default();
                let (from, to) = self.span(other.len());
                insert(input, start, other.get(from..to).unwrap_or_default());
            }
            _ => {
                let piece: Vec<u8> = input.drain(start..end).collect();
                let (place, _) = self.span(input.len());
                insert(input, place, &piece);
            }
        }
    }

    fn set(&mut self, input: &mut [u8], place: usize, change: impl Fn(u8, u8) -> u8) {
        let random = self.rng.random();
        if let Some(byte) = input.get_mut(place) {
            *byte = change(*byte, random);
        }
    }

    /// A span, rather a short one.
    fn span(&mut self, length: usize) -> (usize, usize) {
        let start = self.rng.random_range(0..=length);
        let most = (length - start).min(1 << self.rng.random_range(0..12_u32));
        (start, start + self.rng.random_range(0..=most))
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.rng.random_range(0..of.len())) }
    }
}

fn insert(input: &mut Vec<u8>, place: usize, piece: &[u8]) {
    if input.len() + piece.len() <= BYTES_MAX {
        input.splice(place..place, piece.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_inputs_and_another_one_others() {
        let corpus = [b"{\"a\": 1}".to_vec(), b"hello".to_vec()];
        let inputs = |seed| {
            let mut mutator = Mutator::new(seed);
            (0..100).map(|_| mutator.input(&corpus)).collect::<Vec<_>>()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        assert!(inputs(1).iter().any(|input| !corpus.contains(input)));
    }

    #[test]
    fn inputs_are_bounded_and_made_of_nothing_too() {
        let mut mutator = Mutator::new(7);
        for _ in 0..2000 {
            assert!(mutator.input(&[vec![b'x'; BYTES_MAX]]).len() <= BYTES_MAX);
            assert!(mutator.input(&[]).len() <= BYTES_MAX);
        }
    }
}
