use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::action::testing::{deploy, read};

/// A server that answers one connection after the other with these, the last one for ever; what is empty is never
/// answered. Counts connections.
async fn server(answers: &'static [&'static str]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let number = counted.fetch_add(1, Ordering::Relaxed);
            let answer = answers.get(number).or(answers.last()).unwrap();
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                if answer.is_empty() {
                    return std::future::pending().await;
                }
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (address, count)
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";

fn probe(address: SocketAddr, more: &str) -> Probe {
    let text =
        format!("{{url: 'http://{address}/health?token=secret', allowLocal: true, every: 10ms, {more}}}");
    let (probe, mistakes) = read(&text, |mut fields| Probe::read(&mut fields));
    assert_eq!(mistakes, Vec::<String>::new());
    probe.unwrap()
}

async fn passed(answers: &'static [&'static str], more: &str) -> Result<String, String> {
    let (address, _) = server(answers).await;
    let values = Values::new(&deploy("ghcr.io/acme/web", "v1.2", None), None, "d");
    let told = passes(&probe(address, more), &values, Timestamp::now()).await;
    let shorter = |told: String| told.replace(&format!("http://{address}/health"), "URL");
    told.map(shorter).map_err(shorter)
}

#[tokio::test]
async fn it_passes_once_enough_tries_in_a_row_were_good() {
    let (address, count) = server(&[BUSY, OK, BUSY, OK, OK, OK, BUSY]).await;
    let told = passes(&probe(address, "within: 1m"), &Values::none(), Timestamp::now()).await.unwrap();
    assert!(
        told.starts_with(&format!("http://{address}/health answered 200, 3 times in a row, slowest ")),
        "{told}"
    );
    assert_eq!(count.load(Ordering::Relaxed), 6, "each try connects anew");
    let told = passed(&[OK], "consecutive: 1").await.unwrap();
    assert!(told.starts_with("URL answered 200 in ") && told.ends_with(" ms"), "{told}");
}

#[tokio::test]
async fn what_the_last_bad_try_said_is_why_it_fails() {
    const MOVED: &str = "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n";
    let short = "within: 30ms, consecutive: 1";
    for (answers, more, told) in [
        (&[BUSY], "", "answered 503, where 200 is expected"),
        (&[BUSY], "expect: [200, 204]", "answered 503, where 200 or 204 is expected"),
        (&[MOVED], "", "answered 302, where 200 is expected; redirects are not followed"),
        (&[OK], "contains: '${tag}'", "answered 200, but its body lacks \"v1.2\""),
        (&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"], "contains: hello", "answered 200, but "),
        (&[""], "maxLatency: 20ms", "no answer within 20ms"),
        (
            &["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"],
            "contains: hello, maxLatency: 20ms",
            "answered 200, but ",
        ),
        (&["nonsense\r\n\r\n"], "", "invalid HTTP version parsed"),
    ] as [(&[&str; 1], _, _); 8]
    {
        let more = if more.is_empty() { short.to_owned() } else { format!("{short}, {more}") };
        let why = passed(answers, &more).await.unwrap_err();
        assert!(why.starts_with(&format!("URL is not well after 30ms: {told}")), "{more}: {why}");
    }
}

#[tokio::test]
async fn a_status_that_is_expected_may_be_a_redirect_or_an_error() {
    let told = passed(&[BUSY], "expect: [503], consecutive: 2").await.unwrap();
    assert!(told.starts_with("URL answered 503, 2 times in a row"), "{told}");
    let told = passed(&[OK], "contains: ell, consecutive: 1").await.unwrap();
    assert!(told.starts_with("URL answered 200"), "{told}");
}

#[tokio::test]
async fn only_the_beginning_of_a_body_is_looked_at() {
    let long = format!("HTTP/1.1 200 OK\r\n\r\n{}hello", "x".repeat(64 * 1024 - 4));
    let answer: &'static str = long.leak();
    let answers: &'static [&'static str] = vec![answer].leak();
    let why = passed(answers, "within: 30ms, consecutive: 1, contains: hello").await.unwrap_err();
    assert!(why.ends_with("the first 64 KiB of its body lack \"hello\""), "{why}");
}

#[tokio::test]
async fn a_name_is_connected_to_only_where_no_address_of_this_machine_comes_of_it() {
    let (address, count) = server(&[OK]).await;
    let mut probe = probe(address, "within: 30ms, consecutive: 1");
    // As if somebody's DNS said so: `localhost` is looked up by the same resolver as any name.
    probe.url = super::super::UrlTemplate::parse(&format!("http://localhost:{}/", address.port())).unwrap();
    let why = |told: Result<String, String>| told.unwrap_err();
    assert!(passes(&probe, &Values::none(), Timestamp::now()).await.is_ok(), "it is named");
    probe.allow_local = false;
    let told = why(passes(&probe, &Values::none(), Timestamp::now()).await);
    assert!(told.ends_with("localhost is at a loopback address, where no probe goes"), "{told}");
    probe.url = super::super::UrlTemplate::parse(&format!("http://{address}/")).unwrap();
    let told = why(passes(&probe, &Values::none(), Timestamp::now()).await);
    assert_eq!(told, "127.0.0.1 is a loopback address, where no probe goes");
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[test]
fn time_in_an_earlier_process_counts_but_there_is_always_some_for_a_sequence() {
    let address = "10.0.0.1:80".parse::<SocketAddr>().unwrap();
    let text = format!("url: 'http://{address}/'");
    let probe = read(&text, |mut fields| Probe::read(&mut fields)).0.unwrap();
    let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
    let left =
        |seconds: i64| time_left(&probe, now - jiff::SignedDuration::from_secs(seconds), now).as_secs();
    assert_eq!([0, 20, 30, 31, 100_000].map(left), [45, 25, 15, 15, 15]);
    assert_eq!(left(-5), 45, "the clock went back");
    let short = Probe { within: Duration::from_secs(10), ..probe };
    assert_eq!(time_left(&short, now - jiff::SignedDuration::from_hours(1), now), Duration::from_secs(10));
}
