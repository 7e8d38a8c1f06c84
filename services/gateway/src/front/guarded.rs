//! A connection that hands on to the framework only what has passed the rules, and waits for nobody for ever.

#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

use super::chunks::{Chunks, Step};
use super::door::Place;
use super::head::{Framing, HeadReader, Reading};
use super::patience::{BodyWait, Patience};
use super::refusal::{Mishap, Refusal, STAND_IN_HEAD};

/// A head must be there so long after its first byte, or after the connection was made.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// Whoever takes nothing of an answer for so long does not get the rest.
const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Who sends on after a refusal is listened to for so long, and for so many bytes: what is closed with unread bytes is
/// reset, and then the other side may lose the answer.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Bytes that are read at once.
const READ_BYTES: usize = 8 * 1024;
/// Bytes of a body beyond those that any operation takes: what may be on its way when the operation has refused it.
const BODY_SLACK_BYTES: u64 = 256 * 1024;

/// What a connection is held to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    /// Bytes of a body that any operation takes at most.
    pub body_bytes_max: u64,
}

/// What is read at the moment.
#[derive(Debug)]
enum Phase {
    Head(HeadReader),
    Length(u64),
    Chunked(Chunks),
}

/// A connection with its place.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    rules: Rules,
    /// What has come and is not handed on.
    buffer: BytesMut,
    /// So many bytes of it may be handed on.
    ready: usize,
    phase: Phase,
    /// Nothing more is read.
    ended: bool,
    /// Since when a head is waited for; none between requests.
    head_since: Option<Instant>,
    body: BodyWait,
    body_bytes: u64,
    read_patience: Patience,
    /// Since when nothing can be written.
    stuck_since: Option<Instant>,
    write_patience: Patience,
    /// Since when the rest is overlooked, and how much of it came.
    lingering: Option<(Instant, usize)>,
    mishap: Mishap,
    _place: Option<Place>,
}

impl<S> Guarded<S> {
    /// A connection that was made now.
    pub fn new(stream: S, rules: Rules, place: Option<Place>) -> Self {
        Self {
            stream,
            rules,
            buffer: BytesMut::new(),
            ready: 0,
            phase: Phase::Head(HeadReader::default()),
            ended: false,
            head_since: Some(Instant::now()),
            body: BodyWait::default(),
            body_bytes: 0,
            read_patience: Patience::default(),
            stuck_since: None,
            write_patience: Patience::default(),
            lingering: None,
            mishap: Mishap::default(),
            _place: place,
        }
    }

    /// Where it is told what goes wrong on it.
    pub fn mishap(&self) -> Mishap {
        self.mishap.clone()
    }

    /// Looks at what has come. True when something can be handed on, or nothing more is.
    fn look(&mut self) -> bool {
        match &mut self.phase {
            Phase::Head(reader) => match reader.read(&self.buffer) {
                Reading::More => {
                    self.head_since.get_or_insert_with(Instant::now);
                }
                Reading::Complete(bytes, framing) => self.begin_body(bytes, framing),
                Reading::Refused(refusal) => self.stand_in(refusal),
            },
            Phase::Length(left) => {
                let here = self.buffer.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= here as u64;
                if *left == 0 {
                    self.phase = Phase::Head(HeadReader::default());
                }
                self.pass_body(here);
            }
            Phase::Chunked(chunks) => match chunks.read(&self.buffer) {
                Step::More => self.pass_body(self.buffer.len()),
                Step::Done(bytes) => {
                    self.phase = Phase::Head(HeadReader::default());
                    self.pass_body(bytes);
                }
                Step::Refused(reason) => self.end(Refusal::Body(reason)),
            },
        }
        self.ready > 0 || self.ended
    }

    fn begin_body(&mut self, head_bytes: usize, framing: Framing) {
        self.ready = head_bytes;
        self.head_since = None;
        self.body = BodyWait::default();
        self.body_bytes = 0;
        self.phase = match framing {
            Framing::Length(0) => Phase::Head(HeadReader::default()),
            Framing::Length(bytes) => Phase::Length(bytes),
            Framing::Chunked => Phase::Chunked(Chunks::default()),
        };
    }

    fn pass_body(&mut self, bytes: usize) {
        self.ready = bytes;
        self.body_bytes += bytes as u64;
        if self.body_bytes > self.rules.body_bytes_max.saturating_add(BODY_SLACK_BYTES) {
            self.end(Refusal::BodyLarge);
        }
    }

    /// A head that is not taken: the API says why, in its turn, and the connection ends.
    fn stand_in(&mut self, refusal: Refusal) {
        self.end(refusal);
        self.buffer.extend_from_slice(STAND_IN_HEAD);
        self.ready = self.buffer.len();
    }

    /// For the framework the caller goes away here; who reads the body is told why.
    fn end(&mut self, refusal: Refusal) {
        self.mishap.note(refusal);
        self.buffer.clear();
        self.ready = 0;
        self.ended = true;
    }

    /// Nothing is there to read. True when nothing is waited for any more.
    fn is_late(&mut self, cx: &mut Context<'_>) -> bool {
        match (&self.phase, self.head_since) {
            // Between requests the framework's own time for idle connections runs.
            (Phase::Head(_), None) => false,
            (Phase::Head(_), Some(since)) => {
                let late = self.read_patience.is_over(cx, since + HEAD_DEADLINE);
                match (late, self.buffer.is_empty()) {
                    // Who has said nothing is told nothing.
                    (true, true) => self.ended = true,
                    (true, false) => self.stand_in(Refusal::HeadLate),
                    (false, _) => {}
                }
                late
            }
            (Phase::Length(_) | Phase::Chunked(_), _) => {
                let late = self.read_patience.is_over(cx, self.body.deadline());
                if late {
                    self.end(Refusal::BodyLate);
                }
                late
            }
        }
    }
}

impl<S: AsyncRead + Unpin> Guarded<S> {
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.buffer.reserve(READ_BYTES);
        let read = poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.buffer);
        // Thousands may be idle.
        if read.is_pending() && self.buffer.is_empty() {
            self.buffer = BytesMut::new();
        }
        read
    }

    /// Overlooks what comes after a refusal. Ready when nothing more does, or it is enough.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            self.buffer.clear();
            let more = self.poll_more(cx);
            let (since, bytes) = self.lingering.get_or_insert_with(|| (Instant::now(), 0));
            match more {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(()),
                Poll::Ready(Ok(more)) => {
                    *bytes += more;
                    if *bytes > LINGER_BYTES_MAX {
                        return Poll::Ready(());
                    }
                }
                Poll::Pending => {
                    let over = self.read_patience.is_over(cx, *since + LINGER);
                    return if over { Poll::Ready(()) } else { Poll::Pending };
                }
            }
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.ready > 0 {
                let bytes = this.ready.min(out.remaining());
                out.put_slice(this.buffer.get(..bytes).unwrap_or_default());
                this.buffer.advance(bytes);
                this.ready -= bytes;
                return Poll::Ready(Ok(()));
            }
            if this.ended {
                return Poll::Ready(Ok(()));
            }
            if !this.buffer.is_empty() && this.look() {
                continue;
            }
            match this.poll_more(cx)? {
                Poll::Ready(0) => this.ended = true,
                Poll::Ready(bytes) => this.body.came(bytes),
                Poll::Pending if this.is_late(cx) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        if written.is_ready() {
            this.stuck_since = None;
            return written;
        }
        let since = *this.stuck_since.get_or_insert_with(Instant::now);
        if this.write_patience.is_over(cx, since + WRITE_DEADLINE) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        if this.mishap.get().is_some() {
            ready!(this.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
