//! [`Worker`]: the host's end of a child process with one plugin in it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{kill, killpg, Signal};
use nix::unistd::Pid;
use plugin_api::context::Progress;
use plugin_api::error::{Result, ResultExt};
use plugin_api::PluginError;

use super::wire::{Answer, Message, Request};
use crate::child;
use crate::plugins::registry::Texts;
use crate::terminal::terminal;

/// How often a call under way looks whether the user wants to stop.
const GLANCE: Duration = Duration::from_millis(50);
/// What a child may take to start, and to end when it is not needed any more.
const START: Duration = Duration::from_secs(30);
const END: Duration = Duration::from_secs(2);
/// Lines shown of what a child wrote before it died.
const LINES: usize = 5;

/// A child process with one plugin, as the host talks to it.
pub struct Worker {
    /// `movielens:MovielensDataLoader`.
    component: String,
    process: Child,
    requests: UnixStream,
    messages: BufReader<UnixStream>,
    /// What arrived of a message.
    line: Vec<u8>,
    output: File,
    was_told_to_stop: bool,
    ended: Option<ExitStatus>,
}

impl Worker {
    /// Starts a child and has it open the library that lies at `place`; gives what `describe` says.
    pub fn start(component: String, place: &Path) -> Result<(Self, Vec<Texts>)> {
        let mut worker = Self::spawn(component).context("it cannot be started in a process of its own")?;
        match worker.call(&Request::Open { library: place.to_owned() })? {
            Answer::Described(constructors) => Ok((worker, constructors)),
            other => Err(unexpected(&other)),
        }
    }

    fn spawn(component: String) -> Result<Self> {
        // Only this user can reach a socket in a folder of theirs; and no program that the plugin starts inherits it.
        let folder = tempfile::tempdir()?;
        let address = folder.path().join("socket");
        let listener = UnixListener::bind(&address)?;
        let output = tempfile::tempfile()?;
        let mut command = Command::new(child::this_program());
        match log::max_level() {
            log::LevelFilter::Debug | log::LevelFilter::Trace => _ = command.arg("--verbose"),
            log::LevelFilter::Off | log::LevelFilter::Error | log::LevelFilter::Warn => _ = command.arg("--quiet"),
            log::LevelFilter::Info => {}
        }
        command.args(["plugins", "isolate"]).arg(&address);
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?).process_group(0);
        let mut process = command.spawn()?;
        let stream = match accept(&listener, &mut process) {
            Ok(stream) => stream,
            Err(error) => {
                let _ = process.kill();
                let _ = process.wait();
                return Err(error.into());
            }
        };
        stream.set_read_timeout(Some(GLANCE))?;
        Ok(Self {
            component,
            process,
            requests: stream.try_clone()?,
            messages: BufReader::new(stream),
            line: Vec::new(),
            output,
            was_told_to_stop: false,
            ended: None,
        })
    }

    /// Asks, passes on what the child reports meanwhile, and gives its answer.
    pub fn call(&mut self, request: &Request) -> Result<Answer> {
        if self.ended.is_some() {
            return Err(PluginError::failed("its process has ended and answers no more calls"));
        }
        let mut line = serde_json::to_vec(request)?;
        line.push(b'\n');
        if self.requests.write_all(&line).is_err() {
            return Err(self.death(request));
        }
        loop {
            match self.message() {
                Ok(Some(Message::Done(answer))) => return Ok(answer),
                Ok(Some(Message::Failed(failure))) => return Err(failure.into()),
                Ok(Some(report)) => self.pass_on(report),
                Ok(None) => self.look_for_interrupt(),
                Err(_) => return Err(self.death(request)),
            }
        }
    }

    /// The next message; `None` if there was none for a while.
    fn message(&mut self) -> io::Result<Option<Message>> {
        match self.messages.read_until(b'\n', &mut self.line) {
            Ok(_) if self.line.ends_with(b"\n") => {
                let message = serde_json::from_slice(&self.line);
                self.line.clear();
                Ok(Some(message?))
            }
            Ok(_) => Err(ErrorKind::UnexpectedEof.into()),
            // What arrived of the line stays.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn pass_on(&mut self, report: Message) {
        match report {
            Message::Log { level, target, text } => {
                let level = log::Level::iter().find(|known| *known as u32 == level).unwrap_or(log::Level::Info);
                log::log!(target: &target, level, "{text}");
            }
            Message::Progress { task, done, total, unit, note } => {
                terminal().progress(&Progress { task, done, total, unit, note });
                self.look_for_interrupt();
            }
            Message::Done(_) | Message::Failed(_) => {}
        }
    }

    /// The child has the same handler of Ctrl-C; a second one would end it.
    fn look_for_interrupt(&mut self) {
        if crate::services::is_cancelled() && !std::mem::replace(&mut self.was_told_to_stop, true) {
            if let Err(error) = kill(pid(&self.process), Signal::SIGINT) {
                log::debug!("{} cannot be told to stop: {error}", self.component);
            }
        }
    }

    /// How it ended, for the user.
    fn death(&mut self, request: &Request) -> PluginError {
        let status = self.end();
        let how = match (status.and_then(|status| status.signal()), status.and_then(|status| status.code())) {
            (Some(signal), _) => {
                Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |name| name.to_string())
            }
            (None, Some(code)) => format!("exit code {code}"),
            (None, None) => "an unknown cause".to_owned(),
        };
        let output = child::end_of(&mut self.output).unwrap_or_default();
        let lines: Vec<_> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LINES)..].join("\n    ");
        let told =
            if last.is_empty() { "it wrote nothing".to_owned() } else { format!("its last output:\n    {last}") };
        let message = format!("its process was ended by {how} during {}; {told}", name(request));
        PluginError::failed(message).of_component(&self.component)
    }

    /// Waits a little, then kills the child with all that it started.
    fn end(&mut self) -> Option<ExitStatus> {
        if self.ended.is_some() {
            return self.ended;
        }
        let deadline = Instant::now() + END;
        let mut status = self.process.try_wait().ok().flatten();
        while status.is_none() && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
            status = self.process.try_wait().ok().flatten();
        }
        // No such group is no fault.
        let _ = killpg(pid(&self.process), Signal::SIGKILL);
        self.ended = status.or_else(|| self.process.wait().ok());
        self.ended
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends when nobody can ask any more.
        let _ = self.requests.shutdown(std::net::Shutdown::Both);
        self.end();
    }
}

/// What the user knows the call by.
fn name(request: &Request) -> &'static str {
    match request {
        Request::Open { .. } => "opening",
        Request::NewDataLoader(_) | Request::NewEvaluator(_) => "construction",
        Request::Prepare { .. } => "`prepare`",
        Request::GetData => "`get_data`",
        Request::GetTrainValTestData => "`get_train_val_test_data`",
        Request::Catalog => "`catalog`",
        Request::Fingerprint => "`fingerprint`",
        Request::Evaluate { .. } => "`evaluate`",
    }
}

pub fn unexpected(answer: &Answer) -> PluginError {
    PluginError::failed(format!("its process answered something else: {answer:?}"))
}

fn pid(process: &Child) -> Pid {
    Pid::from_raw(process.id().cast_signed())
}

/// The child's connection, unless it ends before.
fn accept(listener: &UnixListener, process: &mut Child) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + START;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if let Some(status) = process.try_wait()? {
            return Err(io::Error::other(format!("it ended before it began ({status})")));
        }
        if Instant::now() > deadline {
            return Err(io::Error::other(format!("it did not begin within {} s", START.as_secs())));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}
