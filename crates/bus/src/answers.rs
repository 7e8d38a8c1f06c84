//! Answers to callers that wait: not stored, heard by one gateway.

use contracts::v1;
use futures::{Stream, StreamExt};
use prost::Message;

use crate::{Bus, Unavailable};

/// Bytes of answers in one message, below the broker's 1 MiB.
const MESSAGE_BYTES_MAX: usize = 768 * 1024;

impl Bus {
    /// Sends answers to the gateway that listens there, in as many messages as they need.
    ///
    /// # Errors
    /// When NATS is away; the caller of the gateway then asks again.
    pub async fn send_answers(&self, subject: &str, answers: v1::Answers) -> Result<(), Unavailable> {
        self.require_connected()?;
        let mut part = v1::Answers::default();
        let mut bytes = 0;
        for answer in answers.answers {
            let size = answer.encoded_len() + 8;
            if bytes + size > MESSAGE_BYTES_MAX && !part.answers.is_empty() {
                self.send_part(subject, &std::mem::take(&mut part)).await?;
                bytes = 0;
            }
            bytes += size;
            part.answers.push(answer);
        }
        self.send_part(subject, &part).await
    }

    async fn send_part(&self, subject: &str, part: &v1::Answers) -> Result<(), Unavailable> {
        self.client.publish(subject.to_owned(), part.encode_to_vec().into()).await.map_err(Unavailable::new)
    }

    /// Hears answers. The subscription lasts over reconnects; what is sent meanwhile is lost.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn subscribe_answers(
        &self,
        subject: &str,
    ) -> Result<impl Stream<Item = v1::Answer> + Send + Unpin + use<>, Unavailable> {
        let messages = self.client.subscribe(subject.to_owned()).await.map_err(Unavailable::new)?;
        // The server must know of it before the first caller waits.
        self.settle().await?;
        Ok(messages
            .flat_map(|message| {
                let answers = v1::Answers::decode(message.payload).unwrap_or_else(|error| {
                    tracing::error!(%error, "an answer cannot be read");
                    v1::Answers::default()
                });
                futures::stream::iter(answers.answers)
            })
            .boxed())
    }
}
