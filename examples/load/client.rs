//! Senders: keep-alive connections that send one signed delivery after the other.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ring::hmac;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use support::sign;

/// The size of an ordinary GitHub push, in bytes.
const BODY: usize = 8 * 1024;

/// What is sent.
#[derive(Clone, Copy)]
pub enum Kind {
    Signed,
    WronglySigned,
    UnknownHook,
}

/// How it was answered.
pub struct Result {
    pub took: Duration,
    /// Sorted.
    pub times: Vec<Duration>,
    statuses: BTreeMap<u16, usize>,
}

impl Result {
    pub fn percentile(&self, part: f64) -> Duration {
        let place = (self.times.len() as f64 * part) as usize;
        self.times.get(place).copied().unwrap_or_default()
    }

    /// `202×49990 503×10`
    pub fn answers(&self) -> String {
        let each: Vec<_> = self.statuses.iter().map(|(status, count)| format!("{status}×{count}")).collect();
        each.join(" ")
    }
}

/// Sends deliveries, each of its own, over keep-alive connections.
pub async fn deliver(address: &str, key: &str, kind: Kind, deliveries: usize, connections: usize) -> Result {
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (address, key, next) = (address.to_owned(), key.to_owned(), Arc::clone(&next));
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut answers = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= deliveries {
                    return answers;
                }
                let request = request(&key, kind, number, BODY);
                let sent = Instant::now();
                stream.write_all(&request).await.unwrap();
                let status = read_answer(&mut stream).await;
                answers.push((status, sent.elapsed()));
            }
        });
    }
    let answers: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    let took = started.elapsed();
    let mut statuses = BTreeMap::new();
    for (status, _) in &answers {
        *statuses.entry(*status).or_default() += 1;
    }
    let mut times: Vec<_> = answers.into_iter().map(|(_, time)| time).collect();
    times.sort_unstable();
    Result { took, times, statuses }
}

/// Sends all but the last byte of many large bodies, looks, and then lets them end.
pub async fn burst<T>(address: &str, key: &str, count: usize, size: usize, look: impl FnOnce() -> T) -> T {
    let mut streams = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = request(key, Kind::Signed, usize::MAX - number, size);
        let (most, last) = request.split_at(request.len() - 1);
        // The relay may refuse a body while it is still coming: its memory for bodies is bounded.
        let _ = stream.write_all(most).await;
        streams.push((stream, last.to_vec()));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = look();
    for (mut stream, last) in streams {
        let _ = stream.write_all(&last).await;
        let _ = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 1024])).await;
    }
    seen
}

/// Opens connections that send nothing, and looks.
pub async fn idle<T>(address: &str, count: usize, look: impl FnOnce() -> T) -> T {
    let mut streams = Vec::new();
    for _ in 0..count {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    look()
}

/// A GitHub push, the way a proxy passes it on.
fn request(key: &str, kind: Kind, number: usize, size: usize) -> Vec<u8> {
    let body = body(number, size);
    let signature = match kind {
        Kind::Signed | Kind::UnknownHook => sign::hmac_hex(hmac::HMAC_SHA256, key.as_bytes(), &body),
        Kind::WronglySigned => "0".repeat(64),
    };
    let path = match kind {
        Kind::UnknownHook => format!("/hook/{}", "0".repeat(64)),
        _ => sign::hook_path(key.as_bytes()),
    };
    let mut head = String::new();
    write!(
        head,
        "POST {path} HTTP/1.1\r\nHost: hooks.example.com\r\nUser-Agent: GitHub-Hookshot/0000000\r\nContent-Type: \
         application/json\r\nX-GitHub-Event: push\r\nX-GitHub-Delivery: {number:032x}\r\nX-Hub-Signature-256: \
         sha256={signature}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    [head.as_bytes(), &body].concat()
}

/// A push of one commit, filled up to the size with the fields that GitHub sends and nobody reads.
fn body(number: usize, size: usize) -> Vec<u8> {
    let commit = format!("{number:040x}");
    let mut body = format!(
        r#"{{"ref":"refs/heads/main","before":"{}","after":"{commit}","deleted":false,"head_commit":{{"id":"{commit}"}},"pusher":{{"name":"octo"}},"repository":{{"full_name":"acme/web","ssh_url":"git@github.com:acme/web.git","clone_url":"https://github.com/acme/web.git","html_url":"https://github.com/acme/web""#,
        "1".repeat(40)
    );
    let mut field = 0;
    while body.len() + 100 < size {
        write!(body, r#","field_{field}_url":"https://api.github.com/repos/acme/web/field{{/id}}""#).unwrap();
        field += 1;
    }
    let fill = size.saturating_sub(body.len() + r#","fill":""}}"#.len());
    write!(body, r#","fill":"{}"}}}}"#, "x".repeat(fill)).unwrap();
    body.into_bytes()
}

/// Reads one answer to its end; returns its status.
async fn read_answer(stream: &mut TcpStream) -> u16 {
    let mut buffer = Vec::with_capacity(1024);
    loop {
        let read = stream.read_buf(&mut buffer).await.unwrap();
        assert!(read > 0, "the relay closed the connection");
        let Some(end) = buffer.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&buffer[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.and_then(|n| n.trim().parse().ok()).unwrap_or(0);
        if buffer.len() >= end + 4 + length {
            return head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        }
    }
}
