//! Reads the head of a request, and refuses one that could be understood in more than one way.

mod rules;

use super::refusal::Refusal;

/// Bytes of a request line at most: method, target and version.
const REQUEST_LINE_BYTES_MAX: usize = 8 * 1024;
/// Bytes of a head at most.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Fields of a head at most; the framework reads no more.
const FIELDS_MAX: usize = 96;

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes; 0 is no body.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// How far a head has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is not there yet.
    More,
    /// It is so many bytes long, and a body follows that is framed so.
    Complete(usize, Framing),
    /// It is not taken.
    Refused(Refusal),
}

/// Looks at each byte of a head once, however they come.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    seen: usize,
    lines: usize,
    line_bytes: usize,
    empty_line_before: bool,
    after_cr: bool,
}

impl HeadReader {
    /// Reads on. `bytes` are all bytes since the head began.
    pub fn read(&mut self, bytes: &[u8]) -> Reading {
        for &byte in bytes.get(self.seen..).unwrap_or_default() {
            self.seen += 1;
            match self.take(byte) {
                Ok(false) => {}
                Ok(true) => {
                    let head = bytes.get(..self.seen).unwrap_or_default();
                    return match rules::framing(head) {
                        Ok(framing) => Reading::Complete(self.seen, framing),
                        Err(reason) => Reading::Refused(Refusal::Head(reason)),
                    };
                }
                Err(refusal) => return Reading::Refused(refusal),
            }
        }
        Reading::More
    }

    /// Whether the head is complete with this byte.
    fn take(&mut self, byte: u8) -> Result<bool, Refusal> {
        if self.seen > HEAD_BYTES_MAX {
            return Err(Refusal::Fields);
        }
        match byte {
            b'\n' if self.after_cr => {
                self.after_cr = false;
                self.end_line()
            }
            _ if self.after_cr => Err(Refusal::Head("A line ends with CR alone")),
            b'\r' => {
                self.after_cr = true;
                Ok(false)
            }
            b'\n' => Err(Refusal::Head("A line ends with LF alone")),
            0..=8 | 11..=31 | 127 => Err(Refusal::Head("There is a control character in the head")),
            _ => {
                self.line_bytes += 1;
                let too_long = self.lines == 0 && self.line_bytes > REQUEST_LINE_BYTES_MAX;
                if too_long { Err(Refusal::Target) } else { Ok(false) }
            }
        }
    }

    fn end_line(&mut self) -> Result<bool, Refusal> {
        match (self.line_bytes, self.lines) {
            // RFC 9112 §2.2: one empty line before a request is overlooked.
            (0, 0) if self.empty_line_before => {
                Err(Refusal::Head("There are empty lines before the request"))
            }
            (0, 0) => {
                self.empty_line_before = true;
                Ok(false)
            }
            (0, _) => Ok(true),
            (_, lines) if lines > FIELDS_MAX => Err(Refusal::Fields),
            _ => {
                self.lines += 1;
                self.line_bytes = 0;
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Reading {
        HeadReader::default().read(head.as_bytes())
    }

    #[test]
    fn a_head_is_complete_with_its_last_byte_however_it_comes() {
        let head = b"POST /v1/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n";
        let mut reader = HeadReader::default();
        for end in 0..head.len() {
            assert_eq!(reader.read(&head[..end]), Reading::More, "{end}");
        }
        assert_eq!(reader.read(head), Reading::Complete(head.len(), Framing::Length(2)));
        let more = [&head[..], b"{}GET"].concat();
        assert_eq!(HeadReader::default().read(&more), Reading::Complete(head.len(), Framing::Length(2)));
    }

    #[test]
    fn one_empty_line_before_is_overlooked() {
        assert_eq!(read("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), Reading::Complete(29, Framing::Length(0)));
        assert!(matches!(read("\r\n\r\n"), Reading::Refused(Refusal::Head(_))));
    }

    #[test]
    fn line_ends_are_cr_lf_and_nothing_else() {
        for head in [
            "GET / HTTP/1.1\nHost: a\n\n",
            "GET / HTTP/1.1\r\nHost: a\n",
            "GET / HTTP/1.1\r\nHost: a\rX: b",
            "GET / HTTP/1.1\r\nHost: a\r\n\rX",
            "\n",
            "\r\r",
            "GET / HTTP/1.1\r\nHost: a\0",
            "GET /\x7f",
            "\x16\x03\x01",
        ] {
            assert!(matches!(read(head), Reading::Refused(Refusal::Head(_))), "{head:?}");
        }
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_complete() {
        let long = "a".repeat(REQUEST_LINE_BYTES_MAX);
        assert_eq!(read(&format!("GET /{long}")), Reading::Refused(Refusal::Target));
        let begin = "GET / HTTP/1.1\r\nHost: a\r\n";
        assert_eq!(
            read(&format!("{begin}X: {}", "a".repeat(HEAD_BYTES_MAX))),
            Reading::Refused(Refusal::Fields)
        );
        assert_eq!(
            read(&format!("{begin}{}", "A: b\r\n".repeat(FIELDS_MAX))),
            Reading::Refused(Refusal::Fields)
        );
        let most = format!("{begin}{}\r\n", "A: b\r\n".repeat(FIELDS_MAX - 1));
        assert_eq!(read(&most), Reading::Complete(most.len(), Framing::Length(0)));
    }
}
