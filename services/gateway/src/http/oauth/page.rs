//! The pages that a person sees: plain HTML without any script. What others wrote is text in them and nothing else.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::NO_STORE;
use crate::key::Level;
use crate::oauth::redirect;

const STYLE: &str = "body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.4rem}label,input{display:block;width:100%;box-sizing:border-box}input{margin:.3rem 0 1rem;padding:.5rem;font:inherit}\
button{padding:.5rem 1rem;font:inherit;margin-right:.5rem}p.problem{border-left:.3rem solid #b00020;padding-left:.7rem}code{overflow-wrap:anywhere}";

/// The one style that the policy lets in, by its hash (CSP 3 §2.3.1).
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

/// What is shown to whoever is to consent.
pub(super) struct Consent<'a> {
    /// The client's name.
    pub name: &'a str,
    pub level: Level,
    pub redirect_uri: &'a str,
    /// What the form carries.
    pub form: &'a str,
    /// What went wrong the last time.
    pub problem: Option<&'a str>,
}

/// The page with the form.
pub(super) fn consent(status: StatusCode, shown: &Consent<'_>) -> HttpResponse {
    let problem =
        shown.problem.map(|text| format!("<p class=\"problem\" role=\"alert\">{}</p>", escaped(text)));
    let body = format!(
        "<h1>Let <bdi>{name}</bdi> in?</h1>\n\
         <p><bdi>{name}</bdi> asks to act for your account with the scope <code>{scope}</code>: {meaning}.</p>\n\
         <p>Whatever you choose, you go back to <code>{uri}</code>.</p>\n{problem}\
         <form method=\"post\" action=\"/oauth/authorize\" autocomplete=\"off\">\n\
         <input type=\"hidden\" name=\"request\" value=\"{form}\">\n\
         <label for=\"api_key\">A full-access API key of your account, which shows that you may decide. <bdi>{name}</bdi> does not get it. \
         What you allow lasts no longer than this key, and a year at most.</label>\n\
         <input id=\"api_key\" name=\"api_key\" type=\"password\" required maxlength=\"200\" autocomplete=\"off\" spellcheck=\"false\">\n\
         <button type=\"submit\" name=\"decision\" value=\"allow\">Allow</button>\n\
         <button type=\"submit\" name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\n</form>",
        name = escaped(shown.name),
        scope = shown.level.as_str(),
        meaning = meaning(shown.level),
        uri = escaped(shown.redirect_uri),
        problem = problem.unwrap_or_default(),
        form = escaped(shown.form),
    );
    page(status, &body, &format!("'self' {}", redirect::source(shown.redirect_uri)))
}

/// A page that says why there is nothing to decide. Nobody is sent anywhere.
pub(super) fn problem(status: StatusCode, text: &str) -> HttpResponse {
    let body = format!(
        "<h1>This does not work</h1>\n<p class=\"problem\">The request that brought you here cannot be answered. {}</p>\n\
         <p>Go back to where you came from and begin again.</p>",
        escaped(text)
    );
    page(status, &body, "'none'")
}

fn meaning(level: Level) -> &'static str {
    match level {
        Level::ReadOnly => "to read",
        Level::ReadWrite => "to read, create, change and activate, and to send messages",
        Level::FullAccess => "to do everything, deleting and managing API keys included",
    }
}

fn page(status: StatusCode, body: &str, form_action: &str) -> HttpResponse {
    let policy = format!(
        "default-src 'none'; style-src {}; form-action {form_action}; base-uri 'none'; frame-ancestors 'none'",
        *STYLE_SOURCE
    );
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <title>Turnloom</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    );
    HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((X_FRAME_OPTIONS, "DENY"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .insert_header(NO_STORE)
        .body(html)
}

/// A text as it can stand in HTML, also between double quotes.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_text_and_nothing_else() {
        let text = "<script>alert('1')</script> & \"x\" onload=é";
        let html = escaped(text);
        assert_eq!(html, "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt; &amp; &quot;x&quot; onload=é");
    }

    #[test]
    fn the_policy_lets_in_the_style_and_lets_the_form_lead_to_the_client_only() {
        let shown = Consent {
            name: "CRM",
            level: Level::ReadOnly,
            redirect_uri: "https://crm.example/cb",
            form: "x",
            problem: None,
        };
        let response = consent(StatusCode::OK, &shown);
        let policy = response.headers().get(CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("; form-action 'self' https://crm.example; "), "{policy}");
        assert!(policy.ends_with("frame-ancestors 'none'") && !policy.contains("script"), "{policy}");
    }
}
