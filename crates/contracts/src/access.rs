//! Who may say and hear what on NATS: a user for each service, one for operators, one for each subscriber.
//!
//! Each may use only the subjects that it needs, of JetStream's requests those for its streams. Replies go to an inbox that
//! has its user's name in front ([`inbox`]), so nobody hears another's. Who answers requests may say things to the inboxes
//! of those who ask it; whoever wants to slip in an answer would have to guess the 22 random characters of the request.
//!
//! A broker checks where a message goes and not where its answer is to go. So a subscriber can have the broker send an event
//! of its own account to any subject; what cannot be read there goes to the dead letters.

mod config;

use flow_model::AccountId;

use crate::subject::{
    ACTIVITIES_STREAM, DEFINITIONS_BUCKET, DEFINITIONS_STREAM, EVENTS_ALL, EVENTS_STREAM, REPLIES_ALL,
    REPLIES_STREAM, catalog, knowledge, metrics, runner,
};

pub use config::{ReadError, Subscriber, read_users, users_conf};

/// What a user may do; everything else is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects that it may send to.
    pub publish: Vec<String>,
    /// Subjects that it may listen on.
    pub subscribe: Vec<String>,
    /// Subjects among these that it does not hear.
    pub unheard: Vec<String>,
}

/// A user that every installation has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// `gateway`.
    Gateway,
    /// `workflow-catalog`.
    Catalog,
    /// `execution-runner`.
    Runner,
    /// `metrics-aggregator`.
    Metrics,
    /// Who works on the command line.
    Operator,
}

impl Party {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Gateway, Self::Catalog, Self::Runner, Self::Metrics, Self::Operator];

    /// The user's name.
    #[must_use]
    pub fn user(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Catalog => "catalog",
            Self::Runner => "runner",
            Self::Metrics => "metrics",
            Self::Operator => "operator",
        }
    }

    /// The variable in the broker's environment that holds the user's password: letters and digits, a letter first, since
    /// the broker reads it as a value of its configuration.
    #[must_use]
    pub fn password_variable(self) -> &'static str {
        match self {
            Self::Gateway => "TURNLOOM_NATS_GATEWAY_PASSWORD",
            Self::Catalog => "TURNLOOM_NATS_CATALOG_PASSWORD",
            Self::Runner => "TURNLOOM_NATS_RUNNER_PASSWORD",
            Self::Metrics => "TURNLOOM_NATS_METRICS_PASSWORD",
            Self::Operator => "TURNLOOM_NATS_OPERATOR_PASSWORD",
        }
    }

    /// What the user may do.
    #[must_use]
    pub fn permissions(self) -> Permissions {
        match self {
            Self::Gateway => gateway(),
            Self::Catalog => catalog_permissions(),
            Self::Runner => runner_permissions(),
            Self::Metrics => metrics_permissions(),
            Self::Operator => operator(),
        }
    }
}

/// What is in front of all inboxes of a user.
#[must_use]
pub fn inbox(user: &str) -> String {
    format!("_INBOX.{user}")
}

/// The user of a subscriber, which is also the name of the one consumer that it may have: both belong to this account for
/// ever, whoever takes the name later.
#[must_use]
pub fn subscriber_user(name: &str, account: AccountId) -> String {
    format!("{name}_{}", account.as_uuid().as_simple())
}

/// What a subscriber to the events of one account may do: make its consumer with a filter of that account, and read it.
#[must_use]
pub fn subscriber(name: &str, account: AccountId) -> Permissions {
    let user = subscriber_user(name, account);
    let events = crate::subject::events(account, ">");
    Permissions {
        publish: vec![
            api(&format!("CONSUMER.CREATE.{EVENTS_STREAM}.{user}.{events}")),
            api(&format!("CONSUMER.INFO.{EVENTS_STREAM}.{user}")),
            api(&format!("CONSUMER.MSG.NEXT.{EVENTS_STREAM}.{user}")),
            format!("$JS.ACK.{EVENTS_STREAM}.{user}.>"),
        ],
        subscribe: vec![inboxes_of(&user)],
        ..Permissions::default()
    }
}

/// All inboxes of a user.
fn inboxes_of(user: &str) -> String {
    format!("{}.>", inbox(user))
}

/// All inboxes of these.
fn inboxes(parties: &[Party]) -> Vec<String> {
    parties.iter().map(|party| inboxes_of(party.user())).collect()
}

/// A request to JetStream.
fn api(request: &str) -> String {
    format!("$JS.API.{request}")
}

/// Frames of all groups.
const TURNS_ALL: &str = "turns.*";
/// Where gateways hear what became of inputs.
const ANSWERS_ALL: &str = "turnloom.answers.*";

/// What every service asks JetStream: whether it is there, and how streams stand.
fn looks() -> Vec<String> {
    vec![api("INFO"), api("STREAM.INFO.*")]
}

/// Reading a stream through consumers, whatever their filters.
fn reads(stream: &str) -> Vec<String> {
    [
        format!("CONSUMER.CREATE.{stream}"),
        format!("CONSUMER.CREATE.{stream}.>"),
        format!("CONSUMER.INFO.{stream}.*"),
        format!("CONSUMER.MSG.NEXT.{stream}.*"),
    ]
    .map(|request| api(&request))
    .to_vec()
}

/// Reading values of the bucket of definitions.
fn reads_definitions() -> Vec<String> {
    vec![
        api(&format!("DIRECT.GET.{DEFINITIONS_STREAM}")),
        api(&format!("DIRECT.GET.{DEFINITIONS_STREAM}.>")),
        api(&format!("STREAM.MSG.GET.{DEFINITIONS_STREAM}")),
    ]
}

/// Answering requests, and saying so to those who look who answers (the NATS services API).
fn answers(server: &str, subjects: &[&str]) -> Vec<String> {
    let mut listens: Vec<String> = subjects.iter().map(|subject| (*subject).to_owned()).collect();
    listens.push("$SRV.*".to_owned());
    listens.push(format!("$SRV.*.{server}"));
    listens.push(format!("$SRV.*.{server}.*"));
    listens
}

fn owned(subjects: &[&str]) -> Vec<String> {
    subjects.iter().map(|subject| (*subject).to_owned()).collect()
}

fn gateway() -> Permissions {
    let asks = [
        catalog::CREATE,
        catalog::GET,
        catalog::LIST,
        catalog::UPDATE,
        catalog::DELETE,
        catalog::ACTIVATE,
        catalog::DEACTIVATE,
        catalog::VALIDATE,
        catalog::PUT_SECRET,
        catalog::LIST_SECRETS,
        catalog::DELETE_SECRET,
        "turnloom.knowledge.v1.*",
        runner::LIST_EXECUTIONS,
        runner::GET_EXECUTION,
        runner::GET_MESSAGE,
        runner::GET_CONVERSATION,
        runner::LIST_CONVERSATIONS,
        runner::CONVERSATION_MESSAGES,
        runner::CONVERSATION_EVENTS,
        runner::ERASE_CUSTOMER,
        runner::WORKFLOW_TOTALS,
        runner::LIST_RUNNERS,
        runner::LIST_DEAD_LETTERS,
        runner::GET_DEAD_LETTER,
        runner::RETRY_DEAD_LETTER,
        metrics::GET,
    ];
    let publish = [
        owned(&[TURNS_ALL]),
        owned(&asks),
        looks(),
        reads(EVENTS_STREAM),
        vec![api(&format!("STREAM.MSG.GET.{EVENTS_STREAM}"))],
    ];
    let subscribe = [owned(&[ANSWERS_ALL]), inboxes(&[Party::Gateway])];
    Permissions { publish: publish.concat(), subscribe: subscribe.concat(), ..Permissions::default() }
}

fn catalog_permissions() -> Permissions {
    let definitions = format!("$KV.{DEFINITIONS_BUCKET}.>");
    let publish = [
        owned(&[TURNS_ALL, &definitions, runner::ERASE_WORKFLOW, metrics::ERASE_WORKFLOW]),
        looks(),
        reads_definitions(),
        inboxes(&[Party::Gateway, Party::Runner, Party::Operator]),
    ];
    let listens = answers("workflow-catalog", &["turnloom.catalog.v1.*", "turnloom.knowledge.v1.*"]);
    Permissions {
        publish: publish.concat(),
        subscribe: [listens, inboxes(&[Party::Catalog])].concat(),
        ..Permissions::default()
    }
}

/// Runners make all streams, and mend them.
fn runner_permissions() -> Permissions {
    let activities_done = format!("$JS.ACK.{ACTIVITIES_STREAM}.>");
    let says = [
        TURNS_ALL,
        EVENTS_ALL,
        REPLIES_ALL,
        "activities.*",
        &activities_done,
        ANSWERS_ALL,
        catalog::DEFINITION,
        catalog::GET_SECRETS,
        knowledge::SEARCH,
    ];
    let streams = ["CREATE", "UPDATE", "PURGE", "MSG.GET"].map(|what| api(&format!("STREAM.{what}.*")));
    let publish = [
        owned(&says),
        looks(),
        streams.to_vec(),
        // Those of groups have a number in their name, which no pattern can tell.
        reads("*"),
        reads_definitions(),
        inboxes(&[Party::Gateway, Party::Catalog, Party::Metrics, Party::Operator]),
    ];
    let listens = answers("execution-runner", &["turnloom.runner.v1.*"]);
    Permissions {
        publish: publish.concat(),
        subscribe: [listens, inboxes(&[Party::Runner])].concat(),
        ..Permissions::default()
    }
}

fn metrics_permissions() -> Permissions {
    let asks = [runner::COMMITS, runner::COMMIT_EVENTS, runner::RETENTION, runner::LIST_EXECUTIONS];
    let publish = [
        owned(&asks),
        looks(),
        reads(EVENTS_STREAM),
        inboxes(&[Party::Gateway, Party::Catalog, Party::Operator]),
    ];
    let listens = answers("metrics-aggregator", &["turnloom.metrics.v1.*"]);
    Permissions {
        publish: publish.concat(),
        subscribe: [listens, inboxes(&[Party::Metrics])].concat(),
        ..Permissions::default()
    }
}

/// The requests of the command line, and reading events and replies of all accounts.
fn operator() -> Permissions {
    let done = [EVENTS_STREAM, REPLIES_STREAM].map(|stream| format!("$JS.ACK.{stream}.>"));
    let asks = [runner::REPUBLISH, runner::RETENTION, metrics::REBUILD, metrics::RETENTION, "$SRV.>"];
    let consumers = [EVENTS_STREAM, REPLIES_STREAM].map(|stream| api(&format!("CONSUMER.DELETE.{stream}.*")));
    let publish = [
        owned(&asks),
        looks(),
        vec![api("STREAM.NAMES"), api("STREAM.LIST")],
        reads(EVENTS_STREAM),
        reads(REPLIES_STREAM),
        consumers.to_vec(),
        done.to_vec(),
    ];
    // Other programs choose inboxes of their own, so operators have all that are no service's.
    let services = Party::ALL.into_iter().filter(|party| *party != Party::Operator);
    Permissions {
        publish: publish.concat(),
        subscribe: vec!["_INBOX.>".to_owned()],
        unheard: services.map(|party| inboxes_of(party.user())).collect(),
    }
}
