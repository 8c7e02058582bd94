use std::collections::VecDeque;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::config::SecretUrl;
use crate::notify::Format;
use crate::notify::notice::tests::{notice, rolled_back as rolled_back_then};
use crate::run::outcome::Outcome;

/// Answers with these statuses in turn, and with the last one from then on; hands on each request's text.
async fn receiver(statuses: &[u16]) -> (String, mpsc::UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    let mut statuses = VecDeque::from(statuses.to_vec());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !is_whole(&request) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0, "the request is cut short");
            }
            let status = if statuses.len() > 1 { statuses.pop_front() } else { statuses.front().copied() };
            let answer =
                format!("HTTP/1.1 {} x\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", status.unwrap());
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = tell.send(String::from_utf8(request).unwrap());
        }
    });
    (url, told)
}

/// The next request, which has to come.
async fn next(told: &mut mpsc::UnboundedReceiver<String>) -> String {
    tokio::time::timeout(Duration::from_secs(30), told.recv()).await.expect("nothing came").unwrap()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() == length.parse::<usize>().unwrap()
}

fn header(request: &str, name: &str) -> String {
    let line = request.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name}: {request}")).to_owned()
}

fn target(name: &str, url: &str) -> Arc<NotifyTarget> {
    Arc::new(NotifyTarget {
        name: name.into(),
        url: SecretUrl::parse(url).unwrap(),
        keys: Vec::new(),
        on: vec![Outcome::RolledBack],
        format: Format::Plain,
        endpoints: Vec::new(),
    })
}

/// A notice of now: one that is more than a day old is not tried again.
fn rolled_back() -> Notice {
    let mut notice = rolled_back_then();
    notice.time = Timestamp::now();
    notice
}

/// A URL that nobody listens at.
async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// An outbox at work, for these targets.
struct Bench {
    journal: Arc<Journal>,
    outbox: Arc<Outbox>,
    targets: Targets,
    close: oneshot::Sender<()>,
    work: JoinHandle<()>,
}

impl Bench {
    fn start(targets: Vec<Arc<NotifyTarget>>) -> Self {
        Self::with(Arc::new(Journal::in_memory()), targets)
    }

    /// As at the start of a process: what the journal has is taken up.
    fn with(journal: Arc<Journal>, targets: Vec<Arc<NotifyTarget>>) -> Self {
        let outbox = Arc::new(Outbox::new(Arc::clone(&journal)));
        let targets: Targets = targets.into();
        let (close, closed) = oneshot::channel();
        let now = {
            let targets = Arc::clone(&targets);
            move || Arc::clone(&targets)
        };
        let work = Arc::clone(&outbox).work(now, async { drop(closed.await) });
        Self { journal, outbox, targets, close, work: tokio::spawn(work) }
    }

    async fn restore(&self) {
        for (key, bytes) in self.records().await {
            self.outbox.restore(key, &bytes);
        }
        self.outbox.added(&[]);
    }

    /// As the end of a run does it.
    fn end_run(&self, notice: &Notice) {
        let writes = self.outbox.writes(&self.targets, notice);
        drop(self.journal.write(writes.clone()));
        self.outbox.added(&writes);
    }

    async fn records(&self) -> Vec<(u64, Vec<u8>)> {
        self.journal.newest(Table::Notices, None, 1000).await.unwrap()
    }

    async fn until(&self, fits: impl Fn(&[(u64, Vec<u8>)]) -> bool) {
        let wait = async {
            while !fits(&self.records().await) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), wait).await.expect("the journal never got there");
    }

    async fn close(self) -> Vec<(u64, Vec<u8>)> {
        self.close.send(()).unwrap();
        self.work.await.unwrap();
        self.journal.newest(Table::Notices, None, 1000).await.unwrap()
    }
}

#[tokio::test]
async fn a_notice_is_told_to_those_who_want_it_and_then_forgotten() {
    let (url, mut told) = receiver(&[204]).await;
    let bench = Bench::start(vec![target("ops", &url)]);
    assert!(bench.outbox.writes(&bench.targets, &notice(Outcome::Succeeded, "", Vec::new())).is_empty());
    bench.end_run(&rolled_back());
    let request = next(&mut told).await;
    assert!(request.starts_with("POST /hook HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\"outcome\":\"rolledBack\""), "{request}");
    bench.until(<[_]>::is_empty).await;
    assert!(told.try_recv().is_err(), "once");
}

#[tokio::test]
async fn a_busy_target_is_told_the_same_again() {
    let (url, mut told) = receiver(&[503, 429, 200]).await;
    let bench = Bench::start(vec![target("ops", &url)]);
    bench.end_run(&rolled_back());
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(header(&next(&mut told).await, "webhook-id"));
    }
    assert_eq!(ids, ["19aa1b2c3d40001"; 3]);
    bench.until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn a_dead_target_delays_no_other_and_its_notices_stay() {
    let (url, mut told) = receiver(&[200]).await;
    let bench = Bench::start(vec![target("dead", &nobody().await), target("ops", &url)]);
    for _ in 0..5 {
        bench.end_run(&rolled_back());
    }
    for _ in 0..5 {
        next(&mut told).await;
    }
    bench.until(|records| records.len() == 5).await;
    for (_, bytes) in bench.records().await {
        assert_eq!(Head::read(&bytes).unwrap().target, "dead");
    }
}

#[tokio::test]
async fn a_refusal_is_counted_in_the_journal_and_the_next_notice_goes_out() {
    let (url, mut told) = receiver(&[400, 200]).await;
    let bench = Bench::start(vec![target("ops", &url)]);
    let refused = rolled_back();
    bench.end_run(&refused);
    next(&mut told).await;
    bench.until(|records| Record::read(&records[0].1).unwrap().attempts() == 1).await;
    bench.end_run(&rolled_back());
    next(&mut told).await;
    bench.until(|records| records.len() == 1).await;
    let record = Record::read(&bench.records().await[0].1).unwrap();
    assert_eq!((record.attempts(), &record.notice), (1, &refused));
}

#[tokio::test]
async fn what_the_journal_has_is_told_after_a_start_and_keys_go_on() {
    let (url, mut told) = receiver(&[200]).await;
    let journal = Arc::new(Journal::in_memory());
    let key = u64::MAX / 2;
    let value = Some(Record::new("ops", &rolled_back()).to_bytes());
    let broken = Write { table: Table::Notices, key: 1, value: Some(b"{}".to_vec()) };
    drop(journal.write(vec![Write { table: Table::Notices, key, value }, broken]));
    let bench = Bench::with(journal, vec![target("ops", &url)]);
    bench.restore().await;
    next(&mut told).await;
    bench.until(<[_]>::is_empty).await;
    assert_eq!(bench.outbox.writes(&bench.targets, &rolled_back())[0].key, key + 1);
}

#[tokio::test]
async fn who_is_not_configured_is_not_told() {
    let bench = Bench::start(Vec::new());
    let writes = bench.outbox.writes(&[target("gone", "http://127.0.0.1:1")], &rolled_back());
    assert_eq!(writes.len(), 1);
    drop(bench.journal.write(writes.clone()));
    bench.outbox.added(&writes);
    bench.until(<[_]>::is_empty).await;
}

#[tokio::test]
async fn at_the_end_what_waits_is_tried_once_more_without_its_pause() {
    let (url, mut told) = receiver(&[503, 200]).await;
    let bench = Bench::start(vec![target("ops", &url)]);
    bench.end_run(&rolled_back());
    next(&mut told).await;
    // Nothing is due while the first try is under way.
    bench.until(|_| bench.outbox.schedule().next_due().is_some()).await;
    assert!(bench.close().await.is_empty());
    next(&mut told).await;
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_target_that_is_dead() {
    let bench = Bench::start(vec![target("dead", &nobody().await)]);
    for _ in 0..3 {
        bench.end_run(&rolled_back());
    }
    assert_eq!(bench.close().await.len(), 3);
}
