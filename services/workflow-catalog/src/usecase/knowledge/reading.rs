//! Reading documents away from the threads that answer requests: it takes time, and of a PDF also stack.

use std::sync::LazyLock;
use std::thread;
use std::time::Duration;

use contracts::ErrorCode;
use contracts::v1::Failure;
use knowledge::{Document, MediaType, Unreadable};
use tokio::sync::{Semaphore, oneshot};

/// Documents that one process reads at once; others wait.
const READERS: usize = 2;
/// What takes longer is not a document that anybody wrote.
const DEADLINE: Duration = Duration::from_secs(15);
/// Bytes of stack for what is nested.
const STACK_BYTES: usize = 64 * 1024 * 1024;

static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(READERS));

/// Reads a document. One that takes too long keeps its place until it ends, so that no more than a few can be under way.
pub(super) async fn read(bytes: Vec<u8>, kind: MediaType) -> Result<Document, Failure> {
    let slot = SLOTS.acquire();
    let slot = tokio::time::timeout(DEADLINE, slot).await;
    let Ok(Ok(slot)) = slot else {
        return Err(Failure::because(ErrorCode::ServiceUnavailable, "Too many documents are being read"));
    };
    let (tell, told) = oneshot::channel();
    let reader = thread::Builder::new().name("document".to_owned()).stack_size(STACK_BYTES);
    let started = reader.spawn(move || {
        let read = knowledge::read(&bytes, kind);
        drop(slot);
        // Nobody listens any more when it took too long.
        tell.send(read).ok();
    });
    if let Err(error) = started {
        tracing::error!(%error, "no thread can be started to read a document");
        return Err(Failure::of(ErrorCode::InternalError));
    }
    match tokio::time::timeout(DEADLINE, told).await {
        Ok(Ok(Ok(document))) => Ok(document),
        Ok(Ok(Err(why))) => Err(failure(&why)),
        Ok(Err(_)) => {
            tracing::error!("reading a document panicked");
            Err(unreadable("The document cannot be read"))
        }
        Err(_) => Err(unreadable("The document takes too long to be read")),
    }
}

fn failure(why: &Unreadable) -> Failure {
    match why {
        Unreadable::TooLarge => Failure::because(ErrorCode::PayloadTooLarge, why.to_string()),
        Unreadable::Empty
        | Unreadable::NotUtf8(_)
        | Unreadable::TooLong
        | Unreadable::NotPdf
        | Unreadable::Encrypted
        | Unreadable::NoTextInPdf
        | Unreadable::Unfolds => unreadable(&why.to_string()),
    }
}

fn unreadable(why: &str) -> Failure {
    Failure::because(ErrorCode::DocumentUnreadable, why)
}
