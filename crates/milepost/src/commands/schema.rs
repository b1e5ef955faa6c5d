//! The command `milepost schema`: prints the GraphQL schema, which the repository has as `schema.graphql`.
//!
//! Called by `main`. `Err` means only that stdout cannot be written.

use std::io::{self, Write};

use anyhow::Context;

/// Prints the schema. It needs no settings and no database.
pub fn run() -> anyhow::Result<()> {
    io::stdout().write_all(api::graphql::sdl().as_bytes()).context("the output could not be written")
}
