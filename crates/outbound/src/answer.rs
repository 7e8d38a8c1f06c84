//! Reading an answer, no further than it may be long.

use std::error::Error;

use reqwest::Response;

/// Why an answer was not read to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    /// It is longer than it may be.
    #[error("the answer is too long")]
    TooLong,
    /// The connection was lost before the end.
    #[error("the answer was cut")]
    Cut(#[source] reqwest::Error),
}

/// The body, if it has so many bytes at most. What is longer is not read to its end.
pub(crate) async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Unread> {
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > bytes_max) {
        return Err(Unread::TooLong);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| Unread::Cut(error.without_url()))? {
        if bytes.len() + chunk.len() > bytes_max {
            return Err(Unread::TooLong);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Whether an error came from another one of this type.
pub(crate) fn is_caused_by<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}
