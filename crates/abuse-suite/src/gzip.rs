//! A bomb: few bytes of gzip (RFC 1952) that unfold to very many.
//!
//! Deflate (RFC 1951) says "258 bytes more of the last one" in thirteen bits.

/// Bytes that one such saying stands for.
const RUN: usize = 258;

/// At least so many spaces, packed.
pub fn bomb(bytes: usize) -> Vec<u8> {
    let runs = bytes.div_ceil(RUN);
    let mut bits = Bits::default();
    // The last block, with fixed codes.
    bits.low_first(1, 1);
    bits.low_first(1, 2);
    // A space: codes of literals below 144 are 8 bits, from 00110000.
    bits.code(0b0011_0000 + u32::from(b' '), 8);
    for _ in 0..runs {
        // Length 258 is 285, whose code is 11000101; distance 1 is 00000.
        bits.code(0b1100_0101, 8);
        bits.code(0, 5);
    }
    // The end of the block.
    bits.code(0, 7);
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    packed.extend(bits.finish());
    let plain = vec![b' '; runs * RUN + 1];
    packed.extend(crc32fast::hash(&plain).to_le_bytes());
    packed.extend(u32::try_from(plain.len()).unwrap_or(u32::MAX).to_le_bytes());
    packed
}

/// Bits as deflate packs them.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn bit(&mut self, bit: u32) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut()
            && bit == 1
        {
            *last |= 1 << (self.used % 8);
        }
        self.used += 1;
    }

    fn low_first(&mut self, value: u32, bits: u32) {
        (0..bits).for_each(|place| self.bit(value >> place & 1));
    }

    fn code(&mut self, value: u32, bits: u32) {
        (0..bits).rev().for_each(|place| self.bit(value >> place & 1));
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn gzip_unfolds_it() {
        let packed = bomb(1_000_000);
        assert!(packed.len() < 8_000, "{}", packed.len());
        let mut gzip = Command::new("gzip")
            .args(["-d", "-c"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = gzip.stdin.take().unwrap();
        let writing = std::thread::spawn(move || stdin.write_all(&packed).unwrap());
        let unfolded = gzip.wait_with_output().unwrap();
        writing.join().unwrap();
        assert!(unfolded.status.success());
        assert!(unfolded.stdout.len() >= 1_000_000 && unfolded.stdout.iter().all(|byte| *byte == b' '));
    }
}
