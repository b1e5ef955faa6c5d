//! Runs the program as a user does: a command to its end, or a server on a free port of this machine.
//!
//! Only tests of the crate `milepost` know the program's path: `Program::new(env!("CARGO_BIN_EXE_milepost"), …)`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, Command},
    sync::watch,
};

use crate::{
    signal::{Signal, send_signal},
    wait::{until, within},
};

/// The program with its settings. A clone can get other settings.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    settings: BTreeMap<String, String>,
    /// The program and arguments that start the program, if another one starts it.
    through: Vec<String>,
}

impl Program {
    /// The program at `path`, to run in `folder`. Its only setting is to listen on a free port of this machine.
    pub fn new(path: impl Into<PathBuf>, folder: &Path) -> Self {
        let (path, folder) = (path.into(), folder.to_owned());
        let program = Self { path, folder, settings: BTreeMap::new(), through: vec![] };
        program.set("MILEPOST_LISTEN", "127.0.0.1:0")
    }

    /// Adds a setting.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Starts the program through another one that executes it: `["nsenter", "--mount=…"]`.
    pub fn through(mut self, starter: &[&str]) -> Self {
        self.through = starter.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        within(&format!("milepost {arguments:?}"), self.command(arguments).output()).await.expect("it runs")
    }

    /// Creates a bearer token: `program.token(&["--role", "support"])`.
    pub async fn token(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["token"], arguments].concat()).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("a token is text").trim().to_owned()
    }

    /// Starts a server and waits until it is ready: `program.serve(&["--role", "api"])`.
    pub async fn serve(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(&[&["serve"], arguments].concat());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let log = watch::Sender::default();
        tokio::spawn(keep(child.stderr.take().expect("a pipe"), log.clone()));
        let mut server = Server { arguments: arguments.join(" "), child, log, url: String::new() };
        server.wait_until_ready().await;
        server
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.through.iter().map(AsRef::as_ref).chain([self.path.as_os_str()]);
        let mut command = Command::new(words.next().expect("the program itself"));
        command.args(words);
        // Remove the variables of the tests: the program would reject them as unknown settings.
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("MILEPOST_"))
        {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(&self.folder).envs(&self.settings);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// A running `milepost serve`. Dropping it kills the process and, if the test failed, prints the log.
#[derive(Debug)]
pub struct Server {
    arguments: String,
    child: Child,
    log: watch::Sender<String>,
    url: String,
}

impl Server {
    /// The address of the server: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The log so far.
    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// Waits until the log contains these words.
    pub async fn logs(&self, words: &str) {
        let mut log = self.log.subscribe();
        let logged = within(words, log.wait_for(|log| log.contains(words))).await.map(|_| ());
        logged.expect("the server has its log");
    }

    /// Returns the HTTP status of `/readyz`, or `None` without an answer.
    pub async fn readiness(&self) -> Option<u16> {
        let answer = crate::http::client().get(format!("{}/readyz", self.url)).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Sends SIGTERM, so that the server begins to stop.
    pub async fn terminate(&self) {
        let pid = self.child.id().expect("it runs");
        send_signal(pid, Signal::TERM).expect("the server can be signalled");
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self) -> ExitStatus {
        within("the end of a server", self.child.wait()).await.expect("a child can be waited for")
    }

    /// Stops the server and waits for its end. The exit code must be 0.
    pub async fn stop(mut self) {
        self.terminate().await;
        assert_eq!(self.ended().await.code(), Some(0), "serve {}", self.arguments);
    }

    /// Kills the process as `kill -9` does.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    async fn wait_until_ready(&mut self) {
        let (log, child) = (self.log.clone(), &mut self.child);
        self.url = until("the address in the log", async || {
            if let Some(status) = child.try_wait().expect("a child can be looked at") {
                panic!("milepost serve ended with {status}: {}", log.borrow().as_str());
            }
            let log = log.borrow();
            let text = log.split_once(" address=").map(|(_, rest)| rest);
            let json = log.split_once("\"address\":\"").map(|(_, rest)| rest);
            let address = text.or(json)?.split([' ', '"', '\n']).next()?;
            Some(format!("http://{address}"))
        })
        .await;
        until("readiness", async || (self.readiness().await == Some(200)).then_some(())).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("── log of milepost serve {}\n{}", self.arguments, self.log.borrow().as_str());
        }
    }
}

/// Collects the log of a server until the server ends.
async fn keep(stderr: ChildStderr, log: watch::Sender<String>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.send_modify(|log| {
            log.push_str(&line);
            log.push('\n');
        });
    }
}
