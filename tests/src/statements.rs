//! Records the statements that a store sends to its database.

use std::sync::{Arc, Mutex};

use persistence::Store;

use crate::database::Database;

/// The texts of the statements of one store.
#[derive(Clone, Default)]
pub struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Opens the database a second time, with a store whose statements are recorded.
    pub async fn record(database: &Database) -> (Store, Self) {
        let mut store = Store::connect(&database.url, 4).await.expect("the database answers");
        let statements = Self::default();
        let recorded = statements.clone();
        store.on_statement(move |sql| recorded.0.lock().expect("no panic").push(sql.to_owned()));
        (store, statements)
    }

    /// The recorded statements that are `wanted`. Forgets all of them.
    pub fn take(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let mut statements = std::mem::take(&mut *self.0.lock().expect("no panic"));
        statements.retain(|sql| wanted(sql));
        statements
    }
}
