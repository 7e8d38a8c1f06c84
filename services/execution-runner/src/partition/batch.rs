//! A batch: the inputs of whole frames, or one input alone, worked on in memory, that become one commit.
//!
//! Later inputs of a batch see what earlier ones did: the batch is what was loaded plus what has changed since.
//! It does no I/O. When a turn needs a revision that is not at hand the batch says so and is taken up again,
//! at that input, when it is there.

mod finish;
mod mailbox;

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use flow_model::{AccountId, ConversationId, ExecutionId, WorkflowId};
use uuid::Uuid;

pub use self::finish::Outcome;
use super::arrival::{Arrival, Command, What};
use super::catalog::Catalog;
use super::frame::Frame;
use super::port::{
    Conversation, DeadLetter, HandledAs, HandledMessage, Loaded, Mail, Running, Timer, Wanted,
};
use super::turn::{self, Began, Calls, Commanded, Executed, Flows, Surroundings, Taken, Told};
use super::worker::WorkerConfig;

/// What a caller that waits is told.
#[derive(Debug, Clone)]
pub struct PendingAnswer {
    /// Where to.
    pub answer_to: String,
    /// The input that is answered.
    pub input: ExecutionId,
    /// With what.
    pub what: AnswerWith,
}

/// What an answer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerWith {
    /// This execution: the input's own, or of a duplicate the first one's.
    Execution(ExecutionId),
    /// No workflow took it.
    Ignored,
    /// It is done, and there is no execution.
    Done,
    /// It could not be.
    Refused(&'static str),
    /// It failed too often and was given up.
    Dead,
}

/// Whether a batch is done.
#[derive(Debug, PartialEq, Eq)]
pub enum Progress {
    /// All inputs are handled.
    Done,
    /// This revision is needed before the batch can go on.
    NeedsFlow(WorkflowId, u32),
}

/// Inputs under way.
#[derive(Debug)]
pub struct Batch {
    frames: Vec<Frame>,
    next: (usize, usize),
    loaded: Loaded,
    changed: HashSet<ConversationId>,
    customers: Vec<(AccountId, String, i64)>,
    customers_forgotten: Vec<(AccountId, String)>,
    messages: Vec<HandledMessage>,
    notes: Vec<(u32, Entry)>,
    executions: Vec<(u32, v1::Execution)>,
    outbox: BTreeMap<u32, v1::Outbox>,
    moved: HashSet<u32>,
    answers: Vec<PendingAnswer>,
    spans: Vec<tracing::Span>,
    /// Inputs that would go on with a flow, and cannot be handled, and their places in their frame.
    buried: Vec<(u32, Arrival)>,
    /// The conversation whose mailbox is being emptied.
    emptying: Option<ConversationId>,
    /// Timers as they were loaded.
    old_timers: HashMap<ConversationId, Timer>,
    /// Conversations that there were, and that were not erased.
    were_there: HashSet<ConversationId>,
    /// Where mailboxes ended when they were loaded.
    loaded_mail_to: HashMap<ConversationId, u64>,
    timers_over: Vec<(ConversationId, u64)>,
    activities: Vec<v1::Activity>,
    activities_over: Vec<Uuid>,
    running: HashMap<ConversationId, Option<Running>>,
    mail_taken: HashSet<ConversationId>,
    mail: HashMap<ConversationId, VecDeque<Mail>>,
    dead: Vec<DeadLetter>,
}

impl Batch {
    /// A batch of these frames, in stream order, each whole; or of one piece of a frame.
    pub fn new(frames: Vec<Frame>) -> Self {
        let mut batch = Self {
            frames,
            next: (0, 0),
            loaded: Loaded::default(),
            changed: HashSet::new(),
            customers: Vec::new(),
            customers_forgotten: Vec::new(),
            messages: Vec::new(),
            notes: Vec::new(),
            executions: Vec::new(),
            outbox: BTreeMap::new(),
            moved: HashSet::new(),
            answers: Vec::new(),
            spans: Vec::new(),
            buried: Vec::new(),
            emptying: None,
            old_timers: HashMap::new(),
            were_there: HashSet::new(),
            loaded_mail_to: HashMap::new(),
            timers_over: Vec::new(),
            activities: Vec::new(),
            activities_over: Vec::new(),
            running: HashMap::new(),
            mail_taken: HashSet::new(),
            mail: HashMap::new(),
            dead: Vec::new(),
        };
        let buried: Vec<(u32, Arrival)> =
            batch.frames.iter().flat_map(|frame| frame.buried.iter().cloned()).collect();
        for (position, arrival) in buried {
            batch.moved.insert(arrival.partition);
            batch.answer(&arrival, AnswerWith::Dead);
            if arrival.is_about_wait() {
                batch.buried.push((position, arrival));
            }
        }
        batch.moved.extend(batch.frames.iter().flat_map(|frame| &frame.begun));
        batch
    }

    /// What has to be looked up first; each thing once.
    pub fn wanted(&self) -> Wanted {
        let mut conversations = HashSet::new();
        let mut messages = HashMap::new();
        let mut customers = HashSet::new();
        let mut running = HashSet::new();
        for arrival in self.frames.iter().flat_map(Frame::arrivals) {
            conversations.insert(arrival.conversation);
            if let Some(key) = arrival.key {
                customers.insert(arrival.customer());
                messages.insert(key, arrival.accepted_at_ms);
            }
            if matches!(arrival.what, What::Result { .. } | What::Command(_)) {
                running.insert(arrival.conversation);
            }
        }
        for (_, arrival) in &self.buried {
            conversations.insert(arrival.conversation);
            running.insert(arrival.conversation);
        }
        Wanted {
            conversations: conversations.into_iter().collect(),
            messages: messages.into_iter().collect(),
            customers: customers.into_iter().collect(),
            running: running.into_iter().collect(),
        }
    }

    /// Takes in what was looked up.
    pub fn provide(&mut self, mut loaded: Loaded, now_ms: i64) {
        let timers = loaded.conversations.values().filter_map(Conversation::timer);
        self.old_timers = timers.map(|timer| (timer.conversation, timer)).collect();
        let there = loaded.conversations.values().filter(|conversation| !conversation.is_erased());
        self.were_there = there.map(|conversation| conversation.id).collect();
        let mailboxes = loaded.conversations.values().filter(|conversation| conversation.mail_to > 0);
        self.loaded_mail_to = mailboxes.map(|conversation| (conversation.id, conversation.mail_to)).collect();
        self.running = loaded.running.drain().map(|(id, running)| (id, Some(running))).collect();
        self.mail = std::mem::take(&mut loaded.mail);
        self.loaded = loaded;
        for (position, arrival) in std::mem::take(&mut self.buried) {
            self.give_up(position, &arrival, now_ms);
        }
    }

    /// Handles inputs until all are, or a revision is missing.
    pub fn advance(
        &mut self,
        catalog: &mut Catalog,
        flows: &Flows,
        config: &WorkerConfig,
        clock: &dyn Fn() -> i64,
    ) -> Progress {
        let (drill, return_after_ms) = (config.drill, config.return_after_ms);
        while let Some(frame) = self.frames.get(self.next.0) {
            if let Some(conversation) = self.emptying {
                let mut around =
                    Surroundings { catalog, flows, seq: frame.seq(), drill, clock, return_after_ms };
                match self.open_mail(conversation, &mut around) {
                    Some((workflow, revision)) => return Progress::NeedsFlow(workflow, revision),
                    None => continue,
                }
            }
            if self.next.1 == 0 {
                for marker in &frame.markers {
                    catalog.apply(frame.seq(), marker.clone());
                }
            }
            let Some(arrival) = frame.arrival(self.next.1).cloned() else {
                self.next = (self.next.0 + 1, 0);
                continue;
            };
            let mut around = Surroundings { catalog, flows, seq: frame.seq(), drill, clock, return_after_ms };
            if let Some((workflow, revision)) = self.handle(&arrival, &mut around) {
                return Progress::NeedsFlow(workflow, revision);
            }
            self.next.1 += 1;
        }
        Progress::Done
    }

    /// Handles one input; the revision that it needs first, if that is not at hand.
    fn handle(&mut self, arrival: &Arrival, around: &mut Surroundings<'_>) -> Option<(WorkflowId, u32)> {
        if let Some(first) = self.handled_before(arrival) {
            self.moved.insert(arrival.partition);
            self.answer(arrival, first);
            return None;
        }
        let conversation = self.conversation(arrival);
        if conversation.is_running() && arrival.can_wait() {
            self.post(arrival, conversation);
            return None;
        }
        // Who has a conversation is known.
        let is_new = self.loaded.conversations.get(&arrival.conversation).is_none_or(Conversation::is_erased);
        let customer_created =
            is_new && arrival.can_wait() && !self.loaded.customers.contains(&arrival.customer());
        let running = self.running.get(&arrival.conversation).and_then(Option::as_ref);
        let taken = turn::take(arrival, conversation, customer_created, running, around);
        if let Taken::NeedsFlow(workflow, revision) = taken {
            return Some((workflow, revision));
        }
        self.moved.insert(arrival.partition);
        self.trace(arrival);
        self.is_over(arrival);
        match taken {
            Taken::NeedsFlow(..) | Taken::Stale => {}
            Taken::Refused(reason) => {
                self.remember_input(arrival, HandledAs::Ignored);
                self.answer(arrival, AnswerWith::Refused(reason));
            }
            Taken::Ignored(ignored, conversation) => {
                let (handled, answer) = if ignored.to_person {
                    (HandledAs::Done(arrival.execution), AnswerWith::Done)
                } else {
                    (HandledAs::Ignored, AnswerWith::Ignored)
                };
                self.remember(arrival, handled, customer_created, conversation);
                self.note(arrival.partition, Entry::Ignored(*ignored));
                self.answer(arrival, answer);
            }
            Taken::Executed(executed, conversation) => {
                let handled = HandledAs::by(&executed.execution);
                self.remember(arrival, handled, customer_created, conversation);
                self.complete(arrival.partition, arrival.conversation, *executed);
            }
            Taken::Calls(calls, conversation) => {
                let handled = HandledAs::by(&calls.running.execution);
                self.remember(arrival, handled, customer_created, conversation);
                self.call(arrival, *calls);
            }
            Taken::Commanded(commanded, conversation) => self.obey(arrival, *commanded, conversation),
        }
        None
    }

    /// Takes in what a command, or the end of a person's time, did.
    fn obey(&mut self, arrival: &Arrival, commanded: Commanded, conversation: Conversation) {
        let Commanded { ended, activity_over, note, began } = commanded;
        let handled = match &began {
            None => HandledAs::Done(arrival.execution),
            Some(Began::Executed(executed)) => HandledAs::by(&executed.execution),
            Some(Began::Calls(calls)) => HandledAs::by(&calls.running.execution),
        };
        if matches!(arrival.what, What::Command(Command::Erase)) {
            self.forget(arrival);
        }
        self.remember(arrival, handled, false, conversation);
        self.activities_over.extend(activity_over);
        if let Some(ended) = ended {
            self.complete(arrival.partition, arrival.conversation, ended);
            self.emptying = Some(arrival.conversation);
        }
        if let Some(note) = note {
            self.note(arrival.partition, Entry::Note(note));
        }
        match began {
            None => self.answer(arrival, AnswerWith::Done),
            Some(Began::Executed(executed)) => {
                self.complete(arrival.partition, arrival.conversation, *executed);
            }
            Some(Began::Calls(calls)) => self.call(arrival, *calls),
        }
    }

    /// An execution waits for an activity.
    fn call(&mut self, arrival: &Arrival, calls: Calls) {
        let Calls { running, activity, part } = calls;
        self.tell(arrival.partition, Entry::Part(part));
        self.activities.push(activity);
        self.running.insert(arrival.conversation, Some(running));
    }

    /// Something that is told, and kept beside the executions.
    fn note(&mut self, partition: u32, entry: Entry) {
        self.notes.push((partition, entry.clone()));
        self.tell(partition, entry);
    }

    /// The customer is not known any more, and what waits in the mailbox is not handled.
    fn forget(&mut self, arrival: &Arrival) {
        let customer = arrival.customer();
        self.customers.retain(|(account, id, _)| (*account, id) != (customer.0, &customer.1));
        self.loaded.customers.remove(&customer);
        self.customers_forgotten.push(customer);
        self.discard_mail(arrival.conversation);
    }

    /// A timer that has fired, or an activity that has a result, is over whatever comes of it.
    fn is_over(&mut self, arrival: &Arrival) {
        match &arrival.what {
            What::Message { .. } | What::Start { .. } | What::Command(_) => {}
            What::Timer { wait_no } => self.timers_over.push((arrival.conversation, *wait_no)),
            What::Result { activity, .. } => {
                self.activities_over.push(*activity);
                self.emptying = Some(arrival.conversation);
            }
        }
    }

    /// An execution is over.
    fn complete(&mut self, partition: u32, conversation: ConversationId, executed: Executed) {
        let Executed { execution, told: Told { events, replies }, answer_to } = executed;
        self.tell(
            partition,
            Entry::Execution(v1::ExecutionRef {
                id: execution.id.clone(),
                started_at_ms: execution.started_at_ms,
                events_told: events,
                replies_told: replies,
            }),
        );
        if let Some(running) = self.running.get_mut(&conversation) {
            *running = None;
        }
        if let Ok(id) = ExecutionId::from_slice(&execution.id)
            && !answer_to.is_empty()
        {
            self.answers.push(PendingAnswer { answer_to, input: id, what: AnswerWith::Execution(id) });
        }
        self.executions.push((partition, execution));
    }

    /// What an input that was handled before, in this batch or earlier, is answered with.
    fn handled_before(&self, arrival: &Arrival) -> Option<AnswerWith> {
        let handled = self.loaded.messages.get(&arrival.key?)?;
        Some(match handled.handled {
            HandledAs::Execution(execution, _) => AnswerWith::Execution(execution),
            HandledAs::Ignored => AnswerWith::Ignored,
            HandledAs::Done(_) => AnswerWith::Done,
        })
    }

    fn conversation(&self, arrival: &Arrival) -> Conversation {
        if let Some(known) = self.loaded.conversations.get(&arrival.conversation) {
            // One that was erased begins anew with what the customer says, and with nothing else.
            let customer_id = if arrival.can_wait() { &arrival.customer_id } else { &known.customer_id };
            return Conversation { customer_id: customer_id.clone(), ..known.clone() };
        }
        Conversation {
            id: arrival.conversation,
            partition: arrival.partition,
            account: arrival.account,
            channel: arrival.channel.as_str().to_owned(),
            customer_id: arrival.customer_id.clone(),
            seq: 0,
            wait: None,
            wait_no: 0,
            mail_from: 0,
            mail_to: 0,
            updated_at_ms: arrival.accepted_at_ms,
            person: None,
            owner_epoch: 0,
        }
    }

    /// Keeps what the input changed, for the commit and for later inputs of the batch.
    fn remember(
        &mut self,
        arrival: &Arrival,
        handled: HandledAs,
        customer_created: bool,
        conversation: Conversation,
    ) {
        self.remember_input(arrival, handled);
        if customer_created {
            let (account, customer_id) = arrival.customer();
            self.customers.push((account, customer_id, arrival.accepted_at_ms));
            self.loaded.customers.insert(arrival.customer());
        }
        self.changed.insert(conversation.id);
        self.loaded.conversations.insert(conversation.id, conversation);
    }

    /// Keeps that the input was handled, so that it is not when it comes again.
    fn remember_input(&mut self, arrival: &Arrival, handled: HandledAs) {
        let Some(key) = arrival.key else { return };
        let handled = HandledMessage { key, accepted_at_ms: arrival.accepted_at_ms, handled };
        self.loaded.messages.insert(key, handled);
        self.messages.push(handled);
    }

    fn tell(&mut self, partition: u32, entry: Entry) {
        self.outbox.entry(partition).or_default().entries.push(v1::OutboxEntry { entry: Some(entry) });
    }

    fn answer(&mut self, arrival: &Arrival, what: AnswerWith) {
        if !arrival.answer_to.is_empty() {
            let answer_to = arrival.answer_to.clone();
            self.answers.push(PendingAnswer { answer_to, input: arrival.execution, what });
        }
    }

    fn trace(&mut self, arrival: &Arrival) {
        if !arrival.traceparent.is_empty() {
            let span = tracing::info_span!("turn", conversation = %arrival.conversation, partition = arrival.partition);
            platform::telemetry::trace_context::set_parent(&span, &arrival.traceparent);
            self.spans.push(span);
        }
    }
}
