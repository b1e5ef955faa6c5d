//! The faces: GraphQL, webhooks and pages over HTTP.
//!
//! Nothing is decided here: a handler reads what came, makes one call, and answers.

pub mod auth;
mod body;
pub mod graphiql;
pub mod graphql;
mod health;
pub mod listener;
mod mailbox;
mod page;
mod router;
mod track;
pub mod transport;
mod webhooks;

pub use health::Checks;
pub use router::{Options, router, worker_router};
