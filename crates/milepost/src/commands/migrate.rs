//! The command `milepost migrate`: brings the database schema up to date, or with `--status` lists the migrations.
//!
//! Called by `main`. `format_table` has a heading line, and `true` in its input means applied.

use clap::Args;
use console::print_line;

use crate::{database, settings::Settings, telemetry};

/// The examples below the command's help.
pub const EXAMPLES: &str = "Examples:\n  milepost migrate\n  milepost migrate --status";

/// The arguments of `milepost migrate`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Change nothing; list the migrations and whether each was applied
    #[arg(long)]
    pub status: bool,
}

/// Applies all pending migrations. With `--status` it only lists the migrations.
pub async fn run(settings: Settings, arguments: Arguments) -> anyhow::Result<()> {
    telemetry::init(&settings)?;
    let store = database::connect(&settings).await?;
    if arguments.status {
        for line in format_table(&database::list_migrations(&store, &settings).await?) {
            print_line(line)?;
        }
    } else {
        database::migrate(&store, &settings).await?;
        print_line("the database is up to date")?;
    }
    store.close().await?;
    Ok(())
}

fn format_table(migrations: &[(String, bool)]) -> Vec<String> {
    let width = migrations.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    let line = |name: &str, state: &str| format!("{name:width$}  {state}");
    let rows =
        migrations.iter().map(|(name, applied)| line(name, if *applied { "applied" } else { "pending" }));
    [line("migration", "state")].into_iter().chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned() {
        let migrations = [("m1_tables".to_owned(), true), ("m2_more_tables".to_owned(), false)];
        assert_eq!(
            format_table(&migrations),
            ["migration       state", "m1_tables       applied", "m2_more_tables  pending"]
        );
    }
}
