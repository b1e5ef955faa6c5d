//! The faces: GraphQL, webhooks and pages over HTTP.

pub mod auth;
pub mod graphiql;
pub mod transport;
