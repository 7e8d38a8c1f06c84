//! The database as a runner sees it: what `services/execution-runner/src/store` does in SQL.

use std::collections::VecDeque;
use std::time::Duration;

use contracts::v1;
use contracts::v1::outbox_entry::Entry;
use execution_runner::partition::port::{
    CatalogEntry, Commit, Due, DueTimer, HandledMessage, ISSUE_AGAIN_MS, Loaded, Mail, Move, OutboxKey,
    OutboxRow, Ownership, Renewal, Store, StoreError, Tenure, Timer, Unavailable, Wanted,
};
use flow_model::{ConversationId, ExecutionId};
use uuid::Uuid;

use crate::bug::Bug;
use crate::world::{Database, Handle, PARTITIONS, Poison, World};

/// One runner's connection.
pub struct SimulatedStore(pub Handle);

impl Store for SimulatedStore {
    async fn renew(&self, renewal: &Renewal) -> Result<Tenure, Unavailable> {
        self.0.call("renew", |world| Ok(renew(world, renewal))).await
    }

    async fn release(&self, renewal: &Renewal) -> Result<(), Unavailable> {
        self.0
            .call("release", |world| {
                for ownership in keep(world, renewal) {
                    give_back(world, ownership.partition, renewal);
                }
                world.database.runners.remove(&renewal.runner);
                Ok(())
            })
            .await
    }

    async fn load(&self, wanted: &Wanted) -> Result<Loaded, StoreError> {
        let kills = |world: &World| {
            wanted.messages.iter().any(|(key, _)| world.poison.get(key) == Some(&Poison::Kills))
        };
        if kills(&self.0.world.lock().unwrap()) {
            return self.0.die().await;
        }
        self.0.call("load", |world| Ok(load(world, wanted))).await
    }

    async fn executions(&self, ids: &[ExecutionId]) -> Result<Vec<v1::Execution>, Unavailable> {
        self.0
            .call("executions", |world| {
                Ok(ids.iter().filter_map(|id| world.database.executions.get(id).cloned()).collect())
            })
            .await
    }

    async fn begin(&self, ownership: &Ownership, counts: bool) -> Result<u32, StoreError> {
        let known = *ownership;
        self.0
            .call_that_may_be_late("begin", move |world| {
                if !is_still(world, known) {
                    return Err(StoreError::Fenced);
                }
                let counts = counts && world.bug != Some(Bug::TriesUncounted);
                let row = &mut world.database.partitions[known.partition as usize];
                row.tries += u32::from(counts);
                Ok(row.tries)
            })
            .await
    }

    async fn commit(&self, commit: &Commit) -> Result<(), StoreError> {
        let commit = commit.clone();
        let halves = self.0.world.lock().unwrap().bug.and_then(|bug| halves(bug, &commit));
        if let Some((first, second)) = halves {
            self.0.call_that_may_be_late("commit", move |world| apply(world, &first)).await?;
            return self.0.call_that_may_be_late("commit", move |world| apply(world, &second)).await;
        }
        self.0.call_that_may_be_late("commit", move |world| apply(world, &commit)).await
    }

    async fn untold(
        &self,
        told: &[OutboxKey],
        after: OutboxKey,
        rows_max: u32,
    ) -> Result<Vec<OutboxRow>, Unavailable> {
        self.0
            .call("untold", |world| {
                if world.bug == Some(Bug::OutboxIgnored) {
                    return Ok(Vec::new());
                }
                let partitions = &world.database.partitions;
                let wanted = |(key, _): &(&OutboxKey, &v1::Outbox)| {
                    let of = told.iter().find(|known| known.partition == key.partition);
                    let told_no = partitions[key.partition as usize].told_no;
                    of.is_some_and(|of| key.commit_no > told_no.min(of.commit_no)) && **key > after
                };
                let rows = world.database.outbox.iter().filter(wanted).take(rows_max as usize);
                Ok(rows.map(|(key, outbox)| OutboxRow { key: *key, outbox: outbox.clone() }).collect())
            })
            .await
    }

    async fn keep_told(&self, owned: &[Ownership]) -> Result<(), Unavailable> {
        self.0
            .call("keep told", |world| {
                for known in owned {
                    let row = &mut world.database.partitions[known.partition as usize];
                    if row.epoch == known.epoch {
                        row.told_no = row.told_no.max(known.told_no);
                    }
                }
                Ok(())
            })
            .await
    }

    async fn due(&self, partitions: &[u32], now_ms: i64) -> Result<Due, Unavailable> {
        self.0.call("due", |world| Ok(due(&world.database, partitions, now_ms))).await
    }

    async fn postpone(&self, activities: &[(Uuid, i64)]) -> Result<(), Unavailable> {
        let activities = activities.to_vec();
        self.0
            .call_that_may_be_late("postpone", move |world| {
                for (id, at_ms) in activities {
                    if let Some((_, issue_at_ms)) = world.database.activities.get_mut(&id) {
                        *issue_at_ms = at_ms;
                    }
                }
                Ok(())
            })
            .await
    }

    async fn catalog(&self, _group: u32, incarnation: i64) -> Result<Vec<CatalogEntry>, Unavailable> {
        self.0
            .call("catalog", |world| {
                let entry = |(of, entry): &(i64, CatalogEntry)| CatalogEntry {
                    seq: if *of == incarnation { entry.seq } else { 0 },
                    marker: entry.marker.clone(),
                };
                Ok(world.database.markers.iter().map(entry).collect())
            })
            .await
    }
}

/// The cursor and the rest as two commits, for bugs that make them so.
fn halves(bug: Bug, commit: &Commit) -> Option<(Commit, Commit)> {
    let cursor = Commit { incarnation: commit.incarnation, moves: commit.moves.clone(), ..Commit::default() };
    let rest = Commit { moves: Vec::new(), ..commit.clone() };
    match bug {
        Bug::CursorFirst => Some((cursor, rest)),
        Bug::CursorLast => Some((rest, cursor)),
        _ => None,
    }
}

fn ownership(world: &World, partition: u32) -> Ownership {
    let row = &world.database.partitions[partition as usize];
    Ownership {
        partition,
        epoch: row.epoch,
        applied_seq: row.applied_seq,
        applied_inputs: row.applied_inputs,
        commit_no: row.commit_no,
        told_no: row.told_no,
    }
}

/// Whether a partition is where a runner thinks, whatever of it is told.
fn is_still(world: &World, known: Ownership) -> bool {
    let stored = ownership(world, known.partition);
    Ownership { told_no: stored.told_no, ..known } == stored
}

fn renew(world: &mut World, renewal: &Renewal) -> Tenure {
    let now_ms = world.now_ms();
    let until_ms = now_ms + i64::try_from(renewal.lease.as_millis()).unwrap();
    world.database.runners.insert(renewal.runner, until_ms);
    let alive = world.database.runners.values().filter(|until| **until > now_ms).count();
    let fair_share = (PARTITIONS as usize).div_ceil(alive);
    let mut kept = keep(world, renewal);
    let fair_share = if renewal.shares { fair_share } else { kept.len() };
    for surplus in kept.split_off(kept.len().min(fair_share)) {
        give_back(world, surplus.partition, renewal);
    }
    let (mut gained, mut unclean, mut suspect) = (Vec::new(), Vec::new(), Vec::new());
    let (trusting, forgetful) =
        (world.bug == Some(Bug::DeadTrusted), world.bug == Some(Bug::IncarnationIgnored));
    let mut order: Vec<u32> = (0..PARTITIONS).collect();
    order.sort_by_key(|partition| {
        world.database.partitions[*partition as usize].owner != Some(renewal.runner)
    });
    for partition in order {
        let trusts = world.bug == Some(Bug::HandOverTrusted);
        let raises = world.bug != Some(Bug::EpochStays);
        let row = &mut world.database.partitions[partition as usize];
        let free = row.owner.is_none() || row.owner == Some(renewal.runner) || row.expires_at_ms < now_ms;
        let held = kept.iter().any(|ownership| ownership.partition == partition);
        if held || !free || kept.len() + gained.len() >= fair_share {
            continue;
        }
        if row.owner.is_some() || (row.told_to != renewal.broker && !trusts) {
            unclean.push(partition);
        }
        let died = row.owner.is_some_and(|owner| owner != renewal.runner);
        if (died || row.tries > 0) && row.incarnation == renewal.incarnation && !trusting {
            suspect.push(partition);
        }
        row.owner = Some(renewal.runner);
        row.expires_at_ms = until_ms;
        row.epoch += u64::from(raises);
        if row.incarnation != renewal.incarnation {
            let applied_seq = if forgetful { row.applied_seq } else { 0 };
            (row.incarnation, row.applied_seq) = (renewal.incarnation, applied_seq);
            (row.applied_inputs, row.tries) = (0, 0);
        }
        gained.push(ownership(world, partition));
    }
    let lowest = world
        .database
        .partitions
        .iter()
        .map(|row| if row.incarnation == renewal.incarnation { row.applied_seq } else { 0 });
    let lowest_applied_seq = lowest.min().unwrap();
    let places = |all: &[Ownership]| {
        let place = |one: &Ownership| format!("{}@{}", one.partition, one.applied_seq);
        all.iter().map(place).collect::<Vec<_>>().join(" ")
    };
    if !gained.is_empty() || kept.len() < renewal.owned.len() {
        world.tell(|| format!("{} keeps {} and gains {}", renewal.runner, places(&kept), places(&gained)));
    }
    let others =
        world.database.partitions.iter().filter(|row| row.owner.is_some_and(|owner| owner != renewal.runner));
    let expiries = others.map(|row| row.expires_at_ms - now_ms).filter(|ms| *ms > 0);
    let next_expiry = expiries.min().map(|ms| Duration::from_millis(ms.unsigned_abs()));
    let fair_share = u32::try_from(fair_share).unwrap();
    Tenure { kept, gained, unclean, suspect, next_expiry, lowest_applied_seq, fair_share }
}

fn keep(world: &mut World, renewal: &Renewal) -> Vec<Ownership> {
    let until_ms = world.now_ms() + i64::try_from(renewal.lease.as_millis()).unwrap();
    let mut kept = Vec::new();
    for known in &renewal.owned {
        let same = is_still(world, *known);
        let row = &mut world.database.partitions[known.partition as usize];
        if same && row.owner == Some(renewal.runner) && row.incarnation == renewal.incarnation {
            row.expires_at_ms = until_ms;
            row.told_no = row.told_no.max(known.told_no);
            if renewal.position > row.applied_seq {
                (row.applied_seq, row.applied_inputs, row.tries) = (renewal.position, 0, 0);
            }
            kept.push(ownership(world, known.partition));
        }
    }
    kept.sort_by_key(|ownership| ownership.partition);
    kept
}

fn give_back(world: &mut World, partition: u32, renewal: &Renewal) {
    let row = &mut world.database.partitions[partition as usize];
    (row.owner, row.expires_at_ms) = (None, 0);
    row.told_to.clone_from(&renewal.told_to);
}

fn load(world: &mut World, wanted: &Wanted) -> Loaded {
    let stale = world.bug == Some(Bug::StaleConversations);
    let database = &world.database;
    let mut loaded = Loaded::default();
    for id in &wanted.conversations {
        let older = if stale { database.older_conversations.get(id) } else { None };
        loaded
            .conversations
            .extend(older.or(database.conversations.get(id)).map(|found| (*id, found.clone())));
    }
    for (key, _) in &wanted.messages {
        loaded.messages.extend(database.messages.get(key).map(|found| (*key, *found)));
    }
    let known = wanted.customers.iter().filter(|customer| database.customers.contains(*customer));
    loaded.customers.extend(known.cloned());
    for id in &wanted.running {
        loaded.running.extend(database.running.get(id).map(|running| (*id, running.clone())));
        let mail: VecDeque<Mail> =
            database.mail.range((*id, 0)..=(*id, u64::MAX)).map(|(_, mail)| mail.clone()).collect();
        let handled = mail.iter().filter_map(|mail| Some((mail.key, *database.messages.get(&mail.key)?)));
        loaded.messages.extend(handled);
        loaded.mail.insert(*id, mail);
    }
    loaded
}

fn due(database: &Database, partitions: &[u32], now_ms: i64) -> Due {
    let ours = |partition: u32| partitions.contains(&partition);
    let timers = database.timers.values().filter(|timer| ours(timer.partition));
    let activities = database.activities.values().filter(|(activity, _)| ours(activity.partition));
    let issue_at = activities.clone().map(|(_, issue_at_ms)| *issue_at_ms);
    let due_at = timers.clone().map(|timer| timer.due_at_ms).chain(issue_at);
    let next_ms = due_at.filter(|at_ms| *at_ms > now_ms).min();
    let due = |timer: &Timer| {
        let conversation = &database.conversations[&timer.conversation];
        DueTimer {
            timer: *timer,
            account: conversation.account,
            channel: conversation.channel.clone(),
            customer_id: conversation.customer_id.clone(),
        }
    };
    // Whoever does them always ends at last, so what comes out does not depend on how long that takes.
    let endless = |activity: &v1::Activity| v1::Activity { deadline_at_ms: i64::MAX, ..activity.clone() };
    Due {
        timers: timers.filter(|timer| timer.due_at_ms <= now_ms).map(due).collect(),
        activities: activities
            .filter(|(_, issue_at_ms)| *issue_at_ms <= now_ms)
            .map(|(activity, _)| endless(activity))
            .collect(),
        next_ms,
    }
}

/// The part of a commit that is about waiting.
fn apply_waits(database: &mut Database, bug: Option<Bug>, commit: &Commit) {
    for over in &commit.timers_over {
        database.timers.remove(over);
    }
    if bug != Some(Bug::TimersForgotten) {
        let timers = commit.timers.iter().map(|timer| ((timer.conversation, timer.wait_no), *timer));
        database.timers.extend(timers);
    }
    for over in &commit.activities_over {
        database.activities.remove(over);
    }
    if bug != Some(Bug::ActivitiesForgotten) {
        database.activities.extend(commit.activities.iter().map(|activity| {
            let issue_at_ms = activity.planned_at_ms + ISSUE_AGAIN_MS;
            (Uuid::from_slice(&activity.id).unwrap(), (activity.clone(), issue_at_ms))
        }));
    }
    for over in &commit.running_over {
        database.running.remove(over);
    }
    for running in &commit.running {
        let id = ConversationId::from_slice(&running.execution.conversation_id).unwrap();
        database.running.insert(id, running.clone());
    }
    if bug != Some(Bug::MailStays) {
        for (id, before) in &commit.mail_taken {
            database.mail.retain(|(of, position), _| of != id || position >= before);
        }
    }
    if bug != Some(Bug::MailForgotten) {
        for mail in &commit.mail {
            if database.mail.insert((mail.conversation, mail.position), mail.clone()).is_some() {
                database.violations.push(format!("{:?} is put into the mailbox twice", mail.position));
            }
        }
    }
}

fn fits(world: &World, moved: &Move, incarnation: i64) -> bool {
    let row = &world.database.partitions[moved.from.partition as usize];
    let unchecked = world.bug == Some(Bug::NothingChecked);
    let epoch = row.epoch == moved.from.epoch || world.bug == Some(Bug::EpochUnchecked);
    let from = (moved.from.applied_seq, moved.from.applied_inputs, moved.from.commit_no);
    let place =
        (row.applied_seq, row.applied_inputs, row.commit_no) == from || world.bug == Some(Bug::EpochStays);
    unchecked || (epoch && place && row.incarnation == incarnation)
}

/// All or nothing.
fn apply(world: &mut World, commit: &Commit) -> Result<(), StoreError> {
    if !commit.moves.iter().all(|moved| fits(world, moved, commit.incarnation)) {
        world.tell(|| "a commit is fenced".to_owned());
        return Err(StoreError::Fenced);
    }
    let refused = |message: &HandledMessage| world.poison.get(&message.key) == Some(&Poison::Refused);
    if commit.messages.iter().any(refused) {
        world.tell(|| "a commit is refused".to_owned());
        return Err(StoreError::Refused("the text cannot be stored".to_owned()));
    }
    if !commit.moves.is_empty() {
        let moved = |moved: &Move| {
            format!("{}@{}→{}", moved.from.partition, moved.from.applied_seq, moved.applied_seq)
        };
        world.tell(|| format!("a commit: {}", commit.moves.iter().map(moved).collect::<Vec<_>>().join(" ")));
    }
    let remembers = world.bug != Some(Bug::MessagesForgotten);
    let (pieces_forgotten, tries_stay) =
        (world.bug == Some(Bug::PiecesForgotten), world.bug == Some(Bug::TriesStay));
    let database = &mut world.database;
    for moved in &commit.moves {
        let row = &mut database.partitions[moved.from.partition as usize];
        if row.epoch != moved.from.epoch {
            database.violations.push(format!("{moved:?} is written under an old epoch"));
        }
        (row.applied_seq, row.commit_no) = (moved.applied_seq, moved.commit_no);
        row.told_no = row.told_no.max(moved.from.told_no);
        if !pieces_forgotten {
            row.applied_inputs = moved.applied_inputs;
        }
        if !tries_stay {
            row.tries = 0;
        }
    }
    for customer in &commit.customers_forgotten {
        database.customers.remove(customer);
    }
    database.there += commit.conversations_gained.iter().map(|(.., gained)| gained).sum::<i64>();
    for (_, entry) in &commit.notes {
        let place = match entry {
            Entry::Ignored(ignored) => (ignored.conversation_id.clone(), ignored.first_conversation_seq),
            Entry::Note(note) => (note.conversation_id.clone(), note.conversation_seq),
            Entry::Execution(_) | Entry::Part(_) => unreachable!(),
        };
        if database.notes.insert(place.clone(), entry.clone()).is_some() {
            database.violations.push(format!("the note {place:?} is written twice"));
        }
    }
    for conversation in &commit.conversations {
        let mut conversation = conversation.clone();
        if world.bug == Some(Bug::PersonForgotten) {
            conversation.person = None;
        }
        if let Some(older) = database.conversations.insert(conversation.id, conversation.clone()) {
            database.older_conversations.insert(conversation.id, older);
        }
    }
    database.customers.extend(commit.customers.iter().map(|(account, id, _)| (*account, id.clone())));
    if remembers {
        database.messages.extend(commit.messages.iter().map(|message| (message.key, *message)));
    }
    for (_, execution) in &commit.executions {
        let id = ExecutionId::from_slice(&execution.id).unwrap();
        if database.executions.insert(id, execution.clone()).is_some() {
            database.violations.push(format!("{id} is written twice"));
        }
    }
    for row in &commit.outbox {
        if database.outbox.insert(row.key, row.outbox.clone()).is_some() {
            database.violations.push(format!("{:?} is written twice", row.key));
        }
    }
    apply_waits(database, world.bug, commit);
    for entry in &commit.markers {
        let known = |(_, known): &(i64, CatalogEntry)| {
            known.marker.workflow_id == entry.marker.workflow_id
                && known.marker.state_no == entry.marker.state_no
        };
        if !database.markers.iter().any(known) {
            database.markers.push((commit.incarnation, entry.clone()));
        }
    }
    for letter in &commit.dead_letters {
        let place = (commit.incarnation, letter.seq, letter.position);
        database.dead_letters.entry(place).or_insert_with(|| letter.clone());
    }
    Ok(())
}
