//! The faults: what each does, whether it is in the short form, and how it is played.

mod backlog;
mod cut_links;
mod disconnect;
mod empty_broker;
mod flood;
mod full_disk;
mod kill_broker;
mod kill_catalog_and_aggregator;
mod kill_database;
mod kill_gateways;
mod kill_runners;
mod kill_waiting;
mod making;
mod pending_timers;
mod poison;
mod repeat_messages;
mod rolling_restart;
mod scale_runners;
mod slow_model;
mod stop_runner;

use clap::ValueEnum;
use serde::Serialize;

use crate::failure::Failure;
use crate::row::Row;
use crate::scene::Stage;

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ValueEnum)]
#[value(rename_all = "verbatim")]
pub enum Fault {
    /// Runners are killed.
    R1,
    /// Gateways are killed.
    R2,
    /// Catalog and aggregator are killed.
    R3,
    /// The broker is killed.
    R4,
    /// The broker comes back empty.
    R4Empty,
    /// The database is killed.
    R5,
    /// A runner is stopped for a while.
    R6,
    /// Everything is restarted in order.
    R7,
    /// Runners come and go.
    R8,
    /// Messages are repeated.
    R9,
    /// The stream is poisoned.
    R10,
    /// One customer floods.
    R11,
    /// Very many messages wait.
    R12,
    /// Clients go away.
    R13,
    /// The broker's disk is full.
    R14,
    /// The database's disk is full.
    R14Database,
    /// Links are cut.
    R16,
    /// Runners are killed while flows wait. R1 kills those whose turns take no time, so hardly ever while an activity or a timer
    /// is under way.
    R17,
    /// Very many timers wait for later. Nothing is killed: what they cost the others is measured.
    R18,
    /// A model is slow. Nothing is killed: what those who wait for it cost the others is measured.
    R19,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 20] = [
        Self::R1,
        Self::R2,
        Self::R3,
        Self::R4,
        Self::R4Empty,
        Self::R5,
        Self::R6,
        Self::R7,
        Self::R8,
        Self::R9,
        Self::R10,
        Self::R11,
        Self::R12,
        Self::R13,
        Self::R14,
        Self::R14Database,
        Self::R16,
        Self::R17,
        Self::R18,
        Self::R19,
    ];

    /// Those of the short form.
    pub const SHORT: [Self; 8] =
        [Self::R1, Self::R2, Self::R3, Self::R4, Self::R5, Self::R6, Self::R9, Self::R10];

    /// Whether it leaves runners, broker and database alone, or asks them to end: then nothing is sent again. In the short
    /// form other tests may take the processor for longer than a lease.
    pub fn sends_once(self) -> bool {
        matches!(self, Self::R2 | Self::R3 | Self::R7 | Self::R8 | Self::R9 | Self::R11 | Self::R13)
    }

    /// What it does, in a few words.
    pub fn does(self) -> &'static str {
        match self {
            Self::R1 => "kill -9 a runner every 3 s",
            Self::R2 => "kill -9 the gateways in turn, requests open",
            Self::R3 => "kill -9 catalog and aggregator, again and again",
            Self::R4 => "kill -9 the broker, back after a while",
            Self::R4Empty => "kill -9 the broker, back with nothing in it",
            Self::R5 => "kill -9 the database, back after a while",
            Self::R6 => "stop a runner for 3 leases, let it go on",
            Self::R7 => "SIGTERM and restart everything, one after the other",
            Self::R8 => "runners 1, 4, 1, …",
            Self::R9 => "each message 1 to 5 times, also at once",
            Self::R10 => "poison of every kind, 1 % of inputs",
            Self::R11 => "one customer sends 5024 messages, 32 at once",
            Self::R12 => "runners down, very many messages waiting, runners up",
            Self::R13 => "clients disconnect at any byte",
            Self::R14 => "the broker's stream is full, then its disk",
            Self::R14Database => "the database's disk is full",
            Self::R16 => "cut links, one-way, both ways, and slow",
            Self::R17 => "kill -9 a runner every 3 s while flows wait for calls, a model, times, answers",
            Self::R18 => "a backlog with and without a million timers that wait for later",
            Self::R19 => "plain messages with and without 500 conversations that wait for a model",
        }
    }

    /// Plays it.
    ///
    /// # Errors
    /// When it could not be played to its end.
    pub async fn play(self, stage: &Stage) -> Result<Row, Failure> {
        match self {
            Self::R1 => Box::pin(kill_runners::play(stage)).await,
            Self::R2 => Box::pin(kill_gateways::play(stage)).await,
            Self::R3 => Box::pin(kill_catalog_and_aggregator::play(stage)).await,
            Self::R4 => Box::pin(kill_broker::play(stage)).await,
            Self::R4Empty => Box::pin(empty_broker::play(stage)).await,
            Self::R5 => Box::pin(kill_database::play(stage)).await,
            Self::R6 => Box::pin(stop_runner::play(stage)).await,
            Self::R7 => Box::pin(rolling_restart::play(stage)).await,
            Self::R8 => Box::pin(scale_runners::play(stage)).await,
            Self::R9 => Box::pin(repeat_messages::play(stage)).await,
            Self::R10 => Box::pin(poison::play(stage)).await,
            Self::R11 => Box::pin(flood::play(stage)).await,
            Self::R12 => Box::pin(backlog::play(stage)).await,
            Self::R13 => Box::pin(disconnect::play(stage)).await,
            Self::R14 => Box::pin(full_disk::play_broker(stage)).await,
            Self::R14Database => Box::pin(full_disk::play_database(stage)).await,
            Self::R16 => Box::pin(cut_links::play(stage)).await,
            Self::R17 => Box::pin(kill_waiting::play(stage)).await,
            Self::R18 => Box::pin(pending_timers::play(stage)).await,
            Self::R19 => Box::pin(slow_model::play(stage)).await,
        }
    }
}
