//! A program whose database files fail: reads, writes and syncs that do not succeed, a disk of a fixed size, a loss of
//! power.
//!
//! A small library in C stands between the program and the C library (`faults/shim.c`). It is compiled by the test:
//! a C compiler is there wherever Rust links.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::{process::Program, wait::until};

/// What happens to the database files of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// All is well.
    None,
    /// No byte can be written: `ENOSPC`.
    DiskFull,
    /// No file can have more bytes than that: `ENOSPC`. What fits is written.
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

/// The library, and what it is told.
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
    /// Compiles the library. At first nothing fails.
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

    /// The program with the library.
    pub fn within(&self, program: Program) -> Program {
        let text = |path: PathBuf| path.to_str().expect("paths of tests are text").to_owned();
        program
            .set("LD_PRELOAD", &text(self.path("shim.so")))
            .set("FAULT_CONTROL", &text(self.path("control")))
            .set("FAULT_KEPT", &text(self.kept()))
    }

    /// From now on this happens.
    pub fn set(&self, fault: Fault) {
        self.say(&fault.word());
    }

    /// From now on what the disk holds for certain is kept: of each file the bytes at its latest sync. That is what a
    /// loss of power leaves at least.
    pub fn keep(&self) {
        self.say("keep");
    }

    /// Copies what a loss of power at this moment would leave into a folder. Something must be writing.
    pub async fn lose_power(&self, into: &Path) {
        self.say("freeze");
        let frozen = self.path("control.frozen");
        until("a sync that waits", async || frozen.exists().then_some(())).await;
        for file in fs::read_dir(self.kept()).expect("the folder is there") {
            let file = file.expect("the folder can be read");
            // A journal is there only while the file is made; its deletion is not kept.
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
        // Under its name whole or not at all: it is read at any moment.
        let next = self.path("control.next");
        fs::write(&next, word).expect("the folder can be written");
        fs::rename(next, self.path("control")).expect("the folder can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}
