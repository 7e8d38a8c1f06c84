//! How many requests of each class: as usual, or what is set for an account or a key.

use uuid::Uuid;

use super::Limits;

/// Kinds of operations that share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Class {
    /// Reading and listing.
    Read,
    /// Creating, changing, activating.
    Write,
    /// Deleting.
    Delete,
    /// Messages and executions.
    Execution,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Delete, Self::Execution];

    /// Its name in headers, in the documentation, and where limits are set.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Delete => "delete",
            Self::Execution => "execution",
        }
    }

    /// As it is stored.
    pub fn code(self) -> i16 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Delete => 3,
            Self::Execution => 4,
        }
    }

    /// Requests of one key in any hour, unless something else is set.
    pub const fn usual_limit(self) -> u32 {
        match self {
            Self::Read => 1000,
            Self::Write => 100,
            Self::Delete => 50,
            Self::Execution => 500,
        }
    }
}

/// Who is limited in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    /// The key's row.
    pub key: Uuid,
    pub class: Class,
}

/// The limits of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quotas {
    read: u32,
    write: u32,
    delete: u32,
    execution: u32,
}

impl Quotas {
    /// What holds when nothing is set.
    pub const USUAL: Self = Self {
        read: Class::Read.usual_limit(),
        write: Class::Write.usual_limit(),
        delete: Class::Delete.usual_limit(),
        execution: Class::Execution.usual_limit(),
    };

    /// With what is set; of a class that it does not name, what held before.
    #[must_use]
    pub fn with(mut self, set: Limits) -> Self {
        for class in Class::ALL {
            if let Some(limit) = set.of(class) {
                *self.of_mut(class) = limit;
            }
        }
        self
    }

    /// Requests of a class in any hour.
    pub(crate) fn of(mut self, class: Class) -> u32 {
        *self.of_mut(class)
    }

    fn of_mut(&mut self, class: Class) -> &mut u32 {
        match class {
            Class::Read => &mut self.read,
            Class::Write => &mut self.write,
            Class::Delete => &mut self.delete,
            Class::Execution => &mut self.execution,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_before_its_account_and_that_before_what_is_usual() {
        assert_eq!(Class::ALL.map(|class| Quotas::USUAL.of(class)), [1000, 100, 50, 500]);
        let account = Quotas::USUAL.with(Limits::parse(["read=5000", "delete=7"]).unwrap());
        let key = account.with(Limits::parse(["delete=0"]).unwrap());
        assert_eq!(Class::ALL.map(|class| key.of(class)), [5000, 100, 0, 500]);
    }
}
