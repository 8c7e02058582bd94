//! A proxy that others can reach is not used for changes: it is asked where they would ask it. Every address here is
//! one of this machine.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "test code: a broken assumption ends the test with its line"
)]

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use support::http;
use support::kube::Double;
use support::relay::Relay;
use support::stage::{Stage, push_image, push_image_only, workload};

const BINARY: &str = env!("CARGO_BIN_EXE_boathook");
const RESTART: &str = "{restart: {namespace: shop, workloads: [deployment/web]}}";

/// Loopback on Linux, and not where the double listens: it stands for the pod's address.
const POD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// The proxy, as it answers who comes from elsewhere: its filter may refuse the path, and it is there all the same.
struct Door {
    address: SocketAddr,
    closed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    /// At the port of the double; `None`, with a line, where this machine does not have that address.
    fn open(address: IpAddr, kube: &Double) -> Option<Self> {
        let port = kube.address().rsplit(':').next().unwrap().parse().unwrap();
        let address = SocketAddr::from((address, port));
        let listener = match TcpListener::bind(address) {
            Ok(listener) => listener,
            Err(error) => {
                eprintln!("skipped: nothing can listen at {address} here: {error}");
                return None;
            }
        };
        let closed = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&closed);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                let mut stream = stream.unwrap();
                // Whoever hangs up first, it has been asked.
                let _ = stream.read(&mut [0; 512]);
                let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
            }
        });
        Some(Self { address, closed, thread: Some(thread) })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

fn cluster() -> Double {
    let kube = Double::start();
    kube.apply(workload("Deployment", "shop", "web", "quay.io/acme/web:latest"));
    kube
}

fn ready(relay: &Relay) -> (u16, String) {
    let answer = http::send("GET", relay.address(), "/ready", &[], b"");
    (answer.status, answer.text())
}

/// It is seen at the start; changes wait until it is mended.
fn waits_until_mended(kube: &Double, relay: &Relay, door: Door) {
    let line = relay.wait_for_log("nothing is changed: exposed-api");
    assert!(line.contains("ERROR") && line.contains(&door.address.to_string()), "{line}");
    assert_eq!(ready(relay), (503, "exposed-api\n".to_owned()));
    push_image_only(relay, "acme/web", "latest");
    relay.wait_for_log("not sent: exposed-api: the proxy on port");
    assert!(kube.patches().is_empty());
    drop(door);
    kube.wait_for_patches(1);
    relay.wait_for_log("cannot be reached by others any more");
    assert_eq!(ready(relay), (200, "ready\n".to_owned()));
    relay.wait_for_log("outcome=succeeded");
}

#[test]
fn changes_wait_while_the_pods_address_answers() {
    let kube = cluster();
    let Some(door) = Door::open(POD, &kube) else { return };
    let setup = Stage::new(&kube.url()).on_image(RESTART).setup(BINARY);
    let relay = setup.environment("POD_IP", &POD.to_string()).start();
    waits_until_mended(&kube, &relay, door);
}

#[test]
fn the_machines_own_addresses_are_found() {
    let kube = cluster();
    // Connecting a UDP socket sends nothing, and tells the address that would be used.
    let own = UdpSocket::bind("0.0.0.0:0").and_then(|socket| {
        socket.connect("192.0.2.1:9")?;
        socket.local_addr()
    });
    let Some(own) = own.ok().map(|own| own.ip()).filter(|own| !own.is_loopback()) else {
        eprintln!("skipped: this machine has no address but loopback");
        return;
    };
    let Some(door) = Door::open(own, &kube) else { return };
    let relay = Stage::new(&kube.url()).on_image(RESTART).start(BINARY);
    waits_until_mended(&kube, &relay, door);
}

#[test]
fn who_asks_for_it_gets_it() {
    let kube = cluster();
    let Some(_door) = Door::open(POD, &kube) else { return };
    let access = format!("{{api: \"{}\", allowExposedApi: true}}", kube.url());
    let setup = Stage::new(&access).on_image(RESTART).setup(BINARY);
    let relay = setup.environment("POD_IP", &POD.to_string()).start();
    relay.wait_for_log("allowExposedApi: whoever reaches the proxy");
    push_image(&relay, "acme/web", "latest").is("succeeded", "restarted");
    assert_eq!(ready(&relay), (200, "ready\n".to_owned()));
}
