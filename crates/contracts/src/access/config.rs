//! The broker's list of users, as it reads it: `nats.conf` includes the file.

use std::fmt::Write;
use std::str::FromStr;

use flow_model::AccountId;

use super::{Party, Permissions, inbox, subscriber, subscriber_user};

/// Somebody outside who may read the events of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// What operators call it: letters, digits and `-`, 1 to 40.
    pub name: String,
    /// Whose events it reads.
    pub account: AccountId,
    /// What it shows to the broker: letters and digits.
    pub password: String,
}

/// Characters of a subscriber's name at most.
const NAME_CHARS_MAX: usize = 40;

impl Subscriber {
    /// A new one; none when the name cannot be one, or the password is no word of letters and digits.
    #[must_use]
    pub fn new(name: &str, account: AccountId, password: &str) -> Option<Self> {
        let is_name = (1..=NAME_CHARS_MAX).contains(&name.len())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let is_password = !password.is_empty() && password.chars().all(|c| c.is_ascii_alphanumeric());
        (is_name && is_password).then(|| Self {
            name: name.to_owned(),
            account,
            password: password.to_owned(),
        })
    }

    /// The user that it names, which is its consumer's name too.
    #[must_use]
    pub fn user(&self) -> String {
        subscriber_user(&self.name, self.account)
    }

    /// What its inboxes have to begin with.
    #[must_use]
    pub fn inbox(&self) -> String {
        inbox(&self.user())
    }
}

/// In front of what is known of a subscriber.
const MARK: &str = "# subscriber ";
/// What everybody may see of the file.
const HEAD: &str = "# Who may do what on the bus: crates/contracts/src/access.rs says it, and a test compares. nats.conf includes this file.
# The passwords of the services and of the operator are in the environment of nats-server: letters and digits, a letter first.
# `turnloom subscribers` adds and removes subscribers, and writes the rest anew.
";

/// The file with all services, the operator and these subscribers.
#[must_use]
pub fn users_conf(subscribers: &[Subscriber]) -> String {
    let mut text = format!("{HEAD}authorization {{\n  users: [\n");
    for party in Party::ALL {
        let password = format!("${}", party.password_variable());
        add(&mut text, party.user(), &password, &party.permissions());
    }
    for known in subscribers {
        let Subscriber { name, account, password } = known;
        // Writing into a text does not fail.
        writeln!(text, "    {MARK}{name} {account} {password}").ok();
        let permissions = subscriber(name, *account);
        add(&mut text, &known.user(), &quoted(password), &permissions);
    }
    text.push_str("  ]\n}\n");
    text
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

fn add(text: &mut String, user: &str, password: &str, permissions: &Permissions) {
    let list = |subjects: &[String]| {
        let lines: Vec<String> =
            subjects.iter().map(|subject| format!("          {},\n", quoted(subject))).collect();
        lines.concat()
    };
    let mut heard = format!("[\n{}        ]", list(&permissions.subscribe));
    if !permissions.unheard.is_empty() {
        heard = format!(
            "{{\n        allow: {heard}\n        deny: [\n{}        ]\n        }}",
            list(&permissions.unheard)
        );
    }
    // Writing into a text does not fail.
    write!(
        text,
        "    {{\n      user: {}\n      password: {password}\n      permissions: {{\n        publish: [\n{}        ]\n        \
         subscribe: {}\n      }}\n    }}\n",
        quoted(user),
        list(&permissions.publish),
        heard,
    )
    .ok();
}

/// A file of users is not as `turnloom subscribers` writes it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {0} of the file of users names no subscriber")]
pub struct ReadError(pub usize);

/// The subscribers of a file that [`users_conf`] has made.
///
/// # Errors
/// When a line that names one cannot be read.
pub fn read_users(text: &str) -> Result<Vec<Subscriber>, ReadError> {
    let mut subscribers = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Some(known) = line.trim_start().strip_prefix(MARK) else { continue };
        let words: Vec<&str> = known.split_whitespace().collect();
        let subscriber = match words.as_slice() {
            [name, account, password] => {
                AccountId::from_str(account).ok().and_then(|account| Subscriber::new(name, account, password))
            }
            _ => None,
        };
        subscribers.push(subscriber.ok_or(ReadError(number + 1))?);
    }
    Ok(subscribers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Vec<Subscriber> {
        [("crm", "acme"), ("crm", "umbrella"), ("data-lake", "acme")]
            .map(|(name, account)| Subscriber::new(name, AccountId::named(account), "p4ss").unwrap())
            .to_vec()
    }

    #[test]
    fn the_file_of_the_installation_is_what_this_makes() {
        let kept = include_str!("../../../../deploy/nats/users.conf");
        assert_eq!(kept, users_conf(&[]), "make generate writes it anew");
    }

    #[test]
    fn subscribers_are_read_back_as_they_were_written() {
        assert_eq!(read_users(&users_conf(&some())), Ok(some()));
        assert_eq!(read_users(&users_conf(&[])), Ok(Vec::new()));
        assert_eq!(read_users("authorization {\n  # subscriber crm nobody p\n}"), Err(ReadError(2)));
    }

    #[test]
    fn names_that_could_say_something_else_are_none() {
        let account = AccountId::named("acme");
        for name in ["", "a b", "a.b", "*", ">", "a_b", "a\"b", "ä", &"x".repeat(41)] {
            assert_eq!(Subscriber::new(name, account, "p"), None, "{name}");
        }
        for password in ["", "a\"b", "a b", "$X"] {
            assert_eq!(Subscriber::new("crm", account, password), None, "{password}");
        }
    }

    #[test]
    fn a_subscriber_of_the_same_name_in_another_account_is_another_user() {
        let users: Vec<String> = some().iter().map(Subscriber::user).collect();
        assert_ne!(users.first(), users.get(1));
    }
}
