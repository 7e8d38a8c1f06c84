//! Parameters of a query or a form (RFC 6749 §3.1, §3.2): each once at most, those without a value as if they were not there, unknown
//! ones passed over.

/// The parameters of one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params {
    pairs: Vec<(String, String)>,
}

/// A parameter is there more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Repeated(pub &'static str);

impl Params {
    /// Reads `application/x-www-form-urlencoded`.
    pub fn parse(bytes: &[u8]) -> Self {
        Self { pairs: url::form_urlencoded::parse(bytes).into_owned().collect() }
    }

    /// The value of a parameter.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, Repeated> {
        let mut values =
            self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(Repeated(name));
        }
        Ok(first.filter(|value| !value.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_there_once_and_with_a_value_or_not_at_all() {
        let params = Params::parse(b"a=1&b=&c=x&c=x&d=%20%C3%A4+&e");
        assert_eq!(params.one("a"), Ok(Some("1")));
        for name in ["b", "e", "f"] {
            assert_eq!(params.one(name), Ok(None), "{name}");
        }
        assert_eq!(params.one("c"), Err(Repeated("c")));
        assert_eq!(params.one("d"), Ok(Some(" \u{e4} ")));
    }
}
