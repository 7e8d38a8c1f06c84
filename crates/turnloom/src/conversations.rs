//! `turnloom conversations …`: who talks with whom, and taking part.

mod show;

use serde_json::{Map, Value, json};

use crate::api::Api;
use crate::output::{self, Format, member};
use crate::workflows;

/// What to do with conversations.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Lists them, those that began last first
    List {
        /// Only of this customer
        #[arg(long)]
        customer: Option<String>,
        /// Only of this channel
        #[arg(long)]
        channel: Option<String>,
        /// Only those that this one has: bot, human
        #[arg(long)]
        owner: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Shows one: who has it, what it waits for, its variables
    Show {
        /// Its id
        conversation: String,
    },
    /// Shows what was said last, in the order in which it was said
    Messages {
        /// The conversation's id
        conversation: String,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        limit: u32,
    },
    /// Gives one to a person: the bot is silent
    Assign(Assignment),
    /// Says something to the customer, for the person who has the conversation
    Say {
        /// The conversation's id
        conversation: String,
        /// What to say
        text: String,
        /// Who says it; whoever the conversation is assigned to unless given
        #[arg(long)]
        agent: Option<String>,
    },
    /// Gives one back to the bot
    Release {
        /// Its id
        conversation: String,
    },
    /// Ends what one is in; who has it does not change
    Cancel {
        /// Its id
        conversation: String,
    },
}

/// Who gets a conversation.
#[derive(Debug, Clone, clap::Args)]
pub struct Assignment {
    /// Its id
    conversation: String,
    /// The team
    #[arg(long)]
    team: Option<String>,
    /// The person; nobody has taken it yet unless given
    #[arg(long)]
    agent: Option<String>,
    /// What that person should know
    #[arg(long)]
    note: Option<String>,
    /// Without an act of a person for so long the bot has it again, such as 30m or PT8H
    #[arg(long)]
    return_after: Option<String>,
}

impl Assignment {
    /// With what was given only.
    fn body(&self) -> Value {
        let given = [
            ("team", &self.team),
            ("agent", &self.agent),
            ("note", &self.note),
            ("return_after", &self.return_after),
        ];
        let member = |(name, value): (&str, &Option<String>)| Some((name.to_owned(), json!(value.as_ref()?)));
        Value::Object(given.into_iter().filter_map(member).collect::<Map<_, _>>())
    }
}

/// Does it.
///
/// # Errors
/// When the API refuses or cannot be reached.
pub async fn run(command: Command, api: &Api, format: Format) -> anyhow::Result<()> {
    match command {
        Command::List { customer, channel, owner, limit } => {
            let filters: Vec<(&str, String)> =
                [("customer_id", customer), ("channel", channel), ("owner", owner)]
                    .into_iter()
                    .filter_map(|(name, value)| Some((name, value?)))
                    .collect();
            let found = workflows::pages(api, "/v1/conversations", &filters, limit).await?;
            if format.json {
                return output::json(&Value::Array(found));
            }
            show::list(&found);
            Ok(())
        }
        Command::Show { conversation } => {
            let answer = api.get(&path(&conversation, ""), &[]).await?;
            let conversation = answer.get("data").unwrap_or(&answer);
            if format.json {
                return output::json(conversation);
            }
            show::one(conversation);
            Ok(())
        }
        Command::Messages { conversation, limit } => {
            let mut said = workflows::pages(api, &path(&conversation, "/messages"), &[], limit).await?;
            said.reverse();
            if format.json {
                return output::json(&Value::Array(said));
            }
            show::messages(&said);
            Ok(())
        }
        Command::Assign(assignment) => {
            let id = &assignment.conversation;
            let answer = api.post(&path(id, "/assign"), &assignment.body()).await?;
            output::done(format, &answer, |conversation| format!("{} has {id}", show::owner(conversation)))
        }
        Command::Say { conversation, text, agent } => {
            let mut body = json!({"message": text});
            if let (Some(agent), Some(body)) = (agent, body.as_object_mut()) {
                body.insert("agent".to_owned(), json!(agent));
            }
            let answer = api.post(&path(&conversation, "/messages"), &body).await?;
            output::done(format, &answer, |sent| match member(sent, "/status").as_str() {
                "sent" => format!("{} is sent", member(sent, "/id")),
                _ => format!("{} is accepted; look later whether it could be sent", member(sent, "/id")),
            })
        }
        Command::Release { conversation: id } => {
            let answer = api.post(&path(&id, "/release"), &json!({})).await?;
            output::done(format, &answer, |conversation| format!("{} has {id}", show::owner(conversation)))
        }
        Command::Cancel { conversation: id } => {
            let answer = api.post(&path(&id, "/cancel"), &json!({})).await?;
            output::done(format, &answer, |_| format!("{id} is in no flow any more"))
        }
    }
}

fn path(conversation: &str, part: &str) -> String {
    format!("/v1/conversations/{conversation}{part}")
}
