//! The bucket of workflow revisions, from which runners fetch what they have to run.

use async_nats::jetstream::kv;
use contracts::{subject, v1};
use flow_model::WorkflowId;
use prost::Message;

use crate::reader::stream_state;
use crate::{Bus, Unavailable};

/// The bucket.
#[derive(Debug, Clone)]
pub struct Definitions {
    bus: Bus,
}

impl Bus {
    /// The bucket of workflow revisions.
    #[must_use]
    pub fn definitions(&self) -> Definitions {
        Definitions { bus: self.clone() }
    }
}

impl Definitions {
    /// Puts a revision in; it is stored when this returns.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn put(&self, workflow: WorkflowId, definition: &v1::Definition) -> Result<(), Unavailable> {
        let key = subject::definition_key(workflow, definition.revision);
        self.bucket()
            .await?
            .put(key, definition.encode_to_vec().into())
            .await
            .map(|_| ())
            .map_err(Unavailable::new)
    }

    /// A revision, if it is there. A bucket that is missing has none.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn get(
        &self,
        workflow: WorkflowId,
        revision: u32,
    ) -> Result<Option<v1::Definition>, Unavailable> {
        let key = subject::definition_key(workflow, revision);
        let bucket = match self.bucket().await {
            Ok(bucket) => bucket,
            Err(error) if self.bus.has_stream(subject::DEFINITIONS_STREAM).await? => return Err(error),
            Err(_) => return Ok(None),
        };
        let value = bucket.get(key).await.map_err(Unavailable::new)?;
        Ok(value.and_then(|bytes| {
            v1::Definition::decode(bytes)
                .inspect_err(
                    |error| tracing::error!(%workflow, revision, %error, "a definition cannot be read"),
                )
                .ok()
        }))
    }

    /// Takes a revision out, if it is there.
    ///
    /// # Errors
    /// When NATS is away.
    pub async fn remove(&self, workflow: WorkflowId, revision: u32) -> Result<(), Unavailable> {
        let key = subject::definition_key(workflow, revision);
        let bucket = self.bucket().await?;
        if bucket.get(&key).await.map_err(Unavailable::new)?.is_some() {
            bucket.purge(&key).await.map_err(Unavailable::new)?;
        }
        Ok(())
    }

    /// When the bucket was made, Unix nanoseconds: another one has to be filled anew.
    ///
    /// # Errors
    /// When NATS is away or there is no bucket.
    pub async fn incarnation(&self) -> Result<i64, Unavailable> {
        stream_state(&self.bus, subject::DEFINITIONS_STREAM).await.map(|bucket| bucket.incarnation)
    }

    async fn bucket(&self) -> Result<kv::Store, Unavailable> {
        self.bus.require_connected()?;
        self.bus.jetstream.get_key_value(subject::DEFINITIONS_BUCKET).await.map_err(Unavailable::new)
    }
}
