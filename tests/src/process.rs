//! The program itself, as a user runs it: to its end, or as a server on a free port of this machine.
//!
//! The path comes from the test that has it: `Program::new(env!("CARGO_BIN_EXE_milepost"), …)`.

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

use crate::wait::{until, within};

/// The program with its settings. Clones can be set up differently.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    folder: PathBuf,
    settings: BTreeMap<String, String>,
    /// What starts it: a program with its arguments.
    through: Vec<String>,
}

impl Program {
    /// The program at that path, run in that folder, with no setting but a free port of this machine.
    pub fn new(path: impl Into<PathBuf>, folder: &Path) -> Self {
        let (path, folder) = (path.into(), folder.to_owned());
        let program = Self { path, folder, settings: BTreeMap::new(), through: vec![] };
        program.set("MILEPOST_LISTEN", "127.0.0.1:0")
    }

    /// With one more setting.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Started by another program, which becomes it: `["nsenter", "--mount=…"]`.
    pub fn through(mut self, starter: &[&str]) -> Self {
        self.through = starter.iter().map(|&word| word.to_owned()).collect();
        self
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        within(&format!("milepost {arguments:?}"), self.command(arguments).output()).await.expect("it runs")
    }

    /// A bearer token: `program.token(&["--role", "support"])`.
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
        // The tests' own variables are no settings, and the program says so.
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

/// A running `milepost serve`. Dropped, it is killed; if the test failed, its log is shown.
#[derive(Debug)]
pub struct Server {
    arguments: String,
    child: Child,
    log: watch::Sender<String>,
    url: String,
}

impl Server {
    /// Where it listens: `http://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        self.log.borrow().clone()
    }

    /// Waits until the log contains these words.
    pub async fn logs(&self, words: &str) {
        let mut log = self.log.subscribe();
        let logged = within(words, log.wait_for(|log| log.contains(words))).await.map(|_| ());
        logged.expect("the server has its log");
    }

    /// What `/readyz` answers, as a status.
    pub async fn readiness(&self) -> Option<u16> {
        let answer = crate::http::client().get(format!("{}/readyz", self.url)).send().await;
        answer.ok().map(|answer| answer.status().as_u16())
    }

    /// Asks it to stop, as `kill` does.
    pub async fn terminate(&self) {
        let pid = self.child.id().expect("it runs").to_string();
        let killed = Command::new("kill").args(["-TERM", &pid]).status().await.expect("kill runs");
        assert!(killed.success(), "kill -TERM {pid}");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        within("the end of a server", self.child.wait()).await.expect("a child can be waited for")
    }

    /// Asks it to stop, and waits until it has: with exit code 0.
    pub async fn stop(mut self) {
        self.terminate().await;
        assert_eq!(self.ended().await.code(), Some(0), "serve {}", self.arguments);
    }

    /// Kills it as `kill -9` does.
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

/// Keeps what a server logs, until it ends.
async fn keep(stderr: ChildStderr, log: watch::Sender<String>) {
    let mut lines = BufReader::new(stderr).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        log.send_modify(|log| {
            log.push_str(&line);
            log.push('\n');
        });
    }
}
