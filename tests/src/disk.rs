//! Creates a disk of a few megabytes in a mount namespace of its own, on machines that allow it.

use std::{path::PathBuf, process::Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

use crate::{process::Program, wait::within};

/// A mounted tmpfs. When this is dropped, the disk and all its files are gone.
#[derive(Debug)]
pub struct Disk {
    folder: TempDir,
    holder: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Disk {
    /// Mounts a disk of this size. Returns `None` if this process may not mount.
    pub async fn mount(megabytes: u32) -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        // The script runs until its standard input is closed. Each line that it reads is a new size.
        let script = "mount -t tmpfs -o size=$1m none \"$0\" && echo mounted || exit 1
                      while read size; do mount -o remount,size=${size}m \"$0\" && echo resized; done";
        let mut holder = Command::new("unshare");
        holder.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]);
        holder.arg(folder.path()).arg(megabytes.to_string());
        holder.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        // This fails if the machine has no `unshare`.
        let mut holder = holder.spawn().ok()?;
        let (orders, answers) = (holder.stdin.take()?, holder.stdout.take()?);
        let mut disk = Self { folder, holder, orders, answers: BufReader::new(answers).lines() };
        (disk.answer().await.as_deref() == Some("mounted")).then_some(disk)
    }

    /// Makes the program run in the namespace, where the disk is visible.
    pub fn seen_by(&self, program: Program) -> Program {
        let pid = self.holder.id().expect("it runs");
        let namespace =
            |name: &str| format!("--{name}=/proc/{pid}/ns/{}", if name == "mount" { "mnt" } else { name });
        program.through(&["nsenter", &namespace("user"), &namespace("mount")])
    }

    /// Returns the mount point, for the program's settings.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// Changes the size of the disk.
    pub async fn resize(&mut self, megabytes: u32) {
        self.orders.write_all(format!("{megabytes}\n").as_bytes()).await.expect("the holder reads");
        assert_eq!(self.answer().await.as_deref(), Some("resized"));
    }

    async fn answer(&mut self) -> Option<String> {
        within("an answer of the disk's holder", self.answers.next_line()).await.expect("text")
    }
}
