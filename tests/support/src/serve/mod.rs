//! A small HTTP server for the doubles: on a thread with a runtime of its own, so that blocking tests can use it;
//! it can go away and come back on the same address, and it can break an answer on purpose.

mod connection;
mod listener;
mod message;

pub use listener::Bind;
pub use message::{Answer, Handler, Reply, Request, handler};

use connection::serve;
use listener::Listener;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

/// A running server; it ends when it goes out of scope.
pub struct Server {
    address: String,
    commands: UnboundedSender<Command>,
    thread: Option<JoinHandle<()>>,
}

enum Command {
    Stop(mpsc::Sender<()>),
    Start(mpsc::Sender<()>),
    End,
}

impl Server {
    /// Starts it and returns once it listens.
    pub fn start(bind: Bind, handler: Handler) -> Self {
        let (commands, receiver) = unbounded_channel();
        let (report, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(run(bind, handler, receiver, &report));
        });
        let address = address.recv().expect("the double's thread ended before it listened");
        Self { address, commands, thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`, or the socket's path.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Goes away: every connection is cut, new ones are refused. The port stays reserved.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    /// Comes back on the same address.
    pub fn restart(&self) {
        self.tell(Command::Start);
    }

    fn tell(&self, command: fn(mpsc::Sender<()>) -> Command) {
        let (done, wait) = mpsc::channel();
        assert!(self.commands.send(command(done)).is_ok(), "the double's thread has ended");
        wait.recv().expect("the double's thread ended");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn run(
    bind: Bind,
    handler: Handler,
    mut commands: UnboundedReceiver<Command>,
    report: &mpsc::Sender<String>,
) {
    let mut listener = Listener::open(&bind);
    let address = listener.address();
    report.send(address.clone()).unwrap();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Stop(done)) => {
                    connections.shutdown().await;
                    listener = listener.close(&address);
                    done.send(()).unwrap();
                }
                Some(Command::Start(done)) => {
                    listener = listener.reopen(&bind);
                    done.send(()).unwrap();
                }
                Some(Command::End) | None => return,
            },
            accepted = listener.accept() => {
                connections.spawn(serve(accepted, bind.clone(), Arc::clone(&handler)));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}
