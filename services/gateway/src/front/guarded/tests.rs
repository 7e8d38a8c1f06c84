//! What a guarded connection hands on, and how long it waits; in virtual time.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const RULES: Rules = Rules { body_bytes_max: 1024 };
const STAND_IN: &str = "REFUSED / HTTP/1.1\r\nhost: -\r\nconnection: close\r\n\r\n";
const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What is sent, and a connection that is held to the rules.
fn connection() -> (DuplexStream, Guarded<DuplexStream>) {
    let (caller, ours) = duplex(1 << 20);
    (caller, Guarded::new(ours, RULES, None))
}

/// What is handed on when the caller sends this and then keeps still.
async fn handed_on(sent: &str) -> (String, Option<Refusal>) {
    let (mut caller, mut guarded) = connection();
    caller.write_all(sent.as_bytes()).await.unwrap();
    let mut read = Vec::new();
    guarded.read_to_end(&mut read).await.unwrap();
    (String::from_utf8(read).unwrap(), guarded.mishap().get())
}

async fn read(guarded: &mut Guarded<DuplexStream>, text: &str) {
    let mut read = vec![0; text.len()];
    guarded.read_exact(&mut read).await.unwrap();
    assert_eq!(String::from_utf8(read).unwrap(), text);
}

#[tokio::test(start_paused = true)]
async fn what_is_plain_is_handed_on_as_it_came() {
    let (mut caller, mut guarded) = connection();
    let sent = format!("{GET}{CHUNKED}2;x\r\n{{}}\r\n0\r\nX: a\r\n\r\n{GET}");
    for byte in sent.bytes() {
        caller.write_all(&[byte]).await.unwrap();
    }
    read(&mut guarded, &sent).await;
    drop(caller);
    assert_eq!(guarded.read(&mut [0; 8]).await.unwrap(), 0);
    assert_eq!(guarded.mishap().get(), None);
}

#[tokio::test(start_paused = true)]
async fn another_request_stands_in_for_a_head_that_is_refused_and_then_nothing_more_is_read() {
    let (read, mishap) = handed_on(&format!("{GET}GET / HTTP/1.1\nHost: a\n\n{GET}")).await;
    assert_eq!(read, format!("{GET}{STAND_IN}"));
    assert!(matches!(mishap, Some(Refusal::Head(_))));
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_told_nothing() {
    assert_eq!(handed_on("").await, (String::new(), None));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_end_is_late_be_it_the_first_or_another() {
    for before in ["", GET] {
        let (read, mishap) = handed_on(&format!("{before}GET / HTTP/1.1\r\nHost")).await;
        assert_eq!(read, format!("{before}{STAND_IN}"));
        assert_eq!(mishap, Some(Refusal::HeadLate));
    }
}

#[tokio::test(start_paused = true)]
async fn between_requests_nothing_is_late() {
    let (mut caller, mut guarded) = connection();
    for _ in 0..3 {
        caller.write_all(GET.as_bytes()).await.unwrap();
        read(&mut guarded, GET).await;
        let idle = tokio::time::timeout(HEAD_DEADLINE * 100, guarded.read(&mut [0; 8])).await;
        assert!(idle.is_err(), "{idle:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_come_one_by_one_do_not_make_time() {
    for head in ["GET / HTTP/1.1\r\n", CHUNKED, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"]
    {
        let (mut caller, mut guarded) = connection();
        caller.write_all(head.as_bytes()).await.unwrap();
        let dripping = tokio::spawn(async move {
            let mut dripped = 0;
            while caller.write_all(b"a").await.is_ok() && dripped < 1000 {
                dripped += 1;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            dripped
        });
        // Each drip is a digit of a size, a byte of a body or a part of a field's name.
        guarded.read_to_end(&mut Vec::new()).await.unwrap();
        drop(guarded);
        assert!((1..20).contains(&dripping.await.unwrap()), "{head}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_has_the_more_time_the_more_of_it_came() {
    let (mut caller, ours) = duplex(1 << 20);
    let mut guarded = Guarded::new(ours, Rules { body_bytes_max: 1 << 24 }, None);
    let bytes = 40 * 64 * 1024;
    let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: {bytes}\r\n\r\n");
    let sending = tokio::spawn(async move {
        caller.write_all(head.as_bytes()).await.unwrap();
        for _ in 0..40 {
            tokio::time::sleep(Duration::from_secs(1)).await;
            caller.write_all(&vec![b'a'; 64 * 1024]).await.unwrap();
        }
    });
    let mut read = Vec::new();
    guarded.read_to_end(&mut read).await.unwrap();
    sending.await.unwrap();
    assert_eq!((read.len() > bytes, guarded.mishap().get()), (true, None));
}

#[tokio::test(start_paused = true)]
async fn a_body_ends_soon_after_what_any_operation_takes() {
    let (mut caller, mut guarded) = connection();
    tokio::spawn(async move {
        caller.write_all(CHUNKED.as_bytes()).await.unwrap();
        while caller.write_all(b"1\r\na\r\n").await.is_ok() {}
    });
    let mut read = Vec::new();
    guarded.read_to_end(&mut read).await.unwrap();
    assert_eq!(guarded.mishap().get(), Some(Refusal::BodyLarge));
    assert!(read.len() as u64 <= CHUNKED.len() as u64 + RULES.body_bytes_max + BODY_SLACK_BYTES);
}

#[tokio::test(start_paused = true)]
async fn a_body_whose_chunks_are_framed_loosely_ends() {
    let (read, mishap) = handed_on(&format!("{CHUNKED}1\r\na\r\n1 \r\na\r\n0\r\n\r\n{GET}")).await;
    assert_eq!(read, CHUNKED);
    assert!(matches!(mishap, Some(Refusal::Body(_))));
}

#[tokio::test(start_paused = true)]
async fn whoever_takes_nothing_of_an_answer_does_not_get_the_rest() {
    let (_caller, ours) = duplex(16);
    let mut guarded = Guarded::new(ours, RULES, None);
    let error = guarded.write_all(&[0; 64]).await.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut);
}
