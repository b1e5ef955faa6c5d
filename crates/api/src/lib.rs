//! The HTTP interfaces of the server: GraphQL, webhooks and HTML pages.
//!
//! This crate has no business rules. A handler reads the request, makes one call to `app`, and writes the response.

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
