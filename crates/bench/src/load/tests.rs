//! Loads against a server that answers everything.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

struct Gets {
    left: u64,
    asked: u64,
}

impl Script for Gets {
    fn next(&mut self, request: &mut Request) -> bool {
        request.get("/");
        self.asked += u64::from(self.left > 0);
        self.left = self.left.saturating_sub(1);
        self.left > 0
    }

    fn answered(&mut self, status: u16, body: &[u8]) -> Outcome {
        if status == 200 && body == b"ok" { Outcome::Good } else { Outcome::Wrong }
    }
}

async fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut read = [0_u8; 4096];
                while stream.read(&mut read).await.is_ok_and(|bytes| bytes > 0) {
                    let sent = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
                    if sent.is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn gets(many: usize, left: u64) -> Vec<Gets> {
    (0..many).map(|_| Gets { left, asked: 0 }).collect()
}

#[tokio::test]
async fn a_closed_load_ends_when_its_scripts_do_and_gives_them_back() {
    let target = Target { address: server().await, key: "k".to_owned() };
    let plan = Plan { schedule: Schedule::Closed, warm_up: Duration::ZERO, window: Duration::from_hours(1) };
    let load = Load::begin(&target, None, plan, gets(3, 6)).unwrap();
    let (tally, scripts) = load.end().await.unwrap();
    assert_eq!(tally.all.good, 15);
    assert_eq!(tally.window.good, 15);
    assert_eq!(scripts.iter().map(|script| script.asked).sum::<u64>(), 18);
}

#[tokio::test]
async fn an_open_load_sends_what_its_schedule_says_and_no_more() {
    let target = Target { address: server().await, key: "k".to_owned() };
    let plan = Plan {
        schedule: Schedule::Open { per_second: 400 },
        warm_up: Duration::from_millis(100),
        window: Duration::from_millis(400),
    };
    let load = Load::begin(&target, None, plan, gets(4, u64::MAX)).unwrap();
    let (tally, _) = load.end().await.unwrap();
    // All that were intended before the end, none of them lost because the server was slow.
    assert_eq!(tally.all.good + tally.never_sent, 200);
}
