//! What a complete head must be like (RFC 9112), stricter where the standard leaves a choice.

use actix_web::http::Uri;
use httparse::{EMPTY_HEADER, Header, Request, Status};

use super::super::refusal::STAND_IN;
use super::{FIELDS_MAX, Framing};

/// How the body is framed, or why the head is refused.
pub(super) fn framing(head: &[u8]) -> Result<Framing, &'static str> {
    let mut fields = [EMPTY_HEADER; FIELDS_MAX];
    let mut request = Request::new(&mut fields);
    // Spaces before the colon and folded lines are not parsed.
    if request.parse(head) != Ok(Status::Complete(head.len())) {
        return Err("The head is not one of HTTP/1.1");
    }
    let (method, target) = (request.method.unwrap_or_default(), request.path.unwrap_or_default());
    let is_1_1 = request.version == Some(1);
    let host = only(request.headers, "host")?.map(host).transpose()?;
    if is_1_1 && host.is_none() {
        return Err("The header Host is missing");
    }
    target_is_plain(method, target, host)?;
    let mut upgrades = request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case("upgrade"));
    if upgrades.any(|field| contains(field.value, b"websocket")) {
        return Err("No connection is turned into another kind");
    }
    let length = only(request.headers, "content-length")?.map(length).transpose()?;
    match only(request.headers, "transfer-encoding")? {
        Some(_) if length.is_some() => Err("Content-Length and Transfer-Encoding do not go together"),
        Some(_) if !is_1_1 => Err("HTTP/1.0 has no Transfer-Encoding"),
        Some(value) if value.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        Some(_) => Err("The only Transfer-Encoding is chunked"),
        None if !is_1_1 && method == "POST" && length.is_none() => {
            Err("The header Content-Length is missing")
        }
        None => Ok(Framing::Length(length.unwrap_or_default())),
    }
}

/// The value of a field that may be there once.
fn only<'a>(fields: &[Header<'a>], name: &str) -> Result<Option<&'a [u8]>, &'static str> {
    let mut values = fields.iter().filter(|field| field.name.eq_ignore_ascii_case(name));
    match (values.next(), values.next()) {
        (_, Some(_)) => Err("Host, Content-Length and Transfer-Encoding may be given once"),
        (one, None) => Ok(one.map(|field| field.value)),
    }
}

/// Digits and nothing else, of a number that any reader can hold.
fn length(value: &[u8]) -> Result<u64, &'static str> {
    let digits = (1..=18).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    let length = std::str::from_utf8(value).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    length.ok_or("Content-Length is not a number of bytes")
}

/// A name or an address, and perhaps a port: nothing that another could take for more than that.
fn host(value: &[u8]) -> Result<&str, &'static str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:[]%".contains(byte);
    let text = std::str::from_utf8(value).ok().filter(|_| value.iter().all(plain));
    text.ok_or("The header Host is not the name of a host")
}

/// A path, or the whole address of what `Host` names (RFC 9112 §3.2), or `*`.
fn target_is_plain(method: &str, target: &str, host: Option<&str>) -> Result<(), &'static str> {
    if method == STAND_IN || method == "CONNECT" {
        return Err("There is no such method");
    }
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if !visible || Uri::try_from(target).is_err() {
        return Err("The request target is not one of HTTP");
    }
    if target.starts_with('/') || (target == "*" && method == "OPTIONS") {
        return Ok(());
    }
    let whole = ["http://", "https://"].into_iter().find_map(|scheme| {
        let begins = target.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
        target.get(scheme.len()..).filter(|_| begins)
    });
    let Some(whole) = whole else { return Err("The request target is neither a path nor an http address") };
    let authority = whole.split(['/', '?']).next().unwrap_or_default();
    let same = host.is_some_and(|host| host.eq_ignore_ascii_case(authority));
    if same { Ok(()) } else { Err("The request target and the header Host name different hosts") }
}

fn contains(value: &[u8], word: &[u8]) -> bool {
    value.windows(word.len()).any(|part| part.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Result<Framing, &'static str> {
        framing(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())
    }

    #[test]
    fn a_plain_head_says_how_its_body_is_framed() {
        for (lines, framing) in [
            (&["GET / HTTP/1.1", "Host: a"][..], Framing::Length(0)),
            (&["GET / HTTP/1.0"], Framing::Length(0)),
            (&["OPTIONS * HTTP/1.1", "Host: a"], Framing::Length(0)),
            (&["GET http://A:80/x?y HTTP/1.1", "Host: a:80"], Framing::Length(0)),
            (&["GET / HTTP/1.1", "Host: [::1]:8080"], Framing::Length(0)),
            (&["GET / HTTP/1.1", "Host: a", "Upgrade: h2c"], Framing::Length(0)),
            (&["POST / HTTP/1.1", "hOST: a", "content-LENGTH: 12"], Framing::Length(12)),
            (&["POST / HTTP/1.0", "Content-Length: 3"], Framing::Length(3)),
            (&["POST / HTTP/1.1", "Host: a", "Transfer-Encoding: Chunked"], Framing::Chunked),
        ] {
            assert_eq!(of(lines), Ok(framing), "{lines:?}");
        }
    }

    #[test]
    fn what_could_be_understood_in_two_ways_is_refused() {
        for line in [
            "Content-Length: 3\r\nContent-Length: 3",
            "Content-Length: 3, 3",
            "Content-Length: +3",
            "Content-Length: -3",
            "Content-Length: 0x3",
            "Content-Length: 3 4",
            "Content-Length:",
            "Content-Length: 9999999999999999999",
            "Content-Length: 3\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked, chunked",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: identity",
            "Transfer-Encoding: xchunked",
            "Transfer-Encoding: \"chunked\"",
            "Transfer-Encoding:\x0bchunked",
            "Transfer-Encoding",
            "Transfer-Encoding : chunked",
            "Content-Length\t: 3",
            " Transfer-Encoding: chunked",
            "X: a\r\n Transfer-Encoding: chunked",
            "X: a\r\n\tb",
            ": a",
            "Host: b",
            "Upgrade: WebSocket\r\nContent-Length: 3",
        ] {
            assert!(of(&["POST / HTTP/1.1", "Host: a", line]).is_err(), "{line:?}");
        }
    }

    #[test]
    fn targets_and_hosts_that_are_not_plain_are_refused() {
        for (line, host) in [
            ("GET http://b/ HTTP/1.1", "Host: a"),
            ("GET http://a@b/ HTTP/1.1", "Host: a"),
            ("GET http://a@b/ HTTP/1.1", "Host: a@b"),
            ("GET http://a:81/ HTTP/1.1", "Host: a"),
            ("GET ftp://a/ HTTP/1.1", "Host: a"),
            ("GET a/b HTTP/1.1", "Host: a"),
            ("GET * HTTP/1.1", "Host: a"),
            ("GET /#x HTTP/1.1", "Host: a"),
            ("GET /\u{e9} HTTP/1.1", "Host: a"),
            ("CONNECT a:80 HTTP/1.1", "Host: a:80"),
            ("REFUSED / HTTP/1.1", "Host: a"),
            ("GET / HTTP/1.1", "X: a"),
            ("GET / HTTP/1.1", "Host: a b"),
            ("GET / HTTP/1.1", "Host: a/b"),
            ("GET / HTTP/1.1", "Host: a, b"),
            ("GET / HTTP/1.1", "Host: a@b"),
            ("GET  / HTTP/1.1", "Host: a"),
            ("GET / HTTP/1.2", "Host: a"),
            ("GET / HTTP/2.0", "Host: a"),
            ("GET /", "Host: a"),
            ("POST / HTTP/1.0", "Host: a"),
            ("POST / HTTP/1.0", "Transfer-Encoding: chunked"),
        ] {
            assert!(of(&[line, host]).is_err(), "{line:?} {host:?}");
        }
    }
}
