//! Captures the log of a test as text.

use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::subscriber::{DefaultGuard, set_default};

/// The log of this thread, captured while this value lives.
pub struct Log {
    lines: Lines,
    _until: DefaultGuard,
}

impl Log {
    /// Begins to capture.
    pub fn listen() -> Self {
        let lines = Lines::default();
        let writer = lines.clone();
        let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { lines, _until: set_default(log) }
    }

    /// Returns the lines that contain these words.
    pub fn lines_with(&self, words: &str) -> Vec<String> {
        let bytes = self.lines.0.lock().expect("no writer has panicked").clone();
        let text = String::from_utf8(bytes).expect("logs are text");
        text.lines().filter(|line| line.contains(words)).map(str::to_owned).collect()
    }
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no writer has panicked").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
