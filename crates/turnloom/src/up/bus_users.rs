//! The users of the local broker: each service has one of its own, with a password that is made anew at each start.

use std::fs;
use std::path::Path;

use anyhow::Context;
use contracts::access::{self, Party};
use local_stack::{USERS_FILE, Users};

use crate::services::NatsUrls;
use crate::subscribers;

/// A password for each of them.
pub(super) struct BusUsers(Vec<(Party, String)>);

impl BusUsers {
    /// New passwords.
    pub fn new() -> Self {
        Self(Party::ALL.map(|party| (party, subscribers::new_password())).to_vec())
    }

    /// What the broker has to know, the subscribers included that it knew before.
    ///
    /// # Errors
    /// When the file that it had cannot be read.
    pub fn for_broker(&self, directory: Option<&Path>) -> anyhow::Result<Users> {
        let file = directory.map(|directory| directory.join(USERS_FILE)).filter(|file| file.exists());
        let known = match file {
            None => Vec::new(),
            Some(file) => {
                let text = fs::read_to_string(&file);
                let text = text.with_context(|| format!("cannot read {}", file.display()))?;
                access::read_users(&text).with_context(|| file.display().to_string())?
            }
        };
        let variable =
            |(party, password): &(Party, String)| (party.password_variable().to_owned(), password.clone());
        Ok(Users { conf: access::users_conf(&known), environment: self.0.iter().map(variable).collect() })
    }

    /// The broker's address as one of them names it.
    pub fn url(&self, broker: &str, wanted: Party) -> String {
        let password =
            self.0.iter().find(|(party, _)| *party == wanted).map(|(_, password)| password.as_str());
        let login = format!("nats://{}:{}@", wanted.user(), password.unwrap_or_default());
        broker.replacen("nats://", &login, 1)
    }

    /// The same for all services.
    pub fn urls(&self, broker: &str) -> NatsUrls {
        NatsUrls {
            gateway: self.url(broker, Party::Gateway),
            catalog: self.url(broker, Party::Catalog),
            runner: self.url(broker, Party::Runner),
            metrics: self.url(broker, Party::Metrics),
        }
    }
}
