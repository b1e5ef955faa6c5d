//! The background half: relay, queue, jobs and mail.

pub mod mail;
pub mod queue;
