//! Runs a private Redis server for a test: on a free loopback port, without files, and killed on drop. A test can kill
//! it, freeze it and start it again on the same port.

use std::{
    env,
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::time::{Instant, interval};

use crate::signal::{Signal, send_signal};

/// How long the server may take to answer its first ping.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A running `redis-server`.
pub struct Redis {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl Redis {
    /// Starts a server. If `redis-server` is not installed, prints that and returns `None`; with
    /// `MILEPOST_TEST_SERVICES=1` it panics instead.
    pub async fn start() -> Option<Self> {
        if let Err(error) = Command::new("redis-server").arg("--version").stdout(Stdio::null()).status() {
            let wanted = env::var("MILEPOST_TEST_SERVICES").is_ok_and(|value| value == "1");
            assert!(!wanted, "MILEPOST_TEST_SERVICES=1, but redis-server cannot be run: {error}");
            eprintln!("skipped: no redis-server on PATH");
            return None;
        }
        // Try several times: another test may take the port after it was chosen.
        for _ in 0..5 {
            match Self::try_start().await {
                Ok(redis) => return Some(redis),
                Err(error) => eprintln!("redis-server did not start, trying again: {error:#}"),
            }
        }
        panic!("redis-server did not start");
    }

    async fn try_start() -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let folder = tempfile::tempdir()?;
        let child = spawn(port, &folder)?;
        let mut redis = Self { child, port, folder };
        redis.wait_until_ready().await?;
        Ok(redis)
    }

    /// The URL for `MILEPOST_REDIS_URL`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Kills the server as `kill -9` does. Its data is lost.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts a killed server again, without data and on the same port.
    pub async fn restart(&mut self) -> Result<()> {
        self.child = spawn(self.port, &self.folder)?;
        self.wait_until_ready().await
    }

    /// Suspends the process: connections stay open, but nothing answers.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    /// Continues a suspended process.
    pub fn thaw(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        send_signal(self.child.id(), signal).with_context(|| format!("{signal:?} to redis-server"))
    }

    /// Sends one command on a connection of its own: `redis.command(&["DBSIZE"])`.
    pub async fn command<T: redis::FromRedisValue>(&self, command: &[&str]) -> Result<T> {
        let client = redis::Client::open(self.url())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        let (name, arguments) = command.split_first().context("an empty command")?;
        Ok(redis::cmd(name).arg(arguments).query_async(&mut connection).await?)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let until = Instant::now() + START_TIMEOUT;
        let mut tries = interval(Duration::from_millis(10));
        loop {
            tries.tick().await;
            if let Some(status) = self.child.try_wait()? {
                anyhow::bail!("redis-server ended: {status}");
            }
            match self.command::<String>(&["PING"]).await {
                Ok(_) => return Ok(()),
                Err(error) => ensure!(Instant::now() < until, "redis-server does not answer: {error:#}"),
            }
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("redis-server on port {} could not be killed: {error:#}", self.port);
        }
    }
}

fn spawn(port: u16, folder: &tempfile::TempDir) -> Result<Child> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()
        .context("redis-server")
}
