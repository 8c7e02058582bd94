//! A connection whose other end may take only so long: to send a head, to begin another request, to read an answer.
//! Bodies have their own clock (`body`).

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::limits::Limits;
use super::seat::{Doing, Seat};

/// A TCP connection with deadlines.
#[derive(Debug)]
pub(super) struct Timed {
    stream: TcpStream,
    seat: Arc<Seat>,
    header_time: Duration,
    keep_alive: Duration,
    answer_time: Duration,
    /// Set once the other end was waited for.
    reading: Alarm,
    writing: Alarm,
    /// When what is being written must have been taken.
    written_by: Option<Instant>,
}

impl Timed {
    pub(super) fn new(stream: TcpStream, seat: Arc<Seat>, limits: &Limits) -> Self {
        Self {
            stream,
            seat,
            header_time: limits.header_time,
            keep_alive: limits.keep_alive,
            answer_time: limits.answer_time,
            reading: Alarm::default(),
            writing: Alarm::default(),
            written_by: None,
        }
    }

    /// When the other end must have sent what it has to send now.
    fn heard_by(&self) -> Option<Instant> {
        let (doing, since) = self.seat.doing();
        let time = match doing {
            Doing::Silent | Doing::Head => self.header_time,
            Doing::Idle => self.keep_alive,
            Doing::Rest | Doing::Busy => return None,
        };
        Some(Instant::from_std(since) + time)
    }

    fn or_too_late<T>(&mut self, poll: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            return poll;
        }
        let by = *self.written_by.get_or_insert_with(|| Instant::now() + self.answer_time);
        match self.writing.poll(by, cx) {
            Poll::Ready(()) => Poll::Ready(Err(too_late("the answer is not read"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

fn too_late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl AsyncRead for Timed {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        let before = buf.filled().len();
        let poll = Pin::new(&mut me.stream).poll_read(cx, buf);
        if poll.is_ready() {
            if buf.filled().len() > before {
                me.seat.hears();
            }
            return poll;
        }
        match me.heard_by().map(|by| me.reading.poll(by, cx)) {
            Some(Poll::Ready(())) => Poll::Ready(Err(too_late("nothing more has come"))),
            _ => Poll::Pending,
        }
    }
}

impl AsyncWrite for Timed {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let poll = Pin::new(&mut me.stream).poll_write(cx, buf);
        me.or_too_late(poll, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let me = self.get_mut();
        let poll = Pin::new(&mut me.stream).poll_write_vectored(cx, bufs);
        me.or_too_late(poll, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Comes when everything has been written: a little at a time does not buy more time.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let me = self.get_mut();
        me.written_by = None;
        // hyper does not read before there is something to read: without this nothing would wake it.
        let (doing, since) = me.seat.doing();
        if matches!(doing, Doing::Idle | Doing::Rest) {
            let _ = me.reading.poll(Instant::from_std(since) + me.keep_alive, cx);
        }
        Pin::new(&mut me.stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// A timer that is set only when it must ring earlier than it is set for: deadlines mostly move away.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once this moment has come; until then the task is woken at the latest when it comes.
    fn poll(&mut self, by: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(by)));
        if sleep.deadline() > by {
            sleep.as_mut().reset(by);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= by {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(by);
        }
        Poll::Pending
    }
}
