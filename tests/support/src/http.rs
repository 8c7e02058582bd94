//! A small blocking HTTP/1.1 client over a bare socket, so that a test can send any bytes and see any answer.
//!
//! The servers under test run in other threads or processes, so blocking is right in most tests; one that serves
//! from its own runtime uses [`send_async`].

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// No answer for this long fails the test.
const PATIENCE: Duration = Duration::from_secs(60);

/// What came back.
#[derive(Clone, Debug)]
pub struct Response {
    pub status: u16,
    /// Names in lower case, in the order of arrival.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    /// The first value of a header; the name is given in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| value.as_str())
    }

    /// The body as text; what is not UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; fails the test when it is not.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("answer {} is not JSON ({error}): {}", self.status, self.text()))
    }
}

/// One request over a connection of its own. `address` is `127.0.0.1:8080`, `http://127.0.0.1:8080` or
/// `unix:///path`. Host, Content-Length and `Connection: close` are added where the caller gives none.
pub fn send(method: &str, address: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
    try_send(method, address, path, headers, body)
        .unwrap_or_else(|error| panic!("{method} {path} at {address}: {error}"))
}

/// As [`send`], with the connection's error (refused, closed without an answer) as a value.
pub fn try_send(
    method: &str,
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut connection = Connection::open(address)?;
    let mut headers = headers.to_vec();
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("connection")) {
        headers.push(("Connection", "close"));
    }
    connection.write(&request_bytes(method, path, &headers, body))?;
    connection.read_response()
}

/// As [`send`], without blocking the caller's runtime.
pub async fn send_async(
    method: &str,
    address: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let (method, address, path) = (method.to_owned(), address.to_owned(), path.to_owned());
    let headers: Vec<(String, String)> =
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let body = body.to_vec();
    tokio::task::spawn_blocking(move || {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        send(&method, &address, &path, &headers, &body)
    })
    .await
    .unwrap()
}

/// The bytes of a request, with Host and Content-Length where the caller gives none.
pub fn request_bytes(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let has = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    if !has("host") {
        head.push_str("Host: localhost\r\n");
    }
    if !has("content-length") && !has("transfer-encoding") && (!body.is_empty() || method != "GET") {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

/// A connection that stays open: several requests on it, or bytes in any order.
pub struct Connection {
    reader: BufReader<Box<dyn Stream>>,
}

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

impl Connection {
    /// Connects; see [`send`] for the forms of an address.
    pub fn open(address: &str) -> io::Result<Self> {
        let stream: Box<dyn Stream> = if let Some(path) = address.strip_prefix("unix://") {
            let stream = UnixStream::connect(path)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Box::new(stream)
        } else {
            let stream = TcpStream::connect(address.trim_start_matches("http://").trim_end_matches('/'))?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_nodelay(true)?;
            Box::new(stream)
        };
        Ok(Self { reader: BufReader::new(stream) })
    }

    /// Sends these bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)?;
        self.reader.get_mut().flush()
    }

    /// One request and its answer, the connection stays open if the server lets it.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        self.write(&request_bytes(method, path, headers, body))?;
        self.read_response()
    }

    /// Reads one answer: by Content-Length, by chunks, or until the server closes.
    pub fn read_response(&mut self) -> io::Result<Response> {
        let status_line = self.line()?;
        let status = status_line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .ok_or_else(|| broken(format!("not a status line: {status_line:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| broken(format!("not a header: {line:?}")))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut response = Response { status, headers, body: Vec::new() };
        if (100..200).contains(&status) {
            return if status == 101 { Ok(response) } else { self.read_response() };
        }
        response.body = self.body(&response)?;
        Ok(response)
    }

    fn body(&mut self, response: &Response) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        if response.header("transfer-encoding").is_some_and(|value| value.eq_ignore_ascii_case("chunked")) {
            loop {
                let line = self.line()?;
                let size = usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16)
                    .map_err(|_| broken(format!("not a chunk size: {line:?}")))?;
                let mut chunk = vec![0; size];
                self.reader.read_exact(&mut chunk)?;
                body.append(&mut chunk);
                self.line()?;
                if size == 0 {
                    return Ok(body);
                }
            }
        }
        match response.header("content-length").and_then(|value| value.parse().ok()) {
            Some(length) => {
                body = vec![0; length];
                self.reader.read_exact(&mut body)?;
            }
            None if response.status == 204 || response.status == 304 => {}
            None => {
                self.reader.read_to_end(&mut body)?;
            }
        }
        Ok(body)
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        if self.reader.read_until(b'\n', &mut line)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection was closed without an answer",
            ));
        }
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
    }
}

fn broken(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
