//! `milepost schema`: the GraphQL schema, as checked in under `schema.graphql`.

use std::io::{self, Write};

use anyhow::Context;

/// Prints the schema. Needs no settings and no database.
pub fn run() -> anyhow::Result<()> {
    io::stdout().write_all(api::graphql::sdl().as_bytes()).context("the output could not be written")
}
