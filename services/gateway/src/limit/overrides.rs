//! Limits that are set for an account or for one key: so many requests of a class in any hour.

use serde_json::{Map, Value};

use super::Class;

/// What a limit may be at most.
pub const LIMIT_MAX: u32 = 1_000_000;

/// No class has this name, or the number is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a limit is <class>=<number>: read, write, delete or execution, and a number from 0 to 1000000")]
pub struct NotALimit;

/// Limits that are set; of a class that is not named whatever else holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    read: Option<u32>,
    write: Option<u32>,
    delete: Option<u32>,
    execution: Option<u32>,
}

impl Limits {
    /// Reads limits such as `read=5000`, of which the last one of a class counts.
    ///
    /// # Errors
    /// When one is not of this form.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, NotALimit> {
        let mut limits = Self::default();
        for text in texts {
            let (name, number) = text.split_once('=').ok_or(NotALimit)?;
            let class = Class::ALL.into_iter().find(|class| class.as_str() == name).ok_or(NotALimit)?;
            let number = number.parse().ok().filter(|number| *number <= LIMIT_MAX).ok_or(NotALimit)?;
            limits.set(class, number);
        }
        Ok(limits)
    }

    /// As they are stored: `{"read": 5000}`. What is no limit there is not named.
    #[must_use]
    pub fn from_json(stored: &Value) -> Self {
        let mut limits = Self::default();
        for class in Class::ALL {
            let number = stored.get(class.as_str()).and_then(Value::as_u64);
            if let Some(number) = number.and_then(|number| u32::try_from(number).ok()) {
                limits.set(class, number);
            }
        }
        limits
    }

    /// As they are stored.
    #[must_use]
    pub fn to_json(self) -> Value {
        let set = |class: Class| Some((class.as_str().to_owned(), Value::from(self.of(class)?)));
        Value::Object(Class::ALL.into_iter().filter_map(set).collect::<Map<_, _>>())
    }

    /// What is set for a class.
    pub(crate) fn of(mut self, class: Class) -> Option<u32> {
        *self.of_mut(class)
    }

    /// Sets one.
    pub(crate) fn set(&mut self, class: Class, number: u32) {
        *self.of_mut(class) = Some(number);
    }

    fn of_mut(&mut self, class: Class) -> &mut Option<u32> {
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
    use serde_json::json;

    use super::*;

    #[test]
    fn limits_are_stored_and_read_back() {
        let limits = Limits::parse(["read=5000", "delete=7", "delete=0"]).unwrap();
        assert_eq!(limits.to_json(), json!({"read": 5000, "delete": 0}));
        assert_eq!(Limits::from_json(&limits.to_json()), limits);
        assert_eq!(Limits::from_json(&json!({"write": -1, "read": "many", "other": 3})), Limits::default());
        assert_eq!(Limits::from_json(&json!([])), Limits::default());
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        for text in ["", "read", "read=", "read=-1", "read=1000001", "reads=1", "read = 1", "READ=1"] {
            assert_eq!(Limits::parse([text]), Err(NotALimit), "{text}");
        }
    }
}
