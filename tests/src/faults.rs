//! Makes the database files of a program fail: failing reads, writes and syncs, a limited disk, or a loss of power.
//!
//! A small C library (`faults/shim.c`) is loaded between the program and the C library. The test compiles it: a C
//! compiler exists on every machine where Rust can link.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{process::Program, wait::until};

/// What goes wrong with the database files of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing fails.
    None,
    /// No byte can be written: `ENOSPC`.
    DiskFull,
    /// No file can be longer than this number of bytes. A write beyond it stores what fits, or fails with `ENOSPC`.
    Quota(u64),
    /// A write fails: `EIO`.
    Write,
    /// A sync fails: `EIO`.
    Sync,
    /// A read fails: `EIO`.
    Read,
    /// The file system is read-only: `EROFS`.
    ReadOnly,
}

impl Fault {
    fn word(self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::DiskFull => "full".to_owned(),
            Self::Quota(bytes) => format!("quota {bytes}"),
            Self::Write => "write".to_owned(),
            Self::Sync => "sync".to_owned(),
            Self::Read => "noread".to_owned(),
            Self::ReadOnly => "readonly".to_owned(),
        }
    }
}

/// The compiled library, and the file that controls it.
#[derive(Debug)]
pub struct Faults {
    folder: TempDir,
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}

impl Faults {
    /// Compiles the library. Nothing fails until [`Self::set`] is called.
    pub fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        let source = folder.path().join("shim.c");
        fs::write(&source, include_str!("faults/shim.c")).expect("the folder can be written");
        let faults = Self { folder };
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(faults.path("shim.so")).arg(source);
        let output = compiler.output().expect("Rust links with cc, so it is there");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::create_dir(faults.kept()).expect("the folder can be written");
        faults.set(Fault::None);
        faults
    }

    /// Makes the program load the library.
    pub fn within(&self, program: Program) -> Program {
        let text = |path: PathBuf| path.to_str().expect("paths of tests are text").to_owned();
        program
            .set("LD_PRELOAD", &text(self.path("shim.so")))
            .set("FAULT_CONTROL", &text(self.path("control")))
            .set("FAULT_KEPT", &text(self.kept()))
    }

    /// Switches to this fault.
    pub fn set(&self, fault: Fault) {
        self.say(&fault.word());
    }

    /// From now on, copies each file at each sync. These bytes are safe on the disk: a loss of power leaves at least
    /// them.
    pub fn keep(&self) {
        self.say("keep");
    }

    /// Copies into a folder the files that a loss of power at this moment would leave. It waits for a sync, so the
    /// program must be writing.
    pub async fn lose_power(&self, into: &Path) {
        self.say("freeze");
        let frozen = self.path("control.frozen");
        until("a sync that waits", async || frozen.exists().then_some(())).await;
        for file in fs::read_dir(self.kept()).expect("the folder is there") {
            let file = file.expect("the folder can be read");
            // SQLite uses a journal only while it creates the database. The copies do not follow deletions, so leave
            // it out.
            let name = file.file_name().to_string_lossy().into_owned();
            if !name.ends_with(".next") && !name.ends_with("-journal") {
                fs::copy(file.path(), into.join(file.file_name())).expect("the file can be copied");
            }
        }
        fs::remove_file(frozen).expect("the file is ours");
        self.keep();
    }

    fn kept(&self) -> PathBuf {
        self.path("kept")
    }

    fn say(&self, word: &str) {
        // Replace the file in one step, because the library can read it at any moment.
        let next = self.path("control.next");
        fs::write(&next, word).expect("the folder can be written");
        fs::rename(next, self.path("control")).expect("the folder can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
