//! JSON in which every field of an object is given once: of two values only one can be what the caller meant.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Characters of a field's name that a path shows.
const SHOWN_CHARS_MAX: usize = 64;

/// Why a text is not taken.
#[derive(Debug)]
pub(super) enum Fault {
    /// The field at this path, such as `configuration.nodes[0].content`, is given twice.
    Repeated(String),
    /// It is not JSON.
    Malformed(serde_json::Error),
}

/// Reads a document, its fields in their order.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, Fault> {
    let repeated = RefCell::new(None);
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let reader = Reader { place: &Place::Root, repeated: &repeated };
    let read = reader.deserialize(&mut deserializer).and_then(|value| deserializer.end().map(|()| value));
    read.map_err(|error| match repeated.take() {
        Some(path) => Fault::Repeated(path),
        None => Fault::Malformed(error),
    })
}

/// Where in the document.
enum Place<'a> {
    Root,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Field(Self::Root, name) => write!(f, "{name:.SHOWN_CHARS_MAX$}"),
            Self::Field(parent, name) => write!(f, "{parent}.{name:.SHOWN_CHARS_MAX$}"),
            Self::Item(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// Reads the value at a place; notes the first field that is repeated.
struct Reader<'a> {
    place: &'a Place<'a>,
    repeated: &'a RefCell<Option<String>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        loop {
            let place = Place::Item(self.place, items.len());
            let Some(item) = access.next_element_seed(Reader { place: &place, repeated: self.repeated })?
            else {
                return Ok(Value::Array(items));
            };
            items.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = access.next_key::<String>()? {
            let place = Place::Field(self.place, &name);
            if fields.contains_key(&name) {
                self.repeated.replace(Some(place.to_string()));
                return Err(A::Error::custom("a field is given twice"));
            }
            let value = access.next_value_seed(Reader { place: &place, repeated: self.repeated })?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_as_it_stands() {
        let text = r#"{"z":null,"a":[true,-1,18446744073709551615,1.5e3,"ä\n",{"z":{},"b":[]}],"é":""}"#;
        let read = parse(text.as_bytes()).ok().map(|value| value.to_string());
        assert_eq!(read, serde_json::from_str::<Value>(text).ok().map(|value| value.to_string()));
    }

    #[test]
    fn a_field_that_is_given_twice_is_named_by_its_path() {
        let long = "x".repeat(100);
        for (text, path) in [
            (r#"{"name":"a","name":"b"}"#.to_owned(), "name"),
            (r#"{"a":1,"\u0061":2}"#.to_owned(), "a"),
            (
                r#"{"configuration":{"nodes":[{"id":"x","content":"","content":""}]}}"#.to_owned(),
                "configuration.nodes[0].content",
            ),
            (r#"[[],[{"a":{}},{"a":1,"b":2,"a":1}]]"#.to_owned(), "[1][1].a"),
            (format!(r#"{{"{long}":1,"{long}":2}}"#), &long[..64]),
        ] {
            assert!(matches!(parse(text.as_bytes()), Err(Fault::Repeated(found)) if found == path), "{text}");
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} {}", "1e999", "nul", "{\"a\":1,}", &deep] {
            assert!(matches!(parse(text.as_bytes()), Err(Fault::Malformed(_))), "{text:.20}");
        }
    }
}
