//! Starts and stops the server that is measured: the program of the profile `dist`, in the way a user starts it.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

use crate::http::Connection;

/// The secret with which the benchmark signs FedEx webhooks.
pub const FEDEX_SECRET: &str = "bench-fedex-secret";
const JWT_SECRET: &str = "bench-only-secret-of-at-least-32-bytes";

/// The settings with which a server is started, besides its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup<'a> {
    /// The address of the database. `None`: the default, a SQLite file in the server's folder.
    pub database: Option<&'a str>,
    /// The address of Redis. `None`: queue and feed are inside the process.
    pub redis: Option<&'a str>,
    /// Further settings: names and values of environment variables.
    pub settings: &'a [(&'a str, &'a str)],
}

/// A running `milepost serve`. Dropping this ends the process.
pub struct Server {
    child: Child,
    /// The port on 127.0.0.1 on which it listens.
    pub port: u16,
    /// The value of an `Authorization` header with the role `system`.
    pub authorization: String,
    pid: u32,
}

/// Builds `milepost` with the profile `dist`, so that no old program is measured, and returns its path.
pub async fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--profile", "dist", "-p", "milepost"])
        .kill_on_drop(true)
        .status()
        .await?;
    if !built.success() {
        bail!("milepost could not be built");
    }
    let milepost = std::env::current_exe()?.with_file_name("milepost");
    if !milepost.exists() {
        bail!("{} is missing: run with `cargo run --profile dist -p bench`", milepost.display());
    }
    Ok(milepost)
}

/// A command for `milepost` that inherits no `MILEPOST_` settings from the environment.
pub fn milepost_command(milepost: &Path) -> Command {
    let mut command = Command::new(milepost);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MILEPOST_")) {
        command.env_remove(name);
    }
    command.kill_on_drop(true);
    command
}

impl Server {
    /// Starts the server and waits until it is ready. Its working folder and its log are in `folder`.
    pub async fn start(milepost: &Path, setup: Setup<'_>, folder: &Path) -> Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = folder.join("milepost.log");
        let mut command = milepost_command(milepost);
        command
            .arg("serve")
            .current_dir(folder)
            .env("MILEPOST_LISTEN", format!("127.0.0.1:{port}"))
            .env("MILEPOST_JWT_SECRET", JWT_SECRET)
            .env("MILEPOST_WEBHOOK_SECRET_FEDEX", FEDEX_SECRET)
            .stdin(Stdio::null())
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?);
        let database = setup.database.map(|url| ("MILEPOST_DATABASE_URL", url));
        let redis = setup.redis.map(|url| ("MILEPOST_REDIS_URL", url));
        command.envs(database).envs(redis).envs(setup.settings.iter().copied());
        let mut child = command.spawn().with_context(|| format!("{} does not start", milepost.display()))?;
        let pid = child.id().context("milepost ended at once")?;
        let patience = Instant::now() + Duration::from_secs(30);
        while !ready(port).await {
            if let Some(status) = child.try_wait()? {
                bail!("milepost ended ({status}): {}", std::fs::read_to_string(&log)?);
            }
            if Instant::now() > patience {
                bail!("milepost is not ready after 30 s: {}", std::fs::read_to_string(&log)?);
            }
            sleep(Duration::from_millis(50)).await;
        }
        let authorization = authorization(milepost, &["--role", "system", "--user", "bench"]).await?;
        Ok(Self { child, port, authorization, pid })
    }

    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Kills the process.
    pub async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Asks the process to stop (SIGTERM), and waits until it has ended. Fails when it ends with an error.
    pub async fn stop(mut self) -> Result<()> {
        let pid =
            i32::try_from(self.pid).ok().and_then(Pid::from_raw).context("milepost has no process id")?;
        kill_process(pid, Signal::TERM)?;
        let ended = timeout(Duration::from_secs(30), self.child.wait()).await;
        let status = ended.context("milepost does not stop")??;
        if !status.success() {
            bail!("milepost ended with {status}");
        }
        Ok(())
    }
}

async fn ready(port: u16) -> bool {
    let Ok(mut connection) = Connection::open(port).await else { return false };
    let answer = connection.send(b"GET /readyz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n").await;
    answer.is_ok_and(|answer| answer.status == 200)
}

/// The value of an `Authorization` header, with a token that `milepost token` issues for these arguments.
pub async fn authorization(milepost: &Path, whose: &[&str]) -> Result<String> {
    let output = milepost_command(milepost)
        .args(["token", "--ttl", "8h"])
        .args(whose)
        .env("MILEPOST_JWT_SECRET", JWT_SECRET)
        .output()
        .await?;
    if !output.status.success() {
        bail!("`milepost token` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(format!("Bearer {}", String::from_utf8(output.stdout)?.trim()))
}
