//! `milepost schema`: the GraphQL schema, as checked in under `schema.graphql`.

/// Prints the schema.
pub fn run() -> anyhow::Result<()> {
    anyhow::bail!("not there yet")
}
