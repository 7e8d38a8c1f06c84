//! What the partition loop needs from outside: a store, a bus and definitions. Nothing else can reach it, so a
//! simulator that implements these three drives exactly the code that runs in production.
//!
//! Every method may fail at any time, also after it took effect; the loop then forgets what it knew and reads the
//! partition rows again. No method is called while another call of the same loop is under way; only what was published may
//! still be on its way ([`Telling`]).

mod conversation;
mod waits;

use std::collections::{HashMap, HashSet, VecDeque};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use futures::future::BoxFuture;
use uuid::Uuid;

pub use self::conversation::{
    Conversation, HandledAs, HandledMessage, Person, Wait, command_key, message_key, start_key,
};
pub use self::waits::{Due, DueTimer, ISSUE_AGAIN_MS, Mail, Running, Timer, WaitsOn};
use super::flow::Flow;

/// Where a partition stands, and under which epoch this runner owns it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// The partition.
    pub partition: u32,
    /// Goes up with every change of owner; each commit checks it.
    pub epoch: u64,
    /// The last frame that was applied; 0 before the first.
    pub applied_seq: u64,
    /// Of the frame after that one, the partition's inputs at places below this are applied, too: more than 0 only while
    /// inputs are applied one at a time.
    pub applied_inputs: u32,
    /// The last commit that had something to tell; 0 before the first.
    pub commit_no: u64,
    /// The commits up to this one are told. Kept with the next commit or renewal, so it may be a little behind in the store.
    pub told_no: u64,
}

impl Ownership {
    /// Whether the input at this place is applied.
    #[must_use]
    pub fn has_applied(&self, seq: u64, position: u32) -> bool {
        seq <= self.applied_seq || (seq == self.applied_seq + 1 && position < self.applied_inputs)
    }
}

/// Asks to go on owning partitions, and for a fair share of those that nobody owns.
#[derive(Debug, Clone)]
pub struct Renewal {
    /// This process.
    pub runner: Uuid,
    /// What operators call it.
    pub runner_name: String,
    /// The group of partitions.
    pub group: u32,
    /// How long the lease lasts from now, by the database's clock.
    pub lease: Duration,
    /// How often it is renewed: a runner that has missed that does not count for the shares any more.
    pub renew_every: Duration,
    /// Creation time of the group's stream in Unix nanoseconds: cursors of another incarnation start at 0.
    pub incarnation: i64,
    /// What the runner owns, as it last saw it, and what of it is told.
    pub owned: Vec<Ownership>,
    /// Every owned partition's cursor moves here if it is behind: all frames up to here are applied.
    pub position: u64,
    /// The start of the broker that everything was told to: noted with partitions that are given back.
    pub told_to: String,
    /// The start of the broker that there is now.
    pub broker: String,
    /// What was done since the last renewal.
    pub rates: Rates,
    /// Whether partitions are taken and given back, too. While a runner is busy with some that it has just gained, its
    /// leases are extended and nothing else.
    pub shares: bool,
}

/// What a runner does, for those who watch.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rates {
    /// Commits in a second.
    pub commits_per_second: f64,
    /// Inputs in a second.
    pub inputs_per_second: f64,
}

/// What a renewal gave.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenure {
    /// Partitions that were owned before and still are, with their cursors moved.
    pub kept: Vec<Ownership>,
    /// Partitions taken over just now, under a new epoch. Also those that the row said this runner owned, but that
    /// it did not name in the renewal.
    pub gained: Vec<Ownership>,
    /// Those of `gained` that their last owner did not hand over, or handed over before the broker was started again: what
    /// was told last may be forgotten.
    pub unclean: Vec<u32>,
    /// Those of `gained` whose last owner may have died of one of the next inputs.
    pub suspect: Vec<u32>,
    /// When the first lease of another runner of the group runs out, unless that renews it.
    pub next_expiry: Option<Duration>,
    /// The lowest cursor of all partitions of the group, owned or not: the stream may be purged up to it.
    pub lowest_applied_seq: u64,
    /// Partitions that this runner should own, no more.
    pub fair_share: u32,
}

/// Names an outbox row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboxKey {
    /// The partition.
    pub partition: u32,
    /// Its commit.
    pub commit_no: u64,
}

/// What one commit of one partition has to tell.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Which commit.
    pub key: OutboxKey,
    /// What happened, in order.
    pub outbox: v1::Outbox,
}

/// What is looked up before a batch is worked on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Conversations of the batch's inputs.
    pub conversations: Vec<ConversationId>,
    /// Keys of inputs ([`message_key`], [`start_key`]) and when they were accepted, Unix milliseconds.
    pub messages: Vec<(Uuid, i64)>,
    /// Customers of the batch's inputs.
    pub customers: Vec<(AccountId, String)>,
    /// Conversations whose running execution and mailbox are needed.
    pub running: Vec<ConversationId>,
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Those that exist.
    pub conversations: HashMap<ConversationId, Conversation>,
    /// Inputs that were handled before, within the time that de-duplication reaches back.
    pub messages: HashMap<Uuid, HandledMessage>,
    /// Customers that are known.
    pub customers: HashSet<(AccountId, String)>,
    /// Running executions.
    pub running: HashMap<ConversationId, Running>,
    /// Mailboxes, in order.
    pub mail: HashMap<ConversationId, VecDeque<Mail>>,
}

/// A partition's cursor moves, if it stands where the runner thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The partition as the runner knows it: epoch, cursor and commit number are checked, what is told is kept.
    pub from: Ownership,
    /// The new cursor.
    pub applied_seq: u64,
    /// As [`Ownership::applied_inputs`].
    pub applied_inputs: u32,
    /// The new commit number.
    pub commit_no: u64,
}

/// A frame that no one can read, or an input that cannot be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// The frame's place in the stream.
    pub seq: u64,
    /// The input's place in the frame; 0 for a whole frame.
    pub position: u32,
    /// What it is.
    pub kind: v1::DeadLetterKind,
    /// The bytes as they came.
    pub payload: Vec<u8>,
    /// Why.
    pub error: String,
    /// How often it was begun.
    pub attempts: u32,
    /// What is known of the input; none when it cannot be read.
    pub input: Option<DeadInput>,
}

/// What is known of an input that cannot be handled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadInput {
    /// Its partition.
    pub partition: u32,
    /// Its account.
    pub account: AccountId,
    /// Its channel.
    pub channel: String,
    /// Its customer.
    pub customer_id: String,
    /// The sender's id of a message, or empty.
    pub message_id: String,
    /// What de-duplicates it, if anything does.
    pub key: Option<Uuid>,
    /// The execution that it would have been.
    pub execution: ExecutionId,
}

/// A catalog marker and its place in the stream.
#[derive(Debug, Clone, PartialEq)]
pub struct CatalogEntry {
    /// The frame that held it; 0 for one of an earlier incarnation of the stream.
    pub seq: u64,
    /// The marker.
    pub marker: v1::CatalogMarker,
}

/// Everything that one batch changes, in one transaction. Counters follow from `executions`.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The group's stream incarnation.
    pub incarnation: i64,
    /// The partitions that move. Checked first: if one does not fit, nothing of the commit happens.
    pub moves: Vec<Move>,
    /// The partition under which all of it is counted, the lowest that its owner has: one row for each counter, whatever moves,
    /// and one that no other runner's commit waits for.
    pub counts_under: u32,
    /// Inserted or replaced; each id once.
    pub conversations: Vec<Conversation>,
    /// How many conversations an account has gained, or lost, over a channel.
    pub conversations_gained: Vec<(AccountId, String, i64)>,
    /// What happened to conversations beside executions, each with its partition.
    pub notes: Vec<(u32, Entry)>,
    /// Customers that are not known any more. Removed before `customers` are added.
    pub customers_forgotten: Vec<(AccountId, String)>,
    /// Customers met for the first time, and when, Unix milliseconds.
    pub customers: Vec<(AccountId, String, i64)>,
    /// De-duplication keys.
    pub messages: Vec<HandledMessage>,
    /// Finished executions (status success or failed), with their partition.
    pub executions: Vec<(u32, v1::Execution)>,
    /// At most one row for each move.
    pub outbox: Vec<OutboxRow>,
    /// Markers that the batch contained.
    pub markers: Vec<CatalogEntry>,
    /// What could not be handled.
    pub dead_letters: Vec<DeadLetter>,
    /// Timers that are over, by conversation and wait. Removed before `timers` are added.
    pub timers_over: Vec<(ConversationId, u64)>,
    /// New timers.
    pub timers: Vec<Timer>,
    /// Activities that are over.
    pub activities_over: Vec<Uuid>,
    /// New activities.
    pub activities: Vec<v1::Activity>,
    /// Conversations whose execution is not running any more. Removed before `running` are added.
    pub running_over: Vec<ConversationId>,
    /// Running executions, inserted or replaced.
    pub running: Vec<Running>,
    /// What of mailboxes is handled: positions before these.
    pub mail_taken: Vec<(ConversationId, u64)>,
    /// Inputs that wait in mailboxes from now on.
    pub mail: Vec<Mail>,
}

impl Commit {
    /// Whether it changes conversations without a cursor that says whose they are.
    pub fn is_nobodys(&self) -> bool {
        let moves = |partition: u32| self.moves.iter().any(|moved| moved.from.partition == partition);
        !(self.conversations.iter().all(|conversation| moves(conversation.partition))
            && self.executions.iter().all(|(partition, _)| moves(*partition))
            && self.outbox.iter().all(|row| moves(row.key.partition)))
    }
}

/// Why the store did not do what it was asked to, as far as can be known.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A partition is not where the runner thought: somebody else owns it, or an earlier commit did happen.
    #[error("a partition has another owner or cursor")]
    Fenced,
    /// The store is well and cannot take what it is given: one of the batch's inputs is at fault.
    #[error("the store refuses it: {0}")]
    Refused(String),
    /// The store is away; a commit may have happened.
    #[error("the store is away")]
    Unavailable(#[source] Unavailable),
}

/// A dependency cannot be reached, or did not answer in time.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// The truth: partitions, conversations, executions.
pub trait Store: Send + Sync + 'static {
    /// Extends leases, claims a fair share and gives surplus partitions back, in one transaction.
    fn renew(&self, renewal: &Renewal) -> impl Future<Output = Result<Tenure, Unavailable>> + Send;

    /// Gives all partitions of the group back at once, so that another runner need not wait for the lease's end.
    fn release(&self, renewal: &Renewal) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Looks up what a batch needs.
    fn load(&self, wanted: &Wanted) -> impl Future<Output = Result<Loaded, StoreError>> + Send;

    /// Finished executions by id; those that do not exist are left out.
    fn executions(
        &self,
        ids: &[ExecutionId],
    ) -> impl Future<Output = Result<Vec<v1::Execution>, Unavailable>> + Send;

    /// Counts that the partition's next input after the cursor is begun, when `counts`, and gives how often it has been, this
    /// time included. The count begins anew when the cursor moves.
    fn begin(
        &self,
        ownership: &Ownership,
        counts: bool,
    ) -> impl Future<Output = Result<u32, StoreError>> + Send;

    /// Writes a batch, all or nothing. One that changes conversations without moving a cursor is refused as fenced: nothing
    /// would check whose they are.
    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Outbox rows that are not told, and told ones of the commits after those that are named: by partition and
    /// commit number, those after `after`, at most `rows_max`.
    fn untold(
        &self,
        told: &[OutboxKey],
        after: OutboxKey,
        rows_max: u32,
    ) -> impl Future<Output = Result<Vec<OutboxRow>, Unavailable>> + Send;

    /// Keeps what is told of these partitions, as far as this runner still owns them.
    fn keep_told(&self, owned: &[Ownership]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// What is due at this time, Unix milliseconds, in these partitions; of each partition as much as fits.
    fn due(&self, partitions: &[u32], now_ms: i64) -> impl Future<Output = Result<Due, Unavailable>> + Send;

    /// Notes that these activities, as far as they are still there, are due again at these times, Unix milliseconds, and not
    /// before.
    fn postpone(&self, activities: &[(Uuid, i64)]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The markers that were committed, of each workflow those above `lowest_applied_seq` and the one that counted there.
    /// Markers of another incarnation than `incarnation` have `seq` 0.
    fn catalog(
        &self,
        group: u32,
        incarnation: i64,
    ) -> impl Future<Output = Result<Vec<CatalogEntry>, Unavailable>> + Send;
}

/// A frame as it came from the stream.
#[derive(Debug, Clone)]
pub struct RawFrame {
    /// Its place in the stream, from 1.
    pub seq: u64,
    /// An encoded `v1::Frame`.
    pub payload: bytes::Bytes,
}

/// The group's stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Creation time, Unix nanoseconds: another one is another stream, whose frames are counted anew.
    pub incarnation: i64,
    /// The last frame in it; 0 before the first.
    pub last_seq: u64,
    /// When the first frame that it still has was stored, Unix milliseconds; long ago when it has none.
    pub first_at_ms: i64,
    /// Names this start of the broker.
    pub broker: String,
}

/// A message for a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Where to.
    pub subject: String,
    /// `content-type` of the payload.
    pub content_type: &'static str,
    /// What.
    pub payload: bytes::Bytes,
    /// How many events or replies it holds.
    pub items: usize,
}

/// Waits until messages that were sent are stored. Whoever drops it does not learn whether they are.
pub type Telling = BoxFuture<'static, Result<(), Unavailable>>;

/// The transport: one group's frames in, events, replies and answers out.
pub trait Transport: Send + Sync + 'static {
    /// The group's stream as it stands.
    fn stream(&self) -> impl Future<Output = Result<Stream, Unavailable>> + Send;

    /// Starts reading after this frame; an earlier reading ends.
    fn read_after(&mut self, seq: u64) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// The next frames in stream order, each once since the last [`Transport::read_after`]; none when `wait` is over.
    fn next_frames(
        &mut self,
        frames_max: usize,
        wait: Duration,
    ) -> impl Future<Output = Result<Vec<RawFrame>, Unavailable>> + Send;

    /// Sends messages in order, and gives what waits until all of them are stored: other things may be done meanwhile, also
    /// with this transport, but for publishing more. When either fails, any part may have been published. Both fail when the
    /// connection has been lost since the reading began: what was published before may be forgotten, and must be told again
    /// before anything newer.
    fn publish(&self, outgoing: &[Outgoing]) -> impl Future<Output = Result<Telling, Unavailable>> + Send;

    /// Puts inputs into the group's own stream, in one frame.
    fn append(&self, inputs: Vec<v1::Input>) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Hands activities to whoever does them, or lets that happen soon: nobody waits for it, and one that gets lost is issued
    /// again. One that is still known there is not taken twice.
    fn issue(&self, activities: &[v1::Activity]) -> impl Future<Output = Result<(), Unavailable>> + Send;

    /// Tells callers that wait; what cannot be delivered is dropped.
    fn answer(&self, subject: &str, answers: v1::Answers) -> impl Future<Output = ()> + Send;

    /// Removes the frames up to this one, unless the stream has been made again.
    fn purge_through(
        &self,
        incarnation: i64,
        seq: u64,
    ) -> impl Future<Output = Result<(), Unavailable>> + Send;
}

/// Compiled revisions.
pub trait Definitions: Send + Sync + 'static {
    /// The revision, or none when it does not exist (any more).
    fn flow(
        &self,
        workflow: WorkflowId,
        revision: u32,
    ) -> impl Future<Output = Result<Option<Arc<Flow>>, Unavailable>> + Send;
}
