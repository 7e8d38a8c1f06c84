//! Reads a customer's answer to a form's question.

use chrono::NaiveDate;
use flow_model::workflow::{FormField, FormFieldType};
use serde_json::{Number, Value};

/// Characters of an email address (RFC 5321, 4.5.3.1.3).
const EMAIL_CHARS_MAX: usize = 254;
/// Digits of a telephone number (E.164).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 6..=15;

/// The value of an answer, or why it does not fit, said to the customer.
pub(crate) fn read(field: &FormField, text: &str) -> Result<Value, String> {
    let text = text.trim();
    if !field.required && (text.is_empty() || text.eq_ignore_ascii_case("skip")) {
        return Ok(Value::Null);
    }
    if text.is_empty() {
        return Err("Please write an answer.".to_owned());
    }
    match &field.field_type {
        FormFieldType::Text => Ok(Value::from(text)),
        FormFieldType::Email => email(text).ok_or("That does not look like an email address."),
        FormFieldType::Phone => phone(text).ok_or("That does not look like a phone number."),
        FormFieldType::Number => number(text).ok_or("That does not look like a number."),
        FormFieldType::Date => date(text).ok_or("Please write the date as YYYY-MM-DD."),
        FormFieldType::Boolean => boolean(text).ok_or("Please answer yes or no."),
        FormFieldType::Choice { options } => {
            return choice(text, options)
                .ok_or_else(|| format!("Please choose one of: {}.", options.join(", ")));
        }
    }
    .map_err(str::to_owned)
}

fn email(text: &str) -> Option<Value> {
    let (local, domain) = text.split_once('@')?;
    let fits = !local.is_empty()
        && !domain.contains('@')
        && domain.split('.').count() >= 2
        && domain.split('.').all(|label| !label.is_empty())
        && text.chars().count() <= EMAIL_CHARS_MAX
        && !text.chars().any(|character| character.is_whitespace() || character.is_control());
    fits.then(|| Value::from(text))
}

fn phone(text: &str) -> Option<Value> {
    let (plus, rest) = text.strip_prefix('+').map_or(("", text), |rest| ("+", rest));
    let digits: String = rest.chars().filter(|character| !" -().".contains(*character)).collect();
    let fits = PHONE_DIGITS.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| Value::from(format!("{plus}{digits}")))
}

fn number(text: &str) -> Option<Value> {
    if let Ok(integer) = text.parse::<i64>() {
        return Some(Value::from(integer));
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) {
        return None;
    }
    Number::from_f64(text.parse().ok()?).map(Value::Number)
}

fn date(text: &str) -> Option<Value> {
    if text.len() != "YYYY-MM-DD".len() {
        return None;
    }
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(Value::from(date.to_string()))
}

fn boolean(text: &str) -> Option<Value> {
    match text.to_lowercase().as_str() {
        "yes" | "y" | "true" | "1" | "ok" => Some(Value::Bool(true)),
        "no" | "n" | "false" | "0" => Some(Value::Bool(false)),
        _ => None,
    }
}

/// An option by its text, or by its number from 1 unless an option reads like that number.
fn choice(text: &str, options: &[String]) -> Option<Value> {
    let lower = text.to_lowercase();
    let named = options.iter().find(|option| option.to_lowercase() == lower);
    let numbered = || options.get(text.parse::<usize>().ok()?.checked_sub(1)?);
    named.or_else(numbered).map(|option| Value::from(option.clone()))
}

#[cfg(test)]
mod unit {
    use serde_json::json;

    use super::*;

    fn answer(field_type: FormFieldType, text: &str) -> Option<Value> {
        let field = FormField { name: "f".to_owned(), field_type, required: true, label: "?".to_owned() };
        read(&field, text).ok()
    }

    #[test]
    fn answers_fit_their_type_or_do_not() {
        let choice = || FormFieldType::Choice { options: vec!["Red".to_owned(), "Blue".to_owned()] };
        for (field_type, text, expected) in [
            (FormFieldType::Text, " Ann ", Some(json!("Ann"))),
            (FormFieldType::Text, "  ", None),
            (FormFieldType::Email, "a@b.example", Some(json!("a@b.example"))),
            (FormFieldType::Email, "a@b", None),
            (FormFieldType::Email, "a@b@c.example", None),
            (FormFieldType::Email, "a b@c.example", None),
            (FormFieldType::Phone, "+49 (30) 123-456", Some(json!("+4930123456"))),
            (FormFieldType::Phone, "12345", None),
            (FormFieldType::Phone, "call me", None),
            (FormFieldType::Number, "42", Some(json!(42))),
            (FormFieldType::Number, "-1.5", Some(json!(-1.5))),
            (FormFieldType::Number, "1e999", None),
            (FormFieldType::Number, "NaN", None),
            (FormFieldType::Number, "four", None),
            (FormFieldType::Date, "2024-02-29", Some(json!("2024-02-29"))),
            (FormFieldType::Date, "2023-02-29", None),
            (FormFieldType::Date, "1.2.2024", None),
            (FormFieldType::Boolean, "Yes", Some(json!(true))),
            (FormFieldType::Boolean, "no", Some(json!(false))),
            (FormFieldType::Boolean, "perhaps", None),
            (choice(), "blue", Some(json!("Blue"))),
            (choice(), "1", Some(json!("Red"))),
            (choice(), "0", None),
            (choice(), "3", None),
            (choice(), "green", None),
        ] {
            assert_eq!(answer(field_type.clone(), text), expected, "{field_type:?} {text}");
        }
    }
}
