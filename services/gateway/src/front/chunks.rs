//! Reads the framing of a body in chunks (RFC 9112 §7.1), and refuses what the framework would overlook: bare line ends in
//! trailers, blanks around sizes, extensions without end.

/// Digits of a chunk's size at most: 4 GiB less one byte.
const DIGITS_MAX: u8 = 8;
/// Bytes of all extensions of a body at most. Nobody uses them, and they must be overlooked.
const EXTENSION_BYTES_MAX: usize = 1024;
/// Bytes of all trailers at most. They are overlooked, too.
const TRAILER_BYTES_MAX: usize = 4 * 1024;

/// How far a body has come.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// All these bytes belong to it, and it goes on.
    More,
    /// It ends with so many of these bytes.
    Done(usize),
    /// It is not taken.
    Refused(&'static str),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    LineBegin,
    Trailer,
    TrailerLf,
    EndLf,
}

/// A body in chunks.
#[derive(Debug)]
pub(super) struct Chunks {
    place: Place,
    size: u64,
    digits: u8,
    extension_bytes: usize,
    trailer_bytes: usize,
}

impl Default for Chunks {
    fn default() -> Self {
        Self { place: Place::Size, size: 0, digits: 0, extension_bytes: 0, trailer_bytes: 0 }
    }
}

impl Chunks {
    /// Reads on.
    pub fn read(&mut self, bytes: &[u8]) -> Step {
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            if self.place == Place::Data {
                let here = (bytes.len() - at).min(usize::try_from(self.size).unwrap_or(usize::MAX));
                at += here;
                self.size -= here as u64;
                if self.size == 0 {
                    self.place = Place::DataCr;
                }
                continue;
            }
            at += 1;
            match self.take(byte) {
                Ok(Some(place)) => self.place = place,
                Ok(None) => return Step::Done(at),
                Err(reason) => return Step::Refused(reason),
            }
        }
        Step::More
    }

    /// Where a byte leads; nowhere when it is the last one.
    fn take(&mut self, byte: u8) -> Result<Option<Place>, &'static str> {
        let next = match (self.place, byte) {
            (Place::Size, b'\r') if self.digits > 0 => Place::SizeLf,
            (Place::Size, b';') if self.digits > 0 => Place::Extension,
            (Place::Size, digit) => self.digit(digit)?,
            (Place::Extension, b'\r') => Place::SizeLf,
            (Place::Extension, b'\t' | b' '..=b'~') => self.extension()?,
            (Place::Extension, _) => return Err("There is a control character in a chunk's extension"),
            (Place::SizeLf, b'\n') if self.size == 0 => Place::LineBegin,
            (Place::SizeLf, b'\n') => Place::Data,
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => {
                self.digits = 0;
                Place::Size
            }
            (Place::LineBegin, b'\r') => Place::EndLf,
            (Place::LineBegin | Place::Trailer, b'\t' | b' '..=b'~' | 0x80..) => self.trailer()?,
            (Place::Trailer, b'\r') => Place::TrailerLf,
            (Place::LineBegin | Place::Trailer, _) => {
                return Err("There is a control character in a trailer");
            }
            (Place::TrailerLf, b'\n') => Place::LineBegin,
            (Place::EndLf, b'\n') => return Ok(None),
            (Place::SizeLf | Place::TrailerLf | Place::EndLf, _) => return Err("A line ends with CR alone"),
            (Place::DataCr | Place::DataLf | Place::Data, _) => {
                return Err("A chunk is longer than its size");
            }
        };
        Ok(Some(next))
    }

    fn digit(&mut self, byte: u8) -> Result<Place, &'static str> {
        let digit = char::from(byte).to_digit(16).filter(|_| self.digits < DIGITS_MAX);
        let digit = digit.ok_or("The size of a chunk is no number of 1 to 8 hexadecimal digits")?;
        let before = if self.digits == 0 { 0 } else { self.size };
        self.size = before * 16 + u64::from(digit);
        self.digits += 1;
        Ok(Place::Size)
    }

    fn extension(&mut self) -> Result<Place, &'static str> {
        self.extension_bytes += 1;
        let fits = self.extension_bytes <= EXTENSION_BYTES_MAX;
        if fits { Ok(Place::Extension) } else { Err("The extensions of chunks are too long") }
    }

    fn trailer(&mut self) -> Result<Place, &'static str> {
        self.trailer_bytes += 1;
        let fits = self.trailer_bytes <= TRAILER_BYTES_MAX;
        if fits { Ok(Place::Trailer) } else { Err("The trailers are too long") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_its_last_chunk_does_however_it_comes() {
        for body in [
            "0\r\n\r\n",
            "2\r\n{}\r\n0\r\n\r\n",
            "1;a=\"b c\"\r\n\n\r\n00000A\r\n0123456789\r\n000\r\nX: a\r\nY: b\r\n\r\n",
        ] {
            let more = format!("{body}GET");
            assert_eq!(Chunks::default().read(more.as_bytes()), Step::Done(body.len()), "{body:?}");
            let mut chunks = Chunks::default();
            for (at, byte) in body.bytes().enumerate() {
                let expected = if at + 1 == body.len() { Step::Done(1) } else { Step::More };
                assert_eq!(chunks.read(&[byte]), expected, "{body:?} {at}");
            }
        }
    }

    #[test]
    fn what_is_framed_loosely_is_refused() {
        let extension = format!("1;{}\r\n", "a".repeat(EXTENSION_BYTES_MAX + 1));
        let many = "1;abcdefgh\r\nx\r\n".repeat(EXTENSION_BYTES_MAX / 8 + 1);
        let trailer = format!("0\r\nX: {}", "a".repeat(TRAILER_BYTES_MAX));
        for body in [
            "\r\n",
            "x\r\n",
            "-1\r\n",
            "+1\r\n",
            "0x1\r\n",
            " 1\r\n",
            "1 \r\n",
            "1\n",
            "1\rx",
            "1;\n",
            "1;\0\r\n",
            "123456789\r\n",
            "1\r\nab\r\n",
            "1\r\na\n",
            "1\r\na\r1",
            "0\r\n\n",
            "0\r\nX: a\n",
            "0\r\nX: a\rb",
            "0\r\n\rx",
            &extension,
            &many,
            &trailer,
        ] {
            assert!(matches!(Chunks::default().read(body.as_bytes()), Step::Refused(_)), "{body:?}");
        }
    }
}
