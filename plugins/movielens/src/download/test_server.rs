//! A small http server on 127.0.0.1 for tests: answers each request as a closure says, well or badly.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: Vec<(String, String)>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// N of `Range: bytes=N-`.
    pub fn range_start(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// What happens to the connection after the bytes of a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Close,
    /// Silence until the client leaves.
    Stall,
}

/// An answer; `send` bytes of `body` are sent although `Content-Length` names all of them.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    pub send: usize,
    pub then: Then,
}

impl Reply {
    pub fn new(status: &'static str, body: &[u8]) -> Self {
        Self { status, headers: Vec::new(), body: body.to_vec(), send: body.len(), then: Then::Close }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Sends only the first bytes of the body.
    pub fn cut(mut self, send: usize, then: Then) -> Self {
        (self.send, self.then) = (send.min(self.body.len()), then);
        self
    }

    /// `file` as a server with Range and an ETag gives it.
    pub fn ranged(request: &Request, file: &[u8], etag: &str) -> Self {
        let same = request.header("if-range").is_none_or(|tag| tag == etag);
        let start = request.range_start().filter(|_| same);
        let reply = match start {
            Some(start) if start < file.len() => Reply::new("206 Partial Content", &file[start..])
                .header("Content-Range", format!("bytes {start}-{}/{}", file.len() - 1, file.len())),
            Some(_) => {
                Reply::new("416 Range Not Satisfiable", b"").header("Content-Range", format!("bytes */{}", file.len()))
            }
            None => Reply::new("200 OK", file),
        };
        reply.header("ETag", etag)
    }
}

/// The server; it ends with the process.
pub struct TestServer {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl TestServer {
    /// Serves with `answer`, which gets the number of the request (from 0) and the request.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                std::thread::spawn(move || serve(stream, answer.as_ref(), &seen));
            }
        });
        Self { address, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(stream: TcpStream, answer: &dyn Fn(usize, &Request) -> Reply, seen: &Mutex<Vec<Request>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_string();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim().split_once(": ") else { break };
        headers.push((name.to_string(), value.to_string()));
    }
    let request = Request { path, headers };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(request.clone());
        seen.len() - 1
    };
    let reply = answer(number, &request);
    let mut stream = stream;
    let mut head =
        format!("HTTP/1.1 {}\r\nConnection: close\r\nContent-Length: {}\r\n", reply.status, reply.body.len());
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
    stream.write_all(&reply.body[..reply.send]).ok()?;
    stream.flush().ok()?;
    match reply.then {
        Then::Close => {}
        // Returns when the client closes its end.
        Then::Stall => {
            let _ = reader.read(&mut [0]);
        }
    }
    Some(())
}
