//! The subcommands. Each has a file with its arguments and its code.

pub mod check;
pub mod migrate;
pub mod replay;
pub mod scan;
pub mod schema;
pub mod serve;
pub mod token;

use carriers::Sender;

/// Returns the names of all senders, for the help of an argument.
fn known_senders() -> String {
    Sender::ALL.map(Sender::as_str).join(", ")
}
