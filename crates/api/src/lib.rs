//! The faces: GraphQL, webhooks and pages over HTTP.

pub mod auth;
pub mod graphiql;
/// The schema and its resolvers.
pub mod graphql {
    pub mod limits;
    pub mod nulls;
}
pub mod transport;
