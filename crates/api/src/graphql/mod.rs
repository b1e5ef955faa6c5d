//! The GraphQL schema over the use cases of `app`.
//!
//! A resolver reads its arguments, makes one call, and maps the answer: nothing is decided here. The crate's `router`
//! builds the [`schema`] and hands [`request_data`] to the transports; `milepost schema` prints the [`sdl`].

mod batch_cache;
mod bodies;
mod connection;
mod cursor;
pub mod documents;
mod enums;
mod error;
mod event;
mod input;
mod item;
pub mod limits;
mod mutation;
mod node;
mod notification;
pub mod null_propagation;
mod order;
mod order_stream;
mod outcome;
mod query;
mod replay;
mod shipment;
mod subscription;
#[cfg(test)]
mod tests;
mod time;
mod transition;
mod webhook;

use std::sync::{Arc, LazyLock};

use app::{App, Caller};
use async_graphql::{SDLExportOptions, SchemaBuilder};

use crate::transport::RequestData;
use bodies::BodyBudget;
use documents::Documents;
use limits::Limits;
use mutation::Mutation;
use query::Query;
use subscription::Subscription;

/// Milepost's schema.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema over these use cases, within the [`limits`]. Its requests need what [`request_data`] adds.
pub fn schema(app: App, limits: Limits) -> Schema {
    limits::limited(builder(), limits).extension(null_propagation::NullPropagation).data(app).finish()
}

/// What reads requests for the schema. Every process reads the schema once.
pub fn documents() -> Documents {
    static DOCUMENTS: LazyLock<Documents> =
        LazyLock::new(|| Documents::new(&sdl()).expect("the schema describes itself"));
    DOCUMENTS.clone()
}

/// The schema in the schema definition language. Needs no database.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().prefer_single_line_descriptions().use_space_ident();
    builder().finish().sdl_with_options(options)
}

/// What the transports do to every operation before it runs: they put the [`Caller`], and what it may read of large
/// bodies, into its data.
pub fn request_data() -> RequestData {
    Arc::new(|request, context| {
        let request_id = Some(context.request_id.0.clone());
        let caller = Caller { actor: context.actor.clone(), request_id, email: context.email.clone() };
        request.data(caller).data(BodyBudget::default())
    })
}

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // No field returns the interface itself; its members do the work.
    Schema::build(Query, Mutation, Subscription).register_output_type::<outcome::Problem>()
}
