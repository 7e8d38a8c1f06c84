//! Telling the runners what a workflow's state is.
//!
//! A marker is an input: it stands in the stream of every group, and what comes after it meets the new state. Markers
//! carry the whole state and its number, so telling one twice, or an older one late, changes nothing.

use bus::frames::{self, Writer};
use bus::{Bus, Layout};
use contracts::ErrorCode;
use contracts::v1::{self, Failure, WorkflowStatus};
use flow_model::workflow::{Configuration, Trigger};
use flow_model::{Channel, WorkflowId};
use tokio::sync::OnceCell;

use super::definition::message;
use super::failure;
use crate::store::{Store, StoredWorkflow};

/// Tells runners.
pub(crate) struct Announcer {
    bus: Bus,
    store: Store,
    writers: OnceCell<Vec<Writer>>,
}

fn away(what: &'static str, error: &dyn std::fmt::Display) -> Failure {
    tracing::warn!(%error, what, "runners cannot be told");
    Failure::because(
        ErrorCode::ServiceUnavailable,
        "The change is stored, but the runners could not be told yet; that is tried again",
    )
}

impl Announcer {
    /// Over this connection.
    pub fn new(bus: Bus, store: Store) -> Self {
        Self { bus, store, writers: OnceCell::new() }
    }

    /// Tells a workflow's state unless all streams hold it.
    pub async fn announce_if_needed(&self, workflow: &StoredWorkflow) -> Result<(), Failure> {
        if workflow.is_announced() { Ok(()) } else { self.announce(workflow.workflow_id()).await }
    }

    /// Tells a workflow's state as it is now: the definition, then the marker in every stream, then the note of it.
    pub async fn announce(&self, id: WorkflowId) -> Result<(), Failure> {
        let workflow = self.store.any_workflow(id).await.map_err(|error| failure(&error))?;
        let revision = self.store.revision(id, workflow.revision).await.map_err(|error| failure(&error))?;
        let Some(revision) = revision else {
            tracing::error!(workflow = %id, revision = workflow.revision, "a revision is missing");
            return Err(Failure::of(ErrorCode::InternalError));
        };
        let number = u32::try_from(workflow.revision).unwrap_or(0);
        let definition = message(&workflow, number, revision);
        let marker = marker(&workflow, &definition)?;
        let writers = self.writers().await?;
        // Asked for before anything is appended: a stream that is made again meanwhile is then known to lack it.
        let incarnation = self.incarnation().await?;
        if workflow.status() == WorkflowStatus::Active {
            let put = self.bus.definitions().put(id, &definition).await;
            put.map_err(|error| away("definition", &error))?;
        }
        for writer in writers {
            let appended = writer.append_markers(vec![marker.clone()]).await;
            appended.map_err(|error| away("marker", &error))?;
        }
        metrics::counter!("turnloom_catalog_announcements_total").increment(1);
        self.store.announced(id, workflow.state_no, incarnation).await.map_err(|error| failure(&error))
    }

    /// Stands for all streams and the bucket of definitions: it grows when one of them is made again.
    pub async fn incarnation(&self) -> Result<i64, Failure> {
        let bucket = self.bus.definitions().incarnation().await;
        let mut newest = bucket.map_err(|error| away("bucket", &error))?;
        for group in 0..self.layout().await?.groups {
            let stream = frames::stream(&self.bus, group).await.map_err(|error| away("stream", &error))?;
            newest = newest.max(stream.incarnation);
        }
        Ok(newest)
    }

    /// The catalog's tables.
    pub fn store(&self) -> &Store {
        &self.store
    }

    async fn layout(&self) -> Result<Layout, Failure> {
        let layout = self.bus.layout().await.map_err(|error| away("layout", &error))?;
        layout.ok_or_else(|| away("layout", &"no runner has set the streams up yet"))
    }

    async fn writers(&self) -> Result<&[Writer], Failure> {
        let writers = self.writers.get_or_try_init(|| async {
            let groups = self.layout().await?.groups;
            Ok((0..groups).map(|group| Writer::start(&self.bus, group)).collect())
        });
        writers.await.map(Vec::as_slice)
    }
}

fn marker(workflow: &StoredWorkflow, definition: &v1::Definition) -> Result<v1::CatalogMarker, Failure> {
    let broken = |why: String| {
        tracing::error!(workflow = %workflow.workflow_id(), why, "a stored configuration cannot be read");
        Failure::of(ErrorCode::InternalError)
    };
    let channel: Channel = definition.channel.parse().map_err(|_| broken("channel".to_owned()))?;
    let document =
        serde_json::from_slice(&definition.configuration_json).map_err(|error| broken(error.to_string()))?;
    let configuration =
        Configuration::load(&document, channel).map_err(|problems| broken(format!("{problems:?}")))?;
    let (keywords, channels) = match configuration.trigger {
        Trigger::Message { keywords, channels } => (keywords, channels),
        Trigger::Api => (Vec::new(), Vec::new()),
    };
    Ok(v1::CatalogMarker {
        account_id: definition.account_id.clone(),
        workflow_id: definition.workflow_id.clone(),
        state_no: u64::try_from(workflow.state_no).unwrap_or(0),
        status: workflow.status().into(),
        revision: definition.revision,
        channels: channels.into_iter().map(|channel| channel.as_str().to_owned()).collect(),
        keywords,
        activated_at_ms: workflow.activated_at.map_or(0, |time| time.timestamp_millis()),
        cancel_before_state_no: u64::try_from(workflow.cancel_before_state_no).unwrap_or(0),
    })
}
